/* DOC: completion scripts; see manual.h. What a script does is fixed text, what it knows is written
 * from the tables. */
#include "cli/manual.h"

#include "base/mem.h"
#include "cli/nouns.h"

#include <string.h>

/* --- what there is ---------------------------------------------------------------------------- */

/* Where options may stand: behind a command (verb NULL) or behind a noun's verb. */
struct place {
	const char *first, *verb;
	const char *args;                 /* of the words behind; NULL = none */
	const char *noun;                 /* whose names may stand behind; NULL = none */
	const struct cli_option *options; /* its own, then those it shares; name NULL at the end */
};
typedef void place_fn(struct buf *out, const struct place *p);

static void visit(place_fn *fn, struct buf *out, struct place p, const struct cli_option *own,
	const struct cli_option *shared)
{
	VEC(struct cli_option) v = {0};
	struct cli_option end = {0};

	for (const struct cli_option *o = own; o != NULL && o->name != NULL; o++)
		VEC_PUSH(&v, *o);
	for (const struct cli_option *o = shared; o != NULL && o->name != NULL; o++) {
		bool again = false;

		VEC_FOREACH (had, &v)
			again |= strcmp(had->name, o->name) == 0;
		if (!again)
			VEC_PUSH(&v, *o);
	}
	VEC_PUSH(&v, end);
	p.options = v.v;
	fn(out, &p);
	VEC_DONE(&v);
}

/* Does a name of one that is there stand first behind this verb? */
static bool names_one(const char *verb, const char *args)
{
	return args != NULL && strcmp(verb, "add") != 0 &&
		(strcmp(args, "NAME") == 0 || strcmp(args, "[NAME]") == 0);
}

static void each_place(const struct cli_command *const *commands, place_fn *fn, struct buf *out)
{
	static const struct cli_option help[] = {{"help", NULL, "show this help"}, {0}};

	for (; *commands != NULL; commands++) {
		const struct cli_command *c = *commands;

		visit(fn, out, (struct place){.first = c->name, .args = c->args}, c->options,
			c->calls ? cli_common_options : help);
	}
	for (const struct cli_noun *n = cli_nouns; n->name != NULL; n++) {
		for (const struct cli_verb *v = cli_verbs; v->name != NULL; v++) {
			AUTOFREE struct cli_option *own = cli_noun_options(n, v->bit, v->options);

			const char *noun =
				names_one(v->name, v->takes_name ? "NAME" : NULL) ? n->name : NULL;

			if (cli_noun_takes(n, v))
				visit(fn, out,
					(struct place){
						.first = n->name, .verb = v->name, .noun = noun},
					own, cli_common_options);
		}
		for (const struct own_verb *v = n->own; v != NULL && v->verb != NULL; v++) {
			AUTOFREE struct cli_option *own =
				cli_noun_options(n, v->fields, v->options);

			visit(fn, out,
				(struct place){.first = n->name,
					.verb = v->verb,
					.noun = names_one(v->verb, v->args) ? n->name : NULL},
				own, cli_common_options);
		}
	}
}

/* The words that may stand second, as WORD and help. */
typedef void word_fn(struct buf *out, const char *first, const char *word, const char *help);

static void first_words(const struct cli_command *const *commands, struct buf *out, word_fn *fn)
{
	for (; *commands != NULL; commands++)
		fn(out, NULL, (*commands)->name, (*commands)->help);
	for (const struct cli_noun *n = cli_nouns; n->name != NULL; n++)
		fn(out, NULL, n->name, n->help);
}

static void second_words(const struct cli_noun *n, struct buf *out, word_fn *fn)
{
	for (const struct cli_verb *v = cli_verbs; v->name != NULL; v++)
		if (cli_noun_takes(n, v))
			fn(out, n->name, v->name, v->help);
	for (const struct own_verb *v = n->own; v != NULL && v->verb != NULL; v++)
		fn(out, n->name, v->verb, v->help);
}

static void command_words(const struct cli_command *c, struct buf *out, word_fn *fn)
{
	for (const struct cli_word *w = c->words; w != NULL && w->word != NULL; w++)
		fn(out, c->name, w->word, w->help);
}

enum value { VALUE_NONE, VALUE_ANY, VALUE_FILE, VALUE_DIR, VALUE_CHOICE, VALUE_NAME };

/* The noun whose names an option takes, or NULL. */
static const char *noun_of(const char *arg)
{
	static const char *const nouns[][2] = {
		{"NETWORK", "network"}, {"NODE", "node"}, {"GROUP", "group"}};

	for (size_t i = 0; arg != NULL && i < ARRAY_LEN(nouns); i++)
		if (strcmp(arg, nouns[i][0]) == 0)
			return nouns[i][1];
	return NULL;
}

