/*
 * DOC: storing a change whole: object, outbox rows with the nodes it affects, audit line, in the
 * caller's transaction. Used by every handler that changes the fleet, REST and agent protocol.
 */
#ifndef WARREN_CONTROL_CHANGE_H
#define WARREN_CONTROL_CHANGE_H

#include "store/store.h"

/* Insert (before NULL), update, or delete (after NULL) and record it. action: "client.create". */
int change_store(struct tx *tx, const struct schema *s, const void *before, const void *after,
	const char *actor, const char *action, struct err *e);

/* The same for what Warren saw and nobody did: no line in the audit log. */
int change_observed(struct tx *tx, const struct schema *s, const void *before, const void *after,
	struct err *e);

/* Ask fn about each change that this thread's change_store calls make (before NULL: created, after
 * NULL: deleted), until the next call; NULL asks nobody. Less than 0 refuses the change. */
typedef int (*change_guard_fn)(struct tx *tx, void *arg, const struct schema *s, const void *before,
	const void *after, struct err *e);
void change_guard(change_guard_fn fn, void *arg);

/* Nodes of the network whose plan a change of this object may alter, by SQL: a device touches its
 * group's members, a project none, anything else all members of its network. */
int change_nodes(struct tx *tx, const struct schema *s, const void *object, struct id_vec *ret,
	struct err *e);

void id_vec_done(struct id_vec *v);

#endif
