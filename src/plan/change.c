/* DOC: what one change costs: which nodes it can touch, and the delta on each; see plan.h. */
#include "plan/plan.h"
#include "plan/policy.h"

static void add_members(
	const struct fleet *f, const char *network, const char *group, struct id_vec *ret)
{
	const struct fleet_network *fn = fleet_network(f, network);

	if (fn == NULL)
		return;
	VEC_FOREACH (m, &fn->members)
		if (group == NULL || strcmp((*m)->group, group) == 0)
			id_vec_add(ret, (*m)->node);
}

/* A device shows up at its group's gateways only, unless nodes elsewhere must know it by name (a
 * tag or id in a policy) or by address (more than one group shares the pool). */
static int device_is_local(const struct fleet *f, const struct device *d)
{
	const struct fleet_network *fn = fleet_network(f, d->network);

	return fn != NULL && fn->groups.n <= 1 && !policy_knows_device(fn, d);
}

static void affected_by_device(const struct fleet *f, const struct device *d, struct id_vec *ret)
{
	if (d != NULL)
		add_members(f, d->network, device_is_local(f, d) ? d->group : NULL, ret);
}

static void affected_by_node(const struct fleet *f, const struct node *n, struct id_vec *ret)
{
	const struct member_refs *memberships = n ? fleet_memberships(f, n->id) : NULL;

	if (n != NULL)
		id_vec_add(ret, n->id);
	if (memberships != NULL)
		VEC_FOREACH (m, memberships)
			add_members(f, (*m)->network, NULL, ret);
}

static void affected_by_member(const struct fleet *f, const struct member *m, struct id_vec *ret)
{
	if (m == NULL)
		return;
	id_vec_add(ret, m->node);
	add_members(f, m->network, NULL, ret);
}

/* Network, group and policy: everyone in the network. */
static void affected_by_network_of(
	const struct fleet *f, const struct schema *s, const void *object, struct id_vec *ret)
{
	const struct field *id = schema_field(s, s == &schema_network ? "id" : "network");

	if (object != NULL && id != NULL)
		add_members(f, field_at(id, object), NULL, ret);
}

void plan_affected(const struct fleet *f, const struct fleet_change *c, struct id_vec *ret)
{
	const void *sides[] = {c->before, c->after};

	for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
		if (c->schema == &schema_device)
			affected_by_device(f, sides[i], ret);
		else if (c->schema == &schema_node)
			affected_by_node(f, sides[i], ret);
		else if (c->schema == &schema_member)
			affected_by_member(f, sides[i], ret);
		else if (c->schema == &schema_network || c->schema == &schema_group ||
			c->schema == &schema_policy)
			affected_by_network_of(f, c->schema, sides[i], ret);
	}
}

struct plan_change {
	const struct plan_keys *keys;
	const struct device *after; /* by_part only; borrowed until the end */
	int by_part;
	struct map before; /* node -> struct state * */
};

static struct state *plan_or_nothing(
	const struct fleet *f, const char *node, const struct plan_keys *keys)
{
	struct state *s = NEW(struct state);

	if (plan_node(f, node, keys, s, NULL) < 0)
		state_done(s); /* unknown before or after the change: nothing */
	return s;
}

static struct state *device_part(const struct fleet *f, const char *node, const struct device *d)
{
	struct state *s = NEW(struct state);

	if (d != NULL)
		plan_device_part(f, node, d, &s->items);
	state_sort(s);
	return s;
}

static void free_state(void *p)
{
	struct state *s = p;

	state_done(s);
	mem_free(s);
}

/* One part is enough when the device stays in its network and no plan but that part names it. */
static int changes_one_part(const struct fleet *f, const struct fleet_change *c)
{
	const struct device *before = c->before, *after = c->after;
	const struct device *either = before ? before : after;
	const struct fleet_network *fn;

	if (c->schema != &schema_device)
		return 0;
	if (before != NULL && after != NULL && strcmp(before->network, after->network) != 0)
		return 0;
	fn = fleet_network(f, either->network);
	return fn != NULL && fn->groups.n <= 1;
}

struct plan_change *plan_change_begin(const struct fleet *f, const struct fleet_change *c,
	const struct id_vec *nodes, const struct plan_keys *keys)
{
	struct plan_change *pc = NEW(struct plan_change);

	pc->keys = keys;
	pc->after = c->after;
	pc->by_part = changes_one_part(f, c);
	VEC_FOREACH (n, nodes)
		map_set(&pc->before, n->id,
			pc->by_part ? device_part(f, n->id, c->before)
				    : plan_or_nothing(f, n->id, keys));
	return pc;
}

void plan_change_end(
	struct plan_change *pc, const struct fleet *f, const char *node, struct delta *ret)
{
	const struct state *before = map_get(&pc->before, node);
	static const struct state nothing;
	struct state *after =
		pc->by_part ? device_part(f, node, pc->after) : plan_or_nothing(f, node, pc->keys);

	state_diff(before ? before : &nothing, after, ret);
	ret->previous = ret->revision = 0;
	free_state(after);
}

struct plan_change *plan_change_free(struct plan_change *pc)
{
	if (pc != NULL) {
		map_done(&pc->before, free_state);
		mem_free(pc);
	}
	return NULL;
}
