/* DOC: timers and a clock of the test's own: an hour is over in no time. Programs that link this
 * wrap the loop's timers (meson.build). */
#ifndef WARREN_TESTS_AGENT_TIMERS_H
#define WARREN_TESTS_AGENT_TIMERS_H

#include "base/clock.h"

#include <stdbool.h>

/* From now on timers go by this clock (borrowed). */
void timers_use(struct clock *now);
/* Move the clock to the first timer due until end (monotonic) and run it; to end when there is
 * none: then false. */
bool timers_turn(msec end);
void timers_done(void);

#endif
