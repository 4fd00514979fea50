/*
 * DOC: quotas: how many bytes a device may use in a period (spec 3, Accounting). What it has used
 * is known from its counters; when that is all, the device's row says so (over_quota) and no plan
 * has it. Before that, plans tell gateways how much is left (quota_left, numbered by quota_grant),
 * so that they end it by themselves, in time and without us; told anew when as much is used as a
 * gateway away from home may give, which waits for that.
 */
#ifndef WARREN_CONTROL_QUOTA_H
#define WARREN_CONTROL_QUOTA_H

#include "control/hub_state.h"
#include "control/links.h"

#define QUOTA_LOOK ((msec)5000) /* how often periods are looked at */
#define QUOTA_AT_ONCE 500       /* rows of one transaction */

/* Bring the device's row up to what is used (both directions, since it was made) and what time it
 * is (wall). True when something changed. Pure. */
bool quota_settle(struct device *d, uint64_t total, msec now);
/* People changed the quota: what gateways were told does not count any more. */
void quota_changed(struct device *d, uint64_t total, msec now);

/* Of the present period. */
uint64_t quota_used(const struct device *d, uint64_t total);
/* When it ends; 0 = never. */
msec quota_ends(const struct device *d);

struct quotas;
struct quotas *quotas_new(struct hub *h);
struct quotas *quotas_free(struct quotas *q);

/* On the hub's thread. The fleet was loaded; a row was applied. */
void quotas_load(struct quotas *q);
void quotas_follow(struct quotas *q, const struct hub_row *row);
/* These links were reported (telemetry knows them already). */
void quotas_heard(struct quotas *q, const struct link_row *rows, size_t n);
void quotas_tick(struct quotas *q);

#endif
