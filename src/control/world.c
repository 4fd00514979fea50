/* DOC: see world.h. */
#include "control/world.h"

#include "base/mem.h"
#include "control/change.h"
#include "model/fleet.h"
#include "model/validate.h"
#include "plan/plan.h"

#include <string.h>

struct loading {
	struct fleet *fleet;
	const struct schema *schema;
};

static int take(void *arg, const void *object)
{
	struct loading *l = arg;
	fleet_put(l->fleet, l->schema, schema_dup(l->schema, object));
	return 0;
}

static int load(struct tx *tx, const char *project, struct fleet *f, struct err *e)
{
	static const struct schema *const parts[] = {
		&schema_network, &schema_node, &schema_group, &schema_member};
	struct project p = {0};
	int r = tx_get(tx, &schema_project, project, &p, e);
	if (r < 0)
		return r;
	fleet_put(f, &schema_project, schema_dup(&schema_project, &p));
	schema_done(&schema_project, &p);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(parts); i++) {
		struct loading l = {f, parts[i]};
		struct tx_query q = {.filters = {{"project", project}}};
		r = tx_list(tx, parts[i], &q, take, &l, NULL, NULL, e);
	}
	return r;
}

int world_load(struct tx *tx, const char *project, struct fleet **ret, struct err *e)
{
	*ret = fleet_new();
	return load(tx, project, *ret, e);
}

int world_check_ports(struct fleet *f, const char *network, struct err *e)
{
	MAP_FOREACH (slot, &f->members) {
		struct member *m = slot->value;

		if (public_key_is_zero(&m->public_key))
			m->public_key.bytes[0] = 1;
	}
	return plan_check_ports(f, network, e);
}

static int check_member(struct fleet *f, const struct member *m, struct err *e)
{
	int r = fleet_check_member(f, m, e);

	if (r < 0)
		return r;
	fleet_put(f, &schema_member, schema_dup(&schema_member, m));
	return world_check_ports(f, m->network, e);
}

/* A group as it would become: all its members' machines. */
static int check_group(struct fleet *f, const struct group *g, struct err *e)
{
	int r = 0;

	fleet_put(f, &schema_group, schema_dup(&schema_group, g));
	MAP_FOREACH (slot, &f->members) {
		const struct member *m = slot->value;

		if (r == 0 && strcmp(m->group, g->id) == 0)
			r = fleet_check_member(f, m, e);
	}
	return r < 0 ? r : world_check_ports(f, g->network, e);
}

/* With the object in the fleet; a clash that was there before is not its doing. */
static int check_new_clashes(struct fleet *f, const struct schema *s, const void *object,
	const struct id_vec *networks, struct err *e)
{
	CLEANUP(id_vec_done) struct id_vec clear = {0};
	int r = 0;

	VEC_FOREACH (network, networks)
		if (world_check_ports(f, network->id, NULL) == 0)
			id_vec_add(&clear, network->id);
	fleet_put(f, s, schema_dup(s, object));
	VEC_FOREACH (network, &clear)
		if (r == 0)
			r = world_check_ports(f, network->id, e);
	return r;
}

static int check_network(struct fleet *f, const struct network *n, struct err *e)
{
	CLEANUP(id_vec_done) struct id_vec one = {0};
	int r = fleet_check_network(f, n, e);

	id_vec_add(&one, n->id);
	return r < 0 ? r : check_new_clashes(f, &schema_network, n, &one, e);
}

/* An exit that comes back has links to all gateways of its networks. */
static int check_node(struct fleet *f, const struct node *n, struct err *e)
{
	CLEANUP(id_vec_done) struct id_vec networks = {0};

	VEC_FOREACH (m, fleet_memberships(f, n->id))
		id_vec_add(&networks, (*m)->network);
	return check_new_clashes(f, &schema_node, n, &networks, e);
}

int world_check(struct tx *tx, const char *project, const struct schema *s, const void *object,
	struct err *e)
{
	struct fleet *f;
	int r = world_load(tx, project, &f, e);
	if (r == 0)
		r = s == &schema_network     ? check_network(f, object, e)
			: s == &schema_group ? check_group(f, object, e)
			: s == &schema_node  ? check_node(f, object, e)
					     : check_member(f, object, e);
	fleet_free(f);
	return r;
}

int world_mesh_fits(
	struct tx *tx, const struct network *n, uint64_t more, const char *field, struct err *e)
{
	const struct tx_filter members[6] = {{"network", n->id}};
	uint64_t has = 0;
	int r = n->topology == TOPOLOGY_MESH ? tx_count(tx, &schema_member, members, &has, e) : 0;
	if (r == 0 && has + more > PLAN_MESH_MAX)
		return err_field(e, ERR_EXHAUSTED, field,
			"network %s is full: a mesh holds at most %d nodes", n->name,
			PLAN_MESH_MAX);
	return r;
}
