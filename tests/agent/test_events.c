/* DOC: the door: what is signed, for us and in order gets in; nothing else changes anything. */
#include "fake.h"

#include "agent/events.h"
#include "codec/envelope.h"
#include "codec/state.h"
#include "crypto/hash.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static int setup(void **state)
{
	struct world *w = NEW(struct world);
	struct core_corrections none = {0};
	struct state s;

	world_init(w);
	state_base(&s, 1);
	core_replace(&w->core, &s);
	assert_int_equal(core_reconcile(&w->core, &none, NULL), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_done(*state);
	mem_free(*state);
	return 0;
}

/* A signed event of one delta; node and signer can be others'. */
static void event(struct world *w, const struct secret *signer, const char *node, const char *type,
	struct delta *d, const char *payload, struct buf *out)
{
	struct buf text = {0};
	struct envelope v = {.event_type = mem_strdup(type),
		.event_id = mem_printf("%" PRIu64, d->revision),
		.issued_at = mem_strdup("2026-01-01T00:00:00Z"),
		.nonce = mem_printf("%s:%" PRIu64 ":abc", node, d->previous)};
	struct err e = {0};

	if (payload == NULL)
		delta_write(&text, d);
	else
		buf_adds(&text, payload);
	v.payload = buf_take(&text);
	if (envelope_sign(&v, signer, &e) < 0 || envelope_write(&v, out) < 0)
		fail_msg("%s", e.text);
	envelope_done(&v);
}

static int take(struct world *w, const struct buf *text)
{
	struct err e = {0};

	return events_take(&w->core, text->data, text->len, &e);
}

static void peer_event(struct world *w, uint64_t previous, unsigned peer, struct buf *out)
{
	struct delta d = {.previous = previous, .revision = previous + 1};

	VEC_PUSH(&d.put, peer_make(peer, peer));
	event(w, &w->signing, NODE, "peer_added", &d, NULL, out);
	delta_done(&d);
}

static void in_order(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_done) struct buf one = {0}, two = {0}, three = {0};
	struct core_corrections none = {0};

	peer_event(w, 1, 1, &one);
	peer_event(w, 2, 2, &two);
	peer_event(w, 3, 3, &three);
	assert_int_equal(take(w, &one), EVENT_FLUSH);
	assert_int_equal(take(w, &one), 0);             /* replayed before it is applied */
	assert_int_equal(take(w, &three), EVENT_FETCH); /* one is missing */
	assert_int_equal(take(w, &two), EVENT_FLUSH);
	core_flush(&w->core);
	assert_int_equal(w->core.desired.revision, 3);
	assert_int_equal(take(w, &one), 0); /* and long after */
	assert_int_equal(take(w, &two), 0);
	assert_int_equal(peer_index_count(&w->core.peers), 2);
	world_restart(w);
	assert_int_equal(core_reconcile(&w->core, &none, NULL), 0);
	assert_int_equal(take(w, &two), 0); /* P-6: nor after a restart */
	assert_int_equal(take(w, &three), EVENT_FLUSH);
	assert_converged(w);
}

static void forged(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_done) struct buf bad = {0}, other = {0}, good = {0};
	struct delta d = {.previous = 1, .revision = 2};
	struct secret stranger = {{7}};

	VEC_PUSH(&d.put, peer_make(9, 9));
	event(w, &stranger, NODE, "peer_added", &d, NULL, &bad);
	event(w, &w->signing, "node_00000000000000000000000000000002", "peer_added", &d, NULL,
		&other);
	event(w, &w->signing, NODE, "peer_added", &d, NULL, &good);
	assert_int_equal(take(w, &bad), ERR_CORRUPT);
	assert_int_equal(take(w, &other), ERR_DENIED);
	assert_int_equal(core_revision(&w->core), 1);
	/* a forged event burns nothing: the real one still gets in */
	assert_int_equal(take(w, &good), EVENT_FLUSH);
	good.data[good.len / 2] ^= 1;
	assert_true(take(w, &good) < 0);
	delta_done(&d);
}

static void payload_and_nonce_agree(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_done) struct buf text = {0};
	struct delta d = {.previous = 1, .revision = 2};

	event(w, &w->signing, NODE, "peer_added", &d,
		"{\"previous\":0,\"revision\":2,\"networks\":[]}", &text);
	assert_int_equal(take(w, &text), ERR_INVALID);
	assert_int_equal(core_revision(&w->core), 1);
}

static void other_types(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_done) struct buf unknown = {0}, rotate = {0}, stale = {0}, refetch = {0};
	struct delta d = {.previous = 1, .revision = 2}, old = {.previous = 0, .revision = 1};

	event(w, &w->signing, NODE, "action_request", &d, "{}", &unknown);
	event(w, &w->signing, NODE, "rotate_keys", &d, "{}", &rotate);
	event(w, &w->signing, NODE, "rotate_keys", &old, "{}", &stale);
	event(w, &w->signing, NODE, "node_state_updated", &d, "{\"refetch\":true}", &refetch);
	assert_int_equal(take(w, &unknown), 0);
	assert_int_equal(take(w, &rotate), EVENT_ROTATE_KEYS);
	assert_int_equal(take(w, &stale), 0);
	assert_int_equal(take(w, &refetch), EVENT_FETCH);
}

