/* DOC: the source document's own calls for keys and endpoints (spec 1): its words, its answers, and
 * what we ask for besides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rig.h"

#include "control/hub_state.h"
#include "crypto/key.h"

#include <stdio.h>

#define ROTATE "/v1/keys/rotate"

struct two {
	struct rig r;
	struct agent a, b;
};

static void start(struct two *t)
{
	CLEANUP(buf_wipe) struct buf token = {0};

	memset(t, 0, sizeof(*t));
	rig_start(&t->r, false);
	rig_token(&t->r, ROLE_PEER, 2, 0, &token);
	assert_int_equal(agent_join(&t->a, &t->r, "a", buf_str(&token)), 201);
	assert_int_equal(agent_join(&t->b, &t->r, "b", buf_str(&token)), 201);
}

static void stop(struct two *t)
{
	agent_done(&t->a);
	agent_done(&t->b);
	rig_stop(&t->r);
}

struct words {
	const char *node, *network; /* network NULL = not said */
	const struct secret *secret;
	const char *bearer;
};

static int rotate(struct two *t, const struct words *words, const struct public_key *key,
	struct http_response *ret)
{
	char text[KEY_TEXT_LEN], proof_text[KEY_TEXT_LEN];
	struct secret proof = {0};
	AUTOFREE char *network =
		words->network ? mem_printf("\"network\":\"%s\",", words->network) : mem_strdup("");

	key_announce_proof(
		words->secret, words->network ? words->network : t->r.network, key, &proof);
	AUTOFREE char *body = mem_printf(
		"{\"node_id\":\"%s\",%s\"new_public_key\":\"%s\",\"proof\":\"%s\"}", words->node,
		network, key_format_public(key, text), key_format_secret(&proof, proof_text));
	return rig_call(&t->r, "POST", ROTATE, words->bearer, NULL, body, ret);
}

static void read_key(const struct fleet *f, void *arg)
{
	struct agent *a = arg;

	a->signing = fleet_member(f, a->id, a->rig->network)->public_key;
}

static bool has_key(struct agent *a, const struct public_key *key)
{
	hub_run_wait(a->rig->control.hub, read_key, a);
	return public_key_equal(&a->signing, key);
}

static void fresh_key(struct public_key *ret)
{
	struct secret key;

	key_generate(&key);
	key_public(&key, ret);
}

/* The peer in a list of an answer that has this mesh address. */
static const struct json *peer_at(const struct json *list, const char *mesh_ip)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(json_str(json_at(list, i), "mesh_ip"), mesh_ip) == 0)
			return json_at(list, i);
	return NULL;
}

/* Nobody asked for this key, so it is the node's at once, and the answer has its peers with the
 * pre-shared keys that go with it: what the other end is told, too. */
static void test_rotate(void **state)
{
	struct two t;
	struct http_response response;
	struct public_key key;

	start(&t);
	const struct words own = {t.a.id, NULL, &t.a.secret, t.a.bearer};
	fresh_key(&key);
	assert_int_equal(rotate(&t, &own, &key, &response), 200);
	assert_true(has_key(&t.a, &key));
	struct json_doc *doc = json_parse(response.body.data, response.body.len, JSON_MAX, NULL);
	const struct json *peers = json_get(json_root(doc), "updated_peers");
	const struct json *b = peer_at(peers, "172.30.0.2");
	char text[KEY_TEXT_LEN];
	assert_int_equal(json_count(peers), 1);
	assert_non_null(b);
	assert_string_equal(json_str(b, "public_key"), key_format_public(&t.b.public_key, text));
	agent_fetch(&t.b, &t.b.state);
	const struct peer_item *other = NULL;
	VEC_FOREACH (i, &t.b.state.items)
		if ((*i)->kind == ITEM_PEER)
			other = &(*i)->peer;
	assert_non_null(other);
	assert_true(public_key_equal(&other->public_key, &key));
	assert_string_equal(json_str(b, "psk"), key_format_secret(&other->psk, text));
	json_free(doc);
	http_response_done(&response);
	/* the network may be named; the same key again changes nothing */
	const struct words named = {t.a.id, t.r.network, &t.a.secret, t.a.bearer};
	uint64_t revision = rig_revision(&t.r, t.b.id);
	assert_int_equal(rotate(&t, &named, &key, NULL), 200);
	assert_int_equal(rig_revision(&t.r, t.b.id), revision);
	stop(&t);
}

