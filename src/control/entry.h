/*
 * DOC: entries: the gateways of a group as places where a device comes in. Each configuration is
 * valid at all of them and names one; which one is decided when the device is made, or asked for
 * anew, and then stays: a file must not grow stale because a gateway is away for a minute.
 */
#ifndef WARREN_CONTROL_ENTRY_H
#define WARREN_CONTROL_ENTRY_H

#include "codec/json.h"
#include "control/hub.h"
#include "model/fleet.h"

#define ENTRY_TEXT 272 /* "[host]:port" */

struct entry {
	const struct member *member; /* the fleet's */
	const struct node *node;
	char endpoint[ENTRY_TEXT]; /* "" = nobody knows where it is */
	bool configured;           /* somebody said so; else it was observed */
	bool usable;               /* enabled, and has an endpoint */
	bool online;
};
VEC_TYPE(entry_vec, struct entry);

/* The group's gateways, sorted by age. h NULL: nobody asks whether they are there (no online). */
void entries_of(const struct fleet *f, const struct group *g, struct hub *h, struct entry_vec *ret);

/* Which one to name. What counts, first things first: it can be used; it is that node; it is
 * online; it is in that region (or in the node's, when the node cannot be used); its endpoint was
 * configured; it is the oldest. NULL: none can be used. node and region may be NULL or "". */
const struct entry *entry_best(const struct entry_vec *v, const char *node, const char *region);

/* What somebody asks for. */
struct entry_wish {
	const char *gateway; /* id or name of a node, or NULL */
	const char *region;  /* or NULL */
	const char *near;    /* region that counts when neither is given, or NULL */
};
/* ERR_NOT_FOUND and ERR_INVALID name gateway or region; ERR_UNSUPPORTED (group) when nothing at all
 * can be used, with the reason. */
int entry_choose(const struct entry_vec *v, const struct group *g, const struct entry_wish *w,
	const struct entry **ret, struct err *e);

/* The region that this address is near to by the network's table, or NULL. */
const char *entry_region_near(const struct network *n, const char *address);

/* Append the entries as items of the open array. nearest: what a new device would get from there;
 * chosen (NULL = no such word): the node that a configuration names. */
void entries_write(struct json_writer *w, const struct entry_vec *v, const char *near,
	const struct entry *chosen, bool with_chosen);

#endif
