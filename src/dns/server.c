/* DOC: see server.h. */
#include "dns/server.h"

#include "base/map.h"
#include "dns/serve.h"
#include "dns/socket.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define RATE 1000
#define BURST 2000
#define IDLE 10000
#define BATCH 64 /* packets read before others have their turn */

/* --- listeners ------------------------------------------------------------------------------- */

static void listener_free(struct listener *l)
{
	struct dns_server *s = l->server;

	stream_close_all(s, l);
	forwarder_forget(s->forwarder, l);
	loop_fd_free(l->udp);
	loop_fd_free(l->tcp);
	if (l->udp_fd >= 0)
		close(l->udp_fd);
	if (l->tcp_fd >= 0)
		close(l->tcp_fd);
	mem_free(l);
}

static void on_tcp(int events, void *arg)
{
	(void)events;
	stream_accept(arg);
}

/* --- UDP ------------------------------------------------------------------------------------- */

struct datagram {
	struct sockaddr_storage from;
	socklen_t from_len;
	struct addr source;
	unsigned index; /* of the interface it came in by; 0 = not said */
	uint8_t data[DNS_QUERY_MAX];
	size_t n;
};

static unsigned index_of(struct msghdr *h)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
		struct in_pktinfo v4;
		struct in6_pktinfo v6;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&v4, CMSG_DATA(c), sizeof(v4));
			return (unsigned)v4.ipi_ifindex;
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&v6, CMSG_DATA(c), sizeof(v6));
			return v6.ipi6_ifindex;
		}
	}
	return 0;
}

/* 1 with a packet, 0 when it is to be passed over, -1 when there is none. */
static int receive(int fd, struct datagram *d)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
			CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control;
	struct iovec io = {d->data, sizeof(d->data)};
	struct msghdr h = {.msg_name = &d->from,
		.msg_namelen = sizeof(d->from),
		.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &h, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : 0;
	d->n = (size_t)n;
	d->from_len = h.msg_namelen;
	d->source = dns_sockaddr_addr(&d->from);
	d->index = index_of(&h);
	return (h.msg_flags & MSG_TRUNC) == 0;
}

/* An overlay interface; the machine itself comes by loopback, from an address of its own. */
static bool came_by_overlay(struct listener *l, const struct datagram *d)
{
	struct ifreq link = {.ifr_ifindex = (int)d->index};

	if (l->server->o.any_interface || (d->index != 0 && d->index == l->good_index))
		return true;
	/* by a socket we have: others, which if_indextoname would open, may be denied us */
	if (d->index == 0 || ioctl(l->udp_fd, SIOCGIFNAME, &link) < 0)
		return false;
	if (strcmp(link.ifr_name, "lo") == 0)
		return dns_zone_is_own(l->zone, d->source);
	if (!strs_has(dns_zone_interfaces(l->zone), link.ifr_name))
		return false;
	l->good_index = d->index;
	return true;
}

static void send_to(struct listener *l, const struct sockaddr_storage *to, socklen_t len,
	const uint8_t *p, size_t n)
{
	/* a client that is gone, or a full queue: the client asks again */
	if (sendto(l->udp_fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)to,
		    len) >= 0)
		l->server->counters.replies++;
}

static void forwarded(const struct forward_ask *ask, const uint8_t *answer, size_t n)
{
	send_to(ask->owner, &ask->client, ask->client_len, answer, n);
}

void server_forward(const struct listener *l, const struct dns_query *q, const uint8_t *packet,
	const struct forward_ask *ask)
{
	struct addr upstreams[FORWARD_UPSTREAMS_MAX];
	size_t n = upstream_list(l->server->upstreams, l->server->n_upstreams, l->zone, upstreams);

	l->server->counters.forwarded++;
	forwarder_ask(l->server->forwarder, upstreams, n, q, packet, ask);
}

static void answer_datagram(struct listener *l, const struct datagram *d)
{
	struct dns_server *s = l->server;
	struct dns_reply reply;
	struct dns_query q;

	s->counters.questions++;
	if (!came_by_overlay(l, d)) {
		s->counters.dropped++;
		return;
	}
	if (!rate_take(s->rate, d->source, clock_mono(s->clock))) {
		s->counters.limited++;
		return;
	}
	switch (dns_answer(l->zone, d->source, d->data, d->n, false, &q, &reply)) {
	case DNS_REPLY:
		send_to(l, &d->from, d->from_len, reply.data, reply.n);
		break;
	case DNS_FORWARD: {
		struct forward_ask ask = {.owner = l,
			.done = forwarded,
			.client = d->from,
			.client_len = d->from_len,
			.asker = d->source};

		server_forward(l, &q, d->data, &ask);
		break;
	}
	case DNS_DROP:
		s->counters.dropped++;
		break;
	}
}

