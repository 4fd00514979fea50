/* DOC: where other names are asked: a zone's own list, or what this host's resolv.conf says. Who
 * reads the file may be another process than who asks. */
#ifndef WARREN_DNS_UPSTREAM_H
#define WARREN_DNS_UPSTREAM_H

#include "dns/forward.h"
#include "dns/zone.h"

/* The addresses behind "nameserver" in the text of a resolv.conf, in order, at most max. */
size_t upstream_parse(const char *text, struct addr *ret, size_t max);

struct upstream_file; /* a resolv.conf, read again when it changes */
struct upstream_file *upstream_file_new(const char *path);
struct upstream_file *upstream_file_free(struct upstream_file *u);
/* What it says now; returns how many. */
size_t upstream_file_list(struct upstream_file *u, struct addr ret[static FORWARD_UPSTREAMS_MAX]);

/* The zone's upstreams, or the host's, without addresses the zone's own responder has: asking
 * ourselves would go round. Returns how many. */
size_t upstream_list(const struct addr *host, size_t n_host, const struct dns_zone *z,
	struct addr ret[static FORWARD_UPSTREAMS_MAX]);

#endif
