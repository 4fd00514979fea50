/* DOC: which nodes a change can touch; see plan.h. */
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
 * tag or id in a policy) or by address (more than one group shares the pool, or it is not at home).
 */
static int device_is_local(const struct fleet *f, const struct device *d)
{
	const struct fleet_network *fn = fleet_network(f, d->network);

	return fn != NULL && fn->groups.n <= 1 && d->at[0] == '\0' && !policy_knows_device(fn, d);
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
