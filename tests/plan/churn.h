/* DOC: random changes of a mesh, mostly of its members: what moves, joins, leaves and is renamed.
 */
#ifndef WARREN_TESTS_PLAN_CHURN_H
#define WARREN_TESTS_PLAN_CHURN_H

#include "world.h"

#define CHURN_KINDS 34
const char *churn_name(unsigned kind);

/* A change of that kind in the network (see world_change); NULL when there is nothing for it. */
const struct schema *churn(
	struct world *w, const char *network, unsigned kind, void **ret_before, void **ret_after);

#endif
