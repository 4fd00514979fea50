/*
 * DOC: is a route of ours in the way of one this machine has from elsewhere (a network card,
 * Docker, another VPN)? Such a route is refused before it is put, with the other one's name (spec
 * 7), for it would take that one's traffic. Default routes are in nobody's way.
 */
#ifndef WARREN_AGENT_OVERLAP_H
#define WARREN_AGENT_OVERLAP_H

#include "agent/machine.h"

/* The machine's own routes, read when first needed. {0} to begin with. */
struct overlap {
	bool read;
	struct route_vec others; /* sorted; none by an interface of ours */
};
/* ERR_EXISTS names the other route and its interface. */
int overlap_check(struct overlap *o, struct machine *m, const struct route_item *r, struct err *e);
void overlap_done(struct overlap *o);

#endif
