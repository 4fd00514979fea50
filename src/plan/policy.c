/* DOC: selectors, sets and rules; see policy.h. */
#include "plan/policy.h"

#include "base/text.h"
#include "crypto/hash.h"

#include <stdio.h>

void policy_set_name(const struct strs *selectors, char ret[static SET_NAME_LEN])
{
	CLEANUP(buf_done) struct buf text = {0};
	char hex[HASH_HEX_LEN];

	VEC_FOREACH (s, selectors)
		buf_addf(&text, "%s\n", *s);
	hash_sha256_hex(buf_str(&text), text.len, hex);
	snprintf(ret, SET_NAME_LEN, "s_%.12s", hex);
}

struct addr policy_twin_addr(const struct network *n, struct addr v4)
{
	struct addr a = n->ipv6.addr;

	a.bits |= v4.bits;
	return a;
}

struct prefix policy_twin(const struct network *n, struct prefix v4)
{
	return (struct prefix){policy_twin_addr(n, v4.addr), (uint8_t)(v4.len + 96)};
}

/* Add the prefixes of an IPv4 range and their IPv6 twins. */
static void add_range(
	const struct network *n, struct addr first, struct addr last, struct prefix_vec *ret)
{
	size_t from = ret->n, to;

	if (!addr_is_set(first))
		return;
	prefix_vec_add_range(ret, first, last);
	to = ret->n;
	if (n->ipv6.addr.family == FAMILY_NONE)
		return;
	for (size_t i = from; i < to; i++) {
		struct prefix twin = policy_twin(n, ret->v[i]);

		VEC_PUSH(ret, twin);
	}
}

static void add_host(struct addr a, struct prefix_vec *ret)
{
	if (addr_is_set(a))
		VEC_PUSH(ret, prefix_host(a));
}

static int is_node_id(const char *selector)
{
	return text_starts(selector, "node_") || text_starts(selector, "mem_");
}

static int names_member(const char *selector, const struct member *m)
{
	return strcmp(selector, m->node) == 0 || strcmp(selector, m->id) == 0;
}

void policy_self(const struct fleet_network *fn, const struct member *m, struct prefix_vec *ret)
{
	add_host(m->ipv4, ret);
	add_host(m->ipv6, ret);
	if ((m->roles & ROLE_GATEWAY) && m->group[0] != '\0') {
		add_host(fn->network->gateway_addr, ret);
		if (addr_is_set(fn->network->gateway_addr) && addr_is_set(fn->network->ipv6.addr))
			add_host(policy_twin_addr(fn->network, fn->network->gateway_addr), ret);
	}
}

static void add_everything(const struct fleet_network *fn, struct prefix_vec *ret)
{
	if (addr_is_set(fn->network->ipv4.addr))
		VEC_PUSH(ret, fn->network->ipv4);
	if (addr_is_set(fn->network->ipv6.addr))
		VEC_PUSH(ret, fn->network->ipv6);
	VEC_FOREACH (m, &fn->members)
		VEC_FOREACH (p, &(*m)->local_subnets)
			VEC_PUSH(ret, *p);
}

static void add_selector(
	const struct fleet_network *fn, const char *selector, struct prefix_vec *ret)
{
	const struct network *n = fn->network;
	struct prefix p;

	if (strcmp(selector, "*") == 0) {
		add_everything(fn, ret);
	} else if (strcmp(selector, "nodes") == 0) {
		add_range(n, n->node_first, n->node_last, ret);
	} else if (strcmp(selector, "clients") == 0) {
		add_range(n, n->device_first, n->device_last, ret);
	} else if (is_node_id(selector)) {
		VEC_FOREACH (m, &fn->members)
			if (names_member(selector, *m))
				policy_self(fn, *m, ret);
	} else if (prefix_parse(selector, "selector", &p, NULL) == 0) {
		VEC_PUSH(ret, p);
	}
}

void policy_fixed(
	const struct fleet_network *fn, const struct strs *selectors, struct prefix_vec *ret)
{
	VEC_FOREACH (s, selectors)
		add_selector(fn, *s, ret);
	prefix_vec_aggregate(ret);
}

