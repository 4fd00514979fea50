/* DOC: making random fleets; see world.h. */
#include "world.h"

#include "model/range.h"
#include "plan/plan.h"

#include <stdio.h>

static const char *sealed_key(void *ctx, const char *group, const char *node)
{
	static char text[2 * ID_LEN + 16];

	snprintf(text, sizeof(text), "sealed %s %s", group, node);
	return text;
}

const struct plan_keys world_keys = {.group_key = sealed_key};

unsigned world_below(struct world *w, unsigned n)
{
	return (unsigned)rand_below(&w->rand, n);
}

static void make_id(struct world *w, const char *prefix, id_text ret)
{
	snprintf(ret, ID_LEN, "%s_%032x", prefix, ++w->serial);
}

void world_key(struct world *w, struct public_key *ret)
{
	uint32_t n = ++w->serial;

	memset(ret->bytes, 7, KEY_LEN);
	memcpy(ret->bytes, &n, sizeof(n));
}

static struct addr v4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	return (struct addr){FAMILY_IPV4, (u128)(a << 24 | b << 16 | c << 8 | d)};
}

static void add_rule(
	struct policy *p, const char *from, const char *to, const char *protocol, const char *port)
{
	struct rule r = {.protocol = mem_strdup(protocol)};

	strs_push(&r.from, from);
	strs_push(&r.to, to);
	if (port != NULL)
		strs_push(&r.ports, port);
	VEC_PUSH(&p->rules, r);
}

/* second: of its IPv4 pool, and what its ports and LANs are told from; see number(). */
static struct network *make_network(
	struct world *w, const char *project, unsigned second, bool pooled)
{
	struct network *n = NEW(struct network);
	char name[32];

	make_id(w, "net", n->id);
	id_copy(n->project, project);
	snprintf(name, sizeof(name), "net%u", w->serial);
	n->name = mem_strdup(name);
	n->domain = mem_strdup(name);
	n->ipv6.addr.family = FAMILY_IPV6;
	n->ipv6.addr.bits = ((u128)0xfd00 << 112) | ((u128)w->serial << 64);
	n->ipv6.len = 64;
	if (pooled) {
		n->ipv4 = (struct prefix){v4(172, second, 0, 0), 16};
		n->node_first = v4(172, second, 0, 1);
		n->node_last = v4(172, second, 99, 255);
		n->gateway_addr = v4(172, second, 100, 1);
		n->device_first = v4(172, second, 100, 2);
		n->device_last = v4(172, second, 255, 254);
	}
	if (!pooled && w->serial % 2 == 0) { /* as an import sets them */
		n->gateway_addr = addr_add(n->ipv6.addr, 1);
		n->device_first = addr_add(n->ipv6.addr, 2);
		n->device_last = addr_add(n->ipv6.addr, 0x19fff);
		n->node_first = addr_add(n->ipv6.addr, 0x1a000);
		n->node_last = addr_add(n->ipv6.addr, 0x1fffe);
	}
	n->listen_port = (uint16_t)(51820 + 10 * (second - 16));
	n->keepalive = 25;
	n->psk = world_below(w, 2);
	n->dns_serve = w->serial % 4 != 0;
	n->topology = world_below(w, 4) == 0 ? TOPOLOGY_HUB : TOPOLOGY_MESH;
	fleet_put(w->fleet, &schema_network, n);
	memset(fleet_network(w->fleet, n->id)->psk_root.bytes, (int)(second + 1), KEY_LEN);
	return n;
}

static unsigned number(const struct network *n)
{
	return (unsigned)(n->listen_port - 51820) / 10 + 16;
}

/* The address at this place of the range, and its twin if it is one of IPv4. */
static void give_addresses(const struct network *n, struct addr_range range, unsigned index,
	struct addr *ret_ipv4, struct addr *ret_ipv6)
{
	struct addr a = addr_add(range.first, index);

	if (a.family == FAMILY_IPV6) {
		*ret_ipv6 = a;
		return;
	}
	*ret_ipv4 = a;
	*ret_ipv6 = n->ipv6.addr;
	ret_ipv6->bits |= a.bits;
}

static struct node *make_node(struct world *w, const char *project)
{
	struct node *n = NEW(struct node);
	char name[32];

	make_id(w, "node", n->id);
	id_copy(n->project, project);
	snprintf(name, sizeof(name), "node%u", w->serial);
	n->name = mem_strdup(name);
	n->enabled = world_below(w, 8) != 0;
	n->revision = 1;
	fleet_put(w->fleet, &schema_node, n);
	return n;
}

struct group *world_group(struct world *w, const struct network *n)
{
	struct group *g = NEW(struct group);
	char name[32];

