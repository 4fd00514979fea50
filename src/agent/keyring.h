/*
 * DOC: the private keys of this machine's interfaces: its own, one per network, and group keys
 * that come sealed to it. A new own key is saved under ".next" before it is announced and takes
 * its place only once a desired state names it, so a crash at any point locks nobody out.
 */
#ifndef WARREN_AGENT_KEYRING_H
#define WARREN_AGENT_KEYRING_H

#include "agent/identity.h"
#include "model/state.h"

/*
 * The private key an interface item calls for. *ret_announce is set when the control plane must be
 * told our public key of the network (which is then in *ret_public), even when the call fails.
 * ERR_STALE: the item names a key this machine does not have.
 */
int keyring_get(const struct identity *id, const char *network, const struct interface_item *want,
	struct secret *ret, struct public_key *ret_public, bool *ret_announce, struct err *e);

/* Make (or find again) the key that is to follow the present one. */
int keyring_next(const struct identity *id, const char *network, struct public_key *ret_public,
	struct err *e);

/* Put a new key in place of the present one, which no interface has. */
int keyring_renew(const struct identity *id, const char *network, struct public_key *ret_public,
	struct err *e);

/* The key a join registers before its network is known, and its copy to where it belongs. */
int keyring_pending(const char *dir, struct secret *ret, struct err *e);
int keyring_adopt_pending(const char *dir, const char *network, struct err *e);
/* Remove all keys but that network's and the pending one: those of an identity before this one. */
int keyring_drop_others(const char *dir, const char *network, struct err *e);
/* It has been copied there and the join is complete: absent is success. */
int keyring_drop_pending(const char *dir, struct err *e);

#endif
