/* DOC: the bound on questions of one client. */
#include "dns/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static unsigned taken(struct rate *r, struct addr a, msec now, unsigned tries)
{
	unsigned n = 0;

	while (tries-- > 0)
		n += rate_take(r, a, now);
	return n;
}

static void a_burst_then_the_rate(void **state)
{
	struct rate *r = rate_new(10, 30);
	struct addr a = {FAMILY_IPV4, 1}, b = {FAMILY_IPV4, 2};

	assert_int_equal(taken(r, a, 1000, 100), 30);
	assert_int_equal(taken(r, a, 1000, 100), 0);
	assert_int_equal(taken(r, a, 1100, 100), 1);
	assert_int_equal(taken(r, a, 2100, 100), 10);
	assert_int_equal(taken(r, a, 2000, 100), 0); /* a clock that stood still */
	assert_int_equal(taken(r, a, INT64_MAX / 2, 100), 30);
	assert_int_equal(taken(r, b, 1000, 100), 30); /* others are others */
	rate_free(r);
}

static void none(void **state)
{
	struct rate *r = rate_new(0, 0);

	assert_int_equal(taken(r, (struct addr){FAMILY_IPV4, 1}, 1, 5000), 5000);
	rate_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_then_the_rate), cmocka_unit_test(none)};

	return cmocka_run_group_tests_name("dns_rate", tests, NULL, NULL);
}