	make_id(w, "grp", g->id);
	id_copy(g->project, n->project);
	id_copy(g->network, n->id);
	snprintf(name, sizeof(name), "group%u", w->serial);
	g->name = mem_strdup(name);
	world_key(w, &g->public_key);
	g->listen_port = n->listen_port;
	return g;
}

static struct group *put_group(struct world *w, const struct network *n)
{
	struct group *g = world_group(w, n);

	fleet_put(w->fleet, &schema_group, g);
	return g;
}

struct member *world_member(struct world *w, const struct network *n, const struct node *node,
	const struct group *g, unsigned index)
{
	struct member *m = NEW(struct member);
	char endpoint[32];

	make_id(w, "mem", m->id);
	id_copy(m->project, n->project);
	id_copy(m->network, n->id);
	id_copy(m->node, node->id);
	m->roles = ROLE_PEER;
	if (g != NULL) {
		m->roles |= ROLE_GATEWAY;
		id_copy(m->group, g->id);
	}
	if (world_below(w, 5) == 0)
		m->roles |= ROLE_CONTROLLER;
	if (world_below(w, 6) == 0)
		m->roles |= ROLE_EXIT;
	if (world_below(w, 10) != 0)
		world_key(w, &m->public_key);
	if (world_below(w, 2))
		m->region = mem_strdup(world_below(w, 2) ? "north" : "south");
	give_addresses(n, network_node_range(n), index, &m->ipv4, &m->ipv6);
	m->listen_port = n->listen_port;
	snprintf(endpoint, sizeof(endpoint), "198.51.100.%u:%u", index + 1, n->listen_port);
	m->endpoint = mem_strdup(endpoint);
	if (world_below(w, 2)) {
		unsigned net = number(n);
		struct prefix lan = {v4(10, net, index, 0), 24};

		VEC_PUSH(&m->local_subnets, lan);
		m->masquerade = world_below(w, 2);
	}
	return m;
}

void world_move(struct world *w, struct device *d)
{
	const struct fleet_network *fn = fleet_network(w->fleet, d->network);

	d->at[0] = '\0';
	VEC_FOREACH (m, &fn->members)
		if (strcmp((*m)->group, d->group) == 0 && world_below(w, 2))
			id_copy(d->at, (*m)->id);
}

struct device *world_device(struct world *w, const struct network *n, const struct group *g)
{
	static const char *const tags[] = {"admin", "kiosk"};
	struct device *d = NEW(struct device);
	char name[32];

	make_id(w, "cl", d->id);
	id_copy(d->project, n->project);
	id_copy(d->network, n->id);
	id_copy(d->group, g->id);
	snprintf(name, sizeof(name), "client%u", w->serial);
	d->name = mem_strdup(name);
	d->dns_name = mem_strdup(name);
	d->enabled = world_below(w, 6) != 0;
	d->keepalive = -1;
	world_key(w, &d->public_key);
	give_addresses(n, network_device_range(n), w->serial, &d->ipv4, &d->ipv6);
	d->full_tunnel = world_below(w, 4) == 0;
	d->over_quota = world_below(w, 12) == 0;
	d->quota_grant = world_below(w, 3);
	d->quota_left = world_below(w, 1000);
	world_move(w, d);
	for (unsigned i = 0; i < ARRAY_LEN(tags); i++)
		if (world_below(w, 3) == 0)
			strs_push(&d->tags, tags[i]);
	return d;
}

void *world_pick(struct world *w, const struct map *m)
{
	void *picked = NULL;
	const char *best = "";
	unsigned at, i = 0;

	if (m->n == 0)
		return NULL;
	/* by order of id, not of the table, so that a seed means one thing */
	at = world_below(w, (unsigned)m->n);
	for (i = 0; i <= at; i++) {
		const char *next = NULL;

		MAP_FOREACH (slot, m)
			if (strcmp(slot->key, best) > 0 &&
				(next == NULL || strcmp(slot->key, next) < 0)) {
				next = slot->key;
				picked = slot->value;
			}
		best = next;
	}
	return picked;
}

/* A random object's id, when it is in the network. Devices and members both start with id, project,
 * network. */
static const char *any_id(struct world *w, const struct map *m, const char *network)
{
	const struct device *o = world_pick(w, m);

	return o != NULL && strcmp(o->network, network) == 0 ? o->id : "*";
}

