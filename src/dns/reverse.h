/* DOC: names under in-addr.arpa and ip6.arpa as addresses, or as much of one as they say. Pure. */
#ifndef WARREN_DNS_REVERSE_H
#define WARREN_DNS_REVERSE_H

#include "dns/query.h"
#include "model/prefix.h"

/* At most 32 nibbles. */
struct dns_reverse {
	struct prefix known; /* of the address, read from the right */
	bool clean;          /* nothing that is no part of an address stands before it */
	size_t at[33];       /* offset in the name of the first n parts; at[0]: "in-addr" */
	unsigned parts, part_bits;
};

/* ERR_NOT_FOUND for other names. */
int dns_reverse_parse(const struct dns_query *q, struct dns_reverse *ret);

/* Where in the name the reverse zone of a pool begins (cut at a whole part: the longest suffix that
 * holds the pool), or DNS_REVERSE_OUTSIDE when the name is not in the pool. */
#define DNS_REVERSE_OUTSIDE ((size_t)-1)
size_t dns_reverse_apex(const struct dns_reverse *r, struct prefix pool);

#endif
