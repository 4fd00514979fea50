/*
 * DOC: clients made and listed through the API as a program would: over TLS, with a token, on
 * connections that stay open; the store is on disk and syncs each commit (synchronous=FULL). The
 * calling half runs in this process too, so its share of the CPU is in every number. At the end
 * each client is looked for: none lost, none twice, no address twice.
 */
#include "control/serve.h"

#include "base/loop.h"
#include "base/map.h"
#include "bench/row.h"

#define CLIENTS "/api/v1/wireguard/clients"
#define PRESENT 10000
#define MEASURED 2000
#define PAGE_MAX 1000

struct bench {
	struct fixture *f;
	struct loop *loop;
	struct http_client *client;
	char token[128];
	id_text network;
	int next, end, open, failed;
	double cpu; /* ms for each client of the last creation */
};

static void create_one(struct bench *b);

static void created(void *arg, struct http_response *r, const struct err *e)
{
	struct bench *b = arg;

	if (r == NULL || r->status != 201) {
		if (b->failed++ == 0)
			fprintf(stderr, "failed: %s\n", r ? buf_str(&r->body) : e->text);
	}
	b->open--;
	if (b->next < b->end)
		create_one(b);
	else if (b->open == 0)
		loop_stop(b->loop);
}

static void create_one(struct bench *b)
{
	char body[80];
	struct http_send send = {
		.method = "POST", .path = CLIENTS, .bearer = b->token, .body = body};

	snprintf(body, sizeof(body), "{\"name\":\"phone %d\"}", b->next++);
	send.body_len = strlen(body);
	b->open++;
	http_client_send(b->client, &b->f->tls, &send, created, b);
}

/* Clients per second. */
static double create(struct bench *b, int n, int connections)
{
	double began = wall_ms(), cpu = cpu_ms();

	b->end = b->next + n;
	for (int i = 0; i < connections && b->next < b->end; i++)
		create_one(b);
	loop_run(b->loop);
	b->cpu = (cpu_ms() - cpu) / n;
	return n * 1e3 / (wall_ms() - began);
}

/* --- lists ------------------------------------------------------------------------------------ */

struct page {
	struct bench *b;
	struct map *ids, *addresses; /* NULL = only fetch */
	char *next;                  /* cursor */
	size_t n, pages;
};

static void note(struct map *seen, const char *word)
{
	if (word == NULL || map_set(seen, word, seen) != NULL)
		fail_msg("%s is there twice or not at all", word ? word : "an address");
}

/* Only find the cursor: what a program does with a list is its own affair. */
static void skim(struct page *p, const struct buf *body)
{
	const char *next = memmem(body->data, body->len, "\"next\":\"", 8);

	if (next != NULL)
		p->next = mem_strndup(next + 8, strcspn(next + 8, "\""));
}

static void got_page(void *arg, struct http_response *r, const struct err *e)
{
	struct page *p = arg;
	struct json_doc *doc;
	const struct json *items;

	if (r == NULL || r->status != 200)
		fail_msg("list: %s", r ? buf_str(&r->body) : e->text);
	loop_stop(p->b->loop);
	if (p->ids == NULL) {
		skim(p, &r->body);
		p->pages++;
		return;
	}
	doc = json_parse(r->body.data, r->body.len, 16 * 1024 * 1024, NULL);
	items = json_get(json_root(doc), "items");
	p->n += json_count(items);
	for (size_t i = 0; i < json_count(items); i++) {
		note(p->ids, json_str(json_at(items, i), "id"));
		note(p->addresses, json_str(json_at(items, i), "mesh_ip"));
	}
	p->next = mem_strdup(json_str(json_root(doc), "next"));
	json_free(doc);
}

static void get_page(struct page *p, const char *query)
{
	AUTOFREE char *path = mem_printf(
		CLIENTS "%s%s%s", query, p->next ? "&after=" : "", p->next ? p->next : "");
	struct http_send send = {.method = "GET", .path = path, .bearer = p->b->token};

	p->next = mem_free(p->next);
	http_client_send(p->b->client, &p->b->f->tls, &send, got_page, p);
	loop_run(p->b->loop);
}

static double one_page(struct bench *b, const char *query)
{
	double each[20];

	for (size_t i = 0; i < ARRAY_LEN(each); i++) {
		struct page p = {.b = b};

		each[i] = wall_ms();
		get_page(&p, query);
		each[i] = wall_ms() - each[i];
		mem_free(p.next);
	}
	return quantile(each, ARRAY_LEN(each), 0.5);
}

