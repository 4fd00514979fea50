/*
 * DOC: settings files people write: one flat YAML mapping of names to text. Unknown names,
 * duplicates, anchors, aliases and nesting are refused with file:line:column.
 */
#ifndef WARREN_CODEC_SETTINGS_H
#define WARREN_CODEC_SETTINGS_H

#include "base/err.h"
#include "base/map.h"

struct settings {
	struct map values; /* name -> char * */
};

#define SETTINGS_MAX (64 * 1024)
#define SETTINGS_FILE "/etc/warren/warren.yaml"

/* All that warren.yaml may hold: each command reads what is its own. NULL-terminated. */
extern const char *const settings_names[];

/* Read path; known is a NULL-terminated list of names. ERR_NOT_FOUND when there is no file. */
int settings_read(const char *path, const char *const known[], struct settings *ret, struct err *e);
int settings_parse(const char *path, const char *text, size_t n, const char *const known[],
	struct settings *ret, struct err *e);
/* The settings of this program: `named` alone, else ~/.config/warren/config.yaml and what that one
 * leaves open of /etc/warren/warren.yaml; files that are not there, or not ours to read, leave all
 * open. A named file must be there. */
int settings_find(const char *named, struct settings *ret, struct err *e);
const char *settings_get(const struct settings *s, const char *name); /* NULL = not set */
void settings_done(struct settings *s);

#endif
