/* DOC: see rtnl.h. Answers to earlier requests that were given up are told by their number. */
#include "net/rtnl.h"

#include "base/mem.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define ANSWER_SIZE 32768
#define DUMP_TRIES 20 /* the tables of a busy machine change during a dump */
#define ANSWER_MAX 10 /* seconds; the kernel answers at once */

struct net *rtnl_open(int bus, struct err *e)
{
	struct timeval limit = {.tv_sec = ANSWER_MAX};
	struct net *n = NEW(struct net);
	int one = 1, fd;

	n->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (n->socket == NULL || mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		err_errno(e, errno, "cannot open a netlink socket");
		return net_free(n);
	}
	fd = mnl_socket_get_fd(n->socket);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	/* Lets the kernel filter dumps; older ones give all, so every reader filters as well. */
	mnl_socket_setsockopt(n->socket, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return n;
}

struct net *net_new(struct err *e)
{
	return rtnl_open(NETLINK_ROUTE, e);
}

struct net *net_free(struct net *n)
{
	if (n != NULL && n->socket != NULL)
		mnl_socket_close(n->socket);
	if (n != NULL)
		net_tables_free(n->tables);
	return mem_free(n);
}

static struct nlmsghdr *begin_at(
	void *at, uint16_t type, uint16_t flags, size_t size, void **ret_header)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	*ret_header = mnl_nlmsg_put_extra_header(nlh, size);
	return nlh;
}

struct nlmsghdr *rtnl_begin(
	struct net *n, uint16_t type, uint16_t flags, size_t size, void **ret_header)
{
	return begin_at(n->request, type, flags, size, ret_header);
}

struct nlmsghdr *rtnl_begin_second(
	const struct nlmsghdr *first, uint16_t type, uint16_t flags, size_t size, void **ret_header)
{
	return begin_at(mnl_nlmsg_get_payload_tail(first), type, flags, size, ret_header);
}

void rtnl_put_addr(struct nlmsghdr *nlh, uint16_t type, struct addr a)
{
	uint8_t bytes[16];

	addr_to_bytes(a, bytes);
	mnl_attr_put(nlh, type, addr_width(a) / 8, bytes);
}

struct addr rtnl_get_addr(const struct nlattr *a, unsigned af)
{
	size_t want = af == AF_INET ? 4 : 16;

	if (a == NULL || (af != AF_INET && af != AF_INET6) || mnl_attr_get_payload_len(a) != want)
		return (struct addr){0};
	return addr_from_bytes(af == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6, mnl_attr_get_payload(a));
}

int rtnl_af(enum family f)
{
	return f == FAMILY_IPV4 ? AF_INET : AF_INET6;
}

struct wanted {
	const struct nlattr **ret;
	uint16_t max;
};

static int attr_each(const struct nlattr *a, void *data)
{
	const struct wanted *w = data;

	if (mnl_attr_get_type(a) <= w->max)
		w->ret[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

void rtnl_attrs(const struct nlmsghdr *nlh, size_t header, const struct nlattr **ret, uint16_t max)
{
	struct wanted w = {ret, max};

	memset(ret, 0, (max + 1u) * sizeof(*ret));
	if (mnl_nlmsg_get_payload_len(nlh) >= header)
		mnl_attr_parse(nlh, (unsigned)header, attr_each, &w);
}

void rtnl_nested(const struct nlattr *nest, const struct nlattr **ret, uint16_t max)
{
	struct wanted w = {ret, max};

	memset(ret, 0, (max + 1u) * sizeof(*ret));
	if (nest != NULL)
		mnl_attr_parse_nested(nest, attr_each, &w);
}

uint32_t rtnl_u32(const struct nlattr *a, uint32_t otherwise)
{
	return a != NULL && mnl_attr_get_payload_len(a) == sizeof(uint32_t) ? mnl_attr_get_u32(a)
									    : otherwise;
}

bool rtnl_message_ok(const struct nlmsghdr *nlh, int left)
{
	return mnl_nlmsg_ok(nlh, left) && nlh->nlmsg_len <= (unsigned)left;
}

/* One datagram's messages. 1 = more to come, 0 = complete, else a negative errno. */
static int take(struct net *n, char *data, int len, const struct rtnl_sink *sink, bool *interrupted)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)data;

	for (; rtnl_message_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_seq != n->seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			*interrupted = true;
		if (nlh->nlmsg_type == NLMSG_DONE)
			return 0;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return mnl_nlmsg_get_payload_len(nlh) < sizeof(int)
				? -EPROTO
				: *(const int *)mnl_nlmsg_get_payload(nlh);
		if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && sink != NULL)
			sink->each(nlh, sink->arg);
	}
	return 1;
}

/* The answer to what was sent with the newest number: 0 or a positive errno. */
static int answered(struct net *n, const struct rtnl_sink *sink, bool *interrupted)
{
	_Alignas(struct nlmsghdr) char answer[ANSWER_SIZE];
	int r = 1;

	while (r == 1) {
		ssize_t got = mnl_socket_recvfrom(n->socket, answer, sizeof(answer));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? ETIMEDOUT : errno;
		r = take(n, answer, (int)got, sink, interrupted);
	}
	return -r;
}

static int attempt(
	struct net *n, struct nlmsghdr *nlh, const struct rtnl_sink *sink, bool *interrupted)
{
	nlh->nlmsg_seq = ++n->seq;
	if (mnl_socket_sendto(n->socket, nlh, nlh->nlmsg_len) < 0)
		return errno;
	return answered(n, sink, interrupted);
}

int rtnl_send(struct net *n, struct nlmsghdr *nlh)
{
	bool ignored = false;

	nlh->nlmsg_flags |= NLM_F_ACK;
	return attempt(n, nlh, NULL, &ignored);
}

int rtnl_send_pair(struct net *n, struct nlmsghdr *first, struct nlmsghdr *second)
{
	size_t size = (size_t)((char *)second - (char *)first) + second->nlmsg_len;
	bool ignored = false;

	first->nlmsg_seq = ++n->seq;
	second->nlmsg_seq = ++n->seq;
	second->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(n->socket, first, size) < 0)
		return errno;
	return answered(n, NULL, &ignored);
}

int rtnl_collect(struct net *n, struct nlmsghdr *nlh, const struct rtnl_sink *sink)
{
	if ((nlh->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		nlh->nlmsg_flags |= NLM_F_ACK; /* marks the end of a single answer */
	for (int i = 0; i < DUMP_TRIES; i++) {
		bool interrupted = false;
		int errnum;

		sink->reset(sink->arg);
		errnum = attempt(n, nlh, sink, &interrupted);
		if (errnum != 0 || !interrupted)
			return errnum;
	}
	return EBUSY;
}
