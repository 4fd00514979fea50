/*
 * DOC: signing in and out, and one's own password. Argon2id runs on the workers. A wrong name costs
 * the same time and gets the same answer as a wrong password.
 */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "control/attempts.h"
#include "control/workers.h"
#include "crypto/password.h"
#include "crypto/token.h"

#include <stdio.h>
#include <string.h>

/* What a login or a change of password works on, from thread to thread. */
struct login {
	char *name, *password, *fresh; /* fresh: the new password, or NULL */
	char address[64];
	struct user user; /* id "" = nobody by that name */
	struct buf cookie;
	char fresh_hash[PASSWORD_HASH_LEN];
};

static void free_text(char *text)
{
	if (text)
		mem_wipe(text, strlen(text));
	mem_free(text);
}

static void login_free(void *data)
{
	struct login *l = data;
	mem_free(l->name);
	free_text(l->password);
	free_text(l->fresh);
	schema_done(&schema_user, &l->user);
	buf_wipe(&l->cookie);
	mem_free(l);
}

static int find_user(struct tx *tx, void *arg, struct err *e)
{
	struct login *l = arg;
	int r = tx_find(tx, &schema_user, &l->user, e, "name", l->name, NULL);
	return r == ERR_NOT_FOUND ? 0 : r;
}

/* A text member of the body within bounds; NULL and the error set otherwise. */
static const char *want(struct call *c, const char *field, size_t min, size_t max)
{
	const char *text = json_str(c->body, field);
	if (text && strlen(text) >= min && strlen(text) <= max)
		return text;
	err_field(&c->err, ERR_INVALID, field, "%s is a text of %zu to %zu bytes", field, min, max);
	return NULL;
}

static int insert_session(struct tx *tx, struct call *c, struct err *e)
{
	struct login *l = c->data;
	char hex[HASH_HEX_LEN];
	struct session s = {.created_at = tx_now(tx), .expires_at = tx_now(tx) + SESSION_LIFETIME};
	id_make("ses", tx_now(tx), s.id);
	id_copy(s.user, l->user.id);
	s.hash = (char *)(uintptr_t)token_hash_hex(buf_str(&l->cookie), hex);
	int r = sweep_sessions(tx, e);
	if (r == 0)
		r = tx_insert(tx, &schema_session, &s, e);
	if (r == 0) {
		static const char *const names[] = {"last_login", NULL};
		l->user.last_login = tx_now(tx);
		r = tx_touch(tx, &schema_user, &l->user, names, e);
	}
	if (r == 0)
		r = tx_audit(tx, l->user.project, l->user.id, "session.login", s.id, l->address, e);
	return r;
}

/* The calls this caller's role allows, so that a panel can hide the rest. */
static void put_allowed(struct json_writer *w, const struct principal *p)
{
	json_begin_array(w, "can");
	for (size_t i = 0; i < n_api_routes; i++) {
		const struct api_route *route = api_routes[i].data;
		char text[128];
		if ((route->flags & (ROUTE_OPEN | ROUTE_SELF)) || p->role < route->role)
			continue;
		snprintf(text, sizeof(text), "%s %s", api_routes[i].method, api_routes[i].path);
		json_put_str(w, NULL, text);
	}
	json_end_array(w);
}

static void write_me(struct call *c, const struct principal *p)
{
	static const char *const kinds[] = {"nobody", "local", "user", "token"};
	struct json_writer w = {.out = &c->out};
	json_begin_object(&w, NULL);
	json_put_str(&w, "kind", kinds[p->kind]);
	json_put_str(&w, "id", p->id);
	json_put_str(&w, "name", p->name);
	json_put_str(&w, "role", user_role_words[p->role]);
	json_put_str(&w, "project", *p->project ? p->project : NULL);
	json_put_bool(&w, "must_change_password", p->must_change_password);
	put_allowed(&w, p);
	json_end_object(&w);
}

static void set_cookie(struct call *c, const char *value, long age)
{
	CLEANUP(buf_wipe) struct buf b = {0};
	buf_addf(&b, "%s=%s; Path=/; Max-Age=%ld; HttpOnly; SameSite=Strict%s", SESSION_COOKIE,
		value, age, http_is_tls(c->rq) ? "; Secure" : "");
	api_header(c, "Set-Cookie", buf_str(&b));
}

