/*
 * DOC: where devices come in: which gateway a client's configuration names, the endpoints that API
 * and panel offer, and the same as DNS records. "Near" is what the network's table says of the
 * address a call comes from; regions are labels and nothing here measures distance.
 */
#include "control/api_handlers.h"

#include "control/client.h"
#include "control/entry.h"
#include "control/world.h"
#include "render/zone_file.h"

#include <string.h>

/* --- a client's --------------------------------------------------------------------------------
 */

bool client_entry_in_body(const struct call *c)
{
	return json_get(c->body, "gateway") != NULL || json_get(c->body, "region") != NULL;
}

static int check_text(const struct json *body, const char *name, struct err *e)
{
	const struct json *v = json_get(body, name);

	return v == NULL || json_is_null(body, name) || json_str(body, name) != NULL
		? 0
		: err_field(e, ERR_INVALID, name, "%s is a text", name);
}

/* The group, its gateways and their nodes, as they are in this transaction. */
static int load_group(
	struct tx *tx, const struct network *n, const char *group, struct fleet *f, struct err *e)
{
	struct group g = {0};
	int r = tx_get(tx, &schema_group, group, &g, e);

	fleet_put(f, &schema_network, schema_dup(&schema_network, n));
	if (r == 0)
		fleet_put(f, &schema_group, schema_dup(&schema_group, &g));
	schema_done(&schema_group, &g);
	if (r == 0)
		r = world_read(tx, f, &schema_member, "group", group, e);
	MAP_FOREACH (slot, &f->members) {
		struct node node = {0};

		if (r == 0)
			r = tx_get(tx, &schema_node, ((const struct member *)slot->value)->node,
				&node, e);
		if (r == 0)
			fleet_put(f, &schema_node, schema_dup(&schema_node, &node));
		schema_done(&schema_node, &node);
	}
	return r;
}

static int choose(struct tx *tx, struct call *c, const struct network *n, const char *group,
	const struct entry_wish *w, id_text ret, struct err *e)
{
	struct fleet *f = fleet_new();
	struct entry_vec v = {0};
	const struct entry *chosen = NULL;
	int r = load_group(tx, n, group, f, e);

	if (r == 0) {
		const struct group *g = map_get(&f->groups, group);

		entries_of(f, g, c->control->hub, &v);
		r = entry_choose(&v, g, w, &chosen, e);
	}
	if (r == 0)
		id_copy(ret, chosen->node->id);
	VEC_DONE(&v);
	fleet_free(f);
	return r;
}

int client_entry(
	struct tx *tx, struct call *c, const struct network *n, struct device *d, struct err *e)
{
	struct entry_wish w = {json_str(c->body, "gateway"), json_str(c->body, "region"),
		entry_region_near(n, http_peer(c->rq))};
	int r = check_text(c->body, "gateway", e);

	if (r == 0)
		r = check_text(c->body, "region", e);
	if (r == 0)
		r = choose(tx, c, n, d->group, &w, d->entry, e);
	if (r == 0)
		d->config_entry[0] = '\0';
	return r;
}

int client_entry_once(struct tx *tx, struct call *c, struct err *e)
{
	struct client_job *job = c->data;
	struct entry_wish w = {http_query(c->rq, "gateway"), http_query(c->rq, "region"), NULL};
	struct network n = {0};
	int r;

	if (w.gateway == NULL && w.region == NULL)
		return 0;
	r = tx_get(tx, &schema_network, job->device.network, &n, e);
	if (r == 0)
		r = choose(tx, c, &n, job->device.group, &w, job->entry, e);
	schema_done(&schema_network, &n);
	return r;
}

void client_write_endpoints(
	struct call *c, const struct fleet *f, struct json_writer *w, const struct device *d)
{
	const struct fleet_network *fn = fleet_network(f, d->network);
	const struct group *g = map_get(&f->groups, d->group);
	struct entry_vec v = {0}, calm = {0};

	json_begin_array(w, "endpoints");
	if (fn != NULL && g != NULL) {
		entries_of(f, g, c->control->hub, &v);
		entries_of(f, g, NULL, &calm); /* a file does not change with who is online */
		entries_write(w, &v, entry_region_near(fn->network, http_peer(c->rq)),
			entry_best(&calm, d->entry, NULL), true);
	}
	json_end_array(w);
	VEC_DONE(&v);
	VEC_DONE(&calm);
}

/* --- a network's -------------------------------------------------------------------------------
 */

static void show_endpoints(const struct fleet *f, void *arg)
{
	struct call *c = arg;
	const struct fleet_network *fn = fleet_network(f, c->id);
	struct json_writer w = {.out = &c->out};

	json_begin_object(&w, NULL);
	json_begin_array(&w, "items");
	for (size_t i = 0; fn != NULL && i < fn->groups.n; i++) {
		struct entry_vec v = {0};

		entries_of(f, fn->groups.v[i], c->control->hub, &v);
		entries_write(
			&w, &v, entry_region_near(fn->network, http_peer(c->rq)), NULL, false);
		VEC_DONE(&v);
	}
	json_end_array(&w);
	json_end_object(&w);
	api_reply(c, 200);
}

void api_network_endpoints(struct call *c)
{
	api_see(c, &schema_network, show_endpoints);
}

/* --- as a zone ---------------------------------------------------------------------------------
 */

static int write_zone(struct call *c, const struct fleet *f, const struct group *g, struct err *e)
{
	const struct fleet_network *fn = fleet_network(f, g->network);
	struct entry_vec v = {0};
	VEC(struct zone_gateway) gateways = {0};
	struct zone_file z = {.group = g->name,
		.origin = http_query(c->rq, "origin"),
		.name_servers = http_query(c->rq, "ns"),
		.ttl = http_query(c->rq, "ttl"),
		.serial = (uint32_t)(clock_wall(c->control->clock) / 1000)};
	int r;

	if (z.origin == NULL)
		z.origin = fn->network->domain;
	entries_of(f, g, NULL, &v);
	VEC_FOREACH (x, &v)
		if (x->usable) {
			struct zone_gateway gateway = {
				x->node->name, x->member->region, x->endpoint};

			VEC_PUSH(&gateways, gateway);
		}
	z.gateways = gateways.v;
	z.n = gateways.n;
	r = render_zone_file(&z, &c->out, e);
	VEC_DONE(&gateways);
	VEC_DONE(&v);
	return r;
}

static void show_zone(const struct fleet *f, void *arg)
{
	struct call *c = arg;
	const struct group *g = map_get(&f->groups, c->id);
	int r = g == NULL ? err_set(&c->err, ERR_NOT_FOUND, "there is no group %s", c->id)
			  : write_zone(c, f, g, &c->err);

	if (r < 0) {
		api_fail(c);
		return;
	}
	api_header(c, "Content-Disposition", "attachment; filename=\"gateways.zone\"");
	c->type = "text/dns; charset=us-ascii";
	api_reply(c, 200);
}

void api_group_zone(struct call *c)
{
	api_see(c, &schema_group, show_zone);
}
