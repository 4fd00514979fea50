/* DOC: what a node is told and what it says: its state, group keys, heartbeats, sightings, ways,
 * endpoints, its own configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rig.h"

#include "codec/envelope.h"
#include "control/rotation.h"
#include "control/telemetry.h"
#include "crypto/key.h"
#include "crypto/seal.h"

#include <inttypes.h>
#include <stdio.h>

#define KEY_A "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
#define MINUTES ((msec)60 * 1000)

/* --- state ------------------------------------------------------------------------------------ */

static void test_state(void **state)
{
	struct agent a = {0}, b = {0};
	struct http_response response;
	struct state_head head = {0};
	struct rig r;
	struct state s = {0};
	char etag[64], sha[HASH_HEX_LEN];

	rig_start(&r, false);
	rig_join(&r, ROLE_PEER, "a", &a);
	rig_join(&r, ROLE_PEER, "b", &b);
	agent_fetch(&a, &s); /* checks the head */
	assert_true(s.items.n > 0);
	assert_int_equal(agent_call(&a, "GET", "state", NULL, NULL, NULL), 400);
	assert_int_equal(agent_call(&a, "GET", "state?nonce=%22%0d%0a", NULL, NULL, NULL), 400);
	/* same revision: no body, but a fresh head */
	snprintf(etag, sizeof(etag), "If-None-Match: \"%" PRIu64 "\"", s.revision);
	assert_int_equal(agent_call(&a, "GET", "state?nonce=n2", etag, NULL, &response), 304);
	assert_int_equal(response.body.len, 0);
	assert_int_equal(
		state_head_read(http_response_header(&response, "Warren-State-Head"), &head, NULL),
		0);
	assert_int_equal(state_head_check(&head, &r.control.keys.signing_public, NULL), 0);
	assert_null(http_response_header(&response, "Content-Encoding"));
	assert_string_equal(head.nonce, "n2");
	assert_int_equal(head.revision, s.revision);
	state_head_done(&head);
	http_response_done(&response);
	snprintf(etag, sizeof(etag), "If-None-Match: \"%" PRIu64 "\"", s.revision + 1);
	assert_int_equal(agent_call(&a, "GET", "state?nonce=n3", etag, NULL, &response), 200);
	/* packed on the way; what is signed are the bytes of the state itself */
	assert_string_equal(http_response_header(&response, "Content-Encoding"), "gzip");
	assert_int_equal(
		state_head_read(http_response_header(&response, "Warren-State-Head"), &head, NULL),
		0);
	assert_string_equal(
		hash_sha256_hex(response.body.data, response.body.len, sha), head.sha256);
	state_head_done(&head);
	http_response_done(&response);
	/* nobody else's */
	AUTOFREE char *path = mem_printf("/v1/nodes/%s/state?nonce=1", b.id);
	assert_int_equal(rig_call(&r, "GET", path, a.bearer, NULL, NULL, NULL), 401);
	assert_int_equal(rig_call(&r, "GET", path, NULL, NULL, NULL, NULL), 401);
	assert_int_equal(
		rig_call(&r, "GET", "/v1/nodes/node_x/state?nonce=1", a.bearer, NULL, NULL, NULL),
		401);
	/* a disabled node may still ask, and is told to have nothing */
	struct node before = {0}, after = {0};
	rig_get(&r, &schema_node, a.id, &before);
	schema_copy(&schema_node, &after, &before);
	after.enabled = false;
	rig_change(&r, &schema_node, &before, &after);
	state_done(&s);
	memset(&s, 0, sizeof(s));
	agent_fetch(&a, &s);
	assert_int_equal(s.items.n, 0);
	schema_done(&schema_node, &before);
	schema_done(&schema_node, &after);
	state_done(&s);
	rig_stop(&r);
}

static const char *sealed_key(const struct state *s)
{
	VEC_FOREACH (i, &s->items)
		if ((*i)->kind == ITEM_INTERFACE && (*i)->interface.sealed_key != NULL)
			return (*i)->interface.sealed_key;
	fail_msg("no sealed key");
	return NULL;
}

