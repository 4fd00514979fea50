/*
 * DOC: objects as JSON; see object.h. One table by field type holds how a value is written, read
 * and cleared. A body is read into a copy, which replaces the object only when all of it is good.
 */
#include "codec/object.h"

#include "codec/value.h"

#include <stdio.h>
#include <string.h>

#define ITEM_CHARS_MAX 256 /* one string of a list */
#define RULE_LIST_MAX 64   /* one list of a rule */
#define PORTS_CHARS_MAX 11 /* "65535-65535" */

static const char *const protocol_words[] = {"any", "tcp", "udp", "icmp", NULL};

typedef int read_fn(const struct json *j, const struct field *f, void *at, struct err *e);
typedef void write_fn(
	struct json_writer *w, const char *key, const struct field *f, const void *at);

/* --- reading: at is the field inside the object ---------------------------------------------- */

static int read_id(const struct json *j, const struct field *f, void *at, struct err *e)
{
	const char *s = NULL;

	if (value_text(j, f->name, 0, ID_LEN - 1, &s, e) != 0)
		return ERR_INVALID;
	if (strlen(s) >= ID_LEN)
		return err_field(e, ERR_INVALID, f->name, "\"%.40s\" is too long for an id", s);
	id_copy(at, s);
	return 0;
}

static int read_str(const struct json *j, const struct field *f, void *at, struct err *e)
{
	const char *s = NULL;

	if (value_text(j, f->name, f->min, f->max ? f->max : INT32_MAX, &s, e) != 0)
		return ERR_INVALID;
	mem_free(*(char **)at);
	*(char **)at = *s ? mem_strdup(s) : NULL; /* one form of unset, so that equal is equal */
	return 0;
}

static int read_bool(const struct json *j, const struct field *f, void *at, struct err *e)
{
	return value_bool(j, f->name, at, e);
}

/* A number of the field's range, or of the type's where the field states none. */
static int read_int(
	const struct json *j, const struct field *f, uint64_t type_max, int64_t *ret, struct err *e)
{
	uint64_t max = f->max && f->max < type_max ? f->max : type_max;

	if (max > INT64_MAX)
		max = INT64_MAX;
	if (f->range != NULL && json_kind(j) == JSON_IS_INT &&
		f->range(json_int(j, NULL, 0), f->name, e) < 0)
		return ERR_INVALID;
	return value_int(j, f->name, (int64_t)f->min, (int64_t)max, ret, e);
}

static int read_u16(const struct json *j, const struct field *f, void *at, struct err *e)
{
	int64_t v = 0;

	if (read_int(j, f, UINT16_MAX, &v, e) != 0)
		return ERR_INVALID;
	*(uint16_t *)at = (uint16_t)v;
	return 0;
}

static int read_u32(const struct json *j, const struct field *f, void *at, struct err *e)
{
	int64_t v = 0;

	if (read_int(j, f, UINT32_MAX, &v, e) != 0)
		return ERR_INVALID;
	*(uint32_t *)at = (uint32_t)v;
	return 0;
}

static int read_i32(const struct json *j, const struct field *f, void *at, struct err *e)
{
	int64_t v = 0, min = (int64_t)f->min, max = (int64_t)f->max;

	if (min == 0 && max == 0) {
		min = INT32_MIN;
		max = INT32_MAX;
	}
	if (value_int(j, f->name, min, max, &v, e) != 0)
		return ERR_INVALID;
	*(int32_t *)at = (int32_t)v;
	return 0;
}

static int read_u64(const struct json *j, const struct field *f, void *at, struct err *e)
{
	int64_t v = 0;

	if (read_int(j, f, UINT64_MAX, &v, e) != 0)
		return ERR_INVALID;
	*(uint64_t *)at = (uint64_t)v;
	return 0;
}

static int read_time(const struct json *j, const struct field *f, void *at, struct err *e)
{
	return value_time(j, f->name, at, e);
}

static int read_enum(const struct json *j, const struct field *f, void *at, struct err *e)
{
	return value_word(j, f->name, f->words, at, e);
}

static int read_bits(const struct json *j, const struct field *f, void *at, struct err *e)
{
	return value_bits(j, f->name, f->words, at, e);
}

static int read_key(const struct json *j, const struct field *f, void *at, struct err *e)
{
	return value_key(j, f->name, at, e);
}

static int read_addr(const struct json *j, const struct field *f, void *at, struct err *e)
{
	return value_addr(j, f->name, at, e);
}

static int read_prefix(const struct json *j, const struct field *f, void *at, struct err *e)
{
	return value_prefix(j, f->name, at, e);
}

static int read_prefixes(const struct json *j, const struct field *f, void *at, struct err *e)
{
	struct prefix_vec v = {0};

	if (value_prefixes(j, f->name, f->max ? f->max : SIZE_MAX, &v, e) != 0)
		return ERR_INVALID;
	VEC_DONE((struct prefix_vec *)at);
	*(struct prefix_vec *)at = v;
	return 0;
}

