/*
 * DOC: types for key material. A secret has a type of its own that no formatter takes, compares
 * in constant time and is wiped when its scope ends. Only crypto's text functions turn one into
 * characters, into a buffer the caller wipes.
 */
#ifndef WARREN_CRYPTO_SECRET_H
#define WARREN_CRYPTO_SECRET_H

#include <stddef.h>
#include <stdint.h>

#define KEY_LEN 32
#define KEY_TEXT_LEN 45 /* 44 base64 characters and NUL */

struct secret {
	uint8_t bytes[KEY_LEN];
};

struct public_key {
	uint8_t bytes[KEY_LEN];
};

void secret_wipe(struct secret *s);
int secret_is_zero(const struct secret *s);
int secret_equal(const struct secret *a, const struct secret *b); /* constant time */
int public_key_is_zero(const struct public_key *k);
int public_key_equal(const struct public_key *a, const struct public_key *b);

#endif
