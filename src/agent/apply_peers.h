/* DOC: the peers' part of apply, in batches by interface. */
#ifndef WARREN_AGENT_APPLY_PEERS_H
#define WARREN_AGENT_APPLY_PEERS_H

#include "agent/apply.h"

/* puts and drops are sorted runs of peers. may_put(arg, item) says whether a peer may be brought
 * up: not before its network's firewall is there. */
void apply_peers(struct machine *m, struct item_vec puts, struct item_vec drops,
	const struct item_vec *old, bool (*may_put)(void *arg, const struct item *i), void *arg,
	struct apply_result *r);

/* The interface has another key: have each of its peers in target shake hands at once, instead of
 * when it next has something to send. Whichever end knows the new key last is heard. */
void apply_wake(struct machine *m, const char *ifname, const struct item_vec *target);

#endif
