/* DOC: tables for people: columns as wide as what they show, headings on a terminal in bold. */
#ifndef WARREN_CLI_TABLE_H
#define WARREN_CLI_TABLE_H

#include "base/vec.h"

#include <stdio.h>

struct table {
	struct strs cells; /* row by row, headings first */
	size_t columns;
};

void table_init(struct table *t, const char *const headings[], size_t n);
void table_cell(struct table *t, const char *text); /* NULL and "" print as "-" */
void table_print(const struct table *t, FILE *to);
void table_done(struct table *t);

/* Columns text takes on a terminal (wide characters count 2, controls are shown as '?'). */
size_t table_width(const char *text);

/* Is this a terminal that shows colour? */
int table_is_terminal(FILE *f);

#endif
