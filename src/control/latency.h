/*
 * DOC: how long changes took to be in force, by network: from the moment a node's revision rose to
 * the report that it has applied it. A node in several networks counts in each. Hub's thread.
 */
#ifndef WARREN_CONTROL_LATENCY_H
#define WARREN_CONTROL_LATENCY_H

#include "base/clock.h"
#include "base/map.h"

#define LATENCY_BOUNDS 7
extern const msec latency_bounds[LATENCY_BOUNDS]; /* ms */

struct latency {
	uint64_t bucket[LATENCY_BOUNDS + 1]; /* not cumulative; the last: longer than all bounds */
	msec sum;
};

/* by: network id -> struct latency *, empty at first. */
void latency_note(struct map *by, const char *network, msec took);
void latency_forget(struct map *by, const char *network);
void latencies_done(struct map *by);

#endif
