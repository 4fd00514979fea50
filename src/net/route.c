/*
 * DOC: routes of the main table. Ours carry NET_ROUTE_PROTOCOL; one of somebody else's is never
 * replaced or deleted, also when it has the same destination and metric.
 */
#include "net/address.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct seen_route {
	struct prefix dst;
	int index;
	uint32_t metric;
	uint8_t protocol, type;
	struct addr gateway, source;
};
VEC_TYPE(seen_vec, struct seen_route);

static void seen_reset(void *arg)
{
	((struct seen_vec *)arg)->n = 0;
}

/* The interface of a route: its own, or that of the first of several next hops. */
static int out_index(const struct nlattr *attrs[static RTA_MULTIPATH + 1])
{
	const struct nlattr *many = attrs[RTA_MULTIPATH];

	if (many != NULL && mnl_attr_get_payload_len(many) >= sizeof(struct rtnexthop))
		return ((const struct rtnexthop *)mnl_attr_get_payload(many))->rtnh_ifindex;
	return (int)rtnl_u32(attrs[RTA_OIF], 0);
}

static void seen_each(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[RTA_TABLE + 1];
	struct seen_route route;

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) ||
		(rtm->rtm_flags & RTM_F_CLONED) ||
		(rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6))
		return;
	rtnl_attrs(nlh, sizeof(*rtm), attrs, RTA_TABLE);
	if (rtnl_u32(attrs[RTA_TABLE], rtm->rtm_table) != RT_TABLE_MAIN)
		return;
	route = (struct seen_route){.index = out_index(attrs),
		.metric = rtnl_u32(attrs[RTA_PRIORITY], 0),
		.protocol = rtm->rtm_protocol,
		.type = rtm->rtm_type,
		.gateway = rtnl_get_addr(attrs[RTA_GATEWAY], rtm->rtm_family),
		.source = rtnl_get_addr(attrs[RTA_PREFSRC], rtm->rtm_family),
		.dst = {.len = rtm->rtm_dst_len}};
	route.dst.addr = rtnl_get_addr(attrs[RTA_DST], rtm->rtm_family);
	if (!addr_is_set(route.dst.addr) && rtm->rtm_dst_len == 0)
		route.dst.addr.family = rtm->rtm_family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6;
	if (addr_is_set(route.dst.addr) && route.dst.len <= addr_width(route.dst.addr))
		VEC_PUSH((struct seen_vec *)arg, route);
}

/* Routes of one family; protocol 0 = all. Appends. */
static int dump(struct net *n, enum family f, uint8_t protocol, struct seen_vec *ret, struct err *e)
{
	const struct rtnl_sink sink = {seen_reset, seen_each, ret};
	void *header;
	struct nlmsghdr *nlh =
		rtnl_begin(n, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg), &header);
	struct rtmsg *rtm = header;
	int errnum;

	rtm->rtm_family = (uint8_t)rtnl_af(f);
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = protocol;
	errnum = rtnl_collect(n, nlh, &sink);
	/* A family the kernel has not, and a table nothing was ever put in. */
	if (errnum == EAFNOSUPPORT || errnum == EOPNOTSUPP || errnum == ENOENT)
		return 0;
	return errnum == 0 ? 0 : err_errno(e, errnum, "cannot list routes");
}

/* What is stored for a metric of 0. */
static uint32_t default_metric(enum family f)
{
	return f == FAMILY_IPV6 ? 1024 : 0;
}

static uint32_t stored_metric(const struct route_item *r)
{
	return r->metric == 0 ? default_metric(r->dst.addr.family) : r->metric;
}

int net_route_list(struct net *n, struct route_vec *ret, struct err *e)
{
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
	struct seen_vec seen = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(families); i++) {
		r = dump(n, families[i], NET_ROUTE_PROTOCOL, &seen, e);
		if (r < 0)
			break;
		VEC_FOREACH (s, &seen) {
			struct route_item item = {.dst = s->dst, .metric = s->metric};

			if (s->protocol != NET_ROUTE_PROTOCOL ||
				if_indextoname((unsigned)s->index, item.interface) == NULL)
				continue;
			if (item.metric == default_metric(s->dst.addr.family))
				item.metric = 0;
			VEC_PUSH(ret, item);
		}
		seen.n = 0;
	}
	VEC_DONE(&seen);
	return r;
}

static int change(
	struct net *n, uint16_t type, uint16_t flags, const struct route_item *r, int index)
{
	void *header;
	struct nlmsghdr *nlh = rtnl_begin(n, type, flags, sizeof(struct rtmsg), &header);
	struct rtmsg *rtm = header;

	rtm->rtm_family = (uint8_t)rtnl_af(r->dst.addr.family);
	rtm->rtm_dst_len = r->dst.len;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = NET_ROUTE_PROTOCOL;
	rtm->rtm_type = RTN_UNICAST;
	rtm->rtm_scope = r->dst.addr.family == FAMILY_IPV4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	rtnl_put_addr(nlh, RTA_DST, r->dst.addr);
	mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)index);
	if (stored_metric(r) != 0) /* a delete without one takes the first it finds */
		mnl_attr_put_u32(nlh, RTA_PRIORITY, stored_metric(r));
	return rtnl_send(n, nlh);
}

