/* DOC: interfaces, peers and routes of one member; see link.h. */
#include "plan/link.h"

#include "crypto/hash.h"
#include "crypto/key.h"
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

const struct member *link_home(
	const struct fleet *f, const struct fleet_network *fn, const char *group)
{
	VEC_FOREACH (m, &fn->members)
		if (((*m)->roles & ROLE_GATEWAY) && strcmp((*m)->group, group) == 0 &&
			link_usable(f, *m))
			return *m;
	return NULL;
}

void link_devices_name(const struct network *n, char ret[static IFNAME_LEN])
{
	ifname_make(n->name, "", ret);
}

void link_direct_name(const struct network *n, const struct member *m, char ret[static IFNAME_LEN])
{
	ifname_make(n->name, (m->roles & ROLE_GATEWAY) ? "-m" : "", ret);
}

/* On a gateway the group's port belongs to devices; the direct interface moves aside. */
static uint16_t direct_port(const struct fleet_network *fn, const struct member *m)
{
	const struct group *g = link_group(fn, m);
	uint16_t port = m->listen_port ? m->listen_port : fn->network->listen_port;

	if (g != NULL && g->listen_port == port)
		return (uint16_t)(port == UINT16_MAX ? port - 1 : port + 1);
	return port;
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

static void push_route(
	const struct network *n, const char *name, struct prefix dst, struct item_vec *ret)
{
	struct item *i = item_new(ITEM_ROUTE, n->id);

	snprintf(i->route.interface, IFNAME_LEN, "%s", name);
	i->route.dst = dst;
	VEC_PUSH(ret, i);
}

static int has_route(const struct item_vec *items, struct prefix dst)
{
	VEC_FOREACH (i, items)
		if ((*i)->kind == ITEM_ROUTE && prefix_compare((*i)->route.dst, dst) == 0)
			return 1;
	return 0;
}

/* Loose reverse path filtering: paths of the two directions may differ (spec 0). */
static void push_rp_filter(const struct network *n, const char *name, struct item_vec *ret)
{
	struct item *i = item_new(ITEM_SYSCTL, n->id);

	i->sysctl.name = mem_printf("net.ipv4.conf.%s.rp_filter", name);
	i->sysctl.value = mem_strdup("2");
	VEC_PUSH(ret, i);
}

static void add_device_pool(const struct network *n, struct prefix_vec *ret)
{
	size_t n4;

	if (!addr_is_set(n->device_first))
		return;
	prefix_vec_add_range(ret, n->device_first, n->device_last);
	n4 = ret->n;
	if (!addr_is_set(n->ipv6.addr))
		return;
	for (size_t i = 0; i < n4; i++) {
		struct prefix twin = policy_twin(n, ret->v[i]);

		VEC_PUSH(ret, twin);
	}
}

static void add_device_hosts(const struct fleet *f, const struct fleet_network *fn,
	const char *group, struct prefix_vec *ret)
{
	const struct device_refs *devices = fleet_devices(f, fn->network->id, group);

	if (devices == NULL)
		return;
	VEC_FOREACH (d, devices) {
		if (!(*d)->enabled)
			continue;
		if (addr_is_set((*d)->ipv4))
			VEC_PUSH(ret, prefix_host((*d)->ipv4));
		if (addr_is_set((*d)->ipv6))
			VEC_PUSH(ret, prefix_host((*d)->ipv6));
	}
}

/* Everything that viewer finds at or behind m: its addresses, local subnets and, where m is a
 * group's home, the group's devices; as the pool's aggregate when there is only one group. Another
 * gateway of the group has those devices on an interface of its own. */
static void add_prefixes_of(const struct fleet *f, const struct fleet_network *fn,
	const struct member *viewer, const struct member *m, struct prefix_vec *ret)
{
	const struct group *g = link_group(fn, m);

	if (addr_is_set(m->ipv4))
		VEC_PUSH(ret, prefix_host(m->ipv4));
	if (addr_is_set(m->ipv6))
		VEC_PUSH(ret, prefix_host(m->ipv6));
	VEC_FOREACH (p, &m->local_subnets)
		VEC_PUSH(ret, *p);
	if (g == NULL || link_home(f, fn, g->id) != m || strcmp(viewer->group, g->id) == 0)
		return;
	if (fn->groups.n == 1) {
		struct prefix_vec pool = {0};

		add_device_pool(fn->network, &pool);
		VEC_FOREACH (p, &pool)
			VEC_PUSH(ret, *p);
		VEC_DONE(&pool);
	} else {
		add_device_hosts(f, fn, g->id, ret);
	}
}

/* "host:port" of a member's direct interface, or NULL. A gateway's configured port is that of its
 * devices interface, so only its host counts here. */
static char *direct_endpoint(const struct fleet_network *fn, const struct member *m)
{
	const char *text = m->endpoint ? m->endpoint : m->observed_endpoint;
	CLEANUP(buf_done) struct buf b = {0};
	char host[256];
	uint16_t port;

	if (text == NULL || endpoint_split(text, host, sizeof(host), &port) < 0)
		return NULL;
	if ((m->roles & ROLE_GATEWAY) || m->endpoint == NULL)
		port = direct_port(fn, m);
	endpoint_join(host, port, &b);
	return buf_take(&b);
}

/* A number that changes exactly when the endpoint's text does, so that agents write it again. */
static uint32_t endpoint_generation(const char *endpoint)
{
	uint8_t h[HASH_LEN];

	if (endpoint == NULL)
		return 0;
	hash_sha256(endpoint, strlen(endpoint), h);
	return (uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3];
}

static void set_psk(const struct fleet_network *fn, const struct public_key *a,
	const struct public_key *b, struct secret *ret)
{
	if (fn->network->psk && !secret_is_zero(&fn->psk_root))
		key_derive_psk(&fn->psk_root, a, b, fn->network->psk_epoch, ret);
}

static void push_direct_peer(const struct fleet *f, const struct fleet_network *fn,
	const struct member *m, const struct member *other, const char *name, struct item_vec *ret)
{
	struct item *i = item_new(ITEM_PEER, fn->network->id);
	struct peer_item *p = &i->peer;

	snprintf(p->interface, IFNAME_LEN, "%s", name);
	id_copy(p->id, other->id);
	p->public_key = other->public_key;
	p->mesh_ip = other->ipv4;
	p->mesh_ip6 = other->ipv6;
	p->endpoint = direct_endpoint(fn, other);
	p->generation = endpoint_generation(p->endpoint);
	if (m->endpoint == NULL || other->endpoint == NULL)
		p->keepalive = fn->network->keepalive;
	set_psk(fn, &m->public_key, &other->public_key, &p->psk);
	add_prefixes_of(f, fn, m, other, &p->allowed_ips);
	prefix_vec_aggregate(&p->allowed_ips);
	VEC_FOREACH (prefix, &p->allowed_ips)
		push_route(fn->network, name, *prefix, ret);
	VEC_PUSH(ret, i);
}

static int linked(const struct fleet *f, const struct fleet_network *fn, const struct member *m,
	const struct member *other)
{
	const unsigned centre = ROLE_CONTROLLER | ROLE_GATEWAY;

	if (m == other || strcmp(m->node, other->node) == 0 || !link_usable(f, other) ||
		public_key_is_zero(&other->public_key))
		return 0;
	if (fn->network->topology == TOPOLOGY_HUB && !((m->roles | other->roles) & centre))
		return 0;
	return policy_links(fn, m, other);
}

int link_direct(const struct fleet *f, const struct fleet_network *fn, const struct member *m,
	struct item_vec *ret)
{
	char name[IFNAME_LEN];
	size_t peers = 0;

	link_direct_name(fn->network, m, name);
	/* a member whose key is not known yet cannot be anybody's peer, so it has none either */
	if (!public_key_is_zero(&m->public_key))
		VEC_FOREACH (o, &fn->members)
			if (linked(f, fn, m, *o)) {
				push_direct_peer(f, fn, m, *o, name, ret);
				peers++;
			}
	if (peers == 0 && (m->roles & ROLE_GATEWAY))
		return 0;
	push_interface(
		fn->network, name, IFACE_DIRECT, &m->public_key, NULL, direct_port(fn, m), ret);
	push_address(fn->network, name, m->ipv4, ret);
	push_address(fn->network, name, m->ipv6, ret);
	push_rp_filter(fn->network, name, ret);
	return 1;
}

void link_devices(const struct fleet_network *fn, const struct member *m, const struct group *g,
	const char *sealed_key, struct item_vec *ret)
{
	const struct network *n = fn->network;
	struct prefix_vec pool = {0};
	char name[IFNAME_LEN];

	link_devices_name(n, name);
	push_interface(n, name, IFACE_DEVICES, &g->public_key, sealed_key, g->listen_port, ret);
	push_address(n, name, m->ipv4, ret);
	push_address(n, name, m->ipv6, ret);
	push_address(n, name, n->gateway_addr, ret);
	if (addr_is_set(n->gateway_addr) && addr_is_set(n->ipv6.addr))
		push_address(n, name, policy_twin_addr(n, n->gateway_addr), ret);
	push_rp_filter(n, name, ret);
	add_device_pool(n, &pool);
	prefix_vec_aggregate(&pool);
	VEC_FOREACH (p, &pool) /* a single device of another group may own a whole prefix of it */
		if (!has_route(ret, *p))
			push_route(n, name, *p, ret);
	VEC_DONE(&pool);
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
	set_psk(fn, &d->public_key, &g->public_key, &p->psk);
	VEC_PUSH(ret, i);
}
