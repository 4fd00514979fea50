/* DOC: the little this room needs of rtnetlink: the interface itself, in our namespace. */
#ifndef WARREN_WG_LINK_H
#define WARREN_WG_LINK_H

#include "base/err.h"

/* Is there an interface of that name, of whatever kind? */
int wg_link_exists(const char *ifname);
/* Delete it. ERR_NOT_FOUND when absent, ERR_SYSTEM otherwise. */
int wg_link_delete(const char *ifname, struct err *e);

#endif
