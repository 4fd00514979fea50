/* DOC: selectors, sets and rules; see policy.h. */
#include "plan/policy.h"

#include "base/text.h"
#include "crypto/hash.h"
#include "model/range.h"

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

size_t policy_gateway_addrs(const struct network *n, struct addr ret[static 2])
{
	if (!addr_is_set(n->gateway_addr))
		return 0;
	ret[0] = n->gateway_addr;
	if (n->gateway_addr.family == FAMILY_IPV6 || !addr_is_set(n->ipv6.addr))
		return 1;
	ret[1] = policy_twin_addr(n, n->gateway_addr);
	return 2;
}

struct prefix policy_twin(const struct network *n, struct prefix v4)
{
	return (struct prefix){policy_twin_addr(n, v4.addr), (uint8_t)(v4.len + 96)};
}

/* Add the prefixes of a range; those of an IPv4 one with their IPv6 twins. */
static void add_range(const struct network *n, struct addr_range range, struct prefix_vec *ret)
{
	size_t from = ret->n, to;

	prefix_vec_add_range(ret, range.first, range.last);
	to = ret->n;
	if (range.first.family == FAMILY_IPV6 || n->ipv6.addr.family == FAMILY_NONE)
		return;
	for (size_t i = from; i < to; i++) {
		struct prefix twin = policy_twin(n, ret->v[i]);

		VEC_PUSH(ret, twin);
	}
}

void policy_device_range(const struct network *n, struct prefix_vec *ret)
{
	add_range(n, network_device_range(n), ret);
}

static void add_host(struct addr a, struct prefix_vec *ret)
{
	if (addr_is_set(a))
		VEC_PUSH(ret, prefix_host(a));
}

int policy_names_node(const char *selector)
{
	return text_starts(selector, "node_") || text_starts(selector, "mem_");
}

int policy_names_member(const char *selector, const struct member *m)
{
	return strcmp(selector, m->node) == 0 || strcmp(selector, m->id) == 0;
}

void policy_self(const struct fleet_network *fn, const struct member *m, struct prefix_vec *ret)
{
	struct addr shared[2];
	size_t n = policy_gateway_addrs(fn->network, shared);

	add_host(m->ipv4, ret);
	add_host(m->ipv6, ret);
	for (size_t i = 0; i < n && (m->roles & ROLE_GATEWAY) && m->group[0] != '\0'; i++)
		add_host(shared[i], ret);
}

void policy_pools(const struct network *n, struct prefix_vec *ret)
{
	if (addr_is_set(n->ipv4.addr))
		VEC_PUSH(ret, n->ipv4);
	if (addr_is_set(n->ipv6.addr))
		VEC_PUSH(ret, n->ipv6);
}

