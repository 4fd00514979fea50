/*
 * DOC: links: which interfaces a member has and which peers are on them. Private to the plan room.
 */
#ifndef WARREN_PLAN_LINK_H
#define WARREN_PLAN_LINK_H

#include "model/fleet.h"
#include "model/state.h"
#include "plan/view.h"

/* The gateway group a member terminates devices for, or NULL. */
const struct group *link_group(const struct fleet_network *fn, const struct member *m);

/* May the member take part: its node is there and enabled. */
int link_usable(const struct fleet *f, const struct member *m);

/* Interface names (spec 1, Configuration): on a gateway the devices interface has the network's
 * name and the direct one "-m" behind it; elsewhere the direct one has the bare name (view.h). */
void link_devices_name(const struct network *n, char ret[static IFNAME_LEN]);

/* Is the direct interface there? A gateway has none as long as it has no one to talk to. */
int link_is_direct(const struct view *v, size_t i);

/* Push the member's mesh addresses for one of its interfaces. */
void link_addresses(const struct network *n, const struct member *m, const char *interface,
	struct item_vec *ret);

/* The pre-shared key of two ends, where the network has them on. */
void link_set_psk(const struct fleet_network *fn, const struct public_key *a,
	const struct public_key *b, struct secret *ret);

/* The key a member's own interfaces have by its plan. */
const struct public_key *link_own_key(const struct member *m);

/* p is other as a peer of m, and other is about to change its key: what p becomes, and the peer
 * that waits for it. */
void link_push_next(const struct fleet_network *fn, const struct member *m,
	const struct member *other, struct peer_item *p, struct item_vec *ret);

/* Set p's hints to i's direct interface, as viewer may find it. */
void link_hint(struct view *v, size_t viewer, size_t i, struct peer_item *p);

/* Push the direct interface of a member, with addresses, no peers. */
void link_direct(const struct view *v, size_t i, struct item_vec *ret);

/* Keepalive of links that are watched, where the network has none. Seconds. */
#define LINK_KEEPALIVE 25

/* Push all by which member i shows on viewer: a peer on the direct interface, one on a relay or
 * hub, the routes to it; nothing when they are not related. */
void link_peer(struct view *v, size_t viewer, size_t i, struct item_vec *ret);
/* The same of all members. */
void link_peers(struct view *v, size_t viewer, struct item_vec *ret);

/* Push the interface that terminates devices (the member has a group), with addresses and the
 * pool's route, no peers. */
void link_devices(struct view *v, size_t i, const char *sealed_key, struct item_vec *ret);

/* May the device come in at all, but for its time? */
bool link_admits(const struct device *d);

/* How much of what is left of its quota a device may use at a gateway, in bytes: all of it at home,
 * elsewhere a part, which is granted anew once it is used. */
#define LINK_QUOTA_AWAY 4
#define LINK_QUOTA_LEAST ((uint64_t)1 << 20)
uint64_t link_quota(const struct device *d, bool away);

/* The pre-shared key of a device and its group: the imported one, else derived; zero = none. */
void link_device_psk(const struct fleet_network *fn, const struct group *g, const struct device *d,
	struct secret *ret);

/* Push the limit of a device that has one. */
void link_device_limit(
	const struct fleet_network *fn, const struct device *d, struct item_vec *ret);
/* Push the peer a device is on that interface. away: it is at another gateway. */
void link_device_peer(const struct fleet_network *fn, const struct group *g, const struct device *d,
	bool away, struct item_vec *ret);

/* Single items, for relay.c. peer "": the route is always there. */
void link_push_interface(const struct network *n, const char *name, int role,
	const struct public_key *key, const char *sealed_key, uint16_t port, struct item_vec *ret);
void link_push_address(
	const struct network *n, const char *name, struct addr a, struct item_vec *ret);
void link_push_route(const struct network *n, const char *name, struct prefix dst, uint32_t metric,
	const char *peer, struct item_vec *ret);
void link_push_rp_filter(const struct network *n, const char *name, struct item_vec *ret);
/* Member i as a peer of viewer: who it is, but neither endpoint nor allowed IPs. Its next key, when
 * there is one, is pushed to ret. */
struct item *link_peer_item(
	const struct view *v, size_t viewer, size_t i, const char *ifname, struct item_vec *ret);

#endif
