/* DOC: the kernel backend refuses with a reason that helps, and leaves its result alone. */
#include "wg/backend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void refuses_with_a_reason(void **state)
{
	struct wg_backend *b = NULL;
	struct err e = {0};

	assert_int_equal(wg_kernel_new(&b, &e), ERR_UNSUPPORTED);
	assert_null(b);
	assert_true(strstr(e.text, "wireguard-go") != NULL || strstr(e.text, "not in this build"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(refuses_with_a_reason)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
