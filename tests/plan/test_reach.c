/*
 * DOC: invariant 6 of spec 0: reachability equals policy. A forwarding simulator walks a packet
 * through the planned machines: routes by longest prefix, AllowedIPs on the way out and on the way
 * in, the firewall's chains, forwarding; then its reply. Which watched paths are alive is chosen
 * at random for each end by itself, so that the two ends of a flow may use different ones. It knows
 * nothing of policies: it is the oracle for what the planner made of them.
 */
#include "plan/plan.h"
#include "plan/policy.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define LONG_FORM "TEST_LONG" /* when set: ten times the worlds */

static unsigned passed, dropped, relayed;
static uint64_t seed; /* of the world at hand */

struct packet {
	struct addr src, dst;
	const char *protocol;
	uint16_t port;
	int established; /* a reply: the firewall lets it pass */
};

struct sim {
	const struct fleet *fleet;
	const struct network *network;
	struct map plans; /* node -> struct state * */
	enum { ALL_ALIVE, NONE_ALIVE, SOME_ALIVE } paths;
	uint64_t seed;
};

/* Is the watched peer alive as this node sees it: the same answer for one simulation. */
static int alive_path(const struct sim *sim, const struct state *s, const struct route_item *r)
{
	uint64_t h = sim->seed * 0x9e3779b97f4a7c15u;

	if (r->peer[0] == '\0' || sim->paths != SOME_ALIVE)
		return r->peer[0] == '\0' || sim->paths == ALL_ALIVE;
	for (const char *c = s->node; *c != '\0'; c++)
		h = (h ^ (uint8_t)*c) * 0x100000001b3u;
	for (const char *c = r->peer; *c != '\0'; c++)
		h = (h ^ (uint8_t)*c) * 0x100000001b3u;
	for (const char *c = r->interface; *c != '\0'; c++)
		h = (h ^ (uint8_t)*c) * 0x100000001b3u;
	return (h >> 40 & 1) != 0;
}

static int in_set(const struct state *s, const char *network, const char *set, struct addr a)
{
	VEC_FOREACH (i, &s->items)
		if ((*i)->kind == ITEM_SET && strcmp((*i)->network, network) == 0 &&
			strcmp((*i)->set.set, set) == 0 && prefix_has((*i)->set.prefix, a))
			return 1;
	return 0;
}

static int port_fits(const struct fw_rule *r, uint16_t port)
{
	if (r->ports.n == 0)
		return 1;
	VEC_FOREACH (p, &r->ports) {
		unsigned first, last;

		if (sscanf(*p, "%u-%u", &first, &last) < 2)
			last = first;
		if (port >= first && port <= last)
			return 1;
	}
	return 0;
}

static int rules_pass(const struct state *s, const char *network, const struct fw_rule_vec *rules,
	const struct packet *p)
{
	VEC_FOREACH (r, rules) {
		if (strcmp(r->protocol, "any") != 0 && strcmp(r->protocol, p->protocol) != 0)
			continue;
		if (in_set(s, network, r->from, p->src) && in_set(s, network, r->to, p->dst) &&
			port_fits(r, p->port))
			return 1;
	}
	return 0;
}

static const struct item *firewall_of(const struct state *s, const char *network)
{
	VEC_FOREACH (i, &s->items)
		if ((*i)->kind == ITEM_FIREWALL && strcmp((*i)->network, network) == 0)
			return *i;
	return NULL;
}

static int is_local(const struct state *s, struct addr a)
{
	VEC_FOREACH (i, &s->items)
		if ((*i)->kind == ITEM_ADDRESS && addr_compare((*i)->address.addr, a) == 0)
			return 1;
	return 0;
}

static int forwards(const struct state *s, struct addr a)
{
	const char *want =
		a.family == FAMILY_IPV4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";

	VEC_FOREACH (i, &s->items)
		if ((*i)->kind == ITEM_SYSCTL && strcmp((*i)->sysctl.name, want) == 0)
			return 1;
	return 0;
}

