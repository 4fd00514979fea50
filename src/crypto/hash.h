/* DOC: SHA-256 and base64 in its two alphabets. */
#ifndef WARREN_CRYPTO_HASH_H
#define WARREN_CRYPTO_HASH_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

#define HASH_LEN 32
#define HASH_HEX_LEN 65

struct hash_state; /* streaming SHA-256 */
struct hash_state *hash_begin(void);
void hash_add(struct hash_state *h, const void *p, size_t n);
void hash_end(struct hash_state *h, uint8_t ret[static HASH_LEN]); /* frees h */

void hash_sha256(const void *p, size_t n, uint8_t ret[static HASH_LEN]);
const char *hash_sha256_hex(const void *p, size_t n, char ret[static HASH_HEX_LEN]);

/* Standard base64 with padding; url variant without. Appends. */
void base64_encode(const void *p, size_t n, struct buf *out);
void base64url_encode(const void *p, size_t n, struct buf *out);
/* Strict: canonical padding, no white space. ERR_INVALID otherwise. */
int base64_decode(const char *text, struct buf *out);
int base64url_decode(const char *text, struct buf *out);
/* Standard base64 of exactly n bytes into ret, which stays untouched on failure. */
#define BASE64_EXACT_MAX 64
int base64_decode_exact(const char *text, size_t n, void *ret);

#endif
