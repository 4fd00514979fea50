/*
 * DOC: the way out of marked packets: a routing table whose number is the mark, and one rule a
 * family that leads there. The table ends in "unreachable", so a packet whose exit is gone goes
 * nowhere; what is inside is thrown back to the main table.
 *
 *	rule: fwmark M ──► table M:  throw inside; default dev EXIT; unreachable default
 *	on the exit itself:          gateway dev EXIT
 */
#include "net/rtnl.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define RULE_PRIORITY 5200
#define LAST_METRIC 4278198272u /* of the way that is left when the exit's is gone */
#define MARK_MASK 0xffffffffu

static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};

/* A family this kernel has not needs no way out. */
static int no_family(int errnum)
{
	return errnum == EAFNOSUPPORT || errnum == EOPNOTSUPP;
}

static int fail(int errnum, uint32_t mark, const char *what, struct err *e)
{
	return errnum == 0 ? 0
			   : err_errno(e, errnum, "cannot %s the way of mark 0x%08x", what, mark);
}

/* --- rules ------------------------------------------------------------------------------------ */

static int change_rule(struct net *n, uint16_t type, uint16_t flags, enum family f, uint32_t mark)
{
	void *header;
	struct nlmsghdr *nlh = rtnl_begin(n, type, flags, sizeof(struct fib_rule_hdr), &header);
	struct fib_rule_hdr *rule = header;

	rule->family = (uint8_t)rtnl_af(f);
	rule->table = RT_TABLE_UNSPEC;
	rule->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(nlh, FRA_PRIORITY, RULE_PRIORITY);
	mnl_attr_put_u32(nlh, FRA_FWMARK, mark);
	mnl_attr_put_u32(nlh, FRA_FWMASK, MARK_MASK);
	mnl_attr_put_u32(nlh, FRA_TABLE, mark);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, NET_ROUTE_PROTOCOL);
	return rtnl_send(n, nlh);
}

struct seen_mark {
	uint32_t mark;
	bool family[ARRAY_LEN(families)];
};
VEC_TYPE(seen_marks, struct seen_mark);

static void rules_reset(void *arg)
{
	((struct seen_marks *)arg)->n = 0;
}

static void rules_each(const struct nlmsghdr *nlh, void *arg)
{
	const struct fib_rule_hdr *rule = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[FRA_PROTOCOL + 1];
	struct seen_mark seen = {0};

	if (nlh->nlmsg_type != RTM_NEWRULE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*rule))
		return;
	rtnl_attrs(nlh, sizeof(*rule), attrs, FRA_PROTOCOL);
	seen.mark = rtnl_u32(attrs[FRA_FWMARK], 0);
	if (attrs[FRA_PROTOCOL] == NULL || mnl_attr_get_payload_len(attrs[FRA_PROTOCOL]) < 1 ||
		mnl_attr_get_u8(attrs[FRA_PROTOCOL]) != NET_ROUTE_PROTOCOL ||
		(seen.mark & 0xff000000u) != EXIT_MARK ||
		rtnl_u32(attrs[FRA_TABLE], 0) != seen.mark)
		return;
	seen.family[rule->family == AF_INET6] = true;
	VEC_PUSH((struct seen_marks *)arg, seen);
}

static void merge_mark(struct seen_marks *all, const struct seen_mark *one)
{
	VEC_FOREACH (m, all)
		if (m->mark == one->mark) {
			for (size_t i = 0; i < ARRAY_LEN(families); i++)
				m->family[i] |= one->family[i];
			return;
		}
	VEC_PUSH(all, *one);
}

/* Marks that rules of ours lead away, and in which families. */
static int list_marks(struct net *n, struct seen_marks *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct seen_marks seen = {0};
		const struct rtnl_sink sink = {rules_reset, rules_each, &seen};
		void *header;
		struct nlmsghdr *nlh = rtnl_begin(
			n, RTM_GETRULE, NLM_F_DUMP, sizeof(struct fib_rule_hdr), &header);
		int errnum;

		((struct fib_rule_hdr *)header)->family = (uint8_t)rtnl_af(families[i]);
		errnum = rtnl_collect(n, nlh, &sink);
		VEC_FOREACH (m, &seen)
			merge_mark(ret, m);
		if (no_family(errnum))
			VEC_FOREACH (m, ret)
				m->family[i] = true;
		VEC_DONE(&seen);
		if (errnum != 0 && !no_family(errnum))
			return err_errno(e, errnum, "cannot list routing rules");
	}
	return 0;
}

/* --- tables ----------------------------------------------------------------------------------- */

