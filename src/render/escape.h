/*
 * DOC: text as other formats want it: XML, JSON and YAML strings, GKeyFile values, shell words; and
 * identifiers that are made from names. Pure. Callers have refused control characters before
 * (text_printable); what is here makes printable text harmless.
 */
#ifndef WARREN_RENDER_ESCAPE_H
#define WARREN_RENDER_ESCAPE_H

#include "base/buf.h"

void escape_xml(struct buf *out, const char *text);     /* element or attribute */
void escape_string(struct buf *out, const char *text);  /* with its quotes: JSON, and so YAML */
void escape_keyfile(struct buf *out, const char *text); /* a value of GKeyFile */
void escape_shell(struct buf *out, const char *text);   /* one word, in quotes */

#define UUID_TEXT_LEN 37
/* A UUID (RFC 9562 version 8, by SHA-256) that is the same for the same two texts. */
const char *uuid_of(const char *space, const char *name, char text[static UUID_TEXT_LEN]);

#endif
