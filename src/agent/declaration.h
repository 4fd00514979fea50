/*
 * DOC: what this machine's own configuration says of it as a gateway (spec 3, Enable). The control
 * plane is told once it answers heartbeats, and again only when the configuration has changed:
 * until then what operators say there stands.
 */
#ifndef WARREN_AGENT_DECLARATION_H
#define WARREN_AGENT_DECLARATION_H

#include "agent/wire.h"

/* Nothing is declared where all of it is NULL or 0. */
struct agent_gateway {
	const char *endpoint; /* host:port devices use */
	const char *region;
	uint16_t listen_port; /* of the devices interface */
};

struct declaration {
	struct wire *wire;
	struct buf body; /* empty = nothing to say */
	char *path;      /* where it is noted what was said last */
	struct wire_call *call;
	bool settled; /* said, or refused: nothing more to do until the next start */
};

/* dir: the agent's state folder. */
void declaration_init(
	struct declaration *d, struct wire *wire, const struct agent_gateway *g, const char *dir);
void declaration_done(struct declaration *d);
/* The control plane can be reached. */
void declaration_say(struct declaration *d);

#endif
