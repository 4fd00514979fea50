/*
 * DOC: flows the kernel knows, against a network's rules. The firewall lets known flows pass, so
 * one that began before policy was narrowed would go on for ever. Here each flow of the network is
 * put to the rules again, as its first packet would be, and ended when they refuse it. One that
 * passes through is forgotten: its next packet is judged like any other. A TCP connection of a
 * program here cannot be: what the program sends again would begin it anew, from our side. It is
 * set back to where only a SYN would be valid, so that what comes for it is dropped as invalid.
 * Over ctnetlink; no program is started.
 */
#include "net/net.h"

#include "base/map.h"
#include "base/text.h"
#include "net/flow.h"
#include "net/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdlib.h>

#define STALLED 3600 /* seconds: longer than any TCP sends again (net.ipv4.tcp_retries2) */

/* What identifies a flow to the kernel. */
struct flow {
	uint8_t af;
	struct buf tuple; /* CTA_TUPLE_ORIG as it came */
	bool stall;       /* a TCP connection of this node */
	bool has_id;
	uint32_t id;
	bool has_zone;
	uint16_t zone;
};

struct pruning {
	const struct firewall_item *f;
	const struct prefix_vec *own;
	struct map sets; /* name -> struct prefix_vec, aggregated */
	VEC(struct flow) refused;
};

/* --- the rules -------------------------------------------------------------------------------- */

/* Is the address in one of the prefixes, which are sorted and apart? */
static bool has(const struct prefix_vec *v, struct addr a)
{
	size_t lo = 0, hi = v == NULL ? 0 : v->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr_compare(v->v[mid].addr, a) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && prefix_has(v->v[lo - 1], a);
}

static bool side_matches(const struct pruning *p, const char *set, struct addr a)
{
	return set == NULL || set[0] == '\0' || has(map_get(&p->sets, set), a);
}

static bool ports_match(const struct strs *ports, uint16_t port)
{
	if (ports->n == 0)
		return true;
	VEC_FOREACH (text, ports) {
		char *end;
		unsigned long first = strtoul(*text, &end, 10);
		unsigned long last = *end == '-' ? strtoul(end + 1, NULL, 10) : first;

		if (first <= port && port <= last)
			return true;
	}
	return false;
}

static bool protocol_matches(const struct fw_rule *r, const struct flow_tuple *t)
{
	static const struct {
		const char *word;
		uint8_t numbers[2];
	} words[] = {{"tcp", {IPPROTO_TCP, IPPROTO_TCP}}, {"udp", {IPPROTO_UDP, IPPROTO_UDP}},
		{"icmp", {IPPROTO_ICMP, IPPROTO_ICMPV6}}};
	const char *want = r->protocol == NULL ? "" : r->protocol;

	if (strcmp(want, "any") == 0)
		return r->ports.n == 0;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].word, want) == 0)
			return (t->protocol == words[i].numbers[0] ||
				       t->protocol == words[i].numbers[1]) &&
				ports_match(&r->ports, t->dport);
	return false;
}

static bool allowed(const struct pruning *p, const struct flow_tuple *t)
{
	const struct fw_rule_vec *rules = has(p->own, t->dst) ? &p->f->input : &p->f->forward;

	VEC_FOREACH (r, rules)
		if (protocol_matches(r, t) && side_matches(p, r->from, t->src) &&
			side_matches(p, r->to, t->dst))
			return true;
	return false;
}

/* A full tunnel's: where it goes no rule says, its exit is its right. */
static bool leaves(const struct pruning *p, const struct flow_tuple *t, uint32_t mark)
{
	const struct firewall_item *f = p->f;

	if (prefix_vec_has(&f->inside, t->dst))
		return false;
	if (f->exit_mark != 0 && mark == f->exit_mark)
		return true;
	VEC_FOREACH (x, &f->exits)
		if (x->mark != 0 && has(map_get(&p->sets, x->set), t->src))
			return true;
	return false;
}

/* --- flows ------------------------------------------------------------------------------------ */

static bool is_ours(const struct pruning *p, const struct flow_tuple *t)
{
	if (has(p->own, t->src))
		return false; /* begun by this node: who takes it decides */
	return prefix_vec_has(&p->f->overlay, t->src) || prefix_vec_has(&p->f->overlay, t->dst);
}

