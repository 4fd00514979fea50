/*
 * DOC: what a process of the agent gives up before it works: capabilities (those it can lose for
 * ever, too), its user, files, system calls. What a kernel or a container does not offer is done
 * without where something else still keeps the promise, and an error where nothing does.
 */
#ifndef WARREN_AGENT_CONFINE_H
#define WARREN_AGENT_CONFINE_H

#include "base/err.h"

#include <stdbool.h>

/* Machine and state, keys: network capabilities only. state_dir must stay usable. */
int confine_apply(const char *state_dir, struct err *e);
/* Starts programs, and net as another user. */
int confine_spawn(struct err *e);
/* In a child of spawn that is to become net: give up user and capabilities. Then it may exec. */
void confine_net_user(void);
/* Then: no capabilities, no files but the resolver's, no system calls but a network client's. */
int confine_net(struct err *e);

#endif
