/* DOC: see upstream.h. */
#include "upstream.h"

#include "dns/query.h"
#include "dns/socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

struct upstream {
	struct loop *loop;
	int udp, tcp;
	int conn;
	struct loop_fd *on_udp, *on_tcp, *on_conn;
	unsigned asked;
	uint16_t ids[64], ports[64];
	unsigned repeats;
};

static size_t answer(const uint8_t *q, size_t n, uint8_t *out)
{
	(void)n;
	memset(out, 0, UPSTREAM_BIG);
	memcpy(out, q, n);
	dns_put16(out + 2, DNS_QR | DNS_RD | DNS_RA);
	return n;
}

static void note(struct upstream *u, const uint8_t *q, const struct sockaddr_in *from)
{
	uint16_t id = dns_get16(q), port = ntohs(from->sin_port);

	for (unsigned i = 0; i < u->asked && i < 64; i++)
		u->repeats += u->ids[i] == id && u->ports[i] == port;
	if (u->asked < 64) {
		u->ids[u->asked] = id;
		u->ports[u->asked] = port;
	}
	u->asked++;
}

static void on_udp(int events, void *arg)
{
	struct upstream *u = arg;
	uint8_t q[DNS_QUERY_MAX], out[DNS_QUERY_MAX];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(u->udp, q, sizeof(q), 0, (struct sockaddr *)&from, &len);
	size_t size;

	(void)events;
	if (n < DNS_HEADER + 5)
		return;
	note(u, q, &from);
	size = answer(q, (size_t)n, out);
	switch (q[DNS_HEADER + 1] | 0x20) {
	case 's':
		return;
	case 'r':
		dns_put16(out, dns_get16(q) + 1u); /* another id */
		sendto(u->udp, out, size, 0, (struct sockaddr *)&from, len);
		dns_put16(out, dns_get16(q));
		out[DNS_HEADER + 1] = 'x'; /* another question */
		sendto(u->udp, out, size, 0, (struct sockaddr *)&from, len);
		out[DNS_HEADER + 1] = q[DNS_HEADER + 1];
		break;
	case 'l':
		for (size_t i = DNS_HEADER; i < size - 4; i++)
			out[i] = out[i] >= 'A' && out[i] <= 'Z' ? out[i] | 0x20 : out[i];
		break;
	case 'b':
		dns_put16(out + 2, DNS_QR | DNS_TC);
		break;
	}
	sendto(u->udp, out, size, 0, (struct sockaddr *)&from, len);
}

/* The question is there whole: it is small, and came over the loopback. */
static void on_conn(int events, void *arg)
{
	struct upstream *u = arg;
	uint8_t q[2 + DNS_QUERY_MAX], out[2 + DNS_QUERY_MAX];
	ssize_t n = recv(u->conn, q, sizeof(q), 0);

	(void)events;
	if (n > 2 + DNS_HEADER) {
		answer(q + 2, (size_t)n - 2, out + 2);
		dns_put16(out, UPSTREAM_BIG);
		/* in two pieces */
		assert_int_equal(send(u->conn, out, 700, 0), 700);
		assert_int_equal(send(u->conn, out + 700, 2 + UPSTREAM_BIG - 700, 0),
			2 + UPSTREAM_BIG - 700);
	}
	u->on_conn = loop_fd_free(u->on_conn);
	close(u->conn);
}

static void on_tcp(int events, void *arg)
{
	struct upstream *u = arg;

	(void)events;
	if (u->on_conn != NULL)
		return; /* one at a time */
	u->conn = accept(u->tcp, NULL, NULL);
	u->on_conn = loop_fd_new(u->loop, u->conn, on_conn, u);
	loop_fd_set(u->on_conn, LOOP_READ);
}

struct upstream *upstream_new(struct loop *l, struct addr a, uint16_t port)
{
	struct upstream *u = NEW(struct upstream);
	struct prefix_vec anybody = {0};
	struct prefix host = {{FAMILY_IPV4, (u128)127 << 24}, 8};

	VEC_PUSH(&anybody, host);
	u->loop = l;
	assert_int_equal(dns_socket_open(a, port, false, &anybody, &u->udp, NULL), 0);
	assert_int_equal(dns_socket_open(a, port, true, &anybody, &u->tcp, NULL), 0);
	u->on_udp = loop_fd_new(l, u->udp, on_udp, u);
	u->on_tcp = loop_fd_new(l, u->tcp, on_tcp, u);
	loop_fd_set(u->on_udp, LOOP_READ);
	loop_fd_set(u->on_tcp, LOOP_READ);
	VEC_DONE(&anybody);
	return u;
}

struct upstream *upstream_free(struct upstream *u)
{
	loop_fd_free(u->on_udp);
	loop_fd_free(u->on_tcp);
	close(u->udp);
	close(u->tcp);
	return mem_free(u);
}

unsigned upstream_asked(const struct upstream *u)
{
	return u->asked;
}

bool upstream_saw_repeats(const struct upstream *u)
{
	return u->repeats > 0;
}
