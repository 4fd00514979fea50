/*
 * DOC: a device's configuration as the fleet in memory says it now: which gateway, which routes,
 * which pre-shared key. On the hub's thread.
 */
#ifndef WARREN_CONTROL_CLIENT_CONFIG_H
#define WARREN_CONTROL_CLIENT_CONFIG_H

#include "base/buf.h"
#include "crypto/hash.h"
#include "model/fleet.h"
#include "render/format.h"

/* Has this gateway an endpoint a device could use? */
bool client_member_usable(const struct member *m);

/* Where devices of the group reach it: "host:port" of a member, one with a configured endpoint
 * before one that was only observed; never a loopback address. ERR_UNAVAILABLE says why not. */
int client_endpoint(const struct fleet *f, const struct group *g, struct buf *out, struct err *e);

/* In that format (NULL = wg-quick); private_key NULL = the marked placeholder, or ERR_GONE where
 * the format is of no use without it. out is wiped by the caller. */
int client_config(const struct fleet *f, const struct device *d, const struct secret *private_key,
	const struct config_format *format, struct buf *out, struct err *e);

/* Hash of what a handed-out file says, its private key and comments left aside. "" when there is
 * no configuration at all right now. */
void client_config_hash(
	const struct fleet *f, const struct device *d, char ret[static HASH_HEX_LEN]);

#endif