/* Each gateway can open the group's identity, and only its own copy; the bytes stay the same. */
static void test_group_key(void **state)
{
	CLEANUP(buf_done) struct buf token = {0};
	struct agent gws[2] = {0};
	struct group g;
	struct rig r;

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER | ROLE_GATEWAY, 2, 0, &token);
	for (int i = 0; i < 2; i++) {
		char name[8];

		snprintf(name, sizeof(name), "gw%d", i);
		assert_int_equal(agent_join(&gws[i], &r, name, buf_str(&token)), 201);
	}
	rig_group(&r, &g);
	for (int i = 0; i < 2; i++) {
		CLEANUP(buf_done) struct buf bytes = {0}, plain = {0};
		AUTOFREE char *context = mem_printf("group-key/%s", gws[i].id);
		struct secret seal, private_key;
		struct public_key public_key;

		agent_fetch(&gws[i], &gws[i].state);
		assert_int_equal(base64_decode(sealed_key(&gws[i].state), &bytes), 0);
		key_derive(&gws[i].secret, "seal", &seal);
		assert_int_equal(
			seal_open_with_secret(&seal, context, bytes.data, bytes.len, &plain, NULL),
			0);
		assert_int_equal(plain.len, KEY_LEN);
		memcpy(private_key.bytes, plain.data, KEY_LEN);
		key_public(&private_key, &public_key);
		assert_true(public_key_equal(&public_key, &g.public_key));
		key_derive(&gws[1 - i].secret, "seal", &seal);
		assert_int_not_equal(
			seal_open_with_secret(&seal, context, bytes.data, bytes.len, &plain, NULL),
			0);
	}
	agent_check(&gws[0]);
	rig_restart(&r);
	agent_check(&gws[0]);
	agent_check(&gws[1]);
	schema_done(&schema_group, &g);
	agent_done(&gws[0]);
	agent_done(&gws[1]);
	rig_stop(&r);
}

/* --- heartbeats ------------------------------------------------------------------------------- */

static int beat(struct agent *a, uint64_t applied, const char *epoch, const char *peer, unsigned rx,
	unsigned tx, bool *ret_reconcile)
{
	char now[CLOCK_TEXT_LEN];
	AUTOFREE char *body = NULL;
	struct http_response response;
	struct json_doc *doc;
	int status;

	clock_format(clock_wall(a->rig->control.clock), now);
	body = mem_printf(
		"{\"applied_revision\":%" PRIu64 ",\"status\":\"healthy\",\"version\":"
		"\"0.1\",\"backend\":\"memory\",\"timestamp\":\"%s\",\"epoch\":\"%s\","
		"\"links\":[{\"network\":\"%s\",\"interface\":\"warren0\",\"peer\":\"%s\","
		"\"last_handshake\":\"%s\",\"rx\":%u,\"tx\":%u,\"endpoint\":"
		"\"198.51.100.7:4000\"}],\"endpoints\":[]}",
		applied, now, epoch, a->rig->network, peer, now, rx, tx);
	status = agent_call(a, "POST", "heartbeat", NULL, body, &response);
	if (ret_reconcile != NULL) {
		doc = json_parse(response.body.data, response.body.len, JSON_MAX, NULL);
		*ret_reconcile = json_bool(json_root(doc), "reconcile", false);
		assert_non_null(json_str(json_root(doc), "time"));
		json_free(doc);
	}
	http_response_done(&response);
	return status;
}

static void read_member(const struct fleet *f, void *arg)
{
	struct agent *a = arg;

	snprintf(a->last_type, sizeof(a->last_type), "%s",
		fleet_member(f, a->id, a->rig->network)->id);
}

static void read_sighting(const struct fleet *f, void *arg)
{
	struct agent *a = arg;
	const struct member *m = fleet_member(f, a->id, a->rig->network);

	snprintf(a->last_type, sizeof(a->last_type), "%s",
		m->observed_endpoint != NULL ? m->observed_endpoint : "");
}

