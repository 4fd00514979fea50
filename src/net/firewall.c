/*
 * DOC: the text of a network's nft table; pure. What arrives on an overlay interface, or is passed
 * on to or from one, is dropped unless a rule allows it; everything else is none of our business.
 *
 *	input hook ───> wr_input ── not overlay: accept; known flow: accept; rules; drop
 *	forward hook ─> wr_forward ── from or to overlay: wr_pass ── known flow; rules; drop
 *	postrouting ──> wr_nat ── overlay to a masqueraded destination, leaving the overlay
 *
 * Each rule is written once a family, over that family's part of its sets (addresses, and ranges
 * when there are some). A part without members matches nothing, so a rule whose destination has no
 *IPv6 address allows no IPv6. A rule that cannot be understood is left out: less is allowed, never
 *more.
 */
#include "net/net.h"

#include "base/map.h"
#include "base/text.h"
#include "model/names.h"
#include "net/firewall_exit.h"
#include "net/nftname.h"

#include <stdio.h>
#include <stdlib.h>

static const struct half {
	enum family family;
	const char *ip;   /* keyword of the address expressions */
	const char *type; /* of set elements */
	const char *only; /* matches the family when no address is looked at */
	/* a word of nft itself: other names take /etc/protocols, which a bare Debian lacks */
	const char *icmp;
	const char *overlay, *masquerade; /* sets of our own */
} halves[] = {
	{FAMILY_IPV4, "ip", "ipv4_addr", "meta nfproto ipv4", "icmp", "overlay_4", "masquerade_4"},
	{FAMILY_IPV6, "ip6", "ipv6_addr", "meta nfproto ipv6", "icmpv6", "overlay_6",
		"masquerade_6"},
};

#define INTERFACES "interfaces"

/* Members of a set in order; sets in order of their names. */
struct members {
	char *name;
	struct prefix_vec hosts, ranges;
};
VEC_TYPE(members_vec, struct members);

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct members *)a)->name, ((const struct members *)b)->name);
}

static int by_prefix(const void *a, const void *b)
{
	return prefix_compare(*(const struct prefix *)a, *(const struct prefix *)b);
}

static void members_done(struct members_vec *v)
{
	VEC_FOREACH (m, v) {
		mem_free(m->name);
		VEC_DONE(&m->hosts);
		VEC_DONE(&m->ranges);
	}
	VEC_DONE(v);
}

static void declare(struct map *seen, struct members_vec *v, const char *name)
{
	struct members m = {0};

	if (name == NULL || name[0] == '\0' || map_get(seen, name) != NULL)
		return;
	map_set(seen, name, seen); /* any pointer: only presence counts */
	m.name = mem_strdup(name);
	VEC_PUSH(v, m);
}

static void declare_rules(struct map *seen, struct members_vec *v, const struct fw_rule_vec *rules)
{
	VEC_FOREACH (r, rules) {
		declare(seen, v, r->from);
		declare(seen, v, r->to);
	}
}

/* All sets the table needs, also one that a rule uses but nobody declared (it stays empty: the rule
 * then allows nothing, while an unknown name would keep the whole table from loading). */
static void gather(const char *network, const struct firewall_item *f,
	const struct item_vec *set_items, struct members_vec *ret)
{
	struct map seen = {0};

	VEC_FOREACH (s, &f->sets)
		declare(&seen, ret, *s);
	declare_rules(&seen, ret, &f->input);
	declare_rules(&seen, ret, &f->forward);
	map_done(&seen, NULL);
	if (ret->n > 0)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	seen = (struct map){0};
	VEC_FOREACH (m, ret)
		map_set(&seen, m->name, m);
	VEC_FOREACH (i, set_items) {
		struct members *m = (*i)->kind == ITEM_SET && strcmp((*i)->network, network) == 0
			? map_get(&seen, (*i)->set.set)
			: NULL;

		if (m == NULL)
			continue;
		if (nft_kind_of((*i)->set.prefix) == NFT_HOSTS)
			VEC_PUSH(&m->hosts, (*i)->set.prefix);
		else
			VEC_PUSH(&m->ranges, (*i)->set.prefix);
	}
	map_done(&seen, NULL);
	VEC_FOREACH (m, ret) {
		if (m->hosts.n > 1)
			qsort(m->hosts.v, m->hosts.n, sizeof(*m->hosts.v), by_prefix);
		prefix_vec_aggregate(&m->ranges); /* interval sets hold no overlaps */
	}
}

