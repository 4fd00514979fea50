/*
 * DOC: the domains this node answers for: zones and sockets of the responder kept equal to desired
 * state, and this machine's own resolver told where to ask. Nothing of the machine is rewritten for
 * that: with systemd-resolved the domain is routed to the tunnel's link, which forgets it with the
 * link; without it the hosts block has to do.
 */
#ifndef WARREN_AGENT_NAMES_H
#define WARREN_AGENT_NAMES_H

#include "base/loop.h"
#include "model/state.h"

#include <stdbool.h>

struct names;
struct names *names_new(struct loop *l, const struct clock *c);
/* Stops answering; the machine's resolver no longer asks here. */
struct names *names_free(struct names *n);

/* Make it so. stale: desired differs from the last call's; otherwise only what failed or was undone
 * by others is done again. Returns the first error (naming who has the port), everything else is
 * done. */
int names_update(struct names *n, const struct state *desired, bool stale, struct err *e);

#endif
