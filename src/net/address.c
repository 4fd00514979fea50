/* DOC: addresses of interfaces, and which of them the default route would use. */
#include "net/address.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void owned_reset(void *arg)
{
	((struct owned_vec *)arg)->n = 0;
}

static void owned_each(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[IFA_FLAGS + 1];
	struct owned_vec *v = arg;
	struct owned_address a;

	if (nlh->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifa))
		return;
	rtnl_attrs(nlh, sizeof(*ifa), attrs, IFA_FLAGS);
	/* On a point-to-point link LOCAL is ours and ADDRESS is the other end. */
	a = (struct owned_address){.index = (int)ifa->ifa_index,
		.len = ifa->ifa_prefixlen,
		.scope = ifa->ifa_scope,
		.flags = rtnl_u32(attrs[IFA_FLAGS], ifa->ifa_flags),
		.addr = rtnl_get_addr(
			attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS], ifa->ifa_family)};
	if (addr_is_set(a.addr) && a.len <= addr_width(a.addr))
		VEC_PUSH(v, a);
}

int net_address_all(struct net *n, enum family f, struct owned_vec *ret, struct err *e)
{
	const struct rtnl_sink sink = {owned_reset, owned_each, ret};
	void *header;
	struct nlmsghdr *nlh =
		rtnl_begin(n, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg), &header);
	int errnum;

	((struct ifaddrmsg *)header)->ifa_family = (uint8_t)(f ? rtnl_af(f) : AF_UNSPEC);
	errnum = rtnl_collect(n, nlh, &sink);
	return errnum == 0 ? 0 : err_errno(e, errnum, "cannot list addresses");
}

int net_address_list(struct net *n, const char *ifname, struct address_vec *ret, struct err *e)
{
	struct owned_vec all = {0};
	int index = 0, r = net_link_index(n, ifname, &index, e);

	if (r == 0)
		r = net_address_all(n, FAMILY_NONE, &all, e);
	if (r == 0)
		VEC_FOREACH (a, &all) {
			struct address_item item = {.addr = a->addr, .len = a->len};

			if (a->index != index || a->scope >= RT_SCOPE_LINK)
				continue;
			snprintf(item.interface, sizeof(item.interface), "%s", ifname);
			VEC_PUSH(ret, item);
		}
	VEC_DONE(&all);
	return r;
}

static void fill(struct nlmsghdr *nlh, struct ifaddrmsg *ifa, const struct address_item *a,
	int index, uint8_t len)
{
	ifa->ifa_family = (uint8_t)rtnl_af(a->addr.family);
	ifa->ifa_prefixlen = len;
	ifa->ifa_index = (uint32_t)index;
	rtnl_put_addr(nlh, IFA_LOCAL, a->addr);
	rtnl_put_addr(nlh, IFA_ADDRESS, a->addr);
	if (nlh->nlmsg_type == RTM_NEWADDR && a->addr.family == FAMILY_IPV6)
		mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NODAD);
}

static int change(struct net *n, uint16_t type, uint16_t flags, const struct address_item *a,
	int index, uint8_t len)
{
	void *header;
	struct nlmsghdr *nlh = rtnl_begin(n, type, flags, sizeof(struct ifaddrmsg), &header);

	fill(nlh, header, a, index, len);
	return rtnl_send(n, nlh);
}

/* From one length to another in one datagram: packets that arrive meanwhile find the address,
 * however late this process comes to speak again. */
static int change_length(struct net *n, const struct address_item *a, int index, uint8_t old)
{
	struct nlmsghdr *gone, *come;
	void *header;

	gone = rtnl_begin(n, RTM_DELADDR, 0, sizeof(struct ifaddrmsg), &header);
	fill(gone, header, a, index, old);
	come = rtnl_begin_second(
		gone, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifaddrmsg), &header);
	fill(come, header, a, index, a->len);
	return rtnl_send_pair(n, gone, come);
}

static int check(const struct address_item *a, struct err *e)
{
	if (!addr_is_set(a->addr) || a->len > addr_width(a->addr))
		return err_field(
			e, ERR_INVALID, "address", "an address of %s is not one", a->interface);
	return 0;
}

static int fail(int errnum, const struct address_item *a, const char *what, struct err *e)
{
	char text[ADDR_TEXT_LEN];

	if (errnum == 0)
		return 0;
	return err_errno(e, errnum, "cannot %s address %s/%u of %s", what,
		addr_format(a->addr, text), a->len, a->interface);
}

/* IPv6 knows an address once, whatever its length: one of another length must go first. */
static int replace_length(struct net *n, const struct address_item *a, int index, struct err *e)
{
	struct address_vec there = {0};
	int r = net_address_list(n, a->interface, &there, e);

	VEC_FOREACH (old, &there)
		if (r == 0 && addr_compare(old->addr, a->addr) == 0 && old->len != a->len)
			r = fail(change_length(n, a, index, old->len), a, "replace", e);
	VEC_DONE(&there);
	return r;
}

int net_address_add(struct net *n, const struct address_item *a, struct err *e)
{
	int index = 0, errnum, r = check(a, e);

	if (r == 0)
		r = net_link_index(n, a->interface, &index, e);
	if (r < 0)
		return r;
	errnum = change(n, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, a, index, a->len);
	if (errnum == EEXIST)
		return a->addr.family == FAMILY_IPV6 ? replace_length(n, a, index, e) : 0;
	return fail(errnum, a, "add", e);
}

int net_address_delete(struct net *n, const struct address_item *a, struct err *e)
{
	int index = 0, errnum, r = check(a, e);

	if (r == 0)
		r = net_link_index(n, a->interface, &index, e);
	if (r < 0)
		return r == ERR_NOT_FOUND ? 0 : r;
	errnum = change(n, RTM_DELADDR, 0, a, index, a->len);
	return errnum == EADDRNOTAVAIL ? 0 : fail(errnum, a, "delete", e);
}
