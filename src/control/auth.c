/*
 * DOC: see auth.h. A bearer needs no Host or Origin check: no browser sends one by itself. A cookie
 * does, so requests that carry only a cookie are believed under a known Host, from our own origin,
 * and, when they change something, as JSON (which no plain HTML form can send).
 */
#include "control/auth.h"

#include "base/mem.h"
#include "control/setting.h"
#include "crypto/token.h"
#include "http/server.h"
#include "model/prefix.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define MINUTE ((msec)60 * 1000)
#define TOUCH_EVERY MINUTE /* how fine last_used is kept */

void auth_host_only(const char *host, char *ret, size_t size)
{
	const char *end = host + strlen(host);
	if (*host == '[') {
		host++;
		const char *close = strchr(host, ']');
		end = close ? close : end;
	} else {
		const char *colon = strrchr(host, ':');
		if (colon && strchr(host, ':') == colon)
			end = colon;
	}
	snprintf(ret, size, "%.*s", (int)(end - host), host);
}

static bool in_list(const char *list, const char *name)
{
	size_t n = strlen(name);
	while (list && *list) {
		list += strspn(list, ", ");
		size_t item = strcspn(list, ", ");
		if (item == n && n > 0 && strncasecmp(list, name, n) == 0)
			return true;
		list += item;
	}
	return false;
}

bool auth_host_allowed(const struct control *c, const char *host)
{
	char name[256], own[256];
	struct addr addr;
	if (host == NULL)
		return false;
	auth_host_only(host, name, sizeof(name));
	/* An address cannot be rebound by somebody's DNS. */
	if (addr_parse(name, &addr) == 0 || strcasecmp(name, "localhost") == 0)
		return true;
	if (c->options.listen) {
		auth_host_only(c->options.listen, own, sizeof(own));
		if (strcasecmp(name, own) == 0)
			return true;
	}
	if (gethostname(own, sizeof(own)) == 0) {
		own[sizeof(own) - 1] = '\0';
		if (strcasecmp(name, own) == 0)
			return true;
	}
	return in_list(c->options.allowed_hosts, name);
}

struct auth_job {
	char hash[HASH_HEX_LEN];
	struct control *control;
	struct principal *ret;
	/* what was used, when the time noted in it is old; id "" = none */
	struct token token;
	struct session session;
};

static int touch_token(struct tx *tx, void *arg, struct err *e)
{
	static const char *const names[] = {"last_used", NULL};
	return tx_touch(tx, &schema_token, arg, names, e);
}

static void token_touched(void *arg, int result, const struct err *e)
{
	schema_free(&schema_token, arg);
}

static int touch_session(struct tx *tx, void *arg, struct err *e)
{
	static const char *const names[] = {"last_used", NULL};
	return tx_touch(tx, &schema_session, arg, names, e);
}

static void session_touched(void *arg, int result, const struct err *e)
{
	schema_free(&schema_session, arg);
}

static void put_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

void auth_user(struct tx *tx, const struct user *u, struct principal *p)
{
	p->kind = PRINCIPAL_USER;
	p->must_change_password = u->must_change_password;
	p->totp = u->totp;
	id_copy(p->id, u->id);
	id_copy(p->behind, u->id);
	id_copy(p->project, u->project);
	put_text(p->name, sizeof(p->name), u->name);
	put_text(p->role, sizeof(p->role), u->role);
	rights_load(tx, u->project, u->role, &u->scopes, &u->grants, &p->rights);
}

/* A token acts for the user who made it: never without them, never with more than they hold. */
static int limit_by_creator(
	struct tx *tx, const struct token *t, struct principal *p, struct err *e)
{
	struct user u = {0};
	struct rights theirs;
	int r;
	if (t->created_by == NULL || !id_valid(t->created_by, "usr"))
		return 0; /* made on the server's own machine */
	r = tx_get(tx, &schema_user, t->created_by, &u, e);
	if (r == 0 && u.enabled) {
		rights_load(tx, u.project, u.role, &u.scopes, &u.grants, &theirs);
		rights_limit(&p->rights, &theirs);
	} else if (r == 0 || r == ERR_NOT_FOUND) {
		r = err_set(
			e, ERR_UNAUTHORIZED, "the user who made this token is disabled or gone");
	}
	schema_done(&schema_user, &u);
	return r;
}

