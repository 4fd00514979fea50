/*
 * DOC: new clients and new keys for old ones. All that must not collide - name, label, address,
 * key - is decided in the one transaction that stores it. The private key, when it is ours, lives
 * in the call and is shown once: in the answer, or behind a link that opens once.
 */
#include "control/api_handlers.h"

#include "base/log.h"
#include "base/mem.h"
#include "control/client.h"
#include "control/client_config.h"
#include "control/labels.h"
#include "model/names.h"
#include "crypto/cms.h"
#include "model/range.h"
#include "crypto/key.h"
#include "model/validate.h"
#include "render/qr.h"

#include <stdio.h>
#include <string.h>

#define QR_PIXELS 256

/* "network" and "group" are taken by name too, so they are read here and not by the schema. */
static const char *const also[] = {"network", "group", "gateway", "region", NULL};

/* --- keys ------------------------------------------------------------------------------------- */

int client_wants(struct call *c, struct client_job *job, struct err *e)
{
	job->want_qr = api_flag(c, "qr");
	job->want_link = api_flag(c, "link");
	int r = config_format_find(http_query(c->rq, "format"), &job->format, e);
	/* The apps scan wg-quick files and nothing else. */
	if (r == 0 && job->want_qr && job->format != config_formats)
		r = err_field(e, ERR_INVALID, "qr", "a picture holds the format wg-quick alone");
	return r;
}

int client_key(struct call *c, struct client_job *job, struct err *e)
{
	/* A key is shown once: in this answer or behind the link. */
	if (job->want_link && job->want_qr)
		return err_field(e, ERR_INVALID, "qr",
			"ask for a picture or for a link, not for both: the key is shown once");
	if (!public_key_is_zero(&job->device.public_key)) {
		/* Whoever made the key has it; we have nothing to put behind a link or in a
		 * picture. */
		if (job->format->needs_key)
			return err_field(e, ERR_INVALID, "format",
				"with your own key the format %s cannot be made here: ask for "
				"wg-quick, or use warren client add --format %s",
				job->format->word, job->format->word);
		if (job->want_link || job->want_qr)
			return err_field(e, ERR_INVALID, job->want_link ? "link" : "qr",
				"with your own key the configuration is not complete here");
		return 0;
	}
	key_generate(&job->private_key);
	key_public(&job->private_key, &job->device.public_key);
	return 0;
}

int client_key_free(struct tx *tx, const struct device *d, struct err *e)
{
	char text[KEY_TEXT_LEN];
	key_format_public(&d->public_key, text);
	struct member m = {0};
	int r = tx_find(tx, &schema_member, &m, e, "network", d->network, "public_key", text, NULL);
	schema_done(&schema_member, &m);
	if (r == ERR_NOT_FOUND) {
		struct group g = {0};
		r = tx_find(
			tx, &schema_group, &g, e, "network", d->network, "public_key", text, NULL);
		schema_done(&schema_group, &g);
	}
	if (r == ERR_NOT_FOUND)
		return 0;
	return r < 0 ? r
		     : err_field(e, ERR_EXISTS, "public_key",
			       "this key belongs to a node or gateway of the network");
}

/* --- where it goes ---------------------------------------------------------------------------- */

struct groups {
	id_text first;
	size_t n;
};

static int see_group(void *arg, const void *object)
{
	struct groups *g = arg;
	if (g->n++ == 0)
		id_copy(g->first, object);
	return 0;
}

/* The group of a gateway node named in the body. */
static int group_of_gateway(struct tx *tx, struct call *c, const struct network *n,
	const char *gateway, struct group *ret, struct err *e)
{
	struct node node = {0};
	struct member m = {0};
	int r = api_resolve(tx, c, &schema_node, gateway, "gateway", &node, e);
	if (r == 0)
		r = tx_find(tx, &schema_member, &m, e, "network", n->id, "node", node.id, NULL);
	if (r == ERR_NOT_FOUND || (r == 0 && m.group[0] == '\0'))
		r = err_field(e, ERR_NOT_FOUND, "gateway", "%s is no gateway of network %s",
			gateway, n->name);
	if (r == 0)
		r = tx_get(tx, &schema_group, m.group, ret, e);
	schema_done(&schema_node, &node);
	schema_done(&schema_member, &m);
	return r;
}

