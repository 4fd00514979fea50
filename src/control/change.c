/*
 * DOC: see change.h. Which nodes a change touches is asked from the store inside the transaction,
 * before a row goes and after a row came, so a joining or leaving member is counted too. The set
 * may be larger than what the planner finds in the end (an empty delta), never smaller.
 */
#include "control/change.h"

#include "control/labels.h"
#include "control/world.h"
#include "model/fleet.h"
#include "model/schema.h"
#include "plan/plan.h"

#include <string.h>

static const char *id_field(const struct schema *s, const void *object, const char *name)
{
	const struct field *f = schema_field(s, name);
	return f ? (const char *)field_at(f, object) : "";
}

static void add_id(void *arg, const char *id)
{
	id_vec_add(arg, id);
}

/* Of the members whose column has that value, the nodes or the networks. */
static int add_of_members(struct tx *tx, const char *what, const char *column, const char *value,
	struct id_vec *ret, struct err *e)
{
	const struct tx_filter filters[6] = {{column, value}};

	return tx_column(tx, &schema_member, what, filters, add_id, ret, e);
}

static int add_members(
	struct tx *tx, const char *column, const char *value, struct id_vec *ret, struct err *e)
{
	return add_of_members(tx, "node", column, value, ret, e);
}

/* Does a device's change show beyond its group's gateways (a policy picks it by tag or id, another
 * group shares the pool)? The planner knows: it is asked about a fleet that has the network's
 * groups and policies, and one stand-in for all members outside the group. */
static int device_shows_everywhere(struct tx *tx, const struct device *d, struct err *e)
{
	static const struct schema *const kinds[] = {
		&schema_network, &schema_group, &schema_policy};
	struct fleet *f = fleet_new();
	struct member outsider = {.id = "mem_outside", .node = "node_outside"};
	struct fleet_change c = {.schema = &schema_device, .before = d, .after = d};
	CLEANUP(id_vec_done) struct id_vec nodes = {0};
	int r = 0;
	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(kinds); i++)
		r = world_read(tx, f, kinds[i], kinds[i] == &schema_network ? "id" : "network",
			d->network, e);
	id_copy(outsider.network, d->network);
	fleet_put(f, &schema_member, schema_dup(&schema_member, &outsider));
	plan_affected(f, &c, &nodes);
	fleet_free(f);
	return r < 0 ? r : id_vec_has(&nodes, "node_outside");
}

static int device_nodes(struct tx *tx, const struct device *d, struct id_vec *ret, struct err *e)
{
	int everywhere = device_shows_everywhere(tx, d, e);
	if (everywhere < 0)
		return everywhere;
	return everywhere ? add_members(tx, "network", d->network, ret, e)
			  : add_members(tx, "group", d->group, ret, e);
}

int change_nodes(struct tx *tx, const struct schema *s, const void *object, struct id_vec *ret,
	struct err *e)
{
	if (s == &schema_device)
		return device_nodes(tx, object, ret, e);
	if (s == &schema_network)
		return add_members(tx, "network", ((const struct network *)object)->id, ret, e);
	if (s == &schema_node) {
		CLEANUP(id_vec_done) struct id_vec networks = {0};
		int r = add_of_members(
			tx, "network", "node", ((const struct node *)object)->id, &networks, e);
		for (size_t i = 0; r == 0 && i < networks.n; i++)
			r = add_members(tx, "network", networks.v[i].id, ret, e);
		return r;
	}
	if (s == &schema_member)
		id_vec_add(ret, ((const struct member *)object)->node);
	const char *network = id_field(s, object, "network");
	return *network ? add_members(tx, "network", network, ret, e) : 0;
}

void id_vec_done(struct id_vec *v)
{
	VEC_DONE(v);
}

static void id_vec_drop(struct id_vec *v, const char *id)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->v[i].id, id) == 0) {
			VEC_REMOVE(v, i);
			return;
		}
}

/* Objects nobody's plan depends on leave no outbox row: tokens, users, sessions, links. */
static bool is_fleet(const struct schema *s)
{
	return s == &schema_project || s == &schema_network || s == &schema_node ||
		s == &schema_member || s == &schema_group || s == &schema_device ||
		s == &schema_policy;
}

static __thread change_guard_fn guard;
static __thread void *guard_arg;

void change_guard(change_guard_fn fn, void *arg)
{
	guard = fn;
	guard_arg = arg;
}

/* Which node holds which name in which network. */
static void note_names(
	const struct tx *tx, const struct schema *s, const void *before, const void *after)
{
	const struct node *was = before, *is = after;
	const char *named = NULL;
	bool renamed =
		s == &schema_node && was != NULL && is != NULL && strcmp(was->name, is->name) != 0;

	if (s != &schema_node && s != &schema_member)
		return;
	if (s == &schema_member && was == NULL)
		named = ((const struct member *)after)->node;
	else if (renamed)
		named = is->id;
	if (named != NULL || is == NULL)
		labels_changed(tx, named, renamed || is == NULL);
}

/* Object and outbox rows. */
static int store_rows(
	struct tx *tx, const struct schema *s, const void *before, const void *after, struct err *e)
{
	CLEANUP(id_vec_done) struct id_vec nodes = {0};
	const void *any = after ? after : before;
	const char *id = id_field(s, any, "id");
	int r = guard ? guard(tx, guard_arg, s, before, after, e) : 0;
	if (r == 0 && before && is_fleet(s))
		r = change_nodes(tx, s, before, &nodes, e);
	if (r == 0)
		r = before == NULL      ? tx_insert(tx, s, after, e)
			: after == NULL ? tx_delete(tx, s, id, e)
					: tx_update(tx, s, after, e);
	if (r == 0 && after && is_fleet(s))
		r = change_nodes(tx, s, after, &nodes, e);
	if (r < 0)
		return r;
	note_names(tx, s, before, after);
	if (s == &schema_node && after == NULL)
		id_vec_drop(&nodes, id); /* has no revision any more */
	const char *project = s == &schema_project ? id : id_field(s, any, "project");
	if (is_fleet(s))
		r = tx_outbox(tx, s, project,
			s == &schema_network ? id : id_field(s, any, "network"), before, after,
			&nodes, e);
	return r;
}

int change_store(struct tx *tx, const struct schema *s, const void *before, const void *after,
	const char *actor, const char *action, struct err *e)
{
	const void *any = after ? after : before;
	const char *id = id_field(s, any, "id");
	const char *project = s == &schema_project ? id : id_field(s, any, "project");
	const struct field *name = schema_field(s, "name");
	const char *detail = name ? *(char **)field_at(name, any) : NULL;
	int r = store_rows(tx, s, before, after, e);
	return r < 0 ? r : tx_audit(tx, project, actor, action, id, detail ? detail : "", e);
}

int change_observed(
	struct tx *tx, const struct schema *s, const void *before, const void *after, struct err *e)
{
	return store_rows(tx, s, before, after, e);
}
