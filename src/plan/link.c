/* DOC: interfaces, peers and routes of one member; see link.h. */
#include "plan/link.h"

#include "crypto/key.h"
#include "plan/domain.h"
#include "model/validate.h"
#include "plan/policy.h"

#include <stdio.h>

const struct group *link_group(const struct fleet_network *fn, const struct member *m)
{
	if (!(m->roles & ROLE_GATEWAY) || m->group[0] == '\0')
		return NULL;
	VEC_FOREACH (g, &fn->groups)
		if (strcmp((*g)->id, m->group) == 0)
			return *g;
	return NULL;
}

int link_usable(const struct fleet *f, const struct member *m)
{
	const struct node *n = map_get(&f->nodes, m->node);

	return n != NULL && n->enabled;
}

void link_devices_name(const struct network *n, char ret[static IFNAME_LEN])
{
	network_ifname(n, "", ret);
}

void link_direct_name(const struct network *n, const struct member *m, char ret[static IFNAME_LEN])
{
	network_ifname(n, (m->roles & ROLE_GATEWAY) ? "-m" : "", ret);
}

static void push_interface(const struct network *n, const char *name, int role,
	const struct public_key *key, const char *sealed_key, uint16_t port, struct item_vec *ret)
{
	struct item *i = item_new(ITEM_INTERFACE, n->id);

	snprintf(i->interface.name, IFNAME_LEN, "%s", name);
	i->interface.role = role;
	i->interface.public_key = *key;
	i->interface.sealed_key = mem_strdup(sealed_key);
	i->interface.listen_port = port;
	i->interface.mtu = n->mtu;
	VEC_PUSH(ret, i);
}

static void push_address(
	const struct network *n, const char *name, struct addr a, struct item_vec *ret)
{
	struct item *i;

	if (!addr_is_set(a))
		return;
	i = item_new(ITEM_ADDRESS, n->id);
	snprintf(i->address.interface, IFNAME_LEN, "%s", name);
	i->address.addr = a;
	i->address.len = addr_width(a);
	VEC_PUSH(ret, i);
}

void link_addresses(const struct network *n, const struct member *m, const char *interface,
	struct item_vec *ret)
{
	push_address(n, interface, m->ipv4, ret);
	push_address(n, interface, m->ipv6, ret);
}

static void push_route(
	const struct network *n, const char *name, struct prefix dst, struct item_vec *ret)
{
	struct item *i = item_new(ITEM_ROUTE, n->id);

	snprintf(i->route.interface, IFNAME_LEN, "%s", name);
	i->route.dst = dst;
	VEC_PUSH(ret, i);
}

/* Loose reverse path filtering: paths of the two directions may differ (spec 0). */
static void push_rp_filter(const struct network *n, const char *name, struct item_vec *ret)
{
	struct item *i = item_new(ITEM_SYSCTL, n->id);

	i->sysctl.name = mem_printf("net.ipv4.conf.%s.rp_filter", name);
	i->sysctl.value = mem_strdup("2");
	VEC_PUSH(ret, i);
}

void link_set_psk(const struct fleet_network *fn, const struct public_key *a,
	const struct public_key *b, struct secret *ret)
{
	if (fn->network->psk && !secret_is_zero(&fn->psk_root))
		key_derive_psk(&fn->psk_root, a, b, fn->network->psk_epoch, ret);
}

const struct public_key *link_own_key(const struct member *m)
{
	return m->switching ? &m->next_public_key : &m->public_key;
}

/* The waiting peer's PSK need only differ from the real one. */
void link_push_next(const struct fleet_network *fn, const struct member *m,
	const struct member *other, struct peer_item *p, struct item_vec *ret)
{
	struct item *it;

	p->next_public_key = other->next_public_key;
	link_set_psk(fn, link_own_key(m), &other->next_public_key, &p->next_psk);
	it = item_new(ITEM_PEER, fn->network->id);
	memcpy(it->peer.interface, p->interface, IFNAME_LEN);
	peer_next_id(other->id, it->peer.id);
	it->peer.public_key = other->next_public_key;
	memcpy(it->peer.psk.bytes, other->next_public_key.bytes, KEY_LEN);
	VEC_PUSH(ret, it);
}

void link_peer(struct view *v, size_t viewer, size_t i, struct item_vec *ret)
{
	const struct fleet_network *fn = v->fn;
	const struct view_member *seen;
	const struct member *m = v->members[viewer].member, *other = v->members[i].member;
	struct peer_item *p;
	struct item *it;

	if (!view_linked(v, viewer, i))
		return;
	seen = view_see(v, i);
	it = item_new(ITEM_PEER, fn->network->id);
	p = &it->peer;
	link_direct_name(fn->network, m, p->interface);
	id_copy(p->id, other->id);
	p->public_key = other->public_key;
	p->mesh_ip = other->ipv4;
	p->mesh_ip6 = other->ipv6;
	p->endpoint = mem_strdup(seen->endpoint);
	p->generation = seen->generation;
	if (m->endpoint == NULL || other->endpoint == NULL)
		p->keepalive = fn->network->keepalive;
	link_set_psk(fn, link_own_key(m), &other->public_key, &p->psk);
	if (!public_key_is_zero(&other->next_public_key))
		link_push_next(fn, m, other, p, ret);
	prefix_vec_copy(&p->allowed_ips, view_prefixes(v, viewer, i));
	VEC_FOREACH (prefix, &p->allowed_ips)
		push_route(fn->network, p->interface, *prefix, ret);
	VEC_PUSH(ret, it);
	domain_name(v, i, ret);
}

