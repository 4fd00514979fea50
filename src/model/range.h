/*
 * DOC: the ranges of a network its nodes and devices get addresses from. With an IPv4 pool these
 * are its node and device ranges, and an IPv6 address is the twin of the IPv4 one; without, each
 * has a range of the IPv6 prefix: the one it was given (by an import), else one that follows from
 * the prefix. Who leases and who compiles policies asks here, so that they agree.
 */
#ifndef WARREN_MODEL_RANGE_H
#define WARREN_MODEL_RANGE_H

#include "model/objects.h"

struct addr_range {
	struct addr first, last; /* of one family, both inclusive */
};

struct addr_range network_node_range(const struct network *n);
struct addr_range network_device_range(const struct network *n);

#endif
