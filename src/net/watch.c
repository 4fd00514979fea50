/* DOC: what the kernel says by itself: which link changed, and what of ours somebody took away.
 * Looking what it is like now is the caller's. */
#include "net/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGES_SIZE 16384
#define GROUPS                                                                       \
	(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | \
		RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE | 1u << (RTNLGRP_IPV6_RULE - 1))

/* On a router thousands of routes may change each second: nobody is woken for those. One message is
 * one packet here; a field of two bytes is loaded as if it were in network order. */
static int attach_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWADDR), 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
			sizeof(struct nlmsghdr) + offsetof(struct rtmsg, rtm_protocol)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NET_ROUTE_PROTOCOL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {ARRAY_LEN(code), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

int net_watch_open(int *ret_fd, struct err *e)
{
	struct sockaddr_nl local = {.nl_family = AF_NETLINK, .nl_groups = GROUPS};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int saved;

	if (fd < 0)
		return err_errno(e, errno, "cannot open a netlink socket");
	if (attach_filter(fd) < 0 || bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0) {
		saved = errno;
		close(fd);
		return err_errno(e, saved, "cannot listen for links");
	}
	*ret_fd = fd;
	return 0;
}

struct watching {
	uint32_t own; /* whose changes are not news */
	net_watch_fn each;
	void *arg;
};

static void link_changed(const struct nlmsghdr *nlh, const struct watching *w)
{
	const struct nlattr *attrs[IFLA_IFNAME + 1];
	char name[IF_NAMESIZE];
	size_t n;

	rtnl_attrs(nlh, sizeof(struct ifinfomsg), attrs, IFLA_IFNAME);
	if (attrs[IFLA_IFNAME] == NULL)
		return;
	n = mnl_attr_get_payload_len(attrs[IFLA_IFNAME]);
	if (n == 0 || n > sizeof(name))
		return;
	memcpy(name, mnl_attr_get_payload(attrs[IFLA_IFNAME]), n);
	name[n - 1] = '\0';
	w->each(w->arg, name, false);
}

static void taken_from(unsigned index, const struct watching *w)
{
	char name[IF_NAMESIZE];

	/* where the link is gone, too, that is said by itself */
	if (if_indextoname(index, name) != NULL)
		w->each(w->arg, name, true);
}

static void address_deleted(const struct nlmsghdr *nlh, const struct watching *w)
{
	const struct ifaddrmsg *a = mnl_nlmsg_get_payload(nlh);

	taken_from(a->ifa_index, w);
}

static void route_deleted(const struct nlmsghdr *nlh, const struct watching *w)
{
	const struct rtmsg *r = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[RTA_OIF + 1];

	rtnl_attrs(nlh, sizeof(*r), attrs, RTA_OIF);
	if (r->rtm_protocol == NET_ROUTE_PROTOCOL && !(r->rtm_flags & RTM_F_CLONED) &&
		attrs[RTA_OIF] != NULL && mnl_attr_get_payload_len(attrs[RTA_OIF]) == 4)
		taken_from(mnl_attr_get_u32(attrs[RTA_OIF]), w);
}

static void rule_deleted(const struct nlmsghdr *nlh, const struct watching *w)
{
	const struct nlattr *attrs[FRA_PROTOCOL + 1];

	rtnl_attrs(nlh, sizeof(struct fib_rule_hdr), attrs, FRA_PROTOCOL);
	if (attrs[FRA_PROTOCOL] != NULL && mnl_attr_get_payload_len(attrs[FRA_PROTOCOL]) == 1 &&
		mnl_attr_get_u8(attrs[FRA_PROTOCOL]) == NET_ROUTE_PROTOCOL)
		w->each(w->arg, NULL, true);
}

static const struct {
	uint16_t type;
	size_t header;
	bool own_too;
	void (*tell)(const struct nlmsghdr *nlh, const struct watching *w);
} kinds[] = {
	{RTM_NEWLINK, sizeof(struct ifinfomsg), true, link_changed},
	{RTM_DELLINK, sizeof(struct ifinfomsg), true, link_changed},
	{RTM_DELADDR, sizeof(struct ifaddrmsg), false, address_deleted},
	{RTM_DELROUTE, sizeof(struct rtmsg), false, route_deleted},
	{RTM_DELRULE, sizeof(struct fib_rule_hdr), false, rule_deleted},
};

static void tell(const struct nlmsghdr *nlh, const struct watching *w)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].type == nlh->nlmsg_type &&
			mnl_nlmsg_get_payload_len(nlh) >= kinds[i].header &&
			(kinds[i].own_too || nlh->nlmsg_pid != w->own))
			kinds[i].tell(nlh, w);
}

void net_watch_read(const struct net *n, int fd, net_watch_fn each, void *arg)
{
	const struct watching w = {mnl_socket_get_portid(n->socket), each, arg};
	_Alignas(struct nlmsghdr) char bytes[MESSAGES_SIZE];

	for (;;) {
		struct sockaddr_nl from = {0};
		socklen_t len = sizeof(from);
		ssize_t got = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &len);
		int left = (int)got;

		if (got < 0 && errno == ENOBUFS)
			each(arg, NULL, false);
		if (got < 0 && (errno == ENOBUFS || errno == EINTR))
			continue;
		if (got <= 0)
			return;
		if (from.nl_pid != 0)
			continue; /* not the kernel's */
		for (const struct nlmsghdr *nlh = (const struct nlmsghdr *)bytes;
			rtnl_message_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			tell(nlh, &w);
	}
}
