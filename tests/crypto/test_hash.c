/* DOC: SHA-256 (FIPS 180 examples), base64 (RFC 4648 examples) and its refusals. */
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/key.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_sha256(void **state)
{
	char hex[HASH_HEX_LEN], streamed[HASH_HEX_LEN];
	uint8_t hash[HASH_LEN];
	struct hash_state *h = hash_begin();

	assert_string_equal(hash_sha256_hex("", 0, hex),
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_string_equal(hash_sha256_hex("abc", 3, hex),
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	hash_add(h, "a", 1);
	hash_add(h, "", 0);
	hash_add(h, "bc", 2);
	hash_end(h, hash);
	text_hex(hash, HASH_LEN, streamed);
	assert_string_equal(streamed, hex);
}

static void test_base64(void **state)
{
	static const char *const pairs[][3] = {
		{"", "", ""},
		{"f", "Zg==", "Zg"},
		{"fo", "Zm8=", "Zm8"},
		{"foo", "Zm9v", "Zm9v"},
		{"foob", "Zm9vYg==", "Zm9vYg"},
		{"fooba", "Zm9vYmE=", "Zm9vYmE"},
		{"foobar", "Zm9vYmFy", "Zm9vYmFy"},
		{"\xfb\xff\xfe", "+//+", "-__-"},
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		CLEANUP(buf_done) struct buf b = {0};

		buf_addc(&b, '>');
		base64_encode(pairs[i][0], strlen(pairs[i][0]), &b);
		assert_string_equal(b.data + 1, pairs[i][1]);
		assert_int_equal(b.len, 1 + strlen(pairs[i][1]));
		buf_reset(&b);
		base64url_encode(pairs[i][0], strlen(pairs[i][0]), &b);
		assert_string_equal(buf_str(&b), pairs[i][2]);
		buf_reset(&b);
		buf_addc(&b, '>');
		assert_int_equal(base64_decode(pairs[i][1], &b), 0);
		assert_string_equal(b.data + 1, pairs[i][0]);
		buf_reset(&b);
		assert_int_equal(base64url_decode(pairs[i][2], &b), 0);
		assert_string_equal(buf_str(&b), pairs[i][0]);
	}
}

static void test_base64_bad(void **state)
{
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8",
		"Zm8==", "=", "==", "====", "Zg==Zg==", "Zg==\n", " Zg==", "Zm 9v", "-__-",
		"Zm9v\n", "Zm9v=", "Zm9\xf6"};
	static const char *const bad_url[] = {
		"Z", "Zg==", "Zh", "Zm9", "+//+", "Zm9v\n", "Zm9vY=", "Zm9\xf6"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(buf_done) struct buf b = {0};

		buf_adds(&b, "kept");
		assert_int_equal(base64_decode(bad[i], &b), ERR_INVALID);
		assert_string_equal(buf_str(&b), "kept");
	}
	for (size_t i = 0; i < ARRAY_LEN(bad_url); i++) {
		CLEANUP(buf_done) struct buf b = {0};

		assert_int_equal(base64url_decode(bad_url[i], &b), ERR_INVALID);
		assert_int_equal(b.len, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_bad),
	};

	crypto_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
