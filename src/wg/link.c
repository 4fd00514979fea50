/* DOC: see link.h: one request, one acknowledgement, on a socket of its own. */
#include "wg/link.h"

#include "base/mem.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#define REQUEST_SIZE 512
#define SEQ 1

static void closep(struct mnl_socket **s)
{
	if (*s != NULL)
		mnl_socket_close(*s);
}

/* Send and wait for the acknowledgement. 0 or an errno. */
static int request(const struct nlmsghdr *nlh)
{
	CLEANUP(closep) struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	char answer[4096];
	ssize_t n;

	if (s == NULL || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ||
		mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		return errno;
	n = mnl_socket_recvfrom(s, answer, sizeof(answer));
	if (n < 0)
		return errno;
	return mnl_cb_run(answer, (size_t)n, SEQ, mnl_socket_get_portid(s), NULL, NULL) < 0 ? errno
											    : 0;
}

int wg_link_exists(const char *ifname)
{
	return if_nametoindex(ifname) != 0;
}

int wg_link_delete(const char *ifname, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	int errnum;

	nlh->nlmsg_type = RTM_DELLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = SEQ;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, ifname);
	errnum = request(nlh);
	if (errnum == ENODEV)
		return err_set(e, ERR_NOT_FOUND, "there is no interface %s", ifname);
	if (errnum != 0)
		return err_errno(e, errnum, "cannot delete interface %s", ifname);
	return 0;
}
