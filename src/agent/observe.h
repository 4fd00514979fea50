/*
 * DOC: what the agent tells about its links: handshakes and counters that changed since the last
 * report the control plane accepted, endpoints peers were seen at, and addresses of its own.
 */
#ifndef WARREN_AGENT_OBSERVE_H
#define WARREN_AGENT_OBSERVE_H

#include "agent/core.h"
#include "codec/json.h"

struct observer {
	struct core *core;
	uint64_t round;  /* number of the last heartbeat */
	struct map sent; /* interface/peer id -> what was accepted and what is on its way */
};

void observer_init(struct observer *o, struct core *core);
void observer_done(struct observer *o);

/* The heartbeat's body (doc/protocol.md). */
void observer_heartbeat(struct observer *o, const char *version, struct buf *out);
/* The last heartbeat was accepted: what it said need not be said again. */
void observer_accepted(struct observer *o);

/* Note what a device shows of a peer, between heartbeats: then what its counters came to is known
 * when they begin anew. */
void observer_note(struct observer *o, const char *ifname, const char *id, const struct wg_peer *p);

/* The interface's peers by key, to name what a device shows; borrowed. And one of them, or NULL. */
void observe_peers(const struct core *c, const char *ifname, struct item_vec *ret);
const struct item *observe_find(const struct item_vec *known, const struct public_key *key);
/* "host:port", or "" when the address is unset. */
void observe_endpoint(struct json_writer *w, const char *key, struct addr a, uint16_t port);

#endif