static void logged_in(struct call *c)
{
	struct login *l = c->data;
	struct principal p = {.kind = PRINCIPAL_USER, .role = l->user.role};
	id_copy(p.id, l->user.id);
	id_copy(p.project, l->user.project);
	snprintf(p.name, sizeof(p.name), "%s", l->user.name);
	p.must_change_password = l->user.must_change_password;
	write_me(c, &p);
	set_cookie(c, buf_str(&l->cookie), (long)(SESSION_LIFETIME / 1000));
	attempts_succeeded(c->control->attempts, l->address, l->name);
	api_reply(c, 200);
}

static void check_login(void *arg)
{
	struct call *c = arg;
	struct login *l = c->data;
	if (!password_check(l->user.password_hash, l->password) || !l->user.enabled) {
		err_set(&c->err, ERR_UNAUTHORIZED, "name or password is wrong");
		api_fail(c);
		return;
	}
	token_make(TOKEN_SESSION, &l->cookie);
	api_write(c, insert_session, logged_in);
}

/* Give the login's slow part to a worker; wait > 0 means "come back later". */
static void start_check(struct call *c, void (*fn)(void *arg))
{
	struct login *l = c->data;
	msec wait = attempts_take(c->control->attempts, l->address, l->name);
	if (wait > 0) {
		char seconds[24];
		snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait + 999) / 1000);
		api_header(c, "Retry-After", seconds);
		err_set(&c->err, ERR_EXHAUSTED, "too many attempts: wait %s seconds", seconds);
		api_fail_status(c, 429);
		return;
	}
	if (store_read(c->control->store, find_user, l, &c->err) < 0 ||
		workers_run(c->control->workers, fn, c, &c->err) < 0)
		api_fail(c);
}

void api_login(struct call *c)
{
	const char *name = want(c, "name", 1, NAME_BYTES - 1);
	const char *password = name ? want(c, "password", 1, PASSWORD_MAX) : NULL;
	if (password && auth_browser_check(c->control, c->rq, &c->err) == 0) {
		struct login *l = NEW(struct login);
		l->name = mem_strdup(name);
		l->password = mem_strdup(password);
		snprintf(l->address, sizeof(l->address), "%s", http_peer(c->rq));
		c->data = l;
		c->free_data = login_free;
		start_check(c, check_login);
		return;
	}
	api_fail(c);
}

static int delete_session(struct tx *tx, struct call *c, struct err *e)
{
	int r = tx_delete(tx, &schema_session, c->who.session, e);
	if (r == 0)
		r = tx_audit(
			tx, c->who.project, c->who.id, "session.logout", c->who.session, "", e);
	return r;
}

static void logged_out(struct call *c)
{
	set_cookie(c, "", 0);
	buf_adds(&c->out, "{\"status\":\"signed out\"}");
	api_reply(c, 200);
}

void api_logout(struct call *c)
{
	if (c->who.session[0])
		api_write(c, delete_session, logged_out);
	else
		logged_out(c);
}

void api_me(struct call *c)
{
	write_me(c, &c->who);
	api_reply(c, 200);
}

/* --- one's own password ----------------------------------------------------------------------- */

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
	struct login *l = c->data;
	attempts_succeeded(c->control->attempts, l->address, l->name);
	c->who.must_change_password = false;
	write_me(c, &c->who);
	api_reply(c, 200);
}

static void check_password(void *arg)
{
	struct call *c = arg;
	struct login *l = c->data;
	if (!password_check(l->user.password_hash, l->password)) {
		err_field(&c->err, ERR_DENIED, "current", "the current password is wrong");
		api_fail(c);
		return;
	}
	password_hash(l->fresh, l->fresh_hash);
	api_write(c, store_password, password_stored);
}

void api_me_password(struct call *c)
{
	const char *current = NULL, *fresh = NULL;
	if (c->who.kind != PRINCIPAL_USER)
		err_set(&c->err, ERR_DENIED, "only a signed-in user has a password");
	else if ((current = want(c, "current", 1, PASSWORD_MAX)) &&
		(fresh = want(c, "password", PASSWORD_MIN, PASSWORD_MAX)) &&
		strcmp(current, fresh) == 0)
		fresh = (err_field(&c->err, ERR_INVALID, "password",
				 "the new password is the old one"),
			NULL);
	if (fresh == NULL) {
		api_fail(c);
		return;
	}
	struct login *l = NEW(struct login);
	l->name = mem_strdup(c->who.name);
	l->password = mem_strdup(current);
	l->fresh = mem_strdup(fresh);
	snprintf(l->address, sizeof(l->address), "%s", http_peer(c->rq));
	c->data = l;
	c->free_data = login_free;
	start_check(c, check_password);
}
