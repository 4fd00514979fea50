/* DOC: a carrier of calls that makes them itself, in this process: for tests, and for whoever
 * embeds an agent. `warren agent` has a process for it (courier.h). */
#ifndef WARREN_AGENT_DIRECT_H
#define WARREN_AGENT_DIRECT_H

#include "agent/wire.h"

struct direct {
	struct http_client *client;
	struct http_target target;
	struct buf bearer;
};

void direct_init(struct direct *d, struct loop *l, struct wire_carrier *ret_carrier);
void direct_done(struct direct *d);

#endif