static const char *random_selector(struct world *w, const struct network *n)
{
	static char cidr[PREFIX_TEXT_LEN];
	unsigned net = number(n);

	switch (world_below(w, 8)) {
	case 0:
		return "*";
	case 1:
		return "nodes";
	case 2:
		return "clients";
	case 3:
		return world_below(w, 2) ? "tag:admin" : "tag:kiosk";
	case 4:
		snprintf(cidr, sizeof(cidr), "10.%u.%u.0/24", net, world_below(w, 4));
		return cidr;
	case 5:
		snprintf(cidr, sizeof(cidr), "172.%u.100.0/%u", net, 24 + world_below(w, 8));
		return cidr;
	case 6:
		return any_id(w, &w->fleet->devices, n->id);
	default:
		return any_id(w, &w->fleet->members, n->id);
	}
}

struct policy *world_policy(struct world *w, const struct network *n)
{
	static const char *const protocols[] = {"any", "tcp", "udp", "icmp"};
	struct policy *p = NEW(struct policy);
	unsigned rules = 1 + world_below(w, 3);

	make_id(w, "pol", p->id);
	id_copy(p->project, n->project);
	id_copy(p->network, n->id);
	p->name = mem_printf("policy%u", w->serial);
	p->enabled = world_below(w, 5) != 0;
	for (unsigned i = 0; i < rules; i++) {
		AUTOFREE char *from = mem_strdup(random_selector(w, n));
		const char *protocol = protocols[world_below(w, 4)];
		int ports = strcmp(protocol, "tcp") == 0 || strcmp(protocol, "udp") == 0;

		add_rule(p, from, random_selector(w, n), protocol,
			ports && world_below(w, 2) ? "440-450" : NULL);
	}
	return p;
}

static void make_project(struct world *w, unsigned second)
{
	struct project *p = NEW(struct project);
	unsigned networks = 1 + world_below(w, 2);

	make_id(w, "prj", p->id);
	p->name = mem_printf("project%u", w->serial);
	fleet_put(w->fleet, &schema_project, p);
	struct node *nodes[6];
	unsigned n_nodes = 1 + world_below(w, 6);

	for (unsigned i = 0; i < n_nodes; i++)
		nodes[i] = make_node(w, p->id);
	for (unsigned k = 0; k < networks; k++) {
		struct network *n = make_network(w, p->id, second + k, world_below(w, 5) != 0);
		struct group *groups[2] = {
			put_group(w, n), world_below(w, 2) ? put_group(w, n) : NULL};
		unsigned devices = world_below(w, 10), policies = world_below(w, 4);

		for (unsigned i = 0; i < n_nodes; i++)
			if (world_below(w, 5) != 0)
				fleet_put(w->fleet, &schema_member,
					world_member(w, n, nodes[i],
						world_below(w, 2) ? groups[world_below(w, 2)]
								  : NULL,
						i));
		for (unsigned i = 0; i < devices; i++) {
			struct group *g = groups[world_below(w, 2)];

			fleet_put(w->fleet, &schema_device, world_device(w, n, g ? g : groups[0]));
		}
		for (unsigned i = 0; i < policies; i++)
			fleet_put(w->fleet, &schema_policy, world_policy(w, n));
	}
}

void world_make(struct world *w, uint64_t seed)
{
	*w = (struct world){.rand = {seed}, .fleet = fleet_new()};
	make_project(w, 16);
	make_project(w, 20);
}

const char *world_gateway(struct world *w, unsigned n)
{
	struct network *net;
	struct node *node;
	struct group *g;
	struct member *m;
	struct policy *p;

	*w = (struct world){.rand = {1}, .fleet = fleet_new()};
	net = make_network(w, "prj_1", 30, true);
	node = make_node(w, "prj_1");
	node->enabled = true;
	g = put_group(w, net);
	m = world_member(w, net, node, g, 0);
	m->roles = ROLE_PEER | ROLE_GATEWAY;
	world_key(w, &m->public_key);
	fleet_put(w->fleet, &schema_member, m);
	p = NEW(struct policy);
	make_id(w, "pol", p->id);
	id_copy(p->network, net->id);
	p->enabled = true;
	add_rule(p, "clients", "nodes", "any", NULL);
	fleet_put(w->fleet, &schema_policy, p);
	for (unsigned i = 0; i < n; i++) {
		struct device *d = world_device(w, net, g);

		d->enabled = true;
		strs_done(&d->tags);
		fleet_put(w->fleet, &schema_device, d);
	}
	return net->id;
}

static void add_starting_policy(struct world *w, const struct network *n)
{
	struct policy *p = NEW(struct policy);

	make_id(w, "pol", p->id);
	id_copy(p->network, n->id);
	p->enabled = true;
	add_rule(p, "nodes", "nodes", "any", NULL);
	add_rule(p, "clients", "nodes", "any", NULL);
	add_rule(p, "sites", "nodes", "any", NULL);
	add_rule(p, "nodes", "sites", "any", NULL);
	fleet_put(w->fleet, &schema_policy, p);
}