/* Does the set have ranges in that family? Without them the text has no set and no rule for it. */
static bool has_ranges(const struct members *m, enum family f)
{
	const struct prefix_vec *v = &m->ranges;

	/* sorted, IPv4 before IPv6 */
	return v->n > 0 && v->v[f == FAMILY_IPV4 ? 0 : v->n - 1].addr.family == f;
}

static void add_set(struct buf *out, const struct half *h, enum nft_kind kind, const char *name)
{
	/* Ranges without auto-merge: over that nft 1.0.6 crashes; the text holds no overlaps. */
	buf_addf(out, "\tset %s {\n\t\ttype %s\n%s\t}\n", name, h->type,
		kind == NFT_RANGES ? "\t\tflags interval\n" : "");
}

static void add_sets(struct buf *out, const struct firewall_item *f, const struct members_vec *v)
{
	char name[NFT_NAME_LEN];

	buf_adds(out, "\tset " INTERFACES " {\n\t\ttype ifname\n\t}\n");
	for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
		const struct half *h = &halves[i];

		if (f->masquerade.n > 0) {
			add_set(out, h, NFT_RANGES, h->overlay);
			add_set(out, h, NFT_RANGES, h->masquerade);
		}
		VEC_FOREACH (m, v) {
			add_set(out, h, NFT_HOSTS, nft_set(m->name, NFT_HOSTS, h->family, name));
			if (has_ranges(m, h->family))
				add_set(out, h, NFT_RANGES,
					nft_set(m->name, NFT_RANGES, h->family, name));
		}
	}
}

/* "443" or "8000-8999". */
static int port_add(struct buf *out, const char *text)
{
	AUTOFREE char *first = mem_strdup(text);
	char *dash = strchr(first, '-');
	uint64_t from, to;

	if (dash != NULL)
		*dash = '\0';
	if (text_u64(first, UINT16_MAX, &from) < 0)
		return ERR_INVALID;
	to = from;
	if (dash != NULL && text_u64(dash + 1, UINT16_MAX, &to) < 0)
		return ERR_INVALID;
	if (from == 0 || to < from)
		return ERR_INVALID;
	buf_addf(out, to == from ? "%u" : "%u-%u", (unsigned)from, (unsigned)to);
	return 0;
}

/* What of the protocol a rule wants, with a space before; ERR_INVALID when it makes no sense. */
static int protocol_add(struct buf *out, const struct fw_rule *r, const struct half *h)
{
	const char *protocol = r->protocol == NULL ? "" : r->protocol;
	int has_ports = strcmp(protocol, "tcp") == 0 || strcmp(protocol, "udp") == 0;

	if (r->ports.n > 0 && !has_ports)
		return ERR_INVALID;
	if (strcmp(protocol, "any") == 0)
		return 0;
	if (strcmp(protocol, "icmp") == 0) {
		buf_addf(out, " meta l4proto %s", h->icmp);
		return 0;
	}
	if (!has_ports)
		return ERR_INVALID;
	if (r->ports.n == 0) {
		buf_addf(out, " meta l4proto %s", protocol);
		return 0;
	}
	buf_addf(out, " %s dport { ", protocol);
	for (size_t i = 0; i < r->ports.n; i++) {
		buf_adds(out, i > 0 ? ", " : "");
		if (port_add(out, r->ports.v[i]) < 0)
			return ERR_INVALID;
	}
	buf_adds(out, " }");
	return 0;
}

/* One side of a rule as the nft sets it may match: "" (any) is one alternative that says nothing;
 * a set is its hosts, and its ranges when it has some. */
struct side {
	char text[2][NFT_NAME_LEN + 16];
	size_t n;
};

static struct side side_of(const struct half *h, const char *keyword, const char *set,
	const struct members_vec *members)
{
	struct side s = {.n = 1};
	const struct members *m;
	char name[NFT_NAME_LEN];

	if (set == NULL || set[0] == '\0')
		return s;
	m = bsearch(&(struct members){.name = (char *)(uintptr_t)set}, members->v, members->n,
		sizeof(*m), by_name);
	s.n = has_ranges(m, h->family) ? 2 : 1;
	for (size_t i = 0; i < s.n; i++)
		snprintf(s.text[i], sizeof(s.text[i]), " %s %s @%s", h->ip, keyword,
			nft_set(set, i == 0 ? NFT_HOSTS : NFT_RANGES, h->family, name));
	return s;
}

static void rule_add(struct buf *out, const struct fw_rule *r, const struct half *h,
	const struct members_vec *members)
{
	CLEANUP(buf_done) struct buf protocol = {0};
	struct side from = side_of(h, "saddr", r->from, members);
	struct side to = side_of(h, "daddr", r->to, members);

	if (protocol_add(&protocol, r, h) < 0)
		return;
	for (size_t i = 0; i < from.n; i++)
		for (size_t k = 0; k < to.n; k++)
			buf_addf(out, "\t\t%s%s%s%s accept\n", h->only, from.text[i], to.text[k],
				buf_str(&protocol));
}

