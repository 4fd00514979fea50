/* DOC: see churn.h. Each kind is one row: the schema, what is picked and how it is changed. */
#include "churn.h"

#include <stdio.h>

static const struct fleet_network *the_network;

static void new_key(struct world *w, void *object)
{
	world_key(w, &((struct member *)object)->public_key);
}

static void no_key(struct world *w, void *object)
{
	memset(&((struct member *)object)->public_key, 0, KEY_LEN);
}

/* The steps of a rotation, one after the other. */
static void next_key(struct world *w, void *object)
{
	struct member *m = object;

	if (public_key_is_zero(&m->next_public_key)) {
		world_key(w, &m->next_public_key);
	} else if (!m->switching) {
		m->switching = true;
	} else {
		m->public_key = m->next_public_key;
		memset(&m->next_public_key, 0, KEY_LEN);
		m->switching = false;
	}
}

static void endpoint(struct world *w, void *object)
{
	struct member *m = object;

	mem_free(m->endpoint);
	m->endpoint = mem_printf("203.0.113.%u:%u", world_below(w, 250), 1000 + world_below(w, 9));
}

static void roam(struct world *w, void *object)
{
	struct member *m = object;

	m->endpoint = mem_free(m->endpoint);
	mem_free(m->observed_endpoint);
	m->observed_endpoint = mem_printf("203.0.113.%u:40000", world_below(w, 250));
	world_place(w, m);
}

static int subnet_is_free(struct prefix lan)
{
	VEC_FOREACH (m, &the_network->members)
		if (prefix_vec_covers(&(*m)->local_subnets, lan))
			return 0;
	return 1;
}

static void subnets(struct world *w, void *object)
{
	struct member *m = object;
	u128 net = the_network->network->ipv4.addr.bits >> 16 & 0xff;
	struct prefix lan = {{FAMILY_IPV4, (u128)10 << 24 | net << 16}, 24};

	if (m->local_subnets.n > 0) {
		VEC_DONE(&m->local_subnets);
		return;
	}
	while (!subnet_is_free(lan))
		lan.addr.bits += 256;
	VEC_PUSH(&m->local_subnets, lan);
}

static void gateway(struct world *w, void *object)
{
	struct member *m = object;
	const struct group_refs *groups = &the_network->groups;

	m->roles ^= ROLE_GATEWAY;
	m->group[0] = '\0';
	if ((m->roles & ROLE_GATEWAY) && groups->n > 0 && world_below(w, 5) != 0)
		id_copy(m->group, groups->v[world_below(w, (unsigned)groups->n)]->id);
}

static void controller(struct world *w, void *object)
{
	((struct member *)object)->roles ^= ROLE_CONTROLLER;
}

static void exit_role(struct world *w, void *object)
{
	((struct member *)object)->roles ^= ROLE_EXIT;
}

/* Full tunnel by one of the network's nodes, whether that is an exit or not. */
static void full_tunnel(struct world *w, void *object)
{
	const struct member_refs *members = &the_network->members;
	struct device *d = object;

	d->full_tunnel = world_below(w, 3) != 0;
	d->exit = mem_free(d->exit);
	if (members->n > 0 && world_below(w, 2))
		d->exit = mem_strdup(members->v[world_below(w, (unsigned)members->n)]->node);
}

/* To another gateway of its group. */
static void device_moves(struct world *w, void *object)
{
	world_move(w, object);
}

static void quota(struct world *w, void *object)
{
	struct device *d = object;

	d->over_quota = world_below(w, 2);
	d->quota_grant++;
}

static void address(struct world *w, void *object)
{
	struct member *m = object;

	/* odd places above the first ones are nobody's */
	m->ipv4 = addr_add(the_network->network->node_first, 1000 + w->serial++);
	m->ipv6.bits = the_network->network->ipv6.addr.bits | m->ipv4.bits;
}

static void toggle_node(struct world *w, void *object)
{
	((struct node *)object)->enabled ^= true;
}

