/*
 * DOC: roaming: which gateway of its group a device is at (spec 3, Several gateways). Gateways
 * report handshakes; the newest one says where the device is. That is kept in the device's row
 * ("at"), because plans follow from it: a member's id while the device is away from its group's
 * home, else empty. A device that goes to and fro is followed more slowly, and one that has been
 * silent is taken to be at home again, so that no route of its own outlives its use.
 */
#ifndef WARREN_CONTROL_ROAMING_H
#define WARREN_CONTROL_ROAMING_H

#include "control/hub_state.h"
#include "control/links.h"

#define ROAMING_SETTLE ((msec)3000)       /* between two moves of a device, */
#define ROAMING_SETTLE_MAX ((msec)60000)  /* doubled with each up to this; */
#define ROAMING_CALM ((msec)120000)       /* until it has stayed for so long */
#define ROAMING_SILENT ((msec)10 * 60000) /* without a handshake it is at home again */
#define ROAMING_LOOK ((msec)30000)        /* how often those who are away are looked at */
#define ROAMING_AT_ONCE 500               /* rows of one transaction */

/* How long a device has been where it is, and how fast it may go on. Pure. */
struct roaming_pace {
	msec moved_at; /* monotonic; 0 = never */
	msec settle;   /* until it may move again */
};
/* May it move now? */
bool roaming_may_move(const struct roaming_pace *p, msec now);
/* It moves. */
void roaming_moved(struct roaming_pace *p, msec now);

struct roaming;
struct roaming *roaming_new(struct hub *h);
struct roaming *roaming_free(struct roaming *r);

/* On the hub's thread. A node has reported these rows (telemetry knows them already). */
void roaming_heard(struct roaming *r, const struct link_row *rows, size_t n);
/* What waited for its time; devices that are silent. */
void roaming_tick(struct roaming *r);
/* The fleet was loaded; a row was applied. */
void roaming_load(struct roaming *r);
void roaming_follow(struct roaming *r, const struct hub_row *row);

#endif
