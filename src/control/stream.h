/*
 * DOC: event streams of agents: one per node, the newest wins. Steps of a node's revision are kept
 * while it has a stream or had one a moment ago, signed when they are sent, and sent once per
 * batch. Belongs to the hub's thread.
 */
#ifndef WARREN_CONTROL_STREAM_H
#define WARREN_CONTROL_STREAM_H

#include "control/hub.h"
#include "model/state.h"

struct streams;

/* All rings together; past it the node that records drops its own oldest steps. */
#define STREAMS_BYTES (256u * 1024 * 1024)

struct streams *streams_new(struct hub *h);
struct streams *streams_free(struct streams *s);

/* Is somebody going to ask for this node's steps? If not, they need not be planned. */
bool streams_watch(const struct streams *s, const char *node);

/* One step of a node that is watched. previous and revision are those of the outbox. */
void streams_record(struct streams *s, const char *node, uint64_t previous, uint64_t revision,
	const struct fleet_change *c, struct delta *d);

/* Send what was recorded since the last flush. */
void streams_flush(struct streams *s);

/* Tell everybody who listens the key that signs from now on, by the one that does until now. */
void streams_new_signing_key(struct streams *s, const struct public_key *next);
/* Ask a node that listens now for new keys; its next heartbeat hears of it in any case. */
void streams_ask_keys(struct streams *s, const char *node);

/* Answer GET events: what the agent missed since last_event_id (NULL = unknown), then all that
 * comes. revision is the node's now. */
void streams_open(struct streams *s, struct http_request *rq, const char *node,
	const char *last_event_id, uint64_t revision);

/* The node is gone: end its stream and forget its steps. */
void streams_drop(struct streams *s, const char *node);

/* Forget nodes that have been away too long. */
void streams_tick(struct streams *s);

#endif
