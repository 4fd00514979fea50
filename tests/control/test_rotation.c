/* DOC: keys that change, as agents see it: asked for, step by step, at once, called off; and the
 * fleet's signing key with the pins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rig.h"

#include "codec/envelope.h"
#include "control/keys.h"
#include "control/rotation.h"
#include "crypto/key.h"

#include <inttypes.h>
#include <stdio.h>

#define KEY_A "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="

static bool asked_to_rotate(struct agent *a)
{
	struct http_response response;
	struct json_doc *doc;
	bool asked;

	assert_int_equal(agent_call(a, "POST", "heartbeat", NULL, "{}", &response), 200);
	doc = json_parse(response.body.data, response.body.len, JSON_MAX, NULL);
	assert_non_null(doc);
	asked = json_bool(json_root(doc), "rotate_keys", false);
	assert_int_equal(json_count(json_get(json_root(doc), "rotate_networks")), asked ? 1 : 0);
	if (asked)
		assert_string_equal(
			json_str(json_at(json_get(json_root(doc), "rotate_networks"), 0), ""),
			a->rig->network);
	json_free(doc);
	http_response_done(&response);
	return asked;
}

/* As the API notes it. */
static int note_rotation(struct tx *tx, void *arg, struct err *e)
{
	static const char *const column[] = {"rotating", NULL};
	const struct agent *a = arg;
	struct member m = {0};
	int rc = tx_find(tx, &schema_member, &m, e, "node", a->id, NULL);

	m.rotating = true;
	if (rc >= 0)
		rc = tx_touch(tx, &schema_member, &m, column, e);
	schema_done(&schema_member, &m);
	return rc;
}

/* Asked for by an event and by heartbeats, also over a restart, until another key is announced. */
static void test_rotation(void **state)
{
	struct agent a = {0}, b = {0};
	struct rig r;
	struct err e = {0};
	struct public_key fresh = {0};
	char last[24];

	rig_start(&r, false);
	rig_join(&r, ROLE_PEER, "a", &a);
	rig_join(&r, ROLE_PEER, "b", &b);
	assert_false(asked_to_rotate(&a));
	agent_fetch(&a, &a.state);
	snprintf(last, sizeof(last), "%" PRIu64, a.state.revision);
	agent_listen(&a, last);
	assert_int_equal(key_parse_public(KEY_A, "", &fresh, NULL), 0);
	/* the stream is open once something has come by it */
	AUTOFREE char *put =
		mem_printf("{\"network\":\"%s\",\"endpoint\":\"192.0.2.9:51820\"}", r.network);
	assert_int_equal(agent_call(&b, "PUT", "endpoint", NULL, put, NULL), 200);
	agent_wait(&a, rig_revision(&r, a.id));
	uint64_t revision = rig_revision(&r, b.id);
	assert_int_equal(store_write_wait(r.control.store, note_rotation, &a, &e), 0);
	hub_ask_keys(r.control.hub, a.id);
	agent_wait_type(&a, "rotate_keys");
	assert_int_equal(rig_revision(&r, b.id), revision); /* nobody else's business */
	assert_true(asked_to_rotate(&a));
	assert_false(asked_to_rotate(&b));
	agent_hang_up(&a);
	rig_restart(&r);
	assert_true(asked_to_rotate(&a));
	assert_int_equal(agent_announce(&a, &a.public_key), 200);
	assert_true(asked_to_rotate(&a));
	assert_int_equal(agent_announce(&a, &fresh), 200);
	assert_false(asked_to_rotate(&a));
	rig_restart(&r);
	assert_false(asked_to_rotate(&a));
	agent_done(&a);
	agent_done(&b);
	rig_stop(&r);
}

/* --- the steps of a rotation ------------------------------------------------------------------ */

static void report(struct agent *a, uint64_t revision)
{
	AUTOFREE char *beat = mem_printf("{\"applied_revision\":%" PRIu64 "}", revision);

	assert_int_equal(agent_call(a, "POST", "heartbeat", NULL, beat, NULL), 200);
}

/* Everything that was asked of hub and writer is done. */
static void settle(struct rig *r)
{
	hub_settle(r->control.hub);
	hub_settle(r->control.hub);
}

static const struct interface_item *own_interface(const struct state *s)
{
	VEC_FOREACH (i, &s->items)
		if ((*i)->kind == ITEM_INTERFACE)
			return &(*i)->interface;
	fail_msg("no interface");
	return NULL;
}

static const struct peer_item *only_peer(const struct state *s, size_t *ret_n)
{
	const struct peer_item *p = NULL;

	*ret_n = 0;
	VEC_FOREACH (i, &s->items) {
		if ((*i)->kind != ITEM_PEER)
			continue;
		++*ret_n;
		if ((*i)->peer.allowed_ips.n > 0)
			p = &(*i)->peer;
	}
	assert_non_null(p);
	return p;
}

