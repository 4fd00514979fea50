/* DOC: taking command lines apart, and tables that line up whatever is in them. */
#include "cli/cli.h"
#include "cli/nouns.h"
#include "cli/table.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const struct cli_option own[] = {
	{"output", "FILE", "where"}, {"qr", NULL, "show"}, {"cidr", "CIDR", "pool"}, {0}};

static int parse(const char *line, struct cli_args *ret)
{
	static char text[256];
	static char *argv[32];
	int argc = 0;
	char *rest = text;

	snprintf(text, sizeof(text), "%s", line);
	for (char *word; (word = strsep(&rest, " ")) != NULL;)
		if (*word != '\0')
			argv[argc++] = word;
	return cli_parse(argc, argv, own, ret);
}

static void words_and_flags(void **state)
{
	struct cli_args a;

	assert_int_equal(parse("phone --output f.conf --qr second --cidr=10.0.0.0/8", &a), 0);
	assert_int_equal(a.n_words, 2);
	assert_string_equal(a.words[0], "phone");
	assert_string_equal(a.words[1], "second");
	assert_string_equal(cli_flag(&a, "output"), "f.conf");
	assert_string_equal(cli_flag(&a, "cidr"), "10.0.0.0/8");
	assert_true(cli_has(&a, "qr"));
	assert_false(cli_has(&a, "json"));
	assert_int_equal(parse("-o x --json", &a), 0);
	assert_string_equal(cli_flag(&a, "output"), "x");
	assert_true(cli_has(&a, "json"));
	assert_int_equal(parse("-- --qr", &a), 0);
	assert_string_equal(a.words[0], "--qr");
	assert_int_equal(parse("--cidr 10.0.0.0/8 --cidr 10.1.0.0/16", &a), 0);
	assert_string_equal(cli_flag(&a, "cidr"), "10.1.0.0/16"); /* the last one counts */
}

static void a_state_folder_is_absolute(void **state)
{
	struct cli_settings s = {0};
	struct cli_args a;
	AUTOFREE char *here = getcwd(NULL, 0), *there = mem_printf("%s/some/where", here);

	unsetenv("WARREN_STATE");
	assert_int_equal(parse("x", &a), 0);
	assert_string_equal(cli_state(&s, &a), "/var/lib/warren");
	assert_int_equal(parse("--state /srv/w", &a), 0);
	assert_string_equal(cli_state(&s, &a), "/srv/w");
	assert_int_equal(parse("--state some/where", &a), 0);
	assert_string_equal(cli_state(&s, &a), there);
	cli_settings_done(&s);
}

static void bad_lines(void **state)
{
	static const char *const bad[] = {
		"--nonsense", "--output", "--qr=yes", "-x", "--outpu f", "a b c d e f g h i"};
	struct cli_args a;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(parse(bad[i], &a), ERR_INVALID);
}

static void bodies(void **state)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
		{"", "{\"name\":\"x\"}"},
		{"--mtu 1280", "{\"name\":\"x\",\"mtu\":1280}"},
		{"--keepalive -1", "{\"name\":\"x\",\"keepalive\":-1}"},
		{"--dns 10.0.0.1,10.0.0.2", "{\"name\":\"x\",\"dns\":[\"10.0.0.1\",\"10.0.0.2\"]}"},
		{"--dns 10.0.0.1 --dns 10.0.0.2,10.0.0.3",
			"{\"name\":\"x\",\"dns\":[\"10.0.0.1\",\"10.0.0.2\",\"10.0.0.3\"]}"},
		{"--full-tunnel true", "{\"name\":\"x\",\"full_tunnel\":true}"},
		{"--description true", "{\"name\":\"x\",\"description\":\"true\"}"},
		{"--expires never", "{\"name\":\"x\",\"expires_at\":null}"},
		{"--expires 2027-01-31T12:00:00Z",
			"{\"name\":\"x\",\"expires_at\":\"2027-01-31T12:00:00Z\"}"},
	};
	const struct cli_noun *n = cli_noun("client");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTOFREE struct cli_option *options = cli_noun_options(n, VERB_ADD, NULL);
		CLEANUP(buf_done) struct buf body = {0}, line = {0};
		char *argv[8], *rest;
		struct cli_args a;
		int argc = 0;

		buf_adds(&line, cases[i].line);
		rest = line.data;
		for (char *word; rest != NULL && (word = strsep(&rest, " ")) != NULL;)
			if (*word != '\0')
				argv[argc++] = word;
		assert_int_equal(cli_parse(argc, argv, options, &a), 0);
		assert_int_equal(cli_body(n, VERB_ADD, &a, "x", &body, NULL), 0);
		assert_string_equal(buf_str(&body), cases[i].want);
	}
}

static void none_is_null(void **state)
{
	const struct cli_noun *n = cli_noun("network");
	struct cli_args a = {.flags = {{"ipv4", "none"}}, .n_flags = 1};
	struct buf body = {0};

	assert_int_equal(cli_body(n, VERB_ADD, &a, "x", &body, NULL), 0);
	assert_string_equal(buf_str(&body), "{\"name\":\"x\",\"ipv4\":null}");
	buf_done(&body);
}

static void bad_values_name_the_option(void **state)
{
	const struct cli_noun *n = cli_noun("client");
	struct cli_args a = {.flags = {{"mtu", "large"}}, .n_flags = 1};
	struct err e = {0};
	struct buf body = {0};

	assert_int_equal(cli_body(n, VERB_ADD, &a, "x", &body, &e), ERR_INVALID);
	assert_string_equal(e.field, "mtu");
	a.flags[0] = (struct cli_flag){"expires", "soon"};
	buf_reset(&body);
	assert_int_equal(cli_body(n, VERB_ADD, &a, "x", &body, &e), ERR_INVALID);
	assert_string_equal(e.field, "expires");
	buf_done(&body);
}

static void escaping(void **state)
{
	struct buf out = {0};

	cli_escape(&out, "Ann's phone/é");
	assert_string_equal(buf_str(&out), "Ann%27s%20phone%2F%C3%A9");
	buf_done(&out);
}

static void tables_line_up(void **state)
{
	static const char *const headings[] = {"NAME", "X"};
	struct table t;
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	setlocale(LC_CTYPE, "C.UTF-8");
	assert_int_equal(table_width("日本"), 4);
	assert_int_equal(table_width("é"), 1);
	table_init(&t, headings, 2);
	table_cell(&t, "日本");
	table_cell(&t, "1");
	table_cell(&t, "plain");
	table_cell(&t, NULL);
	table_cell(&t, "bell\a");
	table_cell(&t, "2");
	table_print(&t, f);
	fclose(f);
	assert_string_equal(text, "NAME   X\n日本   1\nplain  -\nbell?  2\n");
	free(text);
	table_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_flags),
		cmocka_unit_test(a_state_folder_is_absolute),
		cmocka_unit_test(bad_lines),
		cmocka_unit_test(bodies),
		cmocka_unit_test(none_is_null),
		cmocka_unit_test(bad_values_name_the_option),
		cmocka_unit_test(escaping),
		cmocka_unit_test(tables_line_up),
	};

	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
