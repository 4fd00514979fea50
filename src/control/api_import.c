/*
 * DOC: POST /api/v1/import: a server's wg-quick file becomes a network with a gateway group that
 * has the file's key, and its clients, in one transaction. With dry_run all of it is done and
 * undone: the answer is the real one.
 */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "control/import.h"
#include "control/labels.h"
#include "control/membership.h"
#include "control/secrets.h"
#include "crypto/key.h"
#include "model/names.h"
#include "model/validate.h"

#include <string.h>

#define IMPORTED_IFNAME 11

static void import_free(void *data)
{
	import_done(data);
	mem_free(data);
}

/* Whose key this is, for the error. */
static int name_holder(struct tx *tx, const struct network *n, const struct public_key *key,
	const char *what, struct err *e)
{
	char text[KEY_TEXT_LEN];
	struct device d = {0};
	struct group g = {0};
	key_format_public(key, text);
	int r = tx_find(
		tx, &schema_device, &d, NULL, "project", n->project, "public_key", text, NULL);
	if (r == 0)
		r = err_field(e, ERR_EXISTS, "config", "%s: client \"%s\" has this key already",
			what, d.name);
	else
		r = tx_find(tx, &schema_group, &g, NULL, "project", n->project, "public_key", text,
			NULL);
	if (r == 0 && g.id[0]) {
		struct network holder = {0};
		tx_get(tx, &schema_network, g.network, &holder, NULL);
		r = err_field(e, ERR_EXISTS, "config",
			"%s: gateway group \"%s\" of network \"%s\" has this key already", what,
			g.name, holder.name ? holder.name : "?");
		schema_done(&schema_network, &holder);
	}
	schema_done(&schema_device, &d);
	schema_done(&schema_group, &g);
	return r == ERR_EXISTS ? r : 0;
}

static int store_group(
	struct tx *tx, struct call *c, const struct import *i, struct group *g, struct err *e)
{
	const struct network *n = &i->network;
	id_make("grp", tx_now(tx), g->id);
	id_copy(g->project, n->project);
	id_copy(g->network, n->id);
	g->name = mem_strdup(GATEWAY_GROUP);
	g->mode = GROUP_ACTIVE_ACTIVE;
	g->listen_port = n->listen_port;
	g->created_at = tx_now(tx);
	key_public(&i->private_key, &g->public_key);
	int r = name_holder(tx, n, &g->public_key, "[Interface]", e);
	if (r == 0)
		r = group_check(g, NULL, e);
	if (r == 0)
		r = change_store(tx, &schema_group, NULL, g, c->who.id, "group.import", e);
	return r < 0
		? r
		: secrets_put(tx, &c->control->keys, g->id, SECRET_GROUP_KEY, &i->private_key, e);
}

static int store_client(struct tx *tx, struct call *c, const struct group *g,
	const struct imported_client *from, struct device *d, struct err *e)
{
	char label[LABEL_MAX + 1];
	AUTOFREE char *what = mem_printf("line %u", from->line);
	id_make("cl", tx_now(tx), d->id);
	id_copy(d->project, g->project);
	id_copy(d->network, g->network);
	id_copy(d->group, g->id);
	d->name = mem_strdup(from->name);
	d->owner = mem_strdup(c->who.id);
	d->enabled = true;
	d->keepalive = -1;
	d->public_key = from->public_key;
	d->ipv4 = from->ipv4;
	d->ipv6 = from->ipv6;
	d->imported_psk = !secret_is_zero(&from->psk);
	d->created_at = tx_now(tx);
	struct network n = {0};
	id_copy(n.project, g->project);
	int r = name_holder(tx, &n, &d->public_key, what, e);
	if (r == 0)
		r = labels_for_device(c->control->labels, tx, d->network, d->name, d->id, label, e);
	if (r == 0) {
		d->dns_name = mem_strdup(label);
		r = device_check(d, NULL, e);
	}
	if (r == 0 && addr_is_set(d->ipv4))
		r = tx_lease_exact(tx, d->network, d->ipv4, d->id, e);
	if (r == 0 && addr_is_set(d->ipv6))
		r = tx_lease_exact(tx, d->network, d->ipv6, d->id, e);
	/* before the row: whoever follows the row finds it */
	if (r == 0 && d->imported_psk)
		r = secrets_put(tx, &c->control->keys, d->id, SECRET_DEVICE_PSK, &from->psk, e);
	if (r == 0)
		r = change_store(tx, &schema_device, NULL, d, c->who.id, "client.import", e);
	if (r < 0 && e->field[0] == '\0')
		err_prefix(e, "line %u", from->line);
	return r;
}

