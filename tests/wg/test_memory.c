/* DOC: the memory backend: failure on demand and observations (the rest is conformance). */
#include "wg/backend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void fails_once_where_asked(void **state)
{
	struct wg_backend *b = wg_memory_new();
	struct wg_device d = {0};
	struct err e = {0};
	bool adopted;

	wg_memory_fail_at(b, 2);
	assert_int_equal(b->ops->create(b, "w0", &adopted, &e), 0);
	assert_int_equal(b->ops->change(b, "w0", &(struct wg_change){0}, &e), ERR_SYSTEM);
	assert_int_equal(b->ops->change(b, "w0", &(struct wg_change){0}, &e), 0);
	wg_memory_fail_at(b, 1);
	assert_int_equal(b->ops->read(b, "w0", &d, &e), ERR_SYSTEM);
	wg_memory_fail_at(b, 1);
	wg_memory_fail_at(b, 0);
	assert_int_equal(b->ops->destroy(b, "w0", &e), 0);
	assert_null(b->ops->free(b));
}

static void time_passes(void **state)
{
	struct wg_backend *b = wg_memory_new();
	struct wg_device d = {0};
	struct wg_peer_op op = {.public_key = {{1}}};
	struct err e = {0};
	bool adopted;

	assert_int_equal(b->ops->create(b, "w0", &adopted, &e), 0);
	assert_int_equal(
		b->ops->change(b, "w0", &(struct wg_change){.peers = &op, .n_peers = 1}, &e), 0);
	wg_memory_observe(b, "w0", &op.public_key, 1700000000123, 5, 6);
	wg_memory_observe(b, "w1", &op.public_key, 1, 1, 1);
	assert_int_equal(b->ops->read(b, "w0", &d, &e), 0);
	assert_true(d.peers.v[0].last_handshake == 1700000000123);
	assert_true(d.peers.v[0].rx == 5 && d.peers.v[0].tx == 6);
	wg_device_done(&d);
	b->ops->free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fails_once_where_asked), cmocka_unit_test(time_passes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
