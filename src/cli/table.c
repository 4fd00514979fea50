/* DOC: printing tables; see table.h. */
#include "cli/table.h"

#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

void table_init(struct table *t, const char *const headings[], size_t n)
{
	*t = (struct table){.columns = n};
	for (size_t i = 0; i < n; i++)
		strs_push(&t->cells, headings[i]);
}

void table_cell(struct table *t, const char *text)
{
	strs_push(&t->cells, text == NULL || *text == '\0' ? "-" : text);
}

/* Step over one character; its columns in *ret. */
static size_t step(const char *p, size_t *ret_columns)
{
	wchar_t c = 0;
	mbstate_t state = {0};
	size_t n = mbrtowc(&c, p, 4, &state);
	int columns;

	if (n == 0 || n > 4) {
		*ret_columns = 1;
		return 1;
	}
	columns = wcwidth(c);
	*ret_columns = columns < 0 ? 1 : (size_t)columns;
	return n;
}

size_t table_width(const char *text)
{
	size_t width = 0, columns;

	for (const char *p = text; *p != '\0'; width += columns)
		p += step(p, &columns);
	return width;
}

static void print_cell(FILE *to, const char *text, size_t pad_to)
{
	size_t width = table_width(text);

	for (const char *p = text; *p != '\0'; p++)
		fputc((unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p, to);
	for (; width < pad_to; width++)
		fputc(' ', to);
}

int table_is_terminal(FILE *f)
{
	const char *term = getenv("TERM");

	return isatty(fileno(f)) && getenv("NO_COLOR") == NULL && term != NULL &&
		strcmp(term, "dumb") != 0;
}

void table_print(const struct table *t, FILE *to)
{
	AUTOFREE size_t *widths = mem_zalloc(t->columns * sizeof(size_t));
	int bold = table_is_terminal(to);

	for (size_t i = 0; i < t->cells.n; i++) {
		size_t w = table_width(t->cells.v[i]);

		if (w > widths[i % t->columns])
			widths[i % t->columns] = w;
	}
	for (size_t i = 0; i < t->cells.n; i++) {
		size_t column = i % t->columns;
		int last = column + 1 == t->columns;

		if (i == 0 && bold)
			fputs("\033[1m", to);
		print_cell(to, t->cells.v[i], last ? 0 : widths[column] + 2);
		if (last && i < t->columns && bold)
			fputs("\033[0m", to);
		if (last)
			fputc('\n', to);
	}
}

void table_done(struct table *t)
{
	strs_done(&t->cells);
}
