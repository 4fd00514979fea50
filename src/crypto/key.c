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

int key_parse_public(const char *text, const char *field, struct public_key *ret, struct err *e)
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
