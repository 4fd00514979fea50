/*
 * DOC: the door for what the control plane says: event envelopes and states. Both are checked here
 * (signature, this node, order, request) before anything of them is believed; a forged one changes
 * nothing at all. Order is kept by revisions, so a replay is a duplicate and a gap is seen.
 */
#ifndef WARREN_AGENT_EVENTS_H
#define WARREN_AGENT_EVENTS_H

#include "agent/core.h"

#define EVENT_MAX (8u * 1024 * 1024)

/* What the caller has to do next; bits. */
enum {
	EVENT_FLUSH = 1,       /* core_flush, soon: more may be queued behind it */
	EVENT_FETCH = 2,       /* fetch the state */
	EVENT_PINS = 4,        /* fetch pins and signing key again */
	EVENT_ROTATE_KEYS = 8, /* new keys are wanted: a heartbeat's answer says whose */
};

/* An envelope's text. Returns bits, or ERR_INVALID / ERR_CORRUPT / ERR_DENIED (another node's). */
int events_take(struct core *c, const char *text, size_t n, struct err *e);

/*
 * An answer to GET state: body (NULL for 304), its Warren-State-Head and the nonce we sent. Takes
 * the state over into core. ERR_CORRUPT when anything does not fit.
 */
int events_take_state(struct core *c, const char *body, size_t n, const char *head,
	const char *nonce, struct err *e);

#endif
