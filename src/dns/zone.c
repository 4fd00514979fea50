/* DOC: see zone.h. Sets are sorted arrays, so a question costs the rules times a binary search. */
#include "dns/zone.h"

#include "base/map.h"

#include <stdlib.h>

struct place {
	struct addr addr;
	const struct name_item *name;
};

/* NULL: any address. */
struct pair {
	const struct prefix_vec *from, *to;
};
VEC_TYPE(pair_vec, struct pair);

struct dns_zone {
	id_text network;
	char *domain;
	uint32_t serial;
	struct prefix_vec listen, pools;
	struct strs upstreams, interfaces;
	VEC(struct name_item *) names;
	struct map by_label; /* of names; the winner */
	VEC(struct place) by_addr;
	struct map sets; /* name -> struct prefix_vec, sorted */
	struct pair_vec input, forward;
	const struct name_item *self;
};

/* --- making one ------------------------------------------------------------------------------ */

static bool is_node(const struct name_item *n)
{
	return strncmp(n->id, "mem_", 4) == 0;
}

/* Does a come before b when both claim a name? */
static bool precedes(const struct name_item *a, const struct name_item *b)
{
	return is_node(a) != is_node(b) ? is_node(a) : strcmp(a->id, b->id) < 0;
}

static void add_place(struct dns_zone *z, struct addr a, const struct name_item *n)
{
	struct place p = {a, n};

	if (addr_is_set(a))
		VEC_PUSH(&z->by_addr, p);
}

static void add_name(struct dns_zone *z, const struct name_item *from)
{
	struct name_item *n = mem_dup(from, sizeof(*from)), *other;

	n->name = mem_strdup(from->name);
	VEC_PUSH(&z->names, n);
	add_place(z, n->addr, n);
	add_place(z, n->addr6, n);
	other = map_get(&z->by_label, n->name);
	if (other == NULL || precedes(n, other))
		map_set(&z->by_label, n->name, n);
}

static struct prefix_vec *set_of(struct dns_zone *z, const char *name)
{
	struct prefix_vec *v = map_get(&z->sets, name);

	if (v == NULL) {
		v = NEW(struct prefix_vec);
		map_set(&z->sets, name, v);
	}
	return v;
}

static void add_rules(struct dns_zone *z, const struct fw_rule_vec *rules, struct pair_vec *ret)
{
	VEC_FOREACH (r, rules) {
		struct pair p = {0};

		/* a set nobody filled allows nothing, as in the firewall */
		if (r->from != NULL && r->from[0] != '\0')
			p.from = set_of(z, r->from);
		if (r->to != NULL && r->to[0] != '\0')
			p.to = set_of(z, r->to);
		VEC_PUSH(ret, p);
	}
}

static void add_firewall(struct dns_zone *z, const struct firewall_item *fw)
{
	strs_copy(&z->interfaces, &fw->interfaces);
	prefix_vec_copy(&z->pools, &fw->overlay);
	add_rules(z, &fw->input, &z->input);
	add_rules(z, &fw->forward, &z->forward);
}

