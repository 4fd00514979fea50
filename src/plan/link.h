/*
 * DOC: links: which interfaces a member has and which peers are on them. Private to the plan room.
 */
#ifndef WARREN_PLAN_LINK_H
#define WARREN_PLAN_LINK_H

#include "model/fleet.h"
#include "model/state.h"

/* The gateway group a member terminates devices for, or NULL. */
const struct group *link_group(const struct fleet_network *fn, const struct member *m);

/* The member the mesh finds a group's devices behind: its first usable gateway; NULL = none. */
const struct member *link_home(
	const struct fleet *f, const struct fleet_network *fn, const char *group);

/* May the member take part: its node is there and enabled. */
int link_usable(const struct fleet *f, const struct member *m);

/* Interface names (spec 1, Configuration): on a gateway the devices interface has the network's
 * name and the direct one "-m" behind it; elsewhere the direct one has the bare name. */
void link_devices_name(const struct network *n, char ret[static IFNAME_LEN]);
void link_direct_name(const struct network *n, const struct member *m, char ret[static IFNAME_LEN]);

/* Push interface, addresses, peers and routes of the direct interface, or nothing where the
 * member has no one to talk to. Returns 1 when the interface is there. */
int link_direct(const struct fleet *f, const struct fleet_network *fn, const struct member *m,
	struct item_vec *ret);

/* Push the interface that terminates devices, with addresses and the pool's route, no peers. */
void link_devices(const struct fleet_network *fn, const struct member *m, const struct group *g,
	const char *sealed_key, struct item_vec *ret);

/* Push the peer a device is on that interface. */
void link_device_peer(const struct fleet_network *fn, const struct group *g, const struct device *d,
	struct item_vec *ret);

#endif
