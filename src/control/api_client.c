/*
 * DOC: clients: list, show, change, delete, and the configuration without its key. Answers are
 * rendered on the hub's thread, because whether a handed-out configuration is stale is a question
 * to the fleet in memory.
 */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "control/client.h"
#include "control/client_config.h"
#include "control/client_filter.h"
#include "control/labels.h"
#include "control/quota.h"
#include "model/names.h"
#include "model/validate.h"

#include <string.h>

static void job_free(void *data)
{
	struct client_job *job = data;
	schema_done(&schema_device, &job->device);
	secret_wipe(&job->private_key);
	buf_wipe(&job->config);
	buf_wipe(&job->signed_config);
	buf_wipe(&job->link_token);
	mem_free(job);
}

struct client_job *client_job_new(struct call *c)
{
	struct client_job *job = NEW(struct client_job);
	c->data = job;
	c->free_data = job_free;
	return job;
}

static void put_addr(struct json_writer *w, const char *key, struct addr a)
{
	char text[ADDR_TEXT_LEN];
	json_put_str(w, key, addr_is_set(a) ? addr_format(a, text) : NULL);
}

void client_write(
	struct call *c, const struct fleet *f, struct json_writer *w, const struct device *d)
{
	const struct fleet_network *fn = fleet_network(f, d->network);
	uint16_t keepalive = d->keepalive >= 0 ? (uint16_t)d->keepalive
		: fn                           ? fn->network->keepalive
					       : 0;
	struct link link = {0};
	hub_link(c->control->hub, d->id, keepalive, &link);
	struct device shown = *d; /* borrowed; observed fields come from the hub */
	if (link.state != LINK_NEVER) {
		shown.last_seen = link.last_seen;
		shown.rx = link.rx;
		shown.tx = link.tx;
	}
	char hash[HASH_HEX_LEN] = "";
	if (d->config_hash && *d->config_hash)
		hub_config_sum(
			c->control->hub, d, d->config_entry[0] ? d->config_entry : d->entry, hash);
	object_write(w, &schema_device, &shown);
	put_addr(w, "mesh_ip", d->ipv4);
	put_addr(w, "mesh_ip6", d->ipv6);
	json_put_str(w, "state",
		!d->enabled ? "disabled"
			: d->expires_at != 0 && d->expires_at <= clock_wall(c->control->clock)
			? "expired"
			: d->over_quota ? "over_quota"
					: "active");
	json_put_u64(w, "quota_used", quota_used(d, link.rx + link.tx));
	json_put_time(w, "quota_ends_at", quota_ends(d));
	json_put_str(w, "link_state", link_state_words[link.state]);
	json_put_str(w, "gateway", link.gateway[0] ? link.gateway : NULL);
	json_put_str(w, "endpoint", link.endpoint[0] ? link.endpoint : NULL);
	json_put_bool(w, "config_stale", hash[0] && strcmp(hash, d->config_hash) != 0);
}

/* --- list and show ---------------------------------------------------------------------------- */

struct client_page {
	VEC(struct device *) devices;
	struct buf next;
	uint64_t total;
};

static void client_page_free(void *data)
{
	struct client_page *p = data;
	VEC_FOREACH (d, &p->devices)
		schema_free(&schema_device, *d);
	VEC_DONE(&p->devices);
	buf_done(&p->next);
	mem_free(p);
}

static int take_device(void *arg, const void *object)
{
	struct client_page *p = arg;
	VEC_PUSH(&p->devices, schema_dup(&schema_device, object));
	return 0;
}

static int list_job(struct tx *tx, void *arg, struct err *e)
{
	struct call *c = arg;
	struct client_page *p = c->data;
	struct page page = {0};
	struct client_filter filter;
	page_filter(&page, "kind", device_kind_words[DEVICE_CLIENT]);
	int r = page_read(c, &schema_device, &page, e);
	if (r == 0)
		r = client_filter_read(c, &filter, e);
	if (r < 0)
		return r;
	if (client_filter_any(&filter))
		return client_filter_list(
			tx, c, &filter, &page.query, take_device, p, &p->next, &p->total, e);
	return tx_list(tx, &schema_device, &page.query, take_device, p, &p->next, &p->total, e);
}

#define CLIENT_ROOM 1024 /* bytes that most take as JSON; each is there twice */

