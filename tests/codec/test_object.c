/* DOC: bodies: every kind of wrong value is refused by name, and then nothing has changed. */
#include "base/mem.h"
#include "codec/object.h"
#include "crypto/key.h"
#include "model/schema.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define KEY_TEXT "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="

static int read_text(const char *text, const struct schema *s, unsigned need,
	const char *const also[], void *object, struct err *e)
{
	struct json_doc *d = json_parse(text, strlen(text), JSON_MAX, e);
	int rc;

	assert_non_null(d);
	rc = object_read(json_root(d), s, need, also, object, e);
	json_free(d);
	return rc;
}

static char *written(const struct schema *s, const void *object)
{
	struct buf b = {0};
	struct json_writer w = {.out = &b};

	json_begin_object(&w, NULL);
	object_write(&w, s, object);
	json_end_object(&w);
	return buf_take(&b);
}

/* Spec 1 fixes these sentences; a body must meet them, not only who calls the check. */
static void test_fixed_messages(void **state)
{
	static const char port[] = "wireguard: config: ListenPort must be between 1 and 65535";
	static const char mtu[] = "wireguard: config: MTU must not be negative";
	static const struct {
		const struct schema *schema;
		const char *body, *field, *want;
	} cases[] = {
		{&schema_network, "{\"name\":\"a\",\"listen_port\":0}", "listen_port", port},
		{&schema_network, "{\"name\":\"a\",\"listen_port\":-1}", "listen_port", port},
		{&schema_network, "{\"name\":\"a\",\"listen_port\":65536}", "listen_port", port},
		{&schema_network, "{\"name\":\"a\",\"mtu\":-1}", "mtu", mtu},
		{&schema_member, "{\"listen_port\":0}", "listen_port", port},
		{&schema_group, "{\"name\":\"a\",\"listen_port\":65536}", "listen_port", port},
		{&schema_device, "{\"name\":\"a\",\"mtu\":-9}", "mtu", mtu},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		void *object = mem_zalloc(cases[i].schema->size);
		struct err e = {0};

		assert_int_equal(
			read_text(cases[i].body, cases[i].schema,
				cases[i].schema == &schema_member ? FIELD_CHANGE : FIELD_SET, NULL,
				object, &e),
			ERR_INVALID);
		assert_string_equal(e.field, cases[i].field);
		assert_string_equal(e.text, cases[i].want);
		schema_free(cases[i].schema, object);
	}
}