static void put_client(
	struct json_writer *w, const struct imported_client *from, const struct device *d)
{
	char text[ADDR_TEXT_LEN], key[KEY_TEXT_LEN];
	json_begin_object(w, NULL);
	json_put_int(w, "line", from->line);
	json_put_str(w, "id", d->id);
	json_put_str(w, "name", d->name);
	json_put_str(w, "dns_name", d->dns_name);
	json_put_str(w, "public_key", key_format_public(&d->public_key, key));
	json_put_str(w, "mesh_ip", addr_is_set(d->ipv4) ? addr_format(d->ipv4, text) : NULL);
	json_put_str(w, "mesh_ip6", addr_is_set(d->ipv6) ? addr_format(d->ipv6, text) : NULL);
	json_put_bool(w, "imported_psk", d->imported_psk);
	json_end_object(w);
}

static int store_clients(struct tx *tx, struct call *c, const struct import *i,
	const struct group *g, struct json_writer *w, struct err *e)
{
	int r = 0;
	json_begin_array(w, "clients");
	for (size_t k = 0; r == 0 && k < i->clients.n; k++) {
		struct device d = {0};
		r = store_client(tx, c, g, &i->clients.v[k], &d, e);
		if (r == 0)
			put_client(w, &i->clients.v[k], &d);
		schema_done(&schema_device, &d);
	}
	json_end_array(w);
	return r;
}

static int insert_import(struct tx *tx, struct call *c, struct err *e)
{
	struct import *i = c->data;
	struct network *n = &i->network;
	struct group g = {0};
	struct json_writer w = {.out = &c->out};
	char interface[IFNAME_LEN];
	int r = api_need_project(tx, c, e);
	if (r < 0)
		return r;
	id_make("net", tx_now(tx), n->id);
	id_copy(n->project, c->project);
	n->created_at = tx_now(tx);
	/* the file's own name where a network can have it ("-m" must fit behind it) */
	ifname_make(n->name, "", interface);
	if (strcmp(interface, n->name) != 0 && ifname_check(n->name) == 0 &&
		strlen(n->name) <= IMPORTED_IFNAME)
		n->interface = mem_strdup(n->name);
	network_ifname(n, "", interface);
	r = network_store(tx, c, n, e);
	if (r == 0)
		r = store_group(tx, c, i, &g, e);
	json_begin_object(&w, NULL);
	json_put_bool(&w, "dry_run", c->dry_run);
	json_begin_object(&w, "network");
	object_write(&w, &schema_network, n);
	json_end_object(&w);
	json_begin_object(&w, "group");
	object_write(&w, &schema_group, &g);
	json_end_object(&w);
	json_put_str(&w, "interface", interface);
	if (r == 0)
		r = store_clients(tx, c, i, &g, &w, e);
	json_begin_array(&w, "notes");
	VEC_FOREACH (note, &i->notes) {
		json_begin_object(&w, NULL);
		json_put_int(&w, "line", note->line);
		json_put_str(&w, "text", note->text);
		json_end_object(&w);
	}
	json_end_array(&w);
	json_end_object(&w);
	schema_done(&schema_group, &g);
	if (r < 0)
		buf_wipe(&c->out);
	return r;
}

static void only_known(void *arg, const char *key, const struct json *v)
{
	static const char *const known[] = {"config", "name", "dry_run", "skip_subnets"};
	struct err *e = arg;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(key, known[i]) == 0)
			return;
	if (e->code == 0)
		err_field(e, ERR_INVALID, key, "unknown field \"%.40s\"", key);
}

void api_import(struct call *c)
{
	struct import *i = NEW(struct import);
	const char *config = json_str(c->body, "config"), *name = json_str(c->body, "name");
	c->data = i;
	c->free_data = import_free;
	c->dry_run = json_bool(c->body, "dry_run", false);
	c->status = c->dry_run ? 200 : 201;
	json_each(c->body, only_known, &c->err);
	int r = c->err.code;
	if (r == 0 && config == NULL)
		r = err_field(&c->err, ERR_INVALID, "config", "config is missing: the file's text");
	if (r == 0 && name == NULL)
		r = err_field(&c->err, ERR_INVALID, "name", "name is missing: of the network");
	if (r == 0)
		r = import_read(config, strlen(config), name,
			json_bool(c->body, "skip_subnets", false), i, &c->err);
	if (r == 0 && !addr_is_set(i->network.ipv6.addr))
		network_random_ula(&i->network.ipv6);
	if (r < 0)
		api_fail(c);
	else
		api_write(c, insert_import, NULL);
}