static void add_dns(struct dns_zone *z, const struct dns_item *dns)
{
	z->domain = mem_strdup(dns->domain);
	for (char *c = z->domain; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	prefix_vec_copy(&z->listen, &dns->listen);
	strs_copy(&z->upstreams, &dns->upstreams);
}

void dns_zone_add(struct dns_zone *z, const struct item *i)
{
	switch (i->kind) {
	case ITEM_DNS:
		/* a state has one a network; bytes on the way here may have been anybody's */
		if (z->domain == NULL && domain_check(i->dns.domain, "domain", NULL) == 0)
			add_dns(z, &i->dns);
		break;
	case ITEM_NAME:
		if (i->name.name != NULL && strlen(i->name.name) <= LABEL_MAX)
			add_name(z, &i->name);
		break;
	case ITEM_FIREWALL:
		if (z->pools.n == 0)
			add_firewall(z, &i->firewall);
		break;
	case ITEM_SET:
		VEC_PUSH(set_of(z, i->set.set == NULL ? "" : i->set.set), i->set.prefix);
		break;
	default:
		break;
	}
}

static int by_addr(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int c = addr_compare(x->addr, y->addr);

	if (c != 0)
		return c;
	return x->name == y->name ? 0 : precedes(x->name, y->name) ? -1 : 1;
}

struct dns_zone *dns_zone_begin(const char *network, uint32_t serial)
{
	struct dns_zone *z = NEW(struct dns_zone);

	id_copy(z->network, network);
	z->serial = serial;
	return z;
}

struct dns_zone *dns_zone_new(const struct item_vec *items, const char *network, uint32_t serial)
{
	struct dns_zone *z = dns_zone_begin(network, serial);

	VEC_FOREACH (i, items)
		if (strcmp((*i)->network, network) == 0)
			dns_zone_add(z, *i);
	return dns_zone_end(z);
}

struct dns_zone *dns_zone_end(struct dns_zone *z)
{
	if (z->domain == NULL)
		return dns_zone_free(z);
	MAP_FOREACH (slot, &z->sets)
		prefix_vec_aggregate(slot->value);
	if (z->by_addr.n > 1)
		qsort(z->by_addr.v, z->by_addr.n, sizeof(*z->by_addr.v), by_addr);
	VEC_FOREACH (p, &z->listen)
		if (z->self == NULL)
			z->self = dns_zone_at(z, p->addr);
	return z;
}

static void free_set(void *set)
{
	VEC_DONE((struct prefix_vec *)set);
	mem_free(set);
}

struct dns_zone *dns_zone_free(struct dns_zone *z)
{
	if (z == NULL)
		return NULL;
	mem_free(z->domain);
	VEC_DONE(&z->listen);
	VEC_DONE(&z->pools);
	strs_done(&z->upstreams);
	strs_done(&z->interfaces);
	VEC_FOREACH (n, &z->names) {
		mem_free((*n)->name);
		mem_free(*n);
	}
	VEC_DONE(&z->names);
	map_done(&z->by_label, NULL);
	VEC_DONE(&z->by_addr);
	map_done(&z->sets, free_set);
	VEC_DONE(&z->input);
	VEC_DONE(&z->forward);
	return mem_free(z);
}

/* --- asking it ------------------------------------------------------------------------------- */

const char *dns_zone_network(const struct dns_zone *z)
{
	return z->network;
}

const char *dns_zone_domain(const struct dns_zone *z)
{
	return z->domain;
}

uint32_t dns_zone_serial(const struct dns_zone *z)
{
	return z->serial;
}

const struct prefix_vec *dns_zone_listen(const struct dns_zone *z)
{
	return &z->listen;
}

const struct prefix_vec *dns_zone_pools(const struct dns_zone *z)
{
	return &z->pools;
}

const struct strs *dns_zone_upstreams(const struct dns_zone *z)
{
	return &z->upstreams;
}

const struct strs *dns_zone_interfaces(const struct dns_zone *z)
{
	return &z->interfaces;
}

const struct name_item *dns_zone_find(const struct dns_zone *z, const char *label)
{
	return map_get(&z->by_label, label);
}

const struct name_item *dns_zone_at(const struct dns_zone *z, struct addr a)
{
	size_t lo = 0, hi = z->by_addr.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr_compare(z->by_addr.v[mid].addr, a) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == z->by_addr.n || addr_compare(z->by_addr.v[lo].addr, a) != 0)
		return NULL;
	return z->by_addr.v[lo].name;
}

const struct name_item *dns_zone_self(const struct dns_zone *z)
{
	return z->self;
}

bool dns_zone_is_inside(const struct dns_zone *z, struct addr a)
{
	return prefix_vec_has(&z->pools, a);
}

bool dns_zone_is_own(const struct dns_zone *z, struct addr a)
{
	return prefix_vec_has(&z->listen, a);
}

/* set is aggregated: sorted, without overlaps. NULL has every address. */
static bool set_has(const struct prefix_vec *set, struct addr a)
{
	size_t lo = 0, hi;

	if (set == NULL)
		return true;
	hi = set->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr_compare(set->v[mid].addr, a) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && prefix_has(set->v[lo - 1], a);
}

static bool lets(const struct pair_vec *rules, struct addr from, struct addr to)
{
	VEC_FOREACH (r, rules)
		if (set_has(r->to, to) && set_has(r->from, from))
			return true;
	return false;
}

/* An asker has two addresses and so has a name: that of one family may be allowed alone. */
bool dns_zone_may_learn(const struct dns_zone *z, struct addr asker, const struct name_item *name)
{
	const struct name_item *who = dns_zone_at(z, asker);
	const struct addr from[] = {
		asker, who == NULL ? asker : who->addr, who == NULL ? asker : who->addr6};
	const struct addr to[] = {name->addr, name->addr6};

	if (who == name)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(from); i++)
		for (size_t k = 0; k < ARRAY_LEN(to); k++) {
			if (!addr_is_set(from[i]) || !addr_is_set(to[k]) ||
				from[i].family != to[k].family)
				continue;
			if (lets(&z->forward, from[i], to[k]) ||
				(name == z->self && lets(&z->input, from[i], to[k])))
				return true;
		}
	return false;
}