/* As the kernel chooses: the longest prefix, then the lowest metric. */
static const struct route_item *route_to(
	const struct sim *sim, const struct state *s, struct addr dst)
{
	const struct route_item *best = NULL;

	VEC_FOREACH (i, &s->items) {
		const struct route_item *r = &(*i)->route;

		if ((*i)->kind == ITEM_ROUTE && prefix_has(r->dst, dst) && alive_path(sim, s, r) &&
			(best == NULL || r->dst.len > best->dst.len ||
				(r->dst.len == best->dst.len && r->metric < best->metric)))
			best = r;
	}
	return best;
}

static int role_of(const struct state *s, const char *interface)
{
	VEC_FOREACH (i, &s->items)
		if ((*i)->kind == ITEM_INTERFACE && strcmp((*i)->interface.name, interface) == 0)
			return (*i)->interface.role;
	return -1;
}

/* The peer on an interface whose AllowedIPs hold the address most closely: where WireGuard sends
 * it, and from whom alone it accepts it. */
static const struct peer_item *peer_for(const struct state *s, const char *interface, struct addr a)
{
	const struct peer_item *best = NULL;
	int len = -1;

	VEC_FOREACH (i, &s->items) {
		if ((*i)->kind != ITEM_PEER || strcmp((*i)->peer.interface, interface) != 0)
			continue;
		VEC_FOREACH (p, &(*i)->peer.allowed_ips)
			if (prefix_has(*p, a) && (int)p->len > len) {
				best = &(*i)->peer;
				len = p->len;
			}
	}
	return best;
}

/* The interface of that role with such a peer. */
static const char *interface_with(const struct state *s, int role, const struct public_key *peer)
{
	VEC_FOREACH (i, &s->items)
		if ((*i)->kind == ITEM_PEER && public_key_equal(&(*i)->peer.public_key, peer) &&
			role_of(s, (*i)->peer.interface) == role)
			return (*i)->peer.interface;
	return NULL;
}

static uint16_t port_of(const char *endpoint)
{
	char host[256];
	uint16_t port;

	return endpoint != NULL && endpoint_split(endpoint, host, sizeof(host), &port) == 0 ? port
											    : 0;
}

static uint16_t listens(const struct state *s, const char *interface)
{
	VEC_FOREACH (i, &s->items)
		if ((*i)->kind == ITEM_INTERFACE && strcmp((*i)->interface.name, interface) == 0)
			return (*i)->interface.listen_port;
	return 0;
}

/* Where what is sent to the peer comes out: at the interface it is sent to, or, when only the other
 * side speaks first, the one that speaks to this one; by their kinds when nobody knows an
 * endpoint. */
static const char *other_end(const struct state *s, const char *interface,
	const struct peer_item *peer, const struct state *theirs, const struct public_key *self)
{
	static const int kinds[][2] = {{IFACE_RELAY, IFACE_HUB}, {IFACE_HUB, IFACE_RELAY},
		{IFACE_DIRECT, IFACE_DIRECT}, {IFACE_RELAY, IFACE_DIRECT},
		{IFACE_DIRECT, IFACE_RELAY}, {IFACE_RELAY, IFACE_RELAY}};
	uint16_t to = port_of(peer->endpoint), mine = listens(s, interface);
	const char *in = NULL;

	VEC_FOREACH (i, &theirs->items) {
		const struct peer_item *back = &(*i)->peer;

		if ((*i)->kind != ITEM_PEER || !public_key_equal(&back->public_key, self))
			continue;
		if (to != 0 && listens(theirs, back->interface) == to)
			return back->interface;
		if (mine != 0 && port_of(back->endpoint) == mine)
			return back->interface;
	}
	for (size_t k = 0; in == NULL && k < ARRAY_LEN(kinds); k++)
		if (role_of(s, interface) == kinds[k][0])
			in = interface_with(theirs, kinds[k][1], self);
	return in;
}

static int lan_of(const struct sim *sim, const char *node, struct addr a)
{
	const struct member *m = fleet_member(sim->fleet, node, sim->network->id);

	return m != NULL && prefix_vec_has(&m->local_subnets, a);
}

/* How a packet ends. */
struct end {
	const char *node; /* delivered to this machine or what is behind it; NULL = not */
	const char *device;
};

static struct end at_node(struct sim *sim, const char *node, const char *from_interface,
	const struct packet *p, int hops);

static struct end to_device(struct sim *sim, const char *id, const struct packet *p)
{
	const struct device *d = map_get(&sim->fleet->devices, id);
	struct prefix_vec routes = {0};
	struct end none = {0};
	int takes;