static int fail(int errnum, const struct route_item *r, const char *what, struct err *e)
{
	char text[PREFIX_TEXT_LEN];

	if (errnum == 0)
		return 0;
	return err_errno(e, errnum, "cannot %s route %s by %s", what, prefix_format(r->dst, text),
		r->interface);
}

/* Same destination and metric, already there: ours is replaced in one step, so that no packet
 * falls between; another's is left alone. */
static int replace(struct net *n, const struct route_item *r, int index, struct err *e)
{
	char text[PREFIX_TEXT_LEN];
	struct seen_vec seen = {0};
	int result = dump(n, r->dst.addr.family, NET_ROUTE_PROTOCOL, &seen, e), ours = 0;

	VEC_FOREACH (s, &seen)
		ours |= s->protocol == NET_ROUTE_PROTOCOL && prefix_compare(s->dst, r->dst) == 0 &&
			s->metric == stored_metric(r);
	VEC_DONE(&seen);
	if (result < 0)
		return result;
	if (!ours)
		return err_set(e, ERR_EXISTS, "the route to %s belongs to somebody else",
			prefix_format(r->dst, text));
	return fail(
		change(n, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, r, index), r, "replace", e);
}

int net_route_add(struct net *n, const struct route_item *r, struct err *e)
{
	int index = 0, errnum, result = net_link_index(n, r->interface, &index, e);

	if (result < 0)
		return result;
	errnum = change(n, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, r, index);
	return errnum == EEXIST ? replace(n, r, index, e) : fail(errnum, r, "add", e);
}

int net_route_delete(struct net *n, const struct route_item *r, struct err *e)
{
	int index = 0, errnum, result = net_link_index(n, r->interface, &index, e);

	if (result < 0)
		return result == ERR_NOT_FOUND ? 0 : result;
	errnum = change(n, RTM_DELROUTE, 0, r, index);
	return errnum == ESRCH ? 0 : fail(errnum, r, "delete", e);
}

/* A route that is not ours and could be in the way of one. */
static bool is_other(const struct seen_route *s)
{
	return s->protocol != NET_ROUTE_PROTOCOL && s->dst.len > 0 && !addr_is_special(s->dst.addr);
}

int net_route_others(struct net *n, struct route_vec *ret, struct err *e)
{
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
	struct seen_vec seen = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(families); i++) {
		r = dump(n, families[i], 0, &seen, e);
		VEC_FOREACH (s, &seen) {
			struct route_item item = {
				.dst = s->dst, .metric = s->metric, .interface = "?"};

			if (r < 0 || !is_other(s))
				continue;
			if_indextoname((unsigned)s->index, item.interface);
			VEC_PUSH(ret, item);
		}
		seen.n = 0;
	}
	VEC_DONE(&seen);
	return r;
}

int net_route_overlap(struct net *n, struct prefix p, struct buf *ret_text, struct err *e)
{
	struct seen_vec seen = {0};
	int r = dump(n, p.addr.family, 0, &seen, e);

	VEC_FOREACH (s, &seen) {
		char text[PREFIX_TEXT_LEN], name[IF_NAMESIZE] = "?";

		if (r != 0 || !is_other(s) || !prefix_overlaps(s->dst, p))
			continue;
		if_indextoname((unsigned)s->index, name);
		buf_addf(ret_text, "%s dev %s", prefix_format(s->dst, text), name);
		r = 1;
	}
	VEC_DONE(&seen);
	return r;
}

/* The lowest metric wins, as in the kernel; a full tunnel of ours is not what we look for. */
static const struct seen_route *best_default(const struct seen_vec *v)
{
	const struct seen_route *best = NULL;

	VEC_FOREACH (s, v)
		if (s->dst.len == 0 && s->type == RTN_UNICAST &&
			s->protocol != NET_ROUTE_PROTOCOL &&
			(best == NULL || s->metric < best->metric))
			best = s;
	return best;
}

/* How well an address serves as source of the route; 0 = not at all. */
static int source_score(const struct owned_address *a, const struct seen_route *route)
{
	struct prefix on_link = {a->addr, a->len};

	if (a->index != route->index || a->scope != RT_SCOPE_UNIVERSE ||
		(a->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED)))
		return 0;
	on_link.addr = prefix_first(on_link);
	if (addr_is_set(route->gateway) && prefix_has(on_link, route->gateway))
		return 3;
	return a->addr.family == FAMILY_IPV6 && (a->flags & IFA_F_TEMPORARY) ? 1 : 2;
}

int net_default_address(struct net *n, enum family f, struct addr *ret, struct err *e)
{
	const struct seen_route *route;
	struct seen_vec seen = {0};
	struct owned_vec owned = {0};
	struct addr best = {0};
	int score = 0, r = dump(n, f, 0, &seen, e);

	route = best_default(&seen);
	if (r == 0 && route != NULL)
		best = route->source;
	if (r == 0 && route != NULL && !addr_is_set(best)) {
		r = net_address_all(n, f, &owned, e);
		VEC_FOREACH (a, &owned)
			if (source_score(a, route) > score) {
				score = source_score(a, route);
				best = a->addr;
			}
	}
	if (r == 0 && !addr_is_set(best))
		r = err_set(e, ERR_NOT_FOUND, "there is no default route with an IPv%d address", f);
	if (r == 0)
		*ret = best;
	VEC_DONE(&seen);
	VEC_DONE(&owned);
	return r;
}
