/*
 * DOC: telling systemd-resolved that a domain is asked over a tunnel. `resolvectl` with fixed
 * arguments on the tunnel's link: nobody's resolv.conf is touched, other names go where they went,
 * and when the link goes, so does this. Where resolved does not run nothing is done.
 */
#ifndef WARREN_AGENT_SPLITDNS_H
#define WARREN_AGENT_SPLITDNS_H

#include "model/state.h"

struct splitdns; /* of one network */
struct splitdns *splitdns_new(void);
struct splitdns *splitdns_free(struct splitdns *s); /* undoes it */

/* Who is asked: the gateways this node is linked with, which know every name, else this node. Does
 * nothing when resolved knows already. Failures are logged when they are news. */
void splitdns_update(struct splitdns *s, const struct item_vec *items, const char *network);

#endif
