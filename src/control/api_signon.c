/*
 * DOC: signing in by an issuer, as browsers see it: buttons, leaving, coming back. Coming back ends
 * in a page, not in a redirect: only what this page then opens counts as our own and gets the
 * session's SameSite=Strict cookie; it goes to "/" and nowhere else.
 */
#include "control/me.h"

#include "base/mem.h"
#include "base/text.h"
#include "control/attempts.h"
#include "control/secrets.h"
#include "control/signon.h"
#include "control/workers.h"
#include "crypto/token.h"
#include "model/names.h"
#include "model/validate.h"

#include <stdio.h>
#include <string.h>

#define CODE_BYTES_MAX 4096
#define CALLBACK "/api/v1/login/callback"
#define NOTE_MAX 200

/* A sign-in under way; the login's own part first, for session_open. */
struct journey {
	struct login login;
	struct issuer issuer;
	struct buf secret;
	struct trip trip;
	char *code, *said;
	struct json_doc *claims;
};

static void journey_free(void *data)
{
	struct journey *j = data;
	schema_done(&schema_user, &j->login.user);
	buf_wipe(&j->login.cookie);
	schema_done(&schema_issuer, &j->issuer);
	buf_wipe(&j->secret);
	mem_wipe(&j->trip, sizeof(j->trip));
	text_forget(j->code);
	mem_free(j->said);
	json_free(j->claims);
	mem_free(j);
}

static struct journey *journey_new(struct call *c)
{
	struct journey *j = NEW(struct journey);
	snprintf(j->login.address, sizeof(j->login.address), "%s", http_peer(c->rq));
	c->data = j;
	c->free_data = journey_free;
	return j;
}

/* --- buttons ---------------------------------------------------------------------------------- */

static int put_button(void *arg, const void *object)
{
	const struct issuer *i = object;
	struct json_writer *w = arg;
	json_begin_object(w, NULL);
	json_put_str(w, "id", i->id);
	json_put_str(w, "name", i->name);
	json_end_object(w);
	return 0;
}

static int list_buttons(struct tx *tx, struct call *c, struct err *e)
{
	struct json_writer w = {.out = &c->out};
	struct tx_query q = {.filters = {{"enabled", "true"}}, .order = "name"};
	json_begin_object(&w, NULL);
	json_begin_array(&w, "items");
	int r = tx_list(tx, &schema_issuer, &q, put_button, &w, NULL, NULL, e);
	json_end_array(&w);
	json_end_object(&w);
	return r;
}

void api_signon_buttons(struct call *c)
{
	api_read(c, list_buttons);
}

/* --- pages ------------------------------------------------------------------------------------ */

static void add_html(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("<>&\"'", *text))
			buf_addf(out, "&#%d;", *text);
		else
			buf_addc(out, *text);
	}
}

