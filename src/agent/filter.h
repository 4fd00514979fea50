/*
 * DOC: which system calls each of the agent's processes may make. `apply` and `net` have lists of
 * what they need: anything else answers "not implemented", so that a C library with newer habits
 * falls back, and what only an intruder would try ends the process. `spawn` hands its filter down
 * to the programs it starts, so it has a list of what none of them has any business with.
 */
#ifndef WARREN_AGENT_FILTER_H
#define WARREN_AGENT_FILTER_H

#include "base/err.h"

#include <stdbool.h>

enum filter_role { FILTER_APPLY, FILTER_NET, FILTER_SPAWN };

/* For the rest of this process's life, and its children's. may_open: net may open files to read
 * (something else keeps it off ours). ERR_UNSUPPORTED when the kernel has no filters. */
int filter_set(enum filter_role role, bool may_open, struct err *e);

#endif
