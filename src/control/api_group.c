/* DOC: gateway groups. The identity key is made here and sealed; only its public half is shown. A
 * new one is for when the old one may be known to others: every configuration that was handed out
 * names the old one and is stale from then on. */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "control/secrets.h"
#include "control/world.h"
#include "crypto/key.h"
#include "model/validate.h"

#include <string.h>

static void group_free(void *data)
{
	schema_free(&schema_group, data);
}

static const char *const also[] = {"network", NULL};

struct ports {
	uint16_t want;
	bool taken;
};

static int see_port(void *arg, const void *object)
{
	struct ports *p = arg;
	p->taken = p->taken || ((const struct group *)object)->listen_port == p->want;
	return 0;
}

/* Members of two groups of a network may be the same machine: no two groups share a port. */
static int free_port(struct tx *tx, const struct network *n, uint16_t *ret, struct err *e)
{
	struct tx_query q = {.filters = {{"network", n->id}}};
	struct ports p = {.want = n->listen_port};
	for (unsigned tries = 0; tries < 256; tries++, p.want++) {
		p.taken = p.want == 0;
		int r = tx_list(tx, &schema_group, &q, see_port, &p, NULL, NULL, e);
		if (r < 0)
			return r;
		if (!p.taken) {
			*ret = p.want;
			return 0;
		}
	}
	return err_field(e, ERR_EXHAUSTED, "listen_port", "give a port: none near %u is free",
		n->listen_port);
}

/* A new identity; what the old one was sealed to goes with it. */
static int make_key(struct tx *tx, struct call *c, struct group *g, struct err *e)
{
	CLEANUP(secret_wipe) struct secret key = {0};
	int r;

	key_generate(&key);
	key_public(&key, &g->public_key);
	r = tx_secret_delete(tx, g->id, e);
	return r < 0 ? r : secrets_put(tx, &c->control->keys, g->id, SECRET_GROUP_KEY, &key, e);
}

static int insert_group(struct tx *tx, struct call *c, struct err *e)
{
	struct group *g = c->data;
	struct network n = {0};
	int r = api_network(tx, c, json_str(c->body, "network"), &n, e);
	if (r < 0)
		return r;
	id_copy(g->project, n.project);
	id_copy(g->network, n.id);
	if (g->listen_port == 0)
		r = free_port(tx, &n, &g->listen_port, e);
	g->created_at = tx_now(tx);
	if (r == 0)
		r = make_key(tx, c, g, e);
	if (r == 0)
		r = group_check(g, NULL, e);
	if (r == 0)
		r = change_store(tx, &schema_group, NULL, g, c->who.id, "group.create", e);
	if (r == 0)
		api_put(c, &schema_group, g);
	schema_done(&schema_network, &n);
	return r;
}

void api_group_create(struct call *c)
{
	struct group *g = NEW(struct group);
	c->data = g;
	c->free_data = group_free;
	c->status = 201;
	id_make("grp", clock_wall(c->control->clock), g->id);
	if (object_read(c->body, &schema_group, FIELD_SET, also, g, &c->err) < 0)
		api_fail(c);
	else
		api_write(c, insert_group, NULL);
}

static int update_group(struct tx *tx, struct call *c, struct err *e)
{
	struct group before = {0}, after = {0};
	int r = api_change(tx, c, &schema_group, NULL, &before, &after, e);
	if (r == 0)
		r = group_check(&after, &before, e);
	if (r == 0 && after.listen_port != before.listen_port)
		r = world_check(tx, after.project, &schema_group, &after, e);
	if (r == 0)
		r = change_store(tx, &schema_group, &before, &after, c->who.id, "group.update", e);
	if (r == 0)
		api_put(c, &schema_group, &after);
	schema_done(&schema_group, &before);
	schema_done(&schema_group, &after);
	return r;
}

void api_group_change(struct call *c)
{
	c->status = 200;
	api_write(c, update_group, NULL);
}

static int rotate_group(struct tx *tx, struct call *c, struct err *e)
{
	struct group before = {0}, after = {0};
	int r = api_get(tx, c, &schema_group, c->id, &before, e);
	if (r == 0) {
		schema_copy(&schema_group, &after, &before);
		r = make_key(tx, c, &after, e);
	}
	if (r == 0)
		r = change_store(tx, &schema_group, &before, &after, c->who.id, "group.rotate", e);
	if (r == 0)
		api_put(c, &schema_group, &after);
	schema_done(&schema_group, &before);
	schema_done(&schema_group, &after);
	return r;
}

void api_group_rotate(struct call *c)
{
	c->status = 200;
	api_write(c, rotate_group, NULL);
}

static int delete_group(struct tx *tx, struct call *c, struct err *e)
{
	struct group g = {0};
	int r = api_get(tx, c, &schema_group, c->id, &g, e);
	AUTOFREE char *what = mem_printf("group %s", r == 0 ? g.name : "");
	if (r == 0)
		r = api_refuse_holders(tx, &schema_device, "group", g.id, what, e);
	if (r == 0)
		r = api_refuse_holders(tx, &schema_member, "group", g.id, what, e);
	if (r == 0)
		r = change_store(tx, &schema_group, &g, NULL, c->who.id, "group.delete", e);
	if (r == 0)
		r = tx_secret_delete(tx, g.id, e);
	schema_done(&schema_group, &g);
	return r;
}

void api_group_delete(struct call *c)
{
	api_write(c, delete_group, api_deleted);
}
