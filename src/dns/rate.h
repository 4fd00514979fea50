/*
 * DOC: a bound on questions for each client: a bucket of tokens, refilled with time. A fixed table:
 * clients whose addresses meet in a bucket share it, so memory is bounded whoever asks.
 */
#ifndef WARREN_DNS_RATE_H
#define WARREN_DNS_RATE_H

#include "base/clock.h"
#include "model/prefix.h"

#include <stdbool.h>

struct rate;
struct rate *rate_new(unsigned per_second, unsigned burst); /* per_second 0 = no bound */
struct rate *rate_free(struct rate *r);
/* May the client ask one more, at monotonic time now? */
bool rate_take(struct rate *r, struct addr client, msec now);

#endif