static void render_list(const struct fleet *f, void *arg)
{
	struct call *c = arg;
	struct client_page *p = c->data;
	struct json_writer w = {.out = &c->out};
	size_t items;
	buf_room(&c->out, 2 * p->devices.n * CLIENT_ROOM);
	items = page_begin(&w);
	VEC_FOREACH (d, &p->devices) {
		json_begin_object(&w, NULL);
		client_write(c, f, &w, *d);
		json_end_object(&w);
	}
	page_end(&w, items, "clients", buf_str(&p->next), p->total);
	api_reply(c, 200);
}

void api_client_list(struct call *c)
{
	c->data = NEW(struct client_page);
	c->free_data = client_page_free;
	if (store_read(c->control->store, list_job, c, &c->err) < 0)
		api_fail(c);
	else
		hub_run(c->control->hub, render_list, c);
}

int client_get(struct tx *tx, struct call *c, struct device *ret, struct err *e)
{
	int r = api_get(tx, c, &schema_device, c->id, ret, e);
	if (r == 0 && ret->kind != DEVICE_CLIENT)
		r = ERR_NOT_FOUND;
	return r == ERR_NOT_FOUND ? err_set(e, r, "no client \"%s\"", c->id) : r;
}

static int show_job(struct tx *tx, void *arg, struct err *e)
{
	struct call *c = arg;
	struct client_job *job = c->data;
	return client_get(tx, c, &job->device, e);
}

static void render_one(const struct fleet *f, void *arg)
{
	struct call *c = arg;
	struct client_job *job = c->data;
	struct json_writer w = {.out = &c->out};
	json_begin_object(&w, NULL);
	client_write(c, f, &w, &job->device);
	client_write_endpoints(c, f, &w, &job->device);
	json_end_object(&w);
	api_reply(c, c->status);
}

void client_answer(struct call *c)
{
	hub_run(c->control->hub, render_one, c);
}

void api_client_show(struct call *c)
{
	client_job_new(c);
	c->status = 200;
	if (store_read(c->control->store, show_job, c, &c->err) < 0)
		api_fail(c);
	else
		client_answer(c);
}

/* --- change and delete ------------------------------------------------------------------------ */

/* Who has a tag's scope may name any node (api_resolve), but not let its clients out by them. */
static int may_leave_by(struct tx *tx, struct call *c, const struct node *n, struct err *e)
{
	int r = api_reaches(tx, c, &schema_node, n, e);

	return r != 0 ? (r < 0 ? r : 0)
		      : err_field(e, ERR_DENIED, "exit",
				"the exit %s lies outside of what you may change", n->name);
}

int client_exit(struct tx *tx, struct call *c, struct device *d, struct err *e)
{
	struct node node = {0};
	struct member m = {0};
	int r;

	if (d->exit == NULL || d->exit[0] == '\0') {
		d->exit = mem_free(d->exit);
		return 0;
	}
	r = api_resolve(tx, c, &schema_node, d->exit, "exit", &node, e);
	if (r == 0)
		r = may_leave_by(tx, c, &node, e);
	if (r == 0)
		r = tx_find(
			tx, &schema_member, &m, e, "network", d->network, "node", node.id, NULL);
	if (r == ERR_NOT_FOUND || (r == 0 && !(m.roles & ROLE_EXIT)))
		r = err_field(e, ERR_INVALID, "exit",
			"%.64s is no exit of this network: its join token must grant the role exit",
			d->exit);
	if (r == 0) {
		mem_free(d->exit);
		d->exit = mem_strdup(node.id);
	}
	schema_done(&schema_node, &node);
	schema_done(&schema_member, &m);
	return r;
}