static void add_everything(const struct fleet_network *fn, struct prefix_vec *ret)
{
	policy_pools(fn->network, ret);
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
		add_range(n, network_node_range(n), ret);
	} else if (strcmp(selector, "clients") == 0) {
		policy_device_range(n, ret);
	} else if (policy_names_node(selector)) {
		VEC_FOREACH (m, &fn->members)
			if (policy_names_member(selector, *m))
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

bool policy_odd_ipv6(const struct device *d)
{
	return addr_is_set(d->ipv4) && addr_is_set(d->ipv6) &&
		(uint64_t)d->ipv6.bits != (uint64_t)d->ipv4.bits;
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
		if (strcmp(*s, "clients") == 0 && d->kind == DEVICE_CLIENT && policy_odd_ipv6(d))
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

void policy_use_list(const struct fleet_network *fn, struct firewall_item *fw,
	const struct policy_list *list, struct item_vec *ret_sets)
{
	push_set(fn, fw, list->name, &list->fixed, ret_sets);
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

void policy_list_init(
	const struct fleet_network *fn, const struct strs *selectors, struct policy_list *ret)
{
	policy_set_name(selectors, ret->name);
	policy_fixed(fn, selectors, &ret->fixed);
}

void policy_list_done(struct policy_list *l)
{
	VEC_DONE(&l->fixed);
}

static void compile_rule(
	const struct fleet_network *fn, const struct rule *r, struct policy_rule *ret)
{
	struct strs named = {0}, peers = {0};

	VEC_FOREACH (s, &r->to)
		if (strcmp(*s, "nodes") != 0)
			strs_push(&named, *s);
	VEC_FOREACH (s, &r->from)
		if (strcmp(*s, "nodes") == 0 || policy_names_node(*s))
			strs_push(&peers, *s);
	ret->rule = r;
	ret->has_peers = peers.n > 0;
	policy_list_init(fn, &r->from, &ret->from);
	policy_list_init(fn, &r->to, &ret->to);
	policy_list_init(fn, &named, &ret->named);
	policy_list_init(fn, &peers, &ret->peers);
	strs_done(&named);
	strs_done(&peers);
}

void policy_rules(const struct fleet_network *fn, struct policy_rule_vec *ret)
{
	VEC_FOREACH (p, &fn->policies) {
		if (!(*p)->enabled)
			continue;
		VEC_FOREACH (r, &(*p)->rules) {
			struct policy_rule rule = {0};

			compile_rule(fn, r, &rule);
			VEC_PUSH(ret, rule);
		}
	}
}

void policy_rules_done(struct policy_rule_vec *rules)
{
	VEC_FOREACH (r, rules) {
		policy_list_done(&r->from);
		policy_list_done(&r->to);
		policy_list_done(&r->named);
		policy_list_done(&r->peers);
	}
	VEC_DONE(rules);
}

static bool lists_equal(const struct policy_list *a, const struct policy_list *b)
{
	return strcmp(a->name, b->name) == 0 && prefix_vec_equal(&a->fixed, &b->fixed);
}

bool policy_rules_equal(const struct policy_rule_vec *a, const struct policy_rule_vec *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!lists_equal(&a->v[i].from, &b->v[i].from) ||
			!lists_equal(&a->v[i].to, &b->v[i].to))
			return false;
	return true; /* the other lists are made of the same selectors */
}

/*
 * What a rule opens on the node itself. A gateway is a node, but its own services stay closed to
 * whom only "nodes" lets in (spec 3, Isolation): other nodes get the whole rule, everybody else
 * ICMP, so that a phone can still ping its gateway. Naming the gateway opens it fully.
 */
static void compile_input(const struct fleet_network *fn, const struct member *m,
	const struct policy_rule *r, const struct prefix_vec *self, struct firewall_item *fw,
	struct item_vec *ret)
{
	const char *protocol = protocol_of(r->rule);
	int gateway = (m->roles & ROLE_GATEWAY) != 0;
	const struct policy_list *to = gateway ? &r->named : &r->to;

	if (has_any_of(&to->fixed, self)) {
		policy_use_list(fn, fw, &r->from, ret);
		policy_use_list(fn, fw, to, ret);
		push_rule(&fw->input, r->from.name, to->name, protocol, &r->rule->ports);
	}
	if (!gateway || !strs_has(&r->rule->to, "nodes"))
		return;
	if (r->has_peers) {
		policy_use_list(fn, fw, &r->peers, ret);
		push_rule(&fw->input, r->peers.name, POLICY_SELF_SET, protocol, &r->rule->ports);
	}
	if (strcmp(protocol, "any") == 0 || strcmp(protocol, "icmp") == 0) {
		policy_use_list(fn, fw, &r->from, ret);
		push_rule(&fw->input, r->from.name, POLICY_SELF_SET, "icmp", NULL);
	}
}

void policy_compile(const struct fleet_network *fn, const struct policy_rule_vec *rules,
	const struct member *m, struct firewall_item *fw, struct item_vec *ret_sets)
{
	struct prefix_vec self = {0};

	policy_self(fn, m, &self);
	push_set(fn, fw, POLICY_SELF_SET, &self, ret_sets);
	VEC_FOREACH (r, rules) {
		compile_input(fn, m, r, &self, fw, ret_sets);
		policy_use_list(fn, fw, &r->from, ret_sets);
		policy_use_list(fn, fw, &r->to, ret_sets);
		push_rule(&fw->forward, r->from.name, r->to.name, protocol_of(r->rule),
			&r->rule->ports);
	}
	VEC_DONE(&self);
}

static void push_device_hosts(const struct fleet_network *fn, const struct policy_list *list,
	const struct device *d, struct strs *seen, struct item_vec *ret)
{
	const struct addr own[] = {d->ipv4, d->ipv6};

	if (strs_has(seen, list->name))
		return;
	strs_push(seen, list->name);
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (addr_is_set(own[i]) && !prefix_vec_has(&list->fixed, own[i]))
			push_set_item(fn->network->id, list->name, prefix_host(own[i]), ret);
}

/* compiled may be NULL. */
static void device_in_list(const struct fleet_network *fn, const struct strs *list,
	const struct policy_list *compiled, const struct device *d, struct strs *seen,
	struct item_vec *ret)
{
	struct policy_list own = {0};

	if (!policy_picks_device(list, d))
		return;
	if (compiled == NULL)
		policy_list_init(fn, list, &own);
	push_device_hosts(fn, compiled != NULL ? compiled : &own, d, seen, ret);
	policy_list_done(&own);
}

/* The list of node selectors that compile_input makes its own set of never picks devices, so only
 * the rules' own lists matter here. */
void policy_device_sets(const struct fleet_network *fn, const struct policy_rule_vec *rules,
	const struct device *d, struct item_vec *ret)
{
	struct strs seen = {0};

	if (rules != NULL) {
		VEC_FOREACH (r, rules) {
			device_in_list(fn, &r->rule->from, &r->from, d, &seen, ret);
			device_in_list(fn, &r->rule->to, &r->to, d, &seen, ret);
		}
	} else {
		VEC_FOREACH (p, &fn->policies) {
			if (!(*p)->enabled)
				continue;
			VEC_FOREACH (r, &(*p)->rules) {
				device_in_list(fn, &r->from, NULL, d, &seen, ret);
				device_in_list(fn, &r->to, NULL, d, &seen, ret);
			}
		}
	}
	strs_done(&seen);
}
