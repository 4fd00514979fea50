/* DOC: joining: who is let in, what the answer is worth to others, replays; state and heartbeats
 * as an agent sees them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rig.h"

#include "codec/envelope.h"
#include "control/hub_state.h"
#include "control/keys.h"
#include "control/rotation.h"
#include "control/telemetry.h"
#include "control/world.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/seal.h"
#include "crypto/sign.h"
#include "plan/plan.h"

#include <inttypes.h>
#include <stdio.h>

#define KEY_A "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
#define KEY_B "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="
#define MINUTES ((msec)60 * 1000)

static void expect_field(struct http_response *response, const char *field)
{
	struct json_doc *doc = json_parse(response->body.data, response->body.len, JSON_MAX, NULL);

	assert_non_null(doc);
	if (field[0] != '\0')
		assert_string_equal(json_str(json_root(doc), "field"), field);
	json_free(doc);
}

static void test_bodies(void **state)
{
	static const struct {
		const char *fields; /* behind the token */
		int status;
		const char *field;
	} rows[] = {
		{"", 400, "public_key"},
		{",\"public_key\":\"" KEY_A "\"", 400, "hostname"},
		{",\"public_key\":\"x\",\"hostname\":\"a\"", 400, "public_key"},
		{",\"public_key\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"hostname\":"
		 "\"a\"",
			400, "public_key"},
		/* a point of low order, the one of order 8 */
		{",\"public_key\":\"4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=\",\"hostname\":"
		 "\"a\"",
			400, "public_key"},
		/* pad bits that are not zero */
		{",\"public_key\":\"YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWF=\",\"hostname\":"
		 "\"a\"",
			400, "public_key"},
		{",\"public_key\":\"" KEY_A "\",\"hostname\":\"\"", 400, "hostname"},
		{",\"public_key\":\"" KEY_A "\",\"hostname\":\"a\\u0007\"", 400, "hostname"},
		{",\"public_key\":\"" KEY_A "\",\"hostname\":7", 400, "hostname"},
		{",\"public_key\":\"" KEY_A "\",\"hostname\":\"a\",\"roles\":[\"gateway\"]", 400,
			"roles"},
		{",\"public_key\":\"" KEY_A "\",\"hostname\":\"a\",\"hostname\":\"b\"", 400, ""},
		{",\"public_key\":\"" KEY_A "\",\"hostname\":\"a\",\"version\":\"1\","
		 "\"capabilities\":{\"x\":1}",
			201, ""},
		/* the source document's, and a newer agent's */
		{",\"public_key\":\"" KEY_B "\",\"hostname\":\"b\",\"metadata\":{\"rack\":\"7\"},"
		 "\"of-tomorrow\":[1]",
			201, ""},
	};
	CLEANUP(buf_done) struct buf token = {0};
	struct rig r;

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER, 5, 0, &token);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTOFREE char *body =
			mem_printf("{\"token\":\"%s\"%s}", buf_str(&token), rows[i].fields);
		struct http_response response;
		int status = rig_call(
			&r, "POST", "/v1/register", buf_str(&token), NULL, body, &response);

		if (status != rows[i].status)
			fail_msg("%s: %d, not %d: %s", rows[i].fields, status, rows[i].status,
				buf_str(&response.body));
		if (status != 201)
			expect_field(&response, rows[i].field);
		/* the secret token is not repeated, whatever was wrong */
		assert_null(strstr(buf_str(&response.body), buf_str(&token)));
		http_response_done(&response);
	}
	assert_int_equal(
		rig_call(&r, "POST", "/v1/register", buf_str(&token), NULL, "{", NULL), 400);
	rig_stop(&r);
}

