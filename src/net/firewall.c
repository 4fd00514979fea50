/*
 * DOC: a network's nft table: its skeleton (sets, chains, rules) as text, what is in its sets as
 * content; pure. What arrives on an overlay interface, or is passed on to or from one, is dropped
 * unless a rule allows it; everything else is none of our business.
 *
 *	input hook ───> wr_input ── not overlay: accept; limits; known flow: accept; rules; drop
 *	forward hook ─> wr_forward ── from or to overlay: limits; wr_pass ── known flow; rules; drop
 *	                both ── from outside with an address of the overlay: drop
 *	                          └── from a hub back into it: wr_relay ── rules, either way; drop
 *	postrouting ──> wr_nat ── overlay to a masqueraded destination, leaving the overlay
 *
 * Each rule is written once a family, over that family's part of its sets (addresses, and ranges
 * when there are some). A part without members matches nothing, so a rule whose destination has no
 * IPv6 address allows no IPv6. A rule that cannot be understood is left out: less is allowed, never
 * more. No rule makes a set of its own ("dport { 22, 80 }"): the kernel names such sets anew at
 * every load, and a table that is loaded again would not read back the same.
 *
 * A device's rate limits are two objects of the table (up, down), which a map finds by its address.
 * Where nobody is limited there are neither maps nor rules for it.
 */
#include "net/firewall.h"

