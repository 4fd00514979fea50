/*
 * DOC: the reading half of json.h, on jansson. It refuses what jansson lets pass by default or
 * bounds too late: repeated keys, nesting deeper than ours, too many bytes.
 */
#include "codec/json.h"

#include "base/mem.h"

#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#undef json_is_null /* jansson's macro of one argument; ours takes a path */

struct json_doc {
	json_t *root;
};

static const json_t *tree(const struct json *j)
{
	return (const json_t *)j;
}

static const struct json *node(const json_t *t)
{
	return (const struct json *)t;
}

static void free_wiped(void *p)
{
	if (p)
		mem_wipe(p, malloc_usable_size(p));
	free(p);
}

static void set_memory(void)
{
	json_set_alloc_funcs(mem_alloc, free_wiped);
}

/* Deepest nesting of brackets outside strings; text need not be JSON yet. */
static unsigned depth_of(const char *text, size_t n)
{
	unsigned depth = 0, most = 0;
	bool in_string = false;

	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > most)
				most = depth;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return most;
}

struct json_doc *json_parse(const char *text, size_t n, size_t max, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	json_error_t why;
	struct json_doc *d;
	json_t *root;
	char *near;

	pthread_once(&once, set_memory);
	if (n > max) {
		err_set(e, ERR_INVALID, "JSON of %zu bytes: at most %zu are taken", n, max);
		return NULL;
	}
	if (depth_of(text, n) > JSON_DEPTH_MAX) {
		err_set(e, ERR_INVALID, "JSON nested deeper than %d", JSON_DEPTH_MAX);
		return NULL;
	}
	/* jansson 2.14 skips a NUL byte behind a number */
	if (n > 0 && memchr(text, '\0', n)) {
		err_set(e, ERR_INVALID, "not JSON: it has a NUL byte");
		return NULL;
	}
	root = json_loadb(n > 0 ? text : "", n, JSON_REJECT_DUPLICATES, &why);
	if (!root) {
		/* what stood there may be a secret: say where, not what */
		near = strstr(why.text, " near ");
		if (near)
			*near = '\0';
		err_set(e, ERR_INVALID, "not JSON: line %d, column %d: %s", why.line, why.column,
			why.text);
		return NULL;
	}
	d = NEW(struct json_doc);
	d->root = root;
	return d;
}

struct json_doc *json_free(struct json_doc *d)
{
	if (d) {
		json_decref(d->root);
		mem_free(d);
	}
	return NULL;
}

const struct json *json_root(const struct json_doc *d)
{
	return node(d->root);
}

const struct json *json_get(const struct json *j, const char *path)
{
	const json_t *t = tree(j);

	while (t && path && *path) {
		size_t n = strcspn(path, ".");

		t = json_object_getn(t, path, n);
		path += n;
		if (*path == '.')
			path++;
	}
	return node(t);
}

const char *json_str(const struct json *j, const char *path)
{
	return json_string_value(tree(json_get(j, path)));
}

int64_t json_int(const struct json *j, const char *path, int64_t fallback)
{
	const json_t *t = tree(json_get(j, path));

	return json_is_integer(t) ? json_integer_value(t) : fallback;
}

bool json_bool(const struct json *j, const char *path, bool fallback)
{
	const json_t *t = tree(json_get(j, path));

	return json_is_boolean(t) ? json_is_true(t) : fallback;
}

size_t json_count(const struct json *j)
{
	return json_array_size(tree(j));
}

const struct json *json_at(const struct json *j, size_t i)
{
	return node(json_array_get(tree(j), i));
}

bool json_is_null(const struct json *j, const char *path)
{
	const json_t *t = tree(json_get(j, path));

	return t && json_typeof(t) == JSON_NULL;
}

enum json_kind json_kind(const struct json *j)
{
	static const enum json_kind kinds[] = {
		[JSON_OBJECT] = JSON_IS_OBJECT,
		[JSON_ARRAY] = JSON_IS_LIST,
		[JSON_STRING] = JSON_IS_STR,
		[JSON_INTEGER] = JSON_IS_INT,
		[JSON_REAL] = JSON_IS_REAL,
		[JSON_TRUE] = JSON_IS_BOOL,
		[JSON_FALSE] = JSON_IS_BOOL,
		[JSON_NULL] = JSON_IS_NULL,
	};

	return j ? kinds[json_typeof(tree(j))] : JSON_IS_NULL;
}

static int append(const char *p, size_t n, void *out)
{
	buf_add(out, p, n);
	return 0;
}

void json_text(const struct json *j, struct buf *out)
{
	if (!j)
		return;
	if (json_is_string(tree(j)))
		buf_adds(out, json_string_value(tree(j)));
	else
		json_dump_callback(tree(j), append, out, JSON_COMPACT | JSON_ENCODE_ANY);
}

void json_each(const struct json *j, void (*fn)(void *ctx, const char *key, const struct json *v),
	void *ctx)
{
	/* jansson's iterators take a tree that could be changed; this one is not */
	json_t *t = (json_t *)(uintptr_t)j;

	for (void *it = json_object_iter(t); it; it = json_object_iter_next(t, it))
		fn(ctx, json_object_iter_key(it), node(json_object_iter_value(it)));
}