static void test_tokens(void **state)
{
	CLEANUP(buf_done) struct buf token = {0}, other = {0};
	struct agent a = {0}, b = {0}, c = {0};
	struct rig r;

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER, 1, r.clock.fake_wall + 60 * MINUTES, &token);
	/* a token comes first: with a wrong one, bodies are not even looked at */
	assert_int_equal(rig_call(&r, "POST", "/v1/register", "wjt_x", NULL, "{", NULL), 401);
	/* nor unpacked: this is no gzip, and nobody without a token finds that out */
	assert_int_equal(
		rig_call(&r, "POST", "/v1/register", "wjt_x", "Content-Encoding: gzip", "{}", NULL),
		401);
	assert_int_equal(rig_call(&r, "POST", "/v1/register", buf_str(&token),
				 "Content-Encoding: gzip", "{}", NULL),
		400);
	assert_int_equal(agent_join(&a, &r, "a", buf_str(&token)), 201);
	/* likewise the calls of nodes */
	assert_int_equal(
		agent_call(&a, "POST", "heartbeat", "Content-Encoding: gzip", "{}", NULL), 400);
	assert_int_equal(agent_call(&a, "POST", "drift", "Content-Encoding: br", "{}", NULL), 415);
	static const char *const calls[][2] = {{"POST", "heartbeat"}, {"POST", "arrivals"},
		{"PUT", "keys"}, {"PUT", "endpoint"}, {"POST", "drift"}, {"POST", "deregister"}};
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		AUTOFREE char *path = mem_printf("/v1/nodes/%s/%s", a.id, calls[i][1]);
		assert_int_equal(rig_call(&r, calls[i][0], path, "wn_x", "Content-Encoding: gzip",
					 "{}", NULL),
			401);
	}
	/* used up */
	assert_int_equal(agent_join(&b, &r, "b", buf_str(&token)), 401);
	/* the body's token must be the header's */
	rig_token(&r, ROLE_PEER, 1, 0, &other);
	AUTOFREE char *body =
		mem_printf("{\"token\":\"%s\",\"public_key\":\"%s\",\"hostname\":\"x\"}",
			buf_str(&token), KEY_A);
	assert_int_equal(
		rig_call(&r, "POST", "/v1/register", buf_str(&other), NULL, body, NULL), 401);
	/* expired */
	rig_token(&r, ROLE_PEER, 1, r.clock.fake_wall + MINUTES, &token);
	rig_advance(&r, MINUTES);
	assert_int_equal(agent_join(&c, &r, "c", buf_str(&token)), 401);
	/* names and keys are taken once */
	rig_token(&r, ROLE_PEER, 9, 0, &token);
	assert_int_equal(agent_join(&b, &r, "a", buf_str(&token)), 409);
	c.key = a.key;
	assert_int_equal(agent_join(&c, &r, "c", buf_str(&token)), 409);
	assert_int_equal(agent_join(&b, &r, "b", buf_str(&token)), 201);
	rig_stop(&r);
}

/* The token may stand in the body alone, as the protocol's other servers have it. */
static void test_token_in_the_body(void **state)
{
#define MACHINE ",\"public_key\":\"" KEY_A "\",\"hostname\":\"a\"}"
	CLEANUP(buf_done) struct buf token = {0};
	struct rig r;

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER, 1, 0, &token);
	AUTOFREE char *good = mem_printf("{\"token\":\"%s\"" MACHINE, buf_str(&token));
	AUTOFREE char *cut = mem_printf("{\"token\":\"%s\"}", buf_str(&token));
	const struct {
		const char *header, *body;
		int status;
	} rows[] = {
		{NULL, "{", 400},
		{NULL, "{}", 400},
		{NULL, "{\"token\":\"\"" MACHINE, 400},
		{NULL, "{\"token\":\"wjt_x\"" MACHINE, 401},
		{NULL, cut, 400},
		/* who is unknown makes nobody unpack anything */
		{"Content-Encoding: gzip", good, 401},
		/* a header that is there is what counts */
		{"Authorization: Basic eDp5", good, 401},
		{"Authorization: Bearer wjt_x", good, 401},
		{NULL, good, 201},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_response response;
		int status = rig_call(
			&r, "POST", "/v1/register", NULL, rows[i].header, rows[i].body, &response);

		if (status != rows[i].status)
			fail_msg("row %zu: %d, not %d: %s", i, status, rows[i].status,
				buf_str(&response.body));
		assert_null(strstr(buf_str(&response.body), buf_str(&token)));
		http_response_done(&response);
	}
	rig_stop(&r);
