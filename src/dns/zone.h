/*
 * DOC: what a node knows of a network's domain, and who may learn it. Made from desired state as a
 * whole (10,000 names take milliseconds) and never changed: a newer one takes its place.
 *
 * Two owners may claim one name for a moment (labels are made unique by the control plane, but a
 * node may join under a client's name): nodes come before devices, then the lower id has it.
 */
#ifndef WARREN_DNS_ZONE_H
#define WARREN_DNS_ZONE_H

#include "model/state.h"

#include <stdbool.h>

struct dns_zone;

/* The network's zone, or NULL when the items do not ask this node to answer for it. items may be in
 * any order and stay the caller's. serial: of the SOA record; grows with changes. */
struct dns_zone *dns_zone_new(const struct item_vec *items, const char *network, uint32_t serial);
/* The same in steps: begin, add the network's items one by one (other kinds are passed over), end.
 * dns_zone_end takes the zone, and gives it or NULL. */
struct dns_zone *dns_zone_begin(const char *network, uint32_t serial);
void dns_zone_add(struct dns_zone *z, const struct item *i);
struct dns_zone *dns_zone_end(struct dns_zone *z);
struct dns_zone *dns_zone_free(struct dns_zone *z);

const char *dns_zone_network(const struct dns_zone *z);
const char *dns_zone_domain(const struct dns_zone *z); /* lower-case, no dot at the end */
uint32_t dns_zone_serial(const struct dns_zone *z);
const struct prefix_vec *dns_zone_listen(const struct dns_zone *z);
const struct prefix_vec *dns_zone_pools(const struct dns_zone *z); /* of the overlay */
const struct strs *dns_zone_upstreams(const struct dns_zone *z);
const struct strs *dns_zone_interfaces(const struct dns_zone *z);

/* Who has the label, or has the address; NULL when nobody does. */
const struct name_item *dns_zone_find(const struct dns_zone *z, const char *label);
const struct name_item *dns_zone_at(const struct dns_zone *z, struct addr a);
/* This node's own name, or NULL. */
const struct name_item *dns_zone_self(const struct dns_zone *z);

/* Is it an address of the overlay? Nobody else is answered. */
bool dns_zone_is_inside(const struct dns_zone *z, struct addr a);
/* Is it one this node answers on? */
bool dns_zone_is_own(const struct dns_zone *z, struct addr a);
/* Does a rule of the network let asker reach the owner of the name? */
bool dns_zone_may_learn(const struct dns_zone *z, struct addr asker, const struct name_item *name);

#endif
