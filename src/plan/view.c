/* DOC: see view.h. */
#include "plan/view.h"

#include "crypto/hash.h"
#include "crypto/key.h"
#include "plan/exit.h"
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

static void make_label(const struct fleet *f, struct view_member *vm)
{
	const struct node *n = map_get(&f->nodes, vm->member->node);

	if (n == NULL || n->name == NULL)
		return;
	label_from_name(n->name, vm->label);
	if (label_is_reserved(vm->label))
		vm->label[0] = '\0';
}

struct view *view_new(const struct fleet *f, const struct fleet_network *fn)
{
	struct view *v = NEW(struct view);

	v->fleet = f;
	v->fn = fn;
	v->hub = fn->network->topology == TOPOLOGY_HUB;
	v->n_members = fn->members.n;
	v->members = mem_zalloc((v->n_members + 1) * sizeof(*v->members));
	for (size_t i = 0; i < v->n_members; i++) {
		struct view_member *vm = &v->members[i];

		vm->member = fn->members.v[i];
		vm->group = link_group(fn, vm->member);
		vm->usable = link_usable(f, vm->member);
		make_label(f, vm);
	}
	VEC_FOREACH (g, &fn->groups)
		mark_home(v, *g);
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
		VEC_DONE(&v->members[i].behind);
	}
	mem_free(v->members);
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

int view_linked(const struct view *v, size_t viewer, size_t i)
{
	const unsigned centre = ROLE_CONTROLLER | ROLE_GATEWAY;
	const struct member *m = v->members[viewer].member, *other = v->members[i].member;

	if (viewer == i || !v->members[viewer].usable || !v->members[i].usable ||
		!reach_linked(&v->reach, viewer, i))
		return 0;
	if (v->hub && !((m->roles | other->roles) & centre))
		return 0;
	/* a member whose key is not known yet cannot be anybody's peer, so it has none either */
	return !public_key_is_zero(&m->public_key) && !public_key_is_zero(&other->public_key) &&
		strcmp(m->node, other->node) != 0;
}

int view_has_links(const struct view *v, size_t viewer)
{
	for (size_t i = 0; i < v->n_members; i++)
		if (view_linked(v, viewer, i))
			return 1;
	return 0;
}

/* --- what a member looks like ----------------------------------------------------------------- */

/* On a gateway the group's port belongs to devices; the direct interface moves aside. */
uint16_t view_port(const struct view *v, size_t i)
{
	const struct view_member *vm = &v->members[i];
	uint16_t port =
		vm->member->listen_port ? vm->member->listen_port : v->fn->network->listen_port;

	if (vm->group != NULL && vm->group->listen_port == port)
		return (uint16_t)(port == UINT16_MAX ? port - 1 : port + 1);
	return port;
}

/* "host:port" of a member's direct interface, or NULL. A gateway's configured port is that of its
 * devices interface, so only its host counts here. */
static char *direct_endpoint(const struct view *v, size_t i)
{
	const struct member *m = v->members[i].member;
	const char *text = m->endpoint ? m->endpoint : m->observed_endpoint;
	CLEANUP(buf_done) struct buf b = {0};
	char host[256];
	uint16_t port;

	if (text == NULL || endpoint_split(text, host, sizeof(host), &port) < 0)
		return NULL;
	if ((m->roles & ROLE_GATEWAY) || m->endpoint == NULL)
		port = view_port(v, i);
	endpoint_join(host, port, &b);
	return buf_take(&b);
}

uint32_t view_endpoint_generation(const char *endpoint)
{
	uint8_t h[HASH_LEN];

	if (endpoint == NULL)
		return 0;
	hash_sha256(endpoint, strlen(endpoint), h);
	return (uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3];
}

static void add_device_hosts(const struct view *v, const char *group, struct prefix_vec *ret)
{
	const struct device_refs *devices = fleet_devices(v->fleet, v->fn->network->id, group);

	VEC_FOREACH (d, devices) {
		if (!(*d)->enabled)
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
	prefix_vec_copy(&vm->behind, &vm->own);
	if (vm->home && v->fn->groups.n == 1)
		policy_device_range(v->fn->network, &vm->behind);
	else if (vm->home)
		add_device_hosts(v, vm->group->id, &vm->behind);
	prefix_vec_aggregate(&vm->own);
	prefix_vec_aggregate(&vm->behind);
}

const struct view_member *view_see(struct view *v, size_t i)
{
	struct view_member *vm = &v->members[i];

	if (!vm->seen) {
		vm->endpoint = direct_endpoint(v, i);
		vm->generation = view_endpoint_generation(vm->endpoint);
		find_prefixes(v, vm);
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
