/*
 * DOC: where traffic of a network begins and ends: nodes, devices, and places behind or outside
 * (local subnets, prefixes that rules name). Each end has a row of bits for a list of compiled
 * rules; ends no rule tells apart have the same rows. Private to the plan room.
 */
#ifndef WARREN_PLAN_ENDS_H
#define WARREN_PLAN_ENDS_H

#include "plan/access.h"
#include "plan/policy.h"

enum end_kind { END_NODE, END_CLIENT, END_SITE, END_CONNECTION, END_PLACE };
extern const char *const end_kind_words[];

struct end {
	enum end_kind kind;
	const struct member *member; /* or */
	const struct device *device; /* or */
	struct prefix place;
	bool gateway; /* lets in to itself what compile_input does */
};
VEC_TYPE(end_vec, struct end);

/* A column is a rule in one family: 2 * rule, and 1 more for IPv6. */
struct end_row {
	size_t words;
	uint64_t *bits; /* from, to, named, peers: one after the other */
};
enum { ROW_FROM, ROW_TO, ROW_NAMED, ROW_PEERS, ROW_COUNT };

/* All ends: members, enabled devices, local subnets, prefixes outside the pools that rules name. */
void ends_list(const struct fleet *f, const struct fleet_network *fn,
	const struct policy_rule_vec *rules, struct end_vec *ret);
/* "" for a node that is not in the fleet. */
const char *end_name(
	const struct fleet *f, const struct end *end, char text[static PREFIX_TEXT_LEN]);

void end_row_init(struct end_row *row, const struct fleet_network *fn,
	const struct policy_rule_vec *rules, const struct end *end);
void end_row_done(struct end_row *row);

/* May any rule from `first` to before `last` (by place in rules) carry something? */
bool end_rows_meet(const struct end_row *from, const struct end_row *to, size_t first, size_t last);
/* What those rules carry, added to ret: what plan_policy_allows would say. */
void end_rows_access(const struct policy_rule_vec *rules, const struct end_row *from,
	const struct end *to_end, const struct end_row *to, size_t first, size_t last,
	struct access *ret);
/* What needs no rule: a gateway's resolver. */
void end_builtin_access(const struct fleet_network *fn, const struct end *from,
	const struct end *to, struct access *ret);

#endif
