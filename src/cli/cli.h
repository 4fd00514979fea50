/*
 * DOC: the command line towards a control plane: warren NOUN VERB [NAME] [--option value]. It talks
 * REST only: over the unix socket on the control plane's own machine (root needs no token), else
 * over TLS with a token. Exit status: 0 done, 1 failed, 2 would change, 64 usage.
 */
#ifndef WARREN_CLI_CLI_H
#define WARREN_CLI_CLI_H

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "codec/settings.h"
#include "http/client.h"

#include <stdbool.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_WOULD_CHANGE = 2, EXIT_USAGE = 64 };

/* The command line taken apart. All borrowed from argv. */
struct cli_args {
	const char *words[8]; /* noun, verb, names */
	size_t n_words;
	struct cli_flag {
		const char *name;  /* without "--" */
		const char *value; /* "" for a flag without value */
	} flags[64];
	size_t n_flags;
};

/* What a command may be given. */
struct cli_option {
	const char *name; /* without "--" */
	const char *arg;  /* "NAME" in help; NULL = takes no value */
	const char *help;
};

/* A word that may stand behind a command, "join URL", and what it does. */
struct cli_word {
	const char *word, *args; /* args NULL = none */
	const char *help;
};

/* A command of the program: what --help, the completions and the manual page say of it. */
struct cli_command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;                 /* one line */
	const char *args;                 /* "FILE..."; NULL = none */
	const struct cli_word *words;     /* word NULL at the end; NULL = none */
	const char *about;                /* more lines; NULL = none */
	const struct cli_option *options; /* its own; NULL = none */
	bool calls;                       /* the control plane: takes the common options, too */
	const char *example;
};
void cli_command_help(const struct cli_command *c);
/* "  --name ARG   help" for each of the table. */
void cli_options_help(const struct cli_option *table);

/* Options every command takes (--json, --url, ...); NULL name at the end. */
extern const struct cli_option cli_common_options[];

/* Split argv[1..] by the options a command knows (two NULL-terminated tables). Prints what is
 * wrong and returns ERR_INVALID. "--" ends options; "--name=value" works. */
int cli_parse(int argc, char **argv, const struct cli_option *own, struct cli_args *ret);
/* Last value of a flag, or NULL. */
const char *cli_flag(const struct cli_args *a, const char *name);
bool cli_has(const struct cli_args *a, const char *name);
/* All values of an option that is a list, with commas; false when it was not given. */
bool cli_flag_list(const struct cli_args *a, const char *name, struct buf *out);

#define CLI_SETTINGS_FILE "/etc/warren/warren.yaml"

/* What settings files say: the caller's own (~/.config/warren/config.yaml), the machine's. */
struct cli_settings {
	struct settings own, machine;
	char *state; /* see cli_state */
};
/* Read --config FILE, or the files there are; own: also the caller's. Who may not read the
 * machine's file goes without. */
int cli_settings_read(const struct cli_args *a, bool own, struct cli_settings *ret, struct err *e);
void cli_settings_done(struct cli_settings *s);
/* A setting by flag, else environment, else files; NULL = nowhere, or empty. flag and env may be
 * NULL. Borrowed. */
const char *cli_setting(const struct cli_settings *s, const struct cli_args *a, const char *flag,
	const char *env, const char *name);
/* The control plane's state folder by --state, WARREN_STATE, files, else /var/lib/warren: absolute,
 * for its socket is named by it. Borrowed of s. */
const char *cli_state(struct cli_settings *s, const struct cli_args *a);

/* Where the control plane is and who we are. */
struct cli_session {
	struct http_target target;
	struct buf token; /* wiped when done */
	const char *project;
	bool json;
	msec timeout; /* of one call; 0 = as usual */
};
/* From flags, environment (WARREN_URL, WARREN_TOKEN, WARREN_CA, WARREN_PIN), settings files. */
int cli_session_init(struct cli_session *s, const struct cli_args *a, struct err *e);
void cli_session_done(struct cli_session *s);

/* One call. Answers of 400 and above become errors with the server's sentence and field. body may
 * be NULL. ret holds the answer's bytes, whatever they are. */
int cli_call(struct cli_session *s, const char *method, const char *path, const struct buf *body,
	struct buf *ret, struct err *e);

/* Id of the object called `name` (an id, or its name) under path. ERR_NOT_FOUND names both. */
int cli_resolve(struct cli_session *s, const char *path, const char *name, struct buf *ret_id,
	struct err *e);

/* Append text percent-encoded for a query or a path segment. */
void cli_escape(struct buf *out, const char *text);

/* Run a NOUN VERB command; argv[0] is the noun. Returns the exit status. */
int cli_main(int argc, char **argv);
/* Is there such a noun? */
bool cli_has_noun(const char *noun);
/* The nouns' part of `warren --help`. */
void cli_help_nouns(void);

/* Print "warren: sentence (field: x)" to stderr; returns EXIT_FAILED. */
int cli_fail(const struct err *e);

#endif
