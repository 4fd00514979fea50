/*
 * DOC: issuers people sign in by, set by system-admins only. The client secret is sealed and never
 * shown; an issuer's address never changes, for "iss" and "sub" together are who somebody is.
 */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "control/secrets.h"
#include "control/signon.h"
#include "model/validate.h"
#include "model/names.h"

#include <string.h>

#define CLIENT_SECRET_MAX 512

static const char *const also[] = {"client_secret", NULL};

static int put(struct tx *tx, struct json_writer *w, const struct issuer *i, struct err *e)
{
	CLEANUP(buf_done) struct buf sealed = {0};
	int r = tx_secret_get(tx, i->id, SECRET_SIGNON, &sealed, e);
	json_begin_object(w, NULL);
	object_write(w, &schema_issuer, i);
	json_put_bool(w, "has_client_secret", r == 0);
	json_end_object(w);
	return r == ERR_NOT_FOUND ? 0 : r;
}

struct listing {
	struct tx *tx;
	struct json_writer w;
	struct err *e;
};

static int put_one(void *arg, const void *object)
{
	struct listing *l = arg;
	return put(l->tx, &l->w, object, l->e);
}

static int list_job(struct tx *tx, struct call *c, struct err *e)
{
	struct page page = {0};
	CLEANUP(buf_done) struct buf next = {0};
	struct listing l = {tx, {.out = &c->out}, e};
	uint64_t total = 0;
	int r = page_read(c, &schema_issuer, &page, e);
	if (r < 0)
		return r;
	size_t items = page_begin(&l.w);
	r = tx_list(tx, &schema_issuer, &page.query, put_one, &l, &next, &total, e);
	if (r == 0)
		page_end(&l.w, items, NULL, buf_str(&next), total);
	return r;
}

void api_issuer_list(struct call *c)
{
	api_read(c, list_job);
}

static int show_job(struct tx *tx, struct call *c, struct err *e)
{
	struct issuer i = {0};
	struct json_writer w = {.out = &c->out};
	int r = api_get(tx, c, &schema_issuer, c->id, &i, e);
	if (r == 0)
		r = put(tx, &w, &i, e);
	schema_done(&schema_issuer, &i);
	return r;
}

void api_issuer_show(struct call *c)
{
	api_read(c, show_job);
}

/* Roles of the issuer's project; nobody becomes system-admin by what an issuer says. */
static int check_role(
	struct tx *tx, const struct issuer *i, const char *role, const char *field, struct err *e)
{
	unsigned permissions = 0;
	int r = role_permissions(tx, i->project, role, field, &permissions, e);
	if (r == 0 && (permissions & PERM_SYSTEM))
		r = err_field(e, ERR_INVALID, field,
			"a system-admin is linked by hand: give that user an issuer and a subject");
	return r;
}

static int check(struct tx *tx, const struct call *c, const struct issuer *i,
	const struct issuer *was, struct err *e)
{
	int r = name_check_new(i->name, was ? was->name : NULL, "name", e);
	if (r == 0)
		r = signon_url_check(c->control, i->url, e);
	if (r == 0 && i->scope &&
		strspn(i->scope,
			"abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/ ") != strlen(i->scope))
		r = err_field(e, ERR_INVALID, "scope", "scopes are words with spaces between");
	if (r == 0 && i->default_role)
		r = check_role(tx, i, i->default_role, "default_role", e);
	VEC_FOREACH (entry, &i->role_map) {
		const char *equals = strrchr(*entry, '=');
		if (r == 0 && (equals == NULL || equals == *entry))
			r = err_field(
				e, ERR_INVALID, "role_map", "\"%.80s\" is not VALUE=ROLE", *entry);
		if (r == 0)
			r = check_role(tx, i, equals + 1, "role_map", e);
	}
	if (r == 0 && i->role_map.n > 0 && i->role_claim == NULL)
		r = err_field(e, ERR_INVALID, "role_claim", "say which claim role_map looks at");
	return r;
}

/* "client_secret" of the body: text sets it, null takes it away. */
static int store_secret(struct tx *tx, const struct call *c, const char *id, struct err *e)
{
	const char *text = json_str(c->body, "client_secret");
	if (json_get(c->body, "client_secret") == NULL)
		return 0;
	if (json_is_null(c->body, "client_secret"))
		return tx_secret_delete(tx, id, e);
	if (text == NULL || *text == '\0' || strlen(text) > CLIENT_SECRET_MAX)
		return err_field(e, ERR_INVALID, "client_secret",
			"a text of 1 to %d bytes, or null", CLIENT_SECRET_MAX);
	return secrets_put_bytes(tx, &c->control->keys, id, SECRET_SIGNON, text, strlen(text), e);
}

static int insert(struct tx *tx, struct call *c, struct err *e)
{
	struct json_writer w = {.out = &c->out};
	struct issuer i = {.enabled = true, .scope = mem_strdup("profile email")};
	int r = object_read(c->body, &schema_issuer, FIELD_SET, also, &i, e);
	if (r == 0)
		r = api_need_project(tx, c, e);
	id_make("iss", tx_now(tx), i.id);
	id_copy(i.project, c->project);
	i.created_at = tx_now(tx);
	if (r == 0)
		r = check(tx, c, &i, NULL, e);
	if (r == 0)
		r = change_store(tx, &schema_issuer, NULL, &i, c->who.id, "issuer.create", e);
	if (r == 0)
		r = store_secret(tx, c, i.id, e);
	if (r == 0)
		r = put(tx, &w, &i, e);
	schema_done(&schema_issuer, &i);
	return r;
}

void api_issuer_create(struct call *c)
{
	c->status = 201;
	api_write(c, insert, NULL);
}

static int update(struct tx *tx, struct call *c, struct err *e)
{
	struct json_writer w = {.out = &c->out};
	struct issuer before = {0}, after = {0};
	int r = api_change(tx, c, &schema_issuer, also, &before, &after, e);
	if (r == 0)
		r = check(tx, c, &after, &before, e);
	if (r == 0)
		r = change_store(
			tx, &schema_issuer, &before, &after, c->who.id, "issuer.update", e);
	if (r == 0)
		r = store_secret(tx, c, after.id, e);
	if (r == 0)
		r = put(tx, &w, &after, e);
	schema_done(&schema_issuer, &before);
	schema_done(&schema_issuer, &after);
	return r;
}

static void forget_then(struct call *c, void (*answer)(struct call *c))
{
	signon_forget(c->control->signon, c->id);
	answer(c);
}

static void answer_200(struct call *c)
{
	api_reply(c, 200);
}

static void changed(struct call *c)
{
	forget_then(c, answer_200);
}

void api_issuer_change(struct call *c)
{
	api_write(c, update, changed);
}

static int delete (struct tx *tx, struct call *c, struct err *e)
{
	struct issuer i = {0};
	int r = api_get(tx, c, &schema_issuer, c->id, &i, e);
	if (r == 0)
		r = api_refuse_holders(tx, &schema_user, "issuer", i.id, i.name, e);
	if (r == 0)
		r = tx_secret_delete(tx, i.id, e);
	if (r == 0)
		r = change_store(tx, &schema_issuer, &i, NULL, c->who.id, "issuer.delete", e);
	schema_done(&schema_issuer, &i);
	return r;
}

static void deleted(struct call *c)
{
	forget_then(c, api_deleted);
}

void api_issuer_delete(struct call *c)
{
	api_write(c, delete, deleted);
}
