/*
 * DOC: signatures of others, as JSON Web Tokens carry them (RFC 7518, RFC 8037): RS256, ES256 and
 * EdDSA with Ed25519, by GnuTLS. The algorithm belongs to the key: nothing that arrives chooses it.
 */
#ifndef WARREN_CRYPTO_VERIFY_H
#define WARREN_CRYPTO_VERIFY_H

#include <stddef.h>
#include <stdint.h>

enum verify_alg { VERIFY_NONE, VERIFY_RS256, VERIFY_ES256, VERIFY_EDDSA };

#define VERIFY_RSA_MAX 1024 /* bytes of a modulus: 8192 bits */
#define VERIFY_RSA_MIN 256  /* 2048 bits */

/* A public key. RSA: a = modulus, b = exponent. P-256: a = x, b = y, 32 bytes each. Ed25519: a. */
struct verify_key {
	enum verify_alg alg;
	uint8_t a[VERIFY_RSA_MAX];
	size_t a_len;
	uint8_t b[64];
	size_t b_len;
};

/* 0, or ERR_CORRUPT when the signature does not fit (or the key is none). */
int verify_signature(
	const struct verify_key *k, const void *data, size_t n, const uint8_t *sig, size_t sig_len);

#endif
