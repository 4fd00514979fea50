/*
 * DOC: rules a single object must keep before it may be stored, beyond the types and limits its
 * schema states. Rules between objects (unique names, overlaps) are in fleet checks below.
 */
#ifndef WARREN_MODEL_VALIDATE_H
#define WARREN_MODEL_VALIDATE_H

#include "base/err.h"
#include "model/fleet.h"
#include "model/names.h"
#include "model/objects.h"

/* Fill what is unset from defaults: domain, ranges from the pool, port, keepalive. Ranges for a
 * pool of 2^k addresses: nodes take the first 100/256, then the gateways' address, then devices
 * (172.30.0.0/16: .0.1-.99.255, .100.1, .100.2-.255.254). */
int network_defaults(struct network *n, struct err *e);

/* One object by itself. was: as it is stored, NULL = it is new. Names, tags and regions that are
 * there already are not looked at anew: a rule that came later is for who changes them. */
int project_check(const struct project *p, const struct project *was, struct err *e);
/* The n-th default pool: 172.30/16, down to 172.16/16, 172.31/16, then 10.200/16 and up; false: no
 * more. */
bool network_pool_candidate(unsigned n, struct prefix *ret);
int network_check(const struct network *n, const struct network *was, struct err *e);
int node_check(const struct node *n, const struct node *was, struct err *e);
int member_check(const struct member *m, struct err *e);
int group_check(const struct group *g, const struct group *was, struct err *e);
int device_check(const struct device *d, const struct device *was, struct err *e);
int policy_check(const struct policy *p, const struct policy *was, struct err *e);
/* The name of an object; was NULL or not the same: name_check. */
int name_check_new(const char *name, const char *was, const char *field, struct err *e);
/* One row of region_ranges, "CIDR=REGION"; the region begins behind the only "=". */
int region_range_parse(const char *row, struct prefix *ret, struct err *e);
int user_check(const struct user *u, const struct user *was, struct err *e);
int token_check(const struct token *t, struct err *e);

/* Messages fixed by spec 1: "wireguard: config: ListenPort must be between 1 and 65535",
 * "wireguard: config: MTU must not be negative". */
int listen_port_check(int64_t port, const char *field, struct err *e);
int mtu_check(int64_t mtu, int ipv6, const char *field, struct err *e);

/* Rules between objects, on a fleet that holds one project's world (spec 0, invariants 1 and 3):
 * overlaps are refused with the holder's name. The object itself may already be in the fleet. */
int fleet_check_network(const struct fleet *f, const struct network *n, struct err *e);
int fleet_check_member(const struct fleet *f, const struct member *m, struct err *e);
int fleet_check_device(const struct fleet *f, const struct device *d, struct err *e);
int fleet_check_policy(const struct fleet *f, const struct policy *p, struct err *e);
/* Name of a network's interface: the imported one, else made from the name (ifname_make). */
void network_ifname(const struct network *n, const char *suffix, char ret[static IFNAME_LEN]);
/* Does this endpoint lie in the network's own pools? Packets to it would go in circles. */
bool network_holds_endpoint(const struct network *n, const char *endpoint);

#endif
