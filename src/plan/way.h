/*
 * DOC: ways to gateways that share their devices (spec 3, Several gateways). Where a group has two
 * gateways or more, every other member has an interface to each of them, and each of those takes in
 * whatever devices there are; so a device may be behind any of them, and routes say behind which.
 *
 *	node -g?? (to A) ──────► A -m         the pool's route leads to A, the group's home;
 *	node -g?? (to B) ──────► B -m         a device that is at B has a route of its own
 *	A    -g?? (to B) ◄─────► B -g?? (to A)
 *	relay -g?? (to A) ◄────► A -r?? (to the relay)
 *
 * Private to the plan room.
 */
#ifndef WARREN_PLAN_WAY_H
#define WARREN_PLAN_WAY_H

#include "model/state.h"
#include "plan/view.h"

/* Of routes to a whole pool: behind those to single devices (also IPv6's default of 1024), before
 * those over relays. */
#define WAY_METRIC 1500

/* Does viewer reach i, or i viewer, by i's or viewer's relay interface, with a way at the relay's
 * end? One of them is a relay and the other a gateway that shares its devices. */
bool way_by_relay(const struct view *v, size_t viewer, size_t i);

/* The port of the interface member i has to the gateway `to`. */
uint16_t way_port(const struct view *v, size_t i, size_t to);

/* Push the names of the member's interfaces to gateways. */
void way_names(const struct view *v, size_t i, struct strs *ret);

/* The interface by which viewer sends to gateway i. */
const char *way_ifname(const struct view *v, size_t viewer, size_t i);

/* Push viewer's interface to gateway i, with its peer and the routes. A part of link_peer. */
void way_link(struct view *v, size_t viewer, size_t i, struct item_vec *ret);

/* Push the routes by which member i finds a device that is not where its pool's route leads, and
 * say whether the device is at another gateway than i. */
bool way_device(struct view *v, size_t i, const struct device *d, struct item_vec *ret);

#endif