struct pair {
	struct rig r;
	struct agent a, b;
	struct public_key old, next;
};

static int ask(struct tx *tx, void *arg, struct err *e)
{
	const struct pair *p = arg;
	struct member m = {0};
	int rc = tx_find(tx, &schema_member, &m, e, "node", p->a.id, NULL);

	if (rc >= 0)
		rc = rotation_ask(tx, &m, false, "test", e);
	schema_done(&schema_member, &m);
	return rc;
}

static int finish(struct tx *tx, void *arg, struct err *e)
{
	const struct pair *p = arg;
	struct member m = {0};
	int rc = tx_find(tx, &schema_member, &m, e, "node", p->a.id, NULL);

	if (rc >= 0)
		rc = rotation_ask(tx, &m, true, "test", e);
	schema_done(&schema_member, &m);
	return rc;
}

/* What a's own plan and b's plan say of a's key. */
static void expect_step(struct pair *p, bool told, bool waits, const struct public_key *at_b)
{
	struct state s = {0};
	const struct peer_item *peer;
	size_t n;

	settle(&p->r);
	agent_fetch(&p->a, &s);
	assert_true(public_key_equal(&own_interface(&s)->public_key, told ? &p->next : &p->old));
	state_done(&s);
	agent_fetch(&p->b, &s);
	peer = only_peer(&s, &n);
	assert_true(public_key_equal(&peer->public_key, at_b));
	assert_int_equal(n, waits ? 2 : 1);
	assert_int_equal(public_key_is_zero(&peer->next_public_key), !waits);
	state_done(&s);
}

/* a announces the key it was asked for. */
static void pair_start(struct pair *p)
{
	struct err e = {0};

	memset(p, 0, sizeof(*p));
	rig_start(&p->r, false);
	rig_join(&p->r, ROLE_PEER, "a", &p->a);
	rig_join(&p->r, ROLE_PEER, "b", &p->b);
	p->old = p->a.public_key;
	assert_int_equal(key_parse_public(KEY_A, "", &p->next, &e), 0);
	expect_step(p, false, false, &p->old);
	assert_int_equal(store_write_wait(p->r.control.store, ask, p, &e), 0);
	rig_advance(&p->r, 1000);
	assert_int_equal(agent_announce(&p->a, &p->next), 200);
	expect_step(p, false, true, &p->old);
	/* nobody else may have it */
	assert_int_equal(agent_announce(&p->b, &p->next), 409);
}

static void pair_done(struct pair *p)
{
	agent_done(&p->a);
	agent_done(&p->b);
	rig_stop(&p->r);
}

static void test_rotation_steps(void **state)
{
	struct pair p;

	pair_start(&p);
	report(&p.a, rig_revision(&p.r, p.a.id));
	expect_step(&p, false, true, &p.old); /* b has not said that it knows */
	report(&p.b, rig_revision(&p.r, p.b.id));
	expect_step(&p, true, true, &p.old);
	report(&p.b, rig_revision(&p.r, p.b.id));
	rig_advance(&p.r, ROTATION_GRACE + 1000);
	expect_step(&p, true, true, &p.old); /* a uses the old one until it says otherwise */
	rig_restart(&p.r);
	expect_step(&p, true, true, &p.old);
	report(&p.a, rig_revision(&p.r, p.a.id));
	expect_step(&p, true, false, &p.next);
	pair_done(&p);
}

/* b is away: it is waited for a moment; b is there and silent: for the grace. */
static void test_rotation_waits(void **state)
{
	for (int there = 0; there < 2; there++) {
		struct pair p;

		pair_start(&p);
		if (there)
			report(&p.b, 1);
		report(&p.a, rig_revision(&p.r, p.a.id));
		rig_advance(&p.r, ROTATION_AWAY - 2000);
		expect_step(&p, false, true, &p.old);
		rig_advance(&p.r, 4000);
		expect_step(&p, !there, true, &p.old);
		rig_advance(&p.r, ROTATION_GRACE);
		expect_step(&p, true, true, &p.old);
		pair_done(&p);
	}
}

static void test_rotation_now(void **state)
{
	struct pair p;
	struct err e = {0};

	pair_start(&p);
	assert_int_equal(store_write_wait(p.r.control.store, finish, &p, &e), 0);
	expect_step(&p, true, false, &p.next);
	pair_done(&p);
}

