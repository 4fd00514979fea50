/* DOC: taking request targets apart; see target.h. */
#include "http/target.h"

#include "base/text.h"

#include <string.h>

/* Decode n bytes; plus is what '+' stands for. NULL when an escape or its meaning is bad. */
static char *decode(const char *s, size_t n, char plus)
{
	char *out = mem_alloc(n + 1);
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		char c = s[i];

		if (c == '%') {
			int hi = i + 1 < n ? text_hex_digit(s[i + 1]) : -1;
			int lo = i + 2 < n ? text_hex_digit(s[i + 2]) : -1;

			if (hi < 0 || lo < 0 || (hi == 0 && lo == 0))
				return mem_free(out);
			c = (char)(hi << 4 | lo);
			i += 2;
		} else if (c == '+') {
			c = plus;
		}
		out[len++] = c;
	}
	out[len] = '\0';
	if (text_printable(out) < 0)
		return mem_free(out);
	return out;
}

static int parse_path(struct http_target_parts *t, struct err *e)
{
	const char *p = t->path;

	while (*p == '/') {
		size_t n = strcspn(++p, "/");
		char *segment = decode(p, n, '+');

		if (segment == NULL)
			return err_set(e, ERR_INVALID, "path has a bad escape or character");
		VEC_PUSH(&t->segments, segment);
		if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0)
			return err_set(e, ERR_INVALID, "path has a dot segment");
		if (t->segments.n > HTTP_SEGMENTS_MAX)
			return err_set(e, ERR_INVALID, "path has more than %d segments",
				HTTP_SEGMENTS_MAX);
		p += n;
	}
	return 0;
}

static int parse_query(struct http_target_parts *t, const char *q, struct err *e)
{
	while (*q != '\0') {
		size_t n = strcspn(q, "&"), name_len;
		const char *eq = memchr(q, '=', n);
		struct http_pair pair;

		name_len = eq != NULL ? (size_t)(eq - q) : n;
		if (n > 0) {
			pair.name = decode(q, name_len, ' ');
			pair.value =
				eq != NULL ? decode(eq + 1, n - name_len - 1, ' ') : mem_strdup("");
			VEC_PUSH(&t->query, pair);
			if (pair.name == NULL || pair.value == NULL)
				return err_set(
					e, ERR_INVALID, "query has a bad escape or character");
		}
		if (t->query.n > HTTP_QUERY_MAX)
			return err_set(
				e, ERR_INVALID, "query has more than %d fields", HTTP_QUERY_MAX);
		q += n;
		q += *q == '&';
	}
	return 0;
}

int http_target_parse(const char *raw, struct http_target_parts *t, struct err *e)
{
	size_t n = strcspn(raw, "?");
	int r;

	memset(t, 0, sizeof(*t));
	if (raw[0] != '/')
		return err_set(e, ERR_INVALID, "target is not a path");
	if (strchr(raw, '#') != NULL)
		return err_set(e, ERR_INVALID, "target has a fragment");
	t->path = mem_strndup(raw, n);
	r = parse_path(t, e);
	if (r == 0 && raw[n] == '?')
		r = parse_query(t, raw + n + 1, e);
	if (r < 0)
		http_target_parts_done(t);
	return r;
}

void http_pairs_done(struct http_pairs *p)
{
	VEC_FOREACH (pair, p) {
		mem_free(pair->name);
		mem_free(pair->value);
	}
	VEC_DONE(p);
}

void http_target_parts_done(struct http_target_parts *t)
{
	t->path = mem_free(t->path);
	strs_done(&t->segments);
	http_pairs_done(&t->query);
}
