/* DOC: what /metrics says of networks, their nodes and devices, and nodes' clocks, as they report.
 */
#ifndef WARREN_CONTROL_FLEET_METRICS_H
#define WARREN_CONTROL_FLEET_METRICS_H

#include "control/exposition.h"
#include "control/hub.h"
#include "model/fleet.h"

/* Of one project's networks, or of all ("" or NULL). On the hub's thread. */
void fleet_metrics_write(
	struct hub *h, const struct fleet *f, const char *project, const struct exposition *x);

#endif