/* Where a gateway sees a member is where others find it; but not when the gateway shares its
 * devices, for then members speak to it from an interface that is for it alone. */
static void test_sightings(void **state)
{
	static const char *const seen[] = {"198.51.100.7:4000", ""};

	for (unsigned others = 0; others < 2; others++) {
		struct agent gw = {0}, second = {0}, box = {0};
		CLEANUP(buf_done) struct buf token = {0};
		id_text member;
		struct rig r;

		rig_start(&r, false);
		rig_token(&r, ROLE_PEER | ROLE_GATEWAY, 2, 0, &token);
		assert_int_equal(agent_join(&gw, &r, "gw", buf_str(&token)), 201);
		if (others > 0)
			assert_int_equal(agent_join(&second, &r, "gw2", buf_str(&token)), 201);
		rig_join(&r, ROLE_PEER, "box", &box);
		hub_run_wait(r.control.hub, read_member, &box);
		id_copy(member, box.last_type);
		assert_int_equal(beat(&gw, 1, "e1", member, 1000, 500, NULL), 200);
		rig_token(&r, ROLE_PEER, 1, 0, &token); /* a write behind that one */
		hub_run_wait(r.control.hub, read_sighting, &box);
		assert_string_equal(box.last_type, seen[others]);
		rig_stop(&r);
	}
}

/* --- ways ------------------------------------------------------------------------------------- */

/* "relay direct relayed relayed_to..." of box, or "unknown". */
static const char *ways_now(struct rig *r, const char *member, struct buf *ret)
{
	struct heartbeat_ways w = {0};

	buf_reset(ret);
	if (!hub_member_ways(r->control.hub, member, &w))
		return "unknown";
	buf_addf(ret, "%s %u %u", w.relay, w.direct, w.relayed);
	VEC_FOREACH (i, &w.relayed_to)
		buf_addf(ret, " %s", i->id);
	VEC_DONE(&w.relayed_to);
	return buf_str(ret);
}

static void say_ways(struct agent *a, const char *ways, int status)
{
	AUTOFREE char *body = mem_printf("{\"applied_revision\":1,\"ways\":[%s]}", ways);

	assert_int_equal(agent_call(a, "POST", "heartbeat", NULL, body, NULL), status);
}

/* What a node says of its ways holds until it says otherwise, and only of members of its networks.
 */
