/*
 * DOC: signed bytes: event envelopes and state heads. An envelope's signature covers the compact
 * JSON of its five other members in fixed order; payload keeps its key order, loses white space,
 * and < > & U+2028 U+2029 become \u escapes; issued_at is printed as RFC 3339 with trailing zeros
 * of the fraction dropped and a zero offset as Z (reference: published vectors, tests/codec).
 *
 * State heads and pins are signed as a line that names their kind, then the compact JSON of their
 * members without the signature, in the order of their structs. No envelope begins with such a
 * line, so a signature made for one kind never fits another.
 */
#ifndef WARREN_CODEC_ENVELOPE_H
#define WARREN_CODEC_ENVELOPE_H

#include "codec/json.h"
#include "base/vec.h"
#include "crypto/sign.h"

struct envelope {
	char *event_type;
	char *event_id;
	char *issued_at; /* RFC 3339, as received; normalised for signing */
	char *nonce;
	char *payload; /* compact JSON, as signed */
	uint8_t signature[SIGNATURE_LEN];
};

/* The bytes that are signed, appended; the caller wipes them (a payload may hold keys). ERR_INVALID
 * naming the member that is missing or malformed. */
int envelope_bytes(const struct envelope *v, struct buf *out, struct err *e);
int envelope_sign(struct envelope *v, const struct secret *seed, struct err *e);
/* The signed envelope on the wire, normalised. */
int envelope_write(const struct envelope *v, struct buf *out);
/* Both in one pass over the payload. Nothing is appended on failure. */
int envelope_seal(struct envelope *v, const struct sign_key *key, struct buf *out, struct err *e);
/* Parse (at most 1 MiB unless max says more); missing members are ERR_INVALID naming them. */
int envelope_read(const char *text, size_t n, size_t max, struct envelope *ret, struct err *e);
/* 0 or ERR_CORRUPT. previous may be NULL; the caller has checked its transition time. */
int envelope_check(const struct envelope *v, const struct public_key *current,
	const struct public_key *previous, struct err *e);
void envelope_done(struct envelope *v);

/* Head of a state: {node, revision, sha256, issued_at, nonce} and its signature (spec 1). */
struct state_head {
	char *node;
	uint64_t revision;
	char sha256[65]; /* of the state's bytes */
	char *issued_at;
	char *nonce; /* the request's */
	uint8_t signature[SIGNATURE_LEN];
};
#define STATE_HEAD_DOMAIN "warren-state-head-v1\n"
void state_head_sign(struct state_head *h, const struct secret *seed);
/* One line of JSON, as it travels in the Warren-State-Head header. */
void state_head_write(const struct state_head *h, struct buf *out);
int state_head_read(const char *text, struct state_head *ret, struct err *e);
int state_head_check(const struct state_head *h, const struct public_key *key, struct err *e);
void state_head_done(struct state_head *h);

/* TLS pins of the agent listener, signed by the fleet's signing root: {pins:[...], signing_keys:
 * {current,...}, issued_at} (spec 1, Join). A pin is base64 SHA-256 of the SubjectPublicKeyInfo. */
struct pins {
	struct strs pins;
	struct public_key signing_current;
	char *issued_at;
	uint8_t signature[SIGNATURE_LEN];
};
#define PINS_DOMAIN "warren-pins-v1\n"
#define PINS_MAX 16
void pins_sign(struct pins *p, const struct secret *root_seed);
void pins_write(const struct pins *p, struct buf *out);
int pins_read(const char *text, size_t n, struct pins *ret, struct err *e);
int pins_check(const struct pins *p, const struct public_key *root, struct err *e);
void pins_done(struct pins *p);

#endif
