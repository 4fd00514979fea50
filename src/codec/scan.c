/* DOC: JSON as text; see scan.h. Recursive descent by the grammar of RFC 8259, depth bounded. */
#include "codec/scan.h"

#include "base/err.h"
#include "codec/json.h"

#include <ctype.h>
#include <string.h>

struct cursor {
	const char *p, *end;
	struct buf *out; /* NULL = only look */
};

static int peek(const struct cursor *c)
{
	return c->p < c->end ? (unsigned char)*c->p : -1;
}

static void keep(struct cursor *c, const char *p, size_t n)
{
	if (c->out && n > 0)
		buf_add(c->out, p, n);
}

static void space(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
}

static int token(struct cursor *c, char want)
{
	if (peek(c) != want)
		return ERR_INVALID;
	keep(c, c->p++, 1);
	return 0;
}

/* Length of the UTF-8 sequence at c->p, or 0. */
static size_t sequence(const struct cursor *c)
{
	const unsigned char *s = (const unsigned char *)c->p;
	size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;

	if (s[0] < 0xc2 || s[0] > 0xf4 || (size_t)(c->end - c->p) < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
		(s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* The length of an escape behind its backslash, or 0. */
static size_t escape(const struct cursor *c)
{
	if (c->end - c->p < 2)
		return 0;
	if (memchr("\"\\/bfnrt", c->p[1], 8))
		return 2;
	if (c->p[1] != 'u' || c->end - c->p < 6)
		return 0;
	for (int i = 2; i < 6; i++)
		if (!isxdigit((unsigned char)c->p[i]))
			return 0;
	return 6;
}

/* What a Go encoder, the signer of the published vectors, writes for the n bytes at p; or NULL. */
static const char *html_escape(const char *p, size_t n)
{
	if (n == 1)
		return *p == '<' ? "\\u003c" : *p == '>' ? "\\u003e" : *p == '&' ? "\\u0026" : NULL;
	if (n == 3 && memcmp(p, "\xe2\x80\xa8", 3) == 0)
		return "\\u2028";
	if (n == 3 && memcmp(p, "\xe2\x80\xa9", 3) == 0)
		return "\\u2029";
	return NULL;
}

static int string(struct cursor *c)
{
	const char *run = c->p;

	if (peek(c) != '"')
		return ERR_INVALID;
	c->p++;
	while (peek(c) != '"') {
		int ch = peek(c);
		const char *other;
		size_t n;

		if (ch < 0x20) /* also the end */
			return ERR_INVALID;
		n = ch == '\\' ? escape(c) : ch < 0x80 ? 1 : sequence(c);
		if (n == 0)
			return ERR_INVALID;
		other = html_escape(c->p, n);
		if (other) {
			keep(c, run, (size_t)(c->p - run));
			keep(c, other, 6);
			run = c->p + n;
		}
		c->p += n;
	}
	c->p++;
	keep(c, run, (size_t)(c->p - run));
	return 0;
}

static int digits(struct cursor *c)
{
	const char *from = c->p;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		c->p++;
	return c->p > from ? 0 : ERR_INVALID;
}

static int number(struct cursor *c)
{
	const char *from = c->p;

	if (peek(c) == '-')
		c->p++;
	if (peek(c) == '0')
		c->p++;
	else if (digits(c) != 0)
		return ERR_INVALID;
	if (peek(c) == '.') {
		c->p++;
		if (digits(c) != 0)
			return ERR_INVALID;
	}
	if (peek(c) == 'e' || peek(c) == 'E') {
		c->p++;
		if (peek(c) == '+' || peek(c) == '-')
			c->p++;
		if (digits(c) != 0)
			return ERR_INVALID;
	}
	keep(c, from, (size_t)(c->p - from));
	return 0;
}

static int literal(struct cursor *c, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
		return ERR_INVALID;
	keep(c, c->p, n);
	c->p += n;
	return 0;
}

static int key(struct cursor *c)
{
	space(c);
	if (string(c) != 0)
		return ERR_INVALID;
	space(c);
	return token(c, ':');
}

static int value(struct cursor *c, unsigned depth);

static int container(struct cursor *c, char close, unsigned depth)
{
	keep(c, c->p++, 1);
	space(c);
	if (peek(c) == close)
		return token(c, close);
	for (;;) {
		if (close == '}' && key(c) != 0)
			return ERR_INVALID;
		if (value(c, depth) != 0)
			return ERR_INVALID;
		space(c);
		if (peek(c) == close)
			return token(c, close);
		if (token(c, ',') != 0)
			return ERR_INVALID;
	}
}

static int value(struct cursor *c, unsigned depth)
{
	space(c);
	switch (peek(c)) {
	case '{':
		return depth > 0 ? container(c, '}', depth - 1) : ERR_INVALID;
	case '[':
		return depth > 0 ? container(c, ']', depth - 1) : ERR_INVALID;
	case '"':
		return string(c);
	case 't':
		return literal(c, "true");
	case 'f':
		return literal(c, "false");
	case 'n':
		return literal(c, "null");
	default:
		return number(c);
	}
}

int scan_compact(struct slice text, struct buf *out)
{
	struct cursor c = {.p = text.p, .end = text.p + text.n, .out = out};
	size_t before = out->len;

	if (value(&c, JSON_DEPTH_MAX) == 0) {
		space(&c);
		if (c.p == c.end)
			return 0;
	}
	out->len = before;
	if (out->data)
		out->data[before] = '\0';
	return ERR_INVALID;
}

int scan_open(struct scan *s, struct slice text, char open)
{
	struct cursor c = {.p = text.p, .end = text.p + text.n};

	space(&c);
	if (peek(&c) != open)
		return ERR_INVALID;
	*s = (struct scan){
		.p = c.p + 1, .end = c.end, .close = open == '{' ? '}' : ']', .first = true};
	return 0;
}

static struct slice between(const char *from, const char *to)
{
	return (struct slice){from, (size_t)(to - from)};
}

int scan_next(struct scan *s, struct slice *ret_key, struct slice *ret_value)
{
	struct cursor c = {.p = s->p, .end = s->end};
	struct slice name = {0};
	const char *from;

	space(&c);
	if (peek(&c) == s->close) {
		c.p++;
		space(&c);
		return c.p == c.end ? 0 : ERR_INVALID;
	}
	if (!s->first) {
		if (token(&c, ',') != 0)
			return ERR_INVALID;
		space(&c);
	}
	if (s->close == '}') {
		from = c.p;
		if (string(&c) != 0)
			return ERR_INVALID;
		name = between(from, c.p);
		space(&c);
		if (token(&c, ':') != 0)
			return ERR_INVALID;
		space(&c);
	}
	from = c.p;
	if (value(&c, JSON_DEPTH_MAX) != 0)
		return ERR_INVALID;
	s->p = c.p;
	s->first = false;
	if (ret_key)
		*ret_key = name;
	*ret_value = between(from, c.p);
	return 1;
}

bool scan_is(struct slice key, const char *name)
{
	size_t n = strlen(name);

	return key.n == n + 2 && memcmp(key.p + 1, name, n) == 0;
}
