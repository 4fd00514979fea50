/* DOC: listening sockets; see listen.h. */
#include "http/listen.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

static int socket_for(int family, struct err *e, const char *where)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd >= 0 ? fd : err_errno(e, errno, "cannot listen on %s", where);
}

/* Bind and listen; closes fd on failure. */
static int open_on(int fd, const void *addr, socklen_t len, const char *where, struct err *e)
{
	int saved;

	if (bind(fd, addr, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	return err_errno(e, saved, "cannot listen on %s", where);
}

/* A socket file that refuses connections was left behind by a process that is gone. */
static void remove_stale(const struct sockaddr_un *sun)
{
	struct stat st;
	int fd;

	if (lstat(sun->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) < 0 && errno == ECONNREFUSED)
		unlink(sun->sun_path);
	close(fd);
}

static int unix_address(const char *path, struct sockaddr_un *ret, struct err *e)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (path[0] != '/' || strlen(path) >= sizeof(ret->sun_path))
		return err_field(e, ERR_INVALID, "listen",
			"\"%s\" is not an absolute path of at most %zu bytes", path,
			sizeof(ret->sun_path) - 1);
	strcpy(ret->sun_path, path);
	return 0;
}

static int listen_unix(
	const char *where, const char *path, struct http_listener *ret, struct err *e)
{
	struct sockaddr_un sun;
	int fd = unix_address(path, &sun, e);

	if (fd < 0)
		return fd;
	remove_stale(&sun);
	fd = socket_for(AF_UNIX, e, where);
	if (fd < 0)
		return fd;
	/* The mode of the socket before bind is the mode of the name: never open to others. */
	fchmod(fd, 0600);
	fd = open_on(fd, &sun, sizeof(sun), where, e);
	if (fd < 0)
		return fd;
	ret->fd = fd;
	ret->port = 0;
	ret->unix_path = mem_strdup(path);
	return 0;
}

/* "a:1" and "[a]:1" into host and port texts. */
static int split(const char *where, char **ret_host, const char **ret_port)
{
	const char *colon = strrchr(where, ':'), *start = where, *end = colon;
	uint64_t port;

	if (colon == NULL || text_u64(colon + 1, 65535, &port) < 0)
		return ERR_INVALID;
	if (where[0] == '[') {
		start++;
		end--;
		if (end < start || *end != ']')
			return ERR_INVALID;
	} else if (memchr(where, ':', (size_t)(colon - where)) != NULL) {
		return ERR_INVALID;
	}
	if (end == start)
		return ERR_INVALID;
	*ret_host = mem_strndup(start, (size_t)(end - start));
	*ret_port = colon + 1;
	return 0;
}

/* Free with freeaddrinfo. */
static int inet_address(const char *where, struct addrinfo **ret, struct err *e)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM};
	AUTOFREE char *host = NULL;
	const char *port;

	if (split(where, &host, &port) < 0 || getaddrinfo(host, port, &hints, ret) != 0)
		return err_field(e, ERR_INVALID, "listen",
			"\"%s\" is not ADDRESS:PORT, [ADDRESS]:PORT or unix:/path", where);
	return 0;
}

static bool is_everywhere(const struct addrinfo *ai)
{
	return ai->ai_family == AF_INET6 &&
		IN6_IS_ADDR_UNSPECIFIED(
			&((const struct sockaddr_in6 *)(const void *)ai->ai_addr)->sin6_addr);
}

static int listen_inet(const char *where, struct http_listener *ret, struct err *e)
{
	struct addrinfo *ai;
	struct sockaddr_storage got;
	socklen_t len = sizeof(got);
	int fd, on = 1, off = 0;

	if (inet_address(where, &ai, e) < 0)
		return ERR_INVALID;
	fd = socket_for(ai->ai_family, e, where);
	if (fd < 0 && is_everywhere(ai)) {
		AUTOFREE char *four = mem_printf("0.0.0.0:%s", strrchr(where, ':') + 1);

		freeaddrinfo(ai);
		return listen_inet(four, ret, e);
	}
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (ai->ai_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		fd = open_on(fd, ai->ai_addr, ai->ai_addrlen, where, e);
	}
	freeaddrinfo(ai);
	if (fd < 0)
		return fd;
	getsockname(fd, (struct sockaddr *)&got, &len);
	ret->fd = fd;
	/* The port sits at the same place in both families. */
	ret->port = ntohs(((struct sockaddr_in *)&got)->sin_port);
	ret->unix_path = NULL;
	return 0;
}

int http_listen_check(const char *where, struct err *e)
{
	struct sockaddr_un sun;
	struct addrinfo *ai;

	if (text_starts(where, "unix:"))
		return unix_address(where + strlen("unix:"), &sun, e);
	if (inet_address(where, &ai, e) < 0)
		return ERR_INVALID;
	freeaddrinfo(ai);
	return 0;
}

int http_listen(const char *where, struct http_listener *ret, struct err *e)
{
	if (text_starts(where, "unix:"))
		return listen_unix(where, where + strlen("unix:"), ret, e);
	return listen_inet(where, ret, e);
}

void http_listener_done(struct http_listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	if (l->unix_path != NULL)
		unlink(l->unix_path);
	l->unix_path = mem_free(l->unix_path);
}