static void rename_node(struct world *w, void *object)
{
	struct node *n = object;

	mem_free(n->name);
	/* labels that meet, and a reserved one, are no error in plans */
	n->name = world_below(w, 4) == 0 ? mem_strdup("localhost")
					 : mem_printf("Renamed %u", world_below(w, 6));
}

static void rename_device(struct world *w, void *object)
{
	struct device *d = object;

	mem_free(d->dns_name);
	d->dns_name = mem_printf("renamed-%u", world_below(w, 6));
}

static void toggle_serving(struct world *w, void *object)
{
	((struct network *)object)->dns_serve ^= true;
}

static void observe_node(struct world *w, void *object)
{
	((struct node *)object)->last_heartbeat++;
}

static void toggle_policy(struct world *w, void *object)
{
	((struct policy *)object)->enabled ^= true;
}

static void group_port(struct world *w, void *object)
{
	((struct group *)object)->listen_port++;
}

static void next_epoch(struct world *w, void *object)
{
	((struct network *)object)->psk_epoch++;
}

static void toggle_psk(struct world *w, void *object)
{
	((struct network *)object)->psk ^= true;
}

static void mtu(struct world *w, void *object)
{
	((struct network *)object)->mtu = 1280 + world_below(w, 140);
}

static void keepalive(struct world *w, void *object)
{
	struct network *n = object;

	n->keepalive = (uint16_t)(n->keepalive == 0 ? 15 : world_below(w, 2) * 30);
	if (world_below(w, 3) == 0)
		n->psk_epoch++; /* two fields in one change */
}

static void resolvers(struct world *w, void *object)
{
	struct network *n = object;

	if (n->dns.n > 0)
		strs_done(&n->dns);
	else
		strs_push(&n->dns, "192.0.2.53");
}

static void upstreams(struct world *w, void *object)
{
	char text[32];

	snprintf(text, sizeof(text), "192.0.2.%u", world_below(w, 250));
	strs_done(&((struct network *)object)->dns_upstreams);
	strs_push(&((struct network *)object)->dns_upstreams, text);
}

static void other_topology(struct world *w, void *object)
{
	((struct network *)object)->topology ^= 1;
}

static void device_key(struct world *w, void *object)
{
	world_key(w, &((struct device *)object)->public_key);
}

enum act { CHANGE, ADD, REMOVE };

