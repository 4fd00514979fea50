/*
 * DOC: the agent without its network: identity, desired state (verified, cached), peers in force,
 * machine. Everything that changes the machine goes through core_*: events and states come in by
 * events.h, time by core_expire, drift by core_reconcile. Knows no loop and no socket.
 *
 *	desired (signed, cached) - closed - expired - refused = in force  ->  apply  ->  machine
 */
#ifndef WARREN_AGENT_CORE_H
#define WARREN_AGENT_CORE_H

#include "agent/apply.h"
#include "agent/cache.h"
#include "agent/path.h"
#include "agent/peers.h"

#define CORE_CORRECTIONS_MAX 64

struct core {
	struct identity *identity;
	struct machine *machine;
	const struct clock *clock;
	struct cache cache;
	struct state desired;
	struct strs lacks;       /* those of desired.requires that this agent does not have */
	struct peer_index peers; /* in force */
	struct map refused;      /* interface/id -> reason */
	struct map spent;        /* interface/id -> the grant that is used up (gate.h) */
	struct map heard;        /* next key -> struct rotate_heard (rotate.h) */
	struct paths paths;      /* which routes that name a peer hold */
	/* deltas that wait to be applied together */
	struct state pending_put, pending_drop;
	uint64_t pending;    /* revision they lead to; 0 = none */
	char *error;         /* why the machine is not as desired; NULL = it is, as far as known */
	char *service_error; /* what beside the machine is not as desired; NULL = nothing */
	msec deadline;       /* wall time of the next expiry; 0 = none */
	struct strs
		conflicts; /* routes of the machine's own that came in the way of ours, in words */
	bool reported;     /* a first reconcile was done: from now on differences are drift */
	bool changed;      /* something was applied since core_take_changed */
};

/* Opens the cache and takes what it holds; nothing is applied yet. */
int core_init(struct core *c, struct identity *identity, struct machine *machine,
	const struct clock *clock, struct err *e);
void core_done(struct core *c);

/* The revision events must follow on. */
uint64_t core_revision(const struct core *c);

/* A verified delta: wait for core_flush. d is emptied. */
void core_queue(struct core *c, struct delta *d);
/* Apply what waits as one delta. */
void core_flush(struct core *c);
/* A verified whole state; s is emptied. */
void core_replace(struct core *c, struct state *s);

/* A change of our own to desired state, at the same revision; nothing may be queued (rotate.h). */
void core_move(struct core *c, const struct delta *d);

/* Look again at peers with a time limit and at refused ones: what comes into force and what goes
 * out of it, borrowed from desired, is added to work (NULL: only take note). */
void core_screen(struct core *c, struct delta *work);
/* Say (and log, when it is news) why the machine is not as desired; or that it is. */
void core_set_error(struct core *c, const struct apply_result *r, const char *also);

/* Drop peers whose time is over, bring back those whose time is not (a clock was set). */
void core_expire(struct core *c);

/* Look which paths are alive and turn the routes that depend on it. Returns paths_look's bits. */
int core_choose(struct core *c);

/* Is the item in force: in no part that is closed for want of a feature, and a peer that is
 * admitted, a route whose path is alive, or anything else? */
bool core_in_force(struct core *c, const struct item *i);
/* All items in force, borrowed from desired. */
void core_effective(struct core *c, struct item_vec *ret);

/* These peers have used up what their present grant lets them: out they go, until they have another
 * one. */
void core_spent(struct core *c, const struct item_vec *peers);

/* One correction for a drift report. */
struct core_correction {
	const char *type; /* word of an item kind */
	char *detail;
};
VEC_TYPE(core_corrections, struct core_correction);
void core_corrections_done(struct core_corrections *v);

/* Make the machine equal to what is in force. Does nothing before the first state. ret collects
 * what had drifted (nothing on the first call: that is bringing it up). */
int core_reconcile(struct core *c, struct core_corrections *ret, struct err *e);

/* After changes calmed down: digests, hosts file, names of endpoints. */
void core_settle(struct core *c);

bool core_take_changed(struct core *c);

#endif
