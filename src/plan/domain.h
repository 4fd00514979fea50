/*
 * DOC: the network's domain in plans: who answers for it and the names an answering node knows. A
 * gateway of a group knows every name, devices' too, and lets the network's members ask it; any
 * other node knows the nodes it is linked with. Private to the plan room.
 */
#ifndef WARREN_PLAN_DOMAIN_H
#define WARREN_PLAN_DOMAIN_H

#include "plan/policy.h"
#include "plan/view.h"

/* Push what makes member i answer, and its own name; nothing when the network does not serve. */
void domain_member(const struct view *v, size_t i, struct item_vec *ret);

/* Push the name of member i, as somebody who is linked with it knows it. */
void domain_name(const struct view *v, size_t i, struct item_vec *ret);

/* Push the name of an enabled device, as a gateway knows it. */
void domain_device(const struct fleet_network *fn, const struct device *d, struct item_vec *ret);

/* Let the network's members ask the gateway m: rules of the firewall, and the set they use. */
void domain_firewall(const struct fleet_network *fn, const struct member *m,
	struct firewall_item *fw, struct item_vec *ret_sets);

/* Is it a question to a gateway that answers? For plan_policy_allows. */
bool domain_allows(const struct fleet_network *fn, const struct member *gateway, struct addr src,
	const char *protocol, uint16_t port);

#endif