static int by_token(struct tx *tx, const struct token *t, struct principal *p, struct err *e)
{
	if (t->kind != TOKEN_KIND_API || (t->expires_at != 0 && t->expires_at <= tx_now(tx)))
		return err_set(e, ERR_UNAUTHORIZED, "this token has expired");
	p->kind = PRINCIPAL_TOKEN;
	put_text(p->role, sizeof(p->role), t->role);
	rights_load(tx, t->project, t->role, &t->scopes, &t->grants, &p->rights);
	id_copy(p->id, t->id);
	put_text(p->behind, sizeof(p->behind), t->created_by);
	id_copy(p->project, t->project);
	put_text(p->name, sizeof(p->name), t->name);
	return limit_by_creator(tx, t, p, e);
}

static int token_job(struct tx *tx, void *arg, struct err *e)
{
	struct auth_job *job = arg;
	struct token t = {0};
	int r = tx_find(tx, &schema_token, &t, e, "hash", job->hash, NULL);
	if (r == 0)
		r = by_token(tx, &t, job->ret, e);
	if (r < 0) {
		schema_done(&schema_token, &t);
		return r;
	}
	if (t.last_used + TOUCH_EVERY <= tx_now(tx)) {
		t.last_used = tx_now(tx);
		job->token = t;
	} else {
		schema_done(&schema_token, &t);
	}
	return 0;
}

static int by_session(struct tx *tx, const struct control *c, const struct session *s,
	struct principal *p, struct err *e)
{
	struct user u = {0};
	if (s->expires_at <= tx_now(tx) ||
		s->last_used + setting_get(c->settings, SETTING_SESSION_IDLE) * MINUTE <=
			tx_now(tx))
		return err_set(e, ERR_UNAUTHORIZED, "this session has expired");
	int r = tx_get(tx, &schema_user, s->user, &u, e);
	if (r == 0 && !u.enabled)
		r = err_set(e, ERR_UNAUTHORIZED, "this user is disabled");
	if (r == 0) {
		p->kind = PRINCIPAL_USER;
		auth_user(tx, &u, p);
		id_copy(p->session, s->id);
	}
	schema_done(&schema_user, &u);
	return r;
}

static int session_job(struct tx *tx, void *arg, struct err *e)
{
	struct auth_job *job = arg;
	struct session s = {0};
	int r = tx_find(tx, &schema_session, &s, e, "hash", job->hash, NULL);
	if (r == 0)
		r = by_session(tx, job->control, &s, job->ret, e);
	if (r == 0 && s.last_used + TOUCH_EVERY <= tx_now(tx)) {
		s.last_used = tx_now(tx);
		job->session = s;
	} else {
		schema_done(&schema_session, &s);
	}
	return r;
}

/* Who the credentials of job->ret stand for now. */
static int again_job(struct tx *tx, void *arg, struct err *e)
{
	struct auth_job *job = arg;
	struct session s = {0};
	struct token t = {0};
	int r;
	if (job->ret->kind == PRINCIPAL_TOKEN) {
		r = tx_get(tx, &schema_token, job->ret->id, &t, e);
		r = r < 0 ? r : by_token(tx, &t, job->ret, e);
		schema_done(&schema_token, &t);
	} else {
		r = tx_get(tx, &schema_session, job->ret->session, &s, e);
		r = r < 0 ? r : by_session(tx, job->control, &s, job->ret, e);
		schema_done(&schema_session, &s);
	}
	return r;
}

