/*
 * DOC: one's own account: who I am and what I may do, my password, my sessions, my second step.
 * Whatever weakens or replaces a way in takes the password again.
 */
#include "control/me.h"

#include "base/mem.h"
#include "control/api_handlers.h"
#include "control/attempts.h"
#include "control/second.h"
#include "control/setting.h"
#include "control/workers.h"
#include "crypto/password.h"
#include "crypto/totp.h"

#include <stdio.h>
#include <string.h>

/* --- who I am --------------------------------------------------------------------------------- */

static void put_permissions(struct json_writer *w, unsigned set)
{
	json_begin_array(w, "permissions");
	for (unsigned i = 0; permission_words[i] != NULL; i++)
		if (set >> i & 1)
			json_put_str(w, NULL, permission_words[i]);
	json_end_array(w);
}

/* The calls whose permission the caller holds somewhere, so that a panel can hide the rest. */
static void put_allowed(struct json_writer *w, unsigned held)
{
	json_begin_array(w, "can");
	for (size_t i = 0; i < n_api_routes; i++) {
		const struct api_route *route = api_routes[i].data;
		char text[128];
		if ((route->flags & (ROUTE_OPEN | ROUTE_SELF)) ||
			(route->permission & held) != route->permission)
			continue;
		snprintf(text, sizeof(text), "%s %s", api_routes[i].method, api_routes[i].path);
		json_put_str(w, NULL, text);
	}
	json_end_array(w);
}

void me_write(struct call *c)
{
	static const char *const kinds[] = {"nobody", "local", "user", "token"};
	const struct principal *p = &c->who;
	struct json_writer w = {.out = &c->out};
	json_begin_object(&w, NULL);
	json_put_str(&w, "kind", kinds[p->kind]);
	json_put_str(&w, "id", p->id);
	json_put_str(&w, "name", p->name);
	json_put_str(&w, "role", p->role);
	json_put_str(&w, "project", *p->project ? p->project : NULL);
	json_put_bool(&w, "must_change_password", p->must_change_password);
	json_put_bool(&w, "totp", p->totp);
	json_put_str(&w, "session", *p->session ? p->session : NULL);
	put_permissions(&w, rights_anywhere(&p->rights));
	json_begin_array(&w, "rights");
	for (size_t i = 0; i < p->rights.n; i++) {
		json_begin_object(&w, NULL);
		json_put_str(&w, "scope", *p->rights.v[i].scope ? p->rights.v[i].scope : NULL);
		put_permissions(&w, p->rights.v[i].permissions);
		json_end_object(&w);
	}
	json_end_array(&w);
	put_allowed(&w, rights_anywhere(&p->rights));
	json_end_object(&w);
}

void api_me(struct call *c)
{
	me_write(c);
	api_reply(c, 200);
}

/* --- my password ------------------------------------------------------------------------------ */

static int store_password(struct tx *tx, struct call *c, struct err *e)
{
	struct login *l = c->data;
	struct user before = {0}, after = {0};
	int r = tx_get(tx, &schema_user, c->who.id, &before, e);
	if (r == 0) {
		schema_copy(&schema_user, &after, &before);
		mem_free(after.password_hash);
		after.password_hash = mem_strdup(l->fresh_hash);
		after.must_change_password = false;
		r = change_store(tx, &schema_user, &before, &after, c->who.id, "user.password", e);
	}
	if (r == 0)
		r = drop_sessions(tx, c->who.id, c->who.session, e);
	schema_done(&schema_user, &before);
	schema_done(&schema_user, &after);
	return r;
}

static void password_stored(struct call *c)
{
	c->who.must_change_password = false;
	me_write(c);
	api_reply(c, 200);
}

/* On a worker: is it the password? Answers itself when not. */
static bool right_password(struct call *c, const char *field)
{
	struct login *l = c->data;
	if (password_check(l->user.password_hash, l->password)) {
		attempts_succeeded(c->control->attempts, l->address, l->name);
		return true;
	}
	login_refused(c, "wrong password while signed in");
	err_field(&c->err, ERR_DENIED, field, "the current password is wrong");
	api_fail(c);
	return false;
}

static void check_password(void *arg)
{
	struct call *c = arg;
	struct login *l = c->data;
	if (!right_password(c, "current"))
		return;
	password_hash(l->fresh, l->fresh_hash);
	api_write(c, store_password, password_stored);
}

/* Tokens and the local socket have no account. */
static bool is_user(struct call *c)
{
	if (c->who.kind == PRINCIPAL_USER)
		return true;
	err_set(&c->err, ERR_DENIED, "only a signed-in user has an account of their own");
	return false;
}

