/*
 * DOC: the way round (spec 0, How packets choose a path): every member has an interface to each
 * relay of its network, each relay a hub where those end. A relay interface takes in whatever the
 * network holds, so that its AllowedIPs choose nothing; the routes do. Private to the plan room.
 */
#ifndef WARREN_PLAN_RELAY_H
#define WARREN_PLAN_RELAY_H

#include "model/state.h"
#include "plan/view.h"

/* Routes over relays come after all others, IPv6's default of 1024 included; the preferred relay
 * has the lowest. */
#define RELAY_METRIC 2001

/* A controller's hub: "-r" behind the network's name. */
void relay_hub_name(const struct network *n, char ret[static IFNAME_LEN]);

/* Push the names of the member's relay interfaces, and of its hub. */
void relay_names(const struct view *v, size_t i, struct strs *ret);

/* Push those interfaces with their addresses, no peers. */
void relay_interfaces(const struct view *v, size_t i, struct item_vec *ret);

/* Push all that relays bring of member i to viewer; a part of link_peer. */
void relay_link(struct view *v, size_t viewer, size_t i, struct item_vec *ret);

/* The name others give their interface to member i, or NULL when that is no relay. Borrowed. */
const char *relay_ifname(const struct view *v, size_t i);

/* Push the routes to a prefix by every relay of viewer, the preferred one first. */
void relay_routes(const struct view *v, size_t viewer, struct prefix dst, struct item_vec *ret);

#endif
