/*
 * DOC: one conversation with the kernel over netlink: a socket of the calling thread's network
 * namespace, requests answered one at a time. What passes through its buffer is wiped.
 */
#ifndef WARREN_WG_NLSOCK_H
#define WARREN_WG_NLSOCK_H

#include "wg/attr.h"

#define NLSOCK_BUFFER 65536 /* the kernel's answers are at most 32 KiB, and fit */

struct mnl_socket;
struct nlsock {
	struct mnl_socket *mnl;
	uint32_t seq; /* of the last request */
	uint32_t portid;
	uint8_t *buffer;
};

/* bus: NETLINK_GENERIC or NETLINK_ROUTE. nlsock_close also after failure. */
int nlsock_open(struct nlsock *s, int bus, struct err *e);
void nlsock_close(struct nlsock *s);

/* Send the request; its sequence number is filled in. 0 or ERR_SYSTEM, ERR_UNAVAILABLE. */
int nlsock_send(struct nlsock *s, struct nlmsghdr *request, struct err *e);
/* One datagram of the answer; borrowed until the next call. */
int nlsock_receive(struct nlsock *s, struct span *ret, struct err *e);

/* Send, and wait for the acknowledgement. 0 when the kernel answered, whatever it said. */
int nlsock_ask(struct nlsock *s, struct nlmsghdr *request, struct nl_refusal *ret, struct err *e);

#endif
