/*
 * DOC: what a node's own word is worth on where its members are (decisions/0032). Pure.
 *
 *	seen by a controller or gateway     counts most: it works
 *	its own address, unless private     next; also a private one that its calls come from
 *	where its calls come from           else, at a port that has to be guessed
 *	its own private address             behind a NAT, beside the others: for who calls from
 *there
 */
#ifndef WARREN_CONTROL_WHEREABOUTS_H
#define WARREN_CONTROL_WHEREABOUTS_H

#include "model/objects.h"

#define WHEREABOUTS_TEXT 280 /* "host:port" of a heartbeat */

/* Where a member is, as stored of it. */
struct whereabouts {
	char observed[WHEREABOUTS_TEXT], near[WHEREABOUTS_TEXT]; /* "" = none */
	struct prefix from;                                      /* unset = unknown */
};

/* What is known of a member, and what a call of its node says. Borrows. */
struct witness {
	const struct network *network;
	const char *seen;            /* where observers see it; NULL = none does */
	const char *const *reported; /* "host:port" of its direct interface, NULL-terminated */
	struct addr called;          /* where the call came from; unset = of no use */
	uint16_t port;               /* of its direct interface */
};

/* What is stored of it now. */
void whereabouts_of(const struct member *m, struct whereabouts *ret);
/* What is to be stored by this; equal where nothing is new. */
void whereabouts_tell(const struct member *m, const struct witness *w, struct whereabouts *ret);
/* The same by an endpoint that the node asks for: a private one never replaces another that is
 * not. */
void whereabouts_ask(const struct member *m, const char *endpoint, struct whereabouts *ret);

bool whereabouts_equal(const struct whereabouts *a, const struct whereabouts *b);
void whereabouts_put(struct member *m, const struct whereabouts *w);

/* Where who calls from this address is: who else calls from there may be in the same LAN. An IPv6
 * one changes by the day, its /64 stays. */
struct prefix whereabouts_from(struct addr called);

#endif
