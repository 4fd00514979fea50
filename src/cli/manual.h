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

/* What the scripts call: NOUN BEGIN [WORD...]: print names of such objects that begin so, a line
 * each, of the control plane that the words typed so far lead to. Says nothing else, whatever
 * happens. */
#define CLI_NAMES_COMMAND "__names"
int cli_names(int argc, char **argv);

/* Append the manual page warren(1) as roff. */
void cli_man(const struct cli_command *const *commands, const char *version, struct buf *out);

#endif