static enum value value_of(const char *arg)
{
	if (arg == NULL)
		return VALUE_NONE;
	if (strstr(arg, "FILE") != NULL || strcmp(arg, "PROGRAM") == 0)
		return VALUE_FILE;
	if (strcmp(arg, "DIR") == 0)
		return VALUE_DIR;
	if (noun_of(arg) != NULL)
		return VALUE_NAME;
	if (strchr(arg, '|') != NULL &&
		strspn(arg, "abcdefghijklmnopqrstuvwxyz0123456789-|") == strlen(arg))
		return VALUE_CHOICE;
	return VALUE_ANY;
}

static void put_choices(struct buf *out, const char *arg)
{
	for (; *arg != '\0'; arg++)
		buf_addc(out, *arg == '|' ? ' ' : *arg);
}

/* --- bash ------------------------------------------------------------------------------------- */

static void bash_word(struct buf *out, const char *first, const char *word, const char *help)
{
	buf_addf(out, " %s", word);
}

static void bash_place(struct buf *out, const struct place *p)
{
	if (p->verb != NULL)
		buf_addf(out, "\t'%s %s') echo '", p->first, p->verb);
	else
		buf_addf(out, "\t'%s '*) echo '", p->first);
	for (const struct cli_option *o = p->options; o->name != NULL; o++) {
		static const char *const kinds[] = {[VALUE_NONE] = "",
			[VALUE_ANY] = "=",
			[VALUE_FILE] = "=@file",
			[VALUE_DIR] = "=@dir",
			[VALUE_CHOICE] = "=",
			[VALUE_NAME] = "=@name:"};

		buf_addf(out, "%s--%s%s", o == p->options ? "" : " ", o->name,
			kinds[value_of(o->arg)]);
		if (value_of(o->arg) == VALUE_CHOICE)
			buf_adds(out, o->arg);
		if (value_of(o->arg) == VALUE_NAME)
			buf_adds(out, noun_of(o->arg));
	}
	if (value_of(p->args) == VALUE_FILE)
		buf_adds(out, " @file");
	if (p->noun != NULL)
		buf_addf(out, " @name:%s", p->noun);
	buf_adds(out, "' ;;\n");
}

static void bash(const struct cli_command *const *commands, struct buf *out)
{
	buf_adds(out,
		"# Completion of warren for bash, by: warren completion bash\n"
		"_warren_words()\n{\n\tcase $1 in\n\t'') echo '");
	first_words(commands, out, bash_word);
	buf_adds(out, "' ;;\n");
	for (const struct cli_command *const *c = commands; *c != NULL; c++) {
		if ((*c)->words == NULL)
			continue;
		buf_addf(out, "\t%s) echo '", (*c)->name);
		command_words(*c, out, bash_word);
		buf_adds(out, "' ;;\n");
	}
	for (const struct cli_noun *n = cli_nouns; n->name != NULL; n++) {
		buf_addf(out, "\t%s) echo '", n->name);
		second_words(n, out, bash_word);
		buf_adds(out, "' ;;\n");
	}
	buf_adds(out,
		"\tesac\n}\n"
		"# --flag, --option=WHAT: @file, @dir, @name:NOUN, choices, or nothing to offer\n"
		"_warren_options()\n{\n\tcase \"$1 $2\" in\n");
	each_place(commands, bash_place, out);
	buf_adds(out,
		"\tesac\n}\n"
		"# names of a NOUN's objects that begin as CURRENT does, as they are to be typed\n"
		"_warren_names()\n{\n"
		"\tlocal name plain=${2//[\\\\\\\"\\']/}\n"
		"\twhile IFS= read -r name; do printf -v name %q \"$name\"; "
		"COMPREPLY+=(\"$name\"); done < <(\"${COMP_WORDS[0]}\" " CLI_NAMES_COMMAND
		" \"$1\" \"$plain\" \"${COMP_WORDS[@]:3}\" 2>/dev/null)\n}\n"
		"_warren_offer()\n{\n"
		"\tcase $1 in\n"
		"\t@file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "
		"\"$2\") ;;\n"
		"\t@dir) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "
		"\"$2\") ;;\n"
		"\t@name:*) _warren_names \"${1#@name:}\" \"$2\" ;;\n"
		"\t*) mapfile -t COMPREPLY < <(compgen -W \"${1//|/ }\" -- \"$2\") ;;\n"
		"\tesac\n}\n"
		"_warren()\n{\n"
		"\tlocal current=$2 previous=$3 first=${COMP_WORDS[1]} second=${COMP_WORDS[2]}\n"
		"\tlocal words='' behind='' option\n"
		"\tCOMPREPLY=()\n"
		"\tif [ \"$COMP_CWORD\" = 1 ]; then _warren_offer \"$(_warren_words '')\" "
		"\"$current\"; return; fi\n"
		"\tif [ \"$COMP_CWORD\" = 2 ]; then words=$(_warren_words \"$first\"); fi\n"
		"\tif [ -n \"$words\" ]; then _warren_offer \"$words\" \"$current\"; return; fi\n"
		"\tfor option in $(_warren_options \"$first\" \"$second\"); do\n"
		"\t\tcase $option in\n"
		"\t\t\"$previous\"=*) _warren_offer \"${option#*=}\" \"$current\"; return ;;\n"
		"\t\t@*) behind=$option ;;\n"
		"\t\t*) words+=\" ${option%%=*}\" ;;\n"
		"\t\tesac\n"
		"\tdone\n"
		"\tcase $current in\n"
		"\t-*) _warren_offer \"$words\" \"$current\" ;;\n"
		"\t*) [ -z \"$behind\" ] || _warren_offer \"$behind\" \"$current\" ;;\n"
		"\tesac\n}\n"
		"complete -F _warren warren\n");
}

