/* DOC: one text with several files in it: what is written where, and what may not be. */
#include "cli/split.h"

#include "base/file.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK "# file: "

static char dir[] = "/tmp/warren-split.XXXXXX";

static int make_dir(void **state)
{
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int remove_dir(void **state)
{
	static const char *const files[] = {"a.netdev", "b.network"};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		AUTOFREE char *path = mem_printf("%s/%s", dir, files[i]);

		unlink(path);
	}
	return rmdir(dir);
}

static int split(const char *text, struct err *e)
{
	CLEANUP(buf_done) struct buf config = {0};

	buf_adds(&config, text);
	return split_files(dir, &config, MARK, e);
}

static void assert_file(const char *name, const char *want, unsigned mode)
{
	AUTOFREE char *path = mem_printf("%s/%s", dir, name);
	CLEANUP(buf_done) struct buf got = {0};
	struct stat st;

	assert_int_equal(file_read(path, 4096, &got, NULL), 0);
	assert_string_equal(buf_str(&got), want);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, mode);
}

static void each_in_its_place(void **state)
{
	assert_int_equal(
		split(MARK "a.netdev\n# " MARK "x\nkey\n" MARK "b.network\nroute\n", NULL), 0);
	assert_file("a.netdev", "# " MARK "x\nkey\n", 0640);
	assert_file("b.network", "route\n", 0644);
}

static void names_stay_inside(void **state)
{
	static const char *const bad[] = {"../evil", "/tmp/evil", "a/b", "..", ".hidden", ""};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTOFREE char *text = mem_printf(MARK "%s\nevil\n", bad[i]);
		struct err e = {0};

		assert_int_equal(split(text, &e), ERR_INVALID);
		assert_non_null(strstr(e.text, "no name for a file"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_in_its_place),
		cmocka_unit_test(names_stay_inside),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