/* A new signing key: the old one is taken for a day, also after a restart, and no longer. */
static void previous_signing_key(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_done) struct buf one = {0}, two = {0}, three = {0};
	CLEANUP(identity_done) struct identity stored = {0};
	struct delta d = {.previous = 1, .revision = 2};
	struct secret next = {{6}}, stranger = {{7}};
	struct public_key key;
	struct err e = {0};

	sign_public(&next, &key);
	event(w, &w->signing, NODE, "peer_added", &d, "{\"refetch\":true}", &one);
	event(w, &next, NODE, "peer_added", &d, "{\"refetch\":true}", &two);
	event(w, &stranger, NODE, "peer_added", &d, "{\"refetch\":true}", &three);
	assert_int_equal(take(w, &two), ERR_CORRUPT);
	identity_new_signing(&w->identity, &key, clock_wall(&w->clock));
	assert_int_equal(identity_save(&w->identity, &e), 0);
	assert_int_equal(take(w, &one), EVENT_FETCH);
	assert_int_equal(take(w, &two), EVENT_FETCH);
	assert_int_equal(take(w, &three), ERR_CORRUPT);
	assert_int_equal(identity_load(w->dir, &stored, &e), 0);
	assert_non_null(identity_previous_signing(&stored, clock_wall(&w->clock)));
	assert_true(public_key_equal(&stored.signing, &key));
	w->clock.fake_wall += IDENTITY_OVERLAP - 1;
	assert_int_equal(take(w, &one), EVENT_FETCH);
	w->clock.fake_wall += 2;
	assert_int_equal(take(w, &one), ERR_CORRUPT);
	assert_int_equal(take(w, &two), EVENT_FETCH);
	w->clock.fake_wall -= 10 * IDENTITY_OVERLAP; /* a clock that is set back revives nothing */
	assert_int_equal(take(w, &one), ERR_CORRUPT);
}

/* Announced keys are looked at, not believed: the root has the last word. P-15: any length. */
static void announced_signing_key(void **state)
{
	static const struct {
		const char *payload;
		int result;
	} table[] = {
		{"{}", ERR_INVALID},
		{"{\"new_signing_public_key\":\"x\"}", ERR_INVALID},
		{"{\"signing_keys\":{\"current\":\"\"}}", ERR_INVALID},
		{"{\"signing_keys\":{\"current\":\"AAAA\"}}", ERR_INVALID},
		{"{\"signing_keys\":{\"current\":7}}", ERR_INVALID},
		{"{\"signing_keys\":[]}", ERR_INVALID},
		{"{\"signing_keys\":{\"current\":\"YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI=\"}}",
			EVENT_PINS},
	};
	struct world *w = *state;
	struct public_key before = w->identity.signing;
	struct delta d = {.previous = 1, .revision = 1};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		CLEANUP(buf_done) struct buf text = {0};

		event(w, &w->signing, NODE, "signing_key_rotated", &d, table[i].payload, &text);
		assert_int_equal(take(w, &text), table[i].result);
		assert_true(public_key_equal(&w->identity.signing, &before));
	}
}

/* A signed head over some bytes; h's strings are borrowed. */
static void head(struct world *w, const char *node, uint64_t revision, const char *nonce,
	const struct buf *body, struct buf *out)
{
	struct state_head h = {.node = mem_strdup(node),
		.revision = revision,
		.issued_at = mem_strdup("2026-01-01T00:00:00Z"),
		.nonce = mem_strdup(nonce)};

	hash_sha256_hex(body->data, body->len, h.sha256);
	state_head_sign(&h, &w->signing);
	state_head_write(&h, out);
	state_head_done(&h);
}

