/* DOC: calls to the control plane; see wire.h. */
#include "agent/wire.h"

#include "codec/envelope.h"
#include "codec/json.h"

#define ANSWER_MAX (64 * 1024)

static void retarget(struct wire *w)
{
	http_target_done(&w->target);
	w->target = (struct http_target){.base = mem_strdup(w->identity->url)};
	strs_copy(&w->target.pins, &w->identity->pins);
	w->carrier.target(w->carrier.ctx, &w->target, buf_str(&w->bearer));
}

void wire_init(struct wire *w, struct identity *identity, const struct wire_carrier *carrier)
{
	*w = (struct wire){.identity = identity, .carrier = *carrier};
	identity_bearer(identity, &w->bearer);
	retarget(w);
}

void wire_done(struct wire *w)
{
	http_target_done(&w->target);
	buf_wipe(&w->bearer);
	*w = (struct wire){0};
}

static char *node_path(const struct wire *w, const char *suffix)
{
	return mem_printf("/v1/nodes/%s%s", w->identity->node, suffix);
}

struct wire_call *wire_send(struct wire *w, const char *method, const char *suffix,
	const char *const *headers, const struct buf *body, wire_fn done, void *arg)
{
	AUTOFREE char *path = node_path(w, suffix);
	const struct wire_request rq = {
		.method = method, .path = path, .headers = headers, .body = body};

	return w->carrier.send(w->carrier.ctx, &rq, done, arg);
}

struct wire_call *wire_events(
	struct wire *w, const char *last_id, msec dead_after, const struct http_events *handlers)
{
	AUTOFREE char *path = node_path(w, "/events");

	return w->carrier.events(w->carrier.ctx, path, last_id, dead_after, handlers);
}

void wire_cancel(struct wire *w, struct wire_call *call)
{
	w->carrier.cancel(w->carrier.ctx, call);
}

void wire_verdict(struct wire *w, enum wire_verdict v)
{
	w->carrier.verdict(w->carrier.ctx, v);
}

/* --- pins ------------------------------------------------------------------------------------- */

/* {"status":"ok","pins":{...}} -> pins that the root has signed. */
static int read_pins(
	const struct buf *body, const struct public_key *root, struct pins *ret, struct err *e)
{
	struct json_doc *doc = json_parse(buf_str(body), body->len, ANSWER_MAX, e);
	CLEANUP(buf_done) struct buf text = {0};
	struct pins p = {0};
	int rc = 0;

	if (doc == NULL)
		return ERR_INVALID;
	if (json_get(json_root(doc), "pins") == NULL)
		rc = err_set(e, ERR_INVALID, "the control plane's answer holds no pins");
	else
		json_text(json_get(json_root(doc), "pins"), &text);
	json_free(doc);
	if (rc == 0)
		rc = pins_read(buf_str(&text), text.len, &p, e);
	if (rc < 0)
		return rc;
	rc = pins_check(&p, root, e);
	if (rc == 0 && p.pins.n == 0)
		rc = err_set(e, ERR_INVALID, "the control plane names no TLS key");
	if (rc < 0) {
		pins_done(&p);
		return rc;
	}
	*ret = p;
	return 0;
}

static void take(struct identity *id, struct pins *p, msec now)
{
	strs_done(&id->pins);
	strs_copy(&id->pins, &p->pins);
	identity_new_signing(id, &p->signing_current, now);
	mem_free(id->pins_at);
	id->pins_at = mem_strdup(p->issued_at);
}

static bool older(const char *a, const char *b)
{
	msec x, y;

	return clock_parse(a, &x) == 0 && clock_parse(b, &y) == 0 && x < y;
}

int wire_take_pins(struct wire *w, const struct http_response *r, msec now, struct err *e)
{
	struct identity *id = w->identity;
	struct pins p = {0};
	bool news;
	int rc;

	if (r->status != 200)
		return wire_problem(r, "pins", e);
	rc = read_pins(&r->body, &id->root, &p, e);
	if (rc < 0)
		return rc;
	if (older(p.issued_at, id->pins_at)) {
		pins_done(&p);
		return err_set(e, ERR_CORRUPT, "the pins are older than those already known");
	}
	news = !strs_equal(&p.pins, &id->pins) ||
		!public_key_equal(&p.signing_current, &id->signing);
	if (news) {
		take(id, &p, now);
		retarget(w);
		rc = identity_save(id, e);
	}
	pins_done(&p);
	return rc;
}

struct wire_call *wire_ask_pins(struct wire *w, wire_fn done, void *arg)
{
	const struct wire_request rq = {.method = "GET", .path = "/healthz", .insecure = true};

	return w->carrier.send(w->carrier.ctx, &rq, done, arg);
}

int wire_learn_pins(
	const char *url, const struct public_key *root, struct identity *ret, struct err *e)
{
	AUTOFREE char *base = mem_strdup(url);
	struct http_target t = {.base = base, .insecure = true};
	struct http_send send = {.method = "GET", .path = "/healthz"};
	struct http_response r = {0};
	struct pins p = {0};
	int rc = http_call_wait(&t, &send, &r, e);

	if (rc < 0)
		return err_prefix(e, "asking %.128s who it is", url);
	if (r.status != 200)
		rc = wire_problem(&r, "pins", e);
	else
		rc = read_pins(&r.body, root, &p, e);
	http_response_done(&r);
	if (rc < 0)
		return err_prefix(e, "%.128s is not the control plane of this token", url);
	take(ret, &p, clock_wall(&clock_real));
	ret->root = *root;
	ret->url = mem_strdup(url);
	pins_done(&p);
	return 0;
}

int wire_problem(const struct http_response *r, const char *what, struct err *e)
{
	struct json_doc *doc = r->body.len == 0
		? NULL
		: json_parse(buf_str(&r->body), r->body.len, ANSWER_MAX, NULL);
	const char *detail = doc == NULL ? NULL : json_str(json_root(doc), "detail");
	int code = r->status == 401                    ? ERR_UNAUTHORIZED
		: r->status == 409                     ? ERR_EXISTS
		: r->status == 404                     ? ERR_NOT_FOUND
		: r->status >= 500 || r->status == 429 ? ERR_UNAVAILABLE
						       : ERR_INVALID;

	if (detail != NULL)
		err_set(e, code, "%s: %.256s", what, detail);
	else
		err_set(e, code, "%s: the control plane answered %d", what, r->status);
	json_free(doc);
	return code;
}
