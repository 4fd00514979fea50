/* DOC: RFC 7748 vectors, the one text form of keys, derivation. */
#include "base/mem.h"
#include "base/text.h"
#include "crypto/key.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define BOB_TEXT "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="

static void assert_hex(const uint8_t p[static KEY_LEN], const char *hex)
{
	char text[2 * KEY_LEN + 1];

	text_hex(p, KEY_LEN, text);
	assert_string_equal(text, hex);
}

static struct secret secret_of(const char *hex)
{
	struct secret s;

	assert_int_equal(text_unhex(hex, s.bytes, KEY_LEN), 0);
	return s;
}

/* RFC 7748, section 6.1 */
static void test_public(void **state)
{
	struct secret alice = secret_of(
			      "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"),
		      bob = secret_of(
			      "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
	struct public_key k;
	char text[KEY_TEXT_LEN];

	key_public(&alice, &k);
	assert_hex(k.bytes, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
	key_public(&bob, &k);
	assert_hex(k.bytes, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
	assert_string_equal(key_format_public(&k, text), BOB_TEXT);
}

static void test_generate(void **state)
{
	struct secret a, b;

	for (int i = 0; i < 64; i++) {
		key_generate(&a);
		key_generate(&b);
		assert_int_equal(a.bytes[0] & 7, 0);
		assert_int_equal(a.bytes[31] & 0xc0, 0x40);
		assert_false(secret_equal(&a, &b));
	}
	assert_false(secret_is_zero(&a));
	secret_wipe(&a);
	assert_true(secret_is_zero(&a));
}

static void test_parse_good(void **state)
{
	struct public_key k;
	struct secret s;
	char text[KEY_TEXT_LEN];
	struct err e = {0};

	assert_int_equal(key_parse_public(BOB_TEXT, "public_key", &k, &e), 0);
	assert_string_equal(key_format_public(&k, text), BOB_TEXT);
	assert_int_equal(key_parse_secret(BOB_TEXT, "psk", &s, &e), 0);
	assert_memory_equal(s.bytes, k.bytes, KEY_LEN);
	assert_string_equal(key_format_secret(&s, text), BOB_TEXT);
	assert_int_equal(e.code, 0);
}

static void test_parse_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"=",
		"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08",   /* 43: no padding */
		"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK0==",  /* 44: 31 bytes */
		"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK081",  /* 44: 33 bytes */
		"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK09=",  /* pad bits 01 */
		"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK0+=",  /* pad bits 10 */
		"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK0/=",  /* pad bits 11 */
		"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08==", /* 45 */
		"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\n",
		"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08\n",
		"\n3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08",
		" 3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=",
		"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08=", /* url alphabet */
		"3p7bfXt9wbTTW2HC7OQ1Nz/DQ8hbeGdNrfx_FG+IK08=",
		"3p7bfXt9wbTT=2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=",
		"3p7bfXt9wbTT\xc3\xa9"
		"2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK0=",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", /* zero */
		NULL,
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct public_key k, k_before;
		struct secret s, s_before;
		struct err e = {0};

		memset(&k, 7, sizeof(k));
		memset(&s, 7, sizeof(s));
		k_before = k;
		s_before = s;
		assert_int_equal(key_parse_public(bad[i], "public_key", &k, &e), ERR_INVALID);
		assert_string_equal(e.field, "public_key");
		assert_memory_equal(&k, &k_before, sizeof(k));
		e = (struct err){0};
		assert_int_equal(key_parse_secret(bad[i], "psk", &s, &e), ERR_INVALID);
		assert_string_equal(e.field, "psk");
		assert_memory_equal(&s, &s_before, sizeof(s));
		if (bad[i] && strlen(bad[i]) > 2)
			assert_null(strstr(e.text, bad[i])); /* secrets stay out of errors */
	}
}

/* The points whose order divides 8, as https://cr.yp.to/ecdh.html lists them: whatever the private
 * key, X25519 with them is zero. The highest bit is not part of a key's value (RFC 7748, section
 * 5). */
static void test_low_order(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};

	for (size_t i = 0; i < 2 * ARRAY_LEN(points); i++) {
		struct public_key k, near, read;
		char text[KEY_TEXT_LEN];
		struct err e = {0};

		assert_int_equal(text_unhex(points[i / 2], k.bytes, KEY_LEN), 0);
		k.bytes[KEY_LEN - 1] = (uint8_t)(k.bytes[KEY_LEN - 1] | (i % 2 ? 0x80 : 0));
		key_format_public(&k, text);
		assert_int_equal(key_parse_public(text, "public_key", &read, &e), ERR_INVALID);
		assert_string_equal(e.field, "public_key");
		e = (struct err){0};
		assert_int_equal(key_check_public(&k, "other_key", &e), ERR_INVALID);
		assert_string_equal(e.field, "other_key");
		/* stored by a version that did not look: still readable, except what means "none"
		 */
		assert_int_equal(key_read_public(text, "k", &read, NULL),
			public_key_is_zero(&k) ? ERR_INVALID : 0);
		/* one bit away from each is a key as any other */
		near = k;
		near.bytes[7] ^= 0x10;
		assert_int_equal(key_check_public(&near, "k", NULL), 0);
		key_format_public(&near, text);
		assert_int_equal(key_parse_public(text, "k", &read, NULL), 0);
	}
}