/* All of them, in pages as large as they may be. */
static struct page get_all(struct bench *b, struct map *ids, struct map *addresses)
{
	struct page p = {.b = b, .ids = ids, .addresses = addresses};

	do
		get_page(&p, "?limit=1000");
	while (p.next != NULL);
	return p;
}

/* A change that each configuration follows: whether the handed-out ones are stale is a new
 * question. */
static void change_network(struct bench *b, size_t i)
{
	char path[80], body[40];

	snprintf(path, sizeof(path), "/api/v1/networks/%s", b->network);
	snprintf(body, sizeof(body), "{\"keepalive\":%zu}", 20 + i % 2);
	ANSWER a = call(b->f, "PATCH", path, NULL, body);
	expect_status(&a, 200);
}

static void whole_list(struct bench *b, bool changed)
{
	double each[15], cpu[15];

	for (size_t i = 0; i < ARRAY_LEN(each); i++) {
		if (changed)
			change_network(b, i);
		each[i] = wall_ms();
		cpu[i] = cpu_ms();
		if (get_all(b, NULL, NULL).pages != PRESENT / PAGE_MAX)
			fail_msg("the list is not whole");
		each[i] = wall_ms() - each[i];
		cpu[i] = cpu_ms() - cpu[i];
	}
	row_below(changed ? "the same, the network changed just before each"
			  : "all 10,000 clients (10 pages of 1,000)",
		quantile(each, ARRAY_LEN(each), 0.5), "ms", 150);
	row("CPU for it, caller included", quantile(cpu, ARRAY_LEN(cpu), 0.5), "ms");
}

/* --- the two worlds --------------------------------------------------------------------------- */

static void begin(struct bench *b)
{
	*b = (struct bench){.f = serve(), .loop = loop_new()};
	b->client = http_client_new(b->loop);
	id_copy(b->network, make_gateway(b->f, "", "office", "gw").network);
	make_token(b->f, "?project=default", "loc-manager", b->token);
}

static int end(struct bench *b)
{
	struct map ids = {0}, addresses = {0};
	int lost = b->next - b->failed - (int)get_all(b, &ids, &addresses).n;

	map_done(&ids, NULL);
	map_done(&addresses, NULL);
	http_client_free(b->client);
	loop_free(b->loop);
	serve_end(b->f);
	if (b->failed + lost != 0)
		fprintf(stderr, "%d failed, %d lost\n", b->failed, lost);
	return b->failed + lost;
}

static const int connections[] = {1, 8, 64};

static int from_none(int n)
{
	struct bench b;
	char what[80];
	double rate;

	begin(&b);
	rate = create(&b, MEASURED, n);
	snprintf(what, sizeof(what), "clients made, none present, connections: %d", n);
	row(what, rate, "/s");
	return end(&b);
}

static void lists(struct bench *b)
{
	row_below("page of 100 of 10,000 clients", one_page(b, "?limit=100"), "ms", 20);
	row_below("page of 100 found by a word in their names",
		one_page(b, "?limit=100&search=phone%201"), "ms", 20);
	row("page of 1,000", one_page(b, "?limit=1000"), "ms");
	whole_list(b, false);
	whole_list(b, true);
}

static int with_many(bool only_lists)
{
	struct bench b;

	begin(&b);
	create(&b, PRESENT, 64);
	lists(&b);
	if (only_lists)
		return end(&b);
	for (size_t i = 0; i < ARRAY_LEN(connections); i++) {
		double rate = create(&b, MEASURED, connections[i]);
		char what[80];

		snprintf(what, sizeof(what), "clients made, 10,000 present, connections: %d",
			connections[i]);
		if (connections[i] > 1)
			row_least(what, rate, "/s", 2000);
		else
			row(what, rate,
				"/s"); /* each waits for the disk: the promise is for many */
	}
	row("CPU for each of the last, caller included", b.cpu, "ms");
	return end(&b);
}

/* bench_clients [lists] */
int main(int argc, char **argv)
{
	bool only_lists = argc > 1 && strcmp(argv[1], "lists") == 0;
	int wrong = 0;

	if (only_lists)
		return with_many(true) != 0;
	for (size_t i = 0; i < ARRAY_LEN(connections); i++)
		wrong += from_none(connections[i]);
	wrong += with_many(false);
	return wrong != 0;
}