static const struct row {
	const char *name;
	const struct schema *schema;
	size_t map; /* in the fleet */
	enum act act;
	void (*change)(struct world *w, void *object);
} rows[CHURN_KINDS] = {
	{"key", &schema_member, offsetof(struct fleet, members), CHANGE, new_key},
	{"key gone", &schema_member, offsetof(struct fleet, members), CHANGE, no_key},
	{"endpoint", &schema_member, offsetof(struct fleet, members), CHANGE, endpoint},
	{"roam", &schema_member, offsetof(struct fleet, members), CHANGE, roam},
	{"subnets", &schema_member, offsetof(struct fleet, members), CHANGE, subnets},
	{"gateway", &schema_member, offsetof(struct fleet, members), CHANGE, gateway},
	{"controller", &schema_member, offsetof(struct fleet, members), CHANGE, controller},
	{"exit", &schema_member, offsetof(struct fleet, members), CHANGE, exit_role},
	{"address", &schema_member, offsetof(struct fleet, members), CHANGE, address},
	{"leave", &schema_member, offsetof(struct fleet, members), REMOVE, NULL},
	{"join", &schema_member, offsetof(struct fleet, nodes), ADD, NULL},
	{"enable", &schema_node, offsetof(struct fleet, nodes), CHANGE, toggle_node},
	{"heartbeat", &schema_node, offsetof(struct fleet, nodes), CHANGE, observe_node},
	{"policy", &schema_policy, offsetof(struct fleet, policies), CHANGE, toggle_policy},
	{"new policy", &schema_policy, 0, ADD, NULL},
	{"group port", &schema_group, offsetof(struct fleet, groups), CHANGE, group_port},
	{"new group", &schema_group, 0, ADD, NULL},
	{"group gone", &schema_group, offsetof(struct fleet, groups), REMOVE, NULL},
	{"epoch", &schema_network, offsetof(struct fleet, networks), CHANGE, next_epoch},
	{"psk", &schema_network, offsetof(struct fleet, networks), CHANGE, toggle_psk},
	{"mtu", &schema_network, offsetof(struct fleet, networks), CHANGE, mtu},
	{"keepalive", &schema_network, offsetof(struct fleet, networks), CHANGE, keepalive},
	{"resolvers", &schema_network, offsetof(struct fleet, networks), CHANGE, resolvers},
	{"upstreams", &schema_network, offsetof(struct fleet, networks), CHANGE, upstreams},
	{"topology", &schema_network, offsetof(struct fleet, networks), CHANGE, other_topology},
	{"new device", &schema_device, 0, ADD, NULL},
	{"rename", &schema_node, offsetof(struct fleet, nodes), CHANGE, rename_node},
	{"rename device", &schema_device, offsetof(struct fleet, devices), CHANGE, rename_device},
	{"serve", &schema_network, offsetof(struct fleet, networks), CHANGE, toggle_serving},
	{"device key", &schema_device, offsetof(struct fleet, devices), CHANGE, device_key},
	{"full tunnel", &schema_device, offsetof(struct fleet, devices), CHANGE, full_tunnel},
	{"device moves", &schema_device, offsetof(struct fleet, devices), CHANGE, device_moves},
	{"quota", &schema_device, offsetof(struct fleet, devices), CHANGE, quota},
	{"next key", &schema_member, offsetof(struct fleet, members), CHANGE, next_key},
};

/* Of a node that is in no network yet. */
static struct member *new_member(struct world *w, const struct group *g)
{
	const struct node *node = NULL;
	struct member *m;

	MAP_FOREACH (slot, &w->fleet->nodes)
		if (fleet_memberships(w->fleet, slot->key)->n == 0 &&
			(node == NULL || strcmp(slot->key, node->id) < 0))
			node = slot->value; /* the lowest id: not the table's order */
	if (node == NULL)
		return NULL;
	m = world_member(w, the_network->network, node, world_below(w, 3) ? NULL : g, 200);
	address(w, m);
	VEC_DONE(&m->local_subnets);
	if (world_below(w, 2))
		subnets(w, m);
	return m;
}

static void *new_object(struct world *w, const struct row *r)
{
	const struct network *n = the_network->network;
	const struct group_refs *groups = &the_network->groups;
	const struct group *g =
		groups->n > 0 ? groups->v[world_below(w, (unsigned)groups->n)] : NULL;

	if (r->schema == &schema_policy)
		return world_policy(w, n);
	if (r->schema == &schema_group)
		return groups->n < 3 ? world_group(w, n) : NULL;
	if (r->schema == &schema_device)
		return g != NULL ? world_device(w, n, g) : NULL;
	return new_member(w, g);
}

const struct schema *churn(
	struct world *w, const char *network, unsigned kind, void **ret_before, void **ret_after)
{
	const struct row *r = &rows[kind];
	const struct map *map = (const struct map *)(const void *)((char *)w->fleet + r->map);
	const void *was;

	*ret_before = *ret_after = NULL;
	the_network = fleet_network(w->fleet, network);
	if (r->act == ADD) {
		*ret_after = new_object(w, r);
		return *ret_after != NULL ? r->schema : NULL;
	}
	was = world_pick(w, map);
	if (was == NULL)
		return NULL;
	*ret_before = schema_dup(r->schema, was);
	if (r->act == REMOVE)
		return r->schema;
	*ret_after = schema_dup(r->schema, was);
	r->change(w, *ret_after);
	return r->schema;
}

const char *churn_name(unsigned kind)
{
	return rows[kind].name;
}
