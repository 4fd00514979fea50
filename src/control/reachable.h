/*
 * DOC: can a network's nodes reach one another at all, as far as it is known where they are? Two
 * that nobody can speak to first need a controller that can be reached. What is only observed to be
 * otherwise is shown as a warning; an edit that would make it so is refused (doc/decisions/0021).
 */
#ifndef WARREN_CONTROL_REACHABLE_H
#define WARREN_CONTROL_REACHABLE_H

#include "control/hub.h"

/* What keeps nodes apart, a sentence; nothing when nothing does. Fleet and hub: on the hub's
 * thread. */
void reachable_warnings(
	struct hub *h, const struct fleet *f, const struct fleet_network *fn, struct strs *ret);

/* In the transaction of an edit of a node or a member, before it is stored; after NULL = it is
 * deleted. ERR_EXISTS, field "force", names the nodes that would lose each other by it. What takes
 * away neither a controller nor an endpoint costs next to nothing. */
int reachable_check(struct tx *tx, struct hub *h, const char *project, const struct schema *s,
	const void *before, const void *after, struct err *e);

#endif
