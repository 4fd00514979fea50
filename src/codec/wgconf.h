/*
 * DOC: WireGuard configuration files as wg-quick(8) and wg(8) read them: sections of "Key = value"
 * with what people wrote in comments, each with its line. The parser is tolerant - what is wrong
 * with a line is the linter's to say (wglint.h) - and bounded. Values hold keys and are wiped.
 */
#ifndef WARREN_CODEC_WGCONF_H
#define WARREN_CODEC_WGCONF_H

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>

#define WGCONF_MAX (4 * 1024 * 1024)
#define WGCONF_SECTIONS_MAX 20000
#define WGCONF_LINE_MAX 16384

enum wgconf_kind { WGCONF_INTERFACE, WGCONF_PEER, WGCONF_UNKNOWN };

struct wgconf_entry {
	unsigned line; /* from 1 */
	char *key;     /* as written; NULL: the line has no "=" and is in value */
	char *value;   /* without the comment behind it and white space around it */
};

struct wgconf_section {
	enum wgconf_kind kind;
	unsigned line;
	char *title; /* as written, without brackets; "" for lines before the first section */
	char *name;  /* what a comment calls it ("# Ann", "# Client: Ann", "### begin ann ###"), or
			NULL */
	bool sure;   /* the comment said that it is a name */
	VEC(struct wgconf_entry) entries;
};

struct wgconf {
	VEC(struct wgconf_section) sections;
	bool crlf; /* lines end as on Windows */
	bool bom;  /* a byte order mark comes first */
};

/* ERR_INVALID for what is no text or too large; the error does not repeat it, for it may hold a
 * key. ret must be {0}. */
int wgconf_parse(const char *text, size_t n, struct wgconf *ret, struct err *e);
void wgconf_done(struct wgconf *c);

/* Value of the last entry with that key (any case), or NULL. */
const char *wgconf_get(const struct wgconf_section *s, const char *key);
/* The first section of a kind, or NULL. */
const struct wgconf_section *wgconf_first(const struct wgconf *c, enum wgconf_kind kind);
/* Walk "a, b": sets *ret_word to the next word, trimmed, wiped by nobody; false at the end. */
bool wgconf_word(const char **at, char *word, size_t size);

#endif
