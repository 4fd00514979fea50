/*
 * DOC: the store on a real disk: durable creates per second (two leases, device, outbox row for
 * one node, audit line; synchronous=FULL) with 10,000 devices present, from 1, 8 and 64 threads,
 * and how long lists of the 10,000 take. Usage: bench_store [FOLDER], default the current one.
 */
#include "base/mem.h"
#include "base/rand.h"
#include "crypto/key.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PRESENT 10000
#define THREADS_MAX 64
#define LISTS 5

static struct store *store;
static atomic_int next_number;

static void must(int code, const struct err *e, const char *what)
{
	if (code >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, e->text);
	exit(1);
}

static int make_world(struct tx *tx, void *arg, struct err *e)
{
	struct network n = {.id = "net_0", .project = "prj_0", .name = (char *)"default"};
	struct node node = {.id = "node_0", .project = "prj_0", .name = (char *)"gateway"};
	int code = tx_insert(tx, &schema_network, &n, e);

	return code < 0 ? code : tx_insert(tx, &schema_node, &node, e);
}

static int create(struct tx *tx, void *arg, struct err *e)
{
	int number = atomic_fetch_add(&next_number, 1);
	struct addr first = {FAMILY_IPV4, 0x0a000001}, last = {FAMILY_IPV4, 0x0afffffe};
	struct addr first6 = {FAMILY_IPV6, (u128)0xfd << 120 | 1};
	struct addr last6 = {FAMILY_IPV6, (u128)0xfd << 120 | UINT64_MAX};
	struct id_vec nodes = {0};
	struct device d = {.project = "prj_0",
		.network = "net_0",
		.group = "grp_0",
		.enabled = true,
		.keepalive = -1,
		.created_at = tx_now(tx)};
	int code;

	id_make("cl", tx_now(tx), d.id);
	d.name = mem_printf("John's phone %d", number);
	d.dns_name = mem_printf("john-s-phone-%d", number);
	d.owner = mem_strdup("usr_0");
	strs_push(&d.tags, "phones");
	rand_bytes(d.public_key.bytes, KEY_LEN);
	id_vec_add(&nodes, "node_0");
	code = tx_lease(tx, d.network, first, last, d.id, 86400000, &d.ipv4, e);
	if (code == 0)
		code = tx_lease(tx, d.network, first6, last6, d.id, 86400000, &d.ipv6, e);
	if (code == 0)
		code = tx_insert(tx, &schema_device, &d, e);
	if (code == 0)
		code = tx_outbox(tx, &schema_device, d.project, d.network, NULL, &d, &nodes, e);
	if (code == 0)
		code = tx_audit(tx, d.project, d.owner, "client.create", d.id, d.name, e);
	schema_done(&schema_device, &d);
	VEC_DONE(&nodes);
	return code;
}

struct submitter {
	pthread_t thread;
	int n;
	msec slowest;
};

static void *submit(void *arg)
{
	struct submitter *s = arg;

	for (int i = 0; i < s->n; i++) {
		struct err e = {0};
		msec start = clock_mono(&clock_real), took;

		must(store_write_wait(store, create, NULL, &e), &e, "create");
		took = clock_mono(&clock_real) - start;
		if (took > s->slowest)
			s->slowest = took;
	}
	return NULL;
}

/* Milliseconds for n creates, spread over threads; the slowest single one too. */
static msec run(int threads, int n, msec *ret_slowest)
{
	struct submitter all[THREADS_MAX] = {0};
	msec start = clock_mono(&clock_real);

	*ret_slowest = 0;
	for (int i = 0; i < threads; i++) {
		all[i].n = n / threads;
		if (pthread_create(&all[i].thread, NULL, submit, &all[i]) != 0)
			abort();
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(all[i].thread, NULL);
		if (all[i].slowest > *ret_slowest)
			*ret_slowest = all[i].slowest;
	}
	return clock_mono(&clock_real) - start;
}

struct listing {
	struct tx_query q;
	size_t n;
	struct buf next;
};

static int count_row(void *arg, const void *object)
{
	((struct listing *)arg)->n++;
	return 0;
}

static int list(struct tx *tx, void *arg, struct err *e)
{
	struct listing *l = arg;
	uint64_t total;

	return tx_list(tx, &schema_device, &l->q, count_row, l, &l->next, &total, e);
}

static void time_list(const char *what, struct tx_query q)
{
	msec best = INT64_MAX;
	struct listing l = {0};

	for (int i = 0; i < LISTS; i++) {
		struct err e = {0};
		struct timespec a, b;
		msec took;

		l = (struct listing){.q = q};
		clock_gettime(CLOCK_MONOTONIC, &a);
		must(store_read(store, list, &l, &e), &e, what);
		clock_gettime(CLOCK_MONOTONIC, &b);
		took = (b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000;
		if (took < best)
			best = took;
		buf_done(&l.next);
	}
	printf("%-40s %6zu rows %9.2f ms\n", what, l.n, (double)best / 1000);
}

int main(int argc, char **argv)
{
	static const struct {
		int threads, n;
	} runs[] = {{1, 1000}, {8, 8000}, {64, 16000}};
	static const char *const tails[] = {"", "-wal", "-shm"};
	char *dir = mem_printf("%s/bench-store-XXXXXX", argc > 1 ? argv[1] : ".");
	char *path;
	struct err e = {0};
	msec took, slowest;

	crypto_init();
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 1;
	}
	path = mem_printf("%s/warren.db", dir);
	must(store_open(&store_sqlite, path, &clock_real, &store, &e), &e, "open");
	must(store_write_wait(store, make_world, NULL, &e), &e, "world");
	took = run(THREADS_MAX, PRESENT, &slowest);
	printf("%d devices made in %lld ms\n", next_number, (long long)took);
	time_list("page of 100 by id", (struct tx_query){.limit = 100});
	time_list("page of 100 by name, in a network",
		(struct tx_query){
			.limit = 100, .order = "name", .filters = {{"network", "net_0"}}});
	time_list(
		"page of 100 by last_seen", (struct tx_query){.limit = 100, .order = "last_seen"});
	time_list("page of 100 of a search", (struct tx_query){.limit = 100, .search = "99"});
	time_list("all", (struct tx_query){0});
	time_list("all by name, in a network",
		(struct tx_query){.order = "name", .filters = {{"network", "net_0"}}});
	for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
		took = run(runs[i].threads, runs[i].n, &slowest);
		printf("%2d threads: %6.0f creates/s, slowest %lld ms\n", runs[i].threads,
			(double)runs[i].n * 1000 / (double)(took > 0 ? took : 1),
			(long long)slowest);
	}
	store_close(store);
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		char *file = mem_printf("%s%s", path, tails[i]);

		unlink(file);
		mem_free(file);
	}
	rmdir(dir);
	mem_free(path);
	mem_free(dir);
	return 0;
}