int link_is_direct(const struct view *v, size_t i)
{
	return !(v->members[i].member->roles & ROLE_GATEWAY) || view_has_links(v, i);
}

void link_direct(const struct view *v, size_t i, struct item_vec *ret)
{
	const struct network *n = v->fn->network;
	const struct member *m = v->members[i].member;
	char name[IFNAME_LEN];

	link_direct_name(n, m, name);
	push_interface(n, name, IFACE_DIRECT, link_own_key(m), NULL, view_port(v, i), ret);
	link_addresses(n, m, name, ret);
	push_rp_filter(n, name, ret);
}

static int place_in(const struct prefix_vec *sorted, struct prefix p, size_t *ret)
{
	size_t lo = 0, hi = sorted->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (prefix_compare(sorted->v[mid], p) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret = lo;
	return lo < sorted->n && prefix_compare(sorted->v[lo], p) == 0;
}

/* The pool, without prefixes that a peer's route on the direct interface has already: a single
 * device of another group may own a whole prefix of it. */
static void routed_pool(struct view *v, size_t viewer, struct prefix_vec *ret)
{
	size_t at;

	policy_device_range(v->fn->network, ret);
	prefix_vec_aggregate(ret);
	for (size_t i = 0; i < v->n_members; i++)
		if (view_linked(v, viewer, i))
			VEC_FOREACH (p, view_prefixes(v, viewer, i))
				if (place_in(ret, *p, &at))
					VEC_REMOVE(ret, at);
}

void link_devices(struct view *v, size_t i, const char *sealed_key, struct item_vec *ret)
{
	const struct network *n = v->fn->network;
	const struct member *m = v->members[i].member;
	const struct group *g = v->members[i].group;
	struct prefix_vec pool = {0};
	char name[IFNAME_LEN];

	link_devices_name(n, name);
	push_interface(n, name, IFACE_DEVICES, &g->public_key, sealed_key, g->listen_port, ret);
	link_addresses(n, m, name, ret);
	push_address(n, name, n->gateway_addr, ret);
	if (addr_is_set(n->gateway_addr) && addr_is_set(n->ipv6.addr))
		push_address(n, name, policy_twin_addr(n, n->gateway_addr), ret);
	push_rp_filter(n, name, ret);
	routed_pool(v, i, &pool);
	VEC_FOREACH (p, &pool)
		push_route(n, name, *p, ret);
	VEC_DONE(&pool);
}

void link_device_psk(const struct fleet_network *fn, const struct group *g, const struct device *d,
	struct secret *ret)
{
	const struct secret *imported = d->imported_psk ? map_get(&fn->psks, d->id) : NULL;

	if (imported != NULL)
		*ret = *imported;
	else if (!d->imported_psk)
		link_set_psk(fn, &d->public_key, &g->public_key, ret);
}

void link_device_limit(const struct fleet_network *fn, const struct device *d, struct item_vec *ret)
{
	struct item *i;

	if (d->rate_limit == 0)
		return;
	i = item_new(ITEM_LIMIT, fn->network->id);
	id_copy(i->limit.device, d->id);
	i->limit.addr = d->ipv4;
	i->limit.addr6 = d->ipv6;
	i->limit.rate = d->rate_limit;
	VEC_PUSH(ret, i);
}

void link_device_peer(const struct fleet_network *fn, const struct group *g, const struct device *d,
	struct item_vec *ret)
{
	struct item *i = item_new(ITEM_PEER, fn->network->id);
	struct peer_item *p = &i->peer;

	link_devices_name(fn->network, p->interface);
	id_copy(p->id, d->id);
	p->public_key = d->public_key;
	p->mesh_ip = d->ipv4;
	p->mesh_ip6 = d->ipv6;
	p->not_after = d->expires_at;
	if (addr_is_set(d->ipv4))
		VEC_PUSH(&p->allowed_ips, prefix_host(d->ipv4));
	if (addr_is_set(d->ipv6))
		VEC_PUSH(&p->allowed_ips, prefix_host(d->ipv6));
	link_device_psk(fn, g, d, &p->psk);
	/* the pool's routes hold twins; an imported IPv6 address may be any */
	if (policy_odd_ipv6(d))
		push_route(fn->network, p->interface, prefix_host(d->ipv6), ret);
	VEC_PUSH(ret, i);
}
