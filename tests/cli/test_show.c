/* DOC: what people read of an object, where it is not just what JSON has. */
#include "cli/nouns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_clock_that_is_off_is_marked(void **state)
{
	static const struct {
		int64_t offset;
		const char *text;
	} cases[] = {
		{0, "0"},
		{-120, "-120"},
		{30000, "30000"},
		{31500, "31500 (!) 31 s ahead of the control plane: set the node's clock"},
		{-86400000, "-86400000 (!) 86400 s behind the control plane: set the node's clock"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(buf_done) struct buf out = {0};

		cli_clock_line(cases[i].offset, &out);
		assert_string_equal(buf_str(&out), cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_clock_that_is_off_is_marked)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
