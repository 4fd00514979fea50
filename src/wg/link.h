/* DOC: the little this room needs of rtnetlink: the interface itself, in our namespace. */
#ifndef WARREN_WG_LINK_H
#define WARREN_WG_LINK_H

#include "wg/attr.h"

#include "base/vec.h"

#define WG_LINK_KIND "wireguard"
#define LINK_KIND_LEN 32

/* Is there an interface of that name, of whatever kind? */
int wg_link_exists(const char *ifname);
/* Delete it. ERR_NOT_FOUND when absent, ERR_SYSTEM otherwise. */
int wg_link_delete(const char *ifname, struct err *e);
/* Make a down interface of kind "wireguard". ERR_EXISTS, ERR_UNSUPPORTED (no module),
 * ERR_DENIED or system. */
int wg_link_add(const char *ifname, struct err *e);
/* "wireguard", "tun", ...; "" for real hardware. ERR_NOT_FOUND when absent. */
int wg_link_kind(const char *ifname, char ret[static LINK_KIND_LEN], struct err *e);
/* Names of the interfaces of kind "wireguard", sorted. */
int wg_link_list(struct strs *ret, struct err *e);

/* The payload of an RTM_NEWLINK: name and kind, "" when it has none. Pure. 0 or ERR_CORRUPT. */
struct link_info {
	char name[16], kind[LINK_KIND_LEN];
};
int link_info_read(struct span payload, struct link_info *ret);

/* What every call says when the kernel has no WireGuard. */
int wg_unsupported(struct err *e);

#endif