static int choose_group(
	struct tx *tx, struct call *c, const struct network *n, struct group *ret, struct err *e)
{
	const char *gateway = json_str(c->body, "gateway"), *group = json_str(c->body, "group");
	if (group && *group) {
		/* a group of a network that may be named may be, by name or by id */
		int r = id_valid(group, "grp")
			? tx_get(tx, &schema_group, group, ret, e)
			: tx_find(tx, &schema_group, ret, e, "network", n->id, "name", group, NULL);
		if (r == 0 && strcmp(ret->network, n->id) != 0)
			r = ERR_NOT_FOUND;
		return r == ERR_NOT_FOUND
			? err_field(e, r, "group", "no group \"%s\" in network %s", group, n->name)
			: r;
	}
	if (gateway && *gateway)
		return group_of_gateway(tx, c, n, gateway, ret, e);
	struct groups groups = {0};
	struct tx_query q = {.filters = {{"network", n->id}}, .limit = 1};
	int r = tx_list(tx, &schema_group, &q, see_group, &groups, NULL, NULL, e);
	if (r == 0 && groups.n == 0)
		return err_field(e, ERR_UNSUPPORTED, "network",
			"network %s has no gateway yet: join a node with the role gateway first",
			n->name);
	return r < 0 ? r : tx_get(tx, &schema_group, groups.first, ret, e);
}

/* IPv4 from the range of devices; IPv6 is the ULA prefix with the same 32 bits behind it. */
static int lease(struct tx *tx, const struct network *n, struct device *d, struct err *e)
{
	struct addr_range range = network_device_range(n);
	bool v6 = range.first.family == FAMILY_IPV6;
	int r = tx_lease(tx, n->id, range.first, range.last, d->id, CLIENT_REST,
		v6 ? &d->ipv6 : &d->ipv4, e);
	if (r == 0 && !v6 && addr_is_set(n->ipv6.addr))
		d->ipv6 = (struct addr){FAMILY_IPV6, n->ipv6.addr.bits | d->ipv4.bits};
	return r;
}

static int insert_client(struct tx *tx, struct call *c, struct err *e)
{
	struct client_job *job = c->data;
	struct device *d = &job->device;
	struct network n = {0};
	struct group g = {0};
	char label[LABEL_MAX + 1];
	int r = api_network(tx, c, json_str(c->body, "network"), &n, e);
	if (r == 0)
		r = choose_group(tx, c, &n, &g, e);
	if (r < 0)
		goto out;
	id_copy(d->project, n.project);
	id_copy(d->network, n.id);
	id_copy(d->group, g.id);
	/* A client that can reach nothing is not made; the reason is the answer. */
	r = client_entry(tx, c, &n, d, e);
	if (r < 0)
		goto out;
	d->created_at = d->key_at = tx_now(tx);
	r = client_exit(tx, c, d, e);
	if (r < 0)
		goto out;
	/* A slip of the pen: to end one that exists, a time in the past is fine. */
	client_quota(c, d);
	if (d->expires_at != 0 && d->expires_at <= d->created_at) {
		r = err_field(e, ERR_INVALID, "expires_at", "expires_at lies in the past");
		goto out;
	}
	r = name_check(d->name, "name", e); /* the label is made from it */
	if (r == 0)
		r = labels_for_device(c->control->labels, tx, d->network, d->name, d->id, label, e);
	if (r == 0)
		d->dns_name = mem_strdup(label);
	if (r == 0)
		r = client_key_free(tx, d, e);
	if (r == 0)
		r = lease(tx, &n, d, e);
	if (r == 0)
		r = device_check(d, NULL, e); /* with addresses: IPv6 asks for a larger MTU */
	if (r == 0)
		r = change_store(tx, &schema_device, NULL, d, c->who.id, job->action, e);
out:
	schema_done(&schema_network, &n);
	schema_done(&schema_group, &g);
	return r;
}

