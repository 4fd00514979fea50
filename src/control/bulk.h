/*
 * DOC: changes that make every node of a network look at every other (a new epoch of pre-shared
 * keys, a new relay). They cost seconds where there are thousands of nodes, so the hub makes their
 * deltas a few at a time, between everything else: from a copy of the network as it was then, while
 * the fleet goes on. One after the other, so that each node's steps stay in order; a node that is
 * needed sooner (it reconnects, or a small change concerns it) gets its own at once. Belongs to the
 * hub's thread.
 */
#ifndef WARREN_CONTROL_BULK_H
#define WARREN_CONTROL_BULK_H

#include "control/hub_state.h"
#include "plan/plan.h"

struct bulks;

/* Links a change looks at, from which on it is done this way; tests set it. */
extern size_t bulk_links;
/* How long a slice takes, about. */
#define BULK_SLICE ((msec)5)

struct bulks *bulks_new(struct hub *h);
struct bulks *bulks_free(struct bulks *b);

/* Take this row over, which the fleet has had applied: its nodes' steps are recorded later. pc is
 * of the live fleet. */
void bulks_add(struct bulks *b, const struct hub_row *r, const struct plan_change *pc);

/* Is there anything to do? */
bool bulks_pending(const struct bulks *b);
/* How many of the row's nodes still wait for steps before it. */
size_t bulks_waiting(const struct bulks *b, const struct hub_row *r);
/* Record what this node waits for. */
void bulks_settle(struct bulks *b, const char *node);
/* Go on for about a slice. */
void bulks_go_on(struct bulks *b);

#endif
