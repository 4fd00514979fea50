/*
 * DOC: the hub: one thread that owns the fleet in memory, plans changes and pushes signed deltas
 * to connected agents. It learns of changes only from committed outbox rows, in commit order.
 */
#ifndef WARREN_CONTROL_HUB_H
#define WARREN_CONTROL_HUB_H

#include "control/control.h"
#include "crypto/hash.h"
#include "http/server.h"
#include "model/fleet.h"
#include "store/store.h"

struct principal;

/* Load the fleet from the store and start the thread; registers itself with store_on_commit. */
int hub_new(struct control *c, struct hub **ret, struct err *e);
struct hub *hub_free(struct hub *h);

/* Run fn on the hub's thread, after every commit that was acknowledged before this call. The fleet
 * is borrowed for the call. From any thread; returns at once. */
void hub_run(struct hub *h, void (*fn)(const struct fleet *f, void *arg), void *arg);
/* The same and wait. Not from the hub's or the writer's thread. */
void hub_run_wait(struct hub *h, void (*fn)(const struct fleet *f, void *arg), void *arg);

/* Observed links of devices and nodes, kept in memory and flushed to the store each 15 s. */
enum link_state { LINK_NEVER, LINK_ONLINE, LINK_IDLE, LINK_OFFLINE };
extern const char *const link_state_words[];
struct link {
	int state;         /* enum link_state, judged by spec 0 (Three states) */
	msec last_seen;    /* newest handshake; 0 = never */
	msec as_of;        /* when it was measured */
	uint64_t rx, tx;   /* since the device was created, over restarts and rekeys */
	id_text gateway;   /* node it was last seen at, or "" */
	char endpoint[64]; /* where it speaks from, or "" */
};
/* Any thread. Zeroes (LINK_NEVER) when nothing is known. keepalive: seconds, 0 = none. */
void hub_link(struct hub *h, const char *peer, uint16_t keepalive, struct link *ret);

/* What client_config_hash says, remembered while nothing changes (control/config_sums.h). On the
 * hub's thread. */
void hub_config_sum(
	struct hub *h, const struct device *d, const char *entry, char ret[static HASH_HEX_LEN]);

/* What stands between a member and the others (control/sight.h): a word, and whether anything
 * does. Any thread. */
const char *hub_member_nat(struct hub *h, const char *member, bool *ret_behind);

/* Which ways a member's packets to others take, as it said last: telemetry_ways_get. Any thread. */
struct heartbeat_ways;
bool hub_member_ways(struct hub *h, const char *member, struct heartbeat_ways *ret);

/* deploy state of a node: pending / applied / error (spec 0, Three states), and liveness. */
struct node_status {
	uint64_t revision, applied_revision;
	const char *deploy;   /* "pending", "applied", "error" */
	const char *liveness; /* "online", "unreachable", "offline", "never" */
	bool connected;       /* has an event stream now */
	bool timed;           /* clock_offset is known: */
	msec clock_offset;    /* how far its clock was ahead of ours at its last heartbeat */
	char error[256];
	msec last_heartbeat;
};
void hub_node_status(struct hub *h, const char *node, struct node_status *ret);

/* The store has noted that this node, or the nodes of this network, are to make new keys: ask them.
 * Any thread; returns at once. */
void hub_ask_keys(struct hub *h, const char *whose);

/* Numbers for /metrics. */
struct hub_counts {
	unsigned streams;
	uint64_t events_sent, states_sent, drift_reports, refetches;
	msec last_change_to_push; /* commit to last push, newest change */
};
void hub_counts(struct hub *h, struct hub_counts *ret);

/* Routes of the agent protocol (doc/protocol.md) for the agent listener. */
extern const struct http_route agent_routes[];
extern const size_t n_agent_routes;

/* Tell agents the pins of the agent listener (base64 SHA-256 of its SubjectPublicKeyInfo, current
 * and next; NULL-terminated) in GET /healthz, signed by the root. Before the listener starts. */
void hub_set_pins(struct hub *h, const char *const pins[]);

/* There is a new signing key, stored already: announce it by the old one to all who listen, then
 * sign with it, also the pins. Wipes seed. Any thread; returns at once. Who was not there learns it
 * from GET /healthz, which the root signs. */
void hub_new_signing_key(struct hub *h, struct secret *seed);

/* Panel events: GET /api/v1/events, already authorised for project ("" = all). They end when who
 * may not see them any more. */
void hub_panel_stream(
	struct hub *h, struct http_request *rq, const char *project, const struct principal *who);

#endif
