/* DOC: see view.h. */
#include "plan/view.h"

#include "crypto/hash.h"
#include "crypto/key.h"
#include "model/validate.h"
#include "plan/exit.h"
#include "plan/hint.h"
#include "plan/link.h"

/* --- making one ------------------------------------------------------------------------------- */

/* The member the mesh finds a group's devices behind: its first usable gateway. */
static void mark_home(struct view *v, const struct group *g)
{
	for (size_t i = 0; i < v->n_members; i++)
		if (v->members[i].group == g && v->members[i].usable) {
			v->members[i].home = true;
			return;
		}
}

static void make_label(struct view_member *vm)
{
	if (vm->node == NULL || vm->node->name == NULL)
		return;
	label_from_name(vm->node->name, vm->label);
	if (label_is_reserved(vm->label))
		vm->label[0] = '\0';
}

/* A controller others can speak to first. */
static bool can_relay(const struct view_member *vm)
{
	const struct member *m = vm->member;

	return vm->keyed && (m->roles & ROLE_CONTROLLER) &&
		(m->endpoint != NULL || m->observed_endpoint != NULL);
}

/* The names of interfaces stay when controllers come and go, so they are made of ids, not places:
 * two characters, moved on until they are free. */
static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

static void name_relay(const struct view *v, struct view_relay *r)
{
	const char *id = v->members[r->member].member->id;
	uint8_t h[HASH_LEN];
	unsigned n;
	bool taken = true;

	hash_sha256(id, strlen(id), h);
	for (n = (unsigned)h[0] << 8 | h[1]; taken; n++) {
		const char suffix[] = {'-', 'r', digits[n >> 5 & 31], digits[n & 31], '\0'};

		ifname_make(v->fn->network->name, suffix, r->ifname);
		taken = false;
		for (const struct view_relay *o = v->relays; o < r; o++)
			taken |= strcmp(o->ifname, r->ifname) == 0;
	}
}

static void add_beyond(struct view *v)
{
	for (size_t i = 0; i < v->n_members; i++)
		if (v->members[i].usable)
			VEC_FOREACH (p, &v->members[i].member->local_subnets)
				VEC_PUSH(&v->beyond, *p);
}

static void find_relays(struct view *v)
{
	for (size_t i = 0; i < v->n_members && v->n_relays < VIEW_RELAYS_MAX; i++) {
		struct view_relay *r = &v->relays[v->n_relays];

		if (!can_relay(&v->members[i]))
			continue;
		v->members[i].relay = true;
		r->member = i;
		name_relay(v, r);
		v->n_relays++;
	}
	if (v->n_relays > 0)
		add_beyond(v);
}

static bool same_region(const struct member *a, const struct member *b)
{
	return a->region != NULL && b->region != NULL && a->region[0] != '\0' &&
		strcmp(a->region, b->region) == 0;
}

size_t view_relays_for(const struct view *v, size_t member, size_t ret[static VIEW_RELAYS_MAX])
{
	const struct member *m = v->members[member].member;
	size_t n = 0;

	for (int near = 1; near >= 0; near--)
		for (size_t k = 0; k < v->n_relays; k++)
			if (same_region(m, v->members[v->relays[k].member].member) == (near == 1))
				ret[n++] = k;
	return n;
}

static const char *region_of(const struct view *v, const struct view_relay *r)
{
	const char *region = v->members[r->member].member->region;

	return region == NULL ? "" : region;
}

/* --- gateways that share devices -------------------------------------------------------------- */

static bool slot_taken(const struct view *v, size_t before, uint8_t slot)
{
	for (size_t i = 0; i < before; i++)
		if (v->members[i].shares && v->members[i].slot == slot)
			return true;
	return false;
}

/* Numbered and named like relays, by their ids. */
static void mark_shared(struct view *v, size_t i)
{
	struct view_member *vm = &v->members[i];
	uint8_t h[HASH_LEN], slot;

	hash_sha256(vm->member->id, strlen(vm->member->id), h);
	for (slot = h[0]; slot_taken(v, i, slot); slot++)
		;
	vm->shares = true;
	vm->slot = slot;
	ifname_make(v->fn->network->name,
		(const char[]){'-', 'g', digits[slot >> 5], digits[slot & 31], '\0'}, vm->way);
}

/* Also where the others are not there just now: nothing is built anew when they come back. */
static void find_shared(struct view *v)
{
	size_t found = 0;

	for (size_t i = 0; i < v->n_members && found < VIEW_SHARED_MAX; i++) {
		if (v->members[i].group != NULL && fleet_shares(v->fn, v->members[i].member)) {
			mark_shared(v, i);
			found++;
		}
	}
}

static const char *next_way(const struct view *v, size_t *i)
{
	while (*i < v->n_members && !v->members[*i].shares)
		++*i;
	return *i < v->n_members ? v->members[(*i)++].way : NULL;
}

