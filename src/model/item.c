/*
 * DOC: items of a state. What differs between kinds (key, content, memory) is one table of five
 * functions; everything else treats items alike. Peers' allowed IPs and a firewall's prefixes are
 * compared as sets, because a machine that is read back gives them in its own order.
 */
#include "model/firewall_item.h"

#include <stdio.h>
#include <stdlib.h>

const char *const item_kind_words[] = {"interface", "address", "sysctl", "firewall", "set", "limit",
	"peer", "route", "exit", "host", "dns", "name", NULL};
const char *const interface_role_words[] = {"direct", "devices", "relay", "exit", "hub", NULL};

static int text_compare(const char *a, const char *b)
{
	return strcmp(a == NULL ? "" : a, b == NULL ? "" : b);
}

static int text_same(const char *a, const char *b)
{
	return text_compare(a, b) == 0;
}

static int address_compare(struct addr a, uint8_t a_len, struct addr b, uint8_t b_len)
{
	return prefix_compare((struct prefix){a, a_len}, (struct prefix){b, b_len});
}

/* --- keys ------------------------------------------------------------------------------------ */

static int interface_compare(const struct item *a, const struct item *b)
{
	return strcmp(a->interface.name, b->interface.name);
}

static int address_item_compare(const struct item *a, const struct item *b)
{
	int c = strcmp(a->address.interface, b->address.interface);

	return c != 0
		? c
		: address_compare(a->address.addr, a->address.len, b->address.addr, b->address.len);
}

static int sysctl_compare(const struct item *a, const struct item *b)
{
	return text_compare(a->sysctl.name, b->sysctl.name);
}

static int network_compare(const struct item *a, const struct item *b)
{
	return 0; /* one a network */
}

static int set_compare(const struct item *a, const struct item *b)
{
	int c = text_compare(a->set.set, b->set.set);

	return c != 0 ? c : prefix_compare(a->set.prefix, b->set.prefix);
}

static int limit_compare(const struct item *a, const struct item *b)
{
	const struct limit_item *x = &a->limit, *y = &b->limit;
	int c = strcmp(x->device, y->device);

	if (c == 0)
		c = addr_compare(x->addr, y->addr);
	if (c == 0)
		c = addr_compare(x->addr6, y->addr6);
	return c != 0 ? c : (x->rate > y->rate) - (x->rate < y->rate);
}

static int peer_compare(const struct item *a, const struct item *b)
{
	int c = strcmp(a->peer.interface, b->peer.interface);

	return c != 0 ? c : strcmp(a->peer.id, b->peer.id);
}

static int route_compare(const struct item *a, const struct item *b)
{
	int c = prefix_compare(a->route.dst, b->route.dst);

	return c != 0 ? c
		      : (a->route.metric > b->route.metric) - (a->route.metric < b->route.metric);
}

static int exit_compare(const struct item *a, const struct item *b)
{
	return (a->exit.mark > b->exit.mark) - (a->exit.mark < b->exit.mark);
}

static int host_compare(const struct item *a, const struct item *b)
{
	return text_compare(a->host.name, b->host.name);
}

static int name_compare(const struct item *a, const struct item *b)
{
	return strcmp(a->name.id, b->name.id);
}

/* Copy the key alone; what drops carry. Each starts from an item of zeros. */
static void interface_key(struct item *to, const struct item *from)
{
	memcpy(to->interface.name, from->interface.name, IFNAME_LEN);
}

static void address_key(struct item *to, const struct item *from)
{
	to->address = from->address;
}

static void sysctl_key(struct item *to, const struct item *from)
{
	to->sysctl.name = mem_strdup(from->sysctl.name);
}

static void network_key(struct item *to, const struct item *from)
{
}

static void set_key(struct item *to, const struct item *from)
{
	to->set = (struct set_item){mem_strdup(from->set.set), from->set.prefix};
}

static void limit_key(struct item *to, const struct item *from)
{
	to->limit = from->limit;
}

