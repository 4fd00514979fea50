/* DOC: see port.h. */
#include "main/port.h"

#include "base/mem.h"
#include "base/text.h"
#include "http/listen.h"
#include "net/net.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ENGINE "wireguard-go"

int port_check_listen(const char *where, const char *flag, struct err *e)
{
	CLEANUP(buf_done) struct buf holder = {0};
	struct http_listener l = {.fd = -1};
	const char *colon = strrchr(where, ':');
	struct err why = {0};
	uint64_t port = 0;
	int r;

	if (text_starts(where, "unix:"))
		return 0;
	r = http_listen(where, &l, &why);
	if (r == 0) {
		http_listener_done(&l);
		return 0;
	}
	if (r != ERR_SYSTEM)
		return err_field(e, why.code, flag, "%s", why.text);
	if (colon != NULL)
		text_u64(colon + 1, UINT16_MAX, &port);
	if (port != 0 && net_port_holder(true, (uint16_t)port, (struct addr){0}, &holder) == 0)
		return err_set(e, ERR_SYSTEM,
			"%s; %s holds it: stop that, or choose another address with --%s", why.text,
			buf_str(&holder), flag);
	return err_set(e, ERR_SYSTEM, "%s; choose another address with --%s", why.text, flag);
}

/* 0 when the family has the port free, or this machine lacks the family. */
static int try_udp(int family, uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, r;

	if (fd < 0)
		return 0;
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	r = family == AF_INET ? bind(fd, (struct sockaddr *)&v4, sizeof(v4))
			      : bind(fd, (struct sockaddr *)&v6, sizeof(v6));
	r = r < 0 && errno == EADDRINUSE ? -errno : 0;
	close(fd);
	return r;
}

int port_check_udp(uint16_t port, bool ours, struct err *e)
{
	CLEANUP(buf_done) struct buf holder = {0};
	bool seen;

	if (try_udp(AF_INET, port) == 0 && try_udp(AF_INET6, port) == 0)
		return 0;
	seen = net_port_holder(false, port, (struct addr){0}, &holder) == 0;
	if (ours && (!seen || text_starts(buf_str(&holder), ENGINE " ")))
		return 0;
	return err_set(e, ERR_SYSTEM,
		"UDP port %u, where clients shall reach this gateway, is in use; %s holds it: "
		"stop that, or choose another with --port",
		port, seen ? buf_str(&holder) : "the kernel or a process out of sight");
}
