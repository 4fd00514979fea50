/* DOC: requests and dumps over one rtnetlink socket; for the files of this room. */
#ifndef WARREN_NET_RTNL_H
#define WARREN_NET_RTNL_H

#include "model/prefix.h"
#include "net/net.h"

#include <libmnl/libmnl.h>

struct net_tables;
struct net {
	struct mnl_socket *socket;
	unsigned seq;
	struct net_tables *tables; /* what is known of the firewall; made when needed (nft.c) */
	_Alignas(struct nlmsghdr) char request[1024];
};

/* A socket to rtnetlink, or to another bus of netlink. Free it with net_free. */
struct net *rtnl_open(int bus, struct err *e);

/* Start a request with a zeroed family header of size bytes behind it. Valid until the next one. */
struct nlmsghdr *rtnl_begin(
	struct net *n, uint16_t type, uint16_t flags, size_t size, void **ret_header);
void rtnl_put_addr(struct nlmsghdr *nlh, uint16_t type, struct addr a);
/* The address in an attribute; unset when it has not the length of its family. */
struct addr rtnl_get_addr(const struct nlattr *a, unsigned af);

/* mnl_nlmsg_ok, but not deceived by a length beyond what an int holds. */
bool rtnl_message_ok(const struct nlmsghdr *nlh, int left);

/* The same behind a request that is complete, for rtnl_send_pair. */
struct nlmsghdr *rtnl_begin_second(const struct nlmsghdr *first, uint16_t type, uint16_t flags,
	size_t size, void **ret_header);

/* Send and wait for the acknowledgement: 0 or a positive errno. */
int rtnl_send(struct net *n, struct nlmsghdr *nlh);
/* Two requests in one datagram, which the kernel takes one right after the other; the answer is
 * that to the second, which is tried whatever became of the first. */
int rtnl_send_pair(struct net *n, struct nlmsghdr *first, struct nlmsghdr *second);

/* What a dump calls for each message, and before each attempt, to forget what came so far. */
struct rtnl_sink {
	void (*reset)(void *arg);
	void (*each)(const struct nlmsghdr *nlh, void *arg);
	void *arg;
};
/* Send and hand over all answers. A dump that the kernel marks as interrupted is repeated. */
int rtnl_collect(struct net *n, struct nlmsghdr *nlh, const struct rtnl_sink *sink);

/* Attributes by type, unknown ones left out; max is the highest type wanted. Absent is NULL. */
void rtnl_attrs(const struct nlmsghdr *nlh, size_t header, const struct nlattr **ret, uint16_t max);
/* The same of what is nested in an attribute, which may be NULL. */
void rtnl_nested(const struct nlattr *nest, const struct nlattr **ret, uint16_t max);
/* The value of a 32-bit attribute, or otherwise when it is absent or short. */
uint32_t rtnl_u32(const struct nlattr *a, uint32_t otherwise);
int rtnl_af(enum family f);

struct net_tables *net_tables_free(struct net_tables *t);

/* Index of an interface. ERR_NOT_FOUND when absent. */
int net_link_index(struct net *n, const char *ifname, int *ret_index, struct err *e);

#endif
