/*
 * DOC: inside the hub. What is marked "thread" belongs to the hub's thread alone; the rest has a
 * lock of its own.
 *
 *	writer thread --on_commit--> rows --\
 *	                                     hub's thread: apply rows, push, then run calls, tick
 *	any thread ----hub_run-----> calls -/
 *
 * Rows that are queued are always applied before a call that was queued behind them runs.
 */
#ifndef WARREN_CONTROL_HUB_STATE_H
#define WARREN_CONTROL_HUB_STATE_H

#include "base/vec.h"
#include "control/hub.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

struct bearers;
struct bulks;
struct config_sums;
struct groupkeys;
struct streams;
struct telemetry;
struct panel_events;
struct rotations;
struct roaming;
struct quotas;

/* An outbox row with objects of its own. */
struct hub_row {
	const struct schema *schema;
	struct outbox_row row;
};
VEC_TYPE(hub_rows, struct hub_row);

struct hub_call {
	STAILQ_ENTRY(hub_call) link;
	void (*fn)(const struct fleet *f, void *arg);
	void *arg;
};
STAILQ_HEAD(hub_calls, hub_call);

/* SHA-256 of a node's state at a revision, so that a 304 needs no plan. */
struct state_digest {
	uint64_t revision;
	char sha256[65];
};

struct hub {
	struct control *control;
	const struct clock *clock;
	pthread_t thread;
	bool started;

	pthread_mutex_t lock; /* the next seven */
	pthread_cond_t wake;
	struct hub_rows rows;
	struct hub_calls calls;
	msec rows_at; /* when the oldest queued row was committed, monotonic */
	bool stop;
	struct buf pins; /* signed, as JSON */
	struct strs pin_list;

	struct fleet *fleet;         /* thread */
	struct groupkeys *groupkeys; /* thread */
	struct streams *streams;     /* thread */
	struct bulks *bulks;         /* thread */
	struct rotations *rotations; /* thread */
	struct roaming *roaming;     /* thread */
	struct quotas *quotas;       /* thread */
	struct config_sums *sums;    /* thread */
	struct map digests;          /* thread; node -> struct state_digest */
	struct map latencies;        /* thread; see latency.h */
	msec tick_at, flush_at;      /* thread; monotonic */

	struct bearers *bearers;
	struct telemetry *telemetry;
	struct panel_events *panel;
	atomic_bool flushing; /* a flush is with the writer */
	atomic_uint streams_open;
	_Atomic uint64_t events_sent, states_sent, drift_reports, refetches;
	_Atomic int64_t last_push;
};

#define HUB_CALLS_AT_ONCE 64 /* calls between two looks at the rows */
#define HUB_TICK ((msec)1000)
#define HUB_FLUSH ((msec)15000)

/* Run what is due by the clock, now, and wait until it is stored. For tests with a fake clock, from
 * their own thread. */
void hub_settle(struct hub *h);

#endif