#undef MACHINE
}

static void test_replay(void **state)
{
	CLEANUP(buf_done) struct buf token = {0};
	struct agent a = {0}, again = {0}, late = {0};
	struct rig r;

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER, 1, 0, &token);
	assert_int_equal(agent_join(&a, &r, "a", buf_str(&token)), 201);
	rig_advance(&r, 9 * MINUTES);
	/* the answer was lost; the token is used up by this very node */
	again.key = a.key;
	assert_int_equal(agent_join(&again, &r, "a", buf_str(&token)), 201);
	assert_string_equal(again.id, a.id);
	assert_string_equal(again.bearer, a.bearer);
	/* to whoever lacks the private key it is worth nothing, and after the first heartbeat it is
	 * not given at all */
	assert_int_equal(agent_call(&a, "POST", "heartbeat", NULL, "{}", NULL), 200);
	late.key = a.key;
	assert_int_equal(agent_join(&late, &r, "a", buf_str(&token)), 409);
	rig_stop(&r);

	rig_start(&r, false);
	memset(&a, 0, sizeof(a));
	rig_token(&r, ROLE_PEER, 2, 0, &token);
	assert_int_equal(agent_join(&a, &r, "a", buf_str(&token)), 201);
	rig_advance(&r, 10 * MINUTES + 1);
	late.key = a.key;
	assert_int_equal(agent_join(&late, &r, "a", buf_str(&token)), 409);
	rig_stop(&r);
}

/* The same machine once more: only when the node is gone, under the same name, and with a secret of
 * its own; what the old one knew is worth nothing. */
static void test_again(void **state)
{
	CLEANUP(buf_done) struct buf token = {0};
	struct agent a = {0}, again = {0}, other = {0};
	struct rig r;

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER, 2, 0, &token);
	assert_int_equal(agent_join(&a, &r, "a", buf_str(&token)), 201);
	assert_int_equal(agent_call(&a, "POST", "heartbeat", NULL, "{}", NULL), 200);
	other.key = a.key;
	assert_int_equal(agent_join(&other, &r, "a", buf_str(&token)), 409);
	assert_int_equal(agent_call(&a, "POST", "deregister", NULL, "{}", NULL), 200);
	assert_int_equal(agent_call(&a, "POST", "heartbeat", NULL, "{}", NULL), 401);
	again.key = a.key;
	assert_int_equal(agent_join(&again, &r, "a", buf_str(&token)), 201);
	assert_string_not_equal(again.id, a.id);
	assert_string_not_equal(again.bearer, a.bearer);
	assert_int_equal(agent_call(&again, "POST", "heartbeat", NULL, "{}", NULL), 200);
	assert_int_equal(agent_call(&a, "POST", "heartbeat", NULL, "{}", NULL), 401);
	AUTOFREE char *path = mem_printf("/v1/nodes/%s/state?nonce=1", again.id);
	assert_int_equal(rig_call(&r, "GET", path, a.bearer, NULL, NULL, NULL), 401);
	rig_stop(&r);
}

