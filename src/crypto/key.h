/*
 * DOC: WireGuard keys (X25519, RFC 7748) and their one textual form: exactly 44 base64 characters,
 * the last "=", pad bits zero. Anything else is refused (spec 0, Keys).
 */
#ifndef WARREN_CRYPTO_KEY_H
#define WARREN_CRYPTO_KEY_H

#include "base/err.h"
#include "crypto/secret.h"

/* Call once at start; aborts when libsodium cannot start. */
void crypto_init(void);

/* A fresh clamped private key. */
void key_generate(struct secret *ret_private);

/* public = X25519(private, 9). */
void key_public(const struct secret *private_key, struct public_key *ret_public);

/* Parse canonical text that somebody gave. ERR_INVALID (with field) otherwise; all-zero keys are
 * refused (WireGuard reads them as "none"), and public ones of low order (see key_check_public).
 * Errors show a bad public key but never secret text. */
int key_parse_public(const char *text, const char *field, struct public_key *ret, struct err *e);
int key_parse_secret(const char *text, const char *field, struct secret *ret, struct err *e);

/* As key_parse_public, for what was accepted once (the store, a plan): low order passes. A row of a
 * version that did not look must not stop a start, nor one peer a whole plan. */
int key_read_public(const char *text, const char *field, struct public_key *ret, struct err *e);

/* ERR_INVALID (with field) for a point of low order: X25519 with it is zero whatever the private
 * key (RFC 7748, section 6.1), so WireGuard completes no handshake with it. */
int key_check_public(const struct public_key *k, const char *field, struct err *e);

const char *key_format_public(const struct public_key *k, char text[static KEY_TEXT_LEN]);
/* The caller wipes text. */
const char *key_format_secret(const struct secret *k, char text[static KEY_TEXT_LEN]);

/* PSK of a pair (spec 0): HMAC-SHA-256(root, smaller key || larger key || epoch as 8 bytes BE). */
void key_derive_psk(const struct secret *root, const struct public_key *a,
	const struct public_key *b, uint64_t epoch, struct secret *ret_psk);

/* Independent 32-byte sub-key: HMAC-SHA-256(key, label). Labels are fixed strings in our code. */
void key_derive(const struct secret *key, const char *label, struct secret *ret);

/* Proof that a node's own hand announces this public key for the network: HMAC-SHA-256 under the
 * sub-key "announce" of its secret, of "NETWORK KEY" (base64). Its bearer alone does not do. */
void key_announce_proof(const struct secret *node_secret, const char *network,
	const struct public_key *key, struct secret *ret);

#endif