bool view_ways_equal(const struct view *a, const struct view *b)
{
	size_t i = 0, k = 0;
	const char *x, *y;

	do {
		x = next_way(a, &i);
		y = next_way(b, &k);
		if ((x == NULL) != (y == NULL) ||
			(x != NULL &&
				(strcmp(x, y) != 0 ||
					strcmp(a->members[i - 1].member->id,
						b->members[k - 1].member->id) != 0)))
			return false;
	} while (x != NULL);
	return true;
}

bool view_relays_equal(const struct view *a, const struct view *b)
{
	if (a->n_relays != b->n_relays)
		return false;
	for (size_t i = 0; i < a->n_relays; i++)
		if (strcmp(a->relays[i].ifname, b->relays[i].ifname) != 0 ||
			strcmp(a->members[a->relays[i].member].member->id,
				b->members[b->relays[i].member].member->id) != 0 ||
			strcmp(region_of(a, &a->relays[i]), region_of(b, &b->relays[i])) != 0)
			return false;
	return true;
}

static bool is_outside(const struct view *v, const struct prefix_vec *prefixes)
{
	VEC_FOREACH (p, prefixes)
		if (!prefix_vec_covers(&v->pools, *p))
			return true;
	return false;
}

/* In a hub links have a gateway or a controller at one end, and the others only hear of what lies
 * outside the pools, for that takes routes of its own. */
static bool is_central(const struct view *v, const struct member *m)
{
	struct prefix_vec own = {0};
	bool outside;

	if ((m->roles & (ROLE_CONTROLLER | ROLE_GATEWAY)) || m->local_subnets.n > 0)
		return true;
	if (addr_is_set(m->ipv4))
		VEC_PUSH(&own, prefix_host(m->ipv4));
	if (addr_is_set(m->ipv6))
		VEC_PUSH(&own, prefix_host(m->ipv6));
	outside = is_outside(v, &own);
	VEC_DONE(&own);
	return outside;
}

static void add_member(struct view *v, size_t i)
{
	struct view_member *vm = &v->members[i];
	const struct member *m = v->fn->members.v[i];

	vm->member = m;
	vm->node = map_get(&v->fleet->nodes, m->node);
	vm->group = link_group(v->fn, m);
	vm->usable = vm->node != NULL && vm->node->enabled;
	vm->keyed = vm->usable && !public_key_is_zero(&m->public_key);
	vm->central = is_central(v, m);
	VEC_PUSH(&v->all, i);
	if (vm->central)
		VEC_PUSH(&v->central, i);
	vm->direct = v->direct[(m->roles & ROLE_GATEWAY) != 0];
	make_label(vm);
}

struct view *view_new(const struct fleet *f, const struct fleet_network *fn)
{
	struct view *v = NEW(struct view);

	v->fleet = f;
	v->fn = fn;
	v->hub = fn->network->topology == TOPOLOGY_HUB;
	v->n_members = fn->members.n;
	v->members = mem_zalloc((v->n_members + 1) * sizeof(*v->members));
	policy_pools(fn->network, &v->pools);
	network_ifname(fn->network, "", v->direct[0]);
	network_ifname(fn->network, "-m", v->direct[1]);
	for (size_t i = 0; i < v->n_members; i++)
		add_member(v, i);
	VEC_FOREACH (g, &fn->groups)
		mark_home(v, *g);
	find_shared(v);
	find_relays(v);
	reach_init(&v->reach, fn);
	return v;
}

struct view *view_free(struct view *v)
{
	if (v == NULL)
		return NULL;
	for (size_t i = 0; i < v->n_members; i++) {
		mem_free(v->members[i].endpoint);
		VEC_DONE(&v->members[i].own);
		VEC_DONE(&v->members[i].devices);
		VEC_DONE(&v->members[i].behind);
	}
	mem_free(v->members);
	VEC_DONE(&v->all);
	VEC_DONE(&v->central);
	VEC_DONE(&v->pools);
	VEC_DONE(&v->beyond);
	mem_free(v->exits);
	reach_done(&v->reach);
	policy_rules_done(&v->rules);
	return mem_free(v);
}

static void free_slot(void *v)
{
	view_free(v);
}

struct view *views_get(struct views *vs, const char *network)
{
	struct view *v = map_get(&vs->by_network, network);
	const struct fleet_network *fn;

	if (v != NULL)
		return v;
	fn = fleet_network(vs->fleet, network);
	if (fn == NULL)
		return NULL;
	v = view_new(vs->fleet, fn);
	map_set(&vs->by_network, network, v);
	return v;
}

void views_done(struct views *vs)
{
	map_done(&vs->by_network, free_slot);
	*vs = (struct views){0};
}

size_t view_index(const struct view *v, const char *member)
{
	size_t lo = 0, hi = v->n_members;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(v->members[mid].member->id, member);

		if (c == 0)
			return mid;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return VIEW_NONE;
}

const struct policy_rule_vec *view_rules(struct view *v)
{
	if (!v->compiled) {
		policy_rules(v->fn, &v->rules);
		v->compiled = true;
	}
	return &v->rules;
}

