/* DOC: the manual page; see manual.h. */
#include "cli/manual.h"

#include "cli/nouns.h"

#include <string.h>

/* Text of ours as roff: nothing in it is a request or an escape. */
static void put(struct buf *out, const char *text)
{
	bool start = true;

	for (; *text != '\0'; start = *text == '\n', text++) {
		if (start && (*text == '.' || *text == '\''))
			buf_adds(out, "\\&");
		if (*text == '\\')
			buf_adds(out, "\\e");
		else if (*text == '-')
			buf_adds(out, "\\-");
		else if (*text == '\'')
			buf_adds(out, "\\(aq");
		else
			buf_addc(out, *text);
	}
}

static void item(struct buf *out, const char *name, const char *args, const char *help)
{
	buf_adds(out, ".TP\n\\fB");
	put(out, name);
	buf_adds(out, "\\fR");
	if (args != NULL) {
		buf_adds(out, " \\fI");
		put(out, args);
		buf_adds(out, "\\fR");
	}
	buf_addc(out, '\n');
	put(out, help);
	buf_addc(out, '\n');
}

static void option_items(struct buf *out, const struct cli_option *o)
{
	for (; o != NULL && o->name != NULL; o++) {
		CLEANUP(buf_done) struct buf name = {0};

		buf_addf(&name, "--%s", o->name);
		item(out, buf_str(&name), o->arg, o->help);
	}
}

static void example(struct buf *out, const char *text)
{
	buf_adds(out, ".PP\nExample:\n.PP\n.RS\n\\fB");
	put(out, text);
	buf_adds(out, "\\fR\n.RE\n");
}

static void heading(struct buf *out, const char *name, const char *args, const char *help)
{
	buf_adds(out, ".SS \"warren ");
	put(out, name);
	if (args != NULL) {
		buf_addc(out, ' ');
		put(out, args);
	}
	buf_adds(out, "\"\n");
	put(out, help);
	buf_addc(out, '\n');
}

static void command(struct buf *out, const struct cli_command *c)
{
	heading(out, c->name, c->args, c->help);
	if (c->about != NULL) {
		buf_adds(out, ".PP\n");
		put(out, c->about);
		buf_addc(out, '\n');
	}
	for (const struct cli_word *w = c->words; w != NULL && w->word != NULL; w++)
		item(out, w->word, w->args, w->help);
	option_items(out, c->options);
	example(out, c->example);
}

static void noun(struct buf *out, const struct cli_noun *n)
{
	heading(out, n->name, "VERB [NAME] [options]", n->help);
	for (const struct cli_verb *v = cli_verbs; v->name != NULL; v++)
		if (cli_noun_takes(n, v)) {
			item(out, v->name, v->takes_name ? "NAME" : NULL, v->help);
			if (v->options != NULL) {
				buf_adds(out, ".RS\n");
				option_items(out, v->options);
				buf_adds(out, ".RE\n");
			}
		}
	for (const struct own_verb *v = n->own; v != NULL && v->verb != NULL; v++) {
		item(out, v->verb, v->args, v->help);
		if (v->options != NULL) {
			buf_adds(out, ".RS\n");
			option_items(out, v->options);
			buf_adds(out, ".RE\n");
		}
	}
	if (n->fields != NULL)
		buf_adds(out, ".PP\nOptions of \\fBadd\\fR and \\fBset\\fR:\n");
	for (const struct cli_field *f = n->fields; f != NULL && f->option != NULL; f++)
		option_items(out, (struct cli_option[]){{f->option, f->arg, f->help}, {0}});
	example(out, n->example);
}

void cli_man(const struct cli_command *const *commands, const char *version, struct buf *out)
{
	static const struct cli_word variables[] = {
		{"WARREN_URL", NULL, "the control plane to call, when there is no --url"},
		{"WARREN_TOKEN", NULL, "the API token, when there is no --token-file"},
		{"WARREN_CA", NULL, "certificates to trust, when there is no --ca"},
		{"WARREN_PIN", NULL, "the server's public key, when there is no --pin"},
		{"WARREN_JOIN_TOKEN", NULL, "the token of warren agent join"}, {0}};
	static const struct cli_word files[] = {
		{"/etc/warren/warren.yaml", NULL, "settings of this machine"},
		{"~/.config/warren/config.yaml", NULL, "settings of this person"},
		{"/var/lib/warren", NULL,
			"state folder: database, master key, the agent's identity"},
		{0}};
	static const struct cli_word statuses[] = {{"0", NULL, "done"}, {"1", NULL, "failed"},
		{"2", NULL, "it would change something (--dry-run)"},
		{"64", NULL, "the command line is wrong"}, {0}};

	buf_adds(out, ".TH WARREN 1 \"\" \"Warren ");
	put(out, version);
	buf_adds(out,
		"\" \"User Commands\"\n.SH NAME\nwarren \\- runs fleets of WireGuard tunnels\n"
		".SH SYNOPSIS\n\\fBwarren\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]\n.br\n"
		"\\fBwarren\\fR \\fINOUN VERB\\fR [\\fINAME\\fR] [\\fIoptions\\fR]\n"
		".SH DESCRIPTION\n"
		"One program is the control plane of a fleet of WireGuard tunnels, the agent\n"
		"on each of its machines, and the command line to both. Secrets are never\n"
		"arguments: they come from files, the environment or standard input.\n"
		".SH COMMANDS\n");
	for (; *commands != NULL; commands++)
		command(out, *commands);
	buf_adds(out, ".SH NOUNS\nObjects of the control plane, by its API.\n");
	for (const struct cli_noun *n = cli_nouns; n->name != NULL; n++)
		noun(out, n);
	buf_adds(out,
		".SH COMMON OPTIONS\nOf nouns, and of commands that call the control plane.\n");
	option_items(out, cli_common_options);
	buf_adds(out, ".SH ENVIRONMENT\n");
	for (const struct cli_word *w = variables; w->word != NULL; w++)
		item(out, w->word, w->args, w->help);
	buf_adds(out, ".SH FILES\n");
	for (const struct cli_word *w = files; w->word != NULL; w++)
		item(out, w->word, w->args, w->help);
	buf_adds(out, ".SH EXIT STATUS\n");
	for (const struct cli_word *w = statuses; w->word != NULL; w++)
		item(out, w->word, w->args, w->help);
	buf_adds(out, ".SH SEE ALSO\n\\fBwg\\fR(8), \\fBwg\\-quick\\fR(8)\n");
}