void peer_next_id(const char *member, id_text ret)
{
	const char *mark = strchr(member, '_');

	snprintf(ret, ID_LEN, PEER_NEXT_PREFIX "%.*s", (int)(ID_LEN - sizeof(PEER_NEXT_PREFIX)),
		mark == NULL ? member : mark + 1);
}

static void peer_key(struct item *to, const struct item *from)
{
	memcpy(to->peer.interface, from->peer.interface, IFNAME_LEN);
	id_copy(to->peer.id, from->peer.id);
}

static void route_key(struct item *to, const struct item *from)
{
	to->route.dst = from->route.dst;
	to->route.metric = from->route.metric;
}

static void exit_key(struct item *to, const struct item *from)
{
	to->exit.mark = from->exit.mark;
}

static void host_key(struct item *to, const struct item *from)
{
	to->host.name = mem_strdup(from->host.name);
}

static void name_key(struct item *to, const struct item *from)
{
	id_copy(to->name.id, from->name.id);
}

/* --- content --------------------------------------------------------------------------------- */

static int interface_equal(const struct item *a, const struct item *b)
{
	const struct interface_item *x = &a->interface, *y = &b->interface;

	return x->role == y->role && public_key_equal(&x->public_key, &y->public_key) &&
		text_same(x->sealed_key, y->sealed_key) && x->listen_port == y->listen_port &&
		x->mtu == y->mtu && x->fwmark == y->fwmark;
}

static int always_equal(const struct item *a, const struct item *b)
{
	return 1; /* the key says it all */
}

static int sysctl_equal(const struct item *a, const struct item *b)
{
	return text_same(a->sysctl.value, b->sysctl.value);
}

static int peer_equal(const struct item *a, const struct item *b)
{
	const struct peer_item *x = &a->peer, *y = &b->peer;

	return public_key_equal(&x->public_key, &y->public_key) &&
		addr_compare(x->mesh_ip, y->mesh_ip) == 0 &&
		addr_compare(x->mesh_ip6, y->mesh_ip6) == 0 &&
		text_same(x->endpoint, y->endpoint) &&
		text_same(x->near_endpoint, y->near_endpoint) && x->generation == y->generation &&
		prefix_vec_equal(&x->allowed_ips, &y->allowed_ips) &&
		secret_equal(&x->psk, &y->psk) &&
		public_key_equal(&x->next_public_key, &y->next_public_key) &&
		secret_equal(&x->next_psk, &y->next_psk) && x->keepalive == y->keepalive &&
		x->not_after == y->not_after && x->away == y->away &&
		x->quota_left == y->quota_left && x->quota_grant == y->quota_grant;
}

static int route_equal(const struct item *a, const struct item *b)
{
	return strcmp(a->route.interface, b->route.interface) == 0 &&
		strcmp(a->route.peer, b->route.peer) == 0;
}

static int exit_equal(const struct item *a, const struct item *b)
{
	return strcmp(a->exit.interface, b->exit.interface) == 0 &&
		prefix_vec_equal(&a->exit.inside, &b->exit.inside) &&
		prefix_vec_equal(&a->exit.back, &b->exit.back);
}

static int host_equal(const struct item *a, const struct item *b)
{
	return addr_compare(a->host.addr, b->host.addr) == 0 &&
		addr_compare(a->host.addr6, b->host.addr6) == 0;
}

static int dns_equal(const struct item *a, const struct item *b)
{
	return text_same(a->dns.domain, b->dns.domain) &&
		prefix_vec_equal(&a->dns.listen, &b->dns.listen) &&
		strs_equal(&a->dns.upstreams, &b->dns.upstreams);
}

static int name_equal(const struct item *a, const struct item *b)
{
	const struct name_item *x = &a->name, *y = &b->name;

	return text_same(x->name, y->name) && addr_compare(x->addr, y->addr) == 0 &&
		addr_compare(x->addr6, y->addr6) == 0 && x->forward == y->forward &&
		x->all == y->all;
}

/* --- memory: make the pointers of a bitwise copy its own; free what an item owns -------------- */

