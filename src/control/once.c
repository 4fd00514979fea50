/*
 * DOC: links that open once. The configuration is sealed under a key made from the token in the
 * link's fragment, which browsers do not send with GET: a link preview sees a page with a button
 * and burns nothing, and the store alone opens nothing. The row goes with the first opening.
 */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "control/client.h"
#include "crypto/hash.h"
#include "crypto/seal.h"
#include "crypto/token.h"

#include <stdio.h>
#include <string.h>

#define ONCE_LIFETIME ((msec)15 * 60 * 1000)
#define SWEEP_MAX 16 /* expired links removed for each new one */

/* Not the stored hash: that must not open anything. */
static void once_key(const char *token, struct secret *ret)
{
	CLEANUP(buf_wipe) struct buf b = {0};
	buf_adds(&b, "warren one-time link\n");
	buf_adds(&b, token);
	hash_sha256(b.data, b.len, ret->bytes);
}

struct sweep {
	struct id_vec ids;
	msec now;
};

static int take_expired(void *arg, const void *object)
{
	struct sweep *s = arg;
	const struct once *o = object;
	if (o->expires_at > s->now)
		return 1;
	id_vec_add(&s->ids, o->id);
	return 0;
}

static int take_id(void *arg, const void *object)
{
	id_vec_add(arg, object);
	return 0;
}

static int delete_ids(struct tx *tx, struct id_vec *ids, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < ids->n; i++)
		r = tx_delete(tx, &schema_once, ids->v[i].id, e);
	VEC_DONE(ids);
	return r;
}

static int sweep(struct tx *tx, struct err *e)
{
	struct sweep s = {.now = tx_now(tx)};
	struct tx_query q = {.order = "expires_at", .limit = SWEEP_MAX};
	int r = tx_list(tx, &schema_once, &q, take_expired, &s, NULL, NULL, e);
	int deleted = delete_ids(tx, &s.ids, e);
	return r < 0 ? r : deleted;
}

int once_drop(struct tx *tx, const char *object, struct err *e)
{
	struct id_vec ids = {0};
	struct tx_query q = {.filters = {{"object", object}}};
	int r = tx_list(tx, &schema_once, &q, take_id, &ids, NULL, NULL, e);
	int deleted = delete_ids(tx, &ids, e);
	return r < 0 ? r : deleted;
}

int once_put(struct tx *tx, struct call *c, struct err *e)
{
	struct client_job *job = c->data;
	struct once o = {.expires_at = tx_now(tx) + ONCE_LIFETIME};
	CLEANUP(buf_done) struct buf sealed = {0};
	CLEANUP(buf_done) struct buf text = {0};
	CLEANUP(secret_wipe) struct secret key = {0};
	char hex[HASH_HEX_LEN];
	id_make("once", tx_now(tx), o.id);
	id_copy(o.project, job->device.project);
	id_copy(o.object, job->device.id);
	buf_wipe(&job->link_token);
	token_make(TOKEN_ONCE, &job->link_token);
	once_key(buf_str(&job->link_token), &key);
	const struct buf *file = job->signed_config.len > 0 ? &job->signed_config : &job->config;
	seal_with_secret(&key, o.id, file->data, file->len, &sealed);
	base64_encode(sealed.data, sealed.len, &text);
	o.hash = (char *)(uintptr_t)token_hash_hex(buf_str(&job->link_token), hex);
	o.sealed = text.data;
	id_copy(job->link_id, o.id);
	int r = sweep(tx, e);
	if (r == 0)
		r = tx_insert(tx, &schema_once, &o, e);
	if (r == 0)
		r = tx_audit(tx, o.project, c->who.id, "client.link", o.object, o.id, e);
	return r;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int gone(struct err *e)
{
	return err_set(e, ERR_GONE, "this link was used or has expired: ask for a new one");
}

static int open_link(struct tx *tx, struct call *c, struct err *e)
{
	const char *token = json_str(c->body, "token");
	struct once o = {0};
	CLEANUP(buf_done) struct buf sealed = {0};
	CLEANUP(secret_wipe) struct secret key = {0};
	char hex[HASH_HEX_LEN];
	int r = tx_get(tx, &schema_once, c->id, &o, e);
	if (r == ERR_NOT_FOUND || (r == 0 && o.expires_at <= tx_now(tx)))
		r = gone(e);
	/* A wrong token burns nothing: else anybody who sees the path could. */
	if (r == 0 && strcmp(o.hash, token_hash_hex(token, hex)) != 0)
		r = err_field(e, ERR_DENIED, "token", "this token does not open this link");
	if (r == 0 && base64_decode(o.sealed, &sealed) < 0)
		r = err_set(e, ERR_CORRUPT, "the link %s is damaged", o.id);
	once_key(token, &key);
	if (r == 0)
		r = seal_open_with_secret(&key, o.id, sealed.data, sealed.len, &c->out, e);
	if (r == 0)
		r = tx_delete(tx, &schema_once, o.id, e);
	if (r == 0)
		r = tx_audit(
			tx, o.project, "link", "client.link_opened", o.object, http_peer(c->rq), e);
	schema_done(&schema_once, &o);
	return r;
}

static void opened(struct call *c)
{
	const struct config_format *f = config_format_of(buf_str(&c->out));
	AUTOFREE char *disposition = mem_printf("attachment; filename=\"warren%s\"", f->suffix);
	c->type = f->type;
	api_header(c, "Content-Disposition", disposition);
	api_reply(c, c->status);
}

void api_once_open(struct call *c)
{
	if (json_str(c->body, "token") == NULL) {
		err_field(&c->err, ERR_INVALID, "token", "token is missing");
		api_fail(c);
		return;
	}
	c->status = 200;
	api_header(c, "Referrer-Policy", "no-referrer");
	api_write(c, open_link, opened);
}
