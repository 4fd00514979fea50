/* DOC: see rights.h. */
#include "control/rights.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define VIEW (PERM_FLEET_READ | PERM_VPN_READ)
#define LOCAL (VIEW | PERM_CLIENT_MANAGE | PERM_CLIENT_CONFIG | PERM_ROUTER_CONFIG)

const struct builtin_role builtin_roles[] = {
	{ROLE_VIEWER, "sees everything of the project that is no secret", VIEW},
	{"loc-manager", "also hands out access: clients and their configurations", LOCAL},
	{"org-admin", "everything inside the project", PERM_ALL & ~(unsigned)PERM_SYSTEM},
	{ROLE_SYSTEM_ADMIN, "everything", PERM_ALL},
	{0},
};

unsigned permission_parse(const char *word)
{
	for (unsigned i = 0; permission_words[i] != NULL; i++)
		if (strcmp(permission_words[i], word) == 0)
			return 1u << i;
	return 0;
}

const char *permission_word(unsigned bit)
{
	for (unsigned i = 0; permission_words[i] != NULL; i++)
		if (bit >> i & 1)
			return permission_words[i];
	return "";
}

int role_permissions(struct tx *tx, const char *project, const char *name, const char *field,
	unsigned *ret, struct err *e)
{
	struct access_role role = {0};
	int r = ERR_NOT_FOUND;

	for (const struct builtin_role *b = builtin_roles; b->name != NULL; b++)
		if (strcmp(b->name, name) == 0) {
			*ret = b->permissions;
			return 0;
		}
	if (project[0] != '\0')
		r = tx_find(tx, &schema_role, &role, e, "project", project, "name", name, NULL);
	if (r == 0)
		*ret = role.permissions;
	schema_done(&schema_role, &role);
	return r == ERR_NOT_FOUND
		? err_field(e, ERR_INVALID, field, "there is no role \"%s\"", name)
		: r;
}

static bool is_id(const char *text)
{
	const char *low = strrchr(text, '_');

	return low != NULL && low > text && strlen(low) == 33 && strlen(text) < ID_LEN &&
		strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(text) &&
		strncmp(text, "prj_", 4) != 0;
}

static int scope_check(const char *scope, const char *field, struct err *e)
{
	if ((text_starts(scope, "tag:") && scope[4] != '\0' && strlen(scope) < SCOPE_LEN) ||
		is_id(scope))
		return 0;
	return err_field(e, ERR_INVALID, field,
		"\"%.100s\" is no scope: give the id of an object, or tag:NAME", scope);
}

static void add(struct rights *r, unsigned permissions, const char *scope)
{
	if (permissions == 0 || r->n == RIGHTS_MAX)
		return;
	r->v[r->n].permissions = permissions;
	snprintf(r->v[r->n].scope, SCOPE_LEN, "%s", scope);
	r->n++;
}

/* "ROLE", "PERMISSION", "ROLE@SCOPE", "PERMISSION@SCOPE". */
static int read_grant(
	struct tx *tx, const char *project, const char *grant, struct rights *ret, struct err *e)
{
	const char *at = strchr(grant, '@');
	AUTOFREE char *what = mem_strndup(grant, at ? (size_t)(at - grant) : strlen(grant));
	unsigned permissions = permission_parse(what);
	int r = 0;

	if (at != NULL)
		r = scope_check(at + 1, "grants", e);
	if (r == 0 && permissions == 0)
		r = role_permissions(tx, project, what, "grants", &permissions, e);
	if (r == 0)
		add(ret, permissions, at ? at + 1 : "");
	return r;
}

int rights_read(struct tx *tx, const char *project, const char *role, const struct strs *scopes,
	const struct strs *grants, struct rights *ret, struct err *e)
{
	struct rights out = {0};
	unsigned permissions = 0;
	int r = role_permissions(tx, project, role ? role : "", "role", &permissions, e);

	if (r == 0 && scopes->n == 0)
		add(&out, permissions, "");
	VEC_FOREACH (s, scopes) {
		if (r == 0)
			r = scope_check(*s, "scopes", e);
		if (r == 0)
			add(&out, permissions, *s);
	}
	VEC_FOREACH (g, grants)
		if (r == 0)
			r = read_grant(tx, project, *g, &out, e);
	if (r == 0 && project[0] != '\0' && (rights_anywhere(&out) & PERM_SYSTEM))
		r = err_field(e, ERR_INVALID, "role",
			"system:manage is only for a system-admin, who belongs to no project");
	if (r == 0)
		*ret = out;
	return r;
}

void rights_load(struct tx *tx, const char *project, const char *role, const struct strs *scopes,
	const struct strs *grants, struct rights *ret)
{
	unsigned permissions = 0;

	*ret = (struct rights){0};
	if (role != NULL)
		role_permissions(tx, project, role, "role", &permissions, NULL);
	if (scopes->n == 0)
		add(ret, permissions, "");
	VEC_FOREACH (s, scopes)
		add(ret, permissions, *s);
	VEC_FOREACH (g, grants)
		read_grant(tx, project, *g, ret, NULL);
	for (size_t i = 0; project[0] != '\0' && i < ret->n; i++)
		ret->v[i].permissions &= ~(unsigned)PERM_SYSTEM;
}

/* --- comparing -------------------------------------------------------------------------------- */

unsigned rights_anywhere(const struct rights *r)
{
	unsigned all = 0;

	for (size_t i = 0; i < r->n; i++)
		all |= r->v[i].permissions;
	return all;
}

static unsigned held_in(const struct rights *r, const char *scope)
{
	unsigned all = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].scope[0] == '\0' || strcmp(r->v[i].scope, scope) == 0)
			all |= r->v[i].permissions;
	return all;
}

