/*
 * DOC: JSON without its library showing: a streaming writer for answers of any size and a strict
 * reader (duplicate keys, bad UTF-8, trailing bytes and deep nesting are refused). <jansson.h> is
 * included only in this room.
 */
#ifndef WARREN_CODEC_JSON_H
#define WARREN_CODEC_JSON_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Writer: compact JSON, appended to a buffer. Commas are its business. key NULL inside arrays. */
struct json_writer {
	struct buf *out;
	unsigned depth;
	bool comma;
};
void json_begin_object(struct json_writer *w, const char *key);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w, const char *key);
void json_end_array(struct json_writer *w);
void json_put_str(struct json_writer *w, const char *key, const char *value); /* NULL = null */
void json_put_int(struct json_writer *w, const char *key, int64_t value);
void json_put_bool(struct json_writer *w, const char *key, bool value);
void json_put_null(struct json_writer *w, const char *key);
void json_put_time(struct json_writer *w, const char *key, msec t); /* 0 = null */
void json_put_raw(struct json_writer *w, const char *key, const char *json, size_t n);
void json_put_u64(struct json_writer *w, const char *key, uint64_t value); /* at most 2^63-1 */
/* Append s as a JSON string with its quotes. UTF-8 is kept, controls are escaped, and a byte that
 * is not UTF-8 becomes U+FFFD: what is written always parses. */
void json_quote(struct buf *out, const char *s);

/* Reader. Memory of parsed values is wiped when it is freed: bodies carry secrets. A struct json is
 * borrowed from its document. */
struct json;
struct json_doc;
#define JSON_MAX (1024 * 1024)
#define JSON_DEPTH_MAX 64
/* Parse an object or array of at most max bytes. ERR_INVALID with line and column; the error does
 * not repeat the text, which may hold a secret. */
struct json_doc *json_parse(const char *text, size_t n, size_t max, struct err *e);
struct json_doc *json_free(struct json_doc *d);
const struct json *json_root(const struct json_doc *d);

/* Look-ups answer NULL / fallback when absent or of another type. path: "client.id". */
const struct json *json_get(const struct json *j, const char *path);
const char *json_str(const struct json *j, const char *path); /* borrowed */
int64_t json_int(const struct json *j, const char *path, int64_t fallback);
bool json_bool(const struct json *j, const char *path, bool fallback);
size_t json_count(const struct json *j);                    /* of an array */
const struct json *json_at(const struct json *j, size_t i); /* of an array */
bool json_is_null(const struct json *j, const char *path);  /* present and null */
/* What a value is. NULL (absent) counts as null. */
enum json_kind {
	JSON_IS_NULL,
	JSON_IS_BOOL,
	JSON_IS_INT,  /* fits int64_t */
	JSON_IS_REAL, /* 3.0 too: a number with a point or an exponent is never an integer */
	JSON_IS_STR,
	JSON_IS_LIST,
	JSON_IS_OBJECT,
};
enum json_kind json_kind(const struct json *j);
/* Text of a scalar as a person would read it, or compact JSON; appended. */
void json_text(const struct json *j, struct buf *out);
/* Walk an object's members in the order they were written. */
void json_each(const struct json *j, void (*fn)(void *ctx, const char *key, const struct json *v),
	void *ctx);

#endif
