/* DOC: observed endpoints: from heartbeats to the store, and so to everybody's plans. */
#ifndef WARREN_CONTROL_ENDPOINT_H
#define WARREN_CONTROL_ENDPOINT_H

#include "control/heartbeat.h"
#include "model/fleet.h"

/*
 * Take note of what the heartbeat of this node says about where members are: its own (whereabouts.h
 * says what that is worth), and, when it is a controller or gateway, those it had handshakes with.
 * What others should know is stored, no more often than telemetry_may_move allows. peer: where the
 * call came from; unset = of no use. On the hub's thread; links that the node may not report are
 * gone from the heartbeat.
 */
void endpoint_note(struct hub *h, const struct fleet *f, const char *node,
	const struct heartbeat *beat, struct addr peer);

#endif
