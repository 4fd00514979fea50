/* DOC: settings files: what is taken, and what is refused with line and column. */
#include "codec/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const char *const known[] = {"url", "project", "gateway.region", "gateway.endpoint", NULL};

static void plain_values(void **state)
{
	static const char text[] = "# where\nurl: https://vpn.example.com:8443\nproject: \"a b\"\n";
	struct settings s = {0};
	struct err e = {0};

	assert_int_equal(settings_parse("f", text, strlen(text), known, &s, &e), 0);
	assert_string_equal(settings_get(&s, "url"), "https://vpn.example.com:8443");
	assert_string_equal(settings_get(&s, "project"), "a b");
	assert_null(settings_get(&s, "state"));
	settings_done(&s);
	assert_int_equal(settings_parse("f", "", 0, known, &s, &e), 0);
	settings_done(&s);
}

static void sections(void **state)
{
	static const char text[] = "gateway:\n  region: eu\n  endpoint: a:1\nurl: u\n";
	struct settings s = {0};
	struct err e = {0};

	assert_int_equal(settings_parse("f", text, strlen(text), known, &s, &e), 0);
	assert_string_equal(settings_get(&s, "gateway.region"), "eu");
	assert_string_equal(settings_get(&s, "gateway.endpoint"), "a:1");
	assert_string_equal(settings_get(&s, "url"), "u");
	assert_null(settings_get(&s, "gateway"));
	settings_done(&s);
}

static void refusals_say_where(void **state)
{
	static const struct {
		const char *text, *where;
	} bad[] = {
		{"colour: red\n", "f:1:1: unknown setting"},
		{"url: a\nurl: b\n", "f:2:1: this setting is given twice"},
		{"url: [a, b]\n", "f:1:6: lists"},
		{"url:\n  nested: x\n", "f:2:3: values must be plain text"},
		{"gateway:\n  region:\n    deep: x\n", "f:3:5: values must be plain text"},
		{"gateway: eu\n", "f:1:10: a section"},
		{"gateway:\n  colour: red\n", "f:2:3: unknown setting"},
		{"gateway:\n  region: a\n  region: b\n", "f:3:3: this setting is given twice"},
		{"gateway:\n  region: a\ngateway:\n  region: b\n",
			"f:4:3: this setting is given twice"},
		{"region: eu\n", "f:1:1: unknown setting"},
		{"gateway.region: eu\n", "f:1:1: unknown setting"},
		{"? {a: b}\n: c\n", "f:1:3: values must be plain text"},
		{"url: &x a\n", "f:1:6: anchors"},
		{"url: a\n--- \nurl: b\n", "f:2:1: only one document"},
		{"just text\n", "f:1:1: expected a mapping"},
		{"url: 'open\n", "f:"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct settings s = {0};
		struct err e = {0};

		assert_int_equal(
			settings_parse("f", bad[i].text, strlen(bad[i].text), known, &s, &e),
			ERR_INVALID);
		assert_memory_equal(e.text, bad[i].where, strlen(bad[i].where));
		assert_null(s.values.slots);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_values),
		cmocka_unit_test(sections),
		cmocka_unit_test(refusals_say_where),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
