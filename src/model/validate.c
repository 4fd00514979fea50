/*
 * DOC: what one object must keep on its own. Types and lengths are the schema's business; here are
 * ranges that must fit together, roles, endpoints; a policy's rules are rule.h. Every sentence
 * names the bad value. Rules between objects are in conflict.c.
 */
#include "model/validate.h"

#include "base/text.h"
#include "crypto/key.h"
#include "model/names.h"
#include "model/rule.h"

#include <stdio.h>

#define POOL_MIN_BITS 3  /* /29: two nodes, the gateway, two devices */
#define POOL_MAX_BITS 24 /* /8 */
#define ULA_LEN 64
#define DEFAULT_PORT 51820
#define DEFAULT_KEEPALIVE 25
#define MTU_LEAST 576
#define MTU_LEAST_IPV6 1280
#define MTU_MOST 65535
#define SECONDS_MOST 65535
#define DESCRIPTION_MAX 256
#define ALL_ROLES (ROLE_PEER | ROLE_CONTROLLER | ROLE_GATEWAY | ROLE_EXIT)

/* --- parts ----------------------------------------------------------------------------------- */

int listen_port_check(int64_t port, const char *field, struct err *e)
{
	if (port < 1 || port > UINT16_MAX)
		return err_field(e, ERR_INVALID, field,
			"wireguard: config: ListenPort must be between 1 and 65535");
	return 0;
}

int mtu_check(int64_t mtu, int ipv6, const char *field, struct err *e)
{
	int least = ipv6 ? MTU_LEAST_IPV6 : MTU_LEAST;

	if (mtu < 0)
		return err_field(
			e, ERR_INVALID, field, "wireguard: config: MTU must not be negative");
	if (mtu > 0 && mtu < least)
		return err_field(e, ERR_INVALID, field, "the MTU %lld is too small; %s needs %d",
			(long long)mtu, ipv6 ? "IPv6" : "IPv4", least);
	if (mtu > MTU_MOST)
		return err_field(e, ERR_INVALID, field, "the MTU %lld is above %d", (long long)mtu,
			MTU_MOST);
	return 0;
}

static int enum_check(int value, const char *const *words, const char *field, struct err *e)
{
	int n = 0;

	while (words[n] != NULL)
		n++;
	if (value < 0 || value >= n)
		return err_field(e, ERR_INVALID, field, "%d is not a known %s", value, field);
	return 0;
}

static int roles_check(unsigned roles, struct err *e)
{
	if (roles == 0 || (roles & ~(unsigned)ALL_ROLES) != 0)
		return err_field(e, ERR_INVALID, "roles",
			"roles must be one or more of peer, controller, gateway, exit");
	return 0;
}

/* Optional one-line text. */
static int text_check(const char *text, int max, const char *field, struct err *e)
{
	int chars = text == NULL ? 0 : text_printable(text);

	if (chars < 0)
		return err_field(
			e, ERR_INVALID, field, "%s has control characters or is not UTF-8", field);
	if (chars > max)
		return err_field(e, ERR_INVALID, field, "%s has %d characters; at most %d fit",
			field, chars, max);
	return 0;
}

static int resolvers_check(const struct strs *dns, const char *field, struct err *e)
{
	struct addr a;

	VEC_FOREACH (s, dns)
		if (addr_parse(*s, &a) < 0 || addr_is_special(a))
			return err_field(e, ERR_INVALID, field,
				"\"%.60s\" is not the address of a resolver", *s);
	return 0;
}

/* Something that may be routed into a tunnel: no loopback, link-local, multicast. */
static int routable_check(struct prefix p, const char *field, struct err *e)
{
	char text[PREFIX_TEXT_LEN];

	if (!addr_is_set(p.addr))
		return err_field(e, ERR_INVALID, field, "%s has an unset prefix", field);
	if (addr_is_special(prefix_first(p)) || addr_is_special(prefix_last(p)))
		return err_field(e, ERR_INVALID, field,
			"%s holds loopback, link-local, multicast or unspecified addresses",
			prefix_format(p, text));
	return 0;
}

/* The first prefix of a list that overlaps a later one, or NULL. */
static const struct prefix *overlap_within(const struct prefix_vec *v)
{
	for (size_t i = 0; i < v->n; i++)
		for (size_t k = i + 1; k < v->n; k++)
			if (prefix_overlaps(v->v[i], v->v[k]))
				return &v->v[i];
	return NULL;
}

