/*
 * DOC: what the agent tells about its links: handshakes and counters that changed since the last
 * report the control plane accepted, endpoints peers were seen at, and addresses of its own.
 */
#ifndef WARREN_AGENT_OBSERVE_H
#define WARREN_AGENT_OBSERVE_H

#include "agent/core.h"

struct observer {
	struct core *core;
	struct map sent; /* interface/peer id -> what was accepted and what is on its way */
};

void observer_init(struct observer *o, struct core *core);
void observer_done(struct observer *o);

/* The heartbeat's body (doc/protocol.md). */
void observer_heartbeat(struct observer *o, const char *version, struct buf *out);
/* The last heartbeat was accepted: what it said need not be said again. */
void observer_accepted(struct observer *o);

#endif