void api_me_password(struct call *c)
{
	const char *current = NULL, *fresh = NULL;
	if (is_user(c) && (current = want_text(c, "current", 1, PASSWORD_MAX)) &&
		(fresh = want_text(c, "password", PASSWORD_MIN, PASSWORD_MAX)) &&
		strcmp(current, fresh) == 0) {
		err_field(&c->err, ERR_INVALID, "password", "the new password is the old one");
		fresh = NULL;
	}
	if (fresh == NULL) {
		api_fail(c);
		return;
	}
	struct login *l = login_new(c, c->who.name);
	l->password = mem_strdup(current);
	l->fresh = mem_strdup(fresh);
	login_check(c, check_password);
}

/* --- my sessions ------------------------------------------------------------------------------ */

struct session_list {
	struct call *call;
	struct json_writer w;
	msec now, idle;
};

static int put_session(void *arg, const void *object)
{
	struct session_list *l = arg;
	const struct session *s = object;
	if (s->expires_at <= l->now || s->last_used + l->idle <= l->now)
		return 0;
	json_begin_object(&l->w, NULL);
	object_write(&l->w, &schema_session, s);
	json_put_bool(&l->w, "current", strcmp(s->id, l->call->who.session) == 0);
	json_end_object(&l->w);
	return 0;
}

static int list_sessions(struct tx *tx, void *arg, struct err *e)
{
	struct call *c = arg;
	struct session_list l = {.call = c,
		.w = {.out = &c->out},
		.now = tx_now(tx),
		.idle = setting_get(c->control->settings, SETTING_SESSION_IDLE) * 60 * 1000};
	struct tx_query q = {.filters = {{"user", c->who.id}}, .order = "created_at"};
	json_begin_object(&l.w, NULL);
	json_begin_array(&l.w, "items");
	int r = tx_list(tx, &schema_session, &q, put_session, &l, NULL, NULL, e);
	json_end_array(&l.w);
	json_end_object(&l.w);
	return r;
}

void api_me_sessions(struct call *c)
{
	if (!is_user(c) || store_read(c->control->store, list_sessions, c, &c->err) < 0)
		api_fail(c);
	else
		api_reply(c, 200);
}

static int end_session(struct tx *tx, struct call *c, struct err *e)
{
	struct session s = {0};
	int r = tx_get(tx, &schema_session, c->id, &s, e);
	if (r == 0 && strcmp(s.user, c->who.id) != 0)
		r = ERR_NOT_FOUND;
	if (r == 0)
		r = tx_delete(tx, &schema_session, s.id, e);
	if (r == 0)
		r = tx_audit(tx, c->who.project, c->who.id, "session.end", s.id, "", e);
	schema_done(&schema_session, &s);
	return r == ERR_NOT_FOUND ? err_set(e, r, "no session \"%s\"", c->id) : r;
}

void api_me_session_end(struct call *c)
{
	if (is_user(c))
		api_write(c, end_session, api_deleted);
	else
		api_fail(c);
}

static int end_others(struct tx *tx, struct call *c, struct err *e)
{
	int r = drop_sessions(tx, c->who.id, c->who.session, e);
	return r < 0 ? r
		     : tx_audit(tx, c->who.project, c->who.id, "session.end", c->who.id,
			       "all others", e);
}

void api_me_sessions_end(struct call *c)
{
	if (is_user(c))
		api_write(c, end_others, api_deleted);
	else
		api_fail(c);
}

/* --- my second step --------------------------------------------------------------------------- */

/* Load the user, let change_second have it, store it with that line in the audit log. */
static int change_me(struct tx *tx, struct call *c, const char *action,
	int (*fn)(struct tx *tx, struct call *c, struct user *u, struct err *e), struct err *e)
{
	struct user before = {0}, after = {0};
	int r = tx_get(tx, &schema_user, c->who.id, &before, e);
	if (r == 0) {
		schema_copy(&schema_user, &after, &before);
		r = fn(tx, c, &after, e);
	}
	if (r == 0)
		r = change_store(tx, &schema_user, &before, &after, c->who.id, action, e);
	schema_done(&schema_user, &before);
	schema_done(&schema_user, &after);
	return r;
}

