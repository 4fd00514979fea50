/*
 * DOC: one JSON value to one value of the model and back, with its limits. Objects, states and
 * heads are read with these only. Each reader answers ERR_INVALID naming field and leaves ret
 * untouched; absent (NULL) counts as null.
 */
#ifndef WARREN_CODEC_VALUE_H
#define WARREN_CODEC_VALUE_H

#include "codec/json.h"
#include "crypto/key.h"
#include "model/objects.h"

/* Name of item i of a list: "rules[2]"; cut when it does not fit an error. */
#define VALUE_FIELD_LEN 64
const char *value_item(const char *field, size_t i, char ret[static VALUE_FIELD_LEN]);
/* "outer.inner" as an error's field. Returns e's code, or ERR_INVALID. */
int value_under(struct err *e, const char *outer);

/* A printable string of min to max characters. */
int value_text(const struct json *j, const char *field, uint64_t min, uint64_t max,
	const char **ret, struct err *e);
int value_int(const struct json *j, const char *field, int64_t min, int64_t max, int64_t *ret,
	struct err *e);
int value_bool(const struct json *j, const char *field, bool *ret, struct err *e);
int value_time(const struct json *j, const char *field, msec *ret, struct err *e);
/* An index into words / a bit for each word of a list. */
int value_word(const struct json *j, const char *field, const char *const words[], int *ret,
	struct err *e);
int value_bits(const struct json *j, const char *field, const char *const words[], unsigned *ret,
	struct err *e);
int value_key(const struct json *j, const char *field, struct public_key *ret, struct err *e);
int value_addr(const struct json *j, const char *field, struct addr *ret, struct err *e);
int value_prefix(const struct json *j, const char *field, struct prefix *ret, struct err *e);
/* Lists of at most max items; *ret must be empty, and is replaced. */
int value_list(const struct json *j, const char *field, size_t max, struct err *e);
int value_strs(const struct json *j, const char *field, size_t max, uint64_t max_chars,
	struct strs *ret, struct err *e);
int value_prefixes(
	const struct json *j, const char *field, size_t max, struct prefix_vec *ret, struct err *e);

/* Unset addresses, prefixes and keys are null. */
void value_put_addr(struct json_writer *w, const char *key, struct addr a);
void value_put_prefix(struct json_writer *w, const char *key, struct prefix p);
void value_put_key(struct json_writer *w, const char *key, const struct public_key *k);
void value_put_strs(struct json_writer *w, const char *key, const struct strs *l);
void value_put_prefixes(struct json_writer *w, const char *key, const struct prefix_vec *v);
void value_put_bits(
	struct json_writer *w, const char *key, unsigned bits, const char *const words[]);

#endif
