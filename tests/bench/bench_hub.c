/*
 * DOC: one change, and when the last of many connected agents has been sent its part: a control
 * plane on plain loopback HTTP (tests/control/rig.h) and agents that only listen. Two changes that
 * concern all of a network with a controller: its endpoint moves (one peer changes for everyone),
 * and all pre-shared keys are renewed (each plan in full). What a stream costs the server's memory
 * is told too; the agents' sockets in this process are in it.
 * usage: bench_hub [AGENTS]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/rig.h"

#include "base/log.h"
#include "bench/row.h"
#include "http/worker.h"

#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROUNDS 20
#define PATIENCE_MS 20000

struct fleet_rig {
	struct rig rig;
	struct agent *agents;
	int n, epoll;
	double cpu;    /* ms, of all rounds of a kind */
	uint64_t *got; /* bytes since the round began */
};

static double rss_kib(void)
{
	char line[200];
	double kib = 0;
	FILE *f = fopen("/proc/self/status", "re");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmRSS: %lf", &kib) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kib;
}

static void join_all(struct fleet_rig *f)
{
	CLEANUP(buf_done) struct buf token = {0};
	struct network before = {0}, after = {0};
	struct rig *r = &f->rig;

	rig_get(r, &schema_network, r->network, &before);
	schema_copy(&schema_network, &after, &before);
	after.topology = TOPOLOGY_HUB;
	rig_change(r, &schema_network, &before, &after);
	rig_token(r, ROLE_PEER | ROLE_CONTROLLER, 1, 0, &token);
	assert_int_equal(agent_join(&f->agents[0], r, "hub", buf_str(&token)), 201);
	rig_token(r, ROLE_PEER, (unsigned)f->n, 0, &token);
	for (int i = 1; i < f->n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n-%d", i);
		assert_int_equal(agent_join(&f->agents[i], r, name, buf_str(&token)), 201);
	}
	schema_done(&schema_network, &before);
	schema_done(&schema_network, &after);
}

static void listen_all(struct fleet_rig *f)
{
	double began = wall_ms();
	struct hub_counts counts;
	struct timespec pause = {.tv_nsec = 1000000};

	for (int i = 0; i < f->n; i++) {
		struct epoll_event ev = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
		char id[24];

		snprintf(id, sizeof(id), "%" PRIu64, rig_revision(&f->rig, f->agents[i].id));
		agent_listen(&f->agents[i], id);
		assert_int_equal(epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->agents[i].fd, &ev), 0);
	}
	do {
		nanosleep(&pause, NULL);
		hub_counts(f->rig.control.hub, &counts);
	} while (counts.streams < (unsigned)f->n && wall_ms() - began < PATIENCE_MS);
	assert_int_equal(counts.streams, f->n);
}

/* Read what has come; how many agents got their first bytes of an event by it. Comments that keep
 * a stream alive are not events. */
static int drain(struct fleet_rig *f, int wait_ms)
{
	struct epoll_event evs[256];
	char chunk[65536];
	int n = epoll_wait(f->epoll, evs, ARRAY_LEN(evs), wait_ms), fresh = 0;

	for (int i = 0; i < n; i++) {
		uint32_t who = evs[i].data.u32;
		ssize_t got = read(f->agents[who].fd, chunk, sizeof(chunk));

		if (got <= 0)
			fail_msg("a stream ended");
		if (memmem(chunk, (size_t)got, "event:", 6) == NULL)
			continue;
		fresh += f->got[who] == 0;
		f->got[who] += (uint64_t)got;
	}
	return fresh;
}

/* Milliseconds from before the change is written until the last agent is being sent its event;
 * the commit to disk is in it. */
static double one_round(
	struct fleet_rig *f, const struct schema *s, const void *before, const void *after)
{
	double began;
	int have = 0;

	while (drain(f, 50) > 0)
		;
	memset(f->got, 0, (size_t)f->n * sizeof(*f->got));
	f->cpu -= cpu_ms();
	began = wall_ms();
	rig_change(&f->rig, s, before, after);
	while (have < f->n && wall_ms() - began < PATIENCE_MS)
		have += drain(f, 1000);
	if (have < f->n)
		fail_msg("%d of %d agents were told", have, f->n);
	f->cpu += cpu_ms();
	return wall_ms() - began;
}

