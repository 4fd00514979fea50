/*
 * DOC: the fleet in memory: all objects the planner looks at, indexed. It owns its objects. It is
 * changed only by fleet_put and fleet_remove, which is how outbox records are applied, and is not
 * thread-safe: one thread owns it.
 */
#ifndef WARREN_MODEL_FLEET_H
#define WARREN_MODEL_FLEET_H

#include "base/map.h"
#include "model/objects.h"
#include "model/schema.h"

VEC_TYPE(member_refs, struct member *);
VEC_TYPE(group_refs, struct group *);
VEC_TYPE(device_refs, struct device *);
VEC_TYPE(policy_refs, struct policy *);

/* A network with everything in it. References are borrowed from the fleet. */
struct fleet_network {
	struct network *network;
	struct secret psk_root;      /* zero when unknown (render without a server): no PSKs then */
	struct member_refs members;  /* sorted by id */
	struct group_refs groups;    /* sorted by id */
	struct policy_refs policies; /* sorted by id */
	struct map psks; /* device id -> struct secret *: imported ones; see fleet_set_psk */
	struct map devices_by_group; /* group id -> struct device_refs *, each sorted by id */
};

struct fleet {
	struct map projects, networks, nodes, members, groups, devices, policies; /* by id; owned */
	struct map by_network; /* network id -> struct fleet_network * */
	struct map by_node;    /* node id -> struct member_refs *, sorted by network id */
	struct map tagged;     /* "network id/tag" -> struct device_refs *, sorted by id */
};

struct fleet *fleet_new(void);
struct fleet *fleet_free(struct fleet *f);

/* Insert or replace the object of that schema (project, network, node, member, group, device,
 * policy; others are ignored). Takes ownership of object, which came from schema_dup. */
void fleet_put(struct fleet *f, const struct schema *s, void *object);
/* Remove by id; absent is fine. Removing a network that still has members is a caller's bug. */
void fleet_remove(struct fleet *f, const struct schema *s, const char *id);

/* The pre-shared key that was imported with a device of the fleet. It goes with the device. */
void fleet_set_psk(struct fleet *f, const struct device *d, const struct secret *psk);

/* NULL when the network is not in the fleet (by_network may hold it already with network = NULL).
 */
struct fleet_network *fleet_network(const struct fleet *f, const char *network);
/* Never NULL: what has none gives an empty vector. */
struct device_refs *fleet_devices(const struct fleet *f, const char *network, const char *group);
struct member_refs *fleet_memberships(const struct fleet *f, const char *node);
/* NULL when the node is not in that network. */
struct member *fleet_member(const struct fleet *f, const char *node, const char *network);

/* Does the member share its devices with other gateways of its group? */
bool fleet_shares(const struct fleet_network *fn, const struct member *m);

/* One change of the fleet: exactly one of before and after may be NULL (created, deleted). */
struct fleet_change {
	const struct schema *schema;
	const void *before; /* borrowed */
	const void *after;
};

#endif
