/*
 * DOC: observed links: what gateways and nodes measured about their peers, from heartbeats. Judges
 * the link state (spec 0, Three states), adds counters up over gateways, restarts and rekeys, and
 * remembers the last counter seen per reporter, so that adding up goes on exactly after a restart
 * of the control plane. Not thread-safe: telemetry.c holds its lock around it.
 */
#ifndef WARREN_CONTROL_LINKS_H
#define WARREN_CONTROL_LINKS_H

#include "base/buf.h"
#include "base/map.h"
#include "control/hub.h"

/* What was measured about one link. Times are wall, 0 = never. */
struct link_seen {
	msec handshake;  /* newest */
	msec rx_at;      /* received bytes were seen to grow */
	msec sent_since; /* sent bytes grew, and nothing was received since */
	msec as_of;      /* when its reporter spoke last */
};

#define LINK_FRESH ((msec)180 * 1000)     /* a handshake counts as presence for so long */
#define LINK_UNANSWERED ((msec)15 * 1000) /* sent into silence for so long = offline */

/* Pure. keepalive in seconds, 0 = none. */
enum link_state link_judge(msec now, uint16_t keepalive, const struct link_seen *s);

/* One row of a heartbeat. */
struct link_row {
	id_text peer;
	msec handshake; /* wall, corrected to our clock; 0 = never */
	uint64_t rx, tx;
	char endpoint[64];
	bool relayed; /* on a relay, hub or exit link, beside the direct one */
};

#define LINK_REPORTERS_DEVICE 32 /* per device; the one silent longest is forgotten */
#define LINK_REPORTERS_NODE 4    /* per node in the mesh, whose counters are not added up */

struct links {
	struct map peers;     /* id -> struct peer_links * */
	struct map reporters; /* node -> struct reporter * */
};

void links_done(struct links *l);

/* The reporter spoke: what it does not mention is unchanged as of now. */
void links_heard(struct links *l, const char *reporter, msec now);
/* Take in one row. epoch tells whether the reporter's counters started anew. */
void links_add(struct links *l, const char *reporter, uint64_t epoch, const struct link_row *row,
	msec now);
/* A handshake alone, said between heartbeats; counters come with those. */
void links_arrived(struct links *l, const char *reporter, const struct link_row *row, msec now);
void links_get(
	const struct links *l, const char *peer, msec now, uint16_t keepalive, struct link *ret);

/* When the newest handshake with the peer was, and with whom ("" = not known, or not any more);
 * false when there was none. */
bool links_newest(const struct links *l, const char *peer, id_text ret_node, msec *ret_handshake);

/* The clock was ahead, and is right again: what was measured meanwhile counts as of now. Without it
 * all that was seen then would be online, and newer than what is seen from now on, until the clock
 * is there once more. */
void links_clock_back(struct links *l, msec now);

/* A device as the store knows it: totals up to now. */
void links_load_device(struct links *l, const struct device *d, msec now);
/* Devices whose totals changed since the last call: id, last_seen, rx, tx. At most max. */
size_t links_take_devices(struct links *l, struct device *ret, size_t max);

/* Last counters per reporter, as the text of one setting: "PEER EPOCH RX TX\n" ... */
void links_load_counters(struct links *l, const char *reporter, const char *text);
/* The reporters whose text changed since the last call. */
void links_save_counters(
	struct links *l, void (*fn)(void *arg, const char *reporter, const char *text), void *arg);

void links_forget_peer(struct links *l, const char *peer);
void links_forget_reporter(struct links *l, const char *reporter);

#endif