unsigned rights_everywhere(const struct rights *r)
{
	return held_in(r, "");
}

int rights_contain(const struct rights *have, const struct rights *want, struct err *e)
{
	for (size_t i = 0; i < want->n; i++) {
		unsigned missing = want->v[i].permissions & ~held_in(have, want->v[i].scope);

		if (missing != 0)
			return err_field(e, ERR_DENIED, "role", "you do not hold %s yourself%s%s",
				permission_word(missing), want->v[i].scope[0] ? " in " : "",
				want->v[i].scope);
	}
	return 0;
}

void rights_limit(struct rights *r, const struct rights *to)
{
	for (size_t i = 0; i < r->n; i++)
		r->v[i].permissions &= held_in(to, r->v[i].scope);
}

/* --- reaching objects ------------------------------------------------------------------------- */

/* Is this field an id through which an object is reached? */
static bool leads(const struct field *f)
{
	return (f->type == FIELD_ID && strcmp(f->name, "project") != 0) ||
		(f->type == FIELD_STR && strcmp(f->name, "object") == 0);
}

static bool scoped(const struct rights *r, unsigned permission, const char *scope)
{
	for (size_t i = 0; *scope != '\0' && i < r->n; i++)
		if ((r->v[i].permissions & permission) == permission &&
			strcmp(r->v[i].scope, scope) == 0)
			return true;
	return false;
}

static bool reaches(const struct rights *r, unsigned permission, const char *self,
	const struct schema *s, const void *object)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct field *f = &s->fields[i];
		const void *p = field_at(f, object);
		const char *text = f->type == FIELD_ID ? p
			: f->type == FIELD_STR         ? *(char *const *)p
						       : NULL;

		if (text != NULL && leads(f) && scoped(r, permission, text))
			return true;
		if (text != NULL && strcmp(f->name, "owner") == 0 && *self != '\0' &&
			strcmp(text, self) == 0)
			return true;
		if (f->type != FIELD_STRS || strcmp(f->name, "tags") != 0)
			continue;
		VEC_FOREACH (t, (const struct strs *)p) {
			char tag[SCOPE_LEN];

			if (snprintf(tag, sizeof(tag), "tag:%s", *t) < SCOPE_LEN &&
				scoped(r, permission, tag))
				return true;
		}
	}
	return false;
}

struct reaching {
	const struct rights *rights;
	unsigned permission;
	size_t members, reached;
};

static int see_member(void *arg, const void *object)
{
	struct reaching *n = arg;

	n->members++;
	n->reached += reaches(n->rights, n->permission, "", &schema_member, object);
	return 0;
}

int rights_reach(struct tx *tx, const struct rights *r, unsigned permission, const char *self,
	const struct schema *s, const void *object, bool all, struct err *e)
{
	if ((rights_everywhere(r) & permission) == permission)
		return 1;
	if (s == &schema_project) /* its name is no secret to those inside */
		return !all && (rights_anywhere(r) & permission) == permission;
	if (reaches(r, permission, self, s, object))
		return 1;
	if (s != &schema_node)
		return 0;
	struct reaching n = {.rights = r, .permission = permission};
	struct tx_query q = {.filters = {{"node", object}}};
	int code = tx_list(tx, &schema_member, &q, see_member, &n, NULL, NULL, e);
	if (code < 0)
		return code;
	return n.reached > 0 && (!all || n.reached == n.members);
}

bool rights_scope(
	const struct rights *r, unsigned permission, const char *self, struct tx_scope *ret)
{
	if ((rights_everywhere(r) & permission) == permission)
		return false;
	for (size_t i = 0; i < r->n; i++) {
		const struct right *right = &r->v[i];

		if ((right->permissions & permission) != permission || right->scope[0] == '\0')
			continue;
		if (text_starts(right->scope, "tag:"))
			strs_push(&ret->tags, right->scope + 4);
		else
			strs_push(&ret->ids, right->scope);
	}
	ret->owner = self;
	return true;
}

/* --- tags ------------------------------------------------------------------------------------- */

static const struct strs *tags_of(const struct schema *s, const void *object)
{
	const struct field *f = schema_field(s, "tags");

	return f != NULL && f->type == FIELD_STRS && object != NULL ? field_at(f, object) : NULL;
}

static bool has(const struct strs *list, const char *word)
{
	for (size_t i = 0; list != NULL && i < list->n; i++)
		if (strcmp(list->v[i], word) == 0)
			return true;
	return false;
}

/* Is every tag of `more` held that `than` does not have? */
static int hold_tags(const struct rights *r, unsigned permission, const struct strs *more,
	const struct strs *than, struct err *e)
{
	for (size_t i = 0; more != NULL && i < more->n; i++) {
		char scope[SCOPE_LEN];

		if (has(than, more->v[i]) ||
			(snprintf(scope, sizeof(scope), "tag:%s", more->v[i]) < SCOPE_LEN &&
				scoped(r, permission, scope)))
			continue;
		return err_field(e, ERR_DENIED, "tags",
			"the tag \"%s\" is not yours to give or take: that needs %s in the "
			"project, the network or the tag itself",
			more->v[i], permission_word(permission));
	}
	return 0;
}

int rights_tag(const struct rights *r, unsigned permission, const struct schema *s,
	const void *before, const void *after, struct err *e)
{
	const struct strs *old = tags_of(s, before), *new = tags_of(s, after);
	const struct field *network = schema_field(s, "network");
	int code;

	if ((rights_everywhere(r) & permission) == permission ||
		(network != NULL && scoped(r, permission, field_at(network, after))))
		return 0;
	code = hold_tags(r, permission, new, old, e);
	return code < 0 ? code : hold_tags(r, permission, old, new, e);
}
