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

#include <stdbool.h>

#define SET_NAME_LEN 20

/* "s_" and 12 hex digits of the list's content: the same list is the same set everywhere. */
void policy_set_name(const struct strs *selectors, char ret[static SET_NAME_LEN]);

/* The fixed prefixes of a list, aggregated. */
void policy_fixed(
	const struct fleet_network *fn, const struct strs *selectors, struct prefix_vec *ret);

/* Does a single device belong to the list by tag, id or kind, beyond the fixed part? */
int policy_picks_device(const struct strs *selectors, const struct device *d);

/* Has the device an IPv6 address that is not the twin of its IPv4 one? Only imported ones do; such
 * an address is outside the ranges and stands in sets and routes by itself. */
bool policy_odd_ipv6(const struct device *d);

/* Does any enabled policy of the network pick this device by tag, id or kind? */
int policy_knows_device(const struct fleet_network *fn, const struct device *d);

/* Does the selector name a node or member by id? And this one? */
int policy_names_node(const char *selector);
int policy_names_member(const char *selector, const struct member *m);

/* Push the network's pools. */
void policy_pools(const struct network *n, struct prefix_vec *ret);
/* The range devices have, as prefixes; one of IPv4 with its IPv6 twins. */
void policy_device_range(const struct network *n, struct prefix_vec *ret);

/* Addresses that are this member itself: its own and, on a gateway, the shared one. */
void policy_self(const struct fleet_network *fn, const struct member *m, struct prefix_vec *ret);

/* A list as its set: name and fixed prefixes. */
struct policy_list {
	char name[SET_NAME_LEN];
	struct prefix_vec fixed;
};
void policy_list_init(
	const struct fleet_network *fn, const struct strs *selectors, struct policy_list *ret);
void policy_list_done(struct policy_list *l);

/* An enabled rule, compiled for any node of its network. */
struct policy_rule {
	const struct rule *rule; /* borrowed */
	struct policy_list from, to;
	struct policy_list named; /* to, without "nodes" */
	struct policy_list peers; /* the nodes in from */
	bool has_peers;
};
VEC_TYPE(policy_rule_vec, struct policy_rule);
/* All enabled rules, in order. */
void policy_rules(const struct fleet_network *fn, struct policy_rule_vec *ret);
void policy_rules_done(struct policy_rule_vec *rules);
/* Do they make the same sets? For rules whose protocols and ports are the same. */
bool policy_rules_equal(const struct policy_rule_vec *a, const struct policy_rule_vec *b);

/* Fill the firewall's rules and set names, and push an ITEM_SET for each fixed prefix. */
void policy_compile(const struct fleet_network *fn, const struct policy_rule_vec *rules,
	const struct member *m, struct firewall_item *fw, struct item_vec *ret_sets);

/* The set of the addresses a node has itself. */
#define POLICY_SELF_SET "self"
/* Make sure the list's set is in the firewall. */
void policy_use_list(const struct fleet_network *fn, struct firewall_item *fw,
	const struct policy_list *list, struct item_vec *ret_sets);

/* Push the set members a device brings to every node of its network. rules may be NULL: then the
 * lists that pick the device, and only they, are compiled here. */
void policy_device_sets(const struct fleet_network *fn, const struct policy_rule_vec *rules,
	const struct device *d, struct item_vec *ret);

/* The IPv6 twin of an IPv4 prefix of the network: its ULA with the IPv4 bits at the end. */
struct prefix policy_twin(const struct network *n, struct prefix v4);
struct addr policy_twin_addr(const struct network *n, struct addr v4);
/* What the device side of every gateway has: none, one, or an IPv4 address and its twin. How many.
 */
size_t policy_gateway_addrs(const struct network *n, struct addr ret[static 2]);

#endif