const char *world_mesh(struct world *w, unsigned second, unsigned nodes)
{
	struct network *n = make_network(w, "prj_1", second, true);

	n->psk = true;
	for (unsigned i = 0; i < nodes; i++) {
		struct node *node = make_node(w, "prj_1");
		struct member *m = world_member(w, n, node, NULL, i);

		node->enabled = true;
		m->roles = ROLE_PEER | (i % 16 == 3 ? ROLE_CONTROLLER : 0) |
			(i % 6 == 1 ? ROLE_EXIT : 0);
		world_key(w, &m->public_key);
		if (i >= WORLD_LANS)
			VEC_DONE(&m->local_subnets);
		fleet_put(w->fleet, &schema_member, m);
	}
	add_starting_policy(w, n);
	return n->id;
}

static void mutate_device(struct world *w, struct device *d)
{
	switch (world_below(w, 7)) {
	case 5:
		world_move(w, d);
		break;
	case 6:
		d->over_quota = !d->over_quota;
		d->quota_grant++;
		break;
	case 0:
		d->enabled = !d->enabled;
		break;
	case 4:
		d->rate_limit = 1000000 * world_below(w, 3);
		break;
	case 1:
		world_key(w, &d->public_key);
		break;
	case 2:
		d->expires_at = 1000 * (msec)(1 + world_below(w, 1000));
		break;
	default:
		strs_done(&d->tags);
		strs_push(&d->tags, world_below(w, 2) ? "admin" : "kiosk");
	}
}

void world_place(struct world *w, struct member *m)
{
	struct addr a = {FAMILY_IPV4, 0xc0000200u + world_below(w, 3)};

	mem_free(m->near_endpoint);
	m->near_endpoint = world_below(w, 3) > 0
		? mem_printf("192.168.1.%u:51820", world_below(w, 250))
		: NULL;
	m->calls_from = world_below(w, 5) > 0 ? prefix_host(a) : (struct prefix){0};
}

static void mutate_member(struct world *w, struct member *m)
{
	switch (world_below(w, 3)) {
	case 0:
		world_key(w, &m->public_key);
		break;
	case 1:
		m->endpoint = mem_free(m->endpoint);
		mem_free(m->observed_endpoint);
		m->observed_endpoint = mem_printf("203.0.113.%u:40000", world_below(w, 250));
		world_place(w, m);
		break;
	default:
		VEC_DONE(&m->local_subnets);
	}
}

const struct schema *world_change(struct world *w, void **ret_before, void **ret_after)
{
	static const struct schema *const kinds[] = {&schema_device, &schema_device, &schema_device,
		&schema_member, &schema_node, &schema_policy, &schema_network};
	const struct schema *s = kinds[world_below(w, ARRAY_LEN(kinds))];
	const struct map *maps[] = {&w->fleet->devices, &w->fleet->members, &w->fleet->nodes,
		&w->fleet->policies, &w->fleet->networks};
	const struct map *m = s == &schema_device ? maps[0]
		: s == &schema_member             ? maps[1]
		: s == &schema_node               ? maps[2]
		: s == &schema_policy             ? maps[3]
						  : maps[4];
	void *was = world_pick(w, m);
	struct network *n = world_pick(w, &w->fleet->networks);
	int removable = s == &schema_device || s == &schema_member || s == &schema_policy;

	*ret_before = *ret_after = NULL;
	if (s == &schema_device && world_below(w, 4) == 0) {
		struct fleet_network *fn = fleet_network(w->fleet, n->id);

		*ret_after =
			world_device(w, n, fn->groups.v[world_below(w, (unsigned)fn->groups.n)]);
		return s;
	}
	if (s == &schema_policy && (was == NULL || world_below(w, 3) == 0)) {
		*ret_after = world_policy(w, n);
		return s;
	}
	if (was == NULL)
		return NULL;
	*ret_before = schema_dup(s, was);
	if (removable && world_below(w, 4) == 0)
		return s;
	*ret_after = schema_dup(s, was);
	if (s == &schema_device)
		mutate_device(w, *ret_after);
	else if (s == &schema_member)
		mutate_member(w, *ret_after);
	else if (s == &schema_node)
		((struct node *)*ret_after)->enabled = !((struct node *)*ret_after)->enabled;
	else if (s == &schema_policy)
		((struct policy *)*ret_after)->enabled = !((struct policy *)*ret_after)->enabled;
	else
		((struct network *)*ret_after)->psk_epoch++;
	return s;
}

void world_done(struct world *w)
{
	w->fleet = fleet_free(w->fleet);
}
