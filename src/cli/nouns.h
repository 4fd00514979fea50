/*
 * DOC: the nouns of the command line as data: where they live in the API, what a list shows, which
 * options become which fields. Most verbs need nothing else (verbs.c); a noun may bring its own.
 */
#ifndef WARREN_CLI_NOUNS_H
#define WARREN_CLI_NOUNS_H

#include "cli/cli.h"
#include "codec/json.h"

/* AS_TEXT with the argument "true|false" is a switch; AS_MAYBE takes "none" for null. */
enum field_kind { AS_TEXT, AS_NUMBER, AS_FLAG, AS_LIST, AS_TIME, AS_MAYBE };

/* An option that becomes a field of a request body. */
struct cli_field {
	const char *option; /* without "--" */
	const char *field;  /* in JSON */
	enum field_kind kind;
	const char *arg; /* for help; NULL for AS_FLAG */
	const char *help;
	unsigned verbs; /* VERB_ADD, VERB_SET */
};

enum { VERB_LIST = 1, VERB_SHOW = 2, VERB_ADD = 4, VERB_SET = 8, VERB_SWITCH = 16, VERB_RM = 32 };

struct cli_column {
	const char *heading;
	const char *path; /* in the item */
};

struct cli_noun {
	const char *name;
	const char *help;
	const char *path; /* "/api/v1/networks" */
	unsigned verbs;   /* which generic verbs it has; VERB_SWITCH = enable and disable */
	const struct cli_column *columns;
	const struct cli_field *fields;
	const char *fixed; /* members added to every body when adding: "\"kind\":\"join\"" */
	const char *example;
	/* Verbs of its own, tried first: returns an exit status, or -1 for "not mine". */
	int (*own)(const struct cli_noun *n, const char *verb, int argc, char **argv);
	const char *own_help; /* lines for --help */
};

extern const struct cli_noun cli_nouns[]; /* name NULL at the end */
const struct cli_noun *cli_noun(const char *name);

/* Options of a noun for one verb as a table for cli_parse; freed by the caller. */
struct cli_option *cli_noun_options(
	const struct cli_noun *n, unsigned verb, const struct cli_option *more);

/* Build the body of an add or set call from options. "30d" and RFC 3339 are times, "never" null;
 * lists are comma-separated and add up when given again, "" empties one. */
int cli_body(const struct cli_noun *n, unsigned verb, const struct cli_args *a, const char *name,
	struct buf *ret, struct err *e);

/* Print one object: its JSON, or its columns and the rest as "field  value" lines. */
void cli_print_object(const struct cli_session *s, const struct buf *answer, const char *path);

/* "a, b" as the array `key` of the open object; empty items are left out. */
void cli_put_list(struct json_writer *w, const char *key, const char *text);

/* A verb of a noun's own: parsed, a session opened, run. */
struct own_verb {
	const char *verb;
	int (*run)(const struct cli_noun *n, struct cli_session *s, const struct cli_args *a,
		struct err *e);
	unsigned fields; /* VERB_ADD, VERB_SET: the noun's options it takes, too */
	size_t min_words, max_words;
	const struct cli_option *options;
};
/* The exit status, or -1 when verb is not in the table. */
int cli_run_own(const struct own_verb *table, size_t count, const struct cli_noun *n,
	const char *verb, int argc, char **argv);

/* Own verbs (client.c, accounts.c, policy.c, admin.c). */
int issuer_verb(const struct cli_noun *n, const char *verb, int argc, char **argv);
int audit_verb(const struct cli_noun *n, const char *verb, int argc, char **argv);
int setting_verb(const struct cli_noun *n, const char *verb, int argc, char **argv);
int client_verb(const struct cli_noun *n, const char *verb, int argc, char **argv);
int token_verb(const struct cli_noun *n, const char *verb, int argc, char **argv);
int user_verb(const struct cli_noun *n, const char *verb, int argc, char **argv);
int node_verb(const struct cli_noun *n, const char *verb, int argc, char **argv);
int policy_verb(const struct cli_noun *n, const char *verb, int argc, char **argv);
int keys_verb(const struct cli_noun *n, const char *verb, int argc, char **argv);

#endif
