/* DOC: packets that doctor sends to see whether they arrive; see doctor.h. */
#include "main/doctor.h"

#include "base/rand.h"
#include "dns/query.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 1000
#define PACKET_MAX 9216

static socklen_t sockaddr_of(struct addr a, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (a.family == FAMILY_IPV4) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		addr_to_bytes(a, (uint8_t *)&four->sin_addr);
		return sizeof(*four);
	}
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	addr_to_bytes(a, (uint8_t *)&six->sin6_addr);
	return sizeof(*six);
}

/* --- echo ------------------------------------------------------------------------------------ */

static uint16_t checksum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (n % 2)
		sum += (uint32_t)p[n - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static int echo_socket(enum family f, const char *ifname)
{
	bool four = f == FAMILY_IPV4;
	int fd = socket(four ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		four ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	int probe = four ? IP_PMTUDISC_PROBE : IPV6_PMTUDISC_PROBE;

	if (fd < 0)
		return -1;
	setsockopt(fd, four ? IPPROTO_IP : IPPROTO_IPV6, four ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER,
		&probe, sizeof(probe));
	if (ifname != NULL)
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname) + 1);
	return fd;
}

/* Type, code, checksum, id, sequence: the same in both families. */
static void echo_send(int fd, struct addr to, uint16_t id, uint16_t seq, size_t size)
{
	bool four = to.family == FAMILY_IPV4;
	size_t header = four ? 20 : 40;
	uint8_t packet[PACKET_MAX] = {four ? ICMP_ECHO : ICMP6_ECHO_REQUEST};
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_of(to, 0, &sa);
	uint16_t sum;

	size = size < header + 8 ? 8 : size - header > PACKET_MAX ? PACKET_MAX : size - header;
	dns_put16(packet + 4, id);
	dns_put16(packet + 6, seq);
	sum = four ? checksum(packet, size) : 0; /* the kernel does it for IPv6 */
	memcpy(packet + 2, &sum, sizeof(sum));
	(void)!sendto(fd, packet, size, 0, (struct sockaddr *)&sa, len);
}

/* The sequence number of an answer to us, or -1. */
static int echo_read(int fd, enum family f, uint16_t id)
{
	uint8_t packet[PACKET_MAX + 60];
	ssize_t n = recv(fd, packet, sizeof(packet), 0);
	size_t at = 0;

	if (n > 0 && f == FAMILY_IPV4)
		at = (size_t)(packet[0] & 15) * 4;
	if (n < (ssize_t)at + 8 ||
		packet[at] != (f == FAMILY_IPV4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) ||
		dns_get16(packet + at + 4) != id)
		return -1;
	return dns_get16(packet + at + 6);
}

static uint32_t echo_family(
	enum family f, const struct addr *to, size_t n, size_t size, const char *ifname)
{
	int fd = echo_socket(f, ifname);
	msec now = clock_mono(&clock_real), end = now + WAIT_MS;
	uint32_t asked = 0, answered = 0;
	uint16_t id;

	if (fd < 0)
		return 0;
	rand_bytes(&id, sizeof(id));
	for (size_t i = 0; i < n && i < PROBE_MAX; i++)
		if (to[i].family == f) {
			echo_send(fd, to[i], id, (uint16_t)i, size);
			asked |= 1u << i;
		}
	while (answered != asked && now < end) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int seq;

		if (poll(&p, 1, (int)(end - now)) > 0) {
			seq = echo_read(fd, f, id);
			if (seq >= 0 && seq < PROBE_MAX)
				answered |= 1u << seq & asked;
		}
		now = clock_mono(&clock_real);
	}
	close(fd);
	return answered;
}

uint32_t probe_ping(const struct addr *to, size_t n, size_t size, const char *ifname)
{
	return echo_family(FAMILY_IPV4, to, n, size, ifname) |
		echo_family(FAMILY_IPV6, to, n, size, ifname);
}

/* --- names ----------------------------------------------------------------------------------- */

/* A question for the domain's SOA; 0 when it is no name. */
static size_t question(const char *domain, uint16_t id, uint8_t out[static DNS_PLAIN_MAX])
{
	size_t at = DNS_HEADER;

	memset(out, 0, DNS_HEADER);
	dns_put16(out, id);
	dns_put16(out + 4, 1);
	while (*domain != '\0') {
		size_t n = strcspn(domain, ".");

		if (n == 0 || n > 63 || at + n + 6 > DNS_HEADER + DNS_NAME_MAX)
			return 0;
		out[at++] = (uint8_t)n;
		memcpy(out + at, domain, n);
		at += n;
		domain += n + (domain[n] == '.');
	}
	out[at++] = 0;
	dns_put16(out + at, DNS_TYPE_SOA);
	dns_put16(out + at + 2, DNS_CLASS_IN);
	return at + 4;
}

static int ask(int fd, const uint8_t *packet, size_t n, uint16_t id, struct err *e)
{
	uint8_t answer[DNS_PACKET_MAX];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t got;

	if (send(fd, packet, n, 0) < 0)
		return err_errno(e, errno, "cannot ask");
	if (poll(&p, 1, WAIT_MS) <= 0)
		return err_set(e, ERR_TIMEOUT, "no answer within a second");
	got = recv(fd, answer, sizeof(answer), 0);
	if (got < 0)
		return err_errno(e, errno, "nobody listens");
	if (got < DNS_HEADER || dns_get16(answer) != id || !(dns_get16(answer + 2) & DNS_QR))
		return err_set(e, ERR_INVALID, "what came is no answer");
	if ((dns_get16(answer + 2) & 15) != DNS_NOERROR || !(dns_get16(answer + 2) & DNS_AA))
		return err_set(e, ERR_DENIED, "it does not answer for this domain (code %u)",
			(unsigned)(dns_get16(answer + 2) & 15));
	return 0;
}

int probe_dns(struct addr server, const char *domain, struct err *e)
{
	uint8_t packet[DNS_PLAIN_MAX];
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_of(server, DNS_PORT, &sa);
	uint16_t id;
	size_t n;
	int fd, r;

	rand_bytes(&id, sizeof(id));
	n = question(domain, id, packet);
	if (n == 0)
		return err_set(e, ERR_INVALID, "%.64s is no domain", domain);
	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, len) < 0)
		r = err_errno(e, errno, "cannot ask");
	else
		r = ask(fd, packet, n, id, e);
	if (fd >= 0)
		close(fd);
	return r;
}

int probe_resolve(const char *host, struct addr *ret, struct err *e)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
	struct addrinfo *all = NULL;
	int rc;

	if (addr_parse(host, ret) == 0)
		return 0;
	rc = getaddrinfo(host, NULL, &hints, &all);
	if (rc != 0)
		return err_set(e, ERR_NOT_FOUND, "the name %.128s has no address (%s)", host,
			gai_strerror(rc));
	if (all->ai_family == AF_INET)
		*ret = addr_from_bytes(FAMILY_IPV4,
			(const uint8_t *)&((const struct sockaddr_in *)(void *)all->ai_addr)
				->sin_addr);
	else
		*ret = addr_from_bytes(FAMILY_IPV6,
			(const uint8_t *)&((const struct sockaddr_in6 *)(void *)all->ai_addr)
				->sin6_addr);
	freeaddrinfo(all);
	return 0;
}
