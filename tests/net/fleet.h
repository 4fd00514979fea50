/* DOC: one firewall that uses every feature, shared by the golden test and the live one. */
#ifndef WARREN_TESTS_NET_FLEET_H
#define WARREN_TESTS_NET_FLEET_H

#include "items.h"

#define NETWORK "net_01932f5c0d7e7aa08000000000000001"

static inline void fleet_firewall(struct firewall_item *f, struct item_vec *sets)
{
	strs_push(&f->interfaces, "warren0");
	strs_push(&f->interfaces, "warren0-m");
	strs_push(&f->interfaces, "warren0-r");
	strs_push(&f->hubs, "warren0-r");
	strs_push(&f->interfaces, "bad name\" }");
	strs_push(&f->sets, "nodes");
	strs_push(&f->sets, "tag:Ops; drop");
	strs_push(&f->sets, "fwd");
	items_rule(&f->input, "nodes", "", "tcp", "22");
	items_rule(&f->input, "", "", "icmp", "");
	items_rule(&f->forward, "nodes", "fwd", "any", "");
	items_rule(&f->forward, "tag:Ops; drop", "fwd", "udp", "8000-8999");
	strs_push(&f->forward.v[1].ports, "53");
	items_rule(&f->forward, "tag:Ops; drop", "undeclared", "tcp", "");
	/* what cannot be understood allows nothing */
	items_rule(&f->forward, "", "", "tcp", "22; accept");
	items_rule(&f->forward, "", "", "any", "22");
	items_rule(&f->forward, "", "", "gre", "");
	items_rule(&f->forward, "", "", "tcp", "90-80");
	VEC_PUSH(&f->overlay, items_prefix("172.30.0.0/16"));
	VEC_PUSH(&f->overlay, items_prefix("fd00:30::/64"));
	VEC_PUSH(&f->masquerade, items_prefix("192.0.2.0/24"));
	VEC_PUSH(&f->masquerade, items_prefix("::/0"));
	strs_push(&f->interfaces, "warren0-x1c");
	strs_push(&f->interfaces, "warren0-x");
	strs_push(&f->sets, "x_none");
	strs_push(&f->sets, "x_here");
	strs_push(&f->sets, "x_1c");
	items_exit(f, "x_none", 0, "");
	items_exit(f, "x_here", EXIT_MARK_HERE, "");
	items_exit(f, "x_1c", EXIT_MARK | 0x1c, "warren0-x1c");
	items_exit(f, "x_1c", EXIT_MARK | 0x1c, "bad name\" }");
	snprintf(f->exit_interface, IFNAME_LEN, "warren0-x");
	f->exit_mark = EXIT_MARK | 0xabcd;
	VEC_PUSH(&f->inside, items_prefix("172.30.0.0/16"));
	VEC_PUSH(&f->inside, items_prefix("fd00:30::/64"));
	VEC_PUSH(&f->inside, items_prefix("192.0.2.0/24"));
	items_set(sets, NETWORK, "x_1c", "172.30.100.9/32");
	items_set(sets, NETWORK, "x_1c", "fd00:30::6409/128");
	items_set(sets, NETWORK, "nodes", "172.30.0.2/32");
	items_set(sets, NETWORK, "nodes", "fd00:30::2/128");
	items_set(sets, NETWORK, "nodes", "172.30.0.1/32");
	items_set(sets, NETWORK, "fwd", "192.0.2.0/24");
	items_set(sets, NETWORK, "fwd", "192.0.2.7/32");
	items_set(sets, NETWORK, "tag:Ops; drop", "0.0.0.0/0");
	items_set(sets, NETWORK, "not used", "10.0.0.0/8");
	items_set(sets, "net_other", "nodes", "10.0.0.0/8");
	items_limit(sets, NETWORK, "cl_1", "172.30.100.2", "fd00:30::6402", 8000000);
	items_limit(sets, NETWORK, "cl_2", "172.30.100.3", NULL, 64000);
	items_limit(sets, "net_other", "cl_3", "172.30.100.4", NULL, 64000);
}

static inline struct item *fleet_item(struct item_vec *sets)
{
	struct item *i = item_new(ITEM_FIREWALL, NETWORK);

	fleet_firewall(&i->firewall, sets);
	return i;
}

#endif
