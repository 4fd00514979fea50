/* DOC: see nlsock.h. */
#include "wg/nlsock.h"

#include "base/mem.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#define QUIET_MAX 60 /* seconds until a silent kernel is given up */

int nlsock_open(struct nlsock *s, int bus, struct err *e)
{
	struct timeval limit = {.tv_sec = QUIET_MAX};
	int on = 1;

	*s = (struct nlsock){.mnl = mnl_socket_open2(bus, SOCK_CLOEXEC)};
	if (s->mnl == NULL || mnl_socket_bind(s->mnl, 0, MNL_SOCKET_AUTOPID) < 0)
		return err_errno(e, errno, "cannot open a netlink socket");
	s->portid = mnl_socket_get_portid(s->mnl);
	s->buffer = mem_alloc(NLSOCK_BUFFER);
	/* Errors with a sentence, and without an echo of the keys they refuse. Both are luxuries:
	 * older kernels answer as they always did. */
	mnl_socket_setsockopt(s->mnl, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(s->mnl, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(mnl_socket_get_fd(s->mnl), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return 0;
}

void nlsock_close(struct nlsock *s)
{
	if (s->mnl != NULL)
		mnl_socket_close(s->mnl);
	if (s->buffer != NULL)
		mem_wipe(s->buffer, NLSOCK_BUFFER);
	mem_free(s->buffer);
	*s = (struct nlsock){0};
}

int nlsock_send(struct nlsock *s, struct nlmsghdr *request, struct err *e)
{
	request->nlmsg_seq = ++s->seq;
	if (mnl_socket_sendto(s->mnl, request, request->nlmsg_len) < 0)
		return err_errno(e, errno, "cannot send to the kernel");
	return 0;
}

int nlsock_receive(struct nlsock *s, struct span *ret, struct err *e)
{
	ssize_t n;

	do
		n = mnl_socket_recvfrom(s->mnl, s->buffer, NLSOCK_BUFFER);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return err_set(e, ERR_UNAVAILABLE, "the kernel did not answer within %d seconds",
			QUIET_MAX);
	if (n < 0)
		return err_errno(e, errno, "cannot hear the kernel");
	*ret = (struct span){s->buffer, (size_t)n};
	return 0;
}

int nlsock_ask(struct nlsock *s, struct nlmsghdr *request, struct nl_refusal *ret, struct err *e)
{
	struct span datagram, payload;
	struct nlmsghdr header;
	int r;

	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	r = nlsock_send(s, request, e);
	while (r == 0) {
		r = nlsock_receive(s, &datagram, e);
		while (r == 0 && (r = message_next(&datagram, &header, &payload)) > 0) {
			r = 0;
			if (header.nlmsg_type != NLMSG_ERROR || header.nlmsg_seq != s->seq)
				continue;
			r = refusal_read(&header, payload, ret);
			if (r == 0)
				return 0;
		}
		if (r == ERR_CORRUPT)
			err_set(e, r, "the kernel's answer is not netlink");
	}
	return r;
}
