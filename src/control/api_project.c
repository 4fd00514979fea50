/* DOC: projects: the tenants. Only a system-admin makes or changes them. */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "model/validate.h"

static void project_free(void *data)
{
	schema_free(&schema_project, data);
}

static int insert_project(struct tx *tx, struct call *c, struct err *e)
{
	struct project *p = c->data;
	p->created_at = tx_now(tx);
	int r = change_store(tx, &schema_project, NULL, p, c->who.id, "project.create", e);
	if (r == 0)
		api_put(c, &schema_project, p);
	return r;
}

void api_project_create(struct call *c)
{
	struct project *p = NEW(struct project);
	c->data = p;
	c->free_data = project_free;
	c->status = 201;
	id_make("prj", clock_wall(c->control->clock), p->id);
	if (object_read(c->body, &schema_project, FIELD_SET, NULL, p, &c->err) < 0 ||
		project_check(p, NULL, &c->err) < 0)
		api_fail(c);
	else
		api_write(c, insert_project, NULL);
}

static int update_project(struct tx *tx, struct call *c, struct err *e)
{
	struct project before = {0}, after = {0};
	int r = api_change(tx, c, &schema_project, NULL, &before, &after, e);
	if (r == 0)
		r = project_check(&after, &before, e);
	if (r == 0)
		r = change_store(
			tx, &schema_project, &before, &after, c->who.id, "project.update", e);
	if (r == 0)
		api_put(c, &schema_project, &after);
	schema_done(&schema_project, &before);
	schema_done(&schema_project, &after);
	return r;
}

void api_project_change(struct call *c)
{
	c->status = 200;
	api_write(c, update_project, NULL);
}

static int delete_project(struct tx *tx, struct call *c, struct err *e)
{
	static const struct schema *const holders[] = {
		&schema_network, &schema_node, &schema_user, &schema_token};
	struct project p = {0};
	int r = api_get(tx, c, &schema_project, c->id, &p, e);
	AUTOFREE char *what = mem_printf("project %s", r == 0 ? p.name : "");
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(holders); i++)
		r = api_refuse_holders(tx, holders[i], "project", p.id, what, e);
	if (r == 0)
		r = change_store(tx, &schema_project, &p, NULL, c->who.id, "project.delete", e);
	schema_done(&schema_project, &p);
	return r;
}

void api_project_delete(struct call *c)
{
	api_write(c, delete_project, api_deleted);
}