bool auth_still(struct control *c, const struct principal *was)
{
	struct principal now = *was;
	struct auth_job job = {.control = c, .ret = &now};
	struct err e;
	if (was->kind == PRINCIPAL_LOCAL)
		return true;
	return store_read(c->store, again_job, &job, &e) == 0 &&
		rights_contain(&now.rights, &was->rights, &e) == 0 && !now.must_change_password &&
		strcmp(now.project, was->project) == 0;
}

static int unknown(int r, struct err *e)
{
	if (r == ERR_NOT_FOUND)
		return err_set(e, ERR_UNAUTHORIZED, "these credentials are not valid");
	return r;
}

static int by_bearer(struct control *c, const char *text, struct principal *ret, struct err *e)
{
	struct auth_job job = {.control = c, .ret = ret};
	token_hash_hex(text, job.hash);
	int r = unknown(store_read(c->store, token_job, &job, e), e);
	if (r == 0 && job.token.id[0])
		store_write(c->store, touch_token, mem_dup(&job.token, sizeof(job.token)),
			token_touched);
	return r;
}

static bool changes(const struct http_request *rq)
{
	const char *method = http_method(rq);
	return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

/* "https://HOST" where HOST is the Host header of this very request. */
static bool own_origin(const struct http_request *rq, const char *origin)
{
	const char *scheme = http_is_tls(rq) ? "https://" : "http://";
	size_t n = strlen(scheme);
	const char *host = http_header(rq, "Host");
	return host && strncasecmp(origin, scheme, n) == 0 && strcasecmp(origin + n, host) == 0;
}

int auth_browser_check(const struct control *c, const struct http_request *rq, struct err *e)
{
	uid_t uid;
	if (http_peer_uid(rq, &uid) == 0)
		return 0;
	if (!auth_host_allowed(c, http_header(rq, "Host")))
		return err_field(e, ERR_DENIED, "Host",
			"this server does not answer browsers under that host name");
	const char *origin = http_header(rq, "Origin");
	if (changes(rq) && origin && !own_origin(rq, origin))
		return err_field(e, ERR_DENIED, "Origin", "this call comes from another site");
	return 0;
}

static int by_cookie(struct control *c, const struct http_request *rq, const char *cookie,
	struct principal *ret, struct err *e)
{
	int r = auth_browser_check(c, rq, e);
	if (r < 0)
		return r;
	struct auth_job job = {.control = c, .ret = ret};
	token_hash_hex(cookie, job.hash);
	r = unknown(store_read(c->store, session_job, &job, e), e);
	if (r == 0 && job.session.id[0])
		store_write(c->store, touch_session, mem_dup(&job.session, sizeof(job.session)),
			session_touched);
	return r;
}

int auth_principal(
	struct control *c, const struct http_request *rq, struct principal *ret, struct err *e)
{
	struct principal p = {0};
	int r;
	uid_t uid;
	const char *authorization = http_header(rq, "Authorization");
	const char *cookie = http_cookie(rq, SESSION_COOKIE);
	if (authorization) {
		if (strncasecmp(authorization, "Bearer ", 7) != 0)
			return err_set(e, ERR_UNAUTHORIZED, "use Authorization: Bearer TOKEN");
		r = by_bearer(c, authorization + 7, &p, e);
	} else if (http_peer_uid(rq, &uid) == 0) {
		if (uid != 0 && uid != getuid())
			return err_set(e, ERR_UNAUTHORIZED,
				"only root and the server's own user may use this socket");
		p.kind = PRINCIPAL_LOCAL;
		strcpy(p.role, ROLE_SYSTEM_ADMIN);
		p.rights = (struct rights){.v = {{.permissions = PERM_ALL}}, .n = 1};
		strcpy(p.id, "local");
		strcpy(p.behind, "local");
		strcpy(p.name, "local");
		r = 0;
	} else if (cookie) {
		r = by_cookie(c, rq, cookie, &p, e);
	} else {
		return err_set(e, ERR_UNAUTHORIZED, "sign in, or send an API token");
	}
	if (r == 0)
		*ret = p;
	return r;
}
