/* DOC: what server.c and stream.c share. Private to the dns room. */
#ifndef WARREN_DNS_SERVE_H
#define WARREN_DNS_SERVE_H

#include "base/map.h"
#include "dns/answer.h"
#include "dns/forward.h"
#include "dns/rate.h"
#include "dns/server.h"
#include "dns/upstream.h"

#define STREAMS_MAX 128      /* TCP connections, in all */
#define STREAMS_CLIENT_MAX 8 /* of one client */

struct stream;

/* The sockets on one address of one network. */
struct listener {
	struct dns_server *server;
	id_text network;
	struct addr addr;
	int udp_fd, tcp_fd; /* -1 = none */
	struct loop_fd *udp, *tcp;
	struct dns_zone *zone; /* borrowed from the server */
	unsigned good_index;   /* interface a packet may come in by; last one that was looked up */
};

struct dns_server {
	struct loop *loop;
	const struct clock *clock;
	struct dns_server_options o;
	struct rate *rate;
	struct forwarder *forwarder;
	struct addr upstreams[FORWARD_UPSTREAMS_MAX]; /* the host's */
	size_t n_upstreams;
	struct map zones; /* network -> struct dns_zone */
	VEC(struct listener *) listeners;
	VEC(struct stream *) streams;
	struct dns_counters counters;
};

/* Put the question to the zone's upstreams. */
void server_forward(const struct listener *l, const struct dns_query *q, const uint8_t *packet,
	const struct forward_ask *ask);

/* A listening socket has connections. */
void stream_accept(struct listener *l);
/* Close the connections of a listener (NULL: all). */
void stream_close_all(struct dns_server *s, const struct listener *l);

#endif
