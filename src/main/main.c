/* DOC: the table of contents: every command of Warren, and where it is. */
#include "main/main.h"

#include "base/mem.h"
#include "cli/manual.h"
#include "crypto/key.h"

#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

const struct cli_command *const commands[] = {&up_command, &serve_command, &agent_command,
	&doctor_command, &import_command, &status_command, &keygen_command, &completion_command,
	&man_command, NULL};

void no_core_dumps(void)
{
	prctl(PR_SET_DUMPABLE, 0);
}

static void help(void)
{
	puts("warren runs fleets of WireGuard tunnels.\n\nUsage: warren COMMAND [options]\n");
	for (size_t i = 0; commands[i] != NULL; i++)
		printf("  %-11s %s\n", commands[i]->name, commands[i]->help);
	puts("\nObjects (list, show, add, set, enable, disable, rm):");
	cli_help_nouns();
	puts("\nwarren COMMAND --help says more. Example:\n  warren client add 'Ann phone' --qr");
}

/* Debian's su keeps a PATH without the folders of nft and ip. */
static void complete_path(void)
{
	const char *path = getenv("PATH");
	AUTOFREE char *all =
		mem_printf("%s:/usr/sbin:/sbin", path && *path ? path : "/usr/bin:/bin");

	setenv("PATH", all, 1);
}

/* A file opened later must not become what is written to as standard output. Whoever closed that
 * wants none; what cannot do without it fails when it writes. */
static void hold_standard_files(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDONLY)) >= 0 && fd <= STDERR_FILENO)
		;
	if (fd >= 0)
		close(fd);
}

/* What did not arrive may have been a key or a token that is shown once: that is no success. */
static int flushed(int status)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	/* a reader that had enough (head) is told nothing */
	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLERR))
		fputs("warren: cannot write to standard output: what was to be shown is lost\n",
			stderr);
	return status == EXIT_DONE ? EXIT_FAILED : status;
}

static int run(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 ||
		strcmp(argv[1], "-h") == 0) {
		help();
		return argc < 2 ? EXIT_USAGE : EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("warren " WARREN_VERSION);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], CLI_NAMES_COMMAND) == 0) /* of completion scripts; not for people */
		return cli_names(argc - 2, argv + 2);
	for (size_t i = 0; commands[i] != NULL; i++)
		if (strcmp(argv[1], commands[i]->name) == 0)
			return commands[i]->run(argc - 2, argv + 2);
	if (cli_has_noun(argv[1]))
		return cli_main(argc - 1, argv + 1);
	fprintf(stderr, "warren: there is no command '%s' (warren --help)\n", argv[1]);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	hold_standard_files();
	complete_path();
	setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	crypto_init();
	return flushed(run(argc, argv));
}
