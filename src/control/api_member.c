/*
 * DOC: memberships: a node in a network. They come with the node (register.h) and go with it; here
 * a node enters one network more, or leaves one and stays in the others. What a node may be in a
 * network its join token has said (T-3): no call gives it more.
 */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "control/membership.h"
#include "control/reachable.h"
#include "control/world.h"
#include "model/validate.h"

/* --- one network more ------------------------------------------------------------------------- */

static const char *const create_fields[] = {"node", "network", "roles", NULL};

struct entering {
	char *node, *network; /* as the call names them */
	struct member member; /* its roles, 0 = all that were granted */
};

static void entering_free(void *data)
{
	struct entering *n = data;

	mem_free(n->node);
	mem_free(n->network);
	schema_done(&schema_member, &n->member);
	mem_free(n);
}

static int check_roles(const struct node *n, unsigned roles, struct err *e)
{
	unsigned beyond = roles & ~(n->granted_roles | ROLE_PEER);

	for (unsigned i = 0; role_words[i] != NULL; i++)
		if (beyond & 1u << i)
			return err_field(e, ERR_DENIED, "roles",
				"the join token of node %s did not grant the role %s: only a "
				"machine that joins anew gets another",
				n->name, role_words[i]);
	return 0;
}

/* Both must be the caller's to change as a whole: the node, and the network it comes into. */
static int check_reach(struct tx *tx, const struct call *c, const struct schema *s,
	const void *object, const char *field, struct err *e)
{
	int r = rights_reach(
		tx, &c->who.rights, c->route->permission, c->who.id, s, object, true, e);

	return r == 0   ? err_field(e, ERR_DENIED, field,
				  "this %s lies outside of what you may change", s->name)
		: r < 0 ? r
			: 0;
}

/* The network must be of the node's project, also where a system-admin names both by id. */
static int resolve(struct tx *tx, struct call *c, const struct entering *in, struct node *node,
	struct network *network, struct err *e)
{
	int r = api_resolve(tx, c, &schema_node, in->node, "node", node, e);

	if (r == 0)
		id_copy(c->project, node->project);
	if (r == 0)
		r = api_resolve(tx, c, &schema_network, in->network, "network", network, e);
	if (r == 0)
		r = check_reach(tx, c, &schema_node, node, "node", e);
	return r < 0 ? r : check_reach(tx, c, &schema_network, network, "network", e);
}

static int refuse_twice(
	struct tx *tx, const struct node *node, const struct network *network, struct err *e)
{
	struct member m = {0};
	int r = tx_find(tx, &schema_member, &m, e, "node", node->id, "network", network->id, NULL);

	schema_done(&schema_member, &m);
	if (r == ERR_NOT_FOUND)
		return 0;
	return r < 0 ? r
		     : err_field(e, ERR_EXISTS, "network", "node %s is in network %s already",
			       node->name, network->name);
}

static int insert_member(struct tx *tx, struct call *c, struct err *e)
{
	struct entering *in = c->data;
	struct node node = {0};
	struct network network = {0};
	struct member m = {0};
	struct joining j = {.tx = tx,
		.keys = &c->control->keys,
		.labels = c->control->labels,
		.node = &node,
		.name_field = "node",
		.actor = c->who.id};
	int r = resolve(tx, c, in, &node, &network, e);

	if (r == 0)
		r = refuse_twice(tx, &node, &network, e);
	if (r == 0)
		r = check_roles(&node, in->member.roles, e);
	j.roles = in->member.roles != 0 ? in->member.roles : node.granted_roles;
	if (r == 0)
		r = joining_begin(&j, e);
	if (r == 0)
		r = joining_network(&j, &network, NULL, &m, e);
	if (r == 0)
		api_put(c, &schema_member, &m);
	joining_done(&j);
	schema_done(&schema_node, &node);
	schema_done(&schema_network, &network);
	schema_done(&schema_member, &m);
	return r;
}

