/* DOC: the door for events and states; see events.h. */
#include "agent/events.h"

#include "base/log.h"
#include "base/text.h"
#include "codec/envelope.h"
#include "codec/state.h"
#include "crypto/hash.h"
#include "model/feature.h"

#include <stdio.h>

/* An event whose envelope has been verified. */
struct event {
	const char *type;
	uint64_t previous; /* from the nonce */
	uint64_t revision; /* the event id */
	const struct json *payload;
};

/* "NODE:PREVIOUS:RANDOM" */
static int read_nonce(const struct core *c, const char *nonce, uint64_t *ret, struct err *e)
{
	size_t node = strlen(c->identity->node), digits;
	char number[24];

	if (strncmp(nonce, c->identity->node, node) != 0 || nonce[node] != ':')
		return err_field(e, ERR_DENIED, "nonce", "the event is for another node");
	digits = strcspn(nonce + node + 1, ":");
	if (digits >= sizeof(number) || nonce[node + 1 + digits] != ':')
		return err_field(e, ERR_INVALID, "nonce", "the event's nonce is malformed");
	snprintf(number, sizeof(number), "%.*s", (int)digits, nonce + node + 1);
	if (text_u64(number, UINT64_MAX, ret) < 0)
		return err_field(e, ERR_INVALID, "nonce", "the event's nonce is malformed");
	return 0;
}

/* --- handlers: bits or an error --------------------------------------------------------------- */

/* A part that is, or has to be, closed: only a whole state says which. */
static bool closes_parts(const struct core *c, const struct delta *d)
{
	if (c->lacks.n > 0)
		return true;
	VEC_FOREACH (entry, &d->requires)
		if (!feature_known(*entry))
			return true;
	return false;
}

static int take_delta(struct core *c, const struct event *ev, struct err *e)
{
	struct delta d = {0};
	int rc;

	if (ev->revision <= core_revision(c))
		return 0; /* a duplicate, or replayed */
	if (json_bool(ev->payload, "refetch", false) || ev->previous != core_revision(c))
		return EVENT_FETCH;
	rc = delta_read(ev->payload, &d, e);
	if (rc < 0)
		return rc;
	if (d.previous != ev->previous || d.revision != ev->revision || d.previous == 0) {
		delta_done(&d);
		return err_set(e, ERR_INVALID, "the event's payload and nonce do not agree");
	}
	rc = closes_parts(c, &d) ? EVENT_FETCH : EVENT_FLUSH;
	if (rc == EVENT_FLUSH)
		core_queue(c, &d);
	delta_done(&d);
	return rc;
}

static int take_rotate_keys(struct core *c, const struct event *ev, struct err *e)
{
	if (ev->previous != core_revision(c))
		return 0; /* an old request, replayed */
	return EVENT_ROTATE_KEYS;
}

/* Pins carry the signing key under the root's signature, so the event is only a hint to look: who
 * has an old key cannot hand over to one of their own. A key of another length is no hint (P-15).
 */
static int take_signing_key(struct core *c, const struct event *ev, struct err *e)
{
	const struct json *keys = json_get(ev->payload, "signing_keys");
	const char *text = keys == NULL ? NULL : json_str(keys, "current");
	struct public_key key;

	if (text == NULL)
		return err_field(e, ERR_INVALID, "signing_keys", "the event names no signing key");
	if (key_parse_public(text, "signing_keys.current", &key, e) < 0)
		return ERR_INVALID;
	return public_key_equal(&key, &c->identity->signing) ? 0 : EVENT_PINS;
}

static const struct handler {
	const char *type;
	int (*fn)(struct core *c, const struct event *ev, struct err *e);
} handlers[] = {
	{"peer_added", take_delta},
	{"peer_removed", take_delta},
	{"peer_key_rotated", take_delta},
	{"peer_endpoint_changed", take_delta},
	{"policy_updated", take_delta},
	{"node_state_updated", take_delta},
	{"rotate_keys", take_rotate_keys},
	{"signing_key_rotated", take_signing_key},
};

