/*
 * DOC: secrets the control plane keeps sealed under the master key: PSK roots of networks,
 * identity keys of gateway groups and imported pre-shared keys. Opened when needed, wiped after.
 */
#ifndef WARREN_CONTROL_SECRETS_H
#define WARREN_CONTROL_SECRETS_H

#include "control/control.h"
#include "store/store.h"

#define SECRET_PSK_ROOT "psk_root"     /* owner: network */
#define SECRET_SIGNON "signon"         /* owner: issuer; what we are known by there */
#define SECRET_GROUP_KEY "group_key"   /* owner: group */
#define SECRET_DEVICE_PSK "device_psk" /* owner: device; only imported ones */

/* Seal and store, or load and open, inside a transaction. Context = kind/owner. */
int secrets_put(struct tx *tx, const struct control_keys *k, const char *owner, const char *kind,
	const struct secret *s, struct err *e);
int secrets_get(struct tx *tx, const struct control_keys *k, const char *owner, const char *kind,
	struct secret *ret, struct err *e);

/* The same for secrets of other lengths; the caller wipes out. */
int secrets_put_bytes(struct tx *tx, const struct control_keys *k, const char *owner,
	const char *kind, const void *p, size_t n, struct err *e);
int secrets_get_bytes(struct tx *tx, const struct control_keys *k, const char *owner,
	const char *kind, struct buf *out, struct err *e);

/* The node secret is derived, not stored: HMAC(master, "node/ID/GENERATION"). Its sub-keys are in
 * doc/protocol.md. */
void secrets_node(
	const struct control_keys *k, const char *node, uint32_t generation, struct secret *ret);

#endif
