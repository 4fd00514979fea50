/*
 * DOC: what the agent says of its own accord: heartbeats (each 30 s and soon after a change was
 * applied), drift it corrected, keys it announces, what it declares of itself. Nothing here is
 * needed for tunnels to work.
 */
#ifndef WARREN_AGENT_BEAT_H
#define WARREN_AGENT_BEAT_H

#include "agent/declaration.h"
#include "agent/gate.h"
#include "agent/observe.h"
#include "agent/wire.h"
#include "base/rand.h"

struct beat_hooks {
	void (*reconcile)(void *arg); /* the answer asked for it */
	/* likewise, for this network */
	void (*rotate_key)(void *arg, const char *network);
	void *arg;
};

struct beat {
	struct wire *wire;
	struct observer observer;
	struct gate gate;
	struct declaration declaration; /* the agent's to begin */
	struct beat_hooks hooks;
	const char *version;
	struct rand rand;
	struct loop_timer *timer;
	struct wire_call *call, *key_call, *drift_call, *gate_call;
	struct map keys;               /* network -> struct public_key, still to be announced */
	char *announcing;              /* network of key_call */
	bool again;                    /* one was due while another was under way: after it */
	bool unheard;                  /* the last one did not get through */
	struct core_corrections drift; /* still to be reported */
};

void beat_init(struct beat *b, struct loop *l, struct wire *wire, struct core *core,
	const char *version, const struct beat_hooks *hooks);
void beat_done(struct beat *b);
/* Say something within the second. */
void beat_soon(struct beat *b);
/* At once. */
void beat_now(struct beat *b);
/* The control plane is there again: what it did not hear is said within the second. */
void beat_connected(struct beat *b);
/* Tell who has come to the gate. */
void beat_gate(struct beat *b);
/* Announce a key until the control plane has taken it. */
void beat_announce(struct beat *b, const char *network, const struct public_key *key);
/* Report corrections; v is emptied. */
void beat_drift(struct beat *b, struct core_corrections *v);

#endif
