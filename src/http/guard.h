/*
 * DOC: the request guard. Two programs that read one request differently can be played against
 * each other (smuggling), so what is ambiguous is refused before anything looks at it. Pure; the
 * probe table in tests/http/test_guard.c says what is refused on the wire.
 */
#ifndef WARREN_HTTP_GUARD_H
#define WARREN_HTTP_GUARD_H

#include "base/err.h"
#include "http/target.h"

#include <stdbool.h>

struct http_header_view {
	const char *name, *value;
	size_t name_len, value_len; /* as received: NULs inside count */
};

/* 0, or the status to refuse with: 400, 431, 505; e says why. */
int http_guard(
	const char *version, const struct http_header_view *headers, size_t n, struct err *e);

/* A token of RFC 9110: method and header names. */
bool http_is_token(const char *s, size_t n);

#endif