/* --- zsh -------------------------------------------------------------------------------------- */

/* Inside single quotes, with a backslash before what _describe and _arguments read. */
static void zsh_text(struct buf *out, const char *text, const char *special)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buf_adds(out, "'\\''");
		else if (strchr(special, *text) != NULL)
			buf_addf(out, "\\%c", *text);
		else
			buf_addc(out, *text);
	}
}

static void zsh_word(struct buf *out, const char *first, const char *word, const char *help)
{
	buf_addf(out, "\t\t'%s:", word);
	zsh_text(out, help, "\\:");
	buf_adds(out, "'\n");
}

static void zsh_begin(struct buf *out, const char *label)
{
	buf_addf(out, "\t%s) here=(\n", label);
}

static void zsh_place(struct buf *out, const struct place *p)
{
	if (p->verb != NULL)
		buf_addf(out, "\t'%s %s') _arguments", p->first, p->verb);
	else
		buf_addf(out, "\t'%s '*) _arguments", p->first);
	for (const struct cli_option *o = p->options; o->name != NULL; o++) {
		enum value kind = value_of(o->arg);

		buf_addf(out, " \\\n\t\t'--%s[", o->name);
		zsh_text(out, o->help, "\\[]:");
		buf_addc(out, ']');
		if (kind != VALUE_NONE) {
			buf_addc(out, ':');
			zsh_text(out, kind == VALUE_CHOICE ? o->name : o->arg, "\\:");
			buf_addc(out, ':');
		}
		if (kind == VALUE_CHOICE) {
			buf_addc(out, '(');
			put_choices(out, o->arg);
			buf_addc(out, ')');
		} else if (kind == VALUE_ANY) {
			buf_addc(out, ' ');
		} else if (kind == VALUE_NAME) {
			buf_addf(out, "{_warren_names %s}", noun_of(o->arg));
		} else if (kind != VALUE_NONE) {
			buf_adds(out, kind == VALUE_DIR ? "_files -/" : "_files");
		}
		buf_addc(out, '\'');
	}
	if (p->noun != NULL)
		buf_addf(out, " \\\n\t\t'*:name:{_warren_names %s}' ;;\n", p->noun);
	else
		buf_addf(out, " \\\n\t\t'*:%s:%s' ;;\n",
			value_of(p->args) == VALUE_FILE ? "file" : "name",
			value_of(p->args) == VALUE_FILE ? "_files" : " ");
}

static void zsh(const struct cli_command *const *commands, struct buf *out)
{
	buf_adds(out,
		"#compdef warren\n# Completion of warren for zsh, by: warren completion zsh\n"
		"_warren_names() {\n\tlocal -a names\n"
		"\tnames=(${(f)\"$(${(Q)words[1]} " CLI_NAMES_COMMAND
		" $1 \"${(Q)PREFIX}\" ${(Q)words[4,-1]} 2>/dev/null)\"})\n"
		"\tcompadd -a names\n}\n"
		"_warren() {\n\tlocal -a here\n\tcase $CURRENT:$words[2] in\n");
	zsh_begin(out, "2:*");
	first_words(commands, out, zsh_word);
	buf_adds(out, "\t) ;;\n");
	for (const struct cli_command *const *c = commands; *c != NULL; c++) {
		AUTOFREE char *label = mem_printf("3:%s", (*c)->name);

		if ((*c)->words == NULL)
			continue;
		zsh_begin(out, label);
		command_words(*c, out, zsh_word);
		buf_adds(out, "\t) ;;\n");
	}
	for (const struct cli_noun *n = cli_nouns; n->name != NULL; n++) {
		AUTOFREE char *label = mem_printf("3:%s", n->name);

		zsh_begin(out, label);
		second_words(n, out, zsh_word);
		buf_adds(out, "\t) ;;\n");
	}
	buf_adds(out,
		"\tesac\n"
		"\tif (( $#here )); then _describe word here; return; fi\n"
		"\tcase \"$words[2] $words[3]\" in\n");
	each_place(commands, zsh_place, out);
	buf_adds(out,
		"\tesac\n}\n"
		"if [[ $funcstack[1] == _warren ]]; then _warren \"$@\"; else compdef _warren "
		"warren; fi\n");
}

