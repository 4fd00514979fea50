/*
 * DOC: configurations for devices as text. Pure. The wg-quick form imports in wg-quick, the phone
 * apps, NetworkManager and `wg-quick strip`.
 */
#ifndef WARREN_RENDER_CONFIG_H
#define WARREN_RENDER_CONFIG_H

#include "base/buf.h"
#include "base/err.h"
#include "model/objects.h"

#include <stdbool.h>

/* Everything a device's configuration says, already resolved. All borrowed. */
struct device_config {
	const struct secret *private_key; /* NULL: a marked placeholder comment stands instead */
	struct addr ipv4, ipv6;
	const struct strs *dns;    /* may be NULL */
	const char *search_domain; /* may be NULL; goes last in DNS */
	uint32_t mtu;              /* 0 = left out */
	struct public_key peer_key;
	const struct secret *psk; /* NULL = none */
	const struct prefix_vec *allowed_ips;
	const char *endpoint;
	uint16_t keepalive; /* 0 = left out */
	const char *name;   /* for the comment line; escaped */
	/* What formats with an interface or an identity of their own say; wg-quick needs neither.
	 */
	const char *interface; /* name of the interface to make there */
	const char *id;        /* stable for the device: its profiles replace each other */
};

/* Would any value break a format, or is one missing? Every renderer asks this first. */
int config_check(const struct device_config *c, struct err *e);
/* Bytes that are surely enough for one rendering, so that no copy of a key is left in freed memory.
 */
size_t config_room(const struct device_config *c);
/* Does it route everything of that family into the tunnel? */
bool config_is_full(const struct device_config *c, enum family f);
/* A key's text, wiped behind it. */
void config_add_secret(struct buf *out, const struct secret *key);

/* Append the wg-quick file. ERR_INVALID when a value could break the format. */
int render_wg_quick(const struct device_config *c, struct buf *out, struct err *e);

#endif
