/*
 * DOC: joining and leaving. A join token admits a machine: one transaction makes the node, its
 * memberships with the roles the token grants (T-3), its addresses and, for gateways, the group.
 * The answer is useless to whoever does not hold the private half of the registered key.
 */
#ifndef WARREN_CONTROL_REGISTER_H
#define WARREN_CONTROL_REGISTER_H

#include "control/registration.h"
#include "store/store.h"

#define REGISTER_REPLAY ((msec)10 * 60 * 1000) /* the same request gets the same answer so long */

/* Parts of a registration that a new node and one that comes again have in common. */
/* Seal the secret of r->node's generation for the registered key; set n's bearer to it. */
int register_secret(struct registration *r, struct node *n, struct err *e);
/* Tell r where the node is: its networks and addresses. */
int register_fill(struct tx *tx, const char *node, struct registration *r, struct err *e);

/* Is there a join token with this hash? ERR_UNAUTHORIZED. store_fn; arg: the hash in hex. */
int register_token_known(struct tx *tx, void *arg, struct err *e);
/* The transaction. store_fn; arg: struct registration. ERR_UNAUTHORIZED for the token,
 * ERR_EXISTS naming hostname or public_key, ERR_EXHAUSTED for addresses and full meshes. */
int register_node(struct tx *tx, void *arg, struct err *e);

/* Take a node out of the fleet: memberships, addresses, node. */
int node_leave(struct tx *tx, const char *node, const char *actor, struct err *e);

#endif