static int begin_totp(struct tx *tx, struct call *c, struct err *e)
{
	struct login *l = c->data;
	struct user u = {0};
	int r = tx_get(tx, &schema_user, c->who.id, &u, e);
	if (r == 0)
		r = second_begin(tx, c->control, &u, &l->secret, e);
	if (r == 0)
		r = tx_audit(tx, u.project, u.id, "user.totp_begin", u.id, u.name, e);
	schema_done(&schema_user, &u);
	return r;
}

static void totp_begun(struct call *c)
{
	struct login *l = c->data;
	CLEANUP(buf_wipe) struct buf text = {0}, uri = {0};
	struct json_writer w = {.out = &c->out};
	totp_text(&l->secret, &text);
	totp_uri(&l->secret, "Warren", l->name, &uri);
	json_begin_object(&w, NULL);
	json_put_str(&w, "secret", buf_str(&text));
	json_put_str(&w, "uri", buf_str(&uri));
	json_end_object(&w);
	secret_wipe(&l->secret);
	api_reply(c, 200);
}

static void check_begin(void *arg)
{
	struct call *c = arg;
	if (right_password(c, "password"))
		api_write(c, begin_totp, totp_begun);
}

/* Calls that take the password again, and a code where there is one. */
static void with_password(struct call *c, void (*fn)(void *arg))
{
	const char *password = is_user(c) ? want_text(c, "password", 1, PASSWORD_MAX) : NULL;
	const char *code = NULL;
	bool has_code = password != NULL && json_get(c->body, "code") != NULL;
	if (has_code)
		code = want_text(c, "code", 1, CODE_MAX);
	if (password == NULL || (has_code && code == NULL)) {
		api_fail(c);
		return;
	}
	struct login *l = login_new(c, c->who.name);
	l->password = mem_strdup(password);
	l->code = mem_strdup(code);
	login_check(c, fn);
}

void api_me_totp(struct call *c)
{
	with_password(c, check_begin);
}

static int confirm(struct tx *tx, struct call *c, struct user *u, struct err *e)
{
	struct login *l = c->data;
	CLEANUP(buf_wipe) struct buf codes = {0};
	int r = second_confirm(tx, c->control, u, l->code, &codes, e);
	if (r == 0)
		r = drop_sessions(tx, u->id, c->who.session, e);
	if (r == 0)
		buf_addf(&c->out, "{\"recovery_codes\":%s}", buf_str(&codes));
	return r;
}

static int confirm_job(struct tx *tx, struct call *c, struct err *e)
{
	return change_me(tx, c, "user.totp_on", confirm, e);
}

static void confirmed(struct call *c)
{
	attempts_code_succeeded(c->control->attempts, c->who.id);
	api_reply(c, 200);
}

void api_me_totp_confirm(struct call *c)
{
	const char *code = is_user(c) ? want_text(c, "code", 1, CODE_MAX) : NULL;
	msec wait = code ? attempts_take_code(c->control->attempts, c->who.id) : 0;
	if (code == NULL) {
		api_fail(c);
	} else if (wait > 0) {
		api_wait(c, wait);
	} else {
		struct login *l = login_new(c, c->who.name);
		l->code = mem_strdup(code);
		api_write(c, confirm_job, confirmed);
	}
}

/* Who weakens a way in shows all of it: a password alone may have been read off a keyboard. */
static int drop(struct tx *tx, struct call *c, struct user *u, struct err *e)
{
	struct login *l = c->data;
	int r = 0;
	if (u->totp && l->code == NULL)
		return err_field(e, ERR_DENIED, "code",
			"a code of the authenticator is needed, or a recovery code");
	if (u->totp)
		r = second_check(tx, c->control, u, l->code, e);
	if (r == ERR_UNAUTHORIZED) {
		login_refused(c, "wrong code while signed in");
		return err_field(e, ERR_DENIED, "code", "this code is not valid");
	}
	return r < 0 ? r : second_drop(tx, u, e);
}

static int drop_job(struct tx *tx, struct call *c, struct err *e)
{
	return change_me(tx, c, "user.totp_off", drop, e);
}

static void dropped(struct call *c)
{
	attempts_code_succeeded(c->control->attempts, c->who.id);
	c->who.totp = false;
	me_write(c);
	api_reply(c, 200);
}

static void check_drop(void *arg)
{
	struct call *c = arg;
	struct login *l = c->data;
	if (!right_password(c, "password"))
		return;
	msec wait = l->code ? attempts_take_code(c->control->attempts, c->who.id) : 0;
	if (wait > 0)
		api_wait(c, wait);
	else
		api_write(c, drop_job, dropped);
}

void api_me_totp_off(struct call *c)
{
	with_password(c, check_drop);
}