	if (addr_compare(d->ipv4, p->dst) != 0 && addr_compare(d->ipv6, p->dst) != 0)
		return none;
	plan_device_routes(sim->fleet, d, &routes); /* = its peer's AllowedIPs */
	takes = prefix_vec_has(&routes, p->src);
	VEC_DONE(&routes);
	return takes ? (struct end){.device = id} : none;
}

/* Out of a node's interface, to whoever its WireGuard picks, and in at the other end. */
static struct end leave(
	struct sim *sim, const char *node, const char *interface, const struct packet *p, int hops)
{
	const struct state *s = map_get(&sim->plans, node);
	const struct peer_item *peer = peer_for(s, interface, p->dst);
	const struct member *self = fleet_member(sim->fleet, node, sim->network->id);
	const struct member *other;
	const struct state *theirs;
	const char *in;
	const struct peer_item *accepted;

	if (peer == NULL)
		return (struct end){0};
	if (map_get(&sim->fleet->devices, peer->id) != NULL)
		return to_device(sim, peer->id, p);
	other = map_get(&sim->fleet->members, peer->id);
	theirs = map_get(&sim->plans, other->node);
	in = other_end(s, interface, peer, theirs, &self->public_key);
	if (in == NULL)
		return (struct end){0};
	accepted = peer_for(theirs, in, p->src);
	if (accepted == NULL || !public_key_equal(&accepted->public_key, &self->public_key))
		return (struct end){0};
	return at_node(sim, other->node, in, p, hops + 1);
}

/* From a hub back into it, a relay sees only half of some flows: it passes what may be a flow's
 * packet in either direction, and leaves it to the ends to know which. */
static int relay_passes(
	const struct sim *sim, const struct state *s, const struct item *fw, const struct packet *p)
{
	struct packet back = *p;
	int pass;

	back.src = p->dst;
	back.dst = p->src;
	pass = rules_pass(s, sim->network->id, &fw->firewall.forward, p) ||
		rules_pass(s, sim->network->id, &fw->firewall.forward, &back);
	relayed += (unsigned)pass;
	return pass;
}

static int passes(const struct sim *sim, const struct state *s, const struct item *fw,
	const char *from_interface, const struct route_item *route, const struct packet *p)
{
	if (route != NULL && strs_has(&fw->firewall.hubs, from_interface) &&
		strs_has(&fw->firewall.hubs, route->interface))
		return relay_passes(sim, s, fw, p);
	return p->established || rules_pass(s, sim->network->id, &fw->firewall.forward, p);
}

static struct end at_node(struct sim *sim, const char *node, const char *from_interface,
	const struct packet *p, int hops)
{
	const struct state *s = map_get(&sim->plans, node);
	const struct item *fw = firewall_of(s, sim->network->id);
	const struct route_item *route;
	struct end none = {0}, here = {.node = node};

	if (hops > 4 || fw == NULL)
		return none;
	if (is_local(s, p->dst)) {
		if (from_interface != NULL && !p->established &&
			!rules_pass(s, sim->network->id, &fw->firewall.input, p))
			return none;
		return here;
	}
	route = lan_of(sim, node, p->dst) ? NULL : route_to(sim, s, p->dst);
	if (from_interface != NULL &&
		(!forwards(s, p->dst) || !passes(sim, s, fw, from_interface, route, p)))
		return none;
	if (lan_of(sim, node, p->dst))
		return here;
	return route == NULL ? none : leave(sim, node, route->interface, p, hops);
}

static int is_gateway_for(const struct sim *sim, const struct member *m, const struct device *d)
{
	const struct node *n = map_get(&sim->fleet->nodes, m->node);

	return (m->roles & ROLE_GATEWAY) && strcmp(m->group, d->group) == 0 && n->enabled;
}

/* Where a device is: at the gateway it was seen at, if that is up, else its group's first. */
static const struct member *gateway_of(const struct sim *sim, const struct device *d)
{
	const struct fleet_network *fn = fleet_network(sim->fleet, d->network);

	VEC_FOREACH (m, &fn->members)
		if (strcmp((*m)->id, d->at) == 0 && is_gateway_for(sim, *m, d))
			return *m;
	VEC_FOREACH (m, &fn->members)
		if (is_gateway_for(sim, *m, d))
			return *m;
	return NULL;
}