/* Every byte value at every place: accepted exactly when it is of the alphabet and canonical. */
static void test_parse_bytes(void **state)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t at = 0; at < 44; at++) {
		for (int c = 1; c < 256; c++) {
			char text[] = BOB_TEXT;
			const char *place = strchr(alphabet, c);
			struct public_key k;
			bool good = at == 43 ? c == '='
				: at == 42   ? place && (place - alphabet) % 4 == 0
					     : place != NULL;

			text[at] = (char)c;
			assert_int_equal(
				key_parse_public(text, "k", &k, NULL), good ? 0 : ERR_INVALID);
		}
	}
}

/* Expected values computed with an independent HMAC implementation (Python's hmac). */
static void test_derive(void **state)
{
	struct secret root, out, again;
	struct public_key a, b;

	for (int i = 0; i < KEY_LEN; i++) {
		root.bytes[i] = (uint8_t)i;
		a.bytes[i] = (uint8_t)(0x40 + i);
		b.bytes[i] = (uint8_t)(0xc0 + i);
	}
	key_derive_psk(&root, &a, &b, 0x0102030405060708u, &out);
	assert_hex(out.bytes, "65850b02cb9d78128d72c6b314d41f301f825ff64c16fdabd194adbdd1ddffc5");
	key_derive_psk(&root, &b, &a, 0x0102030405060708u, &again);
	assert_true(secret_equal(&out, &again));
	key_derive_psk(&root, &a, &b, 1, &again);
	assert_false(secret_equal(&out, &again));
	key_derive(&root, "bearer", &out);
	assert_hex(out.bytes, "86944dead1641014dcc2bb40ac4299f185d70adec0ae3de4bebbf4893ad67ca0");
	key_derive(&root, "seal", &again);
	assert_false(secret_equal(&out, &again));
}

static void test_compare(void **state)
{
	struct public_key a = {{1}}, b = {{1}};

	assert_true(public_key_equal(&a, &b));
	b.bytes[31] = 1;
	assert_false(public_key_equal(&a, &b));
	assert_false(public_key_is_zero(&b));
	assert_true(public_key_is_zero(&(struct public_key){{0}}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_generate),
		cmocka_unit_test(test_parse_good),
		cmocka_unit_test(test_parse_bad),
		cmocka_unit_test(test_low_order),
		cmocka_unit_test(test_parse_bytes),
		cmocka_unit_test(test_derive),
		cmocka_unit_test(test_compare),
	};

	crypto_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
