/*
 * DOC: what may pass from one end to another, as a set of services: tcp and udp ports, ICMP, other
 * protocols. Rules add to it; two of them are compared to say what a change gives and takes.
 * Private to the plan room.
 */
#ifndef WARREN_PLAN_ACCESS_H
#define WARREN_PLAN_ACCESS_H

#include "model/objects.h"

#include <stdbool.h>

struct port_range {
	uint32_t first, last;
};
VEC_TYPE(port_ranges, struct port_range); /* sorted and apart, after access_settle */

struct access {
	struct port_ranges tcp, udp;
	bool icmp, other;
};

/* What the rule lets through. */
void access_add_rule(struct access *a, const struct rule *r);
void access_add_port(struct access *a, uint16_t port); /* tcp and udp */
/* Put ranges in order; before any of the questions below. */
void access_settle(struct access *a);
void access_done(struct access *a);

bool access_equal(const struct access *a, const struct access *b);
/* Is there anything in a that is not in b? */
bool access_exceeds(const struct access *a, const struct access *b);
/* protocol: "tcp", "udp", "icmp", or "any" for other protocols; port 0 = some port. */
bool access_has(const struct access *a, const char *protocol, uint16_t port);
/* Words for people: "any", "tcp 80, 443-445", "icmp". */
void access_words(const struct access *a, struct strs *ret);

#endif
