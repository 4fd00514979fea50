/* DOC: links: look, up and down, MTU, delete. */
#include "net/rtnl.h"

#include "model/names.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

struct found {
	struct net_link link;
	bool any;
};

static void found_reset(void *arg)
{
	*(struct found *)arg = (struct found){0};
}

static void found_each(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[IFLA_MTU + 1];
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct found *f = arg;

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return;
	rtnl_attrs(nlh, sizeof(*ifi), attrs, IFLA_MTU);
	*f = (struct found){.any = true,
		.link = {.index = ifi->ifi_index,
			.up = (ifi->ifi_flags & IFF_UP) != 0,
			.mtu = rtnl_u32(attrs[IFLA_MTU], 0)}};
}

static int fail(int errnum, const char *ifname, const char *what, struct err *e)
{
	if (errnum == 0)
		return 0;
	if (errnum == ENODEV)
		return err_set(e, ERR_NOT_FOUND, "there is no interface %s", ifname);
	return err_errno(e, errnum, "cannot %s interface %s", what, ifname);
}

static int begin(struct net *n, uint16_t type, const char *ifname, struct nlmsghdr **ret_nlh,
	struct ifinfomsg **ret_ifi, struct err *e)
{
	void *header;

	if (ifname_check(ifname) < 0)
		return err_field(
			e, ERR_INVALID, "interface", "\"%.30s\" is not an interface name", ifname);
	*ret_nlh = rtnl_begin(n, type, 0, sizeof(**ret_ifi), &header);
	*ret_ifi = header;
	mnl_attr_put_strz(*ret_nlh, IFLA_IFNAME, ifname);
	return 0;
}

int net_link_get(struct net *n, const char *ifname, struct net_link *ret, struct err *e)
{
	struct found f = {0};
	const struct rtnl_sink sink = {found_reset, found_each, &f};
	struct ifinfomsg *ifi = NULL;
	struct nlmsghdr *nlh = NULL;
	int r = begin(n, RTM_GETLINK, ifname, &nlh, &ifi, e);

	if (r == 0)
		r = fail(rtnl_collect(n, nlh, &sink), ifname, "read", e);
	if (r == 0 && !f.any)
		r = fail(ENODEV, ifname, "read", e);
	if (r == 0)
		*ret = f.link;
	return r;
}

int net_link_index(struct net *n, const char *ifname, int *ret_index, struct err *e)
{
	struct net_link link;
	int r = net_link_get(n, ifname, &link, e);

	if (r == 0)
		*ret_index = link.index;
	return r;
}

int net_link_set_up(struct net *n, const char *ifname, bool up, struct err *e)
{
	struct ifinfomsg *ifi = NULL;
	struct nlmsghdr *nlh = NULL;
	int r = begin(n, RTM_NEWLINK, ifname, &nlh, &ifi, e);

	if (r < 0)
		return r;
	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = up ? IFF_UP : 0;
	return fail(rtnl_send(n, nlh), ifname, up ? "bring up" : "bring down", e);
}

int net_link_set_mtu(struct net *n, const char *ifname, uint32_t mtu, struct err *e)
{
	struct ifinfomsg *ifi = NULL;
	struct nlmsghdr *nlh = NULL;
	int r = begin(n, RTM_NEWLINK, ifname, &nlh, &ifi, e);

	if (r < 0)
		return r;
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return fail(rtnl_send(n, nlh), ifname, "set the MTU of", e);
}

int net_link_delete(struct net *n, const char *ifname, struct err *e)
{
	struct ifinfomsg *ifi = NULL;
	struct nlmsghdr *nlh = NULL;
	int r = begin(n, RTM_DELLINK, ifname, &nlh, &ifi, e);

	if (r == 0)
		r = fail(rtnl_send(n, nlh), ifname, "delete", e);
	return r == ERR_NOT_FOUND ? 0 : r;
}
