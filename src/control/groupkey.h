/*
 * DOC: private keys of gateway groups on their way to gateways: sealed to each node under a
 * sub-key of its node secret, made once per (group, node, generation) and kept, in the store too,
 * so that a plan has the same bytes tomorrow. Belongs to the hub's thread.
 */
#ifndef WARREN_CONTROL_GROUPKEY_H
#define WARREN_CONTROL_GROUPKEY_H

#include "control/control.h"
#include "plan/plan.h"

struct groupkeys;

struct groupkeys *groupkeys_new(struct control *c, const struct fleet *f);
struct groupkeys *groupkeys_free(struct groupkeys *g);
/* For the planner; borrowed. */
const struct plan_keys *groupkeys_plan(struct groupkeys *g);
/* A group or a node is gone, or the group's key changed. */
void groupkeys_forget(struct groupkeys *g, const char *id);

#endif
