/*
 * DOC: what somebody may do, and where. A right is a set of permissions (spec 2's atoms) with a
 * scope: the whole project, an object and what belongs to it, or a tag. Roles are named sets of
 * permissions; a user or token has one role, the scopes it acts in, and grants besides. Nobody
 * can hand out what they do not hold.
 */
#ifndef WARREN_CONTROL_RIGHTS_H
#define WARREN_CONTROL_RIGHTS_H

#include "model/objects.h"
#include "store/store.h"

#define SCOPE_LEN 96  /* an id, or "tag:" and a tag */
#define RIGHTS_MAX 32 /* 16 scopes of the role, 16 grants */
#define PERM_ALL 2047u

struct right {
	unsigned permissions;  /* enum permission bits */
	char scope[SCOPE_LEN]; /* "" = the whole project */
};
struct rights {
	struct right v[RIGHTS_MAX];
	size_t n;
};

/* Built-in roles: NULL-name terminated. */
struct builtin_role {
	const char *name, *description;
	unsigned permissions;
};
extern const struct builtin_role builtin_roles[];

/* A word of permission_words as a bit, or 0. */
unsigned permission_parse(const char *word);
const char *permission_word(unsigned bit);

/* Permissions of a role by name, built in or the project's. ERR_INVALID naming "role". */
int role_permissions(struct tx *tx, const char *project, const char *name, const char *field,
	unsigned *ret, struct err *e);
/* What role, scopes and grants come to. ERR_INVALID names the field that holds nonsense. */
int rights_read(struct tx *tx, const char *project, const char *role, const struct strs *scopes,
	const struct strs *grants, struct rights *ret, struct err *e);
/* The same of what is stored: a role that is gone gives nothing. */
void rights_load(struct tx *tx, const char *project, const char *role, const struct strs *scopes,
	const struct strs *grants, struct rights *ret);

unsigned rights_anywhere(const struct rights *r);   /* permissions held somewhere */
unsigned rights_everywhere(const struct rights *r); /* held in the whole project */
/* Is each permission of want held in its scope? ERR_DENIED naming the first that is not. */
int rights_contain(const struct rights *have, const struct rights *want, struct err *e);
/* Take out of r what `to` does not hold. */
void rights_limit(struct rights *r, const struct rights *to);

/*
 * Does a permission reach this object? Through the whole project, its id, an object it belongs to
 * (network, group, node), one of its tags, or because `self` made it. A node is reached through a
 * network or group of any of its members, for a change (all) only through those of every one.
 * Returns 1, 0 or an error.
 */
int rights_reach(struct tx *tx, const struct rights *r, unsigned permission, const char *self,
	const struct schema *s, const void *object, bool all, struct err *e);
/* The same as a condition on lists; owned by the caller (scope_done). false: no condition. */
bool rights_scope(
	const struct rights *r, unsigned permission, const char *self, struct tx_scope *ret);

/*
 * May this permission give and take the tags in which after differs from before (NULL: it had
 * none)? A tag is a right: policies and scopes pick by it. Its own scope, the whole project, or the
 * network, whose policies are the ones that name it. ERR_DENIED naming "tags".
 */
int rights_tag(const struct rights *r, unsigned permission, const struct schema *s,
	const void *before, const void *after, struct err *e);

#endif
