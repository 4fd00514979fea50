/*
 * DOC: the hub's fleet: read from the store once, then kept up by rows of the outbox, each with all
 * that hangs on it: secrets, bearers, telemetry, and the deltas of nodes that listen.
 */
#ifndef WARREN_CONTROL_HUB_FLEET_H
#define WARREN_CONTROL_HUB_FLEET_H

#include "control/hub_state.h"

/* Fill arg, a hub with an empty fleet, within a reading transaction; before the hub's thread runs.
 */
int hub_fleet_load(struct tx *tx, void *arg, struct err *e);

/* Bring the row into the fleet, and what follows from it to whoever it concerns. On the hub's
 * thread. */
void hub_fleet_apply(struct hub *h, struct hub_row *r);

#endif
