/* DOC: states and deltas: whatever the model can hold comes back from the wire the same. */
#include "base/mem.h"
#include "codec/state.h"
#include "crypto/key.h"

#include "random_state.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define ROUNDS 300

static void assert_items_equal(const struct item_vec *a, const struct item_vec *b, bool keys)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(item_compare(a->v[i], b->v[i]), 0);
		assert_true(keys || item_equal(a->v[i], b->v[i]));
	}
}

static void test_round_trip(void **state)
{
	for (uint64_t seed = 0; seed < ROUNDS; seed++) {
		struct rand r = {seed};
		CLEANUP(state_done) struct state s = {0}, got = {0};
		CLEANUP(buf_wipe) struct buf b = {0}, again = {0};
		struct err e = {0};

		random_state(&r, (unsigned)(seed % 40), &s);
		state_write(&b, &s);
		if (state_read(b.data, b.len, &got, &e) != 0)
			fail_msg("seed %u: %s: %s", (unsigned)seed, e.field, e.text);
		assert_string_equal(got.node, s.node);
		assert_string_equal(got.project, s.project);
		assert_true(got.revision == s.revision);
		assert_true(strs_equal(&got.requires, &s.requires));
		assert_items_equal(&got.items, &s.items, false);
		state_write(&again, &got);
		assert_string_equal(b.data, again.data);
	}
}

static void test_delta_round_trip(void **state)
{
	for (uint64_t seed = 0; seed < ROUNDS; seed++) {
		struct rand r = {seed};
		CLEANUP(state_done) struct state from = {0}, to = {0};
		CLEANUP(delta_done) struct delta d = {0}, got = {0};
		CLEANUP(buf_wipe) struct buf b = {0};
		struct json_doc *doc;
		struct err e = {0};

		random_state(&r, (unsigned)(seed % 30), &from);
		random_state(&r, (unsigned)(seed % 20), &to);
		for (size_t i = 0; i < from.items.n; i += 2)
			state_put(&to, item_dup(from.items.v[i]));
		from.revision = 1 + seed;
		state_diff(&from, &to, &d);
		if (seed % 3 == 0)
			random_strs(&r, &d.requires);
		delta_write(&b, &d);
		doc = json_parse(b.data, b.len, JSON_MAX, &e);
		assert_non_null(doc);
		if (delta_read(json_root(doc), &got, &e) != 0)
			fail_msg("seed %u: %s: %s", (unsigned)seed, e.field, e.text);
		json_free(doc);
		assert_true(got.previous == d.previous && got.revision == d.revision);
		assert_true(strs_equal(&got.requires, &d.requires));
		assert_items_equal(&got.put, &d.put, false);
		assert_items_equal(&got.drop, &d.drop, true);
		assert_int_equal(state_apply(&from, &got, &e), 0);
		assert_items_equal(&from.items, &to.items, false);
	}
}

static void test_wire(void **state)
{
	struct peer_item p = {.interface = "warren0",
		.id = "cl_1",
		.keepalive = 25,
		.not_after = 1767323045000,
		.generation = 3};
	CLEANUP(buf_wipe) struct buf b = {0};
	struct json_writer w = {.out = &b};

	p.public_key.bytes[0] = 1;
	assert_int_equal(addr_parse("172.30.0.2", &p.mesh_ip), 0);
	VEC_PUSH(&p.allowed_ips, prefix_host(p.mesh_ip));
	peer_write(&w, &p);
	assert_string_equal(buf_str(&b),
		"{\"id\":\"cl_1\",\"interface\":\"warren0\","
		"\"public_key\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
		"\"mesh_ip\":\"172.30.0.2\",\"mesh_ip6\":\"\",\"endpoint\":\"\","
		"\"allowed_ips\":[\"172.30.0.2/32\"],\"psk\":\"\",\"keepalive\":25,"
		"\"not_after\":\"2026-01-02T03:04:05Z\",\"generation\":3}");
	VEC_DONE(&p.allowed_ips);
}