/* A name or an id, which must be there. */
static int read_ref(struct call *c, const char *field, char **ret)
{
	const char *text = json_str(c->body, field);

	if (text == NULL || text[0] == '\0')
		return err_field(
			&c->err, ERR_INVALID, field, "%s is needed: a name or an id", field);
	*ret = mem_strdup(text);
	return 0;
}

static int read_entering(struct call *c, struct entering *in)
{
	const struct json *roles = json_get(c->body, "roles");
	int r = object_read(
		c->body, &schema_member, FIELD_SET, create_fields, &in->member, &c->err);

	if (r == 0)
		r = read_ref(c, "node", &in->node);
	if (r == 0)
		r = read_ref(c, "network", &in->network);
	if (r == 0 && roles != NULL)
		r = field_read(roles, schema_field(&schema_member, "roles"), &in->member, &c->err);
	if (r == 0 && roles != NULL && in->member.roles == 0)
		r = err_field(&c->err, ERR_INVALID, "roles",
			"a member has at least one role: leave them out for all that were granted");
	return r;
}

void api_member_create(struct call *c)
{
	struct entering *in = NEW(struct entering);

	c->data = in;
	c->free_data = entering_free;
	c->status = 201;
	if (read_entering(c, in) < 0)
		api_fail(c);
	else
		api_write(c, insert_member, NULL);
}

/* --- edits ------------------------------------------------------------------------------------ */

int api_keep_reach(struct tx *tx, struct call *c, const char *project, const struct schema *s,
	const void *before, const void *after, struct err *e)
{
	if (api_flag(c, "force"))
		return 0;
	return reachable_check(tx, c->control->hub, project, s, before, after, e);
}

/* A system-admin who names subnets grants them to the project by that: nobody else could refuse. */
static int grant_subnets(struct tx *tx, struct call *c, const struct member *m, struct err *e)
{
	struct project before = {0}, after = {0};
	int r = tx_get(tx, &schema_project, m->project, &before, e);
	if (r < 0)
		return r;
	schema_copy(&schema_project, &after, &before);
	VEC_FOREACH (p, &m->local_subnets)
		if (!prefix_vec_covers(&before.granted_ranges, *p))
			VEC_PUSH(&after.granted_ranges, *p);
	if (after.granted_ranges.n > before.granted_ranges.n) {
		prefix_vec_aggregate(&after.granted_ranges);
		r = project_check(&after, &before, e);
		if (r == 0)
			r = change_store(tx, &schema_project, &before, &after, c->who.id,
				"project.grant", e);
	}
	schema_done(&schema_project, &before);
	schema_done(&schema_project, &after);
	return r;
}

static int update_member(struct tx *tx, struct call *c, struct err *e)
{
	struct member before = {0}, after = {0};
	int r = api_change(tx, c, &schema_member, NULL, &before, &after, e);
	if (r == 0)
		r = member_check(&after, e);
	if (r == 0 && c->who.project[0] == '\0')
		r = grant_subnets(tx, c, &after, e);
	if (r == 0)
		r = world_check(tx, after.project, &schema_member, &after, e);
	if (r == 0)
		r = api_keep_reach(tx, c, before.project, &schema_member, &before, &after, e);
	if (r == 0)
		r = change_store(
			tx, &schema_member, &before, &after, c->who.id, "member.update", e);
	if (r == 0)
		api_put(c, &schema_member, &after);
	schema_done(&schema_member, &before);
	schema_done(&schema_member, &after);
	return r;
}

void api_member_change(struct call *c)
{
	c->status = 200;
	api_write(c, update_member, NULL);
}

/* --- one network less ------------------------------------------------------------------------- */

static int delete_member(struct tx *tx, struct call *c, struct err *e)
{
	struct member m = {0};
	int r = api_get(tx, c, &schema_member, c->id, &m, e);

	if (r == 0)
		r = api_keep_reach(tx, c, m.project, &schema_member, &m, NULL, e);
	if (r == 0)
		r = membership_end(tx, &m, c->who.id, e);
	schema_done(&schema_member, &m);
	return r;
}

void api_member_delete(struct call *c)
{
	api_write(c, delete_member, api_deleted);
}
