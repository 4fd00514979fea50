/*
 * DOC: what goes away by another's hand - an engine that was killed, `ip link del`, `ip link set
 * down`, `ip address flush`, `ip route flush`, `nft flush ruleset` as a restart of the system's own
 * firewall does it - is brought back at once, not with the next reconcile. The kernel says which
 * link changed and what was deleted; whether our tables are there is looked up each second: a node
 * without them lets everybody in. What keeps going away, or cannot be brought back, is tried less
 * and less often.
 */
#ifndef WARREN_AGENT_VIGIL_H
#define WARREN_AGENT_VIGIL_H

#include "agent/machine.h"
#include "base/loop.h"

struct vigil {
	struct machine *machine;
	struct machine_net *net;
	void (*repair)(void *arg); /* make the machine as desired, soon */
	void *arg;
	int fd;
	struct loop_fd *watch;
	struct loop_timer *timer, *tables;
	bool due;     /* a look has its time */
	bool taken;   /* there is something to repair, whatever that look finds */
	msec wait;    /* before the next look */
	msec lost_at; /* monotonic; when something was last found missing */
};

/* net: what the machine's operations work by; not NULL. Without a watch it sees links and routes
 * with the next reconcile. */
void vigil_init(struct vigil *v, struct loop *l, struct machine *m, struct machine_net *net,
	void (*repair)(void *arg), void *arg);
void vigil_done(struct vigil *v);

#endif