#define HEAD "{\"node\":\"node_1\",\"project\":\"prj_1\",\"revision\":7,\"requires\":[\"psk\"],"
#define KEY_TEXT "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="
#define PEER(id)                                                                        \
	"{\"id\":\"" id "\",\"interface\":\"warren0\",\"public_key\":\"" KEY_TEXT "\"," \
	"\"allowed_ips\":[\"10.0.0.2/32\"]}"

/* What a newer control plane adds is no error; null and absent are the same. */
static void test_unknown(void **state)
{
	static const char text[] =
		HEAD " \"later\" : {\"a\":[1,{}]}, \"networks\": [ {\"peers\" : [ {\"id\":\"cl_1\","
		     "\"interface\":\"warren0\",\"public_key\":\"" KEY_TEXT "\",\"allowed_ips\":[],"
		     "\"psk\":null,\"not_after\":null,\"colour\":\"red\"} ], \"id\":\"net_1\","
		     "\"portals\":[{\"x\":1}], \"sysctls\":[{\"name\":\"a\",\"value\":\"1\"}]}, "
		     "{\"id\":\"net_2\"} ] }";
	CLEANUP(state_done) struct state s = {0};
	struct err e = {0};

	if (state_read(text, strlen(text), &s, &e) != 0)
		fail_msg("%s: %s", e.field, e.text);
	assert_int_equal(s.items.n, 2);
	assert_int_equal(s.items.v[0]->kind, ITEM_SYSCTL);
	assert_string_equal(s.items.v[1]->peer.id, "cl_1");
	assert_string_equal(s.items.v[1]->network, "net_1");
	assert_string_equal(s.requires.v[0], "psk");
	assert_true(s.revision == 7);
}

static void test_bad(void **state)
{
#define NET(sections) HEAD "\"networks\":[{\"id\":\"net_1\"," sections "}]}"
	static const char *const bad[][2] = {
		{"", "state"},
		{"[]", "state"},
		{"{}", "node"},
		{HEAD "\"networks\":[]}x", "state"},
		{HEAD "\"networks\":[],\"networks\":[]}", "networks"},
		{HEAD "\"networks\":{}}", "networks"},
		{HEAD "\"networks\":[7]}", "networks[0]"},
		{HEAD "\"networks\":[{}]}", "networks[0].id"},
		{HEAD "\"networks\":[{\"id\":\"\"}]}", "networks[0].id"},
		{HEAD "\"networks\":[{\"id\":\"a\",\"id\":\"b\"}]}", "networks[0]"},
		{HEAD "\"networks\":[{\"id\":\"net_1\",\"peers\":[" PEER(
			 "cl_1") "]}],\"x\":\"\xff\"}",
			"state"},
		{"{\"node\":\"n\",\"project\":\"p\",\"revision\":-1,\"requires\":[],\"networks\":[]}",
			"revision"},
		{"{\"node\":\"n\",\"project\":\"p\",\"revision\":\"1\",\"requires\":[],\"networks\":[]}",
			"revision"},
		{"{\"node\":\"n\",\"project\":\"p\",\"revision\":1,\"networks\":[]}", "requires"},
		{NET("\"peers\":{}"), "networks[0].peers"},
		{NET("\"peers\":[7]"), "networks[0].peers[0]"},
		{NET("\"peers\":[" PEER("cl_1") "," PEER("cl_1") "]"), "networks"},
		{NET("\"peers\":[" PEER("cl_1") ",{\"id\":\"cl_2\"}]"),
			"networks[0].peers[1].interface"},
		{NET("\"peers\":[{\"id\":\"cl_2\",\"id\":\"cl_3\"}]"), "networks[0].peers[0]"},
		{NET("\"peers\":[{\"id\":\"a\",\"interface\":\"../x\"}]"),
			"networks[0].peers[0].interface"},
		{NET("\"peers\":[{\"id\":\"a\",\"interface\":\"w\",\"public_key\":\"\"}]"),
			"networks[0].peers[0].public_key"},
		{NET("\"peers\":[{\"id\":\"a\",\"interface\":\"w\",\"public_key\":\"" KEY_TEXT
		     "\",\"allowed_ips\":[\"10.0.0.1/8\"]}]"),
			"networks[0].peers[0].allowed_ips[0]"},
		{NET("\"peers\":[{\"id\":\"a\",\"interface\":\"w\",\"public_key\":\"" KEY_TEXT
		     "\",\"allowed_ips\":[],\"keepalive\":65536}]"),
			"networks[0].peers[0].keepalive"},
		{NET("\"addresses\":[{\"interface\":\"w\",\"address\":\"10.0.0.1\"}]"),
			"networks[0].addresses[0].address"},
		{NET("\"addresses\":[{\"interface\":\"w\",\"address\":\"10.0.0.1/33\"}]"),
			"networks[0].addresses[0].address"},
		{NET("\"addresses\":[{\"interface\":\"w\",\"address\":\"10.0.0.1/08\"}]"),
			"networks[0].addresses[0].address"},
		{NET("\"interfaces\":[{\"name\":\"w\",\"role\":\"king\"}]"),
			"networks[0].interfaces[0].role"},
		{NET("\"firewalls\":[{\"interfaces\":[],\"forward\":[],\"overlay\":[],\"input\":"
		     "[{\"from\":\"a\",\"to\":\"\",\"protocol\":\"any\"}]}]"),
			"networks[0].firewalls[0].input[0].ports"},
		{NET("\"routes\":[{\"dst\":null,\"interface\":\"w\"}]"),
			"networks[0].routes[0].dst"},
	};
	CLEANUP(state_done) struct state s = {.revision = 99};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = {0};

		if (state_read(bad[i][0], strlen(bad[i][0]), &s, &e) != ERR_INVALID)
			fail_msg("taken: %s", bad[i][0]);
		if (strcmp(e.field, bad[i][1]) != 0)
			fail_msg("%s: field is \"%s\": %s", bad[i][0], e.field, e.text);
		assert_true(s.revision == 99);
	}
}

