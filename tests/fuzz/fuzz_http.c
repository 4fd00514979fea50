/*
 * DOC: fuzz target for the HTTP server: raw bytes into a real server over a unix socket. What a
 * handler gets must hold the promises of server.h, and what comes back must look like HTTP.
 */
#include "http/server.h"

#include "base/mem.h"
#include "base/text.h"

#include <libgen.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define INPUT_MAX (64u * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http_server *server;
static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_text(const char *s)
{
	require(s == NULL || text_printable(s) >= 0);
}

static void on_any(struct http_request *rq, const struct http_route *route, void *ctx)
{
	struct buf b = {0};
	size_t n;

	(void)ctx;
	check_text(http_param(rq, "id"));
	check_text(http_query(rq, "q"));
	require(http_path(rq)[0] == '/');
	require(http_header(rq, "Transfer-Encoding") == NULL ||
		http_header(rq, "Content-Length") == NULL);
	http_cookie(rq, "c");
	if (http_body(rq, &n) == NULL)
		return;
	require(n <= (route->body_max > 0 ? route->body_max : HTTP_BODY_MAX));
	buf_addf(&b, "%s %zu", http_method(rq), n);
	http_reply(rq, 200, "text/plain", &b);
}

static void on_stream(struct http_request *rq, const struct http_route *route, void *ctx)
{
	struct http_stream *s = http_stream_open(rq, NULL, NULL);

	(void)route;
	(void)ctx;
	http_stream_send(s, "data: x\n\n", 9);
	http_stream_close(s);
}

static const struct http_route routes[] = {
	{.method = "GET", .path = "/a", .handler = on_any},
	{.method = "POST", .path = "/a", .handler = on_any, .body_max = 32},
	{.method = "PUT", .path = "/a/{id}", .handler = on_any},
	{.method = "GET", .path = "/s", .handler = on_stream},
};

static void stop(void)
{
	http_server_stop(server);
	rmdir(dirname(address.sun_path));
}

static void start(void)
{
	static char dir[] = "/tmp/warren-fuzz-XXXXXX";
	static char listen[64];
	struct http_options o = {.listen = listen, .routes = routes, .n_routes = ARRAY_LEN(routes)};
	struct err e = {0};

	require(mkdtemp(dir) != NULL);
	snprintf(listen, sizeof(listen), "unix:%s/s", dir);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", dir);
	if (http_server_start(&o, &server, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		abort();
	}
	atexit(stop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char answer[4096];
	struct timeval patience = {.tv_usec = 200000};
	struct pollfd p = {.events = POLLIN};
	size_t got = 0;
	ssize_t n;
	int fd;

	if (server == NULL)
		start();
	if (size > INPUT_MAX)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	p.fd = fd;
	while (size > 0 && (n = send(fd, data, size, MSG_NOSIGNAL)) > 0) {
		data += n;
		size -= (size_t)n;
	}
	/* libmicrohttpd misses an end that comes together with the last bytes and then waits for
	 * its idle time, so the end is sent a moment later, and not waited for without bound. */
	poll(&p, 1, 2);
	shutdown(fd, SHUT_WR);
	while ((n = read(fd, answer + got, sizeof(answer) - got)) > 0)
		got = got + (size_t)n < sizeof(answer) ? got + (size_t)n : sizeof(answer) / 2;
	require(got < 7 || memcmp(answer, "HTTP/1.", 7) == 0);
	close(fd);
	return 0;
}