/* The node says again that it has the old key: it cannot use the one it was told to. */
static void test_rotation_called_off(void **state)
{
	struct pair p;

	pair_start(&p);
	report(&p.a, rig_revision(&p.r, p.a.id));
	report(&p.b, rig_revision(&p.r, p.b.id));
	expect_step(&p, true, true, &p.old);
	assert_int_equal(agent_announce(&p.a, &p.old), 200);
	expect_step(&p, false, false, &p.old);
	pair_done(&p);
}

/* --- a new signing key ------------------------------------------------------------------------ */

struct resign {
	struct control_keys *keys;
	struct secret seed;
};

static int resign(struct tx *tx, void *arg, struct err *e)
{
	struct resign *n = arg;

	return keys_new_signing(tx, n->keys, &n->seed, e);
}

static void test_signing_key(void **state)
{
	static const char *const pins[] = {KEY_A, NULL};
	CLEANUP(buf_done) struct buf text = {0};
	struct http_response response;
	struct agent a = {0}, b = {0};
	struct public_key before, after;
	struct resign n = {0};
	struct json_doc *doc;
	struct state s = {0};
	struct pins got = {0};
	struct err e = {0};
	struct rig r;
	char last[24];

	rig_start(&r, false);
	hub_set_pins(r.control.hub, pins);
	rig_join(&r, ROLE_PEER, "a", &a);
	rig_join(&r, ROLE_PEER, "b", &b);
	agent_fetch(&a, &a.state);
	snprintf(last, sizeof(last), "%" PRIu64, a.state.revision);
	agent_listen(&a, last);
	AUTOFREE char *put =
		mem_printf("{\"network\":\"%s\",\"endpoint\":\"192.0.2.9:51820\"}", r.network);
	assert_int_equal(agent_call(&b, "PUT", "endpoint", NULL, put, NULL), 200);
	agent_wait(&a, rig_revision(&r, a.id));
	before = r.control.keys.signing_public;
	n.keys = &r.control.keys;
	assert_int_equal(store_write_wait(r.control.store, resign, &n, &e), 0);
	sign_public(&n.seed, &after);
	hub_new_signing_key(r.control.hub, &n.seed);
	assert_true(secret_is_zero(&n.seed));
	agent_wait_type(&a, "signing_key_rotated"); /* checked with the old key */
	assert_false(public_key_equal(&before, &after));
	assert_true(public_key_equal(&a.signing, &after));
	/* what comes next is signed by the new one: events, states, and the pins name it */
	AUTOFREE char *again =
		mem_printf("{\"network\":\"%s\",\"endpoint\":\"192.0.2.10:51820\"}", r.network);
	assert_int_equal(agent_call(&b, "PUT", "endpoint", NULL, again, NULL), 200);
	agent_wait(&a, rig_revision(&r, a.id));
	agent_fetch(&b, &s);
	state_done(&s);
	assert_int_equal(rig_call(&r, "GET", "/healthz", NULL, NULL, NULL, &response), 200);
	doc = json_parse(response.body.data, response.body.len, JSON_MAX, NULL);
	json_text(json_get(json_root(doc), "pins"), &text);
	assert_int_equal(pins_read(text.data, text.len, &got, NULL), 0);
	assert_int_equal(pins_check(&got, &r.control.keys.root_public, NULL), 0);
	assert_true(public_key_equal(&got.signing_current, &after));
	pins_done(&got);
	json_free(doc);
	http_response_done(&response);
	agent_done(&a);
	agent_done(&b);
	rig_stop(&r);
}

static void test_pins(void **state)
{
	static const char *const pins[] = {
		KEY_A, "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI=", NULL};
	struct http_response response;
	struct json_doc *doc;
	CLEANUP(buf_done) struct buf text = {0};
	struct pins got = {0};
	struct rig r;

	rig_start(&r, false);
	hub_set_pins(r.control.hub, pins);
	assert_int_equal(rig_call(&r, "GET", "/healthz", NULL, NULL, NULL, &response), 200);
	doc = json_parse(response.body.data, response.body.len, JSON_MAX, NULL);
	json_text(json_get(json_root(doc), "pins"), &text);
	assert_int_equal(pins_read(text.data, text.len, &got, NULL), 0);
	assert_int_equal(pins_check(&got, &r.control.keys.root_public, NULL), 0);
	assert_int_not_equal(pins_check(&got, &r.control.keys.signing_public, NULL), 0);
	assert_int_equal(got.pins.n, 2);
	assert_true(public_key_equal(&got.signing_current, &r.control.keys.signing_public));
	pins_done(&got);
	json_free(doc);
	http_response_done(&response);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_rotation_steps),
		cmocka_unit_test(test_rotation_waits),
		cmocka_unit_test(test_rotation_now),
		cmocka_unit_test(test_rotation_called_off),
		cmocka_unit_test(test_signing_key),
		cmocka_unit_test(test_pins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
