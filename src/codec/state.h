/*
 * DOC: desired state and deltas on the wire (doc/protocol.md). A state is
 * {"node","project","revision","requires":[],"networks":[{"id","interfaces":[],"peers":[],...}]};
 * a delta is
 * {"previous","revision","requires":[],"networks":[{"id","peers":{"put":[],"drop":[]},...}]},
 * without requires when it is empty. Both are written as a stream; a state is read item by item.
 * Sections of a network: interfaces, addresses, sysctls, firewalls, sets, peers, routes, hosts
 * (codec/item.c has their members). Unknown fields are ignored, unknown kinds too (what an agent
 * must understand is named in requires, model/feature.h).
 */
#ifndef WARREN_CODEC_STATE_H
#define WARREN_CODEC_STATE_H

#include "codec/json.h"
#include "model/state.h"

#define STATE_MAX (64u * 1024 * 1024)

/* What is written holds pre-shared keys: the caller wipes the buffer. Readers answer ERR_INVALID
 * naming the member ("networks[0].peers[3].public_key"), also for two items with one key; ret is
 * untouched then. ret starts empty. */
void state_write(struct buf *out, const struct state *s);
int state_read(const char *text, size_t n, struct state *ret, struct err *e);
void delta_write(struct buf *out, const struct delta *d);
int delta_read(const struct json *j, struct delta *ret, struct err *e);
/* The wire object of spec 1 for one peer, an item of the array that is open. */
void peer_write(struct json_writer *w, const struct peer_item *p);

#endif
