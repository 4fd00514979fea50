/* DOC: see reach.h. */
#include "plan/reach.h"

#include "plan/policy.h"

#define BITS 64

enum sort { SORT_ALL, SORT_NODE, SORT_OTHER, SORT_PREFIX };

/* A selector, read. */
struct selector {
	enum sort sort;
	const char *text;
	struct prefix prefix;
};

/* One side of one rule. */
struct side {
	VEC(struct selector) selectors;
	size_t rule;
	bool is_to;
};
VEC_TYPE(side_vec, struct side);

static struct selector read_selector(const char *text)
{
	struct selector s = {.text = text};

	if (strcmp(text, "*") == 0 || strcmp(text, "nodes") == 0)
		s.sort = SORT_ALL;
	else if (prefix_parse(text, "selector", &s.prefix, NULL) == 0)
		s.sort = SORT_PREFIX;
	else
		s.sort = policy_names_node(text) ? SORT_NODE : SORT_OTHER;
	return s;
}

static void add_side(
	const struct strs *list, size_t rule, bool is_to, struct side_vec *ret, bool *ret_prefixes)
{
	struct side side = {.rule = rule, .is_to = is_to};

	VEC_FOREACH (text, list) {
		struct selector s = read_selector(*text);

		*ret_prefixes |= s.sort == SORT_PREFIX;
		VEC_PUSH(&side.selectors, s);
	}
	VEC_PUSH(ret, side);
}

static int overlaps_any(const struct prefix_vec *v, struct prefix p)
{
	VEC_FOREACH (q, v)
		if (prefix_overlaps(*q, p))
			return 1;
	return 0;
}

/* Could traffic the selector means begin or end at this member, or pass through it to what is
 * behind it (its local subnets; on a gateway, devices)? ground: all its prefixes. */
static int selector_means(
	const struct selector *s, const struct member *m, const struct prefix_vec *ground)
{
	switch (s->sort) {
	case SORT_ALL:
		return 1;
	case SORT_NODE:
		return policy_names_member(s->text, m);
	case SORT_OTHER: /* tags, kinds and ids of devices */
		return (m->roles & ROLE_GATEWAY) || policy_names_member(s->text, m);
	case SORT_PREFIX:
		return overlaps_any(ground, s->prefix);
	}
	return 0;
}

static int side_means(
	const struct side *side, const struct member *m, const struct prefix_vec *ground)
{
	VEC_FOREACH (s, &side->selectors)
		if (selector_means(s, m, ground))
			return 1;
	return 0;
}

static void add_ground(const struct fleet_network *fn, const struct member *m,
	const struct prefix_vec *devices, struct prefix_vec *ret)
{
	policy_self(fn, m, ret);
	VEC_FOREACH (p, &m->local_subnets)
		VEC_PUSH(ret, *p);
	if (m->roles & ROLE_GATEWAY)
		VEC_FOREACH (p, devices)
			VEC_PUSH(ret, *p);
}

static void fill(struct reach *r, const struct fleet_network *fn, const struct side_vec *sides,
	bool has_prefixes)
{
	struct prefix_vec devices = {0}, ground = {0};

	policy_device_range(fn->network, &devices);
	for (size_t i = 0; i < fn->members.n; i++) {
		const struct member *m = fn->members.v[i];

		ground.n = 0;
		if (has_prefixes)
			add_ground(fn, m, &devices, &ground);
		VEC_FOREACH (s, sides)
			if (side_means(s, m, &ground))
				(s->is_to ? r->to : r->from)[i * r->words + s->rule / BITS] |=
					UINT64_C(1) << s->rule % BITS;
	}
	VEC_DONE(&devices);
	VEC_DONE(&ground);
}

void reach_init(struct reach *r, const struct fleet_network *fn)
{
	struct side_vec sides = {0};
	bool has_prefixes = false;
	size_t rules = 0;

	VEC_FOREACH (p, &fn->policies) {
		if (!(*p)->enabled)
			continue;
		VEC_FOREACH (rule, &(*p)->rules) {
			add_side(&rule->from, rules, false, &sides, &has_prefixes);
			add_side(&rule->to, rules, true, &sides, &has_prefixes);
			rules++;
		}
	}
	r->words = (rules + BITS - 1) / BITS;
	r->from = mem_zalloc((fn->members.n * r->words + 1) * sizeof(*r->from));
	r->to = mem_zalloc((fn->members.n * r->words + 1) * sizeof(*r->to));
	fill(r, fn, &sides, has_prefixes);
	VEC_FOREACH (s, &sides)
		VEC_DONE(&s->selectors);
	VEC_DONE(&sides);
}

void reach_done(struct reach *r)
{
	mem_free(r->from);
	mem_free(r->to);
	*r = (struct reach){0};
}

int reach_linked(const struct reach *r, size_t a, size_t b)
{
	const uint64_t *from_a = r->from + a * r->words, *from_b = r->from + b * r->words;
	const uint64_t *to_a = r->to + a * r->words, *to_b = r->to + b * r->words;

	for (size_t w = 0; w < r->words; w++)
		if ((from_a[w] & to_b[w]) | (from_b[w] & to_a[w]))
			return 1;
	return 0;
}