static void rules_add(
	struct buf *out, const struct fw_rule_vec *rules, const struct members_vec *members)
{
	VEC_FOREACH (r, rules)
		for (size_t i = 0; i < ARRAY_LEN(halves); i++)
			rule_add(out, r, &halves[i], members);
}

static void known_flows_add(struct buf *out)
{
	buf_adds(out, "\t\tct state established,related accept\n\t\tct state invalid drop\n");
}

static void chains_add(
	struct buf *out, const struct firewall_item *f, const struct members_vec *members)
{
	firewall_exit_marks(out, f);
	buf_adds(out,
		"\tchain wr_input {\n"
		"\t\ttype filter hook input priority filter; policy accept;\n"
		"\t\tiifname != @" INTERFACES " accept\n");
	known_flows_add(out);
	rules_add(out, &f->input, members);
	buf_adds(out,
		"\t\tdrop\n\t}\n"
		"\tchain wr_pass {\n");
	firewall_exit_refuse(out, f);
	known_flows_add(out);
	rules_add(out, &f->forward, members);
	firewall_exit_accept(out, f);
	buf_adds(out,
		"\t\tdrop\n\t}\n"
		"\tchain wr_forward {\n"
		"\t\ttype filter hook forward priority filter; policy accept;\n"
		"\t\tiifname @" INTERFACES " goto wr_pass\n"
		"\t\toifname @" INTERFACES " goto wr_pass\n\t}\n");
	if (f->masquerade.n == 0 && !firewall_has_exits(f))
		return;
	buf_adds(out,
		"\tchain wr_nat {\n"
		"\t\ttype nat hook postrouting priority srcnat; policy accept;\n");
	firewall_exit_masquerade(out, f);
	for (size_t i = 0; f->masquerade.n > 0 && i < ARRAY_LEN(halves); i++) {
		const struct half *h = &halves[i];

		buf_addf(out,
			"\t\t%s saddr @%s %s daddr @%s oifname != @" INTERFACES " masquerade\n",
			h->ip, h->overlay, h->ip, h->masquerade);
	}
	buf_adds(out, "\t}\n");
}

/* A list of the firewall item, sorted here: it comes in the planner's order. */
static void list_add(struct buf *out, const char *table, const char *set, enum family f,
	const struct prefix_vec *list)
{
	struct prefix_vec v = {0};

	prefix_vec_copy(&v, list);
	prefix_vec_aggregate(&v);
	nft_elements(out, "add", table, set, NFT_RANGES, f, &v);
	VEC_DONE(&v);
}

static void pools_add(struct buf *out, const char *table, const struct firewall_item *f)
{
	for (size_t i = 0; f->masquerade.n > 0 && i < ARRAY_LEN(halves); i++) {
		const struct half *h = &halves[i];

		list_add(out, table, h->overlay, h->family, &f->overlay);
		list_add(out, table, h->masquerade, h->family, &f->masquerade);
	}
}

static void elements_add(struct buf *out, const char *table, const struct firewall_item *f,
	const struct members_vec *v)
{
	char name[NFT_NAME_LEN];

	/* A name ifname_check refuses cannot be an interface of ours: no backend makes it. */
	VEC_FOREACH (s, &f->interfaces)
		if (ifname_check(*s) == 0)
			buf_addf(out, "add element inet %s " INTERFACES " { \"%s\" }\n", table, *s);
	pools_add(out, table, f);
	VEC_FOREACH (m, v)
		for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
			enum family family = halves[i].family;

			nft_elements(out, "add", table, nft_set(m->name, NFT_HOSTS, family, name),
				NFT_HOSTS, family, &m->hosts);
			nft_elements(out, "add", table, nft_set(m->name, NFT_RANGES, family, name),
				NFT_RANGES, family, &m->ranges);
		}
}

void net_firewall_text(const char *network, const struct firewall_item *f,
	const struct item_vec *set_items, struct buf *out)
{
	CLEANUP(members_done) struct members_vec members = {0};
	char table[NFT_NAME_LEN];

	nft_table(network, table);
	gather(network, f, set_items, &members);
	buf_addf(out, "add table inet %s\ndelete table inet %s\ntable inet %s {\n", table, table,
		table);
	add_sets(out, f, &members);
	chains_add(out, f, &members);
	buf_adds(out, "}\n");
	elements_add(out, table, f, &members);
}
