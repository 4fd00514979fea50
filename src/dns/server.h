/*
 * DOC: the responder on an event loop. It has zones and, for each, sockets on the zone's addresses,
 * which it is given (socket.h): it runs where no file and no port may be opened.
 *
 *	listener (UDP, TCP) -> rate -> dns_answer(zone, source, packet) -> reply
 *	                                    \-> forwarder -> upstreams -> reply
 *
 * Silent to whoever is not inside the zone's pools, or comes by another interface.
 */
#ifndef WARREN_DNS_SERVER_H
#define WARREN_DNS_SERVER_H

#include "base/loop.h"
#include "dns/zone.h"

struct dns_server;

/* 0 or NULL: the value in brackets. */
struct dns_server_options {
	uint16_t upstream_port; /* (53) */
	msec upstream_timeout;  /* for each upstream (2 s) */
	msec idle;              /* of a TCP connection (10 s) */
	unsigned rate, burst;   /* questions a second of one client (1000, 2000) */
	bool any_interface;     /* tests: do not look where a packet came in */
};

/* o is copied. */
struct dns_server *dns_server_new(
	struct loop *l, const struct clock *c, const struct dns_server_options *o);
struct dns_server *dns_server_free(struct dns_server *s); /* closes everything */

/* The zone (taken over) takes the place of its network's last one. Sockets stay. */
void dns_server_set_zone(struct dns_server *s, struct dns_zone *z);
/* Forget a network: its zone, its sockets, its open questions. */
void dns_server_drop_zone(struct dns_server *s, const char *network);

/* Where zones without upstreams of their own ask: the host's resolvers, FORWARD_UPSTREAMS_MAX at
 * most. */
void dns_server_set_upstreams(struct dns_server *s, const struct addr *list, size_t n);

/* Answer on ready sockets for that address of a network; they are taken over, and closed when the
 * network has no zone. Either may be -1. */
void dns_server_add(
	struct dns_server *s, const char *network, struct addr a, int udp_fd, int tcp_fd);
/* Close them. */
void dns_server_remove(struct dns_server *s, const char *network, struct addr a);

/* Counted since it was made. */
struct dns_counters {
	uint64_t questions, replies, forwarded, dropped, limited;
};
struct dns_counters dns_server_counters(const struct dns_server *s);

#endif