/* --- fish ------------------------------------------------------------------------------------- */

static void fish_text(struct buf *out, const char *text)
{
	buf_addc(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *text);
	}
	buf_addc(out, '\'');
}

static void fish_word(struct buf *out, const char *first, const char *word, const char *help)
{
	if (first == NULL)
		buf_adds(out, "complete -c warren -n __warren_first");
	else
		buf_addf(out, "complete -c warren -n '__warren_second %s'", first);
	buf_addf(out, " -a %s -d ", word);
	fish_text(out, help);
	buf_addc(out, '\n');
}

static void fish_place(struct buf *out, const struct place *p)
{
	for (const struct cli_option *o = p->options; o->name != NULL; o++) {
		buf_addf(out, "complete -c warren -n '__warren_at %s%s%s' -l %s", p->first,
			p->verb != NULL ? " " : "", p->verb != NULL ? p->verb : "", o->name);
		switch (value_of(o->arg)) {
		case VALUE_NONE:
			break;
		case VALUE_ANY:
			buf_adds(out, " -x");
			break;
		case VALUE_FILE:
			buf_adds(out, " -rF");
			break;
		case VALUE_DIR:
			buf_adds(out, " -xa '(__fish_complete_directories)'");
			break;
		case VALUE_NAME:
			buf_addf(out, " -xa '(__warren_names %s)'", noun_of(o->arg));
			break;
		case VALUE_CHOICE:
			buf_adds(out, " -xa '");
			put_choices(out, o->arg);
			buf_addc(out, '\'');
			break;
		}
		buf_adds(out, " -d ");
		fish_text(out, o->help);
		buf_addc(out, '\n');
	}
	if (value_of(p->args) == VALUE_FILE)
		buf_addf(out, "complete -c warren -n '__warren_at %s' -F\n", p->first);
	if (p->noun != NULL)
		buf_addf(out,
			"complete -c warren -n '__warren_at %s %s' -a '(__warren_names %s)'\n",
			p->first, p->verb, p->noun);
}

static void fish(const struct cli_command *const *commands, struct buf *out)
{
	buf_adds(out,
		"# Completion of warren for fish, by: warren completion fish\n"
		"function __warren_first\n\ttest (count (commandline -opc)) -eq 1\nend\n"
		"function __warren_second\n\tset -l words (commandline -opc)\n"
		"\ttest (count $words) -eq 2; and test \"$words[2]\" = $argv[1]\nend\n"
		"function __warren_at\n\tset -l words (commandline -opc)\n"
		"\ttest (count $words) -gt (count $argv); or return 1\n"
		"\ttest \"$words[2..\"(math 1 + (count $argv))\"]\" = \"$argv\"\nend\n"
		"function __warren_names\n\tset -l words (commandline -opc)\n"
		"\tset -l begin (commandline -ct | string unescape)\n"
		"\t$words[1] " CLI_NAMES_COMMAND
		" $argv[1] \"$begin\" $words[4..-1] 2>/dev/null\nend\n"
		"complete -c warren -f\n");
	first_words(commands, out, fish_word);
	for (const struct cli_command *const *c = commands; *c != NULL; c++)
		command_words(*c, out, fish_word);
	for (const struct cli_noun *n = cli_nouns; n->name != NULL; n++)
		second_words(n, out, fish_word);
	each_place(commands, fish_place, out);
}

/* --- the table of shells ---------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*write)(const struct cli_command *const *commands, struct buf *out);
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

int cli_completion(const char *shell, const struct cli_command *const *commands, struct buf *out,
	struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (strcmp(shells[i].name, shell) == 0) {
			shells[i].write(commands, out);
			return 0;
		}
	return err_field(e, ERR_INVALID, "shell", "'%s' is not one of bash, zsh and fish", shell);
}
