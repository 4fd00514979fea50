/* DOC: the router; see route.h. Tables are short, so a walk over them is quick enough. */
#include "http/route.h"

#include "base/mem.h"

#include <stdbool.h>
#include <string.h>

static const char *const known_methods[] = {
	"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"};

static bool method_known(const char *method)
{
	for (size_t i = 0; i < ARRAY_LEN(known_methods); i++)
		if (strcmp(known_methods[i], method) == 0)
			return true;
	return false;
}

static bool method_fits(const struct http_route *r, const char *method)
{
	return strcmp(r->method, method) == 0 ||
		(!r->acts && strcmp(r->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* The next segment of a pattern: *p is moved behind it. NULL at the end. */
static const char *next(const char **p, size_t *ret_n)
{
	const char *s;

	if (**p != '/')
		return NULL;
	s = ++*p;
	*ret_n = strcspn(s, "/");
	*p += *ret_n;
	return s;
}

static bool path_fits(const char *pattern, const struct strs *segments)
{
	const char *s;
	size_t n = 0, i = 0;

	for (; (s = next(&pattern, &n)) != NULL; i++) {
		if (i == segments->n)
			return false;
		if (s[0] == '{') {
			if (segments->v[i][0] == '\0')
				return false;
		} else if (strlen(segments->v[i]) != n || memcmp(s, segments->v[i], n) != 0) {
			return false;
		}
	}
	return i == segments->n;
}

/* Both fit the same path: is a more literal than b? */
static bool closer(const char *a, const char *b)
{
	const char *sa, *sb;
	size_t na = 0, nb = 0;

	while ((sa = next(&a, &na)) != NULL && (sb = next(&b, &nb)) != NULL)
		if ((sa[0] == '{') != (sb[0] == '{'))
			return sb[0] == '{';
	return false;
}

static void take_params(const char *pattern, const struct strs *segments, struct http_pairs *params)
{
	const char *s;
	size_t n = 0;

	for (size_t i = 0; (s = next(&pattern, &n)) != NULL; i++)
		if (s[0] == '{') {
			struct http_pair p = {
				mem_strndup(s + 1, n - 2), mem_strdup(segments->v[i])};

			VEC_PUSH(params, p);
		}
}

static void list_allowed(
	const struct http_route *routes, size_t n, const struct strs *segments, struct buf *allow)
{
	for (size_t m = 0; m < ARRAY_LEN(known_methods); m++)
		for (size_t i = 0; i < n; i++)
			if (method_fits(&routes[i], known_methods[m]) &&
				path_fits(routes[i].path, segments)) {
				buf_addf(allow, "%s%s", allow->len > 0 ? ", " : "",
					known_methods[m]);
				break;
			}
}

int http_route_find(const struct http_route *routes, size_t n, const char *method,
	const struct strs *segments, const struct http_route **ret_route, struct http_pairs *params,
	struct buf *allow)
{
	const struct http_route *best = NULL;
	bool path_known = false;

	if (!method_known(method))
		return 501;
	for (size_t i = 0; i < n; i++) {
		if (!path_fits(routes[i].path, segments))
			continue;
		path_known = true;
		if (!method_fits(&routes[i], method))
			continue;
		/* A HEAD of its own goes before the GET that answers it too. */
		if (best == NULL || closer(routes[i].path, best->path) ||
			(strcmp(routes[i].path, best->path) == 0 &&
				strcmp(routes[i].method, method) == 0))
			best = &routes[i];
	}
	if (best == NULL) {
		if (path_known)
			list_allowed(routes, n, segments, allow);
		return path_known ? 405 : 404;
	}
	take_params(best->path, segments, params);
	*ret_route = best;
	return 200;
}