struct way {
	struct prefix dst;
	uint8_t type; /* RTN_ */
	int index;
};
VEC_TYPE(ways, struct way);
struct table {
	uint32_t number;
	struct ways ways;
};

static void table_reset(void *arg)
{
	((struct table *)arg)->ways.n = 0;
}

static void table_each(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[RTA_TABLE + 1];
	struct table *t = arg;
	struct way w = {0};

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) ||
		(rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6))
		return;
	rtnl_attrs(nlh, sizeof(*rtm), attrs, RTA_TABLE);
	if (rtnl_u32(attrs[RTA_TABLE], rtm->rtm_table) != t->number ||
		rtm->rtm_protocol != NET_ROUTE_PROTOCOL)
		return;
	w.type = rtm->rtm_type;
	w.index = (int)rtnl_u32(attrs[RTA_OIF], 0);
	w.dst.len = rtm->rtm_dst_len;
	w.dst.addr = rtnl_get_addr(attrs[RTA_DST], rtm->rtm_family);
	if (!addr_is_set(w.dst.addr))
		w.dst.addr.family = rtm->rtm_family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6;
	if (w.dst.len <= addr_width(w.dst.addr))
		VEC_PUSH(&t->ways, w);
}

static int read_table(struct net *n, uint32_t number, struct ways *ret, struct err *e)
{
	struct table t = {.number = number};
	const struct rtnl_sink sink = {table_reset, table_each, &t};
	int errnum = 0;

	for (size_t i = 0; errnum == 0 && i < ARRAY_LEN(families); i++) {
		void *header;
		struct nlmsghdr *nlh =
			rtnl_begin(n, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg), &header);
		struct rtmsg *rtm = header;

		rtm->rtm_family = (uint8_t)rtnl_af(families[i]);
		rtm->rtm_protocol = NET_ROUTE_PROTOCOL;
		mnl_attr_put_u32(nlh, RTA_TABLE, number);
		errnum = rtnl_collect(n, nlh, &sink);
		if (no_family(errnum) || errnum == ENOENT)
			errnum = 0; /* a table nothing was ever put in */
		VEC_FOREACH (w, &t.ways)
			VEC_PUSH(ret, *w);
		t.ways.n = 0;
	}
	VEC_DONE(&t.ways);
	return errnum == 0 ? 0 : err_errno(e, errnum, "cannot list routing table %u", number);
}

static int change_way(struct net *n, uint16_t type, uint32_t table, const struct way *w)
{
	uint16_t flags = type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_REPLACE : 0;
	void *header;
	struct nlmsghdr *nlh = rtnl_begin(n, type, flags, sizeof(struct rtmsg), &header);
	struct rtmsg *rtm = header;

	rtm->rtm_family = (uint8_t)rtnl_af(w->dst.addr.family);
	rtm->rtm_dst_len = w->dst.len;
	rtm->rtm_table = RT_TABLE_UNSPEC;
	rtm->rtm_protocol = NET_ROUTE_PROTOCOL;
	rtm->rtm_type = w->type;
	rtm->rtm_scope = w->type == RTN_UNICAST && w->dst.addr.family == FAMILY_IPV4
		? RT_SCOPE_LINK
		: RT_SCOPE_UNIVERSE;
	mnl_attr_put_u32(nlh, RTA_TABLE, table);
	if (w->dst.len > 0)
		rtnl_put_addr(nlh, RTA_DST, w->dst.addr);
	if (w->type == RTN_UNICAST)
		mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)w->index);
	if (w->type == RTN_UNREACHABLE)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, LAST_METRIC);
	return rtnl_send(n, nlh);
}

static struct way whole(enum family f, uint8_t type, int index)
{
	return (struct way){.dst.addr.family = (uint8_t)f, .type = type, .index = index};
}

static int put_way(struct net *n, uint32_t mark, struct way w, struct err *e)
{
	int errnum = change_way(n, RTM_NEWROUTE, mark, &w);

	return fail(no_family(errnum) ? 0 : errnum, mark, "make", e);
}

/* Throws and ways back are by destination; the rest is the table's frame. */
static const struct prefix_vec *list_of(const struct exit_item *x, uint8_t type)
{
	return type == RTN_THROW ? &x->inside : &x->back;
}

static int is_wanted(const struct exit_item *x, const struct way *w)
{
	bool back = x->back.n > 0;

	if (w->dst.len == 0 && w->type != RTN_THROW)
		return !back;
	VEC_FOREACH (p, list_of(x, w->type))
		if (prefix_compare(*p, w->dst) == 0)
			return 1;
	return 0;
}