static int read_strs(const struct json *j, const struct field *f, void *at, struct err *e)
{
	struct strs l = {0};

	if (value_strs(j, f->name, f->max ? f->max : SIZE_MAX, ITEM_CHARS_MAX, &l, e) != 0)
		return ERR_INVALID;
	strs_done(at);
	*(struct strs *)at = l;
	return 0;
}

static void rule_done(struct rule *r)
{
	strs_done(&r->from);
	strs_done(&r->to);
	strs_done(&r->ports);
	r->protocol = mem_free(r->protocol);
}

static void rules_done(struct rule_vec *v)
{
	VEC_FOREACH (r, v)
		rule_done(r);
	VEC_DONE(v);
}

struct rule_reader {
	struct rule rule;
	bool from, to;
	struct err *e;
	int rc;
};

/* One member of a rule; errors name it alone, the caller puts "rules[2]." before. */
static void rule_member(void *ctx, const char *key, const struct json *v)
{
	struct rule_reader *r = ctx;
	int word = 0;

	if (r->rc != 0)
		return;
	if (strcmp(key, "from") == 0) {
		r->from = true;
		r->rc = value_strs(v, key, RULE_LIST_MAX, ITEM_CHARS_MAX, &r->rule.from, r->e);
	} else if (strcmp(key, "to") == 0) {
		r->to = true;
		r->rc = value_strs(v, key, RULE_LIST_MAX, ITEM_CHARS_MAX, &r->rule.to, r->e);
	} else if (strcmp(key, "ports") == 0) {
		r->rc = value_strs(v, key, RULE_LIST_MAX, PORTS_CHARS_MAX, &r->rule.ports, r->e);
	} else if (strcmp(key, "protocol") == 0) {
		r->rc = value_word(v, key, protocol_words, &word, r->e);
		if (r->rc == 0)
			r->rule.protocol = mem_strdup(protocol_words[word]);
	} else {
		r->rc = err_field(r->e, ERR_INVALID, key, "a rule has no field \"%.40s\"", key);
	}
}

static int read_rule(const struct json *j, struct rule *ret, struct err *e)
{
	struct rule_reader r = {.e = e};

	if (json_kind(j) != JSON_IS_OBJECT)
		return err_field(e, ERR_INVALID, "", "a rule must be an object");
	json_each(j, rule_member, &r);
	if (r.rc == 0 && !(r.from && r.to))
		r.rc = err_field(
			e, ERR_INVALID, r.from ? "to" : "from", "a rule needs \"from\" and \"to\"");
	if (r.rc != 0) {
		rule_done(&r.rule);
		return r.rc;
	}
	if (!r.rule.protocol)
		r.rule.protocol = mem_strdup("any");
	*ret = r.rule;
	return 0;
}

static int read_rules(const struct json *j, const struct field *f, void *at, struct err *e)
{
	CLEANUP(rules_done) struct rule_vec v = {0};
	struct rule_vec *old = at, swap;
	char item[VALUE_FIELD_LEN];

	if (value_list(j, f->name, f->max ? f->max : SIZE_MAX, e) != 0)
		return ERR_INVALID;
	for (size_t i = 0; i < json_count(j); i++) {
		struct rule r;

		if (read_rule(json_at(j, i), &r, e) != 0)
			return value_under(e, value_item(f->name, i, item));
		VEC_PUSH(&v, r);
	}
	swap = *old;
	*old = v;
	v = swap;
	return 0;
}

/* --- writing --------------------------------------------------------------------------------- */

static void write_id(struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	json_put_str(w, key, *(const char *)at ? at : NULL);
}

static void write_str(struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	json_put_str(w, key, *(char *const *)at);
}

static void write_bool(
	struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	json_put_bool(w, key, *(const bool *)at);
}

static void write_u16(struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	json_put_int(w, key, *(const uint16_t *)at);
}

static void write_u32(struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	json_put_int(w, key, *(const uint32_t *)at);
}

static void write_i32(struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	json_put_int(w, key, *(const int32_t *)at);
}

static void write_u64(struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	json_put_u64(w, key, *(const uint64_t *)at);
}

static void write_time(
	struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	json_put_time(w, key, *(const msec *)at);
}

static void write_enum(
	struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	int i = *(const int *)at, n = 0;

	while (f->words[n])
		n++;
	json_put_str(w, key, i >= 0 && i < n ? f->words[i] : NULL);
}

static void write_bits(
	struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	value_put_bits(w, key, *(const unsigned *)at, f->words);
}

static void write_key(struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	value_put_key(w, key, at);
}

static void write_addr(
	struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	value_put_addr(w, key, *(const struct addr *)at);
}

static void write_prefix(
	struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	value_put_prefix(w, key, *(const struct prefix *)at);
}

static void write_prefixes(
	struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	value_put_prefixes(w, key, at);
}

static void write_strs(
	struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	value_put_strs(w, key, at);
}

static void write_rules(
	struct json_writer *w, const char *key, const struct field *f, const void *at)
{
	json_begin_array(w, key);
	VEC_FOREACH (r, (const struct rule_vec *)at) {
		json_begin_object(w, NULL);
		value_put_strs(w, "from", &r->from);
		value_put_strs(w, "to", &r->to);
		json_put_str(w, "protocol", r->protocol);
		value_put_strs(w, "ports", &r->ports);
		json_end_object(w);
	}
	json_end_array(w);
}