int policy_picks_device(const struct strs *selectors, const struct device *d)
{
	VEC_FOREACH (s, selectors) {
		if (text_starts(*s, "tag:") && strs_has(&d->tags, *s + 4))
			return 1;
		if (strcmp(*s, d->id) == 0)
			return 1;
		if (strcmp(*s, "sites") == 0 && d->kind == DEVICE_SITE)
			return 1;
	}
	return 0;
}

int policy_knows_device(const struct fleet_network *fn, const struct device *d)
{
	VEC_FOREACH (p, &fn->policies) {
		if (!(*p)->enabled)
			continue;
		VEC_FOREACH (r, &(*p)->rules)
			if (policy_picks_device(&r->from, d) || policy_picks_device(&r->to, d))
				return 1;
	}
	return 0;
}

static int overlaps_any(const struct prefix_vec *v, struct prefix p)
{
	VEC_FOREACH (q, v)
		if (prefix_overlaps(*q, p))
			return 1;
	return 0;
}

/* Could traffic the selector means begin or end at this member, or pass through it to what is
 * behind it (its local subnets; on a gateway, devices)? */
static int selector_reaches(
	const struct fleet_network *fn, const char *selector, const struct member *m)
{
	CLEANUP(mem_freep) struct prefix *v = NULL;
	struct prefix_vec all = {0};
	struct prefix p;
	int hit;

	if (strcmp(selector, "*") == 0 || strcmp(selector, "nodes") == 0 ||
		names_member(selector, m))
		return 1;
	if (prefix_parse(selector, "selector", &p, NULL) < 0)
		return (m->roles & ROLE_GATEWAY) && !is_node_id(selector);
	policy_self(fn, m, &all);
	VEC_FOREACH (s, &m->local_subnets)
		VEC_PUSH(&all, *s);
	if (m->roles & ROLE_GATEWAY)
		add_range(fn->network, fn->network->device_first, fn->network->device_last, &all);
	v = all.v;
	hit = overlaps_any(&all, p);
	return hit;
}

static int list_reaches(
	const struct fleet_network *fn, const struct strs *list, const struct member *m)
{
	VEC_FOREACH (s, list)
		if (selector_reaches(fn, *s, m))
			return 1;
	return 0;
}

int policy_links(const struct fleet_network *fn, const struct member *a, const struct member *b)
{
	VEC_FOREACH (p, &fn->policies) {
		if (!(*p)->enabled)
			continue;
		VEC_FOREACH (r, &(*p)->rules) {
			if (list_reaches(fn, &r->from, a) && list_reaches(fn, &r->to, b))
				return 1;
			if (list_reaches(fn, &r->from, b) && list_reaches(fn, &r->to, a))
				return 1;
		}
	}
	return 0;
}

static void push_set_item(
	const char *network, const char *set, struct prefix p, struct item_vec *ret)
{
	struct item *i = item_new(ITEM_SET, network);

	i->set.set = mem_strdup(set);
	i->set.prefix = p;
	VEC_PUSH(ret, i);
}

static void push_set(const struct fleet_network *fn, struct firewall_item *fw, const char *name,
	const struct prefix_vec *prefixes, struct item_vec *ret)
{
	if (strs_has(&fw->sets, name))
		return;
	strs_push(&fw->sets, name);
	VEC_FOREACH (p, prefixes)
		push_set_item(fn->network->id, name, *p, ret);
}

/* Make sure the list's set exists; returns its name in name. */
static void use_list(const struct fleet_network *fn, struct firewall_item *fw,
	const struct strs *list, char name[static SET_NAME_LEN], struct item_vec *ret)
{
	struct prefix_vec fixed = {0};

	policy_set_name(list, name);
	policy_fixed(fn, list, &fixed);
	push_set(fn, fw, name, &fixed, ret);
	VEC_DONE(&fixed);
}

static void push_rule(struct fw_rule_vec *to, const char *from_set, const char *to_set,
	const char *protocol, const struct strs *ports)
{
	struct fw_rule r = {.from = mem_strdup(from_set),
		.to = mem_strdup(to_set),
		.protocol = mem_strdup(protocol)};

	if (ports != NULL)
		strs_copy(&r.ports, ports);
	VEC_PUSH(to, r);
}

#define SELF_SET "self"

static const char *protocol_of(const struct rule *r)
{
	return r->protocol != NULL ? r->protocol : "any";
}