static void test_ways(void **state)
{
	CLEANUP(buf_done) struct buf token = {0}, text = {0}, want = {0}, many = {0};
	struct agent hub = {0}, box = {0};
	id_text relay, member;
	struct rig r;

	rig_start(&r, false);
	rig_join(&r, ROLE_PEER | ROLE_CONTROLLER, "hub", &hub);
	rig_join(&r, ROLE_PEER, "box", &box);
	hub_run_wait(r.control.hub, read_member, &hub);
	id_copy(relay, hub.last_type);
	hub_run_wait(r.control.hub, read_member, &box);
	id_copy(member, box.last_type);
	assert_string_equal(ways_now(&r, member, &text), "unknown");
	AUTOFREE char *some = mem_printf("{\"network\":\"%s\",\"relay\":\"%s\",\"direct\":3,"
					 "\"relayed\":2,\"relayed_to\":[\"%s\",\"mem_of_others\"]}",
		r.network, relay, relay);
	say_ways(&box, some, 200);
	buf_addf(&want, "%s 3 2 %s", relay, relay);
	assert_string_equal(ways_now(&r, member, &text), buf_str(&want));
	/* a heartbeat of another node says nothing of it */
	say_ways(&hub, "", 200);
	assert_string_equal(ways_now(&r, member, &text), buf_str(&want));
	AUTOFREE char *strange = mem_printf(
		"{\"network\":\"%s\",\"relay\":\"mem_of_others\",\"direct\":1,\"relayed\":0}",
		r.network);
	say_ways(&box, strange, 200);
	assert_string_equal(ways_now(&r, member, &text), " 1 0");
	say_ways(&box, "", 200);
	assert_string_equal(ways_now(&r, member, &text), "unknown");
	say_ways(&box, some, 200);
	/* bad ones take nothing away */
	for (unsigned i = 0; i <= WAYS_NAMED_MAX; i++)
		buf_addf(&many, "%s\"mem_%u\"", i == 0 ? "" : ",", i);
	AUTOFREE char *long_list =
		mem_printf("{\"network\":\"%s\",\"relayed_to\":[%s]}", r.network, buf_str(&many));
	const char *const bad[] = {long_list, "5", "{\"direct\":1}",
		"{\"network\":\"n\",\"direct\":-1}", "{\"network\":\"n\",\"relayed_to\":[5]}",
		"{\"network\":\"n\",\"relayed_to\":5}"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		say_ways(&box, bad[i], 400);
	assert_string_equal(ways_now(&r, member, &text), buf_str(&want));
	agent_done(&hub);
	agent_done(&box);
	rig_stop(&r);
}

struct kept {
	const char *node;
	bool there;
};

static int see_counters(struct tx *tx, void *arg, struct err *e)
{
	struct kept *k = arg;
	CLEANUP(buf_done) struct buf text = {0};
	AUTOFREE char *key = mem_printf("counters/%s", k->node);
	int rc = tx_meta_get(tx, key, &text, e);

	k->there = rc == 0;
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static bool counters_kept(struct rig *r, const char *node)
{
	struct kept k = {.node = node};
	struct err e;

	assert_int_equal(store_read(r->control.store, see_counters, &k, &e), 0);
	return k.there;
}

/* What is kept for a node goes with it, however much it said at the last moment. */
static void test_counters_go_with_their_node(void **state)
{
	struct agent gw = {0};
	struct device d;
	struct group g;
	struct rig r;

	rig_start(&r, false);
	rig_join(&r, ROLE_PEER | ROLE_GATEWAY, "gw", &gw);
	rig_group(&r, &g);
	rig_client(&r, "phone", g.id, &d);
	rig_change(&r, &schema_device, NULL, &d);
	assert_int_equal(beat(&gw, 1, "e1", d.id, 1000, 500, NULL), 200);
	hub_settle(r.control.hub);
	assert_true(counters_kept(&r, gw.id));
	assert_int_equal(beat(&gw, 1, "e1", d.id, 2000, 500, NULL), 200);
	assert_int_equal(agent_call(&gw, "POST", "deregister", NULL, "{}", NULL), 200);
	hub_settle(r.control.hub);
	assert_false(counters_kept(&r, gw.id));
	schema_done(&schema_device, &d);
	schema_done(&schema_group, &g);
	rig_stop(&r);
}

static void expect_at(struct rig *r, const char *device, const char *member)
{
	struct device d = {0};

	hub_settle(r->control.hub);
	rig_get(r, &schema_device, device, &d);
	assert_string_equal(d.at, member);
	schema_done(&schema_device, &d);
}

/* A device that was at another gateway and fell silent is at home again after ten minutes, not
 * before: no route of its own outlives its use. */
static void test_falls_back(void **state)
{
	struct agent gws[2] = {0};
	struct device d;
	struct group g;
	id_text away;
	struct rig r;

	rig_start(&r, false);
	rig_join(&r, ROLE_PEER | ROLE_GATEWAY, "gw1", &gws[0]);
	rig_join(&r, ROLE_PEER | ROLE_GATEWAY, "gw2", &gws[1]);
	rig_group(&r, &g);
	rig_client(&r, "phone", g.id, &d);
	rig_change(&r, &schema_device, NULL, &d);
	hub_run_wait(r.control.hub, read_member, &gws[1]);
	id_copy(away, gws[1].last_type);
	rig_advance(&r, MINUTES);
	assert_int_equal(beat(&gws[1], 1, "e1", d.id, 1000, 500, NULL), 200);
	expect_at(&r, d.id, away);
	rig_advance(&r, 10 * MINUTES - 1);
	expect_at(&r, d.id, away);
	rig_advance(&r, MINUTES / 2); /* how often it is looked at */
	expect_at(&r, d.id, "");
	schema_done(&schema_group, &g);
	schema_done(&schema_device, &d);
	rig_stop(&r);
}

static void test_heartbeat(void **state)
{
	struct agent gw = {0}, box = {0};
	struct node_status st;
	struct device d, stored = {0};
	struct node n = {0};
	struct link link;
	struct group g;
	struct rig r;
	bool reconcile;

	rig_start(&r, false);
	rig_join(&r, ROLE_PEER | ROLE_GATEWAY, "gw", &gw);
	rig_join(&r, ROLE_PEER, "box", &box);
	rig_group(&r, &g);
	rig_client(&r, "phone", g.id, &d);
	rig_change(&r, &schema_device, NULL, &d);
	hub_node_status(r.control.hub, gw.id, &st);
	assert_string_equal(st.deploy, "pending");
	assert_string_equal(st.liveness, "never");

	assert_int_equal(beat(&gw, st.revision, "e1", d.id, 1000, 500, &reconcile), 200);
	assert_false(reconcile);
	hub_node_status(r.control.hub, gw.id, &st);
	assert_string_equal(st.deploy, "applied");
	assert_string_equal(st.liveness, "online");
	hub_link(r.control.hub, d.id, 25, &link);
	assert_int_equal(link.state, LINK_ONLINE);
	assert_int_equal(link.rx, 1000);
	assert_string_equal(link.gateway, gw.id);
	assert_string_equal(link.endpoint, "198.51.100.7:4000");
	/* a node that does not carry the device has nothing to say about it */
	assert_int_equal(beat(&box, 1, "e9", d.id, 9000, 9000, NULL), 200);
	hub_link(r.control.hub, d.id, 25, &link);
	assert_int_equal(link.rx, 1000);

	/* what was observed is stored, and goes on after a restart without a byte more or less */
	rig_advance(&r, 15000);
	hub_settle(r.control.hub);
	rig_get(&r, &schema_device, d.id, &stored);
	assert_int_equal(stored.rx, 1000);
	assert_int_equal(stored.tx, 500);
	assert_true(stored.last_seen > 0);
	rig_get(&r, &schema_node, gw.id, &n);
	assert_string_equal(n.version, "0.1");
	assert_string_equal(n.backend, "memory");
	assert_true(n.confirmed_at > 0 && n.last_heartbeat > 0);
	assert_int_equal(n.applied_revision, st.revision);
	rig_restart(&r);
	assert_int_equal(beat(&gw, st.revision, "e1", d.id, 1100, 500, NULL), 200);
	hub_link(r.control.hub, d.id, 25, &link);
	assert_int_equal(link.rx, 1100);
	assert_int_equal(beat(&gw, st.revision, "e2", d.id, 7, 3, NULL), 200);
	hub_link(r.control.hub, d.id, 25, &link);
	assert_int_equal(link.rx, 1107);
	assert_int_equal(link.tx, 503);

	/* silence */
	rig_advance(&r, 89999);
	hub_node_status(r.control.hub, gw.id, &st);
	assert_string_equal(st.liveness, "online");
	rig_advance(&r, 1);
	hub_node_status(r.control.hub, gw.id, &st);
	assert_string_equal(st.liveness, "unreachable");
	rig_advance(&r, 210000);
	hub_node_status(r.control.hub, gw.id, &st);
	assert_string_equal(st.liveness, "offline");

	/* an error is told with the node's words; lagging behind asks for a reconcile */
	assert_int_equal(agent_call(&gw, "POST", "heartbeat", NULL,
				 "{\"applied_revision\":0,\"status\":\"degraded\",\"error\":\"no "
				 "module\\n\"}",
				 NULL),
		200);
	hub_node_status(r.control.hub, gw.id, &st);
	assert_string_equal(st.deploy, "error");
	assert_string_equal(st.error, "no module ");
	assert_int_equal(beat(&gw, 0, "e2", d.id, 7, 3, &reconcile), 200);
	assert_true(reconcile);
	assert_int_equal(beat(&gw, st.revision + 50, "e2", d.id, 7, 3, &reconcile), 200);
	assert_true(reconcile); /* ahead of us: we were restored from a backup */

	/* bodies that are not heartbeats */
	static const char *const bad[] = {"", "[", "[]x", "{\"links\":[{}]}",
		"{\"links\":[{\"peer\":\"x\",\"rx\":-1}]}", "{\"applied_revision\":\"3\"}",
		"{\"timestamp\":\"yesterday\"}", "{\"version\":\"a\\u0001\"}",
		"{\"endpoints\":[{\"network\":\"n\",\"address\":\"127.0.0.1:51820\"}]}",
		"{\"endpoints\":[{\"network\":\"n\",\"address\":\"nonsense\"}]}"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(agent_call(&gw, "POST", "heartbeat", NULL, bad[i], NULL), 400);
	schema_done(&schema_device, &d);
	schema_done(&schema_device, &stored);
	schema_done(&schema_node, &n);
	schema_done(&schema_group, &g);
	rig_stop(&r);
}

/* Tokens made before networks could not be named twice. */
static void test_a_network_named_twice_is_joined_once(void **state)
{
	CLEANUP(buf_wipe) struct buf token = {0};
	struct rig r;
	struct agent a = {0};

	rig_start(&r, false);
	id_copy(r.second, r.network); /* tokens name it too */
	rig_join(&r, ROLE_PEER, "twice", &a);
	agent_fetch(&a, &a.state);
	agent_done(&a);
	rig_stop(&r);
}

static int count_row(void *arg, const void *object)
{
	++*(unsigned *)arg;
	return 0;
}

static int count_moves(struct tx *tx, void *arg, struct err *e)
{
	struct tx_query q = {.filters = {{"action", "member.endpoint"}}};

	return tx_list(tx, &schema_audit, &q, count_row, arg, NULL, NULL, e);
}

static int say_endpoint(struct agent *a, const char *network, const char *at)
{
	AUTOFREE char *put = mem_printf("{\"network\":\"%s\",\"endpoint\":\"%s\"}", network, at);

	return agent_call(a, "PUT", "endpoint", NULL, put, NULL);
}

/* Each move is an audit line and everybody's plan: said or seen, there are so many and no more. */
static void test_a_node_does_not_move_all_the_time(void **state)
{
	CLEANUP(buf_wipe) struct buf token = {0};
	struct rig r;
	struct agent a = {0};
	unsigned moves = 0, taken = 0, late = 0;
	struct err e;

	rig_start(&r, false);
	rig_join(&r, ROLE_PEER, "wanderer", &a);
	for (unsigned i = 0; i < 3 * ENDPOINT_BURST; i++) {
		char at[40];
		int status;

		snprintf(at, sizeof(at), "192.0.2.%u:51820", i + 1);
		status = say_endpoint(&a, r.network, at);
		if (status == 200)
			taken++;
		else
			assert_int_equal(status, 503);
		/* what is there already is no move */
		if (status == 200)
			assert_int_equal(say_endpoint(&a, r.network, at), 200);
	}
	assert_int_equal(taken, ENDPOINT_BURST);
	assert_int_equal(store_read(r.control.store, count_moves, &moves, &e), 0);
	assert_int_equal(moves, ENDPOINT_BURST);
	rig_advance(&r, ENDPOINT_SETTLE);
	assert_int_equal(say_endpoint(&a, r.network, "203.0.113.1:51820"), 200);
	assert_int_equal(say_endpoint(&a, r.network, "203.0.113.2:51820"), 503);
	assert_int_equal(store_read(r.control.store, count_moves, &late, &e), 0);
	assert_int_equal(late, moves + 1);
	agent_done(&a);
	rig_stop(&r);
}

static void test_endpoints_and_keys(void **state)
{
	struct agent a = {0}, b = {0};
	struct rig r;
	char id[24];

	rig_start(&r, false);
	rig_join(&r, ROLE_PEER, "a", &a);
	rig_join(&r, ROLE_PEER, "b", &b);
	agent_fetch(&b, &b.state);
	snprintf(id, sizeof(id), "%" PRIu64, b.state.revision);
	agent_listen(&b, id);
	AUTOFREE char *body = mem_printf(
		"{\"endpoints\":[{\"network\":\"%s\",\"address\":\"203.0.113.9:51820\"}]}",
		r.network);
	assert_int_equal(agent_call(&a, "POST", "heartbeat", NULL, body, NULL), 200);
	agent_wait(&b, b.state.revision + 1);
	assert_string_equal(b.last_type, "peer_endpoint_changed");
	agent_check(&b);
	/* said again it changes nothing; by PUT it changes at once */
	uint64_t revision = rig_revision(&r, b.id);
	rig_advance(&r, 2 * MINUTES);
	assert_int_equal(agent_call(&a, "POST", "heartbeat", NULL, body, NULL), 200);
	AUTOFREE char *put =
		mem_printf("{\"network\":\"%s\",\"endpoint\":\"[2001:db8::9]:51820\"}", r.network);
	assert_int_equal(agent_call(&a, "PUT", "endpoint", NULL, put, NULL), 200);
	assert_int_equal(rig_revision(&r, b.id), revision + 1);
	agent_wait(&b, revision + 1);
	AUTOFREE char *lo =
		mem_printf("{\"network\":\"%s\",\"endpoint\":\"127.0.0.1:51820\"}", r.network);
	assert_int_equal(agent_call(&a, "PUT", "endpoint", NULL, lo, NULL), 400);
	/* nor into its own tunnel, where packets would go in circles */
	AUTOFREE char *inside =
		mem_printf("{\"network\":\"%s\",\"endpoint\":\"172.30.0.1:51820\"}", r.network);
	assert_int_equal(agent_call(&a, "PUT", "endpoint", NULL, inside, NULL), 400);
	assert_int_equal(rig_revision(&r, b.id), revision + 1);
	/* a new key; not one that another node has */
	struct public_key fresh = {0};
	assert_int_equal(key_parse_public(KEY_A, "", &fresh, NULL), 0);
	assert_int_equal(agent_announce(&a, &fresh), 200);
	agent_wait(&b, revision + 2);
	assert_string_equal(b.last_type, "peer_key_rotated");
	agent_check(&b);
	assert_int_equal(agent_announce(&a, &b.public_key), 409);
	assert_int_equal(agent_call(&a, "PUT", "keys", NULL, "{\"network\":\"net_1\"}", NULL), 400);
	/* drift is counted */
	struct hub_counts counts;
	assert_int_equal(
		agent_call(&a, "POST", "drift", NULL,
			"{\"corrections\":[{\"type\":\"peer_added\",\"detail\":\"x\"}]}", NULL),
		200);
	static const char *const bad_drift[] = {"{}", "{\"corrections\":5}",
		"{\"corrections\":{\"type\":\"peer\"}}", "{\"corrections\":[5]}",
		"{\"corrections\":[{\"type\":\"\"}]}", "{\"corrections\":[{\"type\":\"a\\nb\"}]}",
		"{\"corrections\":[{\"type\":\"peer\",\"detail\":7}]}"};
	for (size_t i = 0; i < ARRAY_LEN(bad_drift); i++)
		assert_int_equal(agent_call(&a, "POST", "drift", NULL, bad_drift[i], NULL), 400);
	assert_int_equal(agent_call(&a, "POST", "heartbeat", NULL, "{\"links\":\"x\"}", NULL), 400);
	assert_int_equal(
		agent_call(&a, "POST", "heartbeat", NULL, "{\"endpoints\":{}}", NULL), 400);
	hub_counts(r.control.hub, &counts);
	assert_int_equal(counts.drift_reports, 1);
	agent_done(&a);
	agent_done(&b);
	rig_stop(&r);
}

struct wanted {
	const char *node;
	struct member *ret;
};

static int find_member(struct tx *tx, void *arg, struct err *e)
{
	struct wanted *w = arg;

	return tx_find(tx, &schema_member, w->ret, e, "node", w->node, NULL);
}

/* Of the node with one membership; the caller ends it. */
static void member_of(struct rig *r, const char *node, struct member *ret)
{
	struct err e = {0};

	*ret = (struct member){0};
	if (store_read(r->control.store, find_member, &(struct wanted){node, ret}, &e) < 0)
		fail_msg("%s", e.text);
}

/* What the configuration of a machine says of it as a gateway. */
static void test_gateway(void **state)
{
	static const struct {
		const char *body;
		int status;
		const char *field;
	} rows[] = {
		{"{\"listen_port\":0}", 400, "listen_port"},
		{"{\"listen_port\":65536}", 400, "listen_port"},
		{"{\"endpoint\":\"nowhere\"}", 400, "endpoint"},
		{"{\"region\":\"a\\nb\"}", 400, "region"},
		{"{}", 200, NULL},
	};
	CLEANUP(buf_done) struct buf token = {0}, plain = {0};
	struct agent gw = {0}, second = {0}, peer = {0};
	struct member m = {0};
	struct group g;
	struct rig r;

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER | ROLE_GATEWAY, 2, 0, &token);
	rig_token(&r, ROLE_PEER, 1, 0, &plain);
	assert_int_equal(agent_join(&gw, &r, "gw", buf_str(&token)), 201);
	assert_int_equal(agent_join(&peer, &r, "peer", buf_str(&plain)), 201);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_response response;

		assert_int_equal(agent_call(&gw, "PUT", "gateway", NULL, rows[i].body, &response),
			rows[i].status);
		if (rows[i].field != NULL)
			rig_expect_field(&response, rows[i].field);
		http_response_done(&response);
	}
	assert_int_equal(agent_call(&gw, "PUT", "gateway", NULL,
				 "{\"endpoint\":\"vpn.example.com:4500\",\"region\":\"eu\","
				 "\"listen_port\":4501}",
				 NULL),
		200);
	member_of(&r, gw.id, &m);
	assert_string_equal(m.endpoint, "vpn.example.com:4500");
	assert_string_equal(m.region, "eu");
	schema_done(&schema_member, &m);
	rig_group(&r, &g);
	assert_int_equal(g.listen_port, 4501);
	schema_done(&schema_group, &g);
	/* nothing said of it: it stays; empty: the observed one again */
	assert_int_equal(agent_call(&gw, "PUT", "gateway", NULL, "{\"endpoint\":\"\"}", NULL), 200);
	member_of(&r, gw.id, &m);
	assert_null(m.endpoint);
	assert_string_equal(m.region, "eu");
	schema_done(&schema_member, &m);
	/* a role is granted by the token alone (T-3) */
	assert_int_equal(
		agent_call(&peer, "PUT", "gateway", NULL, "{\"region\":\"eu\"}", NULL), 403);
	/* with a second member the group's port is not one machine's to change */
	assert_int_equal(agent_join(&second, &r, "second", buf_str(&token)), 201);
	assert_int_equal(
		agent_call(&second, "PUT", "gateway", NULL, "{\"listen_port\":4501}", NULL), 200);
	assert_int_equal(
		agent_call(&second, "PUT", "gateway", NULL, "{\"listen_port\":4502}", NULL), 409);
	agent_done(&gw);
	agent_done(&second);
	agent_done(&peer);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_group_key),
		cmocka_unit_test(test_sightings),
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_counters_go_with_their_node),
		cmocka_unit_test(test_falls_back),
		cmocka_unit_test(test_heartbeat),
		cmocka_unit_test(test_a_network_named_twice_is_joined_once),
		cmocka_unit_test(test_a_node_does_not_move_all_the_time),
		cmocka_unit_test(test_endpoints_and_keys),
		cmocka_unit_test(test_gateway),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
