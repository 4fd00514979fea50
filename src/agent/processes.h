/*
 * DOC: the agent as three processes (spec 1, Processes; doc/decisions/0006-processes.md):
 *
 *	apply (this one: state, keys, machine) ── channel ── net (no rights: sockets, TLS, HTTP)
 *	   └── spawn (starts nft and engines, and net)
 *
 * spawn is forked first, while there is nothing to see; it starts net. The end of apply ends both;
 * the end of net costs a reconnect; the end of spawn ends apply, whose service manager starts all
 * of it again. Tunnels do not notice any of it.
 */
#ifndef WARREN_AGENT_PROCESSES_H
#define WARREN_AGENT_PROCESSES_H

#include "agent/spawner.h"

#include <sys/types.h>

struct loop;
struct loop_fd;

struct processes {
	pid_t spawn; /* 0 = not split */
	struct spawner spawner;
	struct spawn_options options;
	struct loop_fd *watch;
	void (*lost)(void *arg);
	void *arg;
};

/* Fork spawn, then confine this process to what apply may do, for good. No thread may run yet. */
int processes_start(
	struct processes *p, const struct spawn_options *o, const char *state_dir, struct err *e);
/* A courier_start_fn; arg is the struct processes. */
int processes_start_net(void *arg, int *ret_fd, struct err *e);
/* Call lost(arg) when spawn ends by itself. */
void processes_watch(struct processes *p, struct loop *l, void (*lost)(void *arg), void *arg);
/* End spawn, and with it net. */
void processes_stop(struct processes *p);

#endif
