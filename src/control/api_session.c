/*
 * DOC: signing in and out. Argon2id runs on the workers. A wrong name costs the same time and gets
 * the same answer as a wrong password. Who has a second step is asked for a code (field "code")
 * once the password was right.
 */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "base/text.h"
#include "control/attempts.h"
#include "control/failures.h"
#include "control/me.h"
#include "control/second.h"
#include "control/setting.h"
#include "control/workers.h"
#include "crypto/password.h"
#include "crypto/token.h"

#include <stdio.h>
#include <string.h>

static void login_free(void *data)
{
	struct login *l = data;
	mem_free(l->name);
	text_forget(l->password);
	text_forget(l->fresh);
	text_forget(l->code);
	schema_done(&schema_user, &l->user);
	buf_wipe(&l->cookie);
	mem_free(l);
}

struct login *login_new(struct call *c, const char *name)
{
	struct login *l = NEW(struct login);
	l->name = mem_strdup(name);
	snprintf(l->address, sizeof(l->address), "%s", http_peer(c->rq));
	c->data = l;
	c->free_data = login_free;
	return l;
}

void text_forget(char *text)
{
	if (text)
		mem_wipe(text, strlen(text));
	mem_free(text);
}

static int find_user(struct tx *tx, void *arg, struct err *e)
{
	struct login *l = arg;
	int r = tx_find(tx, &schema_user, &l->user, e, "name", l->name, NULL);
	return r == ERR_NOT_FOUND ? 0 : r;
}

const char *want_text(struct call *c, const char *field, size_t min, size_t max)
{
	const char *text = json_str(c->body, field);
	if (text && strlen(text) >= min && strlen(text) <= max)
		return text;
	err_field(&c->err, ERR_INVALID, field, "%s is a text of %zu to %zu bytes", field, min, max);
	return NULL;
}

/* --- the session ------------------------------------------------------------------------------ */

int session_open(struct tx *tx, struct call *c, const char *how, struct err *e)
{
	struct login *l = c->data;
	char hex[HASH_HEX_LEN];
	const char *agent = http_header(c->rq, "User-Agent");
	uint64_t failed = failures_forget(c->control->failures, l->user.id);
	AUTOFREE char *detail = failed > 0 ? mem_printf("%s, %s, after %llu failures", l->address,
						     how, (unsigned long long)failed)
					   : mem_printf("%s, %s", l->address, how);
	struct session s = {.created_at = tx_now(tx),
		.last_used = tx_now(tx),
		.expires_at = tx_now(tx) +
			setting_get(c->control->settings, SETTING_SESSION_LIFE) * 3600 * 1000,
		.address = l->address};
	AUTOFREE char *browser =
		agent && text_printable(agent) >= 0 ? mem_strndup(agent, 200) : NULL;
	s.agent = browser;
	token_make(TOKEN_SESSION, &l->cookie);
	id_make("ses", tx_now(tx), s.id);
	id_copy(s.user, l->user.id);
	s.hash = (char *)(uintptr_t)token_hash_hex(buf_str(&l->cookie), hex);
	int r = sweep_sessions(tx, e);
	if (r == 0)
		r = tx_insert(tx, &schema_session, &s, e);
	if (r == 0) {
		static const char *const names[] = {"last_login", "totp_step", "recovery", NULL};
		l->user.last_login = tx_now(tx);
		r = tx_touch(tx, &schema_user, &l->user, names, e);
	}
	if (r == 0)
		r = tx_audit(tx, l->user.project, l->user.id, "session.login", s.id, detail, e);
	if (r == 0)
		auth_user(tx, &l->user, &c->who);
	return r;
}

void session_cookie(struct call *c, const char *value, long age)
{
	CLEANUP(buf_wipe) struct buf b = {0};
	buf_addf(&b, "%s=%s; Path=/; Max-Age=%ld; HttpOnly; SameSite=Strict%s", SESSION_COOKIE,
		value, age, http_is_tls(c->rq) ? "; Secure" : "");
	api_header(c, "Set-Cookie", buf_str(&b));
}

void session_cookie_new(struct call *c)
{
	struct login *l = c->data;
	session_cookie(c, buf_str(&l->cookie),
		(long)(setting_get(c->control->settings, SETTING_SESSION_LIFE) * 3600));
}

/* --- signing in ------------------------------------------------------------------------------- */

/* A failed login for the audit log, if it is one of those that are written down. */
struct refusal {
	id_text project, user;
	char *detail;
};

