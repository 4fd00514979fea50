/* DOC: settings files: what is taken, and what is refused with line and column. */
#include "codec/settings.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const char *const known[] = {"url", "project", NULL};

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

static void refusals_say_where(void **state)
{
	static const struct {
		const char *text, *where;
	} bad[] = {
		{"colour: red\n", "f:1:1: unknown setting"},
		{"url: a\nurl: b\n", "f:2:1: this setting is given twice"},
		{"url: [a, b]\n", "f:1:6: lists"},
		{"url:\n  nested: x\n", "f:2:3: values must be plain text"},
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

static char *in_dir(const char *dir, const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* A person's own file; a named one stands alone and must be there; one file serves all commands. */
static void which_files(void **state)
{
	char dir[] = "/tmp/warren-settings-XXXXXX";
	AUTOFREE char *config = NULL, *folder = NULL, *own = NULL, *named = NULL;
	struct settings s = {0};
	struct err e = {0};

	assert_non_null(mkdtemp(dir));
	config = in_dir(dir, ".config");
	folder = in_dir(dir, ".config/warren");
	own = in_dir(dir, ".config/warren/config.yaml");
	named = in_dir(dir, "named.yaml");
	setenv("HOME", dir, 1);
	assert_int_equal(settings_find(NULL, &s, &e), 0);
	assert_null(settings_get(&s, "url"));
	settings_done(&s);
	assert_int_equal(mkdir(config, 0700) | mkdir(folder, 0700), 0);
	write_file(own, "url: https://a:1\nlisten: 127.0.0.1:1\nteardown_on_exit: true\n");
	assert_int_equal(settings_find(NULL, &s, &e), 0);
	assert_string_equal(settings_get(&s, "url"), "https://a:1");
	assert_string_equal(settings_get(&s, "teardown_on_exit"), "true");
	settings_done(&s);
	assert_int_equal(settings_find(named, &s, &e), ERR_NOT_FOUND);
	write_file(named, "project: b\n");
	assert_int_equal(settings_find(named, &s, &e), 0);
	assert_string_equal(settings_get(&s, "project"), "b");
	assert_null(settings_get(&s, "url"));
	settings_done(&s);
	write_file(own, "colour: red\n");
	assert_int_equal(settings_find(NULL, &s, &e), ERR_INVALID);
	unlink(own);
	unlink(named);
	rmdir(folder);
	rmdir(config);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_values),
		cmocka_unit_test(refusals_say_where),
		cmocka_unit_test(which_files),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
