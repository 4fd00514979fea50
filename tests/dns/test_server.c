/*
 * DOC: the responder on real sockets of the loopback: 127.1.0.0/16 plays the overlay, 127.2.0.1 an
 * upstream (upstream.h), 127.3.0.1 an outsider. The server's loop runs here, a client in a thread.
 */
#include "dns/server.h"
#include "base/clock.h"
#include "dns/query.h"
#include "dns/socket.h"
#include "dns/upstream.h"
#include "town.h"
#include "upstream.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define WAIT 10000 /* ms for what must come */
#define QUIET 300  /* and for what must not */

struct rig {
	struct loop *loop;
	struct dns_server *server;
	struct upstream *upstream;
	uint16_t port;
	void (*client)(struct rig *r);
	/* what the client's thread found */
	uint8_t in[DNS_PACKET_MAX];
	ssize_t n[9];
	unsigned got;
};

/* Can both of its sockets be had? Others use this machine, too. */
static bool is_free(const char *text, uint16_t port)
{
	struct prefix_vec pools = {0};
	int udp = -1, tcp = -1;
	bool free = dns_socket_open(town_addr(text), port, false, &pools, &udp, NULL) >= 0 &&
		dns_socket_open(town_addr(text), port, true, &pools, &tcp, NULL) >= 0;

	if (udp >= 0)
		close(udp);
	if (tcp >= 0)
		close(tcp);
	return free;
}

/* Free at the server's and at the upstream's address, below what the kernel gives out by itself. */
static uint16_t a_port(void)
{
	static unsigned n;

	for (int tries = 0; tries < 100; tries++) {
		uint16_t port = (uint16_t)(20000 + ((unsigned)getpid() + 97 * n++) % 12000);

		if (is_free("127.1.0.1", port) && is_free("127.2.0.1", port))
			return port;
	}
	fail_msg("no port is free");
	return 0;
}

static struct dns_zone *zone_with(const char *upstream)
{
	struct item_vec items = {0};
	struct item *dns = item_new(ITEM_DNS, "net_1"), *fw = item_new(ITEM_FIREWALL, "net_1");
	struct prefix listen = prefix_host(town_addr("127.1.0.1"));
	struct prefix pool = {town_addr("127.1.0.0"), 16};
	struct dns_zone *z;

	dns->dns.domain = mem_strdup("town");
	VEC_PUSH(&dns->dns.listen, listen);
	if (upstream != NULL)
		strs_push(&dns->dns.upstreams, upstream);
	VEC_PUSH(&fw->firewall.overlay, pool);
	VEC_PUSH(&items, dns);
	VEC_PUSH(&items, fw);
	town_name(&items, "mem_1", "gw", "127.1.0.1", NULL, false);
	town_name(&items, "cl_1", "me", "127.1.0.2", NULL, true);
	z = dns_zone_new(&items, "net_1", 1);
	item_vec_done(&items);
	return z;
}

static struct dns_zone *zone(void)
{
	return zone_with("127.2.0.1");
}

