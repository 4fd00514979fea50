/*
 * DOC: power cuts and failing disks. Whatever was acknowledged is there afterwards, once; nothing
 * is half there; and a write that failed is as if it had never been asked for.
 */
#include "fault_vfs.h"
#include "fixture.h"

#include "base/rand.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS 24 /* of the workload */
#define AT_ONCE 5 /* creates that go in one commit */
#define SEEDS 3   /* outcomes looked at for each cut */
#define ONE_IN 6  /* operations of the disk are cut before */
#define CUTS_MIN 200

struct cuts {
	struct place left; /* what a cut leaves */
	struct strs acknowledged;
	struct rand rand;
	bool armed;
	size_t judged;
};

/* Before an operation of the disk: what if the power failed now? */
static void cut(void *arg)
{
	struct cuts *c = arg;

	if (!c->armed || rand_below(&c->rand, ONE_IN) != 0)
		return;
	c->armed = false; /* the judge's own files are elsewhere, but be sure */
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		size_t n;

		fault_snapshot(c->left.dir, fault_operations() * SEEDS + seed);
		n = judge(c->left.path, &c->acknowledged);
		assert_true(n >= c->acknowledged.n);
		place_remove(&c->left);
		assert_int_equal(mkdir(c->left.dir, 0700), 0);
	}
	c->judged++;
	c->armed = true;
}

struct ack {
	struct cuts *cuts;
	struct create create;
};

/* On the writer thread, as the cuts are: no lock. */
static void acknowledged(void *arg, int result, const struct err *e)
{
	struct ack *a = arg;

	if (result == 0)
		strs_push(&a->cuts->acknowledged, a->create.name);
	create_done(&a->create);
}

static int ack_create(struct tx *tx, void *arg, struct err *e)
{
	return create_device(tx, &((struct ack *)arg)->create, e);
}

static int nothing(struct tx *tx, void *arg, struct err *e)
{
	return 0;
}

static int put_secret(struct tx *tx, void *arg, struct err *e)
{
	return tx_secret_put(tx, "cl_0", "private", "sealed", 6, e);
}

/* Erasing makes the idle writer copy its log into the file: the other half of what can be cut. */
static int erase_secret(struct tx *tx, void *arg, struct err *e)
{
	return tx_secret_delete(tx, "cl_0", e);
}

static void test_power_cut(void **state)
{
	struct place place;
	struct cuts cuts = {0};
	struct store *s = NULL;
	static struct ack acks[ROUNDS][AT_ONCE];

	place_make(&place);
	place_make(&cuts.left);
	fault_begin(place.dir, cut, &cuts);
	assert_int_equal(store_open(&store_sqlite, place.path, &clock_real, &s, NULL), 0);
	world_make(s);
	assert_int_equal(store_write_wait(s, nothing, NULL, NULL), 0);
	cuts.armed = true;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < AT_ONCE; i++) {
			struct ack *a = &acks[round][i];

			*a = (struct ack){&cuts, create_named("d%d-%d", round, i)};
			a->create.fail = i == 3 ? ERR_DENIED : 0;
			store_write(s, ack_create, a, acknowledged);
		}
		store_write_wait(s, nothing, NULL, NULL);
		if (round % 4 == 3) {
			assert_int_equal(store_write_wait(s, put_secret, NULL, NULL), 0);
			assert_int_equal(store_write_wait(s, erase_secret, NULL, NULL), 0);
		}
	}
	store_close(s);
	cuts.armed = false;
	fault_end();
	printf("# %zu cuts, %d outcomes each, %zu devices acknowledged\n", cuts.judged, SEEDS,
		cuts.acknowledged.n);
	assert_true(cuts.judged >= CUTS_MIN);
	assert_int_equal(cuts.acknowledged.n, ROUNDS * (AT_ONCE - 1));
	assert_int_equal(judge(place.path, &cuts.acknowledged), ROUNDS * (AT_ONCE - 1));
	strs_done(&cuts.acknowledged);
	place_remove(&cuts.left);
	place_remove(&place);
}

/* The cuts above mean something: before a create the device is not on the disk, after it, it is. */
static void test_cut_can_fail(void **state)
{
	struct place place, left;
	struct store *s = NULL;
	struct create c = create_named("kept");
	size_t n;

	place_make(&place);
	place_make(&left);
	fault_begin(place.dir, NULL, NULL);
	assert_int_equal(store_open(&store_sqlite, place.path, &clock_real, &s, NULL), 0);
	world_make(s);
	fault_snapshot(left.dir, 1); /* before: the device cannot be in it */
	assert_int_equal(store_write_wait(s, create_device, &c, NULL), 0);
	n = judge(left.path, &(struct strs){0});
	assert_int_equal(n, 0);
	place_remove(&left);
	assert_int_equal(mkdir(left.dir, 0700), 0);
	fault_snapshot(left.dir, 1); /* after: it must be */
	assert_int_equal(judge(left.path, &(struct strs){0}), 1);
	store_close(s);
	fault_end();
	create_done(&c);
	place_remove(&left);
	place_remove(&place);
}

/* Fail the n-th operation of a small workload; the store must shrug it off. */
static bool fail_once(uint64_t n, int code)
{
	struct place place;
	struct store *s = NULL;
	struct strs acked = {0};
	size_t failed = 0;
	bool fired;

	place_make(&place);
	fault_begin(place.dir, NULL, NULL);
	assert_int_equal(store_open(&store_sqlite, place.path, &clock_real, &s, NULL), 0);
	world_make(s);
	fault_fail(n, code);
	for (int i = 0; i < 6; i++) {
		struct create c = create_named("d%d", i);
		struct err e = {0};
		int result = store_write_wait(s, create_device, &c, &e);

		if (result == 0) {
			strs_push(&acked, c.name);
		} else {
			/* room can be made: the caller is told so and may try again */
			assert_int_equal(
				result, code == SQLITE_FULL ? ERR_UNAVAILABLE : ERR_SYSTEM);
			assert_non_null(strstr(e.text, code == SQLITE_FULL ? "disk" : "warren.db"));
			failed++;
		}
		create_done(&c);
	}
	fired = fault_fired();
	fault_fail(0, 0);
	assert_int_equal(failed, fired);
	assert_int_equal(acked.n, 6 - failed);
	store_close(s);
	fault_end();
	assert_int_equal(judge(place.path, &acked), acked.n);
	strs_done(&acked);
	place_remove(&place);
	return fired;
}

static void test_failing_disk(void **state)
{
	static const int codes[] = {SQLITE_FULL, SQLITE_IOERR_FSYNC};
	uint64_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		for (n = 1; fail_once(n, codes[i]); n++)
			;
		assert_true(n > 12); /* writes and syncs of six commits */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_can_fail),
		cmocka_unit_test(test_failing_disk),
		cmocka_unit_test(test_power_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