void client_quota(struct call *c, struct device *d)
{
	struct link link;

	hub_link(c->control->hub, d->id, 0, &link);
	quota_changed(d, link.rx + link.tx, clock_wall(c->control->clock));
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static int update_client(struct tx *tx, struct call *c, struct err *e)
{
	struct client_job *job = c->data;
	struct device before = {0}, *after = &job->device;
	static const char *const also[] = {"gateway", "region", NULL};
	int r = api_change(tx, c, &schema_device, also, &before, after, e);
	if (r == ERR_NOT_FOUND)
		err_set(e, r, "no client \"%s\"", c->id);
	if (r == 0 && before.kind != DEVICE_CLIENT)
		r = err_set(e, ERR_NOT_FOUND, "no client \"%s\"", c->id);
	if (r == 0)
		r = device_check(after, &before, e);
	if (r == 0 && !same_text(before.exit, after->exit))
		r = client_exit(tx, c, after, e);
	if (r == 0 && client_entry_in_body(c)) {
		struct network n = {0};
		r = tx_get(tx, &schema_network, after->network, &n, e);
		if (r == 0)
			r = client_entry(tx, c, &n, after, e);
		schema_done(&schema_network, &n);
	}
	if (r == 0 &&
		(before.quota_bytes != after->quota_bytes ||
			before.quota_period != after->quota_period))
		client_quota(c, after);
	if (r == 0 && strcmp(before.name, after->name) != 0) {
		char label[LABEL_MAX + 1];
		r = labels_for_device(
			c->control->labels, tx, after->network, after->name, after->id, label, e);
		if (r == 0) {
			mem_free(after->dns_name);
			after->dns_name = mem_strdup(label);
		}
	}
	if (r == 0 && schema_equal(&schema_device, &before, after)) {
		schema_done(&schema_device, &before);
		return 0; /* nothing to store, push or audit */
	}
	const char *action = before.enabled == after->enabled ? "client.update"
		: after->enabled                              ? "client.enable"
							      : "client.disable";
	if (r == 0)
		r = change_store(tx, &schema_device, &before, after, c->who.id, action, e);
	schema_done(&schema_device, &before);
	return r;
}

void api_client_change(struct call *c)
{
	client_job_new(c);
	c->status = 200;
	api_write(c, update_client, client_answer);
}

static int delete_client(struct tx *tx, struct call *c, struct err *e)
{
	struct client_job *job = c->data;
	int r = client_get(tx, c, &job->device, e);
	if (r == 0)
		r = tx_lease_free(tx, job->device.id, e);
	if (r == 0)
		r = once_drop(tx, job->device.id, e);
	if (r == 0)
		r = tx_secret_delete(tx, job->device.id, e);
	if (r == 0)
		r = change_store(
			tx, &schema_device, &job->device, NULL, c->who.id, "client.delete", e);
	return r;
}

void api_client_delete(struct call *c)
{
	client_job_new(c);
	api_write(c, delete_client, api_deleted);
}

/* --- the configuration, without its key ------------------------------------------------------- */

/* It shows the pre-shared key, so it leaves a line in the audit log. */
static int store_shown(struct tx *tx, struct call *c, struct err *e)
{
	static const char *const names[] = {"config_hash", "config_entry", NULL};
	struct client_job *job = c->data;
	struct device *d = &job->device;
	int r = tx_audit(tx, d->project, c->who.id, "client.config", d->id, d->name, e);
	return r < 0 ? r : tx_touch(tx, &schema_device, d, names, e);
}

static void config_stored(struct call *c)
{
	struct client_job *job = c->data;
	AUTOFREE char *disposition = mem_printf(
		"attachment; filename=\"%s%s\"", job->device.dns_name, job->format->suffix);
	api_header(c, "Content-Disposition", disposition);
	c->type = job->format->type;
	api_reply(c, 200);
}

static void render_config(const struct fleet *f, void *arg)
{
	struct call *c = arg;
	struct client_job *job = c->data;
	char hash[HASH_HEX_LEN];
	if (client_config(f, &job->device, client_job_entry(job), NULL, job->format, &c->out,
		    &c->err) < 0) {
		api_fail(c);
		return;
	}
	client_config_hash(f, &job->device, client_job_entry(job), hash);
	id_copy(job->device.config_entry, job->entry);
	mem_free(job->device.config_hash);
	job->device.config_hash = mem_strdup(hash);
	api_write(c, store_shown, config_stored);
}

static int config_job(struct tx *tx, void *arg, struct err *e)
{
	int r = show_job(tx, arg, e);
	return r < 0 ? r : client_entry_once(tx, arg, e);
}

void api_client_config(struct call *c)
{
	struct client_job *job = client_job_new(c);
	if (config_format_find(http_query(c->rq, "format"), &job->format, &c->err) < 0 ||
		store_read(c->control->store, config_job, c, &c->err) < 0)
		api_fail(c);
	else
		hub_run(c->control->hub, render_config, c);
}

void api_client_gone(struct call *c)
{
	struct client_job *job = client_job_new(c);
	if (store_read(c->control->store, show_job, c, &c->err) == 0)
		err_set(&c->err, ERR_GONE,
			"the private key of %s was shown once and is not kept: make a new one with "
			"POST /api/v1/wireguard/clients/%s/rotate",
			job->device.name, job->device.id);
	api_fail(c);
}
