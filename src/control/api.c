/*
 * DOC: see api.h. The way in (api_enter), the ways out (api_reply, api_fail), and what handlers
 * share inside transactions. The table of routes is in api_routes.c.
 */
#include "control/api.h"

#include "base/log.h"
#include "base/mem.h"
#include "control/problem.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static struct call *call_free(struct call *c)
{
	if (c->free_data)
		c->free_data(c->data);
	json_free(c->doc);
	tx_scope_done(&c->scope);
	buf_wipe(&c->out);
	for (size_t i = 0; i < API_HEADERS_MAX; i++) {
		mem_free(c->headers[i][0]);
		mem_free(c->headers[i][1]);
	}
	return mem_free(c);
}

void api_header(struct call *c, const char *name, const char *value)
{
	for (size_t i = 0; i < API_HEADERS_MAX; i++)
		if (c->headers[i][0] == NULL) {
			c->headers[i][0] = mem_strdup(name);
			c->headers[i][1] = mem_strdup(value);
			return;
		}
}

struct http_request *api_release(struct call *c)
{
	struct http_request *rq = c->rq;
	call_free(c);
	return rq;
}

/* Headers are set here, not in handlers: whoever ends the call is the only one to touch it. */
static void send(struct call *c, int status, const char *type)
{
	for (size_t i = 0; i < API_HEADERS_MAX && c->headers[i][0]; i++)
		http_reply_header(c->rq, c->headers[i][0], c->headers[i][1]);
	if (c->etag[0] && status < 300)
		http_reply_header(c->rq, "ETag", c->etag);
	if (!(c->route->flags & ROUTE_STATIC))
		http_reply_header(c->rq, "Cache-Control", "no-store");
	struct buf body = c->out;
	c->out = (struct buf){0};
	if (c->lasting)
		http_reply_lasting(c->rq, status, type, c->lasting, c->lasting_n);
	else
		http_reply(c->rq, status, type, &body);
	call_free(c);
}

void api_reply(struct call *c, int status)
{
	send(c, status, c->type ? c->type : "application/json");
}

void api_fail_status(struct call *c, int status)
{
	buf_wipe(&c->out);
	const char *code = status == problem_status(c->err.code) ? err_name(c->err.code) : NULL;
	if (status >= 500 && status != 503) {
		/* What went wrong inside is for the log, not for the caller. */
		log_error("request failed", LOG_KV_STR("method", http_method(c->rq)),
			LOG_KV_STR("path", http_path(c->rq)), LOG_KV_STR("error", c->err.text));
		problem_write(&c->out, status, "internal",
			"the server could not do this; its log says why", NULL);
	} else {
		problem_write(&c->out, status, code, c->err.text, c->err.field);
	}
	if (status == 401)
		api_header(c, "WWW-Authenticate", "Bearer");
	send(c, status, PROBLEM_TYPE);
}

void api_fail(struct call *c)
{
	api_fail_status(c, problem_status(c->err.code));
}

void api_wait(struct call *c, msec wait)
{
	char seconds[24];
	snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait + 999) / 1000);
	api_header(c, "Retry-After", seconds);
	err_set(&c->err, ERR_EXHAUSTED, "too many attempts: wait %s seconds", seconds);
	api_fail_status(c, 429);
}

bool api_flag(const struct call *c, const char *name)
{
	const char *v = http_query(c->rq, name);
	return v && (strcmp(v, "1") == 0 || strcmp(v, "true") == 0);
}

/* --- the way in ------------------------------------------------------------------------------- */

static bool word_in(const char *words, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = words; p && *p; p += strcspn(p, " "), p += strspn(p, " "))
		if (strcspn(p, " ") == n && strncmp(p, word, n) == 0)
			return true;
	return false;
}

/* A misspelt filter must not become "everything". */
static int check_query(struct call *c, struct err *e)
{
	const char *name;
	bool list = word_in(c->route->query, "list");
	for (size_t i = 0; (name = http_query_name(c->rq, i)) != NULL; i++) {
		const struct field *f =
			list && c->route->schema ? schema_field(c->route->schema, name) : NULL;
		if (strcmp(name, "project") == 0 || word_in(c->route->query, name) ||
			(list && word_in("limit after search sort", name)) ||
			(f && !(f->flags & FIELD_HIDDEN)))
			continue;
		return err_field(e, ERR_INVALID, name, "unknown query parameter \"%s\"", name);
	}
	return 0;
}

