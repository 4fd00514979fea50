/*
 * DOC: what shells and man know of the program, written from the tables the commands themselves run
 * by (cli_command, cli_nouns), so that neither can say what is not so.
 */
#ifndef WARREN_CLI_MANUAL_H
#define WARREN_CLI_MANUAL_H

#include "cli/cli.h"

/* Append the completion script for "bash", "zsh" or "fish"; another shell is ERR_INVALID naming
 * those. commands ends with NULL. */
int cli_completion(const char *shell, const struct cli_command *const *commands, struct buf *out,
	struct err *e);

/* Append the manual page warren(1) as roff. */
void cli_man(const struct cli_command *const *commands, const char *version, struct buf *out);

/* Where options may stand: behind a command (verb NULL) or behind a noun's verb. */
struct cli_place {
	const char *first, *verb;
	const char *args;                 /* of the words behind; NULL = none */
	const struct cli_option *options; /* its own, then those it shares; name NULL at the end */
};
typedef void cli_place_fn(void *ctx, const struct cli_place *p);
/* Call fn for each; places of nouns come after those of commands. */
void cli_each_place(const struct cli_command *const *commands, cli_place_fn *fn, void *ctx);

#endif
