/*
 * DOC: the heart: plan(fleet, node) -> desired state. Pure: no I/O, no clock, no randomness; same
 * fleet, same bytes. A plan is the union of parts, one per object that shows up on the node; so
 * a change of one object re-plans one part, not the node (spec 0, invariant 7).
 */
#ifndef WARREN_PLAN_PLAN_H
#define WARREN_PLAN_PLAN_H

#include "model/fleet.h"
#include "model/state.h"

/* Nodes in a network of topology mesh: each is a peer of every other, so its plans, and the keys
 * agents hold, grow with the square. Beyond, a network is a hub or several networks. */
#define PLAN_MESH_MAX 2000

/* Sealed private keys of gateway groups for a node; NULL when there is none. The planner copies
 * the text. Same arguments must give the same text (control caches what it sealed). */
struct plan_keys {
	const char *(*group_key)(void *ctx, const char *group, const char *node);
	void *ctx;
};

/* Which planner this is: to be raised whenever a fleet that did not change gets another plan, so
 * that nodes are told after an upgrade (tests/control/test_planner.c notices). */
#define PLAN_VERSION 3

/* The whole desired state of a node; revision is the node's. ERR_NOT_FOUND for an unknown node; a
 * disabled node's plan is empty. ret must be empty. */
int plan_node(const struct fleet *f, const char *node, const struct plan_keys *keys,
	struct state *ret, struct err *e);

/* Nodes whose plan the change can alter. f holds the fleet before or after it: same answer. */
void plan_affected(const struct fleet *f, const struct fleet_change *c, struct id_vec *ret);

/* The part of node's plan that `device` brings (peer, set members, host entry), in any order,
 * pushed to ret. Nothing when it is disabled. device need not be in the fleet. */
void plan_device_part(
	const struct fleet *f, const char *node, const struct device *device, struct item_vec *ret);

/*
 * A change in flight: call begin with the fleet before the change, then change the fleet, then end
 * for each affected node. The delta's revisions are left 0. A device costs one part; a member or a
 * node costs, on every other node, the links to it; a policy the firewall and the links that come
 * or go; a network all of them. Objects of c are borrowed until the change is freed; but for the
 * change itself, f must not change until then.
 */
struct plan_change;
struct plan_change *plan_change_begin(
	const struct fleet *f, const struct fleet_change *c, const struct plan_keys *keys);
/* The fleet is changed: how many links there are to be looked at, all ends together. Nodes' shells
 * and devices are not counted: what links cost grows with the square. */
size_t plan_change_links(struct plan_change *pc, const struct fleet *f);
/* The networks it touches, and the object as it was in the fleet (NULL: it was not); borrowed. */
void plan_change_networks(const struct plan_change *pc, struct id_vec *ret);
const void *plan_change_before(const struct plan_change *pc);
void plan_change_end(
	struct plan_change *pc, const struct fleet *f, const char *node, struct delta *ret);
struct plan_change *plan_change_free(struct plan_change *pc);

/* Where the network finds a group's devices unless they are seen elsewhere: the group's first
 * gateway whose node is enabled; NULL when there is none. */
const struct member *plan_home(const struct fleet *f, const char *network, const char *group);

/* Does policy let src reach dst? For client configurations (which local subnets to route), what-if
 * and tests. Addresses are overlay or outside ones; port 0 = any. */
int plan_policy_allows(const struct fleet *f, const char *network, struct addr src, struct addr dst,
	const char *protocol, uint16_t port);

/* The pre-shared key between a device and its group: the imported one, else derived. ret stays zero
 * when there is none. */
void plan_device_psk(const struct fleet *f, const struct device *d, struct secret *ret);

/* Do nodes that are in this network and in another have a port for each of their interfaces,
 * whoever they are linked with? ERR_EXISTS names listen_port, the node and the networks. Asked when
 * a member comes or changes; costs the nodes that are in several networks. */
int plan_check_ports(const struct fleet *f, const char *network, struct err *e);

/* What a device's own configuration should route into the tunnel (spec 3, Split): custom list,
 * full tunnel, or the network's pools and the local subnets policy lets it reach; aggregated. */
void plan_device_routes(const struct fleet *f, const struct device *d, struct prefix_vec *ret);

#endif
