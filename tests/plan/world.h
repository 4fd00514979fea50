/* DOC: random fleets for property tests: small, valid, different for every seed, same for one. */
#ifndef WARREN_TESTS_PLAN_WORLD_H
#define WARREN_TESTS_PLAN_WORLD_H

#include "base/rand.h"
#include "model/fleet.h"

struct world {
	struct rand rand;
	struct fleet *fleet;
	unsigned serial; /* of ids, names and keys */
};

/* Two projects, each with one or two networks, nodes with random roles, groups, devices, policies.
 */
void world_make(struct world *w, uint64_t seed);
void world_done(struct world *w);

/* One network with one gateway and n devices, the starting policy. Returns the network's id. */
const char *world_gateway(struct world *w, unsigned n);

/* Say that the device is at a random gateway of its group, or at none. */
void world_move(struct world *w, struct device *d);

/* Say that the member calls from one of three places, and is behind a NAT there or not. */
void world_place(struct world *w, struct member *m);

struct device *world_device(struct world *w, const struct network *n, const struct group *g);

/* Add a network whose nodes are all linked, by the starting policy; w->fleet is there. second: of
 * its IPv4 pool, from 16 up. Only the first WORLD_LANS may have local subnets. */
#define WORLD_LANS 256
const char *world_mesh(struct world *w, unsigned second, unsigned nodes);

/* Random objects for a network, not in the fleet yet. index: of the member's addresses. */
struct member *world_member(struct world *w, const struct network *n, const struct node *node,
	const struct group *g, unsigned index);
struct group *world_group(struct world *w, const struct network *n);
struct policy *world_policy(struct world *w, const struct network *n);

void world_key(struct world *w, struct public_key *ret);
unsigned world_below(struct world *w, unsigned n);
void *world_pick(struct world *w, const struct map *m); /* a random value; NULL when empty */

/* A random valid change: *before and *after are heap objects of the schema (either may be NULL). */
const struct schema *world_change(struct world *w, void **ret_before, void **ret_after);

/* The group keys a control plane would have sealed: "sealed GROUP NODE". */
struct plan_keys;
extern const struct plan_keys world_keys;

#endif
