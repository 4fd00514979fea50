/* DOC: a device as data: its peers in memory that is wiped, and what every backend checks first. */
#ifndef WARREN_WG_DEVICE_H
#define WARREN_WG_DEVICE_H

#include "wg/backend.h"

/* Add an empty peer. Growing wipes the memory it leaves. Valid until the next call. */
struct wg_peer *wg_peer_add(struct wg_peer_vec *v);

/* The same refusals from every backend: a bad interface name, an all-zero peer key, an endpoint
 * without port, an allowed IP that is no prefix, a key that was announced but not given. 0 or
 * ERR_INVALID. */
int wg_change_check(const char *ifname, const struct wg_change *c, struct err *e);

#endif
