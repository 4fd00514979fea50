/*
 * DOC: sockets of the responder. Bound to one overlay address each, also before it is there, and
 * filtered in the kernel by source: a packet from outside the overlay's pools is dropped before
 * anybody could say so, for TCP before the handshake. Port 53 takes CAP_NET_BIND_SERVICE; what
 * comes out can be handed to a process that has none.
 */
#ifndef WARREN_DNS_SOCKET_H
#define WARREN_DNS_SOCKET_H

#include "model/prefix.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/* A bound, non-blocking socket (listening, for stream). ERR_EXISTS when the port is taken,
 * ERR_SYSTEM for other reasons. The caller closes *ret_fd. */
int dns_socket_open(struct addr a, uint16_t port, bool stream, const struct prefix_vec *pools,
	int *ret_fd, struct err *e);

/* The overlay's pools have changed; a socket is filtered anew, wherever it was handed to. */
int dns_socket_filter(int fd, struct addr a, const struct prefix_vec *pools, struct err *e);

/* One towards an upstream, non-blocking, connected or (stream) connecting; its port is random. */
int dns_socket_connect(struct addr a, uint16_t port, bool stream, int *ret_fd);

socklen_t dns_sockaddr(struct addr a, uint16_t port, struct sockaddr_storage *ret);
struct addr dns_sockaddr_addr(const struct sockaddr_storage *s);

#endif