static int read_client(struct call *c, struct client_job *job, struct err *e)
{
	struct device *d = &job->device;
	d->enabled = true;
	d->keepalive = -1;
	int r = client_wants(c, job, e);
	if (r == 0)
		r = object_read(c->body, &schema_device, FIELD_SET, also, d, e);
	for (size_t i = 0; r == 0 && also[i]; i++)
		if (json_get(c->body, also[i]) && !json_is_null(c->body, also[i]) &&
			json_str(c->body, also[i]) == NULL)
			r = err_field(e, ERR_INVALID, also[i], "%s is a text", also[i]);
	return r;
}

void api_client_create(struct call *c)
{
	struct client_job *job = client_job_new(c);
	c->status = 201;
	job->action = "client.create";
	id_make("cl", clock_wall(c->control->clock), job->device.id);
	if (read_client(c, job, &c->err) < 0 || client_key(c, job, &c->err) < 0) {
		api_fail(c);
		return;
	}
	job->device.owner = mem_strdup(c->who.id);
	api_write(c, insert_client, client_deliver);
}

/* --- a new key -------------------------------------------------------------------------------- */

static int rotate_client(struct tx *tx, struct call *c, struct err *e)
{
	struct client_job *job = c->data;
	struct public_key fresh = job->device.public_key;
	struct device before = {0};
	int r = client_get(tx, c, &before, e);
	if (r == 0 && public_key_equal(&fresh, &before.public_key))
		r = err_field(e, ERR_EXISTS, "public_key", "this is the key it has");
	if (r == 0) {
		schema_copy(&schema_device, &job->device, &before);
		job->device.public_key = fresh;
		job->device.key_at = tx_now(tx);
		job->device.config_hash = mem_free(job->device.config_hash);
		job->device.imported_psk = false;
		r = client_key_free(tx, &job->device, e);
	}
	if (r == 0)
		r = client_entry_once(tx, c, e);
	if (r == 0)
		r = once_drop(tx, before.id, e);
	if (r == 0 && before.imported_psk)
		r = tx_secret_delete(tx, before.id, e);
	if (r == 0)
		r = change_store(
			tx, &schema_device, &before, &job->device, c->who.id, job->action, e);
	schema_done(&schema_device, &before);
	return r;
}

static void only_key(void *arg, const char *key, const struct json *v)
{
	if (strcmp(key, "public_key") != 0)
		err_field(arg, ERR_INVALID, key, "unknown field \"%s\"", key);
}

void api_client_rotate(struct call *c)
{
	struct client_job *job = client_job_new(c);
	c->status = 200;
	job->action = "client.rotate";
	if (client_wants(c, job, &c->err) == 0 && c->body)
		json_each(c->body, only_key, &c->err);
	int r = c->err.code;
	if (r == 0 && c->body && json_get(c->body, "public_key")) {
		const char *text = json_str(c->body, "public_key");
		r = text ? key_parse_public(text, "public_key", &job->device.public_key, &c->err)
			 : err_field(&c->err, ERR_INVALID, "public_key", "public_key is a text");
	}
	if (r == 0)
		r = client_key(c, job, &c->err);
	if (r < 0)
		api_fail(c);
	else
		api_write(c, rotate_client, client_deliver);
}

/* --- the answer that shows the key ------------------------------------------------------------ */

struct remember {
	id_text id, entry;
	char hash[HASH_HEX_LEN];
};

static int remember_job(struct tx *tx, void *arg, struct err *e)
{
	static const char *const names[] = {"config_hash", "config_entry", NULL};
	const struct remember *r = arg;
	struct device d = {.config_hash = (char *)(uintptr_t)r->hash};
	id_copy(d.id, r->id);
	id_copy(d.config_entry, r->entry);
	return tx_touch(tx, &schema_device, &d, names, e);
}

static void remember_done(void *arg, int result, const struct err *e)
{
	mem_free(arg);
}

/* Which configuration was handed out; nobody waits for it. */
static void remember(struct control *c, const struct client_job *job, const char *hash)
{
	struct remember *r = NEW(struct remember);
	id_copy(r->id, job->device.id);
	id_copy(r->entry, job->entry);
	snprintf(r->hash, sizeof(r->hash), "%s", hash);
	store_write(c->store, remember_job, r, remember_done);
}

