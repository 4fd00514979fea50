/*
 * DOC: a node's memberships: coming into a network, in the roles the node was granted (T-3), with
 * an address, ports that are free on its machine and, for gateways, the group; and leaving it. Both
 * inside the transaction of whatever leads to them: a registration (register.h), a call.
 */
#ifndef WARREN_CONTROL_MEMBERSHIP_H
#define WARREN_CONTROL_MEMBERSHIP_H

#include "control/control.h"
#include "model/objects.h"
#include "store/store.h"

#define MEMBERSHIP_REST ((msec)24 * 60 * 60 * 1000) /* of freed addresses (spec 0, Addresses) */
#define MEMBERSHIPS_MAX 64                          /* of one node */
#define GATEWAY_GROUP "gateways"                    /* the group a network's gateways join */

/* Memberships of a node in the order they were made: the one its registered key is for first. */
struct memberships {
	VEC(struct member *) v;
};
int memberships_of(struct tx *tx, const char *node, struct memberships *ret, struct err *e);
void memberships_done(struct memberships *l);

/* A node on its way into networks, one after the other. Borrows all it is given. */
struct joining {
	struct tx *tx;
	const struct control_keys *keys;
	struct labels *labels;
	const struct node *node; /* stored already */
	const char *name_field;  /* what errors call its name */
	const char *actor;
	unsigned roles;                      /* enum role bits; 0 = ROLE_PEER */
	struct addr peer;                    /* where it calls from; unset = not known */
	bool several;                        /* it is, or comes to be, in more than one network */
	uint16_t ports[4 * MEMBERSHIPS_MAX]; /* taken on this machine */
	size_t n_ports;
	struct fleet *world; /* loaded when it is first asked */
};

/* Note the networks it is in: their ports are taken. ERR_EXHAUSTED when it can be in no more. */
int joining_begin(struct joining *j, struct err *e);
void joining_done(struct joining *j);
/* Store its membership of the network; ret must be {0} and is the caller's to free. key: of its
 * interface there, NULL = its agent makes one and announces it. ERR_EXISTS naming name_field,
 * listen_port or what else is held already; ERR_EXHAUSTED for addresses and full meshes. */
int joining_network(struct joining *j, const struct network *n, const struct public_key *key,
	struct member *ret, struct err *e);

/* Where others may find the member, as far as its call tells. */
void membership_observe(struct addr peer, struct member *m);

/* The node leaves one network, and stays in the fleet. Its address rests; its roles remain granted.
 */
int membership_end(struct tx *tx, const struct member *m, const char *actor, struct err *e);

#endif
