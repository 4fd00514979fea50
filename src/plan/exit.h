/*
 * DOC: full tunnels: who lets them out and by which link. A gateway has one link to each exit, an
 * interface of its own that accepts everything; the exit has one interface for all gateways. What
 * full-tunnel devices send to the outside is marked by the set of their exit and leaves there and
 * nowhere else; replies find the gateway because it speaks with its own mesh address.
 *
 *	phone ══ warren0 [gateway: mark, own table, masquerade] warren0-xNN ══ warren0-x [exit] ──►
 *Internet
 *
 * Private to the plan room.
 */
#ifndef WARREN_PLAN_EXIT_H
#define WARREN_PLAN_EXIT_H

#include "plan/view.h"

#define EXITS_MAX 16 /* exits of one network that full tunnels may choose from */

/* An exit that can be used, and its number in names, ports and marks. */
struct exit_slot {
	const struct member *member;
	uint8_t slot;
};
struct exits {
	struct exit_slot v[EXITS_MAX];
	size_t n;
};
/* Take up a member if it is an exit. All of a network's, in order of their ids, so that every node
 * numbers them alike. */
void exits_add(struct exits *x, const struct member *m, bool usable);

/* The exit a device's full tunnel takes at that gateway: the one it names; else the gateway
 * itself, one of the gateway's region, any. NULL: none, and nothing of it may go outside. */
const struct exit_slot *exit_of_device(
	const struct exits *x, const struct member *gateway, const struct device *d);

/* The port of the link between member i and the exit, at i's end; 0 when there is none. An exit has
 * one for all gateways. */
uint16_t exit_link_port(const struct view *v, size_t i, const struct exit_slot *x);

/* Push what member i has for full tunnels (interfaces, peers, tables), and fill its firewall. */
void exit_shell(struct view *v, size_t i, struct firewall_item *fw, struct item_vec *ret);

/* Push the set members a full-tunnel device is on its gateway m. */
void exit_device(const struct exits *exits, const struct member *m, const struct device *d,
	struct item_vec *ret);

#endif