const struct exits *view_exits(struct view *v)
{
	if (v->exits == NULL) {
		v->exits = NEW(struct exits);
		for (size_t i = 0; i < v->n_members; i++)
			exits_add(v->exits, v->members[i].member, v->members[i].usable);
	}
	return v->exits;
}

/* --- who is linked with whom ------------------------------------------------------------------ */

int view_related(const struct view *v, size_t viewer, size_t i)
{
	const struct view_member *a = &v->members[viewer], *b = &v->members[i];

	/* a relay's traffic is that of others, and gateways that share devices pass on theirs */
	bool joined = a->relay || b->relay || (a->shares && b->shares && a->group == b->group);

	/* a member whose key is not known yet cannot be anybody's peer, so it has none either */
	return viewer != i && a->keyed && b->keyed && a->node != b->node &&
		(joined || reach_linked(&v->reach, viewer, i));
}

bool view_joined(const struct view *v, size_t a, size_t b)
{
	const unsigned centre = ROLE_CONTROLLER | ROLE_GATEWAY;

	return !v->hub || ((v->members[a].member->roles | v->members[b].member->roles) & centre);
}

int view_linked(const struct view *v, size_t viewer, size_t i)
{
	return view_related(v, viewer, i) && view_joined(v, viewer, i);
}

int view_relayed(const struct view *v, size_t a, size_t b)
{
	return v->members[a].relay != v->members[b].relay && view_related(v, a, b);
}

struct view_places view_neighbours(const struct view *v, size_t viewer)
{
	return v->hub && !v->members[viewer].central ? v->central : v->all;
}

int view_has_links(const struct view *v, size_t viewer)
{
	struct view_places near = view_neighbours(v, viewer);

	VEC_FOREACH (i, &near)
		if (view_linked(v, viewer, *i))
			return 1;
	return 0;
}

/* --- what a member looks like ----------------------------------------------------------------- */

void view_ports(const struct view *v, size_t i, struct member_ports *ret)
{
	member_ports(v->fn->network, v->members[i].member, v->members[i].group, ret);
}

/* "host:port" of a member's direct interface, or NULL. A gateway's configured port is that of its
 * devices interface, so only its host counts here. What was observed has the port it was seen at.
 */
static char *direct_endpoint(const struct view *v, size_t i)
{
	const struct member *m = v->members[i].member;
	const char *text = m->endpoint ? m->endpoint : m->observed_endpoint;
	CLEANUP(buf_done) struct buf b = {0};
	struct member_ports ports;
	char host[256];
	uint16_t port;

	if (text == NULL || endpoint_split(text, host, sizeof(host), &port) < 0)
		return NULL;
	view_ports(v, i, &ports);
	if ((m->roles & ROLE_GATEWAY) && m->endpoint != NULL)
		port = ports.direct;
	endpoint_join(host, port, &b);
	return buf_take(&b);
}

static void add_device_hosts(const struct view *v, const char *group, struct prefix_vec *ret)
{
	const struct device_refs *devices = fleet_devices(v->fleet, v->fn->network->id, group);

	VEC_FOREACH (d, devices) {
		if (!link_admits(*d))
			continue;
		if (addr_is_set((*d)->ipv4))
			VEC_PUSH(ret, prefix_host((*d)->ipv4));
		if (addr_is_set((*d)->ipv6))
			VEC_PUSH(ret, prefix_host((*d)->ipv6));
	}
}

/* Where m is a group's home, the group's devices are behind it: as the pool's aggregate when there
 * is only one group. */
static void find_prefixes(const struct view *v, struct view_member *vm)
{
	const struct member *m = vm->member;

	if (addr_is_set(m->ipv4))
		VEC_PUSH(&vm->own, prefix_host(m->ipv4));
	if (addr_is_set(m->ipv6))
		VEC_PUSH(&vm->own, prefix_host(m->ipv6));
	VEC_FOREACH (p, &m->local_subnets)
		VEC_PUSH(&vm->own, *p);
	if (vm->home && v->fn->groups.n == 1)
		policy_device_range(v->fn->network, &vm->devices);
	else if (vm->home)
		add_device_hosts(v, vm->group->id, &vm->devices);
	prefix_vec_copy(&vm->behind, &vm->own);
	VEC_FOREACH (p, &vm->devices)
		VEC_PUSH(&vm->behind, *p);
	prefix_vec_aggregate(&vm->own);
	prefix_vec_aggregate(&vm->devices);
	prefix_vec_aggregate(&vm->behind);
}

const struct view_member *view_see(struct view *v, size_t i)
{
	struct view_member *vm = &v->members[i];

	if (!vm->seen) {
		vm->endpoint = direct_endpoint(v, i);
		vm->generation = hint_generation(vm->endpoint, NULL);
		find_prefixes(v, vm);
		vm->outside = is_outside(v, &vm->behind);
		vm->seen = true;
	}
	return vm;
}

const struct prefix_vec *view_prefixes(struct view *v, size_t viewer, size_t i)
{
	const struct view_member *vm = view_see(v, i);
	const char *group = v->members[viewer].member->group;

	return vm->home && strcmp(group, vm->group->id) == 0 ? &vm->own : &vm->behind;
}
