/* DOC: see range.h. */
#include "model/range.h"

/* In the /64 of a network without IPv4: nodes are ::1 and what follows, devices the /96 at 2^40. */
#define NODES6_LAST 0xffff
#define DEVICES6_FIRST ((u128)1 << 40)

struct addr_range network_node_range(const struct network *n)
{
	if (addr_is_set(n->node_first))
		return (struct addr_range){n->node_first, n->node_last};
	return (struct addr_range){addr_add(n->ipv6.addr, 1), addr_add(n->ipv6.addr, NODES6_LAST)};
}

struct addr_range network_device_range(const struct network *n)
{
	struct addr first = addr_add(n->ipv6.addr, DEVICES6_FIRST);

	if (addr_is_set(n->device_first))
		return (struct addr_range){n->device_first, n->device_last};
	return (struct addr_range){first, addr_add(first, UINT32_MAX)};
}
