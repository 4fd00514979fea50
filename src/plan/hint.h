/*
 * DOC: where a member may look for another: the hints of a peer item. What others see of a member
 * is for everybody; its own address behind a NAT only for who calls the control plane from the same
 * place, and so may be in the same LAN. An agent that hears nothing tries both in turn
 * (doc/decisions/0032-near-endpoints.md). Private to the plan room.
 */
#ifndef WARREN_PLAN_HINT_H
#define WARREN_PLAN_HINT_H

#include "model/objects.h"
#include "model/state.h"

/* The other's own address as self may use it: "host:port" of its direct interface; NULL = none.
 * Borrowed. */
const char *hint_near(const struct member *self, const struct member *other);

/* Set p's hints to the other's interface with this port. */
void hint_put(
	const struct member *self, const struct member *other, uint16_t port, struct peer_item *p);

/* A number that changes exactly when a text does, so that agents write the hints again. NULL =
 * none; 0 without both. */
uint32_t hint_generation(const char *endpoint, const char *near_endpoint);

#endif