static void test_answer(void **state)
{
	CLEANUP(buf_done) struct buf token = {0};
	struct http_response response;
	struct agent a = {0};
	struct rig r;
	struct json_doc *doc;
	const struct json *j;

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER | ROLE_GATEWAY, 1, 0, &token);
	assert_int_equal(agent_join(&a, &r, "a", buf_str(&token)), 201);
	char key[KEY_TEXT_LEN];
	AUTOFREE char *body =
		mem_printf("{\"token\":\"%s\",\"public_key\":\"%s\",\"hostname\":\"a\"}",
			buf_str(&token), key_format_public(&a.public_key, key));
	assert_int_equal(
		rig_call(&r, "POST", "/v1/register", buf_str(&token), NULL, body, &response), 201);
	doc = json_parse(response.body.data, response.body.len, JSON_MAX, NULL);
	j = json_root(doc);
	assert_string_equal(json_str(j, "project"), r.project);
	assert_string_equal(json_str(j, "mesh_ip"), "172.30.0.1");
	assert_string_equal(json_str(j, "mesh_ip6"), "fd00:1:2:3::ac1e:1");
	assert_string_equal(json_str(j, "signing_public_key"),
		key_format_public(&r.control.keys.signing_public, key));
	assert_int_equal(json_count(json_get(j, "networks")), 1);
	assert_string_equal(json_str(json_at(json_get(j, "networks"), 0), "name"), "default");
	assert_int_equal(json_count(json_get(json_at(json_get(j, "networks"), 0), "roles")), 2);
	assert_int_equal(json_count(json_get(j, "peers")), 0);
	json_free(doc);
	http_response_done(&response);
	rig_stop(&r);
}

/* A name that a client has stays the client's: the machine is told to take another. */
static void test_dns_names(void **state)
{
	static const struct {
		const char *hostname, *message;
		int status;
	} tries[] = {
		{"Phone", "the DNS name phone is held by a client", 409},
		{"localhost", "which is reserved", 400},
		{"WPAD.", "which is reserved", 400},
		/* names of nodes are unique as DNS has them, too */
		{"GW", "the DNS name gw is held by the node \\\"gw\\\"", 409},
		{"gw!", "the DNS name gw is held by the node \\\"gw\\\"", 409},
		{"phone-1", NULL, 201},
	};
	CLEANUP(buf_done) struct buf token = {0};
	struct agent gw = {0};
	struct device d;
	struct group g;
	struct rig r;

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER | ROLE_GATEWAY, 1, 0, &token);
	assert_int_equal(agent_join(&gw, &r, "gw", buf_str(&token)), 201);
	rig_group(&r, &g);
	rig_client(&r, "phone", g.id, &d);
	rig_change(&r, &schema_device, NULL, &d);
	rig_token(&r, ROLE_PEER, 1, 0, &token); /* nothing of it is spent by who is refused */
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		AUTOFREE char *body = mem_printf("{\"token\":\"%s\",\"public_key\":\"" KEY_A
						 "\",\"hostname\":\"%s\"}",
			buf_str(&token), tries[i].hostname);
		struct http_response response;

		assert_int_equal(rig_call(&r, "POST", "/v1/register", buf_str(&token), NULL, body,
					 &response),
			tries[i].status);
		if (tries[i].message != NULL) {
			assert_non_null(strstr(buf_str(&response.body), tries[i].message));
			assert_non_null(strstr(buf_str(&response.body), "\"hostname\""));
		}
		http_response_done(&response);
	}
	schema_done(&schema_group, &g);
	schema_done(&schema_device, &d);
	rig_stop(&r);
}

static int check_ports(struct tx *tx, void *arg, struct err *e)
{
	const struct rig *r = arg;
	struct fleet *f;
	int result = world_load(tx, r->project, &f, e);

	if (result >= 0)
		result = world_check_ports(f, r->network, e);
	fleet_free(f);
	return result;
}

/* Machines in two networks that have links to many exits in both: which ports those take follows
 * from ids, and two in sixteen would meet more often than not. */
static void test_ports(void **state)
{
	struct agent gw = {0}, other = {0}, exits[16] = {{0}};
	struct err e = {0};
	CLEANUP(buf_done) struct buf token = {0};
	struct rig r;

	rig_start(&r, false);
	rig_second(&r);
	rig_token(&r, ROLE_PEER | ROLE_GATEWAY, 2, 0, &token);
	assert_int_equal(agent_join(&gw, &r, "gw", buf_str(&token)), 201);
	assert_int_equal(agent_join(&other, &r, "other", buf_str(&token)), 201);
	rig_token(&r, ROLE_PEER | ROLE_EXIT, ARRAY_LEN(exits), 0, &token);
	for (size_t i = 0; i < ARRAY_LEN(exits); i++) {
		AUTOFREE char *name = mem_printf("exit%zu", i);

		assert_int_equal(agent_join(&exits[i], &r, name, buf_str(&token)), 201);
	}
	if (store_read(r.control.store, check_ports, &r, &e) < 0)
		fail_msg("%s", e.text);
	rig_stop(&r);
}

