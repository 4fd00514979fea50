/*
 * DOC: staying in step with the control plane: the event stream, states when one is needed, pins
 * when it is not recognised. One call besides the stream at a time.
 *
 *	want pins? -> want state? -> open stream -> ... -> ended -> wait (backoff) -> again
 *
 * Backoff: 1 s doubling to 15 s, +-25 %, Retry-After honoured; after 5 min without a stream the
 * state is polled each minute. 401: the tunnels it has stay, and it says how to join again.
 */
#ifndef WARREN_AGENT_SYNC_H
#define WARREN_AGENT_SYNC_H

#include "agent/core.h"
#include "agent/wire.h"
#include "base/rand.h"

struct sync_hooks {
	void (*connected)(void *arg);   /* the stream is open (again) */
	void (*applied)(void *arg);     /* something was applied */
	void (*rotate_keys)(void *arg); /* ask which keys: a heartbeat's answer says it */
	void *arg;
};

struct sync {
	struct wire *wire;
	struct core *core;
	const struct clock *clock;
	struct sync_hooks hooks;
	struct rand rand;
	struct loop_timer *retry, *flush;
	struct wire_call *call, *stream;
	char nonce[33];
	bool want_pins, want_state, polling, whole, unauthorized, open, waiting;
	unsigned attempt;
	msec base;      /* first delay; the server may set it */
	msec opened_at; /* monotonic */
	msec alive_at;  /* monotonic: the stream was last known open */
	msec polled_at, pins_at;
};

void sync_init(struct sync *s, struct loop *l, struct wire *wire, struct core *core,
	const struct clock *clock, const struct sync_hooks *hooks);
void sync_done(struct sync *s);
void sync_start(struct sync *s);
/* Fetch the state soon (a heartbeat's answer said so). */
void sync_fetch(struct sync *s);

/* Delay before attempt n (0 = first): pure. retry_after wins when longer. */
msec sync_backoff(unsigned attempt, msec base, msec retry_after, struct rand *r);

#endif
