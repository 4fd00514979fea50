/*
 * DOC: a field of a model object as a database column. Numbers, times and booleans are integers;
 * everything else is text that a person with a database shell can read: words, addresses, base64
 * keys. A list is one item a line, each line ended; see column.c for the escapes. Unset strings
 * are the empty text, so "" and NULL become the same: NULL.
 */
#ifndef WARREN_STORE_COLUMN_H
#define WARREN_STORE_COLUMN_H

#include "base/buf.h"
#include "model/schema.h"
#include "store/engine.h"

bool column_is_number(const struct field *f);
bool column_is_list(const struct field *f); /* no order, no equality worth asking for */

/* Append one item of a list of texts, as it is stored. */
void column_item(struct buf *out, const char *s);

/* Read a cell into the object's (empty) field. ERR_CORRUPT names the column. */
int column_decode(const struct field *f, const struct cell *c, void *object, struct err *e);

/* A value given as text ("true", "42", "client", an id; a time in RFC 3339 or as it is stored, ""
 * when there is none) as the cell it is compared with; text is borrowed. ERR_INVALID names the
 * column. */
int column_parse(const struct field *f, const char *text, struct cell *ret, struct err *e);

/* Arguments of a statement in the making. */
#define ROW_MAX 64
struct row {
	struct cell cells[ROW_MAX];
	size_t n;
	struct buf text;     /* what had to be spelled out */
	bool owned[ROW_MAX]; /* the cell is in text ... */
	size_t at[ROW_MAX];  /* ... from here */
};
/* ERR_INVALID when a number has no word. Strings are borrowed from the object. */
int row_add(struct row *r, const struct field *f, const void *object, struct err *e);
void row_add_text(struct row *r, const char *s); /* borrowed */
void row_add_int(struct row *r, int64_t n);
void row_add_cell(struct row *r, struct cell c);
const struct cell *row_cells(struct row *r); /* after the last add */
void row_done(struct row *r);

static inline struct cell cell_text(const char *s)
{
	return (struct cell){.type = CELL_TEXT, .p = s, .n = s == NULL ? 0 : __builtin_strlen(s)};
}
static inline struct cell cell_int(int64_t n)
{
	return (struct cell){.type = CELL_INT, .num = n};
}
static inline struct cell cell_blob(const void *p, size_t n)
{
	return (struct cell){.type = CELL_BLOB, .p = p, .n = n};
}

#endif
