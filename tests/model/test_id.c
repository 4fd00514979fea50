/* DOC: ids are well-formed UUIDv7, never repeat and sort in the order they were made. */
#include "model/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>

static void form(void **state)
{
	id_text id;

	id_make("cl", 0x0193abcdef12, id);
	assert_int_equal(strlen(id), 35);
	assert_memory_equal(id, "cl_0193abcdef127", 16);
	assert_non_null(strchr("89ab", id[3 + 16]));
	assert_true(id_valid(id, "cl"));
	assert_false(id_valid(id, "c"));
	assert_false(id_valid(id, "clx"));
	assert_false(id_valid(id + 1, "cl"));
	id[34] = 'G';
	assert_false(id_valid(id, "cl"));
	id[34] = '\0';
	assert_false(id_valid(id, "cl"));
	assert_false(id_valid(NULL, "cl"));
	assert_false(id_valid("", "cl"));
	assert_false(id_valid("cl_", "cl"));
}

static void sorted_whatever_the_clock_says(void **state)
{
	static const msec clocks[] = {0x0193abcdef13, 0x0193abcdef13, 5, -1, 0x0193abcdef14};
	id_text before, now;

	id_make("node", 0x0193abcdef13, before);
	for (int i = 0; i < 20000; i++) {
		id_make("node", clocks[i % 5], now);
		assert_true(strcmp(before, now) < 0);
		id_copy(before, now);
	}
}

#define EACH 5000
static void *make_many(void *arg)
{
	id_text *ids = arg;

	for (int i = 0; i < EACH; i++)
		id_make("x", 0x0193abcdef15, ids[i]);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void unique_across_threads(void **state)
{
	id_text *ids = mem_alloc(4 * EACH * sizeof(*ids));
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, make_many, ids + i * EACH), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	qsort(ids, 4 * EACH, sizeof(*ids), compare);
	for (int i = 1; i < 4 * EACH; i++)
		assert_true(strcmp(ids[i - 1], ids[i]) < 0);
	mem_free(ids);
}

static void sets(void **state)
{
	struct id_vec v = {0};

	id_vec_add(&v, "c");
	id_vec_add(&v, "a");
	id_vec_add(&v, "b");
	id_vec_add(&v, "a");
	assert_int_equal(v.n, 3);
	assert_string_equal(v.v[0].id, "a");
	assert_string_equal(v.v[2].id, "c");
	assert_true(id_vec_has(&v, "b"));
	assert_false(id_vec_has(&v, "d"));
	assert_false(id_vec_has(&v, ""));
	VEC_DONE(&v);
}

static void copies_are_cut(void **state)
{
	id_text id;

	memset(id, 'x', sizeof(id));
	id_copy(id, NULL);
	assert_string_equal(id, "");
	id_copy(id, "0123456789012345678901234567890123456789012345");
	assert_int_equal(strlen(id), ID_LEN - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(form),
		cmocka_unit_test(sorted_whatever_the_clock_says),
		cmocka_unit_test(unique_across_threads),
		cmocka_unit_test(sets),
		cmocka_unit_test(copies_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
