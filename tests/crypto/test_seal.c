/* DOC: sealed blobs open only whole, with their key and in their context. */
#include "base/mem.h"
#include "crypto/key.h"
#include "crypto/seal.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const char message[] = "a private key of somebody";

/* A copy in a block of its exact size, so that a sanitizer sees any read beyond it. */
static char *exact(const struct buf *b, size_t n)
{
	char *p = mem_alloc(n);

	memcpy(p, b->data, n);
	return p;
}

static void test_secret(void **state)
{
	CLEANUP(buf_done) struct buf blob = {0}, again = {0};
	CLEANUP(buf_wipe) struct buf open = {0};
	struct secret key, other;
	struct err e = {0};

	key_generate(&key);
	key_generate(&other);
	seal_with_secret(&key, "device/cl_1", message, sizeof(message), &blob);
	seal_with_secret(&key, "device/cl_1", message, sizeof(message), &again);
	assert_int_equal(blob.len, 1 + 24 + sizeof(message) + 16);
	assert_memory_not_equal(blob.data, again.data, blob.len); /* fresh nonce */
	buf_adds(&open, "kept ");
	assert_int_equal(
		seal_open_with_secret(&key, "device/cl_1", blob.data, blob.len, &open, &e), 0);
	assert_int_equal(open.len, 5 + sizeof(message));
	assert_memory_equal(open.data, "kept ", 5);
	assert_memory_equal(open.data + 5, message, sizeof(message));
	buf_reset(&open);

	assert_int_equal(seal_open_with_secret(&key, "device/cl_2", blob.data, blob.len, &open, &e),
		ERR_CORRUPT);
	assert_int_equal(
		seal_open_with_secret(&key, "", blob.data, blob.len, &open, &e), ERR_CORRUPT);
	assert_int_equal(
		seal_open_with_secret(&other, "device/cl_1", blob.data, blob.len, &open, &e),
		ERR_CORRUPT);
	assert_int_equal(seal_open_with_private(&key, blob.data, blob.len, &open, &e), ERR_CORRUPT);
	assert_int_equal(open.len, 0);
	assert_string_equal(buf_str(&open), "");
}

static void test_secret_damage(void **state)
{
	CLEANUP(buf_done) struct buf blob = {0};
	CLEANUP(buf_wipe) struct buf open = {0};
	struct secret key;

	key_generate(&key);
	seal_with_secret(&key, "x", message, sizeof(message), &blob);
	for (size_t n = 0; n < blob.len; n++) {
		AUTOFREE char *cut = exact(&blob, n);

		assert_int_equal(
			seal_open_with_secret(&key, "x", cut, n, &open, NULL), ERR_CORRUPT);
	}
	for (size_t i = 0; i < blob.len; i++) {
		AUTOFREE char *bent = exact(&blob, blob.len);

		bent[i] ^= 1;
		assert_int_equal(
			seal_open_with_secret(&key, "x", bent, blob.len, &open, NULL), ERR_CORRUPT);
	}
	assert_int_equal(open.len, 0);
}

static void test_public(void **state)
{
	CLEANUP(buf_done) struct buf blob = {0};
	CLEANUP(buf_wipe) struct buf open = {0};
	struct secret key, other;
	struct public_key to;
	struct err e = {0};

	key_generate(&key);
	key_generate(&other);
	key_public(&key, &to);
	assert_int_equal(seal_to_public(&to, message, sizeof(message), &blob), 0);
	assert_int_equal(blob.len, 1 + 48 + sizeof(message));
	assert_int_equal(seal_open_with_private(&key, blob.data, blob.len, &open, &e), 0);
	assert_int_equal(open.len, sizeof(message));
	assert_memory_equal(open.data, message, sizeof(message));
	buf_reset(&open);
	assert_int_equal(
		seal_open_with_private(&other, blob.data, blob.len, &open, &e), ERR_CORRUPT);
	assert_int_equal(
		seal_open_with_secret(&key, "", blob.data, blob.len, &open, &e), ERR_CORRUPT);
	for (size_t n = 0; n < blob.len; n++) {
		AUTOFREE char *cut = exact(&blob, n), *bent = exact(&blob, blob.len);

		bent[n] ^= 0x40;
		assert_int_equal(seal_open_with_private(&key, cut, n, &open, NULL), ERR_CORRUPT);
		assert_int_equal(
			seal_open_with_private(&key, bent, blob.len, &open, NULL), ERR_CORRUPT);
	}
	assert_int_equal(open.len, 0);
}

static void test_small_order(void **state)
{
	CLEANUP(buf_done) struct buf out = {0};

	assert_int_equal(seal_to_public(&(struct public_key){{0}}, message, sizeof(message), &out),
		ERR_INVALID);
	assert_int_equal(seal_to_public(&(struct public_key){{1}}, message, sizeof(message), &out),
		ERR_INVALID);
	assert_int_equal(out.len, 0);
}

static void test_empty(void **state)
{
	CLEANUP(buf_done) struct buf blob = {0};
	CLEANUP(buf_wipe) struct buf open = {0};
	struct secret key;
	struct public_key to;

	key_generate(&key);
	key_public(&key, &to);
	seal_with_secret(&key, "", "", 0, &blob);
	assert_int_equal(seal_open_with_secret(&key, "", blob.data, blob.len, &open, NULL), 0);
	buf_reset(&blob);
	assert_int_equal(seal_to_public(&to, "", 0, &blob), 0);
	assert_int_equal(seal_open_with_private(&key, blob.data, blob.len, &open, NULL), 0);
	assert_int_equal(open.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_secret_damage),
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_small_order),
		cmocka_unit_test(test_empty),
	};

	crypto_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
