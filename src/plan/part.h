/*
 * DOC: the parts a node's plan is the union of: for each membership its shell, its links and what
 * devices bring. Private to the plan room.
 */
#ifndef WARREN_PLAN_PART_H
#define WARREN_PLAN_PART_H

#include "plan/plan.h"
#include "plan/view.h"

enum part {
	PART_SHELL = 1,   /* interfaces, sysctls, firewall, its fixed sets */
	PART_LINKS = 2,   /* all peers on the direct interface, with their routes */
	PART_DEVICES = 4, /* the parts of all devices */
	PART_WHOLE = PART_SHELL | PART_LINKS | PART_DEVICES
};

/* Push those parts (enum part bits) of member i's plan. */
void part_member(struct view *v, size_t i, const struct plan_keys *keys, unsigned what,
	struct item_vec *ret);

/* plan_node with views at hand. */
int part_node(struct views *vs, const char *node, const struct plan_keys *keys, struct state *ret,
	struct err *e);

/* plan_device_part with views at hand. */
void part_device(
	struct views *vs, const char *node, const struct device *device, struct item_vec *ret);

#endif
