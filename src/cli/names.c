/*
 * DOC: names for completion: what shells offer where the name of an object may stand. Asked on a
 * key press, so it is quick, and silent about whatever is in the way.
 */
#include "cli/manual.h"

#include "base/text.h"
#include "cli/nouns.h"
#include "codec/json.h"

#include <stdio.h>
#include <string.h>

#define NAMES_MAX "200"
#define NAMES_WAIT 2000 /* ms; who waits longer has typed it */

/* Of a line that is not finished: the common options that have a value. "=" stands by itself where
 * the shell takes words apart there. */
static void read_line(int argc, char **argv, struct cli_args *a)
{
	for (int i = 0; i < argc; i++)
		for (const struct cli_option *o = cli_common_options; o->name != NULL; o++) {
			size_t n = strlen(o->name);
			const char *value = NULL;

			if (o->arg == NULL || strncmp(argv[i], "--", 2) != 0 ||
				strncmp(argv[i] + 2, o->name, n) != 0)
				continue;
			if (argv[i][2 + n] == '=')
				value = argv[i] + 3 + n;
			else if (argv[i][2 + n] == '\0' && i + 1 < argc)
				value = argv[strcmp(argv[i + 1], "=") == 0 && i + 2 < argc ? i + 2
											   : i + 1];
			if (value != NULL && a->n_flags < ARRAY_LEN(a->flags))
				a->flags[a->n_flags++] = (struct cli_flag){o->name, value};
		}
}

/* Those that begin so. Names that a terminal would not show as they are (there may be some from
 * before they were refused) are not offered. */
static void print_names(const struct buf *answer, const char *begin)
{
	struct json_doc *d = json_parse(buf_str(answer), answer->len, answer->len, NULL);
	const struct json *items = d != NULL ? json_get(json_root(d), "items") : NULL;

	for (size_t i = 0; i < json_count(items); i++) {
		const char *name = json_str(json_at(items, i), "name");

		if (name != NULL && text_starts(name, begin) && text_printable(name) > 0)
			puts(name);
	}
	json_free(d);
}

int cli_names(int argc, char **argv)
{
	const struct cli_noun *n = argc >= 2 ? cli_noun(argv[0]) : NULL;
	CLEANUP(buf_done) struct buf path = {0}, answer = {0};
	struct cli_session s = {.timeout = NAMES_WAIT};
	struct cli_args a = {0};
	struct err e;

	if (n == NULL)
		return EXIT_DONE;
	read_line(argc - 2, argv + 2, &a);
	buf_addf(&path, "%s?limit=" NAMES_MAX, n->path);
	if (argv[1][0] != '\0') {
		buf_adds(&path, "&search=");
		cli_escape(&path, argv[1]);
	}
	if (cli_session_init(&s, &a, &e) == 0 &&
		cli_call(&s, "GET", buf_str(&path), NULL, &answer, &e) == 0)
		print_names(&answer, argv[1]);
	cli_session_done(&s);
	return EXIT_DONE;
}
