/* DOC: Ed25519 on libsodium; see sign.h. */
#include "crypto/sign.h"

#include "base/mem.h"
#include "crypto/hash.h"

#include <sodium.h>

void sign_public(const struct secret *seed, struct public_key *ret)
{
	uint8_t pair[crypto_sign_SECRETKEYBYTES];

	crypto_sign_seed_keypair(ret->bytes, pair, seed->bytes);
	mem_wipe(pair, sizeof(pair));
}

void sign_make(
	const struct secret *seed, const void *p, size_t n, uint8_t ret[static SIGNATURE_LEN])
{
	struct sign_key key;

	sign_key_make(seed, &key);
	sign_make_by(&key, p, n, ret);
	mem_wipe(&key, sizeof(key));
}

void sign_key_make(const struct secret *seed, struct sign_key *ret)
{
	uint8_t public_key[KEY_LEN];

	_Static_assert(sizeof(ret->pair) == crypto_sign_SECRETKEYBYTES, "a seed and a key");
	crypto_sign_seed_keypair(public_key, ret->pair, seed->bytes);
}

void sign_make_by(
	const struct sign_key *key, const void *p, size_t n, uint8_t ret[static SIGNATURE_LEN])
{
	crypto_sign_detached(ret, NULL, p, n, key->pair);
}

int sign_check(const struct public_key *key, const void *p, size_t n,
	const uint8_t signature[static SIGNATURE_LEN])
{
	return crypto_sign_verify_detached(signature, p, n, key->bytes) == 0 ? 0 : ERR_CORRUPT;
}

const char *sign_format(const uint8_t s[static SIGNATURE_LEN], char text[static SIGNATURE_TEXT_LEN])
{
	return sodium_bin2base64(
		text, SIGNATURE_TEXT_LEN, s, SIGNATURE_LEN, sodium_base64_VARIANT_ORIGINAL);
}

int sign_parse(const char *text, uint8_t ret[static SIGNATURE_LEN])
{
	return base64_decode_exact(text, SIGNATURE_LEN, ret);
}