/* --- networks -------------------------------------------------------------------------------- */

static int pool_check(struct prefix pool, struct err *e)
{
	char text[PREFIX_TEXT_LEN];
	int bits = 32 - pool.len;

	if (pool.addr.family != FAMILY_IPV4)
		return err_field(e, ERR_INVALID, "ipv4", "\"%s\" is not an IPv4 prefix",
			prefix_format(pool, text));
	if (bits < POOL_MIN_BITS || bits > POOL_MAX_BITS)
		return err_field(e, ERR_INVALID, "ipv4",
			"the pool %s must have a length between /8 and /29",
			prefix_format(pool, text));
	return routable_check(pool, "ipv4", e);
}

static void set_addr(struct addr *a, struct prefix pool, u128 offset)
{
	if (!addr_is_set(*a))
		*a = addr_add(pool.addr, offset);
}

int network_defaults(struct network *n, struct err *e)
{
	if (addr_is_set(n->ipv4.addr)) {
		struct prefix pool = n->ipv4;
		u128 size, split;
		int r = pool_check(pool, e);

		if (r < 0)
			return r;
		/* 172.30.0.0/16 splits at .100.0, which itself is given to nobody */
		size = (u128)1 << (32 - pool.len);
		split = size * 100 / 256;
		set_addr(&n->node_first, pool, 1);
		set_addr(&n->node_last, pool, split - 1);
		set_addr(&n->gateway_addr, pool, split + 1);
		set_addr(&n->device_first, pool, split + 2);
		set_addr(&n->device_last, pool, size - 2);
	}
	if (n->domain == NULL && n->name != NULL) {
		char label[LABEL_MAX + 1];

		label_from_name(n->name, label);
		n->domain = mem_strdup(label);
	}
	if (n->listen_port == 0)
		n->listen_port = DEFAULT_PORT;
	if (n->keepalive == 0)
		n->keepalive = DEFAULT_KEEPALIVE;
	return 0;
}

struct named_range {
	struct addr first, last;
	const char *first_field, *last_field, *what;
};

/* A range inside the pool that leaves its network and broadcast address alone. */
static int range_check(struct prefix pool, const struct named_range *r, struct err *e)
{
	char a[ADDR_TEXT_LEN], b[ADDR_TEXT_LEN], p[PREFIX_TEXT_LEN];
	const char *first = addr_format(r->first, a), *last = addr_format(r->last, b);
	bool low = prefix_has(pool, r->first);

	if (!low || !prefix_has(pool, r->last))
		return err_field(e, ERR_INVALID, low ? r->last_field : r->first_field,
			"the %s %s-%s is not inside the pool %s", r->what, first, last,
			prefix_format(pool, p));
	if (addr_compare(r->first, r->last) > 0)
		return err_field(e, ERR_INVALID, r->last_field,
			"the %s %s-%s ends before it starts", r->what, first, last);
	low = addr_compare(r->first, prefix_first(pool)) == 0;
	if (low || addr_compare(r->last, prefix_last(pool)) == 0)
		return err_field(e, ERR_INVALID, low ? r->first_field : r->last_field,
			"the %s %s-%s holds the pool's network or broadcast address", r->what,
			first, last);
	return 0;
}

/* In a network without IPv4 they are of its IPv6 prefix, or all left to range.h. */
static int ranges_check(const struct network *n, struct err *e)
{
	const struct named_range ranges[] = {
		{n->node_first, n->node_last, "node_first", "node_last", "range of nodes"},
		{n->gateway_addr, n->gateway_addr, "gateway_addr", "gateway_addr",
			"gateways' address"},
		{n->device_first, n->device_last, "device_first", "device_last",
			"range of devices"},
	};
	struct prefix pool = addr_is_set(n->ipv4.addr) ? n->ipv4 : n->ipv6;
	bool any = false;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		any = any || addr_is_set(ranges[i].first) || addr_is_set(ranges[i].last);
	if (!any && !addr_is_set(n->ipv4.addr))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		bool first = addr_is_set(ranges[i].first);

		if (!first || !addr_is_set(ranges[i].last))
			return err_field(e, ERR_INVALID,
				first ? ranges[i].last_field : ranges[i].first_field,
				"the %s is missing: give all ranges or none", ranges[i].what);
		r = range_check(pool, &ranges[i], e);
		if (r < 0)
			return r;
		for (size_t k = 0; k < i; k++)
			if (addr_compare(ranges[i].first, ranges[k].last) <= 0 &&
				addr_compare(ranges[k].first, ranges[i].last) <= 0)
				return err_field(e, ERR_INVALID, ranges[i].first_field,
					"the %s overlaps the %s", ranges[i].what, ranges[k].what);
	}
	return 0;
}