static void states(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_done) struct buf body = {0}, good = {0}, other = {0}, late = {0};
	struct state s;
	struct err e = {0};

	state_base(&s, 8);
	state_put(&s, peer_make(1, 1));
	state_write(&body, &s);
	state_done(&s);
	head(w, NODE, 8, "n1", &body, &good);
	head(w, "node_00000000000000000000000000000002", 8, "n1", &body, &other);
	head(w, NODE, 9, "n1", &body, &late);
	assert_int_equal(
		events_take_state(&w->core, body.data, body.len, NULL, "n1", &e), ERR_CORRUPT);
	assert_int_equal(events_take_state(&w->core, body.data, body.len, buf_str(&good), "n2", &e),
		ERR_CORRUPT); /* an answer to another request: replayed */
	assert_int_equal(
		events_take_state(&w->core, body.data, body.len, buf_str(&other), "n1", &e),
		ERR_CORRUPT);
	assert_int_equal(events_take_state(&w->core, body.data, body.len, buf_str(&late), "n1", &e),
		ERR_CORRUPT);
	assert_int_equal(
		events_take_state(&w->core, body.data, body.len - 1, buf_str(&good), "n1", &e),
		ERR_CORRUPT); /* wrong sha */
	assert_int_equal(core_revision(&w->core), 1);
	if (events_take_state(&w->core, body.data, body.len, buf_str(&good), "n1", &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(core_revision(&w->core), 8);
	assert_int_equal(events_take_state(&w->core, NULL, 0, buf_str(&good), "n1", &e), 0);
	assert_int_equal(events_take_state(&w->core, NULL, 0, buf_str(&late), "n1", &e), ERR_STALE);
	assert_converged(w);
}

/* A state that requires what this agent does not have, and what holds then. */
static void needy(struct world *w, uint64_t revision, const char *const *requires)
{
	CLEANUP(buf_done) struct buf body = {0}, line = {0};
	struct state s;
	struct err e = {0};
	struct item *route;

	state_base(&s, revision);
	state_put(&s, peer_make(1, 1));
	state_put(&s, peer_make(2, 2));
	route = route_make(1);
	state_put(&s, route);
	for (; *requires != NULL; requires ++)
		strs_push(&s.requires, *requires);
	state_write(&body, &s);
	state_done(&s);
	head(w, NODE, revision, "n", &body, &line);
	if (events_take_state(&w->core, body.data, body.len, buf_str(&line), "n", &e) < 0)
		fail_msg("%s", e.text);
}

static void assert_open(struct world *w, bool open)
{
	struct core_corrections none = {0};
	struct wg_device d = {0};
	struct err e = {0};
	unsigned writes = 0;

	core_settle(&w->core); /* hosts */
	/* now, and by a reconcile nothing changes */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(w->fake.wg->ops->read(w->fake.wg, "warren0", &d, &e), 0);
		assert_int_equal(d.peers.n, open ? 2 : 0);
		assert_int_equal(w->fake.routes.n, open ? 1 : 0);
		assert_int_equal(w->fake.firewalls.n, 1); /* closed, not open */
		assert_int_equal(peer_index_count(&w->core.peers), open ? 2 : 0);
		wg_device_done(&d);
		assert_true(i == 0 || w->fake.writes == writes);
		writes = w->fake.writes;
		assert_int_equal(core_reconcile(&w->core, &none, &e), 0);
		assert_int_equal(none.n, 0);
	}
}

/* Spec 1: what an agent does not know how to do stays shut, all else works. */
static void lacking(void **state)
{
	static const char *const none[] = {NULL}, *const has[] = {"exits@" NET, NULL},
				 *const all[] = {"teleport", NULL},
				 *const here[] = {"exits@" NET, "teleport@" NET, NULL},
				 *const there[] = {"teleport@net_2", NULL},
				 *const hosts[] = {"teleport@" NET ":host", NULL};
	struct world *w = *state;
	CLEANUP(buf_done) struct buf event_text = {0}, asks = {0};
	struct delta d = {.previous = 8, .revision = 9};
	struct core_corrections nothing = {0};

	needy(w, 2, none);
	assert_open(w, true);
	assert_null(w->core.error);
	needy(w, 3, all);
	assert_open(w, false);
	assert_non_null(strstr(w->core.error, "teleport"));
	needy(w, 4, has);
	assert_open(w, true);
	assert_null(w->core.error);
	needy(w, 5, here);
	assert_open(w, false);
	assert_non_null(strstr(w->core.error, "teleport@" NET));
	assert_null(strstr(w->core.error, "exits"));
	world_restart(w); /* the cache opens nothing */
	assert_int_equal(core_reconcile(&w->core, &nothing, NULL), 0);
	assert_open(w, false);
	needy(w, 6, there);
	assert_open(w, true);
	assert_non_null(w->core.error);
	needy(w, 7, hosts);
	assert_open(w, true);
	/* at the same revision: the agent or the control plane is another version now */
	needy(w, 7, here);
	assert_open(w, false);
	needy(w, 7, none);
	assert_open(w, true);
	/* while a part is closed a delta cannot tell which: the whole state is fetched */
	needy(w, 8, here);
	peer_event(w, 8, 3, &event_text);
	assert_int_equal(take(w, &event_text), EVENT_FETCH);
	assert_int_equal(core_revision(&w->core), 8);
	needy(w, 8, none);
	strs_push(&d.requires, "teleport@" NET);
	VEC_PUSH(&d.put, peer_make(3, 3));
	event(w, &w->signing, NODE, "node_state_updated", &d, NULL, &asks);
	assert_int_equal(take(w, &asks), EVENT_FETCH);
	assert_open(w, true);
	/* what it has is no hindrance, and is remembered for whoever runs here next */
	strs_done(&d.requires);
	strs_push(&d.requires, "limits@" NET);
	buf_done(&asks);
	event(w, &w->signing, NODE, "node_state_updated", &d, NULL, &asks);
	assert_int_equal(take(w, &asks), EVENT_FLUSH);
	core_flush(&w->core);
	world_restart(w);
	assert_int_equal(w->core.desired.revision, 9);
	assert_true(strs_has(&w->core.desired.requires, "limits@" NET));
	delta_done(&d);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(in_order),
		T(forged),
		T(payload_and_nonce_agree),
		T(other_types),
		T(previous_signing_key),
		T(announced_signing_key),
		T(states),
		T(lacking),
	};

	return cmocka_run_group_tests_name("agent events", tests, NULL, NULL);
}
