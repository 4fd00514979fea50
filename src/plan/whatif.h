/*
 * DOC: what if: who would reach what after a change of a network's policies, compared with now; and
 * what one end may reach at another. Pure, like plans. Ends that no rule tells apart are counted
 * together, so ten thousand phones are one line.
 */
#ifndef WARREN_PLAN_WHATIF_H
#define WARREN_PLAN_WHATIF_H

#include "model/fleet.h"

#include <stdbool.h>

#define WHATIF_NAMES 5     /* of each side of a change */
#define WHATIF_CHANGES 200 /* listed; all are counted */
#define WHATIF_CLASSES 1000
#define WHATIF_WORK 20000000 /* ends times rules */

struct whatif_side {
	const char *kind; /* "node", "client", "site", "connection", "place" */
	uint64_t count;
	struct strs names; /* the first few */
};
struct whatif_change {
	struct whatif_side from, to;
	struct strs before, after; /* services: "any", "tcp 443", "icmp" */
	bool gains, loses;
	size_t to_class; /* the module's own */
};
struct whatif {
	VEC(struct whatif_change) changes;
	uint64_t gained, lost; /* pairs of ends */
	bool complete;         /* false: there were more kinds of ends, or changes, than are here */
};

/* The network's policy `before` (an id; NULL: none, a new one) becomes `after` (NULL: goes away).
 * ERR_NOT_FOUND without that network or policy, ERR_EXHAUSTED beyond WHATIF_WORK. */
int whatif_policy(const struct fleet *f, const char *network, const char *before,
	const struct policy *after, struct whatif *ret, struct err *e);
void whatif_done(struct whatif *w);

/* One end seen from another. Each is an address, a prefix, or a node's or device's id or name. */
struct whatif_answer {
	struct strs services;
	bool allowed;         /* protocol and port, or anything at all when protocol is NULL */
	struct strs policies; /* names of those that let something through */
};
int whatif_reach(const struct fleet *f, const char *network, const char *from, const char *to,
	const char *protocol, uint16_t port, struct whatif_answer *ret, struct err *e);
void whatif_answer_done(struct whatif_answer *a);

#endif
