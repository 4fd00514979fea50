/* DOC: a small server for the tests of this room, and a raw client that sends what it is told. */
#ifndef WARREN_TESTS_HTTP_SERVE_H
#define WARREN_TESTS_HTTP_SERVE_H

#include "http/server.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static inline struct http_server *serve(const struct http_route *routes, size_t n, void *ctx)
{
	struct http_options o = {
		.listen = "127.0.0.1:0", .routes = routes, .n_routes = n, .ctx = ctx};
	struct http_server *s = NULL;
	struct err e = {0};

	if (http_server_start(&o, &s, &e) < 0)
		fail_msg("%s", e.text);
	return s;
}

static inline int dial_port(uint16_t port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

static inline int dial(struct http_server *s)
{
	return dial_port(http_server_port(s));
}

static inline void say(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t w = send(fd, bytes, n, MSG_NOSIGNAL);

		if (w <= 0)
			return; /* the server has heard enough */
		bytes += w;
		n -= (size_t)w;
	}
}

/* Read one piece, waiting at most 30 s; 0 at the end. */
static inline size_t hear(int fd, struct buf *in)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	if (poll(&p, 1, 30000) != 1)
		fail_msg("the server says nothing");
	n = read(fd, buf_room(in, 65536), 65536);
	if (n <= 0)
		return 0;
	in->len += (size_t)n;
	in->data[in->len] = '\0';
	return (size_t)n;
}

/* Read until text has been seen. False when the connection ends before. */
static inline bool hear_until(int fd, struct buf *in, const char *text)
{
	while (memmem(buf_str(in), in->len, text, strlen(text)) == NULL)
		if (hear(fd, in) == 0)
			return false;
	return true;
}

/* The end of the response at the start of in: header and Content-Length; 0 = not there yet. */
static inline size_t response_end(const struct buf *in)
{
	const char *end = strstr(buf_str(in), "\r\n\r\n"), *length;
	size_t header;

	if (end == NULL)
		return 0;
	header = (size_t)(end + 4 - in->data);
	length = strcasestr(in->data, "\r\nContent-Length: ");
	if (length != NULL && length < end)
		header += strtoul(length + 18, NULL, 10);
	return in->len >= header ? header : 0;
}

/* Read one response with a Content-Length (or none). Returns its status, 0 when closed. */
static inline int hear_response(int fd, struct buf *in)
{
	int status = 0;

	while (response_end(in) == 0)
		if (hear(fd, in) == 0)
			break;
	sscanf(buf_str(in), "HTTP/1.1 %d", &status);
	return status;
}

/* Send bytes on a fresh connection; the status that comes back, or 0 for none. closed says
 * whether the server ended the connection after it. */
static inline int probe(
	struct http_server *s, const char *bytes, size_t n, struct buf *in, bool *closed)
{
	int fd = dial(s), status;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t first;

	say(fd, bytes, n);
	status = hear_response(fd, in);
	first = in->len;
	if (closed != NULL) {
		/* A server that keeps the connection answers a second request on it. */
		const char again[] = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";

		say(fd, again, sizeof(again) - 1);
		*closed = poll(&p, 1, 10000) == 1 && hear(fd, in) == 0;
		in->len = first;
	}
	close(fd);
	return status;
}

#endif