/* --- state ------------------------------------------------------------------------------------ */

static void test_state(void **state)
{
	CLEANUP(buf_done) struct buf token = {0};
	struct agent a = {0}, b = {0};
	struct http_response response;
	struct state_head head = {0};
	struct rig r;
	struct state s = {0};
	char etag[64], sha[HASH_HEX_LEN];

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER, 2, 0, &token);
	assert_int_equal(agent_join(&a, &r, "a", buf_str(&token)), 201);
	assert_int_equal(agent_join(&b, &r, "b", buf_str(&token)), 201);
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
		rig_token(&r, ROLE_PEER, 1, 0, &token);
		assert_int_equal(agent_join(&box, &r, "box", buf_str(&token)), 201);
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
	rig_token(&r, ROLE_PEER | ROLE_CONTROLLER, 1, 0, &token);
	assert_int_equal(agent_join(&hub, &r, "hub", buf_str(&token)), 201);
	rig_token(&r, ROLE_PEER, 1, 0, &token);
	assert_int_equal(agent_join(&box, &r, "box", buf_str(&token)), 201);
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
	CLEANUP(buf_done) struct buf token = {0};
	struct agent gw = {0};
	struct device d;
	struct group g;
	struct rig r;

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER | ROLE_GATEWAY, 1, 0, &token);
	assert_int_equal(agent_join(&gw, &r, "gw", buf_str(&token)), 201);
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
	CLEANUP(buf_done) struct buf token = {0};
	struct agent gws[2] = {0};
	struct device d;
	struct group g;
	id_text away;
	struct rig r;

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER | ROLE_GATEWAY, 2, 0, &token);
	assert_int_equal(agent_join(&gws[0], &r, "gw1", buf_str(&token)), 201);
	assert_int_equal(agent_join(&gws[1], &r, "gw2", buf_str(&token)), 201);
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
	CLEANUP(buf_done) struct buf token = {0};
	struct agent gw = {0}, box = {0};
	struct node_status st;
	struct device d, stored = {0};
	struct node n = {0};
	struct link link;
	struct group g;
	struct rig r;
	bool reconcile;

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER | ROLE_GATEWAY, 1, 0, &token);
	assert_int_equal(agent_join(&gw, &r, "gw", buf_str(&token)), 201);
	rig_token(&r, ROLE_PEER, 1, 0, &token);
	assert_int_equal(agent_join(&box, &r, "box", buf_str(&token)), 201);
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
	rig_token(&r, ROLE_PEER, 1, 0, &token);
	assert_int_equal(agent_join(&a, &r, "twice", buf_str(&token)), 201);
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
	rig_token(&r, ROLE_PEER, 1, 0, &token);
	assert_int_equal(agent_join(&a, &r, "wanderer", buf_str(&token)), 201);
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
	CLEANUP(buf_done) struct buf token = {0};
	struct agent a = {0}, b = {0};
	struct rig r;
	char id[24];

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER, 2, 0, &token);
	assert_int_equal(agent_join(&a, &r, "a", buf_str(&token)), 201);
	assert_int_equal(agent_join(&b, &r, "b", buf_str(&token)), 201);
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

/* --- new keys --------------------------------------------------------------------------------- */

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
			expect_field(&response, rows[i].field);
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

