/*
 * DOC: the probe table: malformed requests as raw bytes, plain and exact. Each must get its status
 * and lose its connection, so that nothing behind it is taken for a second request.
 */
#include "serve.h"

#include "base/rand.h"

static void on_hello(struct http_request *rq, const struct http_route *route, void *ctx)
{
	struct buf b = {0};

	(void)route;
	(void)ctx;
	buf_adds(&b, "hello\n");
	http_reply(rq, 200, "text/plain", &b);
}

static const struct http_route routes[] = {
	{.method = "GET", .path = "/hello", .handler = on_hello},
	{.method = "POST", .path = "/hello", .handler = on_hello},
};

#define GET "GET /hello HTTP/1.1\r\n"
#define POST "POST /hello HTTP/1.1\r\nHost: x\r\n"
#define PROBE(what, bytes, status, closed)                     \
	{                                                      \
		what, bytes, sizeof(bytes) - 1, status, closed \
	}

static const struct {
	const char *what, *bytes;
	size_t n;
	int status;
	bool closed;
} table[] = {
	PROBE("good", GET "Host: x\r\n\r\n", 200, false),
	PROBE("good, value blank and tab inside", GET "Host: x\r\nA: b \t c\r\nB:d\r\n\r\n", 200,
		false),
	PROBE("good, empty values", GET "Host:\r\nA:\r\nB: \r\nC: x\r\n\r\n", 200, false),
	PROBE("good, many pairs", GET "Host: x\r\nA: b\r\nC: d\r\nA: b\r\nCookie: a=b; c=d\r\n\r\n",
		200, false),
	PROBE("good, query", "GET /hello?a=b&c HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n", 200, false),
	PROBE("good chunked", POST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 200,
		false),
	PROBE("CL and TE", POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
		400, true),
	PROBE("TE and CL", POST "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX",
		400, true),
	PROBE("two CL", POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, true),
	PROBE("the same CL twice", POST "Content-Length: 1\r\ncontent-length: 1\r\n\r\na", 400,
		true),
	PROBE("CL list", POST "Content-Length: 1, 1\r\n\r\na", 400, true),
	PROBE("CL with sign", POST "Content-Length: +5\r\n\r\nabcde", 400, true),
	PROBE("CL hexadecimal", POST "Content-Length: 0x5\r\n\r\nabcde", 400, true),
	PROBE("CL empty", POST "Content-Length:\r\n\r\n", 400, true),
	PROBE("two Host", GET "Host: x\r\nhost: y\r\n\r\n", 400, true),
	PROBE("no Host", GET "A: b\r\n\r\n", 400, true),
	PROBE("no headers", GET "\r\n", 400, true),
	PROBE("TE gzip, chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400,
		true),
	PROBE("TE identity", POST "Transfer-Encoding: identity\r\n\r\n", 400, true),
	PROBE("TE xchunked", POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, true),
	PROBE("two TE",
		POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		400, true),
	PROBE("TE in 1.0", "POST /hello HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		400, true),
	PROBE("space before colon", GET "Host: x\r\nA : b\r\n\r\n", 400, true),
	PROBE("tab before colon", GET "Host: x\r\nA\t: b\r\n\r\n", 400, true),
	PROBE("space in CL name", POST "Content-Length : 1\r\n\r\na", 400, true),
	PROBE("empty name", GET "Host: x\r\n: b\r\n\r\n", 400, true),
	PROBE("bad character in name", GET "Host: x\r\nA(: b\r\n\r\n", 400, true),
	PROBE("no colon", GET "Host: x\r\nnonsense\r\n\r\n", 400, true),
	PROBE("folded line", GET "Host: x\r\nA: b\r\n c\r\nB: c\r\n\r\n", 400, true),
	PROBE("folded with tab", GET "Host: x\r\nA: b\r\n\tc\r\nB: c\r\n\r\n", 400, true),
	PROBE("NUL in value", GET "Host: x\r\nA: b\0c\r\nB: c\r\n\r\n", 400, true),
	PROBE("NUL in name", GET "Host: x\r\nA\0: b\r\nB: c\r\n\r\n", 400, true),
	PROBE("control character in value", GET "Host: x\r\nA: b\x01\r\n\r\n", 400, true),
	PROBE("bare LF after request line", "GET /hello HTTP/1.1\nHost: x\r\nA: b\r\n\r\n", 400,
		true),
	PROBE("bare LF after header", GET "Host: x\nA: b\r\n\r\n", 400, true),
	PROBE("bare CR in value", GET "Host: x\r\nA: b\rC: d\r\nB: c\r\n\r\n", 400, true),
	PROBE("chunk size 0x5", POST "Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n",
		400, true),
	PROBE("chunk size too large",
		POST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc", 413, true),
	PROBE("folded last line", GET "Host: x\r\nA: b\r\n c\r\n\r\n", 400, true),
	PROBE("NUL in last value", GET "Host: x\r\nA: b\0c\r\n\r\n", 400, true),
	PROBE("nameless last line", GET "Host: x\r\n:b\r\n\r\n", 400, true),
	PROBE("bare LF at last header, body follows", POST "Content-Length: 1\n\r\na", 400, true),
	PROBE("bare LF throughout", "GET /hello HTTP/1.1\nHost: x\nA: b\n\n", 400, true),
	PROBE("good, last value empty", GET "Host: x\r\nA:\r\n\r\n", 200, false),
	PROBE("good, blank after a value", GET "Host: x\r\nA: b \r\nB: c \r\n\r\n", 200, false),
};

static void probes(void **state)
{
	struct http_server *s = serve(routes, ARRAY_LEN(routes), NULL);
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		CLEANUP(buf_done) struct buf in = {0};
		bool closed;
		int status = probe(s, table[i].bytes, table[i].n, &in, &closed);

		if (status == table[i].status && closed == table[i].closed)
			continue;
		wrong++;
		print_error("%s: status %d (want %d), %s\n", table[i].what, status, table[i].status,
			closed ? "closed" : "kept open");
	}
	http_server_stop(s);
	assert_int_equal(wrong, 0);
}

/* The guard looks at where header lines lie, so it must not matter how they arrive: in pieces,
 * behind an earlier request, or so many that the library's buffer has to grow. */
static void good_requests_in_pieces(void **state)
{
	struct http_server *s = serve(routes, ARRAY_LEN(routes), NULL);
	struct rand r = {.state = 7};
	int fd = dial(s);

	(void)state;
	for (int round = 0; round < 60; round++) {
		CLEANUP(buf_done) struct buf rq = {0}, in = {0};
		uint64_t n = rand_below(&r, 60);

		buf_adds(&rq, GET "Host: x\r\n");
		for (uint64_t i = 0; i < n; i++)
			buf_addf(&rq, "H%d: %0*d\r\n", (int)i, (int)rand_below(&r, 150), 1);
		buf_adds(&rq, "\r\n");
		for (size_t at = 0; at < rq.len;) {
			size_t piece = 1 + rand_below(&r, round % 2 ? 300 : 4000);

			piece = piece < rq.len - at ? piece : rq.len - at;
			say(fd, rq.data + at, piece);
			at += piece;
		}
		assert_int_equal(hear_response(fd, &in), 200);
	}
	close(fd);
	http_server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probes),
		cmocka_unit_test(good_requests_in_pieces),
	};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
