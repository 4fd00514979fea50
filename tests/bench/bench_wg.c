/*
 * DOC: what it costs to give a kernel interface 10,000 and 50,000 peers, beside one wg setconf of
 * the same, and to read them back. Needs root and a kernel with WireGuard (tests/vm/run has one).
 * User and system time are apart: most of the work is the kernel's. Best of three.
 */
#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/rand.h"
#include "crypto/key.h"
#include "wg/backend.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define IFNAME "bench0"
#define ROUNDS 3

struct cost {
	double wall, user, sys; /* ms */
};

static double ms_of(struct timeval tv)
{
	return (double)tv.tv_sec * 1e3 + (double)tv.tv_usec / 1e3;
}

/* Used so far, by us or by what we ran. */
static struct cost now(int who)
{
	struct timespec ts;
	struct rusage ru;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	getrusage(who, &ru);
	return (struct cost){(double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6, ms_of(ru.ru_utime),
		ms_of(ru.ru_stime)};
}

static void keep_best(struct cost *best, struct cost began, struct cost ended)
{
	struct cost c = {ended.wall - began.wall, ended.user - began.user, ended.sys - began.sys};

	if (best->wall == 0 || c.wall < best->wall)
		*best = c;
}

static void must(int r, const struct err *e)
{
	if (r == 0)
		return;
	fprintf(stderr, "bench_wg: %s\n", e->text);
	exit(1);
}

struct world {
	struct wg_backend *b;
	struct wg_peer_op *ops;
	struct prefix_vec *ips;
	size_t n;
	struct secret key;
	char path[64]; /* the same as a file for wg */
};

/* Peers as a gateway has them: one address, an endpoint; and an all-random key. */
static void world_init(struct world *w, struct wg_backend *b, size_t n)
{
	CLEANUP(buf_wipe) struct buf text = {0};
	char key[KEY_TEXT_LEN], prefix[PREFIX_TEXT_LEN];
	struct err e = {0};

	*w = (struct world){.b = b,
		.ops = mem_zalloc(n * sizeof(*w->ops)),
		.ips = mem_zalloc(n * sizeof(*w->ips)),
		.n = n};
	key_generate(&w->key);
	buf_addf(&text, "[Interface]\nPrivateKey = %s\n", key_format_secret(&w->key, key));
	for (size_t i = 0; i < n; i++) {
		struct wg_peer_op *op = &w->ops[i];
		struct addr a = {FAMILY_IPV4, 0x0a800000 + i};

		rand_bytes(op->public_key.bytes, KEY_LEN);
		op->flags = WG_PEER_ALLOWED_IPS | WG_PEER_ENDPOINT;
		op->endpoint_addr = (struct addr){FAMILY_IPV4, 0x7f000001};
		op->endpoint_port = (uint16_t)(1024 + i % 60000);
		VEC_PUSH(&w->ips[i], prefix_host(a));
		op->allowed_ips = &w->ips[i];
		buf_addf(&text,
			"[Peer]\nPublicKey = %s\nAllowedIPs = %s\nEndpoint = 127.0.0.1:%u\n",
			key_format_public(&op->public_key, key),
			prefix_format(prefix_host(a), prefix), op->endpoint_port);
	}
	snprintf(w->path, sizeof(w->path), "/tmp/warren-bench-%d.conf", (int)getpid());
	must(file_write(w->path, text.data, text.len, 0600, &e), &e);
}

static void world_done(struct world *w)
{
	unlink(w->path);
	for (size_t i = 0; i < w->n; i++)
		VEC_DONE(&w->ips[i]);
	mem_free(w->ips);
	mem_free(w->ops);
	secret_wipe(&w->key);
}

static void fresh(struct world *w)
{
	struct err e = {0};
	bool adopted;

	must(w->b->ops->destroy(w->b, IFNAME, &e), &e);
	must(w->b->ops->create(w->b, IFNAME, &adopted, &e), &e);
}

static struct cost ours(struct world *w)
{
	const struct wg_change c = {.flags = WG_DEVICE_PRIVATE_KEY | WG_DEVICE_REPLACE_PEERS,
		.private_key = &w->key,
		.peers = w->ops,
		.n_peers = w->n};
	struct cost best = {0};

	for (int i = 0; i < ROUNDS; i++) {
		struct cost began;
		struct err e = {0};

		fresh(w);
		began = now(RUSAGE_SELF);
		must(w->b->ops->change(w->b, IFNAME, &c, &e), &e);
		keep_best(&best, began, now(RUSAGE_SELF));
	}
	return best;
}

static struct cost setconf(struct world *w)
{
	const char *const argv[] = {"wg", "setconf", IFNAME, w->path, NULL};
	struct cost best = {0};

	for (int i = 0; i < ROUNDS; i++) {
		struct cost began;
		struct err e = {0};

		fresh(w);
		began = now(RUSAGE_CHILDREN);
		must(proc_run(argv, NULL, 0, NULL, NULL, 120000, &e), &e);
		keep_best(&best, began, now(RUSAGE_CHILDREN));
	}
	return best;
}

static struct cost reading(struct world *w)
{
	struct cost best = {0};

	for (int i = 0; i < ROUNDS; i++) {
		CLEANUP(wg_device_done) struct wg_device d = {0};
		struct cost began = now(RUSAGE_SELF);
		struct err e = {0};

		must(w->b->ops->read(w->b, IFNAME, &d, &e), &e);
		keep_best(&best, began, now(RUSAGE_SELF));
		if (d.peers.n != w->n)
			exit(1);
	}
	return best;
}

static void print(size_t n, const char *what, struct cost c)
{
	printf("%8zu  %-22s  %10.0f  %10.0f  %10.0f\n", n, what, c.wall, c.user, c.sys);
}

int main(void)
{
	static const size_t sizes[] = {10000, 20000, 50000};
	struct wg_backend *b;
	struct err e = {0};

	crypto_init();
	must(unshare(CLONE_NEWNET) == 0 ? 0 : err_set(&e, ERR_DENIED, "it takes root"), &e);
	must(wg_kernel_new(&b, &e), &e);
	printf("%8s  %-22s  %10s  %10s  %10s\n", "peers", "", "wall (ms)", "user", "system");
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct world w;
		struct cost mine, theirs;

		world_init(&w, b, sizes[i]);
		theirs = setconf(&w);
		print(w.n, "wg setconf", theirs);
		mine = ours(&w);
		print(w.n, "one change", mine);
		print(w.n, "read", reading(&w));
		printf("%8s  change / wg = %.2f\n", "", mine.wall / theirs.wall);
		must(b->ops->destroy(b, IFNAME, &e), &e);
		world_done(&w);
	}
	b->ops->free(b);
	return 0;
}
