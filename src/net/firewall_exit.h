/* DOC: what exits add to a network's table; for firewall.c. Pure. */
#ifndef WARREN_NET_FIREWALL_EXIT_H
#define WARREN_NET_FIREWALL_EXIT_H

#include "base/buf.h"
#include "model/state.h"

/* The chain that marks what goes to the outside, and refuses what an exit must not send. */
void firewall_exit_marks(struct buf *out, const struct firewall_item *f);
/* Rules ahead of known flows: a full tunnel whose exit changed or is gone must not go on by another
 * way. */
void firewall_exit_refuse(struct buf *out, const struct firewall_item *f);
/* Rules behind policy: marked packets leave by their exit. */
void firewall_exit_accept(struct buf *out, const struct firewall_item *f);
/* What the outside sees is the exit's address, what the exit sees is the gateway's. */
void firewall_exit_masquerade(struct buf *out, const struct firewall_item *f);
int firewall_has_exits(const struct firewall_item *f);

#endif
