/* DOC: what a step of a node's revision is called on the wire (doc/protocol.md, Revisions). Pure.
 */
#ifndef WARREN_CONTROL_EVENT_H
#define WARREN_CONTROL_EVENT_H

#include "base/buf.h"
#include "model/fleet.h"
#include "model/state.h"

#define EVENT_REFETCH "node_state_updated"

/* The event type of a delta that this change caused. *ret_peer gets the id of the peer when the
 * type is about one, else NULL; borrowed from the delta. */
const char *event_type(const struct fleet_change *c, const struct delta *d, const char **ret_peer);

/* The payload: the delta, with "peer_id" in front when a peer was removed; appended. */
void event_payload(const char *type, const char *peer, const struct delta *d, struct buf *out);

/* The payload that carries no delta: fetch the state. */
void event_payload_refetch(uint64_t previous, uint64_t revision, struct buf *out);

#endif
