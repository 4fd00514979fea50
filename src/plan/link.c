/* DOC: interfaces, peers and routes of one member; see link.h. */
#include "plan/link.h"

#include "crypto/key.h"
#include "plan/domain.h"
#include "plan/hint.h"
#include "model/validate.h"
#include "plan/policy.h"
#include "plan/relay.h"
#include "plan/way.h"

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

void link_push_interface(const struct network *n, const char *name, int role,
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

void link_push_address(
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
	link_push_address(n, interface, m->ipv4, ret);
	link_push_address(n, interface, m->ipv6, ret);
}

void link_push_route(const struct network *n, const char *name, struct prefix dst, uint32_t metric,
	const char *peer, struct item_vec *ret)
{
	struct item *i = item_new(ITEM_ROUTE, n->id);

	snprintf(i->route.interface, IFNAME_LEN, "%s", name);
	i->route.dst = dst;
	i->route.metric = metric;
	id_copy(i->route.peer, peer);
	VEC_PUSH(ret, i);
}

/* Loose reverse path filtering: paths of the two directions may differ (spec 0). */
void link_push_rp_filter(const struct network *n, const char *name, struct item_vec *ret)
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

struct item *link_peer_item(
	const struct view *v, size_t viewer, size_t i, const char *ifname, struct item_vec *ret)
{
	const struct member *m = v->members[viewer].member, *other = v->members[i].member;
	struct item *it = item_new(ITEM_PEER, v->fn->network->id);
	struct peer_item *p = &it->peer;

	snprintf(p->interface, IFNAME_LEN, "%s", ifname);
	id_copy(p->id, other->id);
	p->public_key = other->public_key;
	p->mesh_ip = other->ipv4;
	p->mesh_ip6 = other->ipv6;
	link_set_psk(v->fn, link_own_key(m), &other->public_key, &p->psk);
	if (!public_key_is_zero(&other->next_public_key))
		link_push_next(v->fn, m, other, p, ret);
	return it;
}

/* Where there is a way round, the direct path is watched, and what is to be watched must speak. */
static uint16_t keepalive(const struct view *v, size_t viewer, size_t i, bool watched)
{
	const struct member *m = v->members[viewer].member, *other = v->members[i].member;
	uint16_t wanted = v->fn->network->keepalive;

	if (watched)
		return wanted != 0 ? wanted : LINK_KEEPALIVE;
	return m->endpoint == NULL || other->endpoint == NULL ? wanted : 0;
}

void link_hint(struct view *v, size_t viewer, size_t i, struct peer_item *p)
{
	const struct view_member *seen = view_see(v, i);
	const char *near = hint_near(v->members[viewer].member, seen->member);

	p->endpoint = mem_strdup(seen->endpoint);
	p->near_endpoint = mem_strdup(near);
	p->generation = near == NULL ? seen->generation : hint_generation(seen->endpoint, near);
}

static void push_direct(struct view *v, size_t viewer, size_t i, struct item_vec *ret)
{
	const struct fleet_network *fn = v->fn;
	bool watched = v->n_relays > 0 && !(v->members[viewer].relay && v->members[i].relay);
	/* what a relay sends goes where its hub leads, for it sends it for others, too */
	bool routed = !v->members[viewer].relay || !view_relayed(v, viewer, i);
	const char *name = v->members[viewer].direct;
	struct item *it = link_peer_item(v, viewer, i, name, ret);
	struct peer_item *p = &it->peer;

	if (v->members[viewer].shares)
		hint_put(
			v->members[viewer].member, v->members[i].member, way_port(v, i, viewer), p);
	else
		link_hint(v, viewer, i, p);
	p->keepalive = keepalive(v, viewer, i, watched);
	prefix_vec_copy(&p->allowed_ips, view_prefixes(v, viewer, i));
	if (routed && view_wants(v, ITEM_ROUTE))
		VEC_FOREACH (prefix, &p->allowed_ips)
			link_push_route(fn->network, name, *prefix, 0, watched ? p->id : "", ret);
	VEC_PUSH(ret, it);
	domain_name(v, i, ret);
}

void link_peer(struct view *v, size_t viewer, size_t i, struct item_vec *ret)
{
	bool by_relay;

	if (!view_related(v, viewer, i))
		return;
	by_relay = way_by_relay(v, viewer, i);
	if (view_joined(v, viewer, i) && v->members[i].shares &&
		(!by_relay || v->members[viewer].relay))
		way_link(v, viewer, i, ret);
	else if (view_joined(v, viewer, i) && !by_relay)
		push_direct(v, viewer, i, ret);
	if (v->n_relays > 0)
		relay_link(v, viewer, i, ret);
}

void link_peers(struct view *v, size_t viewer, struct item_vec *ret)
{
	struct view_places near = view_neighbours(v, viewer);

	VEC_FOREACH (i, &near)
		link_peer(v, viewer, *i, ret);
}

/* The interface is also how a machine is asked for its key: one without a key has it, linked or
 * not. */
int link_is_direct(const struct view *v, size_t i)
{
	const struct view_member *vm = &v->members[i];

	return !(vm->member->roles & ROLE_GATEWAY) || (vm->usable && !vm->keyed) ||
		view_has_links(v, i);
}

void link_direct(const struct view *v, size_t i, struct item_vec *ret)
{
	const struct network *n = v->fn->network;
	const struct member *m = v->members[i].member;
	const char *name = v->members[i].direct;
	struct member_ports ports;

	view_ports(v, i, &ports);
	link_push_interface(n, name, IFACE_DIRECT, link_own_key(m), NULL, ports.direct, ret);
	link_addresses(n, m, name, ret);
	link_push_rp_filter(n, name, ret);
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
	struct addr shared[2];
	size_t n_shared = policy_gateway_addrs(n, shared);
	char name[IFNAME_LEN];

	link_devices_name(n, name);
	link_push_interface(
		n, name, IFACE_DEVICES, &g->public_key, sealed_key, g->listen_port, ret);
	link_addresses(n, m, name, ret);
	for (size_t k = 0; k < n_shared; k++)
		link_push_address(n, name, shared[k], ret);
	link_push_rp_filter(n, name, ret);
	/* where its devices are shared, the pool's route leads to the home */
	if (!v->members[i].shares || v->members[i].home)
		routed_pool(v, i, &pool);
	VEC_FOREACH (p, &pool)
		link_push_route(n, name, *p, v->members[i].shares ? WAY_METRIC : 0, "", ret);
	VEC_DONE(&pool);
}

bool link_admits(const struct device *d)
{
	return d->enabled && !d->over_quota;
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

uint64_t link_quota(const struct device *d, bool away)
{
	uint64_t part = d->quota_left / LINK_QUOTA_AWAY;

	if (!away)
		return d->quota_left;
	if (part < LINK_QUOTA_LEAST)
		part = LINK_QUOTA_LEAST;
	return part < d->quota_left ? part : d->quota_left;
}

void link_device_peer(const struct fleet_network *fn, const struct group *g, const struct device *d,
	bool away, struct item_vec *ret)
{
	struct item *i = item_new(ITEM_PEER, fn->network->id);
	struct peer_item *p = &i->peer;

	p->away = away;
	p->quota_grant = d->quota_grant;
	p->quota_left = link_quota(d, away);
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
		link_push_route(fn->network, p->interface, prefix_host(d->ipv6), 0, "", ret);
	VEC_PUSH(ret, i);
}
