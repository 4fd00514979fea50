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

/* In that format (NULL = wg-quick), with the endpoint of the gateway `entry` (a node), or of
 * another of the group when that cannot be used; ERR_UNAVAILABLE says why there is none.
 * private_key NULL = the marked placeholder, or ERR_GONE where the format is of no use without it.
 * out is wiped by the caller. */
int client_config(const struct fleet *f, const struct device *d, const char *entry,
	const struct secret *private_key, const struct config_format *format, struct buf *out,
	struct err *e);

/* Hash of what a handed-out file says, its private key and comments left aside. "" when there is
 * no configuration at all right now. */
void client_config_hash(const struct fleet *f, const struct device *d, const char *entry,
	char ret[static HASH_HEX_LEN]);

#endif
