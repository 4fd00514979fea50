/* DOC: quotas as numbers: periods, what is told to gateways and when, what raising one does; and
 * how fast a device may be followed from gateway to gateway. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/quota.h"
#include "control/roaming.h"
#include "plan/link.h"

#define MIB ((uint64_t)1 << 20)
#define DAY ((msec)24 * 3600 * 1000)

static msec at(const char *text)
{
	msec t = 0;

	assert_int_equal(clock_parse(text, &t), 0);
	return t;
}

static void test_none(void **state)
{
	struct device d = {0};

	assert_false(quota_settle(&d, 12345, at("2026-03-05T10:00:00Z")));
	assert_int_equal(d.quota_grant, 0);
	assert_int_equal(quota_used(&d, 12345), 0);
	assert_int_equal(quota_ends(&d), 0);
}

static void test_grants(void **state)
{
	struct device d = {.quota_bytes = 100 * MIB};
	msec now = at("2026-03-05T10:00:00Z");

	quota_changed(&d, 5 * MIB, now); /* what was used before does not count */
	assert_int_equal(d.quota_left, 100 * MIB);
	assert_int_equal(d.quota_grant, 1);
	assert_false(quota_settle(&d, 29 * MIB, now));
	assert_true(quota_settle(&d, 30 * MIB, now)); /* a quarter of it */
	assert_int_equal(d.quota_left, 75 * MIB);
	assert_int_equal(d.quota_grant, 2);
	assert_false(quota_settle(&d, 30 * MIB, now));
	assert_false(d.over_quota);
	assert_true(quota_settle(&d, 105 * MIB, now));
	assert_true(d.over_quota);
	assert_int_equal(d.quota_left, 0);
	assert_false(quota_settle(&d, 106 * MIB, now + 400 * DAY)); /* it has no period */
	d.quota_bytes = 200 * MIB;
	quota_changed(&d, 106 * MIB, now);
	assert_false(d.over_quota);
	assert_int_equal(d.quota_left, 99 * MIB);
	/* lowered to less than is used */
	d.quota_bytes = 10 * MIB;
	quota_changed(&d, 106 * MIB, now);
	assert_true(d.over_quota);
	d.quota_bytes = 0;
	quota_changed(&d, 106 * MIB, now);
	assert_false(d.over_quota);
	assert_int_equal(d.quota_grant, 0);
}

/* Any growth in any steps ends over quota exactly when all is used, with few rows. */
static void test_steps(void **state)
{
	struct device d = {.quota_bytes = 1000 * MIB};
	msec now = at("2026-03-05T10:00:00Z");
	unsigned rows = 0;

	quota_changed(&d, 0, now);
	for (uint64_t total = 0; total < 1100 * MIB; total += MIB / 2) {
		rows += quota_settle(&d, total, now);
		assert_int_equal(d.over_quota, total >= 1000 * MIB);
	}
	assert_in_range(rows, 10, 30);
}

/* A gateway that is not the device's home has let it use its part and waits: it is told anew, and
 * again, until everything is used. */
static void test_away(void **state)
{
	for (uint64_t quota = MIB / 3; quota < 5000 * MIB; quota = quota * 3 / 2) {
		struct device d = {.quota_bytes = quota};
		msec now = at("2026-03-05T10:00:00Z");
		uint64_t total = 7 * MIB;

		quota_changed(&d, total, now);
		for (unsigned rounds = 0; !d.over_quota; rounds++) {
			uint64_t grant = d.quota_grant;

			assert_in_range(rounds, 0, 60);
			total += link_quota(&d, true);
			assert_true(quota_settle(&d, total, now));
			assert_true(d.quota_grant > grant);
		}
		assert_int_equal(total, 7 * MIB + quota);
	}
}

static void test_periods(void **state)
{
	static const struct {
		int period;
		const char *now, *ends;
	} rows[] = {
		{QUOTA_DAY, "2026-03-05T10:00:00Z", "2026-03-06T00:00:00Z"},
		{QUOTA_DAY, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
		{QUOTA_DAY, "2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z"},
		{QUOTA_MONTH, "2026-03-05T10:00:00Z", "2026-04-01T00:00:00Z"},
		{QUOTA_MONTH, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{QUOTA_MONTH, "2026-01-31T23:00:00Z", "2026-02-01T00:00:00Z"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct device d = {.quota_bytes = MIB, .quota_period = rows[i].period};
		msec ends = at(rows[i].ends);

		quota_changed(&d, 0, at(rows[i].now));
		assert_int_equal(quota_ends(&d), ends);
		assert_true(quota_settle(&d, 2 * MIB, ends - 1));
		assert_true(d.over_quota);
		assert_false(quota_settle(&d, 2 * MIB, ends - 1));
		assert_true(quota_settle(&d, 2 * MIB, ends));
		assert_false(d.over_quota);
		assert_int_equal(d.quota_left, MIB);
		assert_int_equal(quota_used(&d, 2 * MIB), 0);
		assert_true(quota_ends(&d) > ends);
	}
}

static void test_pace(void **state)
{
	struct roaming_pace p = {0};
	msec now = 1000, settle = ROAMING_SETTLE;

	assert_true(roaming_may_move(&p, now));
	for (int i = 0; i < 10; i++) {
		roaming_moved(&p, now);
		assert_false(roaming_may_move(&p, now + settle - 1));
		assert_true(roaming_may_move(&p, now + settle));
		now += settle;
		settle = settle * 2 < ROAMING_SETTLE_MAX ? settle * 2 : ROAMING_SETTLE_MAX;
	}
	roaming_moved(&p, now + ROAMING_CALM); /* it had stayed: a new beginning */
	assert_true(roaming_may_move(&p, now + ROAMING_CALM + ROAMING_SETTLE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_grants),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_away),
		cmocka_unit_test(test_periods),
		cmocka_unit_test(test_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