/* All handlers of the type, in order; an error in one does not stop the next. */
static int dispatch(struct core *c, const struct event *ev, struct err *e)
{
	int bits = 0, failed = 0;
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
		int rc;

		if (strcmp(handlers[i].type, ev->type) != 0)
			continue;
		known = true;
		rc = handlers[i].fn(c, ev, e);
		if (rc < 0)
			failed = rc;
		else
			bits |= rc;
	}
	if (!known)
		log_debug("unknown event ignored", LOG_KV_STR("type", ev->type));
	return failed < 0 ? failed : bits;
}

static int take_envelope(struct core *c, const struct envelope *v, struct err *e)
{
	struct event ev = {.type = v->event_type};
	struct json_doc *doc;
	int rc = envelope_check(v, &c->identity->signing,
		identity_previous_signing(c->identity, clock_wall(c->clock)), e);

	if (rc < 0)
		return rc;
	rc = read_nonce(c, v->nonce, &ev.previous, e);
	if (rc < 0)
		return rc;
	if (text_u64(v->event_id, UINT64_MAX, &ev.revision) < 0)
		return err_field(e, ERR_INVALID, "event_id", "the event's id is not a revision");
	doc = json_parse(v->payload, strlen(v->payload), EVENT_MAX, e);
	if (doc == NULL)
		return ERR_INVALID;
	ev.payload = json_root(doc);
	rc = dispatch(c, &ev, e);
	json_free(doc);
	return rc;
}

int events_take(struct core *c, const char *text, size_t n, struct err *e)
{
	struct envelope v = {0};
	int rc = envelope_read(text, n, EVENT_MAX, &v, e);

	if (rc < 0)
		return rc;
	rc = take_envelope(c, &v, e);
	envelope_done(&v);
	return rc;
}

/* --- state ------------------------------------------------------------------------------------ */

static int check_head(
	const struct core *c, const struct state_head *h, const char *nonce, struct err *e)
{
	const struct public_key *previous =
		identity_previous_signing(c->identity, clock_wall(c->clock));
	int rc = state_head_check(h, &c->identity->signing, e);

	if (rc < 0 && previous != NULL)
		rc = state_head_check(h, previous, e);
	if (rc < 0)
		return rc;
	if (strcmp(h->node, c->identity->node) != 0)
		return err_set(e, ERR_CORRUPT, "the state is for another node");
	if (strcmp(h->nonce, nonce) != 0)
		return err_set(e, ERR_CORRUPT, "the state answers another request");
	return 0;
}

static int take_body(
	struct core *c, const char *body, size_t n, const struct state_head *h, struct err *e)
{
	char sum[HASH_HEX_LEN];
	struct state s = {0};
	int rc;

	if (strcmp(hash_sha256_hex(body, n, sum), h->sha256) != 0)
		return err_set(e, ERR_CORRUPT, "the state is not the one that was signed");
	rc = state_read(body, n, &s, e);
	if (rc < 0)
		return rc;
	if (strcmp(s.node, h->node) != 0 || s.revision != h->revision || s.revision == 0) {
		state_done(&s);
		return err_set(e, ERR_CORRUPT, "the state and its signed head do not agree");
	}
	core_replace(c, &s);
	return 0;
}

int events_take_state(struct core *c, const char *body, size_t n, const char *head,
	const char *nonce, struct err *e)
{
	struct state_head h = {0};
	int rc;

	if (head == NULL)
		return err_set(e, ERR_CORRUPT, "the state came without a signed head");
	rc = state_head_read(head, &h, e);
	if (rc == 0)
		rc = check_head(c, &h, nonce, e);
	if (rc == 0 && body != NULL)
		rc = take_body(c, body, n, &h, e);
	else if (rc == 0 && h.revision != core_revision(c))
		rc = err_set(
			e, ERR_STALE, "the control plane says unchanged about another revision");
	state_head_done(&h);
	return rc;
}
