/*
 * DOC: JSON as text, without a tree: what is signed must keep the very characters that came, and a
 * big state is read item by item. The scanner checks the whole grammar (UTF-8 and depth included,
 * repeated keys not) and never looks beyond the slice it was given.
 */
#ifndef WARREN_CODEC_SCAN_H
#define WARREN_CODEC_SCAN_H

#include "base/buf.h"

#include <stdbool.h>

struct slice {
	const char *p;
	size_t n;
};

/* Append one JSON value without its white space; < > & U+2028 U+2029 inside strings become \u
 * escapes, every other character and escape stays as it came. 0 or ERR_INVALID (out restored). */
int scan_compact(struct slice text, struct buf *out);

/* Walk the members of an object or the items of an array. */
struct scan {
	const char *p, *end;
	char close;
	bool first;
};
/* open is '{' or '['. ERR_INVALID when text begins otherwise. */
int scan_open(struct scan *s, struct slice text, char open);
/* 1 and a slice (with its key, quotes included, in objects); 0 at the end, with nothing behind;
 * ERR_INVALID on malformed text. */
int scan_next(struct scan *s, struct slice *ret_key, struct slice *ret_value);
/* Is key, quotes included, this name? Keys written with escapes are no name of ours. */
bool scan_is(struct slice key, const char *name);

#endif
