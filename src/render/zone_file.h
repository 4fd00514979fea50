/*
 * DOC: a group's public endpoints as DNS records: RFC 1035 master-file text for the zone somebody
 * serves to the outside, so that gateways have names that stay when their addresses change.
 */
#ifndef WARREN_RENDER_ZONE_FILE_H
#define WARREN_RENDER_ZONE_FILE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#define ZONE_TTL_DEFAULT 300
#define ZONE_TTL_MAX 604800 /* a week */

struct zone_gateway {
	const char *name;
	const char *region;   /* or NULL */
	const char *endpoint; /* "host:port" */
};

struct zone_file {
	const char *group;
	const char *origin;       /* domain, with or without the last dot */
	const char *ttl;          /* seconds as text, or NULL */
	const char *name_servers; /* names, separated by commas: a whole zone; NULL: records only */
	uint32_t serial;          /* of a whole zone; grows */
	const struct zone_gateway *gateways;
	size_t n;
};

/*
 * Append the records: GROUP has all addresses, REGION.GROUP those of a region, each gateway its
 * own; labels are made from names as everywhere, and a gateway whose label is taken gets a number.
 * An endpoint that is a name is a CNAME where it is alone; where it is not, it is left out with a
 * comment that says so. ERR_INVALID names origin, ttl or ns.
 */
int render_zone_file(const struct zone_file *z, struct buf *out, struct err *e);

#endif
