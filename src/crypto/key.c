/* DOC: WireGuard keys on libsodium; see key.h. */
#include "crypto/key.h"

#include "base/mem.h"
#include "base/rand.h"
#include "crypto/hash.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void crypto_init(void)
{
	if (sodium_init() < 0) {
		fputs("libsodium does not start\n", stderr);
		abort();
	}
}

void key_generate(struct secret *ret_private)
{
	rand_bytes(ret_private->bytes, KEY_LEN);
	/* RFC 7748, section 5: clamped at birth, so that every tool prints the same text for it. */
	ret_private->bytes[0] &= 248;
	ret_private->bytes[31] &= 127;
	ret_private->bytes[31] |= 64;
}

void key_public(const struct secret *private_key, struct public_key *ret_public)
{
	/* Cannot fail: the base point has a large order and the scalar is clamped inside. */
	if (crypto_scalarmult_base(ret_public->bytes, private_key->bytes) != 0)
		abort();
}

int key_read_public(const char *text, const char *field, struct public_key *ret, struct err *e)
{
	struct public_key k;

	if (base64_decode_exact(text, KEY_LEN, k.bytes) != 0)
		return err_field(e, ERR_INVALID, field,
			"\"%.60s\" is not a WireGuard key: 44 characters of base64, the last \"=\"",
			text ? text : "");
	if (public_key_is_zero(&k))
		return err_field(e, ERR_INVALID, field, "the all-zero key is not a key");
	*ret = k;
	return 0;
}

int key_check_public(const struct public_key *k, const char *field, struct err *e)
{
/* 2^255 - 19, and what is next to it, in the order of bytes of a key */
#define FF5 0xff, 0xff, 0xff, 0xff, 0xff
#define NEAR_PRIME(first)                                         \
	{                                                         \
		{                                                 \
			first, FF5, FF5, FF5, FF5, FF5, FF5, 0x7f \
		}                                                 \
	}
	/* https://cr.yp.to/ecdh.html; a table, as a multiplication for each of 50,000 takes seconds
	 */
	static const struct public_key low[] = {
		{{0}},
		{{1}},
		{{0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1,
			0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86,
			0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00}},
		{{0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c,
			0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8,
			0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57}},
		NEAR_PRIME(0xec),
		NEAR_PRIME(0xed),
		NEAR_PRIME(0xee),
	};
	struct public_key masked = *k;
	char text[KEY_TEXT_LEN];

	masked.bytes[KEY_LEN - 1] &= 0x7f; /* the highest bit is not part of the number */
	for (size_t i = 0; i < ARRAY_LEN(low); i++)
		if (public_key_equal(&masked, &low[i]))
			return err_field(e, ERR_INVALID, field,
				"%s is a point of low order, not a key: no handshake with it can "
				"succeed",
				key_format_public(k, text));
	return 0;
}

int key_parse_public(const char *text, const char *field, struct public_key *ret, struct err *e)
{
	struct public_key k;
	int r = key_read_public(text, field, &k, e);

	if (r == 0 && (r = key_check_public(&k, field, e)) == 0)
		*ret = k;
	return r;
}

int key_parse_secret(const char *text, const char *field, struct secret *ret, struct err *e)
{
	CLEANUP(secret_wipe) struct secret s = {{0}};

	/* The text may be nearly a key, so the errors do not repeat it. */
	if (base64_decode_exact(text, KEY_LEN, s.bytes) != 0)
		return err_field(e, ERR_INVALID, field,
			"not a WireGuard key: 44 characters of base64, the last \"=\"");
	if (secret_is_zero(&s))
		return err_field(e, ERR_INVALID, field, "the all-zero key is not a key");
	*ret = s;
	return 0;
}

const char *key_format_public(const struct public_key *k, char text[static KEY_TEXT_LEN])
{
	return sodium_bin2base64(
		text, KEY_TEXT_LEN, k->bytes, KEY_LEN, sodium_base64_VARIANT_ORIGINAL);
}

const char *key_format_secret(const struct secret *k, char text[static KEY_TEXT_LEN])
{
	return sodium_bin2base64(
		text, KEY_TEXT_LEN, k->bytes, KEY_LEN, sodium_base64_VARIANT_ORIGINAL);
}

void key_derive_psk(const struct secret *root, const struct public_key *a,
	const struct public_key *b, uint64_t epoch, struct secret *ret_psk)
{
	const struct public_key *low = memcmp(a->bytes, b->bytes, KEY_LEN) <= 0 ? a : b;
	const struct public_key *high = low == a ? b : a;
	crypto_auth_hmacsha256_state st;
	uint8_t be[8];

	for (int i = 0; i < 8; i++)
		be[i] = (uint8_t)(epoch >> (56 - 8 * i));
	crypto_auth_hmacsha256_init(&st, root->bytes, KEY_LEN);
	crypto_auth_hmacsha256_update(&st, low->bytes, KEY_LEN);
	crypto_auth_hmacsha256_update(&st, high->bytes, KEY_LEN);
	crypto_auth_hmacsha256_update(&st, be, sizeof(be));
	crypto_auth_hmacsha256_final(&st, ret_psk->bytes);
	mem_wipe(&st, sizeof(st));
}

void key_derive(const struct secret *key, const char *label, struct secret *ret)
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, key->bytes, KEY_LEN);
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)label, strlen(label));
	crypto_auth_hmacsha256_final(&st, ret->bytes);
	mem_wipe(&st, sizeof(st));
}

void key_announce_proof(const struct secret *node_secret, const char *network,
	const struct public_key *key, struct secret *ret)
{
	CLEANUP(secret_wipe) struct secret own = {0};
	char text[KEY_TEXT_LEN];
	AUTOFREE char *message = mem_printf("%s %s", network, key_format_public(key, text));

	key_derive(node_secret, "announce", &own);
	key_derive(&own, message, ret);
}
