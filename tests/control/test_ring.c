/* DOC: the ring finds what continues a revision and forgets by age, number and bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "control/ring.h"

#include <string.h>

static void push(struct ring *r, uint64_t previous, size_t len, msec at)
{
	struct ring_record record = {.previous = previous,
		.revision = previous + 1,
		.type = "policy_updated",
		.payload = mem_zalloc(len + 1),
		.len = len,
		.at = at};

	ring_push(r, record);
}

static void test_find(void **state)
{
	struct ring r = {0};
	size_t n = 0;

	assert_null(ring_find(&r, 0, &n));
	for (uint64_t i = 5; i < 105; i++)
		push(&r, i, 10, 0);
	assert_null(ring_find(&r, 4, &n));
	assert_null(ring_find(&r, 105, &n)); /* that is where it ends: nothing to send */
	for (uint64_t i = 5; i < 105; i++) {
		const struct ring_record *record = ring_find(&r, i, &n);

		assert_non_null(record);
		assert_int_equal(record->previous, i);
		assert_int_equal(n, 105 - i);
		assert_int_equal(record[n - 1].revision, 105);
	}
	push(&r, 200, 10, 0); /* a gap: what was before leads nowhere */
	assert_null(ring_find(&r, 104, &n));
	assert_non_null(ring_find(&r, 200, &n));
	assert_int_equal(n, 1);
	assert_int_equal(r.bytes, 10);
	ring_done(&r);
}

static void test_bounds(void **state)
{
	struct ring r = {0};
	size_t n;

	for (uint64_t i = 0; i < 5000; i++) {
		push(&r, i, 1, (msec)i);
		assert_true(r.n <= RING_RECORDS && r.cap <= 4 * RING_RECORDS);
	}
	assert_int_equal(r.n, RING_RECORDS);
	assert_null(ring_find(&r, 5000 - RING_RECORDS - 1, &n));
	assert_non_null(ring_find(&r, 5000 - RING_RECORDS, &n));
	ring_trim(&r, 4998 + RING_AGE, RING_BYTES);
	assert_int_equal(r.n, 2);
	ring_trim(&r, 5000 + RING_AGE, RING_BYTES);
	assert_int_equal(r.n, 0);
	assert_null(r.v);
	for (uint64_t i = 0; i < 9; i++)
		push(&r, i, RING_BYTES / 4, 0);
	assert_int_equal(r.n, 4);
	assert_int_equal(r.bytes, RING_BYTES);
	push(&r, 9, RING_BYTES + 1, 0); /* larger than all: nothing can be resumed */
	assert_int_equal(r.n, 0);
	ring_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