static struct end from_device(struct sim *sim, const struct device *d, const struct packet *p)
{
	const struct fleet_network *fn = fleet_network(sim->fleet, d->network);
	struct prefix_vec routes = {0};
	struct end none = {0};
	int sends;

	plan_device_routes(sim->fleet, d, &routes);
	sends = prefix_vec_has(&routes, p->dst);
	VEC_DONE(&routes);
	if (!sends)
		return none;
	const struct member *at = gateway_of(sim, d);

	VEC_FOREACH (m, &fn->members) {
		const struct state *s = map_get(&sim->plans, (*m)->node);
		const char *in;
		const struct peer_item *accepted;

		if (*m != at)
			continue;
		in = interface_with(s, IFACE_DEVICES, &d->public_key);
		if (in == NULL)
			continue;
		accepted = peer_for(s, in, p->src);
		if (accepted == NULL || !public_key_equal(&accepted->public_key, &d->public_key))
			return none;
		return at_node(sim, (*m)->node, in, p, 1);
	}
	return none;
}

/* A place a packet can start from or be meant for. */
struct place {
	struct addr addr;
	const struct device *device; /* or */
	const struct member *member;
	int behind; /* in a local subnet of the member */
};
VEC_TYPE(place_vec, struct place);

static struct end send_from(struct sim *sim, const struct place *at, const struct packet *p)
{
	if (at->device != NULL)
		return from_device(sim, at->device, p);
	if (!at->behind)
		return at_node(sim, at->member->node, NULL, p, 0);
	return at_node(sim, at->member->node, "lan", p, 1);
}

static int arrived(const struct end *end, const struct place *at)
{
	if (at->device != NULL)
		return end->device != NULL && strcmp(end->device, at->device->id) == 0;
	return end->node != NULL && strcmp(end->node, at->member->node) == 0;
}

static int alive(const struct sim *sim, const struct place *at)
{
	const struct node *n;

	if (at->device != NULL)
		return at->device->enabled && !at->device->over_quota;
	n = map_get(&sim->fleet->nodes, at->member->node);
	return n->enabled;
}

/* Is there any path between the two places at all, whatever policy says? What is asked of the
 * model, not of plans: both ends alive, keys known, a gateway for each device. */
static const struct member *standing_at(const struct sim *sim, const struct place *p)
{
	return p->member != NULL ? p->member : gateway_of(sim, p->device);
}

static int is_relay(const struct sim *sim, const struct member *m)
{
	const struct node *n = map_get(&sim->fleet->nodes, m->node);

	return (m->roles & ROLE_CONTROLLER) && n->enabled && !public_key_is_zero(&m->public_key);
}

static int has_relay(const struct sim *sim)
{
	const struct fleet_network *fn = fleet_network(sim->fleet, sim->network->id);

	VEC_FOREACH (m, &fn->members)
		if (is_relay(sim, *m))
			return 1;
	return 0;
}

static int connected(const struct sim *sim, const struct place *a, const struct place *b)
{
	const struct member *at_a, *at_b;

	if (!alive(sim, a) || !alive(sim, b))
		return 0;
	at_a = standing_at(sim, a);
	at_b = standing_at(sim, b);
	if (at_a == NULL || at_b == NULL)
		return 0;
	if (at_a == at_b)
		return 1;
	if (public_key_is_zero(&at_a->public_key) || public_key_is_zero(&at_b->public_key))
		return 0;
	if (sim->network->topology == TOPOLOGY_HUB && !has_relay(sim) &&
		!((at_a->roles | at_b->roles) & (ROLE_CONTROLLER | ROLE_GATEWAY)))
		return 0;
	return 1;
}

