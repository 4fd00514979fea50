/*
 * DOC: settings files people write: a YAML mapping of names to text, or of sections to such
 * mappings
 * ("gateway.region" is region in the section gateway). Unknown names, duplicates, anchors, aliases
 * and deeper nesting are refused with file:line:column.
 */
#ifndef WARREN_CODEC_SETTINGS_H
#define WARREN_CODEC_SETTINGS_H

#include "base/err.h"
#include "base/map.h"

struct settings {
	struct map values; /* name -> char * */
};

#define SETTINGS_MAX (64 * 1024)

/* Read path; known is a NULL-terminated list of names. ERR_NOT_FOUND when there is no file. */
int settings_read(const char *path, const char *const known[], struct settings *ret, struct err *e);
int settings_parse(const char *path, const char *text, size_t n, const char *const known[],
	struct settings *ret, struct err *e);
const char *settings_get(const struct settings *s, const char *name); /* NULL = not set */
void settings_done(struct settings *s);

#endif