static int has_any_of(const struct prefix_vec *set, const struct prefix_vec *hosts)
{
	VEC_FOREACH (h, hosts)
		if (prefix_vec_has(set, h->addr))
			return 1;
	return 0;
}

/*
 * What a rule opens on the node itself. A gateway is a node, but its own services stay closed to
 * whom only "nodes" lets in (spec 3, Isolation): other nodes get the whole rule, everybody else
 * ICMP, so that a phone can still ping its gateway. Naming the gateway opens it fully.
 */
static void compile_input(const struct fleet_network *fn, const struct member *m,
	const struct rule *r, const struct prefix_vec *self, struct firewall_item *fw,
	struct item_vec *ret)
{
	struct prefix_vec direct = {0};
	struct strs named = {0}, peers = {0};
	char from[SET_NAME_LEN], to[SET_NAME_LEN];
	int by_nodes = strs_has(&r->to, "nodes");
	int gateway = (m->roles & ROLE_GATEWAY) != 0;

	VEC_FOREACH (s, &r->to)
		if (!gateway || strcmp(*s, "nodes") != 0)
			strs_push(&named, *s);
	VEC_FOREACH (s, &r->from)
		if (strcmp(*s, "nodes") == 0 || is_node_id(*s))
			strs_push(&peers, *s);
	policy_fixed(fn, &named, &direct);
	if (has_any_of(&direct, self)) {
		use_list(fn, fw, &r->from, from, ret);
		use_list(fn, fw, &named, to, ret);
		push_rule(&fw->input, from, to, protocol_of(r), &r->ports);
	}
	if (by_nodes && gateway) {
		if (peers.n > 0) {
			use_list(fn, fw, &peers, from, ret);
			push_rule(&fw->input, from, SELF_SET, protocol_of(r), &r->ports);
		}
		if (strcmp(protocol_of(r), "any") == 0 || strcmp(protocol_of(r), "icmp") == 0) {
			use_list(fn, fw, &r->from, from, ret);
			push_rule(&fw->input, from, SELF_SET, "icmp", NULL);
		}
	}
	VEC_DONE(&direct);
	strs_done(&named);
	strs_done(&peers);
}

void policy_compile(const struct fleet_network *fn, const struct member *m,
	struct firewall_item *fw, struct item_vec *ret_sets)
{
	struct prefix_vec self = {0};
	char from[SET_NAME_LEN], to[SET_NAME_LEN];

	policy_self(fn, m, &self);
	push_set(fn, fw, SELF_SET, &self, ret_sets);
	VEC_FOREACH (p, &fn->policies) {
		if (!(*p)->enabled)
			continue;
		VEC_FOREACH (r, &(*p)->rules) {
			compile_input(fn, m, r, &self, fw, ret_sets);
			use_list(fn, fw, &r->from, from, ret_sets);
			use_list(fn, fw, &r->to, to, ret_sets);
			push_rule(&fw->forward, from, to, protocol_of(r), &r->ports);
		}
	}
	VEC_DONE(&self);
}

static void device_in_list(const struct fleet_network *fn, const struct strs *list,
	const struct device *d, struct strs *seen, struct item_vec *ret)
{
	struct prefix_vec fixed = {0};
	char name[SET_NAME_LEN];
	struct addr own[] = {d->ipv4, d->ipv6};

	if (!policy_picks_device(list, d))
		return;
	policy_set_name(list, name);
	if (strs_has(seen, name))
		return;
	strs_push(seen, name);
	policy_fixed(fn, list, &fixed);
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (addr_is_set(own[i]) && !prefix_vec_has(&fixed, own[i]))
			push_set_item(fn->network->id, name, prefix_host(own[i]), ret);
	VEC_DONE(&fixed);
}

/* The list of node selectors that compile_input makes its own set of never picks devices, so only
 * the rules' own lists matter here. */
void policy_device_sets(
	const struct fleet_network *fn, const struct device *d, struct item_vec *ret)
{
	struct strs seen = {0};

	VEC_FOREACH (p, &fn->policies) {
		if (!(*p)->enabled)
			continue;
		VEC_FOREACH (r, &(*p)->rules) {
			device_in_list(fn, &r->from, d, &seen, ret);
			device_in_list(fn, &r->to, d, &seen, ret);
		}
	}
	strs_done(&seen);
}
