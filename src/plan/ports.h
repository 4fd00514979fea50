/*
 * DOC: all UDP ports a node may come to listen on. Those of model/ports.h follow from the member;
 * links to exits and ways to gateways add a port for each, which follow from who else is in the
 * network. Two networks of one machine must keep clear of each other. Private to the plan room but
 * for plan_check_ports (plan.h).
 */
#ifndef WARREN_PLAN_PORTS_H
#define WARREN_PLAN_PORTS_H

#include "plan/view.h"

struct port_use {
	uint16_t port;
	size_t membership; /* whose it is, among the node's */
};
VEC_TYPE(port_uses, struct port_use);

/* Push what member i of the view listens on, or would where policy lets it speak. */
void ports_of_member(struct view *v, size_t i, size_t membership, struct port_uses *ret);

#endif
