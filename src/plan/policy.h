/*
 * DOC: from policies to firewall. A list of selectors becomes a named set of prefixes: a fixed part
 * that depends on the network's shape (ranges, members, CIDRs) and elements that single devices
 * bring (tags, ids). Kinds with a range of their own ("clients", "nodes") are fixed, so adding the
 * ten-thousandth client changes no set. Private to the plan room.
 */
#ifndef WARREN_PLAN_POLICY_H
#define WARREN_PLAN_POLICY_H

#include "model/fleet.h"
#include "model/state.h"

#define SET_NAME_LEN 20

/* "s_" and 12 hex digits of the list's content: the same list is the same set everywhere. */
void policy_set_name(const struct strs *selectors, char ret[static SET_NAME_LEN]);

/* The fixed prefixes of a list, aggregated. */
void policy_fixed(
	const struct fleet_network *fn, const struct strs *selectors, struct prefix_vec *ret);

/* Does a single device belong to the list by tag, id or kind, beyond the fixed part? */
int policy_picks_device(const struct strs *selectors, const struct device *d);

/* Does any enabled policy of the network pick this device by tag, id or kind? */
int policy_knows_device(const struct fleet_network *fn, const struct device *d);

/* May a direct link between two members carry anything at all? Symmetric. */
int policy_links(const struct fleet_network *fn, const struct member *a, const struct member *b);

/* Addresses that are this member itself: its own and, on a gateway, the shared one. */
void policy_self(const struct fleet_network *fn, const struct member *m, struct prefix_vec *ret);

/* Fill the firewall's rules and set names, and push an ITEM_SET for each fixed prefix. */
void policy_compile(const struct fleet_network *fn, const struct member *m,
	struct firewall_item *fw, struct item_vec *ret_sets);

/* Push the set members a device brings to every node of its network. */
void policy_device_sets(
	const struct fleet_network *fn, const struct device *d, struct item_vec *ret);

/* The IPv6 twin of an IPv4 prefix of the network: its ULA with the IPv4 bits at the end. */
struct prefix policy_twin(const struct network *n, struct prefix v4);
struct addr policy_twin_addr(const struct network *n, struct addr v4);

#endif
