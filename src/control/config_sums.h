/*
 * DOC: sums of configurations, remembered: whether a handed-out configuration is stale is asked for
 * each client of each list, and the answer takes rendering it. A sum is kept until a row that it
 * may follow from is applied: the device's own, or any that is no device's. On the hub's thread.
 */
#ifndef WARREN_CONTROL_CONFIG_SUMS_H
#define WARREN_CONTROL_CONFIG_SUMS_H

#include "control/hub_state.h"
#include "crypto/hash.h"

struct config_sums;
struct config_sums *config_sums_new(void);
struct config_sums *config_sums_free(struct config_sums *s);

/* This row was applied to the fleet. */
void config_sums_follow(struct config_sums *s, const struct hub_row *row);

/* What client_config_hash says of this device of the fleet, or of the store, which may be ahead of
 * it: what the fleet does not have is never remembered. */
void config_sums_get(struct config_sums *s, const struct fleet *f, const struct device *d,
	const char *entry, char ret[static HASH_HEX_LEN]);

#endif