static int client_socket(const struct rig *r, const char *from, bool stream)
{
	struct sockaddr_storage s;
	int fd = socket(AF_INET, stream ? SOCK_STREAM : SOCK_DGRAM, 0);
	socklen_t len = dns_sockaddr(town_addr(from), 0, &s);

	if (bind(fd, (struct sockaddr *)&s, len) < 0)
		abort();
	len = dns_sockaddr(town_addr("127.1.0.1"), r->port, &s);
	if (stream) { /* what is filtered is never answered: do not wait for the kernel's patience
		       */
		struct timeval t = {.tv_usec = 1000 * QUIET};

		if (strcmp(from, "127.3.0.1") == 0)
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
	}
	if (connect(fd, (struct sockaddr *)&s, len) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The answer's length, or -1 when none came in time. */
static ssize_t ask(struct rig *r, int fd, const char *name, unsigned edns, int wait)
{
	uint8_t q[DNS_PLAIN_MAX];
	size_t n = town_ask(q, 99, name, DNS_TYPE_A, edns);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (send(fd, q, n, 0) != (ssize_t)n || poll(&p, 1, wait) <= 0)
		return -1;
	return recv(fd, r->in, sizeof(r->in), 0);
}

static bool read_all(int fd, uint8_t *to, size_t n)
{
	for (size_t done = 0; done < n;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t got = poll(&p, 1, WAIT) <= 0 ? -1 : recv(fd, to + done, n - done, 0);

		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

/* The length of the next answer over TCP, or -1. */
static ssize_t next(struct rig *r, int fd)
{
	uint8_t len[2];

	if (!read_all(fd, len, 2) || !read_all(fd, r->in, dns_get16(len)))
		return -1;
	return dns_get16(len);
}

/* Does the server end the connection, and say nothing more? */
static bool is_closed(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char c;

	return poll(&p, 1, WAIT) == 1 && recv(fd, &c, 1, 0) <= 0;
}

static void *client_thread(void *arg)
{
	struct rig *r = arg;

	r->client(r);
	loop_stop(r->loop);
	return NULL;
}

static void open_sockets(struct rig *r)
{
	const struct addr a = town_addr("127.1.0.1");
	struct prefix_vec pools = {0};
	struct prefix pool = {town_addr("127.1.0.0"), 16};
	struct err e = {0};
	int udp = -1, tcp = -1;

	VEC_PUSH(&pools, pool);
	if (dns_socket_open(a, r->port, false, &pools, &udp, &e) < 0 ||
		dns_socket_open(a, r->port, true, &pools, &tcp, &e) < 0)
		fail_msg("%s", e.text);
	VEC_DONE(&pools);
	dns_server_add(r->server, "net_1", a, udp, tcp);
}

static void run(struct rig *r, void (*client)(struct rig *r), unsigned rate)
{
	struct dns_server_options o = {.upstream_port = a_port(),
		.upstream_timeout =
			2000, /* one that answers does so, however busy this machine is */
		.idle = 60000,
		.rate = rate,
		.burst = rate == 0 ? 0 : 10,
		.any_interface = true};
	pthread_t t;

	r->loop = loop_new();
	r->port = o.upstream_port;
	r->client = client;
	r->upstream = upstream_new(r->loop, town_addr("127.2.0.1"), r->port);
	r->server = dns_server_new(r->loop, &clock_real, &o);
	dns_server_set_zone(r->server, zone());
	open_sockets(r);
	assert_int_equal(pthread_create(&t, NULL, client_thread, r), 0);
	loop_run(r->loop);
	pthread_join(t, NULL);
}

static void done(struct rig *r)
{
	dns_server_free(r->server);
	upstream_free(r->upstream);
	loop_free(r->loop);
}

/* --- cases ----------------------------------------------------------------------------------- */

static void udp_client(struct rig *r)
{
	int fd = client_socket(r, "127.1.0.2", false);

	r->n[0] = ask(r, fd, "gw.town", 0, WAIT); /* no rule: not there */
	r->n[1] = ask(r, fd, "me.town", 0, WAIT); /* itself */
	r->got = dns_get16(r->in + 6);            /* answers */
	close(fd);
	fd = client_socket(r, "127.3.0.1", false);
	r->n[2] = ask(r, fd, "me.town", 0, QUIET);
	close(fd);
	fd = client_socket(r, "127.3.0.1", true);
	r->n[3] = fd;
	if (fd >= 0)
		close(fd);
}

static void over_udp(void **state)
{
	struct rig r = {0};

	run(&r, udp_client, 0);
	assert_true(r.n[0] > 0 && r.n[1] > 0);
	assert_int_equal(r.got, 1);
	assert_int_equal(r.n[2], -1); /* outsiders: silence, */
	assert_int_equal(r.n[3], -1); /* not even a handshake */
	done(&r);
}

static void tcp_client(struct rig *r)
{
	int fd = client_socket(r, "127.1.0.2", true), other;
	uint8_t q[2 * (2 + DNS_PLAIN_MAX)];
	size_t n = town_ask(q + 2, 1, "me.town", DNS_TYPE_A, 0), m;

	dns_put16(q, (unsigned)n);
	m = town_ask(q + 2 + n + 2, 2, "big.example", DNS_TYPE_A, 0);
	dns_put16(q + 2 + n, (unsigned)m);
	/* two questions, cut in the middle of the first */
	send(fd, q, 5, 0);
	usleep(1000);
	send(fd, q + 5, 2 + n + 2 + m - 5, 0);
	r->n[0] = next(r, fd);
	r->got = dns_get16(r->in + 6);
	r->n[1] = next(r, fd);
	close(fd);
	/* a length no question has */
	fd = client_socket(r, "127.1.0.2", true);
	send(fd, "\xff\xff", 2, 0);
	r->n[2] = is_closed(fd);
	close(fd);
	/* more connections than one client may have: the last is closed */
	for (int i = 0; i < 9; i++)
		other = client_socket(r, "127.1.0.3", true);
	r->n[3] = is_closed(other);
}

static void over_tcp(void **state)
{
	struct rig r = {0};

	run(&r, tcp_client, 0);
	assert_true(r.n[0] > 0);
	assert_int_equal(r.got, 1);
	assert_int_equal(r.n[1], UPSTREAM_BIG);
	assert_true(r.n[2]);
	assert_true(r.n[3]);
	done(&r);
}

static void forward_client(struct rig *r)
{
	int fd = client_socket(r, "127.1.0.2", false);

	r->n[0] = ask(r, fd, "right.example", 0, WAIT);
	r->got = r->in[DNS_HEADER + 1];
	r->n[8] = r->in[3] & 15;
	r->n[1] = ask(r, fd, "silent.example", 0, WAIT);
	r->n[2] = r->in[3] & 15;
	r->n[3] = ask(r, fd, "big.example", 0, WAIT);
	r->n[4] = r->in[2] & (DNS_TC >> 8);
	for (int i = 0; i < 40; i++)
		if (ask(r, fd, "other.example", 0, WAIT) > 0)
			r->n[5]++;
	close(fd);
	fd = client_socket(r, "127.1.0.3", false); /* inside, but nobody whose questions go on */
	r->n[6] = ask(r, fd, "right.example", 0, WAIT);
	r->n[7] = r->in[3] & 15;
	close(fd);
}

static void forwarding(void **state)
{
	struct rig r = {0};

	run(&r, forward_client, 0);
	assert_true(r.n[0] > 0);
	assert_int_equal(r.got, 'r');          /* not the forged ones, */
	assert_int_equal(r.n[8], DNS_NOERROR); /* and the true one, not a failure */
	assert_true(r.n[1] > 0);
	assert_int_equal(r.n[2], DNS_SERVFAIL);
	assert_true(r.n[3] > 0 && r.n[4] != 0);
	assert_int_equal(r.n[5], 40);
	assert_true(r.n[6] > 0);
	assert_int_equal(r.n[7], DNS_REFUSED);
	assert_int_equal(upstream_asked(r.upstream), 43);
	assert_false(upstream_saw_repeats(r.upstream)); /* random ids and ports */
	done(&r);
}

/* A name of many letters: that all come out small by chance does not happen. */
#define LETTERS "letterslettersletterslettersletterslettersletters.example"

static void spelling_client(struct rig *r)
{
	int fd = client_socket(r, "127.1.0.2", false);

	r->n[0] = ask(r, fd, LETTERS, 4096, WAIT);
	r->n[1] = r->in[2] & (DNS_TC >> 8);
	r->n[2] = ask(r, fd, "Other.example", 0, WAIT);
	r->n[3] = memcmp(r->in + DNS_HEADER, "\5Other\7example", 14);
	close(fd);
}

/* Who does not repeat the spelling is asked over TCP; the asker has its own in any case. */
static void answers_are_spelled_as_asked(void **state)
{
	struct rig r = {0};

	run(&r, spelling_client, 0);
	assert_true(r.n[0] > 0 && r.n[1] != 0); /* too long for him, as only TCP's answer is */
	assert_true(r.n[2] > 0);
	assert_int_equal(r.n[3], 0);
	assert_int_equal(upstream_asked(r.upstream), 2);
	done(&r);
}

static void greedy_client(struct rig *r)
{
	int fd = client_socket(r, "127.1.0.2", false), other;

	for (int i = 0; i < 15; i++)
		r->n[0] += ask(r, fd, "me.town", 0, i < 10 ? WAIT : QUIET / 3) > 0;
	other = client_socket(r, "127.1.0.3", false);
	r->n[1] = ask(r, other, "me.town", 0, WAIT);
	close(fd);
	close(other);
}

static void each_client_has_a_bound(void **state)
{
	struct rig r = {0};

	run(&r, greedy_client, 1);
	assert_in_range(r.n[0], 10, 14);
	assert_true(r.n[1] > 0);
	assert_true(dns_server_counters(r.server).limited > 0);
	done(&r);
}

static void a_taken_port_is_an_error(void **state)
{
	struct prefix_vec pools = {0};
	const struct addr a = town_addr("127.1.0.1");
	uint16_t port = a_port();
	struct err e = {0};
	int fd, other;

	assert_int_equal(dns_socket_open(a, port, false, &pools, &fd, NULL), 0);
	assert_int_equal(dns_socket_open(a, port, false, &pools, &other, &e), ERR_EXISTS);
	assert_int_equal(e.code, ERR_EXISTS);
	close(fd);
	assert_int_equal(dns_socket_open(a, port, false, &pools, &fd, &e), 0);
	close(fd);
}

static void sockets_without_a_zone_are_closed(void **state)
{
	const struct dns_server_options o = {0};
	struct loop *l = loop_new();
	struct dns_server *s = dns_server_new(l, &clock_real, &o);
	int ends[2];
	char c;

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	dns_server_add(s, "net_1", town_addr("127.1.0.1"), ends[0], -1);
	assert_int_equal(send(ends[1], "x", 1, MSG_NOSIGNAL), -1);
	assert_int_equal(recv(ends[1], &c, 1, MSG_DONTWAIT), -1);
	close(ends[1]);
	dns_server_free(s);
	loop_free(l);
}

/* The host's resolvers, without one that is the zone's own responder. */
static void who_is_asked(void **state)
{
	const struct addr host[] = {
		town_addr("127.1.0.1"), town_addr("192.0.2.1"), town_addr("2001:db8::1")};
	struct addr a[FORWARD_UPSTREAMS_MAX];
	struct dns_zone *z = zone();

	assert_int_equal(upstream_list(host, 3, z, a), 1); /* its own list */
	assert_int_equal(addr_compare(a[0], town_addr("127.2.0.1")), 0);
	dns_zone_free(z);
	z = zone_with(NULL);
	assert_int_equal(upstream_list(host, 3, z, a), 2);
	assert_int_equal(addr_compare(a[0], host[1]), 0);
	assert_int_equal(addr_compare(a[1], host[2]), 0);
	dns_zone_free(z);
}

static void resolv_conf(void **state)
{
	struct addr a[FORWARD_UPSTREAMS_MAX];
	size_t n = upstream_parse("# nameserver 192.0.2.9\nsearch x\nnameserver 192.0.2.1\n"
				  "nameserver\t2001:db8::1 # two\nnameserver fe80::1%eth0\n"
				  "nameservers 192.0.2.8\nnameserver 192.0.2.2",
		a, ARRAY_LEN(a));

	assert_int_equal(n, 3);
	assert_int_equal(addr_compare(a[0], town_addr("192.0.2.1")), 0);
	assert_int_equal(addr_compare(a[1], town_addr("2001:db8::1")), 0);
	assert_int_equal(addr_compare(a[2], town_addr("192.0.2.2")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolv_conf),
		cmocka_unit_test(who_is_asked),
		cmocka_unit_test(a_taken_port_is_an_error),
		cmocka_unit_test(sockets_without_a_zone_are_closed),
		cmocka_unit_test(over_udp),
		cmocka_unit_test(over_tcp),
		cmocka_unit_test(forwarding),
		cmocka_unit_test(answers_are_spelled_as_asked),
		cmocka_unit_test(each_client_has_a_bound),
	};

	return cmocka_run_group_tests_name("dns_server", tests, NULL, NULL);
}