static void page(struct call *c, int status, const char *refresh, const char *text)
{
	buf_reset(&c->out);
	buf_addf(&c->out,
		"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">%s<title>Warren</title><p>",
		refresh);
	add_html(&c->out, text);
	buf_adds(&c->out, "<p><a href=\"/\">Warren</a></html>");
	api_header(c, "Content-Security-Policy",
		"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
	api_header(c, "Referrer-Policy", "no-referrer");
	c->type = "text/html; charset=utf-8";
	api_reply(c, status);
}

static void trip_cookie(struct call *c, const char *value, long age)
{
	AUTOFREE char *text =
		mem_printf("%s=%s; Path=/api/v1/login; Max-Age=%ld; HttpOnly; SameSite=Lax%s",
			SIGNON_COOKIE, value, age, http_is_tls(c->rq) ? "; Secure" : "");
	api_header(c, "Set-Cookie", text);
}

/* People see a page; the reason is in the log, too, when it lies in the issuer. */
static void refuse(struct call *c)
{
	struct journey *j = c->data;
	int status = c->err.code == ERR_UNAUTHORIZED ? 401
		: c->err.code == ERR_DENIED || c->err.code == ERR_NOT_FOUND
		? 403
		: 502; /* the issuer's answers */
	AUTOFREE char *text = mem_printf("Signing in did not work: %s.", c->err.text);
	login_refused(c, j && j->issuer.name ? j->issuer.name : "sign-on");
	trip_cookie(c, "", 0);
	page(c, status, "", text);
}

/* --- leaving ---------------------------------------------------------------------------------- */

static int load_issuer(struct tx *tx, void *arg, struct err *e)
{
	struct call *c = arg;
	struct journey *j = c->data;
	int r = tx_get(tx, &schema_issuer, j->trip.issuer, &j->issuer, e);
	if (r == 0 && !j->issuer.enabled)
		r = ERR_NOT_FOUND;
	if (r == 0)
		r = secrets_get_bytes(
			tx, &c->control->keys, j->issuer.id, SECRET_SIGNON, &j->secret, e);
	if (r == ERR_NOT_FOUND && j->issuer.enabled)
		r = 0; /* a public client has no secret */
	return r == ERR_NOT_FOUND ? err_set(e, r, "there is no such issuer") : r;
}

static void leave(void *arg)
{
	struct call *c = arg;
	struct journey *j = c->data;
	CLEANUP(buf_wipe) struct buf url = {0}, cookie = {0};
	if (signon_leave(c->control->signon, &j->issuer, &j->trip, &url, &c->err) < 0) {
		refuse(c);
		return;
	}
	signon_seal(c->control->signon, &j->trip, &cookie);
	trip_cookie(c, buf_str(&cookie), (long)(SIGNON_LIFETIME / 1000));
	api_header(c, "Location", buf_str(&url));
	api_header(c, "Referrer-Policy", "no-referrer");
	c->type = "text/plain";
	api_reply(c, 302);
}

/* A browser may only be sent away, and back, under a name of ours. */
static bool known_host(struct call *c)
{
	return auth_browser_check(c->control, c->rq, &c->err) == 0;
}

static bool counted(struct call *c)
{
	struct journey *j = c->data;
	msec wait = attempts_take_signon(c->control->attempts, j->login.address);
	if (wait > 0)
		api_wait(c, wait);
	return wait == 0;
}

void api_signon_leave(struct call *c)
{
	struct journey *j = journey_new(c);
	id_copy(j->trip.issuer, c->id);
	snprintf(j->trip.back, sizeof(j->trip.back), "%s://%.200s" CALLBACK,
		http_is_tls(c->rq) ? "https" : "http", http_header(c->rq, "Host"));
	if (!known_host(c) || store_read(c->control->store, load_issuer, c, &c->err) < 0 ||
		workers_run(c->control->callers, leave, c, &c->err) < 0)
		api_fail(c);
}

/* --- coming back ------------------------------------------------------------------------------ */

/* A claim by its whole name, or by a path with dots. */
struct finding {
	const char *name;
	const struct json *found;
};

static void find_claim(void *ctx, const char *key, const struct json *v)
{
	struct finding *f = ctx;
	if (strcmp(key, f->name) == 0)
		f->found = v;
}

static const struct json *claim(const struct json *claims, const char *name)
{
	struct finding f = {.name = name};
	json_each(claims, find_claim, &f);
	return f.found ? f.found : json_get(claims, name);
}

static bool says(const struct json *v, const char *value, size_t n)
{
	CLEANUP(buf_done) struct buf text = {0};
	if (v == NULL || json_kind(v) != JSON_IS_STR)
		return false;
	json_text(v, &text);
	return text.len == n && memcmp(buf_str(&text), value, n) == 0;
}

/* The role the claims come to; NULL = none. Borrowed from the issuer. */
static const char *role_of(const struct issuer *i, const struct json *claims)
{
	const struct json *v = i->role_claim ? claim(claims, i->role_claim) : NULL;
	VEC_FOREACH (entry, &i->role_map) {
		const char *equals = strrchr(*entry, '=');
		size_t n = equals ? (size_t)(equals - *entry) : 0;
		if (says(v, *entry, n))
			return equals + 1;
		for (size_t k = 0; k < json_count(v); k++)
			if (says(json_at(v, k), *entry, n))
				return equals + 1;
	}
	return i->default_role;
}

/* A user whom nobody knows yet, as the issuer names them. */
static int create(struct tx *tx, struct journey *j, const struct json *claims, const char *role,
	struct err *e)
{
	const struct issuer *i = &j->issuer;
	struct user *u = &j->login.user;
	static const char *const names[] = {"preferred_username", "email", "sub"};
	const char *name = NULL;
	int r = 0;
	if (!i->create_users)
		return err_set(e, ERR_DENIED, "nobody here is known as that person at %s", i->name);
	if (role == NULL)
		return err_set(
			e, ERR_DENIED, "%s says nothing that gives you a role here", i->name);
	for (size_t k = 0; k < ARRAY_LEN(names) && name == NULL; k++)
		name = json_str(claims, names[k]);
	id_make("usr", tx_now(tx), u->id);
	id_copy(u->project, i->project);
	u->name = mem_strdup(name);
	u->role = mem_strdup(role);
	u->enabled = true;
	u->issuer = mem_strdup(i->id);
	u->subject = mem_strdup(json_str(claims, "sub"));
	u->created_at = tx_now(tx);
	r = user_check(u, NULL, e);
	if (r == 0)
		r = change_store(tx, &schema_user, NULL, u, i->id, "user.create", e);
	if (r == ERR_EXISTS)
		r = err_set(e, ERR_DENIED,
			"a user called %s is here already: an admin can link it to %s", name,
			i->name);
	return r;
}

/* A user the issuer made follows what it says; one that was linked by hand keeps their role. */
static int follow(struct tx *tx, struct journey *j, const char *role, struct err *e)
{
	struct user *u = &j->login.user, before = {0};
	int r = 0;
	if (!u->enabled)
		return err_set(e, ERR_DENIED, "this user is disabled");
	if (u->password_hash || j->issuer.role_claim == NULL ||
		strcmp(u->project, j->issuer.project) != 0)
		return 0;
	if (role == NULL)
		return err_set(e, ERR_DENIED, "%s says nothing that gives you a role here",
			j->issuer.name);
	if (u->role && strcmp(u->role, role) == 0)
		return 0;
	schema_copy(&schema_user, &before, u);
	mem_free(u->role);
	u->role = mem_strdup(role);
	r = user_check(u, &before, e);
	if (r == 0)
		r = change_store(tx, &schema_user, &before, u, j->issuer.id, "user.update", e);
	schema_done(&schema_user, &before);
	return r;
}

static int arrive(struct tx *tx, struct call *c, struct err *e)
{
	struct journey *j = c->data;
	const struct json *claims = json_root(j->claims);
	const char *role = role_of(&j->issuer, claims);
	AUTOFREE char *how = mem_printf("by %s", j->issuer.name);
	int r = tx_find(tx, &schema_user, &j->login.user, e, "issuer", j->issuer.id, "subject",
		json_str(claims, "sub"), NULL);
	if (r == ERR_NOT_FOUND)
		r = create(tx, j, claims, role, e);
	else if (r == 0)
		r = follow(tx, j, role, e);
	return r < 0 ? r : session_open(tx, c, how, e);
}

static void arrived(struct call *c)
{
	trip_cookie(c, "", 0);
	session_cookie_new(c);
	page(c, 200, "<meta http-equiv=\"refresh\" content=\"0;url=/\">", "You are signed in.");
}

static void trade(void *arg)
{
	struct call *c = arg;
	struct journey *j = c->data;
	if (signon_return(c->control->signon, &j->issuer, &j->trip, j->code, j->said, &j->secret,
		    &j->claims, &c->err) < 0)
		refuse(c);
	else
		api_write_or(c, arrive, arrived, refuse);
}

/* What the issuer answered is for us, from this browser, for the first time. */
static int check_answer(struct call *c, struct journey *j, struct err *e)
{
	const char *cookie = http_cookie(c->rq, SIGNON_COOKIE), *state = http_query(c->rq, "state");
	const char *code = http_query(c->rq, "code"), *error = http_query(c->rq, "error");
	int r = cookie ? signon_open(c->control->signon, cookie, &j->trip, e)
		       : err_set(e, ERR_UNAUTHORIZED, "this sign-in was not begun in this browser");
	if (r == 0 && (state == NULL || strcmp(state, j->trip.state) != 0))
		r = err_set(e, ERR_UNAUTHORIZED, "this answer is not to this sign-in (state)");
	if (r == 0)
		r = signon_use(c->control->signon, &j->trip, e);
	if (r == 0 && error)
		r = err_set(e, ERR_UNAUTHORIZED, "the issuer refused: %.*s", NOTE_MAX, error);
	if (r == 0 && (code == NULL || strlen(code) > CODE_BYTES_MAX))
		r = err_set(e, ERR_UNAUTHORIZED, "the issuer sent no code");
	if (r < 0)
		return r;
	j->code = mem_strdup(code);
	j->said = mem_strdup(http_query(c->rq, "iss"));
	return store_read(c->control->store, load_issuer, c, e);
}

void api_signon_return(struct call *c)
{
	struct journey *j = journey_new(c);
	if (!known_host(c))
		api_fail(c);
	else if (!counted(c))
		return;
	else if (check_answer(c, j, &c->err) < 0 ||
		workers_run(c->control->callers, trade, c, &c->err) < 0)
		refuse(c);
}