static void flow_each(const struct nlmsghdr *nlh, void *arg)
{
	struct pruning *p = arg;
	struct flow_seen seen;
	struct flow flow = {0};

	if (!flow_read(nlh, &seen) || !is_ours(p, &seen.judged) || allowed(p, &seen.judged) ||
		leaves(p, &seen.judged, seen.mark))
		return;
	flow.stall = seen.judged.protocol == IPPROTO_TCP && has(p->own, seen.judged.dst);
	if (flow.stall && seen.tcp_state == TCP_CONNTRACK_SYN_SENT)
		return; /* it was before, or has not begun */
	flow.af = seen.af;
	buf_add(&flow.tuple, mnl_attr_get_payload(seen.tuple),
		mnl_attr_get_payload_len(seen.tuple));
	flow.has_id = seen.has_id;
	flow.id = seen.id;
	flow.has_zone = seen.has_zone;
	flow.zone = seen.zone;
	VEC_PUSH(&p->refused, flow);
}

static void flows_reset(void *arg)
{
	struct pruning *p = arg;

	VEC_FOREACH (flow, &p->refused)
		buf_done(&flow->tuple);
	VEC_DONE(&p->refused);
}

static struct nlmsghdr *begin(struct net *n, uint16_t type, uint16_t flags, uint8_t af)
{
	void *header;
	struct nlmsghdr *nlh = rtnl_begin(n, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type), flags,
		sizeof(struct nfgenmsg), &header);

	((struct nfgenmsg *)header)->nfgen_family = af;
	return nlh;
}

static void put_syn_sent(struct nlmsghdr *nlh)
{
	struct nlattr *info = mnl_attr_nest_start(nlh, CTA_PROTOINFO);
	struct nlattr *tcp = mnl_attr_nest_start(nlh, CTA_PROTOINFO_TCP);

	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_SYN_SENT);
	mnl_attr_nest_end(nlh, tcp);
	mnl_attr_nest_end(nlh, info);
	mnl_attr_put_u32(nlh, CTA_TIMEOUT, htonl(STALLED));
}

/* 1 when it is ended, 0 when it had gone by itself. */
static int end(struct net *n, const struct flow *flow, struct err *e)
{
	struct nlmsghdr *nlh =
		begin(n, flow->stall ? IPCTNL_MSG_CT_NEW : IPCTNL_MSG_CT_DELETE, 0, flow->af);
	int errnum;

	mnl_attr_put(nlh, CTA_TUPLE_ORIG | NLA_F_NESTED, flow->tuple.len, flow->tuple.data);
	if (flow->has_zone)
		mnl_attr_put_u16(nlh, CTA_ZONE, flow->zone);
	if (flow->stall)
		put_syn_sent(nlh);
	else if (flow->has_id)
		mnl_attr_put_u32(nlh, CTA_ID, flow->id);
	errnum = rtnl_send(n, nlh);
	if (errnum != 0 && errnum != ENOENT)
		return err_errno(e, errnum, "cannot end a flow");
	return errnum == 0;
}

static void free_set(void *v)
{
	VEC_DONE((struct prefix_vec *)v);
	mem_free(v);
}

static void gather(struct pruning *p, const char *network, const struct item_vec *set_items)
{
	VEC_FOREACH (i, set_items) {
		struct prefix_vec *v;

		if ((*i)->kind != ITEM_SET || strcmp((*i)->network, network) != 0)
			continue;
		v = map_get(&p->sets, (*i)->set.set);
		if (v == NULL) {
			v = NEW(struct prefix_vec);
			map_set(&p->sets, (*i)->set.set, v);
		}
		VEC_PUSH(v, (*i)->set.prefix);
	}
	MAP_FOREACH (slot, &p->sets)
		prefix_vec_aggregate(slot->value);
}

int net_flows_prune(const char *network, const struct firewall_item *f,
	const struct item_vec *set_items, const struct prefix_vec *own, struct err *e)
{
	struct net *n = rtnl_open(NETLINK_NETFILTER, e);
	struct prefix_vec sorted = {0};
	struct pruning p = {.f = f, .own = &sorted};
	struct rtnl_sink sink = {flows_reset, flow_each, &p};
	int ended = 0, errnum, rc = 0;

	if (n == NULL)
		return ERR_SYSTEM;
	prefix_vec_copy(&sorted, own);
	prefix_vec_aggregate(&sorted);
	gather(&p, network, set_items);
	errnum = rtnl_collect(n, begin(n, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC), &sink);
	if (errnum == EINVAL || errnum == EOPNOTSUPP)
		rc = err_set(e, ERR_UNSUPPORTED,
			"this kernel does not show the flows it knows (nf_conntrack_netlink)");
	else if (errnum != 0)
		rc = err_errno(e, errnum, "cannot list flows");
	for (size_t i = 0; rc >= 0 && i < p.refused.n; i++) {
		rc = end(n, &p.refused.v[i], e);
		ended += rc > 0;
	}
	flows_reset(&p);
	map_done(&p.sets, free_set);
	VEC_DONE(&sorted);
	net_free(n);
	return rc < 0 ? rc : ended;
}
