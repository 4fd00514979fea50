/*
 * DOC: a network seen once for many plans: who may be linked with whom, the rules' lists as sets,
 * and what a member looks like as a peer. Planning the network for its next node reads this instead
 * of the policies' text. A view belongs to whoever plans; nothing is global and nothing in it
 * depends on whom was planned first: same fleet, same view. It is good as long as the objects
 * it was made from are there. Private to the plan room.
 */
#ifndef WARREN_PLAN_VIEW_H
#define WARREN_PLAN_VIEW_H

#include "model/names.h"
#include "model/ports.h"
#include "plan/policy.h"
#include "plan/reach.h"

#include <stdbool.h>

struct exits;
/* Controllers that members are relayed by: the first of a network that can be reached. */
#define VIEW_RELAYS_MAX 3

/* Gateways that share devices with others, in a network; their ports are numbered. */
#define VIEW_SHARED_MAX 256

VEC_TYPE(view_places, size_t); /* of members, in the network's order */

struct view_relay {
	size_t member;           /* the controller */
	char ifname[IFNAME_LEN]; /* of the others' interfaces to it */
};

struct view_member {
	const struct member *member;
	const struct node *node;   /* to compare, not to follow: a change may have freed it */
	const struct group *group; /* that it terminates devices for, or NULL */
	bool usable;               /* its node is there and enabled */
	bool keyed;                /* and its key is known: it can be a peer */
	bool central;              /* others may be linked with it whatever the topology */
	const char *direct;        /* name of its direct interface */
	char label[LABEL_MAX + 1]; /* its DNS name; "" when that is a reserved one */
	bool home;                 /* the mesh finds its group's devices behind it */
	bool relay;                /* it is one of the view's relays */
	bool shares;               /* its group's devices, with other gateways: see way.h */
	uint8_t slot;              /* among those */
	char way[IFNAME_LEN];      /* name of the others' interfaces to it */
	/* How others see it; made when first asked for. */
	bool seen;
	char *endpoint;
	uint32_t generation;
	struct prefix_vec own;     /* at or behind it, for the gateways of its group */
	struct prefix_vec devices; /* its group's, where it is the home */
	struct prefix_vec behind;  /* the same and its group's devices, for everybody else */
	bool outside;              /* some of it is not in the network's pools */
};

struct view {
	const struct fleet *fleet;
	const struct fleet_network *fn;
	struct view_member *members; /* in the network's order */
	size_t n_members;
	bool hub;                        /* only links with a gateway or controller */
	struct view_places all, central; /* in order */
	struct prefix_vec pools;         /* the network's */
	char direct[2][IFNAME_LEN];      /* names of direct interfaces: [1] a gateway's */
	unsigned kinds; /* of items that are wanted of links, 1 << enum item_kind; 0 = all */
	struct view_relay relays[VIEW_RELAYS_MAX]; /* in the network's order: see view_relays_for */
	size_t n_relays;
	struct prefix_vec beyond; /* behind members and outside the pools; only with relays */
	struct reach reach;
	struct policy_rule_vec rules; /* made when first asked for */
	bool compiled;
	struct exits *exits; /* made when first asked for */
};

/* f is asked for nodes now and for devices later; fn may be a stand-in for the fleet's own. */
struct view *view_new(const struct fleet *f, const struct fleet_network *fn);
struct view *view_free(struct view *v);

#define VIEW_NONE ((size_t)-1)
/* Where the member with this id is, or VIEW_NONE. */
size_t view_index(const struct view *v, const char *member);

/* May traffic pass between the two at all: both are there with a key, and a rule may use it, or
 * one is a relay (whose traffic is that of others). */
int view_related(const struct view *v, size_t viewer, size_t i);
/* Does the topology let the two be peers. */
bool view_joined(const struct view *v, size_t a, size_t b);
/* Are they peers on their direct interfaces: related, and joined. */
int view_linked(const struct view *v, size_t viewer, size_t i);
/* Is an item of this kind wanted of links? */
static inline bool view_wants(const struct view *v, enum item_kind kind)
{
	return v->kinds == 0 || (v->kinds & 1u << kind);
}
/* The places where link_peer may find anything for viewer: all of the network, or, in a hub, who
 * is central. Borrowed. */
struct view_places view_neighbours(const struct view *v, size_t viewer);
int view_has_links(const struct view *v, size_t viewer);
/* Is there a relay link between them: related, and one of them is a relay. */
int view_relayed(const struct view *v, size_t a, size_t b);

/* Do the same gateways share devices, by the same names? */
bool view_ways_equal(const struct view *a, const struct view *b);

/* Are members relayed by the same controllers, by the same names, in the same orders? */
bool view_relays_equal(const struct view *a, const struct view *b);

/* Places of relays in the order a member prefers them: those of its region before the others.
 * Returns how many. */
size_t view_relays_for(const struct view *v, size_t member, size_t ret[static VIEW_RELAYS_MAX]);

/* The exits of the network. */
const struct exits *view_exits(struct view *v);

/* The ports of a member's interfaces. */
void view_ports(const struct view *v, size_t i, struct member_ports *ret);

/* How i looks as a peer. */
const struct view_member *view_see(struct view *v, size_t i);
/* What viewer finds at or behind i (as i is seen). A group's other gateways have its devices on an
 * interface of their own. */
const struct prefix_vec *view_prefixes(struct view *v, size_t viewer, size_t i);

/* The enabled rules in order, their lists as sets. */
const struct policy_rule_vec *view_rules(struct view *v);

/* Views of a fleet's networks, made when first asked for. */
struct views {
	const struct fleet *fleet;
	struct map by_network;
};
/* NULL when the fleet has no such network. */
struct view *views_get(struct views *vs, const char *network);
void views_done(struct views *vs);

#endif