static int ula_check(struct prefix p, struct err *e)
{
	char text[PREFIX_TEXT_LEN];

	if (p.addr.family != FAMILY_IPV6 || p.len != ULA_LEN || p.addr.bits >> 120 != 0xfd)
		return err_field(e, ERR_INVALID, "ipv6", "\"%s\" is not a /64 inside fd00::/8",
			prefix_format(p, text));
	return 0;
}

bool network_pool_candidate(unsigned n, struct prefix *ret)
{
	u128 first = n <= 15 ? 172u : 10u;
	u128 second = n <= 14 ? 30u - n : n == 15 ? 31u : 200u + (n - 16);

	if (second > 255)
		return false;
	*ret = (struct prefix){{FAMILY_IPV4, first << 24 | second << 16}, 16};
	return true;
}

int region_range_parse(const char *row, struct prefix *ret, struct err *e)
{
	const char *mark = strchr(row, '=');
	char cidr[PREFIX_TEXT_LEN];

	if (mark == NULL || mark == row || mark[1] == '\0' || strchr(mark + 1, '=') != NULL ||
		(size_t)(mark - row) >= sizeof(cidr))
		return err_field(e, ERR_INVALID, "region_ranges",
			"\"%.60s\" is not of the form CIDR=REGION",
			text_printable(row) >= 0 ? row : "?");
	memcpy(cidr, row, (size_t)(mark - row));
	cidr[mark - row] = '\0';
	return prefix_parse(cidr, "region_ranges", ret, e);
}

int name_check_new(const char *name, const char *was, const char *field, struct err *e)
{
	return was != NULL && name != NULL && strcmp(name, was) == 0 ? 0
								     : name_check(name, field, e);
}

#define WAS(was, field) ((was) != NULL ? (was)->field : NULL)

static bool holds(const struct strs *v, const char *text)
{
	VEC_FOREACH (s, v)
		if (strcmp(*s, text) == 0)
			return true;
	return false;
}

static int region_ranges_check(const struct strs *rows, const struct strs *were, struct err *e)
{
	struct prefix p;
	int r = 0;

	VEC_FOREACH (row, rows)
		if ((r = region_range_parse(*row, &p, e)) < 0 ||
			(!(were != NULL && holds(were, *row)) &&
				(r = name_check(strchr(*row, '=') + 1, "region_ranges", e)) < 0))
			return r;
	return 0;
}

int network_check(const struct network *n, const struct network *was, struct err *e)
{
	int v4 = addr_is_set(n->ipv4.addr), v6 = addr_is_set(n->ipv6.addr), r;

	if (!v4 && !v6)
		return err_field(e, ERR_INVALID, "ipv4", "a network needs an IPv4 or an IPv6 pool");
	if ((r = name_check_new(n->name, WAS(was, name), "name", e)) < 0 ||
		(r = domain_check(n->domain, "domain", e)) < 0 ||
		(r = enum_check(n->topology, topology_words, "topology", e)) < 0 ||
		(v4 && (r = pool_check(n->ipv4, e)) < 0) ||
		(v6 && (r = ula_check(n->ipv6, e)) < 0) || (r = ranges_check(n, e)) < 0 ||
		(r = listen_port_check(n->listen_port, "listen_port", e)) < 0 ||
		(r = mtu_check(n->mtu, v6, "mtu", e)) < 0 ||
		(r = resolvers_check(&n->dns, "dns", e)) < 0 ||
		(r = resolvers_check(&n->dns_upstreams, "dns_upstreams", e)) < 0 ||
		(r = region_ranges_check(&n->region_ranges, was ? &was->region_ranges : NULL, e)) <
			0)
		return r;
	return 0;
}

/* --- the others ------------------------------------------------------------------------------ */

