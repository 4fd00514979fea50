/*
 * DOC: bearer tokens. Text is PREFIX_<base64url of 32 random bytes>; stores keep only the SHA-256
 * of the text. A join token also carries the fleet's signing root, so that a joining node needs no
 * CA (spec 1): wjt_<secret>.<root public key>, both base64url.
 */
#ifndef WARREN_CRYPTO_TOKEN_H
#define WARREN_CRYPTO_TOKEN_H

#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

#define TOKEN_API "wat"     /* API token */
#define TOKEN_JOIN "wjt"    /* join token */
#define TOKEN_SESSION "wst" /* browser session */
#define TOKEN_NODE "wnt"    /* node bearer */
#define TOKEN_ONCE "wot"    /* one-time link */

/* Append a fresh token's text to out (the caller wipes it). */
void token_make(const char *prefix, struct buf *out);
/* As token_make, with the signing root appended. */
void token_make_join(const struct public_key *root, struct buf *out);
/* The signing root inside a join token. ERR_INVALID naming "token" when it is not one. */
int token_join_root(const char *text, struct public_key *ret_root, struct err *e);
/* Text of a bearer from 32 derived bytes, in the same form as token_make. */
void token_from_secret(const char *prefix, const struct secret *s, struct buf *out);

void token_hash(const char *text, uint8_t ret[static HASH_LEN]);
/* Hex of token_hash, the form that is stored and looked up. */
const char *token_hash_hex(const char *text, char ret[static HASH_HEX_LEN]);

#endif
