/* DOC: joining: who is let in, what the answer is worth to others, replays, names and ports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rig.h"

#include "control/world.h"
#include "crypto/key.h"
#include "plan/plan.h"

#include <stdio.h>

#define KEY_A "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
#define KEY_B "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="
#define MINUTES ((msec)60 * 1000)

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
			rig_expect_field(&response, rows[i].field);
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
	rig_join(&r, ROLE_PEER | ROLE_GATEWAY, "gw", &gw);
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
	rig_join(&r, ROLE_PEER | ROLE_GATEWAY, "gw", &gw);
	rig_join(&r, ROLE_PEER | ROLE_GATEWAY, "other", &other);
	rig_token(&r, ROLE_PEER | ROLE_EXIT, ARRAY_LEN(exits), 0, &token);
	for (size_t i = 0; i < ARRAY_LEN(exits); i++) {
		AUTOFREE char *name = mem_printf("exit%zu", i);

		assert_int_equal(agent_join(&exits[i], &r, name, buf_str(&token)), 201);
	}
	if (store_read(r.control.store, check_ports, &r, &e) < 0)
		fail_msg("%s", e.text);
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
	rig_expect_field(&response, "network");
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
		cmocka_unit_test(test_full_mesh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