/* --- by type --------------------------------------------------------------------------------- */

static void clear_str(void *at)
{
	*(char **)at = mem_free(*(char **)at);
}

static void clear_strs(void *at)
{
	strs_done(at);
}

static void clear_prefixes(void *at)
{
	VEC_DONE((struct prefix_vec *)at);
}

static void clear_rules(void *at)
{
	rules_done(at);
}

/* null clears what has an unset value: owned things by clear, plain ones by `plain` zero bytes.
 * A number, a boolean or a word always has a value, so null is refused there. */
static const struct type_codec {
	read_fn *read;
	write_fn *write;
	void (*clear)(void *at);
	size_t plain;
} types[] = {
	[FIELD_ID] = {read_id, write_id, NULL, sizeof(id_text)},
	[FIELD_STR] = {read_str, write_str, clear_str, 0},
	[FIELD_BOOL] = {read_bool, write_bool, NULL, 0},
	[FIELD_U16] = {read_u16, write_u16, NULL, 0},
	[FIELD_U32] = {read_u32, write_u32, NULL, 0},
	[FIELD_I32] = {read_i32, write_i32, NULL, 0},
	[FIELD_U64] = {read_u64, write_u64, NULL, 0},
	[FIELD_TIME] = {read_time, write_time, NULL, sizeof(msec)},
	[FIELD_ENUM] = {read_enum, write_enum, NULL, 0},
	[FIELD_BITS] = {read_bits, write_bits, NULL, 0},
	[FIELD_KEY] = {read_key, write_key, NULL, sizeof(struct public_key)},
	[FIELD_ADDR] = {read_addr, write_addr, NULL, sizeof(struct addr)},
	[FIELD_PREFIX] = {read_prefix, write_prefix, NULL, sizeof(struct prefix)},
	[FIELD_PREFIXES] = {read_prefixes, write_prefixes, clear_prefixes, 0},
	[FIELD_STRS] = {read_strs, write_strs, clear_strs, 0},
	[FIELD_RULES] = {read_rules, write_rules, clear_rules, 0},
};

void field_write(struct json_writer *w, const char *key, const struct field *f, const void *object)
{
	types[f->type].write(w, key, f, field_at(f, object));
}

int field_read(const struct json *j, const struct field *f, void *object, struct err *e)
{
	const struct type_codec *t = &types[f->type];
	void *at = field_at(f, object);

	if (json_kind(j) != JSON_IS_NULL)
		return t->read(j, f, at, e);
	if ((f->flags & FIELD_REQUIRED) || (!t->clear && t->plain == 0))
		return err_field(e, ERR_INVALID, f->name, "%s must not be null", f->name);
	if (t->clear)
		t->clear(at);
	else
		memset(at, 0, t->plain);
	return 0;
}

void object_write(struct json_writer *w, const struct schema *s, const void *object)
{
	for (size_t i = 0; i < s->n; i++)
		if (!(s->fields[i].flags & FIELD_HIDDEN))
			field_write(w, s->fields[i].name, &s->fields[i], object);
}

struct body {
	const struct schema *schema;
	const char *const *also;
	unsigned need;
	void *copy;
	struct err *e;
	int rc;
};

static void body_member(void *ctx, const char *key, const struct json *v)
{
	struct body *b = ctx;
	const struct field *f;

	if (b->rc != 0)
		return;
	for (const char *const *a = b->also; a && *a; a++)
		if (strcmp(*a, key) == 0)
			return;
	f = schema_field(b->schema, key);
	if (!f || (f->flags & FIELD_HIDDEN && !(f->flags & b->need)))
		b->rc = err_field(b->e, ERR_INVALID, key, "there is no field \"%.60s\" here", key);
	else if (!(f->flags & b->need))
		b->rc = err_field(b->e, ERR_INVALID, key,
			b->need == FIELD_CHANGE && f->flags & FIELD_SET
				? "%s can be set only when the object is created"
				: "%s is not yours to set",
			key);
	else
		b->rc = field_read(v, f, b->copy, b->e);
}

int object_read(const struct json *j, const struct schema *s, unsigned need,
	const char *const also[], void *object, struct err *e)
{
	struct body b = {.schema = s, .also = also, .need = need, .e = e};

	if (json_kind(j) != JSON_IS_OBJECT)
		return err_field(e, ERR_INVALID, "", "the body must be a JSON object");
	b.copy = schema_dup(s, object);
	json_each(j, body_member, &b);
	for (size_t i = 0; b.rc == 0 && need == FIELD_SET && i < s->n; i++)
		if (s->fields[i].flags & FIELD_REQUIRED && !json_get(j, s->fields[i].name))
			b.rc = err_field(e, ERR_INVALID, s->fields[i].name, "%s is required",
				s->fields[i].name);
	if (b.rc != 0) {
		schema_free(s, b.copy);
		return b.rc;
	}
	schema_done(s, object);
	memcpy(object, b.copy, s->size);
	mem_free(b.copy);
	return 0;
}
