/*
 * DOC: the request target "/a/b?x=1", taken apart strictly: percent escapes must be whole, and
 * what they decode to must be UTF-8 without NUL or control characters. Pure.
 */
#ifndef WARREN_HTTP_TARGET_H
#define WARREN_HTTP_TARGET_H

#include "base/err.h"
#include "base/vec.h"

#define HTTP_TARGET_MAX (8 * 1024)
#define HTTP_SEGMENTS_MAX 32
#define HTTP_QUERY_MAX 64

/* name and value are owned. */
struct http_pair {
	char *name, *value;
};
VEC_TYPE(http_pairs, struct http_pair);
void http_pairs_done(struct http_pairs *p);

struct http_target_parts {
	char *path;              /* as sent, without the query */
	struct strs segments;    /* decoded; "/a/b" is {"a","b"}, "/" is {""} */
	struct http_pairs query; /* decoded, in order; repeated names stay */
};

/* ERR_INVALID says what is wrong; then t is empty. */
int http_target_parse(const char *raw, struct http_target_parts *t, struct err *e);
void http_target_parts_done(struct http_target_parts *t);

#endif
