/*
 * DOC: what is wrong, or may surprise, in a WireGuard configuration file: findings with a line, a
 * level, a sentence and what to do. Pure: what the machine says (mode of the file, programs) is
 * handed in. No finding repeats a private or pre-shared key.
 */
#ifndef WARREN_CODEC_WGLINT_H
#define WARREN_CODEC_WGLINT_H

#include "codec/wgconf.h"
#include "model/prefix.h"

enum wglint_level { WGLINT_NOTE, WGLINT_WARNING, WGLINT_ERROR };
extern const char *const wglint_level_words[]; /* "note", "warning", "error" */

struct wglint_finding {
	unsigned line;
	enum wglint_level level;
	char *text;   /* one sentence without a full stop */
	char *advice; /* what to do; "" when nothing must be done */
};

struct wglint {
	/* handed in */
	const char *interface; /* the file's name without ".conf"; NULL = not known */
	unsigned mode;         /* permission bits of the file; 0 = not known */
	bool no_resolvconf;    /* the machine has no resolvconf, which DNS lines need */
	/* made: sorted by line */
	VEC(struct wglint_finding) findings;
};

void wglint_check(struct wglint *l, const struct wgconf *c);
/* Is anything worse than a note there? */
bool wglint_failed(const struct wglint *l);
void wglint_done(struct wglint *l);

/* For the files of the linter. */
void wglint_add(struct wglint *l, unsigned line, enum wglint_level level, const char *advice,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* wglint_value.c: each entry by itself. */
void wglint_entries(struct wglint *l, const struct wgconf_section *s);
/* An address or prefix with host bits allowed; ret_host is the address as written. */
int wglint_prefix(const char *word, struct addr *ret_host, struct prefix *ret);

#endif
