/*
 * DOC: what the agent itself spends, on a machine that exists in memory (tests/agent/fake.h): CPU
 * of one peer added and removed again, of a look at direct paths, and of a reconcile that finds
 * nothing to do, with 100 to 50,000 peers present. No kernel, no engine, no nft; the sealed journal
 * on disk is in it.
 */
#include "agent/fake.h"

#include "base/log.h"
#include "base/rand.h"
#include "bench/row.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define ROUNDS 200
#define RECONCILES 10
#define LOOKS 51
#define NEW_PEER 60000

static struct item *peer(unsigned n)
{
	struct item *i = peer_make(n, 1);

	rand_bytes(i->peer.public_key.bytes, KEY_LEN);
	return i;
}

static void fill(struct world *w, unsigned n)
{
	struct core_corrections none = {0};
	struct state s;
	struct err e = {0};

	state_base(&s, 1);
	for (unsigned k = 0; k < n; k++)
		VEC_PUSH(&s.items, peer(k));
	item_vec_sort(&s.items);
	core_replace(&w->core, &s);
	if (core_reconcile(&w->core, &none, &e) < 0)
		fail_msg("%s", e.text);
	core_corrections_done(&none);
	assert_converged(w);
}

static void change(struct world *w, struct item *put, struct item *drop)
{
	struct delta d = {.previous = core_revision(&w->core)};

	d.revision = d.previous + 1;
	if (put != NULL)
		VEC_PUSH(&d.put, put);
	if (drop != NULL)
		VEC_PUSH(&d.drop, drop);
	core_queue(&w->core, &d);
	core_flush(&w->core);
}

/* CPU of one addition and removal; the journal is folded into a new base in some rounds, which the
 * mean includes and the median does not. */
static void added_and_removed(struct world *w, double *ret_median, double *ret_mean)
{
	double each[ROUNDS], sum = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct item *new = peer(NEW_PEER), *old = item_dup(new);
		double began = cpu_ms();

		change(w, new, NULL);
		change(w, NULL, old);
		each[i] = cpu_ms() - began;
		sum += each[i];
	}
	assert_null(w->core.error);
	*ret_median = quantile(each, ROUNDS, 0.5);
	*ret_mean = sum / ROUNDS;
}

static double nothing_to_do(struct world *w)
{
	double each[RECONCILES];

	for (int i = 0; i < RECONCILES; i++) {
		struct core_corrections drift = {0};
		unsigned writes = w->fake.writes;
		struct err e = {0};
		double began = cpu_ms();

		if (core_reconcile(&w->core, &drift, &e) < 0)
			fail_msg("%s", e.text);
		each[i] = cpu_ms() - began;
		assert_int_equal(drift.n, 0);
		assert_int_equal(w->fake.writes, writes);
	}
	return quantile(each, RECONCILES, 0.5);
}

/* CPU of a look at n direct paths, each with a route that depends on it; all of them busy. */
static double look(unsigned n)
{
	struct core_corrections none = {0};
	double each[LOOKS];
	struct world w;
	struct state s;
	struct err e = {0};

	world_init(&w);
	state_base(&s, 1);
	for (unsigned k = 0; k < n; k++) {
		struct item *p = peer(k), *r = route_make(k);

		id_copy(r->route.peer, p->peer.id);
		VEC_PUSH(&s.items, p);
		VEC_PUSH(&s.items, r);
	}
	item_vec_sort(&s.items);
	core_replace(&w.core, &s);
	if (core_reconcile(&w.core, &none, &e) < 0)
		fail_msg("%s", e.text);
	for (int i = 0; i < LOOKS; i++) {
		double began;

		VEC_FOREACH (it, &w.core.desired.items)
			if ((*it)->kind == ITEM_PEER)
				wg_memory_observe(w.fake.wg, "warren0", &(*it)->peer.public_key,
					clock_wall(&w.clock), 1000 * (uint64_t)(i + 1),
					1000 * (uint64_t)(i + 1));
		w.clock.fake_mono += PATH_LOOK_FLOW;
		began = cpu_ms();
		core_choose(&w.core);
		each[i] = cpu_ms() - began;
	}
	assert_null(w.core.error);
	world_done(&w);
	return quantile(each, LOOKS, 0.5);
}

static void measure_looks(unsigned n)
{
	double ms = look(n);
	char what[100];

	snprintf(what, sizeof(what), "agent: a look at %u busy direct paths, own CPU", n);
	row(what, ms, "ms");
	snprintf(what, sizeof(what), "the same, part of a processor, at least %d ms apart",
		PATH_LOOK_FLOW);
	row(what,
		100 * ms /
			(ms * PATH_LOOK_SHARE > PATH_LOOK_FLOW ? ms * PATH_LOOK_SHARE
							       : PATH_LOOK_FLOW),
		"%");
}

static void measure(unsigned n)
{
	struct world w;
	double median, mean, idle;
	char what[100];

	world_init(&w);
	fill(&w, n);
	idle = nothing_to_do(&w);
	added_and_removed(&w, &median, &mean);
	snprintf(what, sizeof(what), "agent: one peer added and removed, %u present, CPU", n);
	row_below(what, median, "ms", 0.15);
	snprintf(what, sizeof(what), "the same, mean of %d (journal folded at times)", ROUNDS);
	row(what, mean, "ms");
	snprintf(what, sizeof(what), "agent: reconcile, nothing to do, %u peers, CPU", n);
	if (n <= 10000)
		row_below(what, idle, "ms", 20);
	else
		row(what, idle, "ms");
	world_done(&w);
}

int main(void)
{
	static const unsigned sizes[] = {100, 1000, 10000, 49999};

	log_init("bench", LOG_ERROR);
	measure_looks(1000);
	measure_looks(10000);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		measure(sizes[i]);
	return 0;
}