#include "base/map.h"
#include "base/text.h"
#include "model/names.h"
#include "net/firewall_exit.h"
#include "net/net.h"

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
	const char *inside;               /* set of our own, with exits */
	const char *up, *down;            /* maps of our own: address -> limit */
} halves[] = {
	{FAMILY_IPV4, "ip", "ipv4_addr", "meta nfproto ipv4", "icmp", "overlay_4", "masquerade_4",
		"inside_4", "limit_up_4", "limit_down_4"},
	{FAMILY_IPV6, "ip6", "ipv6_addr", "meta nfproto ipv6", "icmpv6", "overlay_6",
		"masquerade_6", "inside_6", "limit_up_6", "limit_down_6"},
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

static void add_limit_maps(struct buf *out, const struct half *h)
{
	const char *const maps[] = {h->up, h->down};

	for (size_t i = 0; i < ARRAY_LEN(maps); i++)
		buf_addf(out, "\tmap %s {\n\t\ttype %s : limit\n\t}\n", maps[i], h->type);
}

static void add_sets(
	struct buf *out, const struct firewall_item *f, const struct members_vec *v, bool limited)
{
	char name[NFT_NAME_LEN];

	buf_adds(out, "\tset " INTERFACES " {\n\t\ttype ifname\n\t}\n");
	for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
		const struct half *h = &halves[i];

		if (limited)
			add_limit_maps(out, h);
		if (firewall_has_exits(f))
			add_set(out, h, NFT_RANGES, h->inside);
		add_set(out, h, NFT_RANGES, h->overlay);
		if (f->masquerade.n > 0)
			add_set(out, h, NFT_RANGES, h->masquerade);
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

/* What of the protocol a rule wants, one text for each of its ports, with a space before;
 * ERR_INVALID when it makes no sense. replies: the packets that answer those of the rule. */
static int protocol_texts(
	const struct fw_rule *r, const struct half *h, bool replies, struct strs *ret)
{
	const char *protocol = r->protocol == NULL ? "" : r->protocol;
	int has_ports = strcmp(protocol, "tcp") == 0 || strcmp(protocol, "udp") == 0;
	CLEANUP(buf_done) struct buf text = {0};

	if (r->ports.n > 0 && !has_ports)
		return ERR_INVALID;
	if (strcmp(protocol, "icmp") == 0)
		buf_addf(&text, " meta l4proto %s", h->icmp);
	else if (has_ports && r->ports.n == 0)
		buf_addf(&text, " meta l4proto %s", protocol);
	else if (!has_ports && strcmp(protocol, "any") != 0)
		return ERR_INVALID;
	if (r->ports.n == 0)
		strs_push(ret, buf_str(&text));
	VEC_FOREACH (port, &r->ports) {
		buf_reset(&text);
		buf_addf(&text, " %s %s ", protocol, replies ? "sport" : "dport");
		if (port_add(&text, *port) < 0)
			return ERR_INVALID;
		strs_push(ret, buf_str(&text));
	}
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
	const struct members_vec *members, bool replies)
{
	CLEANUP(strs_done) struct strs protocols = {0};
	struct side from = side_of(h, "saddr", replies ? r->to : r->from, members);
	struct side to = side_of(h, "daddr", replies ? r->from : r->to, members);

	if (protocol_texts(r, h, replies, &protocols) < 0)
		return;
	for (size_t i = 0; i < from.n; i++)
		for (size_t k = 0; k < to.n; k++)
			VEC_FOREACH (protocol, &protocols)
				buf_addf(out, "\t\t%s%s%s%s accept\n", h->only, from.text[i],
					to.text[k], *protocol);
}

static void rules_add(struct buf *out, const struct fw_rule_vec *rules,
	const struct members_vec *members, bool replies)
{
	VEC_FOREACH (r, rules)
		for (size_t i = 0; i < ARRAY_LEN(halves); i++)
			rule_add(out, r, &halves[i], members, replies);
}

/* From a hub back into it. The two ends of a flow may use different paths, so that a relay sees
 * one half of it, which connection tracking calls invalid: here packets of a rule pass, and those
 * that could answer them. Which of them belong to a flow is for the end to say: its own firewall
 * saw all of it. */
static void relay_add(
	struct buf *out, const struct firewall_item *f, const struct members_vec *members)
{
	buf_adds(out,
		"\tchain wr_relay {\n"
		"\t\tct state established,related accept\n");
	rules_add(out, &f->forward, members, false);
	rules_add(out, &f->forward, members, true);
	buf_adds(out, "\t\tdrop\n\t}\n");
}

/* A device that came from another gateway in the middle of a flow: this one has not seen it begin,
 * or not what came after; so what is sent to the device does not look like an answer, and neither
 * side's numbers like what was last seen. Packets of a rule pass, and those that could answer them.
 * No flow can be opened with that, and the ends know which are theirs. */
static void moved_add(
	struct buf *out, const struct firewall_item *f, const struct members_vec *members)
{
	buf_adds(out, "\tchain wr_moved {\n");
	rules_add(out, &f->forward, members, false);
	rules_add(out, &f->forward, members, true);
	buf_adds(out, "\t}\n");
}

static void moved_jump(
	struct buf *out, const struct firewall_item *f, const char *state, const char *side)
{
	if (ifname_check(f->shared) == 0)
		buf_addf(out, "\t\t%s%s \"%s\" tcp flags & syn == 0 jump wr_moved\n", state, side,
			f->shared);
}

static void known_flows_add(struct buf *out)
{
	buf_adds(out, "\t\tct state established,related accept\n\t\tct state invalid drop\n");
}

/* WireGuard vouches for who sends within the overlay. Elsewhere anybody may write its addresses on
 * a packet: rules that look at the sender must not believe it. */
static void strangers_drop(struct buf *out, const char *where)
{
	for (size_t i = 0; i < ARRAY_LEN(halves); i++)
		buf_addf(out, "\t\tiifname != @" INTERFACES "%s %s saddr @%s drop\n", where,
			halves[i].ip, halves[i].overlay);
}

/* What devices send (before all else: known flows count, too), or what is sent to them. */
static void limits_add(struct buf *out, const char *side, const char *keyword)
{
	for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
		const struct half *h = &halves[i];

		buf_addf(out, "\t\t%s @" INTERFACES " limit name %s %s map @%s drop\n", side, h->ip,
			keyword, strcmp(keyword, "saddr") == 0 ? h->up : h->down);
	}
}

static void chains_add(struct buf *out, const struct firewall_item *f,
	const struct members_vec *members, bool limited)
{
	firewall_exit_marks(out, f);
	buf_adds(out,
		"\tchain wr_input {\n"
		"\t\ttype filter hook input priority filter; policy accept;\n"
		"\t\tiifname \"lo\" accept\n");
	strangers_drop(out, "");
	buf_adds(out, "\t\tiifname != @" INTERFACES " accept\n");
	if (limited)
		limits_add(out, "iifname", "saddr");
	known_flows_add(out);
	rules_add(out, &f->input, members, false);
	buf_adds(out,
		"\t\tdrop\n\t}\n"
		"\tchain wr_pass {\n");
	firewall_exit_refuse(out, f);
	moved_jump(out, f, "ct state invalid ", "iifname");
	moved_jump(out, f, "ct state invalid ", "oifname");
	known_flows_add(out);
	rules_add(out, &f->forward, members, false);
	moved_jump(out, f, "", "oifname");
	firewall_exit_accept(out, f);
	buf_adds(out, "\t\tdrop\n\t}\n");
	if (f->shared[0] != '\0')
		moved_add(out, f, members);
	if (f->hubs.n > 0)
		relay_add(out, f, members);
	buf_adds(out,
		"\tchain wr_forward {\n"
		"\t\ttype filter hook forward priority filter; policy accept;\n");
	strangers_drop(out, " oifname @" INTERFACES);
	if (limited) {
		limits_add(out, "iifname", "saddr");
		limits_add(out, "oifname", "daddr");
	}
	VEC_FOREACH (hub, &f->hubs)
		if (ifname_check(*hub) == 0)
			buf_addf(out, "\t\tiifname \"%s\" oifname \"%s\" goto wr_relay\n", *hub,
				*hub);
	buf_adds(out,
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

/* --- what is in the sets ---------------------------------------------------------------------- */

static void ranges_content(
	struct nf_content *c, const char *set, enum family f, const struct prefix_vec *aggregated)
{
	struct nf_set *s = nf_content_set(c, set, true);

	VEC_FOREACH (p, aggregated)
		if (p->addr.family == f)
			nf_elems_range(&s->elems, *p);
}

/* A list of the firewall item, aggregated here: it comes in the planner's order. */
static void list_content(
	struct nf_content *c, const char *set, enum family f, const struct prefix_vec *list)
{
	struct prefix_vec v = {0};

	prefix_vec_copy(&v, list);
	prefix_vec_aggregate(&v);
	ranges_content(c, set, f, &v);
	VEC_DONE(&v);
}

static void members_content(struct nf_content *c, const struct members *m, enum family f)
{
	char name[NFT_NAME_LEN];
	struct nf_set *hosts = nf_content_set(c, nft_set(m->name, NFT_HOSTS, f, name), false);

	for (size_t i = 0; i < m->hosts.n; i++) {
		struct addr a = m->hosts.v[i].addr;

		if (a.family == f && (i == 0 || addr_compare(m->hosts.v[i - 1].addr, a) != 0))
			nf_elems_host(&hosts->elems, a, NULL);
	}
	if (has_ranges(m, f))
		ranges_content(c, nft_set(m->name, NFT_RANGES, f, name), f, &m->ranges);
}

static void limit_content(struct nf_content *c, const struct limit_item *l)
{
	const struct addr addrs[] = {l->addr, l->addr6};
	char word[ID_LEN + 24], up[NFT_NAME_LEN], down[NFT_NAME_LEN];
	uint64_t rate = l->rate / 8 > 0 ? l->rate / 8 : 1;

	/* the rate is in the name: a limit never changes, another one takes its place */
	snprintf(word, sizeof(word), "%s_%llu", l->device, (unsigned long long)l->rate);
	nf_limits_push(&c->limits, nft_name("up", word, up), rate);
	nf_limits_push(&c->limits, nft_name("down", word, down), rate);
	for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
		const struct half *h = &halves[i];

		if (addrs[i].family != h->family)
			continue;
		nf_elems_host(&nf_content_set(c, h->up, false)->elems, addrs[i], up);
		nf_elems_host(&nf_content_set(c, h->down, false)->elems, addrs[i], down);
	}
}

static void limits_content(struct nf_content *c, const char *network, const struct item_vec *items)
{
	VEC_FOREACH (i, items)
		if ((*i)->kind == ITEM_LIMIT && strcmp((*i)->network, network) == 0)
			limit_content(c, &(*i)->limit);
}

bool firewall_limited(const char *network, const struct item_vec *items)
{
	VEC_FOREACH (i, items)
		if ((*i)->kind == ITEM_LIMIT && strcmp((*i)->network, network) == 0)
			return true;
	return false;
}

void firewall_singles(const char *network, const struct item_vec *items, struct nf_content *ret)
{
	char name[NFT_NAME_LEN];

	VEC_FOREACH (i, items) {
		struct prefix p = (*i)->set.prefix;

		if ((*i)->kind != ITEM_SET || strcmp((*i)->network, network) != 0 ||
			nft_kind_of(p) != NFT_HOSTS)
			continue;
		nft_set((*i)->set.set, NFT_HOSTS, p.addr.family, name);
		nf_elems_host(&nf_content_set(ret, name, false)->elems, p.addr, NULL);
	}
	limits_content(ret, network, items);
}

void firewall_ranges(const char *network, const char *set, enum family f,
	const struct item_vec *items, struct nf_elem_vec *ret)
{
	struct prefix_vec v = {0};

	VEC_FOREACH (i, items)
		if ((*i)->kind == ITEM_SET && strcmp((*i)->network, network) == 0 &&
			strcmp((*i)->set.set, set) == 0 && (*i)->set.prefix.addr.family == f &&
			nft_kind_of((*i)->set.prefix) == NFT_RANGES)
			VEC_PUSH(&v, (*i)->set.prefix);
	prefix_vec_aggregate(&v);
	VEC_FOREACH (p, &v)
		nf_elems_range(ret, *p);
	VEC_DONE(&v);
}

static void content_make(const char *network, const struct firewall_item *f,
	const struct item_vec *items, const struct members_vec *members, bool limited,
	struct nf_content *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
		const struct half *h = &halves[i];

		if (limited) {
			nf_content_set(ret, h->up, false);
			nf_content_set(ret, h->down, false);
		}
		if (firewall_has_exits(f))
			list_content(ret, h->inside, h->family, &f->inside);
		list_content(ret, h->overlay, h->family, &f->overlay);
		if (f->masquerade.n > 0)
			list_content(ret, h->masquerade, h->family, &f->masquerade);
		VEC_FOREACH (m, members)
			members_content(ret, m, h->family);
	}
	limits_content(ret, network, items);
	nf_content_sort(ret);
}

bool firewall_is_content(const char *set)
{
	static const char *const prefixes[] = {
		"s_", "r_", "overlay_", "masquerade_", "inside_", NF_LIMIT_MAPS};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (strncmp(set, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

void firewall_make(const char *network, const struct firewall_item *f, const struct item_vec *items,
	struct firewall *ret)
{
	CLEANUP(members_done) struct members_vec members = {0};
	const char *table = nft_table(network, ret->table);

	gather(network, f, items, &members);
	ret->limited = firewall_limited(network, items);
	buf_addf(&ret->skeleton, "table inet %s {\n", table);
	add_sets(&ret->skeleton, f, &members, ret->limited);
	chains_add(&ret->skeleton, f, &members, ret->limited);
	buf_adds(&ret->skeleton, "}\n");
	/* A name ifname_check refuses cannot be an interface of ours: no backend makes it. */
	VEC_FOREACH (s, &f->interfaces)
		if (ifname_check(*s) == 0)
			buf_addf(&ret->skeleton, "add element inet %s " INTERFACES " { \"%s\" }\n",
				table, *s);
	if (f->masquerade.n > 0 || firewall_has_exits(f))
		ret->chains |= FIREWALL_NAT;
	if (firewall_has_exits(f))
		ret->chains |= FIREWALL_EXIT;
	if (f->hubs.n > 0)
		ret->chains |= FIREWALL_RELAY;
	if (f->shared[0] != '\0')
		ret->chains |= FIREWALL_MOVED;
	content_make(network, f, items, &members, ret->limited, &ret->content);
}

void firewall_done(struct firewall *fw)
{
	buf_done(&fw->skeleton);
	nf_content_done(&fw->content);
}

int firewall_text(
	const struct firewall *fw, const struct nf_content *old, unsigned had, struct buf *out)
{
	static const struct {
		unsigned bit;
		const char *chain;
	} optional[] = {{FIREWALL_NAT, "wr_nat"}, {FIREWALL_EXIT, "wr_exit"},
		{FIREWALL_RELAY, "wr_relay"}, {FIREWALL_MOVED, "wr_moved"}};
	static const struct nf_content none;
	struct nf_changes changes = {0};
	int r = nf_changes_between(old == NULL ? &none : old, &fw->content, &changes);

	if (r < 0)
		return r;
	if (old == NULL) {
		buf_addf(out, "add table inet %s\ndelete table inet %s\n", fw->table, fw->table);
	} else {
		buf_addf(out, "flush table inet %s\nflush set inet %s " INTERFACES "\n", fw->table,
			fw->table);
		for (size_t i = 0; i < ARRAY_LEN(optional); i++)
			if (had & ~fw->chains & optional[i].bit)
				buf_addf(out, "delete chain inet %s %s\n", fw->table,
					optional[i].chain);
		nf_changes_drop_text(&changes, fw->table, out);
	}
	buf_add(out, fw->skeleton.data, fw->skeleton.len);
	nf_changes_add_text(&changes, fw->table, out);
	nf_changes_done(&changes);
	return 0;
}

void net_firewall_text(const char *network, const struct firewall_item *f,
	const struct item_vec *set_items, struct buf *out)
{
	CLEANUP(firewall_done) struct firewall fw = {0};

	firewall_make(network, f, set_items, &fw);
	firewall_text(&fw, NULL, 0, out);
}
