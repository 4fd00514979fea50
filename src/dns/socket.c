/* DOC: see socket.h. */
#include "dns/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 64
#define POOLS_MAX 16 /* in a filter; a network has two */
#define FILTER_MAX (POOLS_MAX * 9 + 2)
#define ALL 0xffffffffu
#define SOURCE_V4 12 /* offset of the source in its header */
#define SOURCE_V6 8

socklen_t dns_sockaddr(struct addr a, uint16_t port, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (a.family == FAMILY_IPV4) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		addr_to_bytes(a, (uint8_t *)&in->sin_addr);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	addr_to_bytes(a, (uint8_t *)&in6->sin6_addr);
	return sizeof(*in6);
}

struct addr dns_sockaddr_addr(const struct sockaddr_storage *s)
{
	if (s->ss_family == AF_INET)
		return addr_from_bytes(
			FAMILY_IPV4, (const uint8_t *)&((const struct sockaddr_in *)s)->sin_addr);
	if (s->ss_family == AF_INET6)
		return addr_from_bytes(
			FAMILY_IPV6, (const uint8_t *)&((const struct sockaddr_in6 *)s)->sin6_addr);
	return (struct addr){0};
}

/* --- the filter ------------------------------------------------------------------------------ */

struct filter {
	struct sock_filter v[FILTER_MAX];
	unsigned short n;
};

static void add(struct filter *f, unsigned code, uint32_t k, uint8_t yes, uint8_t no)
{
	f->v[f->n++] = (struct sock_filter){(uint16_t)code, yes, no, k};
}

/* Accept what comes from the pool: the words of the source that its length covers, in turn. */
static void add_pool(struct filter *f, struct prefix p)
{
	unsigned words = addr_width(p.addr) / 32, used = (p.len + 31u) / 32;
	uint32_t at = p.addr.family == FAMILY_IPV4 ? SOURCE_V4 : SOURCE_V6;

	for (unsigned i = 0; i < used; i++) {
		unsigned bits = p.len - 32 * i < 32 ? p.len - 32u * i : 32;
		uint32_t want = (uint32_t)(p.addr.bits >> (32 * (words - 1 - i)));

		add(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + at + 4 * i, 0, 0);
		add(f, BPF_ALU | BPF_AND | BPF_K, ALL << (32 - bits), 0, 0);
		/* another one: over the rest of this pool and its "accept" */
		add(f, BPF_JMP | BPF_JEQ | BPF_K, want, 0, (uint8_t)(3 * (used - 1 - i) + 1));
	}
	add(f, BPF_RET | BPF_K, ALL, 0, 0);
}

static int attach_filter(int fd, enum family family, const struct prefix_vec *pools)
{
	struct filter f = {0};
	struct sock_fprog program = {.filter = f.v};

	VEC_FOREACH (p, pools)
		if (p->addr.family == family && p->len > 0 &&
			f.n + 14 <= FILTER_MAX) /* at most 4 words and a return, and the last */
			add_pool(&f, *p);
	add(&f, BPF_RET | BPF_K, 0, 0, 0);
	program.len = f.n;
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* --- sockets --------------------------------------------------------------------------------- */

static int set(int fd, int level, int option)
{
	int one = 1;

	return setsockopt(fd, level, option, &one, sizeof(one));
}

static int prepare(int fd, struct addr a, bool stream, const struct prefix_vec *pools)
{
	bool v4 = a.family == FAMILY_IPV4;

	/* the filter first: between bind and it nothing may slip in */
	if (attach_filter(fd, (enum family)a.family, pools) < 0)
		return -1;
	/* with UDP it would let others share the port */
	if (stream && set(fd, SOL_SOCKET, SO_REUSEADDR) < 0)
		return -1;
	if (!v4 && set(fd, IPPROTO_IPV6, IPV6_V6ONLY) < 0)
		return -1;
	/* the interface may come after us */
	if (set(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_FREEBIND : IPV6_FREEBIND) < 0)
		return -1;
	if (stream)
		return 0;
	return v4 ? set(fd, IPPROTO_IP, IP_PKTINFO) : set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
}

static int new_socket(struct addr a, bool stream)
{
	return socket(a.family == FAMILY_IPV4 ? AF_INET : AF_INET6,
		(stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int dns_socket_open(struct addr a, uint16_t port, bool stream, const struct prefix_vec *pools,
	int *ret_fd, struct err *e)
{
	struct sockaddr_storage s;
	socklen_t len = dns_sockaddr(a, port, &s);
	char text[ADDR_TEXT_LEN];
	int fd = new_socket(a, stream), errnum;

	if (fd >= 0 && prepare(fd, a, stream, pools) == 0 &&
		bind(fd, (struct sockaddr *)&s, len) == 0 &&
		(!stream || listen(fd, BACKLOG) == 0)) {
		*ret_fd = fd;
		return 0;
	}
	errnum = errno;
	if (fd >= 0)
		close(fd);
	err_errno(e, errnum, "cannot answer DNS on %s port %u (%s)", addr_format(a, text), port,
		stream ? "TCP" : "UDP");
	if (errnum == EADDRINUSE && e != NULL)
		e->code = ERR_EXISTS;
	return errnum == EADDRINUSE ? ERR_EXISTS : ERR_SYSTEM;
}

int dns_socket_filter(int fd, struct addr a, const struct prefix_vec *pools, struct err *e)
{
	if (attach_filter(fd, (enum family)a.family, pools) < 0)
		return err_errno(e, errno, "cannot filter a DNS socket");
	return 0;
}

int dns_socket_connect(struct addr a, uint16_t port, bool stream, int *ret_fd)
{
	struct sockaddr_storage s;
	socklen_t len = dns_sockaddr(a, port, &s);
	int fd = new_socket(a, stream);

	if (fd < 0)
		return ERR_SYSTEM;
	/* connected: the kernel takes a random port, and hears only the one we asked */
	if (connect(fd, (struct sockaddr *)&s, len) < 0 && errno != EINPROGRESS) {
		close(fd);
		return ERR_SYSTEM;
	}
	*ret_fd = fd;
	return 0;
}