/* Whoever may not announce a key by the other call may not by this one. */
static void test_rotate_refused(void **state)
{
	struct two t;
	struct public_key key;

	start(&t);
	const struct {
		struct words words;
		int status;
	} rows[] = {
		{{t.a.id, NULL, &t.a.secret, NULL}, 401},
		{{t.a.id, NULL, &t.a.secret, "wnt_x"}, 401},
		{{t.b.id, NULL, &t.b.secret, t.a.bearer}, 403}, /* a bearer is one node's */
		{{"node_x", NULL, &t.a.secret, t.a.bearer}, 403},
		{{t.a.id, NULL, &t.b.secret, t.a.bearer}, 403}, /* the bearer alone does not do */
		{{t.a.id, "net_0190000000007000800000000000000a", &t.a.secret, t.a.bearer}, 400},
		{{t.a.id, "x", &t.a.secret, t.a.bearer}, 400},
	};
	fresh_key(&key);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int status = rotate(&t, &rows[i].words, &key, NULL);

		if (status != rows[i].status)
			fail_msg("row %zu: %d, not %d", i, status, rows[i].status);
	}
	assert_true(has_key(&t.a, &t.a.public_key));
	assert_true(has_key(&t.b, &t.b.public_key));
	/* a key that another has */
	const struct words own = {t.a.id, NULL, &t.a.secret, t.a.bearer};
	assert_int_equal(rotate(&t, &own, &t.b.public_key, NULL), 409);
	/* a point of low order, by its own hand */
	const struct public_key low = {{1}};
	struct http_response response;
	assert_int_equal(rotate(&t, &own, &low, &response), 400);
	assert_non_null(strstr(buf_str(&response.body), "\"new_public_key\""));
	http_response_done(&response);
	assert_true(has_key(&t.a, &t.a.public_key));
	/* without a proof; and without a bearer nothing is unpacked */
	char text[KEY_TEXT_LEN];
	AUTOFREE char *bare = mem_printf("{\"node_id\":\"%s\",\"new_public_key\":\"%s\"}", t.a.id,
		key_format_public(&key, text));
	assert_int_equal(rig_call(&t.r, "POST", ROTATE, t.a.bearer, NULL, bare, &response), 400);
	assert_non_null(strstr(buf_str(&response.body), "\"proof\""));
	http_response_done(&response);
	assert_int_equal(rig_call(&t.r, "POST", ROTATE, t.a.bearer, NULL, "{}", NULL), 400);
	assert_int_equal(
		rig_call(&t.r, "POST", ROTATE, "wnt_x", "Content-Encoding: gzip", "{}", NULL), 401);
	/* who has left is nobody here */
	assert_int_equal(agent_call(&t.a, "POST", "deregister", NULL, "{}", NULL), 200);
	assert_int_equal(rotate(&t, &own, &key, NULL), 401);
	stop(&t);
}

/* A node in two networks says which it means. */
static void test_rotate_names_its_network(void **state)
{
	CLEANUP(buf_wipe) struct buf token = {0};
	struct two t;
	struct agent both = {0};
	struct public_key key;

	start(&t);
	rig_second(&t.r);
	rig_token(&t.r, ROLE_PEER, 1, 0, &token);
	assert_int_equal(agent_join(&both, &t.r, "both", buf_str(&token)), 201);
	fresh_key(&key);
	struct words words = {both.id, NULL, &both.secret, both.bearer};
	struct http_response response;
	assert_int_equal(rotate(&t, &words, &key, &response), 400);
	assert_non_null(strstr(buf_str(&response.body), "\"network\""));
	http_response_done(&response);
	words.network = t.r.second;
	assert_int_equal(rotate(&t, &words, &key, NULL), 200);
	/* the key of a further network is its own: nobody there has peers' keys of the first */
	agent_done(&both);
	stop(&t);
}

static void test_endpoint(void **state)
{
	static const struct {
		const char *body;
		int status;
		const char *text; /* in the answer */
	} rows[] = {
		{"{\"public_endpoint\":\"203.0.113.5:51820\",\"nat_type\":\"full_cone\"}", 200,
			"{\"peer_endpoints\":[]}"},
		{"{\"public_endpoint\":\"203.0.113.6:51820\"}", 200, "{\"peer_endpoints\":[]}"},
		{"{\"public_endpoint\":\"127.0.0.1:51820\"}", 400, "\"public_endpoint\""},
		{"{\"public_endpoint\":\"172.30.0.9:51820\"}", 400, "\"public_endpoint\""},
		{"{\"public_endpoint\":\"203.0.113.6:1\",\"endpoint\":\"203.0.113.6:1\"}", 400,
			"\"public_endpoint\""},
		{"{\"public_endpoint\":\"203.0.113.6:1\",\"nat_type\":\"cone\"}", 400,
			"\"nat_type\""},
		{"{\"public_endpoint\":\"203.0.113.6:1\",\"nat_type\":7}", 400, "\"nat_type\""},
		{"{\"public_endpoint\":\"203.0.113.6:1\",\"network\":\"x\"}", 400, "\"network\""},
		{"{\"nat_type\":\"none\"}", 400, "\"endpoint\""},
	};
	struct two t;

	start(&t);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_response response;
		int status = agent_call(&t.a, "PUT", "endpoint", NULL, rows[i].body, &response);

		if (status != rows[i].status ||
			strstr(buf_str(&response.body), rows[i].text) == NULL)
			fail_msg("%s: %d: %s", rows[i].body, status, buf_str(&response.body));
		http_response_done(&response);
	}
	/* the other end learns it, and is told so when it says its own */
	struct http_response response;
	assert_int_equal(agent_call(&t.b, "PUT", "endpoint", NULL,
				 "{\"public_endpoint\":\"203.0.113.7:51820\"}", &response),
		200);
	struct json_doc *doc = json_parse(response.body.data, response.body.len, JSON_MAX, NULL);
	const struct json *list = json_get(json_root(doc), "peer_endpoints");
	assert_int_equal(json_count(list), 1);
	assert_string_equal(json_str(json_at(list, 0), "endpoint"), "203.0.113.6:51820");
	assert_non_null(json_str(json_at(list, 0), "peer_id"));
	json_free(doc);
	http_response_done(&response);
	stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rotate),
		cmocka_unit_test(test_rotate_refused),
		cmocka_unit_test(test_rotate_names_its_network),
		cmocka_unit_test(test_endpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