static void test_rotation(void **state)
{
	CLEANUP(buf_done) struct buf token = {0};
	struct agent a = {0}, b = {0};
	struct rig r;
	struct err e = {0};
	struct public_key fresh = {0};
	char last[24];

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER, 2, 0, &token);
	assert_int_equal(agent_join(&a, &r, "a", buf_str(&token)), 201);
	assert_int_equal(agent_join(&b, &r, "b", buf_str(&token)), 201);
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
	CLEANUP(buf_done) struct buf token = {0};
	struct err e = {0};

	memset(p, 0, sizeof(*p));
	rig_start(&p->r, false);
	rig_token(&p->r, ROLE_PEER, 2, 0, &token);
	assert_int_equal(agent_join(&p->a, &p->r, "a", buf_str(&token)), 201);
	assert_int_equal(agent_join(&p->b, &p->r, "b", buf_str(&token)), 201);
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
	CLEANUP(buf_done) struct buf token = {0}, text = {0};
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
	rig_token(&r, ROLE_PEER, 2, 0, &token);
	assert_int_equal(agent_join(&a, &r, "a", buf_str(&token)), 201);
	assert_int_equal(agent_join(&b, &r, "b", buf_str(&token)), 201);
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

/* Members of nobody, so that a mesh need not be joined two thousand times. */
static int crowd(struct tx *tx, void *arg, struct err *e)
{
	struct rig *r = arg;
	int result = 0;

	for (unsigned i = 1; result >= 0 && i < PLAN_MESH_MAX; i++) {
		struct member m = {.roles = ROLE_PEER};

		snprintf(m.id, sizeof(m.id), "mem_%032x", i);
		snprintf(m.node, sizeof(m.node), "node_%032x", i);
		id_copy(m.project, r->project);
		id_copy(m.network, r->network);
		result = tx_insert(tx, &schema_member, &m, e);
	}
	return result;
}

static void set_topology(struct rig *r, int topology)
{
	struct network before = {0}, after = {0};

	rig_get(r, &schema_network, r->network, &before);
	schema_copy(&schema_network, &after, &before);
	after.topology = topology;
	rig_change(r, &schema_network, &before, &after);
	schema_done(&schema_network, &before);
	schema_done(&schema_network, &after);
}

static void test_full_mesh(void **state)
{
	CLEANUP(buf_done) struct buf token = {0};
	struct agent last = {0}, late = {0};
	struct http_response response;
	struct err e = {0};
	struct rig r;

	rig_start(&r, false);
	rig_token(&r, ROLE_PEER, 9, 0, &token);
	assert_true(store_write_wait(r.control.store, crowd, &r, &e) >= 0);
	assert_int_equal(agent_join(&last, &r, "last", buf_str(&token)), 201);
	AUTOFREE char *body =
		mem_printf("{\"token\":\"%s\",\"public_key\":\"%s\",\"hostname\":\"late\"}",
			buf_str(&token), KEY_A);
	assert_int_equal(
		rig_call(&r, "POST", "/v1/register", buf_str(&token), NULL, body, &response), 409);
	expect_field(&response, "network");
	assert_non_null(strstr(buf_str(&response.body), "network default is full"));
	http_response_done(&response);
	/* a hub has no such limit, and the refused node left nothing behind */
	set_topology(&r, TOPOLOGY_HUB);
	assert_int_equal(agent_join(&late, &r, "late", buf_str(&token)), 201);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_token_in_the_body),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_dns_names),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_group_key),
		cmocka_unit_test(test_sightings),
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_falls_back),
		cmocka_unit_test(test_heartbeat),
		cmocka_unit_test(test_counters_go_with_their_node),
		cmocka_unit_test(test_a_network_named_twice_is_joined_once),
		cmocka_unit_test(test_a_node_does_not_move_all_the_time),
		cmocka_unit_test(test_endpoints_and_keys),
		cmocka_unit_test(test_gateway),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_rotation_steps),
		cmocka_unit_test(test_rotation_waits),
		cmocka_unit_test(test_rotation_now),
		cmocka_unit_test(test_rotation_called_off),
		cmocka_unit_test(test_signing_key),
		cmocka_unit_test(test_pins),
		cmocka_unit_test(test_full_mesh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