static void test_delta_bad(void **state)
{
	static const char *const bad[][2] = {
		{"{}", "previous"},
		{"{\"previous\":1}", "revision"},
		{"{\"previous\":1,\"revision\":2}", "networks"},
		{"{\"previous\":1,\"revision\":2,\"networks\":[[]]}", "networks[0]"},
		{"{\"previous\":1,\"revision\":2,\"networks\":[{\"id\":\"n\",\"peers\":[]}]}",
			"networks[0].peers"},
		{"{\"previous\":1,\"revision\":2,\"networks\":[{\"id\":\"n\",\"peers\":{\"put\":7}}]}",
			"networks[0].peers.put"},
		{"{\"previous\":1,\"revision\":2,\"networks\":[{\"id\":\"n\",\"peers\":{\"drop\":"
		 "[{\"id\":\"a\"}]}}]}",
			"networks[0].peers.drop[0].interface"},
		{"{\"previous\":1,\"revision\":2,\"networks\":[{\"id\":\"n\",\"hosts\":{\"drop\":"
		 "[{\"name\":\"a\"},{\"name\":\"a\"}]}}]}",
			"networks"},
		{"[]", ""},
	};
	CLEANUP(delta_done) struct delta d = {.revision = 99};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct json_doc *doc = json_parse(bad[i][0], strlen(bad[i][0]), JSON_MAX, NULL);
		struct err e = {0};

		assert_non_null(doc);
		assert_int_equal(delta_read(json_root(doc), &d, &e), ERR_INVALID);
		assert_string_equal(e.field, bad[i][1]);
		assert_true(d.revision == 99);
		json_free(doc);
	}
}

static void test_truncated(void **state)
{
	struct rand r = {5};
	CLEANUP(state_done) struct state s = {0}, got = {0};
	CLEANUP(buf_wipe) struct buf b = {0};

	random_state(&r, 20, &s);
	state_write(&b, &s);
	for (size_t n = 0; n < b.len; n++) {
		AUTOFREE char *cut = mem_alloc(n);

		memcpy(cut, b.data, n);
		assert_int_equal(state_read(cut, n, &got, NULL), ERR_INVALID);
	}
	assert_int_equal(got.items.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_delta_round_trip),
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_delta_bad),
		cmocka_unit_test(test_truncated),
	};

	crypto_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