/* A default by another interface was replaced already. */
static int drop_others(struct net *n, const struct exit_item *x, struct err *e)
{
	struct ways ways = {0};
	int rc = read_table(n, x->mark, &ways, e);

	VEC_FOREACH (w, &ways)
		if (rc == 0 && !is_wanted(x, w))
			rc = fail(change_way(n, RTM_DELROUTE, x->mark, w), x->mark, "change", e);
	VEC_DONE(&ways);
	return rc;
}

static int put_list(
	struct net *n, const struct exit_item *x, uint8_t type, int index, struct err *e)
{
	int rc = 0;

	VEC_FOREACH (p, list_of(x, type))
		if (rc == 0)
			rc = put_way(n, x->mark, (struct way){*p, type, index}, e);
	return rc;
}

static int put_whole(
	struct net *n, const struct exit_item *x, uint8_t type, int index, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; x->back.n == 0 && rc == 0 && i < ARRAY_LEN(families); i++)
		rc = put_way(n, x->mark, whole(families[i], type, index), e);
	return rc;
}

static int put_rules(struct net *n, uint32_t mark, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(families); i++) {
		int errnum =
			change_rule(n, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, families[i], mark);

		rc = fail(no_family(errnum) || errnum == EEXIST ? 0 : errnum, mark, "make", e);
	}
	return rc;
}

/* --- the room's door -------------------------------------------------------------------------- */

int net_exit_put(struct net *n, const struct exit_item *x, struct err *e)
{
	int index = 0;
	/* in this order nothing ever falls through to the main table but what is inside */
	int rc = put_whole(n, x, RTN_UNREACHABLE, 0, e);

	if (rc == 0)
		rc = put_list(n, x, RTN_THROW, 0, e);
	if (rc == 0)
		rc = put_rules(n, x->mark, e);
	if (rc == 0)
		rc = net_link_index(n, x->interface, &index, e);
	if (rc == 0)
		rc = put_whole(n, x, RTN_UNICAST, index, e);
	if (rc == 0)
		rc = put_list(n, x, RTN_UNICAST, index, e);
	return rc == 0 ? drop_others(n, x, e) : rc;
}

int net_exit_delete(struct net *n, uint32_t mark, struct err *e)
{
	struct ways ways = {0};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		while (change_rule(n, RTM_DELRULE, 0, families[i], mark) == 0)
			continue;
	rc = read_table(n, mark, &ways, e);
	VEC_FOREACH (w, &ways) {
		int errnum = rc == 0 ? change_way(n, RTM_DELROUTE, mark, w) : 0;

		rc = rc < 0 ? rc : fail(errnum == ESRCH ? 0 : errnum, mark, "delete", e);
	}
	VEC_DONE(&ways);
	return rc;
}

/* What a family's table holds besides throws. */
struct frame {
	int out; /* index of the default's interface */
	bool last;
};

/* One mark's table as an item. interface stays "" when any part of the way is missing. */
static int read_exit(struct net *n, const struct seen_mark *m, struct exit_item *ret, struct err *e)
{
	struct ways ways = {0};
	struct frame frames[ARRAY_LEN(families)] = {{0}};
	int rc = read_table(n, m->mark, &ways, e), index = 0;
	bool intact = m->family[0] && m->family[1];

	ret->mark = m->mark;
	VEC_FOREACH (w, &ways) {
		struct frame *f = &frames[w->dst.addr.family == FAMILY_IPV6];

		if (w->type == RTN_THROW)
			VEC_PUSH(&ret->inside, w->dst);
		else if (w->type == RTN_UNREACHABLE)
			f->last = true;
		else if (w->dst.len == 0)
			f->out = w->index;
		else
			VEC_PUSH(&ret->back, w->dst);
		if (w->type == RTN_UNICAST) {
			intact = intact && (index == 0 || index == w->index);
			index = w->index;
		}
	}
	/* a family the machine has not has neither */
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		intact = intact && frames[i].last == (frames[i].out != 0);
	if (!intact || index == 0 || if_indextoname((unsigned)index, ret->interface) == NULL)
		ret->interface[0] = '\0';
	VEC_DONE(&ways);
	return rc;
}

int net_exit_list(struct net *n, struct exit_vec *ret, struct err *e)
{
	struct seen_marks marks = {0};
	int rc = list_marks(n, &marks, e);

	VEC_FOREACH (m, &marks) {
		struct exit_item x = {0};

		if (rc == 0)
			rc = read_exit(n, m, &x, e);
		VEC_PUSH(ret, x);
	}
	VEC_DONE(&marks);
	return rc;
}

void net_exit_list_done(struct exit_vec *v)
{
	VEC_FOREACH (x, v) {
		VEC_DONE(&x->inside);
		VEC_DONE(&x->back);
	}
	VEC_DONE(v);
}
