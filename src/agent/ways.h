/* DOC: which way packets to others leave: what a heartbeat says of it, by network. */
#ifndef WARREN_AGENT_WAYS_H
#define WARREN_AGENT_WAYS_H

#include "agent/core.h"
#include "codec/json.h"

#define WAYS_NAMED_MAX 64 /* peers that are reached by a relay; of more, only how many */

/* "ways": of each network with watched paths the relay in use, how many peers are reached directly
 * and how many by the relay, and who those are. */
void ways_write(struct core *c, struct json_writer *w);

#endif
