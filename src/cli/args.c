/* DOC: taking a command line apart by table; see cli.h. */
#include "cli/cli.h"

#include "base/mem.h"

#include <stdio.h>

const struct cli_option cli_common_options[] = {
	{"json", NULL, "print JSON instead of a table"},
	{"url", "URL", "control plane (else WARREN_URL, settings, or the local socket)"},
	{"token-file", "FILE", "API token (else WARREN_TOKEN or settings)"},
	{"ca", "FILE", "CA certificates to trust"},
	{"pin", "SHA256", "accept the server with this public key (base64)"},
	{"state", "DIR", "state folder whose socket to use (/var/lib/warren)"},
	{"config", "FILE", "settings file to read"},
	{"project", "NAME", "act in this project"},
	{"help", NULL, "show this help"},
	{0},
};

static const struct cli_option *find(const struct cli_option *table, const char *name, size_t n)
{
	for (; table != NULL && table->name != NULL; table++)
		if (strlen(table->name) == n && strncmp(table->name, name, n) == 0)
			return table;
	return NULL;
}

static int usage(const char *what, const char *detail)
{
	fprintf(stderr, "warren: %s '%s' (see --help)\n", what, detail);
	return ERR_INVALID;
}

static int take_flag(
	int argc, char **argv, int *i, const struct cli_option *own, struct cli_args *a)
{
	const char *name = argv[*i] + 2;
	const char *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	const struct cli_option *o = find(own, name, n);
	const char *value = "";

	if (o == NULL)
		o = find(cli_common_options, name, n);
	if (o == NULL)
		return usage("unknown option", argv[*i]);
	if (o->arg == NULL && equals != NULL)
		return usage("this option takes no value:", argv[*i]);
	if (o->arg != NULL && equals != NULL)
		value = equals + 1;
	else if (o->arg != NULL && *i + 1 < argc)
		value = argv[++*i];
	else if (o->arg != NULL)
		return usage("this option needs a value:", argv[*i]);
	if (a->n_flags == ARRAY_LEN(a->flags))
		return usage("too many options at", argv[*i]);
	a->flags[a->n_flags++] = (struct cli_flag){o->name, value};
	return 0;
}

static const char *long_form(const char *arg)
{
	return strcmp(arg, "-o") == 0 ? "--output" : strcmp(arg, "-h") == 0 ? "--help" : arg;
}

int cli_parse(int argc, char **argv, const struct cli_option *own, struct cli_args *ret)
{
	int only_words = 0;

	*ret = (struct cli_args){0};
	for (int i = 0; i < argc; i++) {
		argv[i] = (char *)(uintptr_t)long_form(argv[i]);
		if (!only_words && strcmp(argv[i], "--") == 0) {
			only_words = 1;
		} else if (!only_words && strncmp(argv[i], "--", 2) == 0) {
			if (take_flag(argc, argv, &i, own, ret) < 0)
				return ERR_INVALID;
		} else if (!only_words && argv[i][0] == '-' && argv[i][1] != '\0') {
			return usage("unknown option", argv[i]);
		} else if (ret->n_words < ARRAY_LEN(ret->words)) {
			ret->words[ret->n_words++] = argv[i];
		} else {
			return usage("too many words at", argv[i]);
		}
	}
	return 0;
}

const char *cli_flag(const struct cli_args *a, const char *name)
{
	for (size_t i = a->n_flags; i > 0; i--)
		if (strcmp(a->flags[i - 1].name, name) == 0)
			return a->flags[i - 1].value;
	return NULL;
}

bool cli_has(const struct cli_args *a, const char *name)
{
	return cli_flag(a, name) != NULL;
}

bool cli_flag_list(const struct cli_args *a, const char *name, struct buf *out)
{
	bool found = false;

	for (size_t i = 0; i < a->n_flags; i++) {
		if (strcmp(a->flags[i].name, name) != 0)
			continue;
		buf_addf(out, "%s%s", found ? "," : "", a->flags[i].value);
		found = true;
	}
	return found;
}

void cli_options_help(const struct cli_option *table)
{
	for (; table != NULL && table->name != NULL; table++) {
		AUTOFREE char *left =
			mem_printf("--%s %s", table->name, table->arg ? table->arg : "");

		if (strlen(left) > 31)
			printf("  %s\n%33s %s\n", left, "", table->help);
		else
			printf("  %-31s %s\n", left, table->help);
	}
}

void cli_command_help(const struct cli_command *c)
{
	printf("warren %s%s%s - %s\n", c->name, c->args != NULL ? " " : "",
		c->args != NULL ? c->args : "", c->help);
	if (c->words != NULL)
		puts("");
	for (const struct cli_word *w = c->words; w != NULL && w->word != NULL; w++) {
		AUTOFREE char *left = mem_printf("%s%s%s", w->word, w->args != NULL ? " " : "",
			w->args != NULL ? w->args : "");

		printf("  warren %s %-19s %s\n", c->name, left, w->help);
	}
	if (c->about != NULL)
		printf("\n%s\n", c->about);
	if (c->options != NULL)
		puts("\nOptions:");
	cli_options_help(c->options);
	if (c->calls)
		puts("\nEverywhere:");
	cli_options_help(c->calls ? cli_common_options : NULL);
	printf("\nExample:\n  %s\n", c->example);
}
