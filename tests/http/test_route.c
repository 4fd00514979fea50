/* DOC: tests of the pure parts: targets, routes, and the guard's own limits. */
#include "http/guard.h"
#include "http/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void targets(void **state)
{
	static const struct {
		const char *raw, *want; /* segments joined by "|", "?" and pairs; NULL = refused */
	} t[] = {
		{"/", ""},
		{"/a/b", "a|b"},
		{"/a/", "a|"},
		{"//a", "|a"},
		{"/a%20b+c", "a b+c"},
		{"/a%2fb", "a/b"},
		{"/a?", "a"},
		{"/a?b", "a?b="},
		{"/a?b=c&&d=e%26+f=g&b=2", "a?b=c?d=e& f=g?b=2"},
		{"/%e2%82%ac", "\xe2\x82\xac"},
		{"", NULL},
		{"*", NULL},
		{"a", NULL},
		{"http://x/", NULL},
		{"/a#b", NULL},
		{"/%", NULL},
		{"/%4", NULL},
		{"/%4g", NULL},
		{"/%00", NULL},
		{"/%1f", NULL},
		{"/%7f", NULL},
		{"/%c2%80", NULL},
		{"/%ff", NULL},
		{"/%c0%af", NULL},
		{"/a/../b", NULL},
		{"/a/%2E/b", NULL},
		{"/a?b=%00", NULL},
		{"/a?%0a=b", NULL},
		{"/a?b=%", NULL},
		{"/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct http_target_parts p;
		CLEANUP(buf_done) struct buf got = {0};
		struct err e = {0};
		int r = http_target_parse(t[i].raw, &p, &e);

		for (size_t s = 0; s < p.segments.n; s++)
			buf_addf(&got, "%s%s", s > 0 ? "|" : "", p.segments.v[s]);
		VEC_FOREACH (q, &p.query)
			buf_addf(&got, "?%s=%s", q->name, q->value);
		http_target_parts_done(&p);
		if ((r < 0) != (t[i].want == NULL) || (r < 0 && e.text[0] == '\0') ||
			(r == 0 && strcmp(buf_str(&got), t[i].want) != 0))
			fail_msg("%s: %d \"%s\" %s", t[i].raw, r, buf_str(&got), e.text);
	}
}

static void queries_are_counted(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct http_target_parts p;

	(void)state;
	buf_adds(&b, "/?a");
	for (int i = 1; i < HTTP_QUERY_MAX; i++)
		buf_adds(&b, "&a");
	assert_int_equal(http_target_parse(b.data, &p, NULL), 0);
	http_target_parts_done(&p);
	buf_adds(&b, "&a");
	assert_int_equal(http_target_parse(b.data, &p, NULL), ERR_INVALID);
}

static const struct http_route routes[] = {
	{.method = "GET", .path = "/"},
	{.method = "GET", .path = "/a"},
	{.method = "POST", .path = "/a"},
	{.method = "GET", .path = "/a/{id}"},
	{.method = "GET", .path = "/a/new"},
	{.method = "HEAD", .path = "/a/new"},
	{.method = "DELETE", .path = "/a/{id}"},
	{.method = "GET", .path = "/{any}/{id}/x"},
	{.method = "GET", .path = "/a/{id}/{what}"},
	{.method = "POST", .path = "/w.v1.Svc/Do"},
	{.method = "GET", .path = "/open", .acts = true},
};

static void routes_are_found(void **state)
{
	static const struct {
		const char *method, *target;
		int status, row;
		const char *extra; /* parameters, or Allow */
	} t[] = {
		{"GET", "/", 200, 0, ""},
		{"GET", "/a", 200, 1, ""},
		{"HEAD", "/a", 200, 1, ""},
		{"POST", "/a", 200, 2, ""},
		{"PUT", "/a", 405, -1, "GET, HEAD, POST"},
		{"GET", "/a/7", 200, 3, "id=7 "},
		{"GET", "/a/new", 200, 4, ""},
		{"HEAD", "/a/new", 200, 5, ""},
		{"DELETE", "/a/new", 200, 6, "id=new "},
		{"POST", "/a/new", 405, -1, "GET, HEAD, DELETE"},
		{"GET", "/a/7/x", 200, 8, "id=7 what=x "},
		{"GET", "/b/7/x", 200, 7, "any=b id=7 "},
		{"POST", "/w.v1.Svc/Do", 200, 9, ""},
		/* a look at the head does nothing, so it cannot ask what does something */
		{"GET", "/open", 200, 10, ""},
		{"HEAD", "/open", 405, -1, "GET"},
		{"GET", "/a/", 404, -1, ""},
		{"GET", "/b", 404, -1, ""},
		{"GET", "/A", 404, -1, ""},
		{"GET", "/a/7/x/y", 404, -1, ""},
		{"get", "/a", 501, -1, ""},
		{"OPTIONS", "/b", 404, -1, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const struct http_route *r = NULL;
		struct http_target_parts p;
		struct http_pairs params = {0};
		CLEANUP(buf_done) struct buf extra = {0};
		int status;

		assert_int_equal(http_target_parse(t[i].target, &p, NULL), 0);
		status = http_route_find(
			routes, ARRAY_LEN(routes), t[i].method, &p.segments, &r, &params, &extra);
		VEC_FOREACH (q, &params)
			buf_addf(&extra, "%s=%s ", q->name, q->value);
		if (status != t[i].status || (r == NULL ? -1 : (int)(r - routes)) != t[i].row ||
			strcmp(buf_str(&extra), t[i].extra) != 0)
			fail_msg("%s %s: %d \"%s\"", t[i].method, t[i].target, status,
				buf_str(&extra));
		http_pairs_done(&params);
		http_target_parts_done(&p);
	}
}

static void guard_bounds_headers(void **state)
{
	static char big[HTTP_HEADER_MAX];
	struct http_header_view h[] = {{"Host", "x", 4, 1}, {"A", big, 1, HTTP_HEADER_MAX - 9 - 5}};
	struct err e = {0};

	(void)state;
	memset(big, 'a', sizeof(big));
	assert_int_equal(http_guard("HTTP/1.1", h, 2, &e), 0);
	h[1].value_len++;
	assert_int_equal(http_guard("HTTP/1.1", h, 2, &e), 431);
	assert_int_equal(http_guard("HTTP/1.2", h, 1, &e), 505);
	assert_int_equal(http_guard("HTTP/1.0", h, 0, &e), 0);
	assert_true(http_is_token("X-a.b~", 6));
	assert_false(http_is_token("", 0));
	assert_false(http_is_token("a\0b", 3));
	assert_false(http_is_token("a b", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets),
		cmocka_unit_test(queries_are_counted),
		cmocka_unit_test(routes_are_found),
		cmocka_unit_test(guard_bounds_headers),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
