/* DOC: what the kernel says by itself about links: which one changed. Looking what it is like now
 * is the caller's. */
#include "net/rtnl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGES_SIZE 16384

int net_watch_open(int *ret_fd, struct err *e)
{
	struct sockaddr_nl local = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int saved;

	if (fd < 0)
		return err_errno(e, errno, "cannot open a netlink socket");
	if (bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0) {
		saved = errno;
		close(fd);
		return err_errno(e, saved, "cannot listen for links");
	}
	*ret_fd = fd;
	return 0;
}

static void tell(const struct nlmsghdr *nlh, void (*each)(void *arg, const char *ifname), void *arg)
{
	const struct nlattr *attrs[IFLA_IFNAME + 1];
	char name[IF_NAMESIZE];
	size_t n;

	if ((nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK) ||
		mnl_nlmsg_get_payload_len(nlh) < sizeof(struct ifinfomsg))
		return;
	rtnl_attrs(nlh, sizeof(struct ifinfomsg), attrs, IFLA_IFNAME);
	if (attrs[IFLA_IFNAME] == NULL)
		return;
	n = mnl_attr_get_payload_len(attrs[IFLA_IFNAME]);
	if (n == 0 || n > sizeof(name))
		return;
	memcpy(name, mnl_attr_get_payload(attrs[IFLA_IFNAME]), n);
	name[n - 1] = '\0';
	each(arg, name);
}

void net_watch_read(int fd, void (*each)(void *arg, const char *ifname), void *arg)
{
	_Alignas(struct nlmsghdr) char bytes[MESSAGES_SIZE];

	for (;;) {
		struct sockaddr_nl from = {0};
		socklen_t len = sizeof(from);
		ssize_t got = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &len);
		int left = (int)got;

		if (got < 0 && errno == ENOBUFS)
			each(arg, NULL);
		if (got < 0 && (errno == ENOBUFS || errno == EINTR))
			continue;
		if (got <= 0)
			return;
		if (from.nl_pid != 0)
			continue; /* not the kernel's */
		for (const struct nlmsghdr *nlh = (const struct nlmsghdr *)bytes;
			rtnl_message_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			tell(nlh, each, arg);
	}
}
