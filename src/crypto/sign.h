/* DOC: plain Ed25519 signatures (RFC 8032, no prehash), as spec 1 wants for envelopes and state. */
#ifndef WARREN_CRYPTO_SIGN_H
#define WARREN_CRYPTO_SIGN_H

#include "base/err.h"
#include "crypto/secret.h"

#define SIGNATURE_LEN 64
#define SIGNATURE_TEXT_LEN 89 /* 88 base64 characters and NUL */

/* The public half of the Ed25519 key pair whose seed is `seed`. */
void sign_public(const struct secret *seed, struct public_key *ret);
void sign_make(
	const struct secret *seed, const void *p, size_t n, uint8_t ret[static SIGNATURE_LEN]);

/* A key that signs often: finding its public half costs as much as a signature. Wiped by its owner
 * (mem_wipe). Made from a seed only: with a public half of another key, signatures would give the
 * seed away. */
struct sign_key {
	uint8_t pair[2 * KEY_LEN]; /* seed, public half */
};
void sign_key_make(const struct secret *seed, struct sign_key *ret);
void sign_make_by(
	const struct sign_key *key, const void *p, size_t n, uint8_t ret[static SIGNATURE_LEN]);
/* 0 when valid, ERR_CORRUPT otherwise. */
int sign_check(const struct public_key *key, const void *p, size_t n,
	const uint8_t signature[static SIGNATURE_LEN]);

const char *sign_format(
	const uint8_t s[static SIGNATURE_LEN], char text[static SIGNATURE_TEXT_LEN]);
int sign_parse(const char *text, uint8_t ret[static SIGNATURE_LEN]);

#endif
