/* DOC: `warren completion` and `warren man`: what shells and man know, to standard output. */
#include "main/main.h"

#include "cli/manual.h"

#include <stdio.h>

static int put(const struct buf *out)
{
	return fputs(buf_str(out), stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILED : EXIT_DONE;
}

static int completion_main(int argc, char **argv)
{
	CLEANUP(buf_done) struct buf out = {0};
	struct cli_args a;
	struct err e = {0};

	if (cli_parse(argc, argv, NULL, &a) < 0)
		return EXIT_USAGE;
	if (cli_has(&a, "help") || a.n_words != 1) {
		cli_command_help(&completion_command);
		return cli_has(&a, "help") ? EXIT_DONE : EXIT_USAGE;
	}
	if (cli_completion(a.words[0], commands, &out, &e) < 0) {
		cli_fail(&e);
		return EXIT_USAGE;
	}
	return put(&out);
}

static int man_main(int argc, char **argv)
{
	CLEANUP(buf_done) struct buf out = {0};
	struct cli_args a;

	if (cli_parse(argc, argv, NULL, &a) < 0)
		return EXIT_USAGE;
	if (cli_has(&a, "help") || a.n_words != 0) {
		cli_command_help(&man_command);
		return cli_has(&a, "help") ? EXIT_DONE : EXIT_USAGE;
	}
	cli_man(commands, WARREN_VERSION, &out);
	return put(&out);
}

static const struct cli_word shells[] = {
	{"bash", NULL, "for bash"}, {"zsh", NULL, "for zsh"}, {"fish", NULL, "for fish"}, {0}};

const struct cli_command completion_command = {
	.name = "completion",
	.run = completion_main,
	.help = "a script that completes command lines",
	.words = shells,
	.example = "source <(warren completion bash)",
};

const struct cli_command man_command = {
	.name = "man",
	.run = man_main,
	.help = "the manual page, as roff",
	.example = "warren man | man -l -",
};
