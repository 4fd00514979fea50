/*
 * DOC: the gate: looks at the peers of devices interfaces where something depends on them within a
 * second or two. Who speaks here and is believed to be at another gateway of its group is reported
 * (doc/protocol.md, Roaming); who has used up what is left of its quota is put out, also without
 * the control plane. Interfaces with neither are not looked at: reading takes as long as there are
 * peers.
 */
#ifndef WARREN_AGENT_GATE_H
#define WARREN_AGENT_GATE_H

#include "agent/observe.h"

#define GATE_LOOK 1000     /* between looks, */
#define GATE_LOOK_NEAR 200 /* shorter when a quota is about to be used up; */
#define GATE_LOOK_MAX 2000 /* longer when looking takes long: */
#define GATE_LOOK_SHARE 40 /* at most this part of the time */

struct gate {
	struct core *core;
	struct observer *observer; /* is told what was seen */
	struct map visitors;       /* interface/peer id -> what is known of it */
	bool watching, news, near;
	msec took;
};

void gate_init(struct gate *g, struct core *core, struct observer *observer);
void gate_done(struct gate *g);

/* True when somebody was put out. */
bool gate_look(struct gate *g);
/* How long until the next look; 0 = there is nothing to look at. */
msec gate_wait(const struct gate *g);

/* The body that tells who has come; false when there is nobody to tell of. */
bool gate_report(struct gate *g, struct buf *out);
/* It was accepted, and need not be said again. */
void gate_accepted(struct gate *g);

#endif