static int store_refusal(struct tx *tx, void *arg, struct err *e)
{
	struct refusal *f = arg;
	return tx_audit(tx, f->project, f->user, "session.refused", f->user, f->detail, e);
}

static void refusal_stored(void *arg, int result, const struct err *e)
{
	struct refusal *f = arg;
	mem_free(f->detail);
	mem_free(f);
}

void login_refused(struct call *c, const char *what)
{
	struct login *l = c->data;
	uint64_t n = failures_note(c->control->failures, l->user.id);
	if (n == 0)
		return;
	struct refusal *f = NEW(struct refusal);
	id_copy(f->project, l->user.project);
	id_copy(f->user, l->user.id);
	f->detail =
		mem_printf("%s, %s, %llu within the hour", l->address, what, (unsigned long long)n);
	store_write(c->control->store, store_refusal, f, refusal_stored);
}

static void logged_in(struct call *c)
{
	struct login *l = c->data;
	me_write(c);
	session_cookie_new(c);
	attempts_succeeded(c->control->attempts, l->address, l->name);
	if (l->code)
		attempts_code_succeeded(c->control->attempts, l->user.id);
	api_reply(c, 200);
}

/* The user may have changed since the password was looked at. */
static int sign_in(struct tx *tx, struct call *c, struct err *e)
{
	struct login *l = c->data;
	struct user now = {0};
	int r = tx_get(tx, &schema_user, l->user.id, &now, e);
	if (r == 0 &&
		(!now.enabled || !now.password_hash ||
			strcmp(now.password_hash, l->user.password_hash) != 0))
		r = ERR_NOT_FOUND;
	if (r < 0) {
		schema_done(&schema_user, &now);
		return r == ERR_NOT_FOUND
			? err_set(e, ERR_UNAUTHORIZED, "name or password is wrong")
			: r;
	}
	schema_done(&schema_user, &l->user);
	l->user = now;
	if (now.totp && l->code == NULL)
		return err_field(e, ERR_UNAUTHORIZED, "code",
			"a code of the authenticator is needed, or a recovery code");
	if (now.totp)
		r = second_check(tx, c->control, &l->user, l->code, e);
	return r < 0
		? r
		: session_open(tx, c, l->code && now.totp ? "password and code" : "password", e);
}

static int sign_in_or_tell(struct tx *tx, struct call *c, struct err *e)
{
	struct login *l = c->data;
	int r = sign_in(tx, c, e);
	if (r == ERR_UNAUTHORIZED && l->code)
		login_refused(c, "wrong code");
	return r;
}

static void check_login(void *arg)
{
	struct call *c = arg;
	struct login *l = c->data;
	if (!password_check(l->user.password_hash, l->password) || !l->user.enabled) {
		login_refused(c, l->user.id[0] ? "wrong password" : "unknown name");
		err_set(&c->err, ERR_UNAUTHORIZED, "name or password is wrong");
		api_fail(c);
		return;
	}
	msec wait = 0;
	if (l->user.totp && l->code)
		wait = attempts_take_code(c->control->attempts, l->user.id);
	if (l->user.totp && !l->code) /* the first half of a login that goes well */
		attempts_succeeded(c->control->attempts, l->address, l->name);
	if (wait > 0)
		api_wait(c, wait);
	else
		api_write(c, sign_in_or_tell, logged_in);
}

void login_check(struct call *c, void (*fn)(void *arg))
{
	struct login *l = c->data;
	msec wait = attempts_take(c->control->attempts, l->address, l->name);
	if (wait > 0)
		api_wait(c, wait);
	else if (store_read(c->control->store, find_user, l, &c->err) < 0 ||
		workers_run(c->control->workers, fn, c, &c->err) < 0)
		api_fail(c);
}

void api_login(struct call *c)
{
	const char *name = want_text(c, "name", 1, NAME_BYTES - 1);
	const char *password = name ? want_text(c, "password", 1, PASSWORD_MAX) : NULL;
	const char *code = json_str(c->body, "code");
	if (password && code && strlen(code) > CODE_MAX)
		password = want_text(c, "code", 1, CODE_MAX);
	if (password && auth_browser_check(c->control, c->rq, &c->err) == 0) {
		struct login *l = login_new(c, name);
		l->password = mem_strdup(password);
		l->code = code && *code ? mem_strdup(code) : NULL;
		login_check(c, check_login);
		return;
	}
	api_fail(c);
}

/* --- signing out ------------------------------------------------------------------------------ */

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
	session_cookie(c, "", 0);
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