int project_check(const struct project *p, const struct project *was, struct err *e)
{
	int r = name_check_new(p->name, WAS(was, name), "name", e);

	VEC_FOREACH (range, &p->granted_ranges)
		if (r == 0 && range->len > 0) /* everything may be granted, in so many words */
			r = routable_check(*range, "granted_ranges", e);
	return r;
}

int node_check(const struct node *n, const struct node *was, struct err *e)
{
	return name_check_new(n->name, WAS(was, name), "name", e);
}

int member_check(const struct member *m, struct err *e)
{
	const struct prefix *twice = overlap_within(&m->local_subnets);
	char text[PREFIX_TEXT_LEN];
	int r;

	if (!m->network[0] || !m->node[0])
		return err_field(e, ERR_INVALID, m->node[0] ? "network" : "node",
			"a member needs a node and a network");
	if ((r = roles_check(m->roles, e)) < 0)
		return r;
	if (m->group[0] && !(m->roles & ROLE_GATEWAY))
		return err_field(e, ERR_INVALID, "group",
			"only a member with the role gateway can be in a gateway group");
	/* 0 is unset here: the network's port */
	if (m->endpoint != NULL && (r = endpoint_check(m->endpoint, "endpoint", e)) < 0)
		return r;
	if ((r = text_check(m->region, NAME_MAX_CHARS, "region", e)) < 0)
		return r;
	VEC_FOREACH (p, &m->local_subnets) {
		if (p->len == 0)
			return err_field(e, ERR_INVALID, "local_subnets",
				"%s is the whole Internet; the role exit is for that",
				prefix_format(*p, text));
		if ((r = routable_check(*p, "local_subnets", e)) < 0)
			return r;
	}
	if (twice != NULL)
		return err_field(e, ERR_INVALID, "local_subnets",
			"%s overlaps another one of these subnets", prefix_format(*twice, text));
	return 0;
}

int group_check(const struct group *g, const struct group *was, struct err *e)
{
	int r;

	if (!g->network[0])
		return err_field(e, ERR_INVALID, "network", "a gateway group needs a network");
	if ((r = name_check_new(g->name, WAS(was, name), "name", e)) < 0 ||
		(r = enum_check(g->mode, group_mode_words, "mode", e)) < 0)
		return r;
	return listen_port_check(g->listen_port, "listen_port", e);
}

static int tags_check(const struct strs *tags, const struct strs *were, struct err *e)
{
	int r;

	for (size_t i = 0; i < tags->n; i++) {
		if (!(were != NULL && holds(were, tags->v[i])) &&
			(r = name_check(tags->v[i], "tags", e)) < 0)
			return r;
		for (size_t k = 0; k < i; k++)
			if (strcmp(tags->v[i], tags->v[k]) == 0)
				return err_field(e, ERR_INVALID, "tags",
					"the tag \"%.100s\" is there twice", tags->v[i]);
	}
	return 0;
}

static int custom_split_check(const struct prefix_vec *v, struct err *e)
{
	char text[PREFIX_TEXT_LEN];

	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i].len == 0)
			return err_field(e, ERR_INVALID, "allowed_ips",
				"%s is the whole Internet; use full_tunnel",
				prefix_format(v->v[i], text));
		for (size_t k = 0; k < i; k++)
			if (prefix_compare(v->v[i], v->v[k]) == 0)
				return err_field(e, ERR_INVALID, "allowed_ips", "%s is there twice",
					prefix_format(v->v[i], text));
	}
	return 0;
}

/* One lower-case label of a domain. */
static int label_check(const char *label, const char *field, struct err *e)
{
	char made[LABEL_MAX + 1];

	label_from_name(label, made);
	if (strcmp(made, label) != 0 || label_is_reserved(label))
		return err_field(e, ERR_INVALID, field, "\"%.100s\" cannot be a DNS name%s", label,
			label_is_reserved(label) ? ", it is reserved" : "");
	return 0;
}

