/*
 * DOC: where peers spoke from when they were taken out. A client that was disabled keeps its old
 * session and notices only after its own timers (15 s when it sends, minutes when it is idle). So
 * when it comes back the gateway speaks first: the peer goes in with the endpoint it last had and a
 * keepalive, which makes the engine start a handshake at once; then the keepalive of the plan.
 */
#ifndef WARREN_AGENT_ROAM_H
#define WARREN_AGENT_ROAM_H

#include "base/map.h"
#include "wg/backend.h"

#define ROAM_MAX 4096 /* endpoints remembered; more are not */

struct roam {
	struct map endpoints; /* interface/public key -> struct roam_endpoint */
};
void roam_done(struct roam *r);

/* Look at the device and note the endpoints of those peers of keys[] that have one. Reads the whole
 * device once; failures are not worth an error. */
void roam_note(struct roam *r, struct wg_backend *wg, const char *ifname,
	const struct public_key *keys, size_t n);

/* Give op, which adds a peer, the endpoint the peer last had, and forget it. False when none is
 * known. */
bool roam_recall(struct roam *r, const char *ifname, struct wg_peer_op *op);

#endif
