/*
 * DOC: how fast clients are made and listed through the API, over TLS with connections kept open.
 * Not a test: it is run by hand (CONTRIBUTING.md, numbers) and prints what it measured.
 * usage: bench_clients [PRESENT] [MEASURED] [CONNECTIONS]
 */
#include "serve.h"

#include "base/loop.h"

#define CLIENTS "/api/v1/wireguard/clients"

struct bench {
	struct fixture *f;
	struct loop *loop;
	struct http_client *client;
	char token[128];
	int next, end, open, failed;
};

static void start_one(struct bench *b);

static void done(void *arg, struct http_response *r, const struct err *e)
{
	struct bench *b = arg;

	if (r == NULL || r->status != 201) {
		if (b->failed++ == 0)
			fprintf(stderr, "failed: %s\n", r ? buf_str(&r->body) : e->text);
	}
	b->open--;
	if (b->next < b->end)
		start_one(b);
	else if (b->open == 0)
		loop_stop(b->loop);
}

static void start_one(struct bench *b)
{
	char body[80];
	struct http_send send = {
		.method = "POST", .path = CLIENTS, .bearer = b->token, .body = body};

	snprintf(body, sizeof(body), "{\"name\":\"phone %d\"}", b->next++);
	send.body_len = strlen(body);
	b->open++;
	http_client_send(b->client, &b->f->tls, &send, done, b);
}

static double create(struct bench *b, int n, int connections)
{
	msec before = clock_mono(&clock_real);

	b->end = b->next + n;
	for (int i = 0; i < connections && b->next < b->end; i++)
		start_one(b);
	loop_run(b->loop);
	return (double)(clock_mono(&clock_real) - before) / 1e3;
}

static double list(struct bench *b, const char *query)
{
	double best = 1e9;

	for (int i = 0; i < 10; i++) {
		char path[160];
		snprintf(path, sizeof(path), CLIENTS "%s", query);
		msec before = clock_mono(&clock_real);
		ANSWER a = call(b->f, "GET", path, NULL, NULL);
		expect_status(&a, 200);
		double took = (double)(clock_mono(&clock_real) - before);
		best = took < best ? took : best;
	}
	return best;
}

int main(int argc, char **argv)
{
	int present = argc > 1 ? atoi(argv[1]) : 10000, measured = argc > 2 ? atoi(argv[2]) : 5000;
	int connections = argc > 3 ? atoi(argv[3]) : 64;
	struct bench b = {.f = serve(), .loop = loop_new()};

	b.client = http_client_new(b.loop);
	make_gateway(b.f, "", "office", "gw");
	make_token(b.f, "?project=default", "loc-manager", b.token);
	double first = create(&b, present, connections);
	printf("%d clients onto none: %.0f/s\n", present, present / first);
	double then = create(&b, measured, connections);
	printf("%d clients onto %d: %.0f/s, %d connections, %d failed\n", measured, present,
		measured / then, connections, b.failed);
	printf("page of 100: %.1f ms; page of 1000: %.1f ms; search: %.1f ms (connect included)\n",
		list(&b, "?limit=100"), list(&b, "?limit=1000"), list(&b, "?search=phone%201234"));
	http_client_free(b.client);
	loop_free(b.loop);
	serve_end(b.f);
	return b.failed != 0;
}
