/*
 * DOC: roles: the built-in ones, which every project has, and a project's own. A role is a named
 * set of permissions; whoever makes or changes one must hold all of them, before and after, in the
 * whole project, for it changes what every holder of the role may do.
 */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "model/names.h"

#include <string.h>

static const struct builtin_role *builtin(const char *name)
{
	for (const struct builtin_role *b = builtin_roles; b->name != NULL; b++)
		if (strcmp(b->name, name) == 0)
			return b;
	return NULL;
}

static void put(struct json_writer *w, const struct access_role *role, bool is_builtin)
{
	json_begin_object(w, NULL);
	object_write(w, &schema_role, role);
	json_put_bool(w, "builtin", is_builtin);
	json_end_object(w);
}

static void put_builtin(struct json_writer *w, const struct builtin_role *b)
{
	struct access_role role = {.name = mem_strdup(b->name),
		.description = mem_strdup(b->description),
		.permissions = b->permissions};

	id_copy(role.id, b->name);
	put(w, &role, true);
	schema_done(&schema_role, &role);
}

static int put_own(void *arg, const void *object)
{
	put(arg, object, false);
	return 0;
}

/* Built-in roles come first, on the first page, unless the list is filtered otherwise. */
static bool wanted(const struct call *c, const struct builtin_role *b)
{
	const char *name = http_query(c->rq, "name"), *search = http_query(c->rq, "search");
	const char *after = http_query(c->rq, "after"), *id = http_query(c->rq, "id");

	return (after == NULL || *after == '\0') && (name == NULL || strcmp(name, b->name) == 0) &&
		(id == NULL || strcmp(id, b->name) == 0) &&
		(search == NULL || strstr(b->name, search) != NULL);
}

static int list_job(struct tx *tx, struct call *c, struct err *e)
{
	struct page page = {0};
	CLEANUP(buf_done) struct buf next = {0};
	struct json_writer w = {.out = &c->out};
	uint64_t total = 0, first = 0;
	int r = page_read(c, &schema_role, &page, e);
	if (r < 0)
		return r;
	size_t items = page_begin(&w);
	for (const struct builtin_role *b = builtin_roles; b->name != NULL; b++)
		if (wanted(c, b)) {
			put_builtin(&w, b);
			first++;
		}
	r = tx_list(tx, &schema_role, &page.query, put_own, &w, &next, &total, e);
	if (r == 0)
		page_end(&w, items, NULL, buf_str(&next), total + first);
	return r;
}

void api_role_list(struct call *c)
{
	api_read(c, list_job);
}

static int show_job(struct tx *tx, struct call *c, struct err *e)
{
	struct access_role role = {0};
	struct json_writer w = {.out = &c->out};
	int r = 0;
	if (builtin(c->id) != NULL) {
		put_builtin(&w, builtin(c->id));
		return 0;
	}
	r = api_get(tx, c, &schema_role, c->id, &role, e);
	if (r == 0)
		put(&w, &role, false);
	schema_done(&schema_role, &role);
	return r;
}

void api_role_show(struct call *c)
{
	api_read(c, show_job);
}

static int check(const struct call *c, const struct access_role *role,
	const struct access_role *was, struct err *e)
{
	bool stays = was != NULL && strcmp(role->name, was->name) == 0;
	int r = stays ? 0 : name_check(role->name, "name", e);
	if (r == 0 && !stays && (builtin(role->name) != NULL || permission_parse(role->name) != 0))
		r = err_field(e, ERR_EXISTS, "name", "\"%s\" means something already", role->name);
	if (r == 0 && !stays && strchr(role->name, '@') != NULL)
		r = err_field(e, ERR_INVALID, "name", "a role's name has no @");
	if (r == 0 && (role->permissions & PERM_SYSTEM))
		r = err_field(e, ERR_INVALID, "permissions",
			"system:manage is only for a system-admin, who belongs to no project");
	return r < 0 ? r : api_need(c, role->permissions, e);
}

static int insert(struct tx *tx, struct call *c, struct err *e)
{
	struct access_role role = {0};
	int r = object_read(c->body, &schema_role, FIELD_SET, NULL, &role, e);
	if (r == 0)
		r = api_need_project(tx, c, e);
	if (r == 0)
		r = check(c, &role, NULL, e);
	if (r == 0) {
		struct json_writer w = {.out = &c->out};
		id_make("role", tx_now(tx), role.id);
		id_copy(role.project, c->project);
		role.created_at = tx_now(tx);
		r = change_store(tx, &schema_role, NULL, &role, c->who.id, "role.create", e);
		put(&w, &role, false);
	}
	schema_done(&schema_role, &role);
	return r;
}

void api_role_create(struct call *c)
{
	c->status = 201;
	api_write(c, insert, NULL);
}

static int refuse_builtin(const struct call *c, struct err *e)
{
	return builtin(c->id) == NULL
		? 0
		: err_set(e, ERR_DENIED, "built-in roles stay as they are: make one of your own");
}

static int update(struct tx *tx, struct call *c, struct err *e)
{
	struct access_role before = {0}, after = {0};
	int r = refuse_builtin(c, e);
	if (r == 0)
		r = api_change(tx, c, &schema_role, NULL, &before, &after, e);
	if (r == 0)
		r = api_need(c, before.permissions, e);
	if (r == 0)
		r = check(c, &after, &before, e);
	if (r == 0)
		r = change_store(tx, &schema_role, &before, &after, c->who.id, "role.update", e);
	if (r == 0) {
		struct json_writer w = {.out = &c->out};
		put(&w, &after, false);
	}
	schema_done(&schema_role, &before);
	schema_done(&schema_role, &after);
	return r;
}

void api_role_change(struct call *c)
{
	c->status = 200;
	api_write(c, update, NULL);
}

struct holders {
	const char *name;
	size_t n;
};

static void count_grants(struct holders *h, const struct strs *grants)
{
	size_t n = strlen(h->name);
	VEC_FOREACH (g, grants)
		h->n += strncmp(*g, h->name, n) == 0 && ((*g)[n] == '\0' || (*g)[n] == '@');
}

static int see_user(void *arg, const void *object)
{
	const struct user *u = object;
	struct holders *h = arg;
	h->n += u->role != NULL && strcmp(u->role, h->name) == 0;
	count_grants(h, &u->grants);
	return 0;
}

static int see_token(void *arg, const void *object)
{
	const struct token *t = object;
	struct holders *h = arg;
	h->n += t->kind == TOKEN_KIND_API && t->role != NULL && strcmp(t->role, h->name) == 0;
	count_grants(h, &t->grants);
	return 0;
}

static int delete (struct tx *tx, struct call *c, struct err *e)
{
	struct access_role role = {0};
	int r = refuse_builtin(c, e);
	if (r == 0)
		r = api_get(tx, c, &schema_role, c->id, &role, e);
	if (r == 0)
		r = api_need(c, role.permissions, e);
	struct holders h = {.name = role.name};
	struct tx_query q = {.filters = {{"project", role.project}}};
	if (r == 0)
		r = tx_list(tx, &schema_user, &q, see_user, &h, NULL, NULL, e);
	if (r == 0)
		r = tx_list(tx, &schema_token, &q, see_token, &h, NULL, NULL, e);
	if (r == 0 && h.n > 0)
		r = err_set(e, ERR_EXISTS, "%zu users or tokens still have the role %s", h.n,
			role.name);
	if (r == 0)
		r = change_store(tx, &schema_role, &role, NULL, c->who.id, "role.delete", e);
	schema_done(&schema_role, &role);
	return r;
}

void api_role_delete(struct call *c)
{
	api_write(c, delete, api_deleted);
}