static bool is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t n = sizeof(json) - 1;
	return type && strncasecmp(type, json, n) == 0 &&
		(type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

/* Parse the body of a changing call. Answers itself and returns -1 when it cannot be used. */
static int read_body(struct call *c)
{
	size_t n = 0;
	const char *method = http_method(c->rq), *text;
	bool may = strcmp(method, "POST") == 0 || strcmp(method, "PATCH") == 0 ||
		strcmp(method, "PUT") == 0;
	bool cookie = c->who.kind == PRINCIPAL_USER && may;
	if (!may)
		return 0;
	text = http_body(c->rq, &n);
	if (text == NULL) {
		call_free(c);
		return -1;
	}
	if (n == 0 && (c->route->flags & ROUTE_NO_BODY) && !cookie)
		return 0;
	if (!is_json(http_header(c->rq, "Content-Type"))) {
		err_field(&c->err, ERR_INVALID, "Content-Type", "send application/json");
		api_fail_status(c, 415);
		return -1;
	}
	if (n == 0 && (c->route->flags & ROUTE_NO_BODY))
		return 0;
	c->doc = json_parse(text, n, JSON_MAX, &c->err);
	if (c->doc == NULL) {
		api_fail(c);
		return -1;
	}
	c->body = json_root(c->doc);
	return 0;
}

struct project_job {
	struct call *call;
	const char *ref;
};

static int project_job(struct tx *tx, void *arg, struct err *e)
{
	struct project_job *job = arg;
	struct call *c = job->call;
	struct project p = {0};
	int r = id_valid(job->ref, "prj")
		? tx_get(tx, &schema_project, job->ref, &p, e)
		: tx_find(tx, &schema_project, &p, e, "name", job->ref, NULL);
	if (r == 0 && c->who.project[0] && strcmp(c->who.project, p.id) != 0)
		r = ERR_NOT_FOUND;
	if (r == 0)
		id_copy(c->project, p.id);
	schema_done(&schema_project, &p);
	if (r == ERR_NOT_FOUND)
		return err_field(e, ERR_NOT_FOUND, "project", "no project \"%s\"", job->ref);
	return r;
}

/* The project of ?project=, or the caller's own. */
static int find_project(struct call *c, struct err *e)
{
	const char *ref = http_query(c->rq, "project");
	if (ref == NULL || *ref == '\0') {
		id_copy(c->project, c->who.project);
		return 0;
	}
	return store_read(c->control->store, project_job, &(struct project_job){c, ref}, e);
}

static int authorise(struct call *c, struct err *e)
{
	const struct api_route *route = c->route;
	if (route->flags & ROUTE_OPEN)
		return 0;
	int r = auth_principal(c->control, c->rq, &c->who, e);
	if (r < 0)
		return r;
	if (c->who.must_change_password && !(route->flags & ROUTE_SELF))
		return err_set(
			e, ERR_DENIED, "change the password first: POST /api/v1/me/password");
	unsigned held = route->flags & ROUTE_WHOLE ? rights_everywhere(&c->who.rights)
						   : rights_anywhere(&c->who.rights);
	if ((held & route->permission) != route->permission)
		return err_set(e, ERR_DENIED, "this needs the permission %s%s",
			permission_word(route->permission),
			route->flags & ROUTE_WHOLE ? " in the whole project" : "");
	return find_project(c, e);
}

void api_enter(struct http_request *rq, const struct http_route *route, void *ctx)
{
	struct call *c = NEW(struct call);
	c->control = ctx;
	c->rq = rq;
	c->route = route->data;
	int r = authorise(c, &c->err);
	if (r == 0)
		r = check_query(c, &c->err);
	const char *id = http_param(rq, "id");
	if (r == 0 && id && strlen(id) >= sizeof(c->id))
		r = err_set(&c->err, ERR_NOT_FOUND, "no object has this id");
	if (r < 0) {
		api_fail(c);
		return;
	}
	if (id)
		id_copy(c->id, id);
	c->of_object = strcmp(strrchr(route->path, '/'), "/{id}") == 0;
	if (read_body(c) == 0)
		c->route->fn(c);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* What is made must lie in the scope itself: having made it counts afterwards. */
static int guard_object(struct tx *tx, const struct call *c, const struct schema *s,
	const void *object, bool created, struct err *e)
{
	int r = rights_reach(tx, &c->who.rights, c->route->permission, created ? "" : c->who.id, s,
		object, true, e);
	return r == 0
		? err_set(e, ERR_DENIED, "this %s lies outside of what you may change", s->name)
		: r < 0 ? r
			: 0;
}

/* Is this what the path names? */
static bool is_subject(const struct call *c, const struct schema *s, const void *object)
{
	return c->of_object && s == c->route->schema && strcmp(object, c->id) == 0;
}

/* Nothing is stored that the caller's permission does not reach, nor a tag given or taken. */
static int guard(struct tx *tx, void *arg, const struct schema *s, const void *before,
	const void *after, struct err *e)
{
	struct call *c = arg;
	int r = before ? guard_object(tx, c, s, before, false, e) : 0;
	if (r == 0 && after)
		r = rights_tag(&c->who.rights, c->route->permission, s, before, after, e);
	if (r == 0 && after)
		r = guard_object(tx, c, s, after, before == NULL, e);
	if (r == 0 && before && is_subject(c, s, before)) {
		c->etag[0] = '\0';
		if (after)
			etag_of(s, after, c->etag);
	}
	return r;
}

static int run_write(struct tx *tx, void *arg, struct err *e)
{
	struct call *c = arg;
	change_guard(c->route->permission ? guard : NULL, c);
	int r = c->write(tx, c, e);
	change_guard(NULL, NULL);
	if (r == 0 && c->dry_run) {
		c->rehearsed = true;
		return ERR_STALE; /* makes the store undo it */
	}
	return r;
}

static void end_write(void *arg, int result, const struct err *e)
{
	struct call *c = arg;
	if (result < 0 && !c->rehearsed) {
		c->err = e && e->code ? *e : (struct err){.code = result};
		c->failed(c);
	} else if (c->after) {
		c->after(c);
	} else {
		api_reply(c, c->status);
	}
}

struct read_job {
	struct call *call;
	int (*fn)(struct tx *tx, struct call *c, struct err *e);
};

static int run_read(struct tx *tx, void *arg, struct err *e)
{
	struct read_job *job = arg;
	return job->fn(tx, job->call, e);
}

void api_read(struct call *c, int (*fn)(struct tx *tx, struct call *c, struct err *e))
{
	if (store_read(c->control->store, run_read, &(struct read_job){c, fn}, &c->err) < 0)
		api_fail(c);
	else
		api_reply(c, 200);
}

void api_write(struct call *c, int (*fn)(struct tx *tx, struct call *c, struct err *e),
	void (*after)(struct call *c))
{
	api_write_or(c, fn, after, api_fail);
}

void api_write_or(struct call *c, int (*fn)(struct tx *tx, struct call *c, struct err *e),
	void (*after)(struct call *c), void (*failed)(struct call *c))
{
	c->write = fn;
	c->after = after;
	c->failed = failed;
	store_write(c->control->store, run_write, c, end_write);
}

/* --- inside transactions ---------------------------------------------------------------------- */

static const char *project_of(const struct schema *s, const void *object)
{
	const struct field *f = schema_field(s, s == &schema_project ? "id" : "project");
	return f ? (const char *)field_at(f, object) : "";
}

/* Note the etag of what the call is about; 0, or ERR_STALE. */
static int match(struct call *c, const struct schema *s, const void *object, struct err *e)
{
	const char *wanted = http_header(c->rq, "If-Match");
	if (!is_subject(c, s, object))
		return 0;
	etag_of(s, object, c->etag);
	return wanted == NULL || etag_admits(wanted, c->etag)
		? 0
		: err_field(
			  e, ERR_STALE, "If-Match", "somebody changed it meanwhile: read it again");
}

int api_get(struct tx *tx, struct call *c, const struct schema *s, const char *id, void *ret,
	struct err *e)
{
	int r = tx_get(tx, s, id, ret, e);
	if (r == 0 && c->project[0] && strcmp(project_of(s, ret), c->project) != 0)
		r = ERR_NOT_FOUND;
	if (r == 0)
		r = api_reaches(tx, c, s, ret, e);
	if (r == 0)
		r = ERR_NOT_FOUND;
	if (r > 0)
		r = match(c, s, ret, e);
	if (r < 0)
		schema_done(s, ret);
	return r == ERR_NOT_FOUND ? err_set(e, r, "no %s \"%s\"", s->name, id) : r;
}

int api_reaches(struct tx *tx, const struct call *c, const struct schema *s, const void *object,
	struct err *e)
{
	if (c->route->permission == 0)
		return 1;
	return rights_reach(
		tx, &c->who.rights, c->route->permission, c->who.id, s, object, false, e);
}

int api_need(const struct call *c, unsigned permission, struct err *e)
{
	unsigned missing = permission & ~rights_everywhere(&c->who.rights);
	return missing == 0
		? 0
		: err_set(e, ERR_DENIED, "this needs the permission %s", permission_word(missing));
}

struct only {
	id_text id;
	size_t n;
};

static int take_only(void *arg, const void *object)
{
	struct only *only = arg;
	id_copy(only->id, object); /* every struct of the model starts with its id */
	return ++only->n > 1;
}

int api_need_project(struct tx *tx, struct call *c, struct err *e)
{
	if (c->project[0])
		return 0;
	struct only only = {0};
	struct tx_query q = {.limit = 2};
	int r = tx_list(tx, &schema_project, &q, take_only, &only, NULL, NULL, e);
	if (r < 0)
		return r;
	if (only.n != 1)
		return err_field(e, ERR_INVALID, "project",
			only.n == 0 ? "there is no project yet: create one first"
				    : "say which project: ?project=NAME");
	id_copy(c->project, only.id);
	return 0;
}

/* Who may act on what has a tag may name any network: what is made there must have the tag. */
static bool holds_tag(const struct call *c)
{
	struct tx_scope scope = {0};
	bool scoped = rights_scope(&c->who.rights, c->route->permission, "", &scope);
	bool tagged = scope.tags.n > 0;
	tx_scope_done(&scope);
	return scoped && tagged;
}

int api_resolve(struct tx *tx, struct call *c, const struct schema *s, const char *ref,
	const char *field, void *ret, struct err *e)
{
	int r = id_valid(ref, s->prefix) ? tx_get(tx, s, ref, ret, e) : ERR_NOT_FOUND;
	if (r == 0 && c->project[0] && strcmp(project_of(s, ret), c->project) != 0) {
		schema_done(s, ret);
		r = ERR_NOT_FOUND;
	}
	if (r == ERR_NOT_FOUND) {
		r = api_need_project(tx, c, e);
		if (r == 0)
			r = tx_find(tx, s, ret, e, "project", c->project, "name", ref, NULL);
	}
	if (r == 0 && !holds_tag(c)) {
		r = api_reaches(tx, c, s, ret, e);
		if (r <= 0)
			schema_done(s, ret);
		r = r == 0 ? ERR_NOT_FOUND : r > 0 ? 0 : r;
	}
	if (r == ERR_NOT_FOUND)
		return err_field(e, ERR_NOT_FOUND, field, "no %s \"%s\"", s->name, ref);
	return r;
}

int api_network(struct tx *tx, struct call *c, const char *ref, struct network *ret, struct err *e)
{
	if (ref && *ref)
		return api_resolve(tx, c, &schema_network, ref, "network", ret, e);
	int r = api_need_project(tx, c, e);
	if (r < 0)
		return r;
	struct only only = {0};
	struct tx_query q = {.limit = 2, .filters = {{"project", c->project}}};
	r = tx_list(tx, &schema_network, &q, take_only, &only, NULL, NULL, e);
	if (r < 0)
		return r;
	if (only.n == 1)
		return tx_get(tx, &schema_network, only.id, ret, e);
	return err_field(e, ERR_INVALID, "network",
		only.n == 0 ? "the project has no network yet"
			    : "the project has several networks: say which");
}

struct seeing {
	struct call *call;
	const struct schema *schema;
};

static int see(struct tx *tx, void *arg, struct err *e)
{
	struct seeing *v = arg;
	void *object = mem_zalloc(v->schema->size);
	int r = api_get(tx, v->call, v->schema, v->call->id, object, e);

	schema_free(v->schema, object);
	return r;
}

void api_see(struct call *c, const struct schema *s, void (*fn)(const struct fleet *f, void *arg))
{
	struct seeing v = {c, s};

	if (store_read(c->control->store, see, &v, &c->err) < 0)
		api_fail(c);
	else
		hub_run(c->control->hub, fn, c);
}

int api_change(struct tx *tx, struct call *c, const struct schema *s, const char *const also[],
	void *before, void *after, struct err *e)
{
	int r = api_get(tx, c, s, c->id, before, e);
	if (r < 0)
		return r;
	schema_copy(s, after, before);
	return object_read(c->body, s, FIELD_CHANGE, also, after, e);
}

void api_put(struct call *c, const struct schema *s, const void *object)
{
	struct json_writer w = {.out = &c->out};
	json_begin_object(&w, NULL);
	object_write(&w, s, object);
	json_end_object(&w);
}

int api_refuse_holders(struct tx *tx, const struct schema *s, const char *column, const char *value,
	const char *what, struct err *e)
{
	struct tx_filter filters[6] = {{column, value}};
	uint64_t n = 0;
	int r = tx_count(tx, s, filters, &n, e);
	if (r == 0 && n > 0)
		return err_set(e, ERR_EXISTS, "%s still has %llu %s%s: remove them first", what,
			(unsigned long long)n, s->name, n == 1 ? "" : "s");
	return r;
}
