/* DOC: RFC 8032 section 7.1 vectors, and that a changed bit anywhere is seen. */
#include "base/mem.h"
#include "base/text.h"
#include "crypto/key.h"
#include "crypto/sign.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const struct {
	const char *seed, *public_key, *message, *signature;
	size_t n;
} vectors[] = {
	{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
		"5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
		0},
	{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "\x72",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
		"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
		1},
	{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "\xaf\x82",
		"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
		"18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
		2},
};

static void test_vectors(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct secret seed;
		struct public_key want, got;
		struct sign_key key;
		uint8_t signature[SIGNATURE_LEN], made[SIGNATURE_LEN];

		assert_int_equal(text_unhex(vectors[i].seed, seed.bytes, KEY_LEN), 0);
		assert_int_equal(text_unhex(vectors[i].public_key, want.bytes, KEY_LEN), 0);
		assert_int_equal(text_unhex(vectors[i].signature, signature, SIGNATURE_LEN), 0);
		sign_public(&seed, &got);
		assert_memory_equal(&got, &want, sizeof(got));
		sign_make(&seed, vectors[i].message, vectors[i].n, made);
		assert_memory_equal(made, signature, SIGNATURE_LEN);
		assert_int_equal(sign_check(&got, vectors[i].message, vectors[i].n, made), 0);
		memset(made, 0, sizeof(made));
		sign_key_make(&seed, &key);
		sign_make_by(&key, vectors[i].message, vectors[i].n, made);
		assert_memory_equal(made, signature, SIGNATURE_LEN);
	}
}

static void test_changes(void **state)
{
	struct secret seed;
	struct public_key key, other;
	uint8_t signature[SIGNATURE_LEN];
	char text[] = "pins";

	key_generate(&seed);
	sign_public(&seed, &key);
	sign_make(&seed, text, 4, signature);
	assert_int_equal(sign_check(&key, text, 4, signature), 0);
	assert_int_equal(sign_check(&key, text, 3, signature), ERR_CORRUPT);
	for (size_t i = 0; i < 8 * SIGNATURE_LEN; i++) {
		signature[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(sign_check(&key, text, 4, signature), ERR_CORRUPT);
		signature[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	text[0] = 'b';
	assert_int_equal(sign_check(&key, text, 4, signature), ERR_CORRUPT);
	text[0] = 'p';
	key_generate(&seed);
	sign_public(&seed, &other);
	assert_int_equal(sign_check(&other, text, 4, signature), ERR_CORRUPT);
	assert_int_equal(sign_check(&key, text, 4, signature), 0);
	/* a zero key and a zero signature fit every message in a careless implementation */
	memset(signature, 0, sizeof(signature));
	assert_int_equal(sign_check(&(struct public_key){{0}}, text, 4, signature), ERR_CORRUPT);
}

static void test_text(void **state)
{
	uint8_t s[SIGNATURE_LEN], back[SIGNATURE_LEN];
	char text[SIGNATURE_TEXT_LEN], bent[SIGNATURE_TEXT_LEN + 2];

	for (size_t i = 0; i < sizeof(s); i++)
		s[i] = (uint8_t)(i * 7);
	assert_int_equal(strlen(sign_format(s, text)), SIGNATURE_TEXT_LEN - 1);
	assert_int_equal(sign_parse(text, back), 0);
	assert_memory_equal(s, back, sizeof(s));
	for (size_t n = 0; n < SIGNATURE_TEXT_LEN - 1; n++) {
		memcpy(bent, text, n);
		bent[n] = '\0';
		assert_int_equal(sign_parse(bent, back), ERR_INVALID);
	}
	memcpy(bent, text, sizeof(text));
	strcat(bent, "\n");
	assert_int_equal(sign_parse(bent, back), ERR_INVALID);
	memcpy(bent, text, sizeof(text));
	bent[85]++; /* pad bits */
	assert_int_equal(sign_parse(bent, back), ERR_INVALID);
	assert_int_equal(sign_parse(NULL, back), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_text),
	};

	crypto_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
