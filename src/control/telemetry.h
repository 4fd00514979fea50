/*
 * DOC: what nodes report about themselves and their peers, in memory, from any thread; written to
 * the store in small batches outside change transactions, each 15 s (DESIGN, Threads).
 */
#ifndef WARREN_CONTROL_TELEMETRY_H
#define WARREN_CONTROL_TELEMETRY_H

#include "control/heartbeat.h"
#include "control/hub.h"
#include "control/sight.h"

#define HEARTBEAT_EVERY ((msec)30 * 1000)
#define MISSED_UNREACHABLE 3
#define MISSED_OFFLINE 10
#define ENDPOINT_SETTLE ((msec)60 * 1000) /* between two changes of a node's observed address */
#define ENDPOINT_BURST 8                  /* changes that need not wait, after a calm */
#define TELEMETRY_BATCH 256               /* rows in one transaction */

struct telemetry;

struct telemetry *telemetry_new(const struct clock *clock);
struct telemetry *telemetry_free(struct telemetry *t);

/* Take over what the store knows; inside a read, when the hub starts, devices before nodes. */
void telemetry_load_device(struct telemetry *t, const struct device *d);
int telemetry_load_node(struct telemetry *t, struct tx *tx, const struct node *n, struct err *e);

void telemetry_revision(struct telemetry *t, const char *node, uint64_t revision);
/* Its event stream was opened, or ended; who opens one is heard as by a heartbeat (liveness). */
void telemetry_connected(struct telemetry *t, const char *node, bool connected);
void telemetry_forget(struct telemetry *t, const struct schema *s, const char *id);
/* Another machine has taken the node's place: nothing is known of it yet. */
void telemetry_rejoined(struct telemetry *t, const char *node);
/* In the transaction that deletes a node: the counters kept of it go too. */
int telemetry_drop_node(struct tx *tx, const char *node, struct err *e);

/* What a heartbeat leads to. */
struct heartbeat_answer {
	bool first;         /* of this node: the registration is confirmed */
	bool reconcile;     /* it lags behind without good reason */
	msec applied_after; /* all that changed is in force, so long after the first change of it;
			       -1 */
};
void telemetry_heartbeat(struct telemetry *t, const char *node, const struct heartbeat *b,
	struct heartbeat_answer *ret);
/* May the node's observed endpoints change now? They are being changed. */
bool telemetry_may_move(struct telemetry *t, const char *node);
void telemetry_moved(struct telemetry *t, const char *node);

/* A node has said what it knows of these devices, between heartbeats. */
void telemetry_arrivals(struct telemetry *t, const char *node, const struct heartbeat *b);

/* When a device had its newest handshake, and with which node; see links_newest. */
bool telemetry_newest(
	struct telemetry *t, const char *device, id_text ret_node, msec *ret_handshake);

/* As in sight.h. */
void telemetry_sight(struct telemetry *t, const char *member, const char *observer,
	const char *endpoint, msec handshake);
void telemetry_said(
	struct telemetry *t, const char *member, const char *endpoint, struct addr called);
bool telemetry_seen_at(struct telemetry *t, const char *member, char ret[static SIGHT_TEXT]);
void telemetry_nat(struct telemetry *t, const char *member, enum nat_type *ret, bool *ret_behind);

/* Which ways a member's packets take; NULL = not known. Takes relayed_to over. */
void telemetry_ways(struct telemetry *t, const char *member, struct heartbeat_ways *ways);
/* A copy, to be freed (VEC_DONE of relayed_to); false when nothing is known. */
bool telemetry_ways_get(struct telemetry *t, const char *member, struct heartbeat_ways *ret);

void telemetry_link(struct telemetry *t, const char *peer, uint16_t keepalive, struct link *ret);
void telemetry_status(struct telemetry *t, const char *node, struct node_status *ret);

/* Queue all that changed for the writer; done once the last batch is stored, on its thread, or at
 * once when there is nothing to store. */
void telemetry_flush(struct telemetry *t, struct store *store, void (*done)(void *arg), void *arg);

/* Pure: the word for when a node was heard last; wall times, heard 0 = never. */
const char *liveness_word(msec now, msec heard);

#endif
