/*
 * DOC: a client of a real gateway switched off and on through the API, and how long it is from the
 * API's answer until the gateway's engine has no such peer any more, or has it again: until it has
 * answered the agent's request (bench/tap.h). Then it is asked itself, whether it was true.
 * usage: bench_switch SERVER-SOCKET ENGINE-SOCKET ROUNDS
 */
#include "base/rand.h"
#include "base/text.h"
#include "bench/row.h"
#include "bench/tap.h"
#include "codec/json.h"
#include "crypto/key.h"
#include "http/client.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS "/api/v1/wireguard/clients"
#define PATIENCE_MS 10000
#define ROUNDS_MAX 100

struct client {
	char id[64], line[12 + 2 * KEY_LEN]; /* public_key=HEX */
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_switch: %s: %s\n", what, why);
	exit(1);
}

static void api(const char *socket_path, const char *method, const char *path, const char *body,
	struct buf *ret)
{
	struct http_target t = {.base = mem_printf("http+unix://%s", socket_path)};
	struct http_send send = {
		.method = method, .path = path, .body = body, .body_len = body ? strlen(body) : 0};
	struct http_response r = {0};
	struct err e = {0};

	if (http_call_wait(&t, &send, &r, &e) < 0)
		die(path, e.text);
	if (r.status != 200)
		die(path, buf_str(&r.body));
	if (ret != NULL)
		buf_adds(ret, buf_str(&r.body));
	http_response_done(&r);
	http_target_done(&t);
}

/* The engine's whole answer. */
static void ask(const char *engine, struct buf *ret)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char chunk[65536];
	ssize_t n;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", engine);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
		write(fd, "get=1\n\n", 7) != 7)
		die(engine, "no answer");
	buf_reset(ret);
	while (ret->len < 8 || strcmp(ret->data + ret->len - 9, "errno=0\n\n") != 0) {
		n = read(fd, chunk, sizeof(chunk));
		if (n <= 0)
			die(engine, "ended amid its answer");
		buf_add(ret, chunk, (size_t)n);
	}
	close(fd);
}

/* Whether the engine has the peer, as it says itself. */
static void check(const struct client *c, bool there, struct buf *answer)
{
	ask(tap_engine(), answer);
	if ((memmem(answer->data, answer->len, c->line, strlen(c->line)) != NULL) != there)
		die(c->id, there ? "the engine does not have it" : "the engine still has it");
}

/* A hundred clients from somewhere in the list. */
static int pick(const char *server, struct client *ret, int n)
{
	CLEANUP(buf_done) struct buf answer = {0};
	struct json_doc *doc;
	const struct json *items;
	int got = 0;

	api(server, "GET", CLIENTS "?limit=100&search=7", NULL, &answer);
	doc = json_parse(answer.data, answer.len, 16 * 1024 * 1024, NULL);
	items = json_get(json_root(doc), "items");
	for (size_t i = 0; i < json_count(items) && got < n; i++) {
		const struct json *item = json_at(items, i);
		struct public_key key;
		char hex[2 * KEY_LEN + 1];

		if (key_parse_public(json_str(item, "public_key"), "key", &key, NULL) < 0)
			die("list", "no key");
		text_hex(key.bytes, KEY_LEN, hex);
		snprintf(ret[got].id, sizeof(ret[got].id), "%s", json_str(item, "id"));
		snprintf(ret[got].line, sizeof(ret[got].line), "public_key=%s", hex);
		got++;
	}
	json_free(doc);
	return got;
}

static void print(const char *what, double *each, int n, double promise)
{
	char text[120];

	snprintf(text, sizeof(text), "%s, median", what);
	row(text, quantile(each, (size_t)n, 0.5), "ms");
	snprintf(text, sizeof(text), "%s, worst of %d", what, n);
	if (promise > 0)
		row_below(text, each[n - 1], "ms", promise);
	else
		row(text, each[n - 1], "ms");
}

int main(int argc, char **argv)
{
	CLEANUP(buf_done) struct buf answer = {0};
	struct client clients[ROUNDS_MAX];
	double call[2 * ROUNDS_MAX], off[ROUNDS_MAX], on[ROUNDS_MAX];
	int n = argc > 3 ? atoi(argv[3]) : 0;

	if (n < 1 || n > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench_switch SERVER-SOCKET ENGINE-SOCKET ROUNDS\n");
		return 64;
	}
	crypto_init();
	n = pick(argv[1], clients, n);
	tap_start(argv[2]);
	for (int i = 0; i < n; i++) {
		AUTOFREE char *path = mem_printf(CLIENTS "/%s", clients[i].id);

		check(&clients[i], true, &answer);
		for (int enable = 0; enable < 2; enable++) {
			double began = wall_ms(), answered, when;

			tap_await(clients[i].line, !enable);
			api(argv[1], "PATCH", path,
				enable ? "{\"enabled\":true}" : "{\"enabled\":false}", NULL);
			answered = wall_ms();
			when = tap_when(PATIENCE_MS);
			if (when < 0)
				die(clients[i].id,
					enable ? "it does not come back" : "it does not go");
			call[2 * i + enable] = answered - began;
			(enable ? on : off)[i] = when > answered ? when - answered : 0;
			check(&clients[i], enable, &answer);
		}
	}
	print("the call itself", call, 2 * n, 0);
	print("answer to disable -> engine has no such peer", off, n, 50);
	print("answer to enable -> engine has it again", on, n, 1000);
	return 0;
}