static void interface_own(struct item *i)
{
	i->interface.sealed_key = mem_strdup(i->interface.sealed_key);
}

static void interface_done(struct item *i)
{
	mem_free(i->interface.sealed_key);
}

static void nothing(struct item *i)
{
}

static void sysctl_own(struct item *i)
{
	i->sysctl.name = mem_strdup(i->sysctl.name);
	i->sysctl.value = mem_strdup(i->sysctl.value);
}

static void sysctl_done(struct item *i)
{
	mem_free(i->sysctl.name);
	mem_free(i->sysctl.value);
}

static void set_own(struct item *i)
{
	i->set.set = mem_strdup(i->set.set);
}

static void set_done(struct item *i)
{
	mem_free(i->set.set);
}

static void peer_own(struct item *i)
{
	i->peer.endpoint = mem_strdup(i->peer.endpoint);
	i->peer.near_endpoint = mem_strdup(i->peer.near_endpoint);
	prefix_vec_own(&i->peer.allowed_ips);
}

static void peer_done(struct item *i)
{
	mem_free(i->peer.endpoint);
	mem_free(i->peer.near_endpoint);
	VEC_DONE(&i->peer.allowed_ips);
	secret_wipe(&i->peer.psk);
	secret_wipe(&i->peer.next_psk);
}

static void exit_own(struct item *i)
{
	prefix_vec_own(&i->exit.inside);
	prefix_vec_own(&i->exit.back);
}

static void exit_done(struct item *i)
{
	VEC_DONE(&i->exit.inside);
	VEC_DONE(&i->exit.back);
}

static void host_own(struct item *i)
{
	i->host.name = mem_strdup(i->host.name);
}

static void host_done(struct item *i)
{
	mem_free(i->host.name);
}

static void dns_own(struct item *i)
{
	i->dns.domain = mem_strdup(i->dns.domain);
	prefix_vec_own(&i->dns.listen);
	strs_own(&i->dns.upstreams);
}

static void dns_done(struct item *i)
{
	mem_free(i->dns.domain);
	VEC_DONE(&i->dns.listen);
	strs_done(&i->dns.upstreams);
}

static void name_own(struct item *i)
{
	i->name.name = mem_strdup(i->name.name);
}

static void name_done(struct item *i)
{
	mem_free(i->name.name);
}

/* --- descriptions ---------------------------------------------------------------------------- */

static void describe_interface(const struct item *i, struct buf *out)
{
	buf_adds(out, i->interface.name);
}

static void describe_address(const struct item *i, struct buf *out)
{
	char a[ADDR_TEXT_LEN];

	buf_addf(out, "%s/%s/%u", i->address.interface, addr_format(i->address.addr, a),
		i->address.len);
}

static void describe_sysctl(const struct item *i, struct buf *out)
{
	buf_adds(out, i->sysctl.name == NULL ? "" : i->sysctl.name);
}

static void describe_network(const struct item *i, struct buf *out)
{
	buf_adds(out, i->network);
}

static void describe_set(const struct item *i, struct buf *out)
{
	char p[PREFIX_TEXT_LEN];

	buf_addf(out, "%s/%s", i->set.set == NULL ? "" : i->set.set,
		prefix_format(i->set.prefix, p));
}

static void describe_limit(const struct item *i, struct buf *out)
{
	buf_addf(out, "%s", i->limit.device);
}

static void describe_peer(const struct item *i, struct buf *out)
{
	buf_addf(out, "%s/%s", i->peer.interface, i->peer.id);
}

static void describe_route(const struct item *i, struct buf *out)
{
	char p[PREFIX_TEXT_LEN];

	buf_adds(out, prefix_format(i->route.dst, p));
}

static void describe_exit(const struct item *i, struct buf *out)
{
	buf_addf(out, "0x%08x", i->exit.mark);
}

static void describe_host(const struct item *i, struct buf *out)
{
	buf_adds(out, i->host.name == NULL ? "" : i->host.name);
}

