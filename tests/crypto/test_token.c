/* DOC: tokens make the round trip and half a token is none. */
#include "base/mem.h"
#include "base/text.h"
#include "crypto/key.h"
#include "crypto/token.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_make(void **state)
{
	CLEANUP(buf_wipe) struct buf a = {0}, b = {0}, c = {0};
	char hex_a[HASH_HEX_LEN], hex_b[HASH_HEX_LEN];
	struct secret s;

	token_make(TOKEN_API, &a);
	token_make(TOKEN_API, &b);
	assert_int_equal(a.len, 4 + 43);
	assert_true(text_starts(buf_str(&a), "wat_"));
	assert_string_not_equal(buf_str(&a), buf_str(&b));
	assert_string_not_equal(
		token_hash_hex(buf_str(&a), hex_a), token_hash_hex(buf_str(&b), hex_b));
	assert_string_equal(token_hash_hex("abc", hex_a),
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");

	assert_int_equal(base64url_decode(a.data + 4, &c), 0);
	memcpy(s.bytes, c.data, KEY_LEN);
	buf_reset(&b);
	token_from_secret(TOKEN_API, &s, &b);
	assert_string_equal(buf_str(&a), buf_str(&b));
}

static void test_join(void **state)
{
	CLEANUP(buf_wipe) struct buf t = {0};
	struct public_key root, got;
	struct err e = {0};

	for (int i = 0; i < KEY_LEN; i++)
		root.bytes[i] = (uint8_t)(255 - i);
	token_make_join(&root, &t);
	assert_int_equal(t.len, 4 + 43 + 1 + 43);
	assert_int_equal(token_join_root(buf_str(&t), &got, &e), 0);
	assert_memory_equal(&got, &root, sizeof(got));
	/* at every place one wrong character */
	for (size_t i = 0; i < t.len; i++) {
		char was = t.data[i];

		t.data[i] = '!';
		e = (struct err){0};
		assert_int_equal(token_join_root(buf_str(&t), &got, &e), ERR_INVALID);
		assert_string_equal(e.field, "token");
		t.data[i] = was;
	}
	/* pad bits of the root: 255 - 31 = 0xe0 ends in 'A' and its neighbour is not canonical */
	t.data[t.len - 1]++;
	assert_int_equal(token_join_root(buf_str(&t), &got, &e), ERR_INVALID);
	t.data[t.len - 1]--;
	buf_addc(&t, '\n');
	assert_int_equal(token_join_root(buf_str(&t), &got, &e), ERR_INVALID);
	for (size_t n = 0; n < 91; n++) {
		AUTOFREE char *cut = mem_strndup(t.data, n);

		assert_int_equal(token_join_root(cut, &got, &e), ERR_INVALID);
	}
	assert_int_equal(token_join_root(NULL, &got, &e), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_join),
	};

	crypto_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
