/*
 * DOC: sealed blobs. Symmetric: XChaCha20-Poly1305 under a secret, the context string as
 * associated data, so that a blob moved to another row does not open. To a public key: libsodium's
 * sealed box. All output is one version byte, then nonce (or ephemeral key), then ciphertext.
 */
#ifndef WARREN_CRYPTO_SEAL_H
#define WARREN_CRYPTO_SEAL_H

#include "base/buf.h"
#include "base/err.h"
#include "crypto/secret.h"

/* Append the sealed form of n bytes at p to out. */
void seal_with_secret(
	const struct secret *key, const char *context, const void *p, size_t n, struct buf *out);
/* Append the opened bytes to out (the caller wipes it). ERR_CORRUPT when it does not verify. */
int seal_open_with_secret(const struct secret *key, const char *context, const void *p, size_t n,
	struct buf *out, struct err *e);

/* Append the sealed form to out. ERR_INVALID when `to` is a point of small order (whoever hands in
 * a public key may choose one), out untouched then. */
int seal_to_public(const struct public_key *to, const void *p, size_t n, struct buf *out);
/* As seal_open_with_secret; no context: the recipient's key is what binds it. */
int seal_open_with_private(
	const struct secret *private_key, const void *p, size_t n, struct buf *out, struct err *e);

#endif