/* Each body is wrong in one place, which the error must name. */
static void test_device_bad(void **state)
{
	static const char *const bad[][2] = {
		{"{}", "name"},
		{"{\"name\":null}", "name"},
		{"{\"name\":\"\"}", "name"},
		{"{\"name\":7}", "name"},
		{"{\"name\":[]}", "name"},
		{"{\"name\":\"a\\nb\"}", "name"},
		{"{\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
			"name"},
		{"{\"name\":\"a\",\"nmae\":\"b\"}", "nmae"},
		{"{\"name\":\"a\",\"id\":\"cl_1\"}", "id"},
		{"{\"name\":\"a\",\"project\":\"prj_1\"}", "project"},
		{"{\"name\":\"a\",\"ipv4\":\"10.0.0.1\"}", "ipv4"},
		{"{\"name\":\"a\",\"created_at\":null}", "created_at"},
		{"{\"name\":\"a\",\"rx\":1}", "rx"},
		{"{\"name\":\"a\",\"config_hash\":\"\"}", "config_hash"},
		{"{\"name\":\"a\",\"enabled\":1}", "enabled"},
		{"{\"name\":\"a\",\"enabled\":\"true\"}", "enabled"},
		{"{\"name\":\"a\",\"enabled\":null}", "enabled"},
		{"{\"name\":\"a\",\"mtu\":-1}", "mtu"},
		{"{\"name\":\"a\",\"mtu\":65536}", "mtu"},
		{"{\"name\":\"a\",\"mtu\":4294967296}", "mtu"},
		{"{\"name\":\"a\",\"mtu\":1420.0}", "mtu"},
		{"{\"name\":\"a\",\"mtu\":1e3}", "mtu"},
		{"{\"name\":\"a\",\"mtu\":\"1420\"}", "mtu"},
		{"{\"name\":\"a\",\"mtu\":null}", "mtu"},
		{"{\"name\":\"a\",\"mtu\":true}", "mtu"},
		{"{\"name\":\"a\",\"keepalive\":-2}", "keepalive"},
		{"{\"name\":\"a\",\"keepalive\":65536}", "keepalive"},
		{"{\"name\":\"a\",\"expires_at\":\"tomorrow\"}", "expires_at"},
		{"{\"name\":\"a\",\"expires_at\":\"2026-02-30T00:00:00Z\"}", "expires_at"},
		{"{\"name\":\"a\",\"expires_at\":\"1970-01-01T00:00:00Z\"}", "expires_at"},
		{"{\"name\":\"a\",\"expires_at\":0}", "expires_at"},
		{"{\"name\":\"a\",\"public_key\":\"\"}", "public_key"},
		{"{\"name\":\"a\",\"public_key\":\"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK09=\"}",
			"public_key"},
		{"{\"name\":\"a\",\"public_key\":7}", "public_key"},
		{"{\"name\":\"a\",\"tags\":\"x\"}", "tags"},
		{"{\"name\":\"a\",\"tags\":[\"x\",7]}", "tags[1]"},
		{"{\"name\":\"a\",\"tags\":[\"\"]}", "tags[0]"},
		{"{\"name\":\"a\",\"dns\":[\"1\",\"2\",\"3\",\"4\",\"5\"]}", "dns"},
		{"{\"name\":\"a\",\"allowed_ips\":[\"10.0.0.0/8\",\"10.0.0.1/8\"]}",
			"allowed_ips[1]"},
		{"{\"name\":\"a\",\"allowed_ips\":[\"10.0.0.0/33\"]}", "allowed_ips[0]"},
		{"{\"name\":\"a\",\"allowed_ips\":{}}", "allowed_ips"},
		{"{\"name\":\"a\",\"network\":7}", "network"},
		{"{\"name\":\"a\",\"network\":\"net_0123456789012345678901234567890123456\"}",
			"network"},
		{"[]", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct device d = {.name = mem_strdup("before"), .mtu = 1400};
		AUTOFREE char *before = written(&schema_device, &d), *after = NULL;
		struct err e = {0};

		if (read_text(bad[i][0], &schema_device, FIELD_SET, NULL, &d, &e) != ERR_INVALID)
			fail_msg("taken: %s", bad[i][0]);
		if (strncmp(e.field, bad[i][1], sizeof(e.field)) != 0 &&
			strcmp(e.field, bad[i][1]) != 0)
			fail_msg("%s: field is \"%s\"", bad[i][0], e.field);
		after = written(&schema_device, &d);
		assert_string_equal(before, after);
		schema_done(&schema_device, &d);
	}
}

static void test_device_good(void **state)
{
	struct device d = {.enabled = true, .rx = INT64_MAX}, again = {0};
	AUTOFREE char *text = NULL;
	struct err e = {0};

	assert_int_equal(
		read_text("{\"name\":\"J\\u00fcrg\",\"description\":\"\",\"network\":\"net_1\","
			  "\"tags\":[\"a\",\"b\"],\"expires_at\":\"2026-01-02T03:04:05.5+01:00\","
			  "\"public_key\":\"" KEY_TEXT
			  "\",\"allowed_ips\":[\"10.0.0.0/8\",\"::/0\"],"
			  "\"keepalive\":-1,\"mtu\":65535,\"enabled\":false,\"qr\":{\"x\":[]}}",
			&schema_device, FIELD_SET, (const char *const[]){"psk", "qr", NULL}, &d,
			&e),
		0);
	assert_string_equal(d.name, "J\xc3\xbcrg");
	assert_null(d.description);
	assert_string_equal(d.network, "net_1");
	assert_int_equal(d.tags.n, 2);
	assert_true(d.expires_at == 1767319445500);
	assert_int_equal(d.allowed_ips.n, 2);
	assert_int_equal(d.keepalive, -1);
	assert_int_equal(d.mtu, 65535);
	assert_false(d.enabled);
	text = written(&schema_device, &d);
	assert_non_null(strstr(text, "\"rx\":9223372036854775807"));
	assert_non_null(strstr(text, "\"public_key\":\"" KEY_TEXT "\""));
	assert_non_null(strstr(text, "\"ipv4\":null"));
	assert_non_null(strstr(text, "\"expires_at\":\"2026-01-02T02:04:05.500Z\""));
	assert_null(strstr(text, "config_hash"));

	/* PATCH: only what is there changes; null clears */
	assert_int_equal(read_text("{\"expires_at\":null,\"tags\":null,\"allowed_ips\":[]}",
				 &schema_device, FIELD_CHANGE, NULL, &d, &e),
		0);
	assert_true(d.expires_at == 0);
	assert_int_equal(d.tags.n, 0);
	assert_int_equal(d.allowed_ips.n, 0);
	assert_string_equal(d.name, "J\xc3\xbcrg");
	assert_int_equal(
		read_text("{\"network\":\"net_2\"}", &schema_device, FIELD_CHANGE, NULL, &d, &e),
		ERR_INVALID);
	assert_string_equal(e.field, "network");
	assert_int_equal(read_text("{\"name\":null}", &schema_device, FIELD_CHANGE, NULL, &d, &e),
		ERR_INVALID);
	schema_done(&schema_device, &d);
	schema_done(&schema_device, &again);
}

static void test_rules(void **state)
{
#define BODY(rules) "{\"name\":\"p\",\"rules\":" rules "}"
#define RULE "{\"from\":[\"*\"],\"to\":[\"nodes\"]}"
	static const char *const bad[][2] = {
		{BODY("{}"), "rules"},
		{BODY("[7]"), "rules[0]"},
		{BODY("[{}]"), "rules[0].from"},
		{BODY("[" RULE ",{\"from\":[\"*\"]}]"), "rules[1].to"},
		{BODY("[" RULE "," RULE ",{\"from\":\"*\",\"to\":[]}]"), "rules[2].from"},
		{BODY("[{\"from\":[\"*\",null],\"to\":[]}]"), "rules[0].from[1]"},
		{BODY("[{\"from\":[],\"to\":[],\"protocol\":\"sctp\"}]"), "rules[0].protocol"},
		{BODY("[{\"from\":[],\"to\":[],\"ports\":[443]}]"), "rules[0].ports[0]"},
		{BODY("[{\"from\":[],\"to\":[],\"action\":\"deny\"}]"), "rules[0].action"},
	};
	struct policy p = {0};
	AUTOFREE char *text = NULL;
	struct err e = {0};

	assert_int_equal(read_text(BODY("[" RULE ",{\"from\":[\"tag:a\"],\"to\":[\"10.0.0.0/8\"],"
					"\"protocol\":\"tcp\",\"ports\":[\"443\",\"80-90\"]}]"),
				 &schema_policy, FIELD_SET, NULL, &p, &e),
		0);
	text = written(&schema_policy, &p);
	assert_non_null(strstr(text,
		"\"rules\":[{\"from\":[\"*\"],\"to\":[\"nodes\"],\"protocol\":\"any\",\"ports\":[]},"
		"{\"from\":[\"tag:a\"],\"to\":[\"10.0.0.0/8\"],\"protocol\":\"tcp\","
		"\"ports\":[\"443\",\"80-90\"]}]"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		e = (struct err){0};
		assert_int_equal(
			read_text(bad[i][0], &schema_policy, FIELD_SET, NULL, &p, &e), ERR_INVALID);
		assert_string_equal(e.field, bad[i][1]);
		assert_int_equal(p.rules.n, 2);
	}
	schema_done(&schema_policy, &p);
}

static void test_words(void **state)
{
	struct token t = {0};
	struct err e = {0};
	AUTOFREE char *text = NULL;

	assert_int_equal(
		read_text("{\"name\":\"t\",\"kind\":\"join\",\"roles\":[\"gateway\",\"peer\"]"
			  ",\"uses_left\":4294967295}",
			&schema_token, FIELD_SET, NULL, &t, &e),
		0);
	assert_int_equal(t.kind, TOKEN_KIND_JOIN);
	assert_int_equal(t.roles, ROLE_PEER | ROLE_GATEWAY);
	assert_true(t.uses_left == UINT32_MAX);
	text = written(&schema_token, &t);
	assert_non_null(strstr(text, "\"kind\":\"join\""));
	assert_non_null(strstr(text, "\"roles\":[\"peer\",\"gateway\"]"));
	assert_int_equal(read_text("{\"name\":\"t\",\"kind\":\"root\"}", &schema_token, FIELD_SET,
				 NULL, &t, &e),
		ERR_INVALID);
	assert_string_equal(e.field, "kind");
	assert_non_null(strstr(e.text, "api, join"));
	assert_int_equal(read_text("{\"name\":\"t\",\"roles\":[\"peer\",\"king\"]}", &schema_token,
				 FIELD_SET, NULL, &t, &e),
		ERR_INVALID);
	assert_string_equal(e.field, "roles[1]");
	schema_done(&schema_token, &t);
}

/* The form SQL columns take: what field_write wrote, field_read brings back. */
static void test_fields(void **state)
{
	struct policy p = {0}, q = {0};
	CLEANUP(buf_done) struct buf b = {0};
	struct json_writer w = {.out = &b};
	const struct field *f = schema_field(&schema_policy, "rules");
	struct json_doc *d;

	assert_int_equal(
		read_text(BODY("[" RULE "]"), &schema_policy, FIELD_SET, NULL, &p, NULL), 0);
	field_write(&w, NULL, f, &p);
	d = json_parse(b.data, b.len, JSON_MAX, NULL);
	assert_non_null(d);
	assert_int_equal(field_read(json_root(d), f, &q, NULL), 0);
	json_free(d);
	q.name = mem_strdup("p");
	assert_true(schema_equal(&schema_policy, &p, &q));
	schema_done(&schema_policy, &p);
	schema_done(&schema_policy, &q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed_messages),
		cmocka_unit_test(test_device_bad),
		cmocka_unit_test(test_device_good),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_fields),
	};

	crypto_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
