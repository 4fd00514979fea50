/*
 * DOC: who this machine is: its node id, the control plane it belongs to and how it is known, and
 * its private keys. A folder of 0700 with files of 0600, each written whole or not at all;
 * identity.json is written last, so a join that was cut off leaves no identity. A file that does
 * not parse is an error naming it: nothing here is ever made anew by itself.
 */
#ifndef WARREN_AGENT_IDENTITY_H
#define WARREN_AGENT_IDENTITY_H

#include "base/buf.h"
#include "base/clock.h"
#include "crypto/key.h"
#include "model/id.h"

#include <stdbool.h>

struct identity {
	char *dir;
	char *url; /* base of the agent listener */
	id_text node, project;
	struct public_key root;             /* signs pins and signing keys */
	struct public_key signing;          /* signs events and states */
	struct public_key signing_previous; /* and did until there was a new one; zero = none */
	msec signing_until;                 /* wall: the previous one is taken until then */
	struct strs pins;                   /* acceptable TLS keys of the listener */
	char *pins_at; /* issued_at of the pins: older ones are not taken back */
	struct secret node_secret;
};

/* Remove half-written files, which may hold keys. The agent's lock is held. */
int identity_sweep(const char *dir, struct err *e);
/* ERR_NOT_FOUND when this machine has not joined. dir is made when absent. */
int identity_load(const char *dir, struct identity *ret, struct err *e);
/* All but the interface keys, which save themselves. */
int identity_save(const struct identity *id, struct err *e);
void identity_done(struct identity *id);
/* Forget the fleet: identity, secret, keys, cache. */
int identity_remove(const char *dir, struct err *e);

/* Forget the state it was told last, which is sealed for the identity that was told, and what it
 * told of itself. */
int identity_drop_state(const char *dir, struct err *e);

#define IDENTITY_OVERLAP ((msec)24 * 60 * 60 * 1000)
/* A new signing key; the present one is taken for a while more. */
void identity_new_signing(struct identity *id, const struct public_key *key, msec now);
/* The previous signing key while it is taken, else NULL. */
const struct public_key *identity_previous_signing(const struct identity *id, msec now);

/* Sub-keys of the node secret (doc/protocol.md, Registration). */
void identity_subkey(const struct identity *id, const char *label, struct secret *ret);
/* The bearer's text; the caller wipes it. */
void identity_bearer(const struct identity *id, struct buf *out);

/* One private key file. ERR_NOT_FOUND when absent; refuses files others can read. */
int identity_read_key(const char *path, struct secret *ret, struct err *e);
int identity_write_key(const char *path, const struct secret *key, struct err *e);
/* "DIR/keys/NAME.SUFFIX"; the name is checked to hold nothing but [a-z0-9_]. */
int identity_key_path(
	const char *dir, const char *name, const char *suffix, char **ret, struct err *e);

#endif