int device_check(const struct device *d, const struct device *was, struct err *e)
{
	bool label_stays = was != NULL && was->dns_name != NULL && d->dns_name != NULL &&
		strcmp(was->dns_name, d->dns_name) == 0;
	int r;

	if (!d->network[0])
		return err_field(e, ERR_INVALID, "network", "a device needs a network");
	if (!public_key_is_zero(&d->public_key) &&
		(was == NULL || !public_key_equal(&d->public_key, &was->public_key)) &&
		(r = key_check_public(&d->public_key, "public_key", e)) < 0)
		return r;
	if ((r = enum_check(d->kind, device_kind_words, "kind", e)) < 0 ||
		(r = name_check_new(d->name, WAS(was, name), "name", e)) < 0 ||
		(r = text_check(d->description, DESCRIPTION_MAX, "description", e)) < 0 ||
		(d->dns_name != NULL && !label_stays &&
			(r = label_check(d->dns_name, "name", e)) < 0) ||
		(r = tags_check(&d->tags, was ? &was->tags : NULL, e)) < 0 ||
		(r = custom_split_check(&d->allowed_ips, e)) < 0 ||
		(r = resolvers_check(&d->dns, "dns", e)) < 0 ||
		(r = mtu_check(d->mtu, addr_is_set(d->ipv6), "mtu", e)) < 0)
		return r;
	if (d->keepalive < -1 || d->keepalive > SECONDS_MOST)
		return err_field(e, ERR_INVALID, "keepalive",
			"keepalive %d is not between 0 and %d seconds (-1 = as the network)",
			d->keepalive, SECONDS_MOST);
	if (d->rate_limit != 0 &&
		(d->rate_limit < DEVICE_RATE_MIN || d->rate_limit > DEVICE_RATE_MAX))
		return err_field(e, ERR_INVALID, "rate_limit",
			"rate_limit %llu is not between %d and %lld bits a second (0 = none)",
			(unsigned long long)d->rate_limit, DEVICE_RATE_MIN, DEVICE_RATE_MAX);
	if (d->expires_at < 0)
		return err_field(e, ERR_INVALID, "expires_at", "expires_at lies before 1970");
	if ((r = enum_check(d->quota_period, quota_period_words, "quota_period", e)) < 0)
		return r;
	if (d->quota_period != QUOTA_NONE && d->quota_bytes == 0)
		return err_field(e, ERR_INVALID, "quota_period",
			"a quota that begins anew each %s needs quota_bytes",
			quota_period_words[d->quota_period]);
	return 0;
}

int policy_check(const struct policy *p, const struct policy *was, struct err *e)
{
	int r;

	if (!p->network[0])
		return err_field(e, ERR_INVALID, "network", "a policy needs a network");
	r = name_check_new(p->name, WAS(was, name), "name", e);
	return r < 0 ? r : rules_check(&p->rules, e);
}

int user_check(const struct user *u, const struct user *was, struct err *e)
{
	int r;

	if ((r = name_check_new(u->name, WAS(was, name), "name", e)) < 0 ||
		(r = name_check_new(u->role, WAS(was, role), "role", e)) < 0)
		return r;
	if ((strcmp(u->role, ROLE_SYSTEM_ADMIN) == 0) != (u->project[0] == '\0'))
		return err_field(e, ERR_INVALID, "role",
			u->project[0] ? "a system-admin belongs to no project"
				      : "only a system-admin can be without a project");
	return 0;
}

int token_check(const struct token *t, struct err *e)
{
	int r;

	if ((r = enum_check(t->kind, token_kind_words, "kind", e)) < 0 ||
		(r = name_check(t->name, "name", e)) < 0 ||
		(r = name_check(t->role, "role", e)) < 0)
		return r;
	if (t->expires_at < 0)
		return err_field(e, ERR_INVALID, "expires_at", "expires_at lies before 1970");
	if (t->kind != TOKEN_KIND_JOIN)
		return t->node == NULL
			? 0
			: err_field(e, ERR_INVALID, "node", "only a join token is for a node");
	if (t->networks.n == 0)
		return err_field(
			e, ERR_INVALID, "networks", "a join token must admit to a network");
	VEC_FOREACH (n, &t->networks)
		if ((r = name_check(*n, "networks", e)) < 0)
			return r;
	return roles_check(t->roles, e);
}

void network_ifname(const struct network *n, const char *suffix, char ret[static IFNAME_LEN])
{
	if (n->interface != NULL && *n->interface != '\0')
		snprintf(ret, IFNAME_LEN, "%.11s%.4s", n->interface, suffix);
	else
		ifname_make(n->name, suffix, ret);
}
