/* DOC: one JSON value to one value of the model and back; see value.h. */
#include "codec/value.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

const char *value_item(const char *field, size_t i, char ret[static VALUE_FIELD_LEN])
{
	int n = snprintf(ret, VALUE_FIELD_LEN, "%.40s[%zu]", field, i);

	return n > 0 ? ret : "";
}

int value_under(struct err *e, const char *outer)
{
	char joined[2 * VALUE_FIELD_LEN];

	if (!e)
		return ERR_INVALID;
	snprintf(joined, sizeof(joined), "%.63s%s%.63s", outer, e->field[0] ? "." : "", e->field);
	joined[sizeof(e->field) - 1] = '\0';
	memcpy(e->field, joined, sizeof(e->field));
	return e->code;
}

static const char *kind_name(const struct json *j)
{
	static const char *const names[] = {
		[JSON_IS_NULL] = "null",
		[JSON_IS_BOOL] = "a boolean",
		[JSON_IS_INT] = "a number",
		[JSON_IS_REAL] = "a number with a fraction or exponent",
		[JSON_IS_STR] = "a string",
		[JSON_IS_LIST] = "a list",
		[JSON_IS_OBJECT] = "an object",
	};

	return names[json_kind(j)];
}

static int wrong(const struct json *j, const char *field, const char *want, struct err *e)
{
	return err_field(e, ERR_INVALID, field, "%s must be %s, not %s", field, want, kind_name(j));
}

int value_text(const struct json *j, const char *field, uint64_t min, uint64_t max,
	const char **ret, struct err *e)
{
	const char *s = json_str(j, NULL);
	int chars;

	if (!s)
		return wrong(j, field, "a string", e);
	chars = text_printable(s);
	if (chars < 0)
		return err_field(e, ERR_INVALID, field, "%s has control characters", field);
	if ((uint64_t)chars < min || (uint64_t)chars > max)
		return err_field(e, ERR_INVALID, field,
			"%s must have %llu to %llu characters, not %d", field,
			(unsigned long long)min, (unsigned long long)max, chars);
	*ret = s;
	return 0;
}

int value_int(const struct json *j, const char *field, int64_t min, int64_t max, int64_t *ret,
	struct err *e)
{
	int64_t v = json_int(j, NULL, 0);

	if (json_kind(j) != JSON_IS_INT)
		return wrong(j, field, "an integer", e);
	if (v < min || v > max)
		return err_field(e, ERR_INVALID, field,
			"%s must be between %lld and %lld, not %lld", field, (long long)min,
			(long long)max, (long long)v);
	*ret = v;
	return 0;
}

int value_bool(const struct json *j, const char *field, bool *ret, struct err *e)
{
	if (json_kind(j) != JSON_IS_BOOL)
		return wrong(j, field, "true or false", e);
	*ret = json_bool(j, NULL, false);
	return 0;
}

int value_time(const struct json *j, const char *field, msec *ret, struct err *e)
{
	const char *s = json_str(j, NULL);
	msec t = 0;

	if (json_kind(j) == JSON_IS_NULL) {
		*ret = 0;
		return 0;
	}
	if (!s)
		return wrong(j, field, "a time or null", e);
	/* the first instant of 1970 would read as unset, which is "never" to most fields */
	if (clock_parse(s, &t) != 0 || t == 0)
		return err_field(e, ERR_INVALID, field,
			"\"%.40s\" is not a time like 2026-01-02T03:04:05Z", s);
	*ret = t;
	return 0;
}

static int word_of(
	const char *s, const char *field, const char *const words[], int *ret, struct err *e)
{
	CLEANUP(buf_done) struct buf list = {0};

	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], s) == 0) {
			*ret = i;
			return 0;
		}
		buf_addf(&list, "%s%s", i > 0 ? ", " : "", words[i]);
	}
	return err_field(e, ERR_INVALID, field, "\"%.40s\" is not one of: %s", s, buf_str(&list));
}

int value_word(
	const struct json *j, const char *field, const char *const words[], int *ret, struct err *e)
{
	const char *s = json_str(j, NULL);

	return s ? word_of(s, field, words, ret, e) : wrong(j, field, "a string", e);
}

int value_bits(const struct json *j, const char *field, const char *const words[], unsigned *ret,
	struct err *e)
{
	char item[VALUE_FIELD_LEN];
	unsigned bits = 0;

