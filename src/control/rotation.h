/*
 * DOC: new node keys without a gap (spec 0, Keys). A member's key goes through
 *
 *	asked (rotating) -> announced (next_public_key: its peers take both) -> told (switching: the
 *	node uses the next one) -> taken (public_key is the next one, the old one is nobody's)
 *
 * each step a change of the member like any other. The driver here, on the hub's thread, takes the
 * steps behind the announcement: it tells the node when its peers have said that they know, and
 * takes the key when the node has said that it uses it. Everything is in the members, so a control
 * plane that starts again goes on where it was.
 */
#ifndef WARREN_CONTROL_ROTATION_H
#define WARREN_CONTROL_ROTATION_H

#include "control/hub_state.h"

#define ROTATION_GRACE ((msec)5 * 60 * 1000)  /* peers that are there and silent are waited for */
#define ROTATION_AWAY ((msec)15 * 1000)       /* and those that are away */
#define ROTATION_ONE_BY_ONE ((msec)15 * 1000) /* one node of a network switches at a time */

/* In a transaction: ask the member for a new key. now: it takes the old one's place at once when it
 * is announced, or, when one was announced already, here. Without now a rotation that is under way
 * goes on as it was. */
int rotation_ask(struct tx *tx, const struct member *m, bool now, const char *actor, struct err *e);

/* The member's node announces this key: what that makes of the member. Pure. */
void rotation_announced(struct member *m, const struct public_key *key);

struct rotations;
struct rotations *rotations_new(struct hub *h);
struct rotations *rotations_free(struct rotations *r);

/* The rest is for the hub's thread. A row was applied; or the fleet was loaded. */
void rotations_follow(struct rotations *r, const struct hub_row *row);
void rotations_load(struct rotations *r);
/* Take the steps that are due: now and then, and when a node has reported. */
void rotations_look(struct rotations *r);

#endif
