/*
 * DOC: a small network for the responder's tests, as a gateway's desired state has it.
 *
 *	town.example 172.30.0.0/16, fd00::/64; this node: gw 172.30.0.1 (and 172.30.100.1)
 *	node web 172.30.0.2; devices phone .100.2 (forwarded), laptop .100.3, printer .100.4
 *	rules: clients -> nodes, any; phone -> laptop
 */
#ifndef WARREN_TESTS_DNS_TOWN_H
#define WARREN_TESTS_DNS_TOWN_H

#include "dns/zone.h"

struct addr town_addr(const char *text);
/* Push an item; the caller frees the vector with item_vec_done. */
struct item *town_name(struct item_vec *v, const char *id, const char *name, const char *a4,
	const char *a6, bool forward);
struct item *town_set(struct item_vec *v, const char *set, const char *prefix);
void town_items(struct item_vec *ret);
struct dns_zone *town_zone(void);

/* A question; flags: as in the header. Returns its length. edns 0 = without. */
size_t town_ask(uint8_t *p, uint16_t id, const char *name, unsigned type, unsigned edns);

#endif
