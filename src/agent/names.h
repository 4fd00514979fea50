/*
 * DOC: the domains this node answers for. This side opens the sockets, which takes a right, and
 * says what is to be answered; who reads a packet is the responder, in another process
 * (responder.h). And this machine's own resolver is told where to ask. Nothing of the machine is
 * rewritten for that: with systemd-resolved the domain is routed to the tunnel's link, which
 * forgets it with the link; without it the hosts block has to do.
 *
 * Sockets stay open here, too, unread: when a responder is lost, questions wait in them for the
 * next one, and nobody else can take the port.
 */
#ifndef WARREN_AGENT_NAMES_H
#define WARREN_AGENT_NAMES_H

#include "agent/responder.h"
#include "base/clock.h"
#include "model/state.h"

#include <stdbool.h>

struct names;
struct names *names_new(const struct responder_link *l); /* l is copied */
/* Stops answering; the machine's resolver no longer asks here. */
struct names *names_free(struct names *n);

/* Make it so. stale: desired differs from the last call's; otherwise only what failed or was undone
 * by others is done again, and the host's resolvers are looked at. Returns the first error (naming
 * who has the port), everything else is done. */
int names_update(struct names *n, const struct state *desired, bool stale, struct err *e);

/* There is a new responder: all has to be told again. names_update does it. */
void names_responder_is_new(struct names *n);

/* When names_update wants to be called again, in ms; 0 = not before something changes. */
msec names_wait(const struct names *n);

#endif
