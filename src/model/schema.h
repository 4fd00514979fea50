/*
 * DOC: what a struct of objects.h looks like from outside: a table of fields with name, type,
 * offset and rules. JSON bodies, SQL columns, validation of types and limits, copying, comparing
 * and freeing all walk the table, so a field is added in one place.
 */
#ifndef WARREN_MODEL_SCHEMA_H
#define WARREN_MODEL_SCHEMA_H

#include "model/objects.h"

enum field_type {
	FIELD_ID,       /* id_text */
	FIELD_STR,      /* char *, NULL = unset */
	FIELD_BOOL,     /* bool */
	FIELD_U16,      /* uint16_t */
	FIELD_U32,      /* uint32_t */
	FIELD_I32,      /* int32_t */
	FIELD_U64,      /* uint64_t */
	FIELD_TIME,     /* msec, RFC 3339 in JSON, 0 = null */
	FIELD_ENUM,     /* int, index into words */
	FIELD_BITS,     /* unsigned, bit i is words[i]; a list of words in JSON */
	FIELD_KEY,      /* struct public_key, zero = unset */
	FIELD_ADDR,     /* struct addr */
	FIELD_PREFIX,   /* struct prefix, family none = unset */
	FIELD_PREFIXES, /* struct prefix_vec */
	FIELD_STRS,     /* struct strs */
	FIELD_RULES,    /* struct rule_vec */
};

/* Who may set a field through the API, and whether answers show it. */
enum {
	FIELD_SET = 1,      /* may be given when the object is created */
	FIELD_CHANGE = 2,   /* may be given in a PATCH */
	FIELD_REQUIRED = 4, /* must be given when the object is created */
	FIELD_HIDDEN = 8,   /* stored, never in an answer */
};

struct field {
	const char *name; /* in JSON and SQL */
	enum field_type type;
	size_t offset;
	unsigned flags;
	uint64_t min, max;        /* numbers: range (FIELD_I32: cast both to int64_t); strings:
				   * characters, FIELD_ID: bytes; lists: items (max) */
	const char *const *words; /* FIELD_ENUM, FIELD_BITS: NULL-terminated */
	/* Numbers: says what is wrong with one out of range in words of its own; NULL = the general
	 * ones. */
	int (*range)(int64_t value, const char *field, struct err *e);
};

struct schema {
	const char *name;   /* also the SQL table: "client" rows are in "device" */
	const char *prefix; /* of ids: "cl", "node", ... */
	size_t size;        /* of the struct */
	const struct field *fields;
	size_t n;
};

extern const struct schema schema_project, schema_network, schema_node, schema_member, schema_group,
	schema_device, schema_policy, schema_user, schema_token, schema_session, schema_once,
	schema_audit, schema_role, schema_issuer;

/* All of the above, for migrations' tests and the fleet loader; NULL-terminated. */
extern const struct schema *const schemas[];

const struct field *schema_field(const struct schema *s, const char *name);
static inline void *field_at(const struct field *f, const void *object)
{
	return (char *)(uintptr_t)object + f->offset;
}

/* Objects start as {0}; done frees what they own and zeroes them. copy wants an empty target. */
void schema_copy(const struct schema *s, void *to, const void *from);
int schema_equal(const struct schema *s, const void *a, const void *b);
void schema_done(const struct schema *s, void *object);
/* Heap versions: a deep copy, and free(NULL-safe). */
void *schema_dup(const struct schema *s, const void *from);
void *schema_free(const struct schema *s, void *object);

/* The word list behind an enum or bit field. */
extern const char *const topology_words[];
extern const char *const role_words[];
extern const char *const group_mode_words[];
extern const char *const device_kind_words[];
extern const char *const quota_period_words[];
extern const char *const permission_words[];
extern const char *const token_kind_words[];

#endif