static void print_rounds(struct fleet_rig *f, const char *what, double *each)
{
	char text[120];

	snprintf(text, sizeof(text), "%s -> last of %d agents, median", what, f->n);
	row(text, quantile(each, ROUNDS, 0.5), "ms");
	snprintf(text, sizeof(text), "%s -> last of %d agents, worst of %d", what, f->n, ROUNDS);
	row_below(text, each[ROUNDS - 1], "ms", f->n <= 1000 ? 150 : 1000);
	row("CPU of one such change, the agents' reading included", f->cpu / ROUNDS, "ms");
	f->cpu = 0;
}

static int find_member(void *arg, const void *object)
{
	const struct member *m = object;

	if (!(m->roles & ROLE_CONTROLLER))
		return 0;
	schema_copy(&schema_member, arg, m);
	return 1;
}

static int find_controller(struct tx *tx, void *arg, struct err *e)
{
	const struct tx_query all = {0};

	return tx_list(tx, &schema_member, &all, find_member, arg, NULL, NULL, e);
}

static void endpoint_moves(struct fleet_rig *f)
{
	struct member before = {0}, after = {0};
	struct err e = {0};
	double each[ROUNDS];

	if (store_read(f->rig.control.store, find_controller, &before, &e) < 0)
		fail_msg("%s", e.text);
	/* the first endpoint is another change: only from then on is it a relay */
	for (int i = -1; i < ROUNDS; i++) {
		double took;

		schema_copy(&schema_member, &after, &before);
		mem_free(after.endpoint);
		after.endpoint = mem_printf("192.0.2.%d:51820", i + 2);
		f->n--; /* the controller itself is not told */
		took = one_round(f, &schema_member, &before, &after);
		f->n++;
		if (i < 0) {
			row("the controller's first endpoint -> last of all agents", took, "ms");
			row("CPU of that, the agents' reading included", f->cpu, "ms");
			f->cpu = 0;
		} else {
			each[i] = took;
		}
		schema_done(&schema_member, &before);
		before = after;
		after = (struct member){0};
	}
	schema_done(&schema_member, &before);
	print_rounds(f, "endpoint of the controller moved", each);
}

static void keys_renewed(struct fleet_rig *f)
{
	struct network before = {0}, after = {0};
	double each[ROUNDS];

	rig_get(&f->rig, &schema_network, f->rig.network, &before);
	for (int i = 0; i < ROUNDS; i++) {
		schema_copy(&schema_network, &after, &before);
		after.psk_epoch++;
		each[i] = one_round(f, &schema_network, &before, &after);
		schema_done(&schema_network, &before);
		before = after;
		after = (struct network){0};
	}
	schema_done(&schema_network, &before);
	print_rounds(f, "pre-shared keys renewed", each);
}

int main(int argc, char **argv)
{
	struct fleet_rig f = {.n = argc > 1 ? atoi(argv[1]) : 1000};
	struct rlimit limit;
	double joined, before, began, cpu;

	log_init("bench", LOG_ERROR);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (f.n < 2 || limit.rlim_cur < (rlim_t)(2 * f.n + 200)) {
		fprintf(stderr, "bench_hub: %d agents take more open files than allowed\n", f.n);
		return 77;
	}
	f.agents = mem_zalloc((size_t)f.n * sizeof(*f.agents));
	f.got = mem_zalloc((size_t)f.n * sizeof(*f.got));
	f.epoll = epoll_create1(EPOLL_CLOEXEC);
	rig_start(&f.rig, true);
	began = wall_ms();
	cpu = cpu_ms();
	join_all(&f);
	joined = wall_ms() - began;
	cpu = cpu_ms() - cpu;
	row("nodes joining a network with a controller, one after the other",
		(double)f.n * 1e3 / joined, "/s");
	row("CPU of one that joins, its own half included, mean of all", cpu / f.n, "ms");
	before = rss_kib();
	listen_all(&f);
	row_below("memory per connected agent", (rss_kib() - before) / f.n, "KiB", 25);
	endpoint_moves(&f);
	keys_renewed(&f);
	for (int i = 0; i < f.n; i++)
		agent_done(&f.agents[i]);
	rig_stop(&f.rig);
	close(f.epoll);
	mem_free(f.agents);
	mem_free(f.got);
	return 0;
}
