/* DOC: can a network's nodes reach one another at all, as far as it is known where they are? */
#ifndef WARREN_CONTROL_REACHABLE_H
#define WARREN_CONTROL_REACHABLE_H

#include "control/hub.h"

/* What keeps nodes apart, one sentence each; none when nothing does. Fleet and hub: on the hub's
 * thread. */
void reachable_warnings(
	struct hub *h, const struct fleet *f, const struct fleet_network *fn, struct strs *ret);

#endif