static int put_qr(struct json_writer *w, const struct buf *config, struct err *e)
{
	CLEANUP(buf_wipe) struct buf png = {0};
	CLEANUP(buf_wipe) struct buf text = {0};
	int r = render_qr_png(config->data, config->len, QR_PIXELS, &png, e);
	if (r < 0)
		return r;
	base64_encode(png.data, png.len, &text);
	json_put_str(w, "qr_code", buf_str(&text));
	return 0;
}

static void put_link(struct call *c, struct json_writer *w, const struct client_job *job)
{
	const char *host = http_header(c->rq, "Host");
	CLEANUP(buf_wipe) struct buf url = {0};
	/* Over the unix socket there is no host to repeat. */
	bool named = host && strcmp(http_peer(c->rq), "unix") != 0;
	buf_addf(&url, "https://%s/once/%s#%s", named ? host : c->control->options.listen,
		job->link_id, buf_str(&job->link_token));
	json_put_str(w, "link", buf_str(&url));
}

static void put_signed(struct json_writer *w, const struct buf *der)
{
	CLEANUP(buf_wipe) struct buf text = {0};
	buf_room(&text, der->len * 4 / 3 + 8);
	base64_encode(der->data, der->len, &text);
	json_put_str(w, "signed_config", buf_str(&text));
}

/* The operator's signature around a profile. Without it the profile works too, and its key is shown
 * now or never, so a failure is only logged. */
static void sign_profile(struct call *c, struct client_job *job)
{
	struct err e = {0};
	if (c->control->signer == NULL || job->format == NULL || !job->format->is_profile)
		return;
	if (cms_sign(c->control->signer, job->config.data, job->config.len, &job->signed_config,
		    &e) < 0)
		log_error("profile not signed", LOG_KV_STR("why", e.text));
}

/* On the hub's thread: everything but the once link, which needs a second transaction. */
static void put_answer(const struct fleet *f, struct call *c)
{
	struct client_job *job = c->data;
	struct json_writer w = {.out = &c->out};
	char key[KEY_TEXT_LEN];
	json_begin_object(&w, NULL);
	json_begin_object(&w, "client");
	client_write(c, f, &w, &job->device);
	client_write_endpoints(c, f, &w, &job->device);
	json_end_object(&w);
	if (job->link_id[0] != '\0')
		put_link(c, &w, job);
	if (!job->want_link) {
		if (!secret_is_zero(&job->private_key)) {
			json_put_str(&w, "private_key", key_format_secret(&job->private_key, key));
			mem_wipe(key, sizeof(key));
		}
		json_put_str(&w, "config", job->config.data);
		if (job->signed_config.len > 0)
			put_signed(&w, &job->signed_config);
	}
	/* A configuration too long for a picture has its file, and a link for the phone. */
	if (job->want_qr && put_qr(&w, &job->config, NULL) < 0)
		json_put_null(&w, "qr_code");
	json_end_object(&w);
	api_reply(c, c->status);
}

static void answer_with_link(const struct fleet *f, void *arg)
{
	put_answer(f, arg);
}

static void link_stored(struct call *c)
{
	hub_run(c->control->hub, answer_with_link, c);
}

static void deliver(const struct fleet *f, void *arg)
{
	struct call *c = arg;
	struct client_job *job = c->data;
	char hash[HASH_HEX_LEN];
	const struct secret *key = secret_is_zero(&job->private_key) ? NULL : &job->private_key;
	const char *entry = client_job_entry(job);
	if (client_config(f, &job->device, entry, key, job->format, &job->config, NULL) < 0) {
		/* The last gateway went away since the commit. The client exists, so its key must
		 * be shown now or never. */
		buf_wipe(&job->config);
		job->want_link = job->want_qr = false;
		put_answer(f, c);
		return;
	}
	sign_profile(c, job);
	client_config_hash(f, &job->device, entry, hash);
	remember(c->control, job, hash);
	if (job->want_link || (job->want_qr && job->config.len > QR_MAX))
		api_write(c, once_put, link_stored);
	else
		put_answer(f, c);
}

void client_deliver(struct call *c)
{
	hub_run(c->control->hub, deliver, c);
}