	if (value_list(j, field, 32, e) != 0)
		return ERR_INVALID;
	for (size_t i = 0; i < json_count(j); i++) {
		int bit = 0;

		if (value_word(json_at(j, i), value_item(field, i, item), words, &bit, e) != 0)
			return ERR_INVALID;
		bits |= 1u << bit;
	}
	*ret = bits;
	return 0;
}

int value_key(const struct json *j, const char *field, struct public_key *ret, struct err *e)
{
	const char *s = json_str(j, NULL);

	return s ? key_read_public(s, field, ret, e) : wrong(j, field, "a key in base64", e);
}

int value_addr(const struct json *j, const char *field, struct addr *ret, struct err *e)
{
	const char *s = json_str(j, NULL);
	struct addr a;

	if (!s)
		return wrong(j, field, "an IP address", e);
	if (addr_parse(s, &a) != 0)
		return err_field(e, ERR_INVALID, field, "\"%.60s\" is not an IP address", s);
	*ret = a;
	return 0;
}

int value_prefix(const struct json *j, const char *field, struct prefix *ret, struct err *e)
{
	const char *s = json_str(j, NULL);

	return s ? prefix_parse(s, field, ret, e) : wrong(j, field, "an address range (CIDR)", e);
}

int value_list(const struct json *j, const char *field, size_t max, struct err *e)
{
	if (json_kind(j) != JSON_IS_LIST)
		return wrong(j, field, "a list", e);
	if (json_count(j) > max)
		return err_field(e, ERR_INVALID, field, "%s has %zu items: at most %zu are taken",
			field, json_count(j), max);
	return 0;
}

int value_strs(const struct json *j, const char *field, size_t max, uint64_t max_chars,
	struct strs *ret, struct err *e)
{
	CLEANUP(strs_done) struct strs l = {0};
	char item[VALUE_FIELD_LEN];

	if (value_list(j, field, max, e) != 0)
		return ERR_INVALID;
	for (size_t i = 0; i < json_count(j); i++) {
		const char *s = NULL;

		if (value_text(json_at(j, i), value_item(field, i, item), 1, max_chars, &s, e) != 0)
			return ERR_INVALID;
		strs_push(&l, s);
	}
	*ret = l;
	l = (struct strs){0};
	return 0;
}

int value_prefixes(
	const struct json *j, const char *field, size_t max, struct prefix_vec *ret, struct err *e)
{
	struct prefix_vec v = {0};
	char item[VALUE_FIELD_LEN];

	if (value_list(j, field, max, e) != 0)
		return ERR_INVALID;
	for (size_t i = 0; i < json_count(j); i++) {
		struct prefix p;

		if (value_prefix(json_at(j, i), value_item(field, i, item), &p, e) != 0) {
			VEC_DONE(&v);
			return ERR_INVALID;
		}
		VEC_PUSH(&v, p);
	}
	*ret = v;
	return 0;
}

void value_put_addr(struct json_writer *w, const char *key, struct addr a)
{
	char text[ADDR_TEXT_LEN];

	json_put_str(w, key, addr_is_set(a) ? addr_format(a, text) : NULL);
}

void value_put_prefix(struct json_writer *w, const char *key, struct prefix p)
{
	char text[PREFIX_TEXT_LEN];

	json_put_str(w, key, addr_is_set(p.addr) ? prefix_format(p, text) : NULL);
}

void value_put_key(struct json_writer *w, const char *key, const struct public_key *k)
{
	char text[KEY_TEXT_LEN];

	json_put_str(w, key, public_key_is_zero(k) ? NULL : key_format_public(k, text));
}

void value_put_strs(struct json_writer *w, const char *key, const struct strs *l)
{
	json_begin_array(w, key);
	VEC_FOREACH (s, l)
		json_put_str(w, NULL, *s);
	json_end_array(w);
}

void value_put_prefixes(struct json_writer *w, const char *key, const struct prefix_vec *v)
{
	json_begin_array(w, key);
	VEC_FOREACH (p, v)
		value_put_prefix(w, NULL, *p);
	json_end_array(w);
}

void value_put_bits(
	struct json_writer *w, const char *key, unsigned bits, const char *const words[])
{
	json_begin_array(w, key);
	for (int i = 0; words[i]; i++)
		if (bits & 1u << i)
			json_put_str(w, NULL, words[i]);
	json_end_array(w);
}
