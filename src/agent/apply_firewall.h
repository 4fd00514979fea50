/* DOC: the firewalls' part of apply: tables, their contents, and flows they do not allow any more.
 */
#ifndef WARREN_AGENT_APPLY_FIREWALL_H
#define WARREN_AGENT_APPLY_FIREWALL_H

#include "agent/apply_run.h"

/* Load the tables the delta puts, then change what is in the sets of the others. Both note networks
 * that may allow less than before (run->narrowed). */
void firewall_put_all(struct run *run);
void firewall_change_sets(struct run *run);
/* End the flows of a network that it does not allow. */
void firewall_prune_flows(struct run *run, const char *network);
int firewall_drop(struct run *run, const struct item *i, struct err *e);
/* For apply_peers; arg is the run. */
bool firewall_may_put_peer(void *arg, const struct item *i);

#endif
