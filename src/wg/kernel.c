/*
 * DOC: WireGuard in the kernel, by generic netlink. This build only looks whether the kernel
 * has it: the messages are not written yet, so the backend is refused and callers take userspace.
 */
#include "wg/backend.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <sys/socket.h>

#define SEQ 1

static void closep(struct mnl_socket **s)
{
	if (*s != NULL)
		mnl_socket_close(*s);
}

/* Ask the controller for the family of that name. 0, or an errno (ENOENT: no such family). */
static int family_probe(const char *name)
{
	CLEANUP(closep) struct mnl_socket *s = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	_Alignas(struct nlmsghdr) char buf[8192];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	ssize_t n;

	nlh->nlmsg_type = GENL_ID_CTRL;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = SEQ;
	genl->cmd = CTRL_CMD_GETFAMILY;
	genl->version = 1;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, name);
	if (s == NULL || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ||
		mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		return errno;
	n = mnl_socket_recvfrom(s, buf, sizeof(buf));
	if (n < 0)
		return errno;
	return mnl_cb_run(buf, (size_t)n, SEQ, mnl_socket_get_portid(s), NULL, NULL) < 0 ? errno
											 : 0;
}

int wg_kernel_new(struct wg_backend **ret, struct err *e)
{
	int errnum = family_probe(WG_GENL_NAME);

	if (errnum == ENOENT)
		return err_set(e, ERR_UNSUPPORTED,
			"this kernel has no module wireguard; package wireguard-go gives an engine");
	if (errnum != 0)
		return err_errno(e, errnum, "cannot ask the kernel for WireGuard");
	return err_set(e, ERR_UNSUPPORTED,
		"this kernel has WireGuard, but the kernel backend is not in this build yet");
}
