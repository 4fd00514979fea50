/*
 * DOC: links of ours that go away by another's hand - an engine that was killed, `ip link del`, `ip
 * link set down` - are brought back at once, not with the next reconcile. The kernel says which
 * link changed; if it is ours and not up, the agent reconciles. One that keeps going away is tried
 * less and less often.
 */
#ifndef WARREN_AGENT_VIGIL_H
#define WARREN_AGENT_VIGIL_H

#include "agent/machine.h"
#include "base/loop.h"

struct vigil {
	struct loop *loop;
	struct machine *machine;
	void (*repair)(void *arg); /* make the machine as desired, soon */
	void *arg;
	int fd;
	struct loop_fd *watch;
	struct loop_timer *timer;
	bool due;     /* a look has its time */
	msec wait;    /* before the next look */
	msec lost_at; /* monotonic; when a link was last found missing */
};

/* Links are looked at by the machine's operations; without a watch it does nothing. */
void vigil_init(
	struct vigil *v, struct loop *l, struct machine *m, void (*repair)(void *arg), void *arg);
void vigil_done(struct vigil *v);

#endif