static void describe_name(const struct item *i, struct buf *out)
{
	buf_addf(out, "%s/%s", i->name.name == NULL ? "" : i->name.name, i->name.id);
}

static const struct kind_ops {
	int (*compare)(const struct item *a, const struct item *b); /* keys */
	int (*equal)(const struct item *a, const struct item *b);   /* all but the key */
	void (*copy_key)(struct item *to, const struct item *from);
	void (*own)(struct item *i);
	void (*done)(struct item *i);
	void (*describe)(const struct item *i, struct buf *out);
} kinds[ITEM_KINDS] = {
	[ITEM_INTERFACE] = {interface_compare, interface_equal, interface_key, interface_own,
		interface_done, describe_interface},
	[ITEM_ADDRESS] = {address_item_compare, always_equal, address_key, nothing, nothing,
		describe_address},
	[ITEM_SYSCTL] = {sysctl_compare, sysctl_equal, sysctl_key, sysctl_own, sysctl_done,
		describe_sysctl},
	[ITEM_FIREWALL] = {network_compare, firewall_item_equal, network_key, firewall_item_own,
		firewall_item_done, describe_network},
	[ITEM_SET] = {set_compare, always_equal, set_key, set_own, set_done, describe_set},
	[ITEM_LIMIT] = {limit_compare, always_equal, limit_key, nothing, nothing, describe_limit},
	[ITEM_PEER] = {peer_compare, peer_equal, peer_key, peer_own, peer_done, describe_peer},
	[ITEM_ROUTE] = {route_compare, route_equal, route_key, nothing, nothing, describe_route},
	[ITEM_EXIT] = {exit_compare, exit_equal, exit_key, exit_own, exit_done, describe_exit},
	[ITEM_HOST] = {host_compare, host_equal, host_key, host_own, host_done, describe_host},
	[ITEM_DNS] = {network_compare, dns_equal, network_key, dns_own, dns_done, describe_network},
	[ITEM_NAME] = {name_compare, name_equal, name_key, name_own, name_done, describe_name},
};

/* --- items ----------------------------------------------------------------------------------- */

struct item *item_new(enum item_kind kind, const char *network)
{
	struct item *i = NEW(struct item);

	i->kind = kind;
	id_copy(i->network, network);
	return i;
}

struct item *item_dup(const struct item *i)
{
	struct item *copy = mem_dup(i, sizeof(*i));

	kinds[i->kind].own(copy);
	return copy;
}

struct item *item_key(const struct item *i)
{
	struct item *key = item_new(i->kind, i->network);

	kinds[i->kind].copy_key(key, i);
	return key;
}

struct item *item_free(struct item *i)
{
	if (i != NULL) {
		kinds[i->kind].done(i);
		mem_free(i);
	}
	return NULL;
}

int item_compare(const struct item *a, const struct item *b)
{
	int c;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	c = strcmp(a->network, b->network);
	return c != 0 ? c : kinds[a->kind].compare(a, b);
}

int item_equal(const struct item *a, const struct item *b)
{
	return a->kind == b->kind && kinds[a->kind].equal(a, b);
}

void item_describe(const struct item *i, struct buf *out)
{
	buf_addf(out, "%s ", item_kind_words[i->kind]);
	kinds[i->kind].describe(i, out);
}

void item_vec_done(struct item_vec *v)
{
	VEC_FOREACH (i, v)
		item_free(*i);
	VEC_DONE(v);
}

static int compare_refs(const void *a, const void *b)
{
	return item_compare(*(struct item *const *)a, *(struct item *const *)b);
}

int item_vec_sort(struct item_vec *v)
{
	int sorted = 1;

	for (size_t i = 1; i < v->n && sorted; i++)
		sorted = item_compare(v->v[i - 1], v->v[i]) < 0;
	if (sorted)
		return 0;
	qsort(v->v, v->n, sizeof(*v->v), compare_refs);
	for (size_t i = 1; i < v->n; i++)
		if (item_compare(v->v[i - 1], v->v[i]) == 0)
			return ERR_EXISTS;
	return 0;
}