static void on_udp(int events, void *arg)
{
	struct listener *l = arg;
	struct datagram d;

	(void)events;
	for (int i = 0; i < BATCH; i++) {
		int r = receive(l->udp_fd, &d);

		if (r < 0)
			return;
		if (r > 0)
			answer_datagram(l, &d);
	}
}

/* --- server ---------------------------------------------------------------------------------- */

struct dns_server *dns_server_new(
	struct loop *l, const struct clock *c, const struct dns_server_options *o)
{
	struct dns_server *s = NEW(struct dns_server);

	s->loop = l;
	s->clock = c;
	s->o = *o;
	if (s->o.upstream_port == 0)
		s->o.upstream_port = DNS_PORT;
	if (s->o.upstream_timeout == 0)
		s->o.upstream_timeout = FORWARD_TIMEOUT;
	if (s->o.idle == 0)
		s->o.idle = IDLE;
	s->rate = rate_new(o->rate == 0 ? RATE : o->rate, o->burst == 0 ? BURST : o->burst);
	s->forwarder = forwarder_new(l, s->o.upstream_port, s->o.upstream_timeout);
	return s;
}

static void free_zone(void *z)
{
	dns_zone_free(z);
}

struct dns_server *dns_server_free(struct dns_server *s)
{
	if (s == NULL)
		return NULL;
	stream_close_all(s, NULL);
	VEC_FOREACH (l, &s->listeners)
		listener_free(*l);
	VEC_DONE(&s->listeners);
	VEC_DONE(&s->streams);
	forwarder_free(s->forwarder);
	map_done(&s->zones, free_zone);
	rate_free(s->rate);
	return mem_free(s);
}

void dns_server_set_zone(struct dns_server *s, struct dns_zone *z)
{
	const char *network = dns_zone_network(z);
	struct dns_zone *old = map_set(&s->zones, network, z);

	VEC_FOREACH (l, &s->listeners)
		if (strcmp((*l)->network, network) == 0) {
			(*l)->zone = z;
			(*l)->good_index = 0; /* interfaces may have come and gone */
		}
	dns_zone_free(old);
}

void dns_server_drop_zone(struct dns_server *s, const char *network)
{
	for (size_t i = s->listeners.n; i-- > 0;)
		if (strcmp(s->listeners.v[i]->network, network) == 0) {
			listener_free(s->listeners.v[i]);
			VEC_REMOVE(&s->listeners, i);
		}
	dns_zone_free(map_remove(&s->zones, network));
}

void dns_server_add(
	struct dns_server *s, const char *network, struct addr a, int udp_fd, int tcp_fd)
{
	struct dns_zone *z = map_get(&s->zones, network);
	struct listener *l = NEW(struct listener);

	dns_server_remove(s, network, a);
	l->server = s;
	id_copy(l->network, network);
	l->addr = a;
	l->udp_fd = udp_fd;
	l->tcp_fd = tcp_fd;
	if (z == NULL) {
		listener_free(l);
		return;
	}
	l->zone = z;
	VEC_PUSH(&s->listeners, l);
	if (udp_fd >= 0)
		l->udp = loop_fd_new(s->loop, udp_fd, on_udp, l);
	if (tcp_fd >= 0)
		l->tcp = loop_fd_new(s->loop, tcp_fd, on_tcp, l);
	if (l->udp != NULL)
		loop_fd_set(l->udp, LOOP_READ);
	if (l->tcp != NULL)
		loop_fd_set(l->tcp, LOOP_READ);
}

void dns_server_remove(struct dns_server *s, const char *network, struct addr a)
{
	for (size_t i = s->listeners.n; i-- > 0;)
		if (strcmp(s->listeners.v[i]->network, network) == 0 &&
			addr_compare(s->listeners.v[i]->addr, a) == 0) {
			listener_free(s->listeners.v[i]);
			VEC_REMOVE(&s->listeners, i);
		}
}

void dns_server_set_upstreams(struct dns_server *s, const struct addr *list, size_t n)
{
	s->n_upstreams = n < FORWARD_UPSTREAMS_MAX ? n : FORWARD_UPSTREAMS_MAX;
	if (s->n_upstreams > 0)
		memcpy(s->upstreams, list, s->n_upstreams * sizeof(*list));
}

struct dns_counters dns_server_counters(const struct dns_server *s)
{
	return s->counters;
}