static void add_places(const struct sim *sim, struct place_vec *ret)
{
	const struct fleet_network *fn = fleet_network(sim->fleet, sim->network->id);

	VEC_FOREACH (m, &fn->members) {
		struct place p = {.addr = (*m)->ipv4, .member = *m};

		if (addr_is_set(p.addr))
			VEC_PUSH(ret, p);
		p.addr = (*m)->ipv6;
		VEC_PUSH(ret, p);
		VEC_FOREACH (lan, &(*m)->local_subnets) {
			struct place behind = {
				.addr = addr_add(lan->addr, 9), .member = *m, .behind = 1};

			VEC_PUSH(ret, behind);
		}
	}
	VEC_FOREACH (g, &fn->groups) {
		const struct device_refs *devices =
			fleet_devices(sim->fleet, sim->network->id, (*g)->id);

		if (devices == NULL)
			continue;
		VEC_FOREACH (d, devices) {
			struct place p = {.addr = (*d)->ipv4, .device = *d};

			if (addr_is_set(p.addr))
				VEC_PUSH(ret, p);
			p.addr = (*d)->ipv6;
			VEC_PUSH(ret, p);
		}
	}
}

/* Policy filters on the way in and through (spec 1, Firewall: input and forward): what a machine
 * sends from itself, to what is behind it or to devices on its own interface, is its own business
 * (doc/decisions/0003). */
static int is_overlay_flow(const struct place *from, const struct place *to)
{
	if (from->addr.family != to->addr.family)
		return 0;
	if (from->member != NULL && !from->behind && to->device != NULL &&
		strcmp(from->member->group, to->device->group) == 0)
		return 0;
	if (from->member != NULL && to->member != NULL &&
		strcmp(from->member->node, to->member->node) == 0)
		return 0;
	return from->device == NULL || from->device != to->device;
}

static void check_pair(struct sim *sim, const struct place *from, const struct place *to,
	const char *protocol, uint16_t port)
{
	struct packet p = {from->addr, to->addr, protocol, port, 0};
	struct packet reply = {to->addr, from->addr, protocol, port, 1};
	int allowed =
		plan_policy_allows(sim->fleet, sim->network->id, p.src, p.dst, protocol, port);
	int expected = allowed && connected(sim, from, to);
	struct end end = send_from(sim, from, &p);
	int got = arrived(&end, to);
	char a[ADDR_TEXT_LEN], b[ADDR_TEXT_LEN];

	if (got) {
		end = send_from(sim, to, &reply);
		got = arrived(&end, from);
	}
	if (got && !connected(sim, from, to))
		expected = allowed; /* more than promised is fine where policy allows it */
	if (got != expected)
		fail_msg(
			"world %u, paths %d, network %s: %s -> %s %s/%u: policy says %d, packets say %d",
			(unsigned)seed, sim->paths, sim->network->name, addr_format(p.src, a),
			addr_format(p.dst, b), protocol, port, expected, got);
	passed += (unsigned)got;
	dropped += (unsigned)!got;
}

static void check_network(const struct fleet *f, const struct network *n, unsigned paths)
{
	static const struct {
		const char *protocol;
		uint16_t port;
	} kinds[] = {{"icmp", 0}, {"tcp", 443}, {"tcp", 22}, {"udp", 450}};
	struct sim sim = {.fleet = f, .network = n, .paths = paths, .seed = paths};
	struct place_vec places = {0};

	MAP_FOREACH (slot, &f->nodes) {
		struct state *s = NEW(struct state);

		assert_int_equal(plan_node(f, slot->key, &world_keys, s, NULL), 0);
		map_set(&sim.plans, slot->key, s);
	}
	add_places(&sim, &places);
	VEC_FOREACH (from, &places)
		VEC_FOREACH (to, &places)
			if (is_overlay_flow(from, to))
				for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
					check_pair(
						&sim, from, to, kinds[k].protocol, kinds[k].port);
	VEC_DONE(&places);
	MAP_FOREACH (slot, &sim.plans) {
		state_done(slot->value);
		mem_free(slot->value);
	}
	map_done(&sim.plans, NULL);
}

static void reachability_equals_policy(void **state)
{
	uint64_t worlds = getenv(LONG_FORM) != NULL ? 4000 : 300;

	for (seed = 20000; seed < 20000 + worlds; seed++) {
		struct world w;

		world_make(&w, seed);
		MAP_FOREACH (slot, &w.fleet->networks)
			for (unsigned paths = ALL_ALIVE; paths <= SOME_ALIVE; paths++)
				check_network(w.fleet, slot->value, paths);
		world_done(&w);
	}
	print_message("# %u flows passed, %u were dropped, %u packets were relayed\n", passed,
		dropped, relayed);
	assert_true(passed > 2000 && dropped > 2000 && relayed > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reachability_equals_policy)};

	return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
