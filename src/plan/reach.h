/*
 * DOC: whom the rules of a network mean: a bit for each member and enabled rule, once for "from"
 * and once for "to". Selectors are read once, not for each pair of members; whether a link may
 * carry anything is then an "and" of two rows. Private to the plan room.
 */
#ifndef WARREN_PLAN_REACH_H
#define WARREN_PLAN_REACH_H

#include "model/fleet.h"

struct reach {
	size_t words;        /* of a row */
	uint64_t *from, *to; /* a row for each member, in the network's order */
};

void reach_init(struct reach *r, const struct fleet_network *fn);
void reach_done(struct reach *r);

/* May a direct link between two members (by place in the network) carry anything at all: could
 * traffic some rule allows begin or end at one, or behind it, and at the other? Symmetric. */
int reach_linked(const struct reach *r, size_t a, size_t b);

#endif
