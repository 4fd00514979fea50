/*
 * DOC: the nouns of the command line as data: where they live in the API, what a list shows, which
 * options become which fields. Most verbs need nothing else (verbs.c); a noun may bring its own.
 */
#ifndef WARREN_CLI_NOUNS_H
#define WARREN_CLI_NOUNS_H

#include "cli/cli.h"
#include "codec/json.h"

/* AS_TEXT with the argument "true|false" is a switch; AS_MAYBE takes "none" for null; AS_FLAG is no
 * field but a parameter of the call, set to 1. */
enum field_kind { AS_TEXT, AS_NUMBER, AS_FLAG, AS_LIST, AS_TIME, AS_MAYBE };

/* An option that becomes a field of a request body, or a parameter of the request. */
struct cli_field {
	const char *option; /* without "--" */
	const char *field;  /* in JSON, or of the query */
	enum field_kind kind;
	const char *arg; /* for help; NULL for AS_FLAG */
	const char *help;
	unsigned verbs; /* VERB_ADD, VERB_SET; AS_FLAG also VERB_SWITCH, VERB_RM */
};

enum { VERB_LIST = 1, VERB_SHOW = 2, VERB_ADD = 4, VERB_SET = 8, VERB_SWITCH = 16, VERB_RM = 32 };

struct cli_column {
	const char *heading;
	const char *path; /* in the item */
};

struct own_verb;
struct cli_noun {
	const char *name;
	const char *help;
	const char *path; /* "/api/v1/networks" */
	unsigned verbs;   /* which generic verbs it has; VERB_SWITCH = enable and disable */
	const struct cli_column *columns;
	const struct cli_field *fields;
	const char *fixed; /* members added to every body when adding: "\"kind\":\"join\"" */
	const char *example;
	const struct own_verb *own; /* verbs of its own, tried first; NULL = none */
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

/* A node's clock offset (ms), marked when it is worth saying. */
void cli_clock_line(int64_t offset, struct buf *out);

/* "a, b" as the array `key` of the open object; empty items are left out. */
void cli_put_list(struct json_writer *w, const char *key, const char *text);

/* Append the noun's parameters (AS_FLAG) that were given. */
void cli_put_flags(
	struct buf *path, const struct cli_noun *n, unsigned verb, const struct cli_args *a);

/* Append "?name=value" or "&name=value" when the flag was given. */
void cli_put_query(struct buf *path, const struct cli_args *a, const char *name);

/* A verb of a noun's own: parsed, a session opened, run. Tables end with verb NULL. */
struct own_verb {
	const char *verb;
	int (*run)(const struct cli_noun *n, struct cli_session *s, const struct cli_args *a,
		struct err *e);
	const char *args; /* "NAME"; NULL = none */
	const char *help;
	unsigned fields; /* VERB_ADD, VERB_SET: the noun's options it takes, too */
	size_t min_words, max_words;
	const struct cli_option *options;
};
/* The exit status, or -1 when the noun has no such verb of its own. */
int cli_run_own(const struct cli_noun *n, const char *verb, int argc, char **argv);

/* The verbs every noun may have, by bit; name NULL at the end. */
struct cli_verb {
	const char *name;
	unsigned bit;
	bool takes_name;
	const char *help;
	const struct cli_option *options; /* besides the noun's fields; NULL = none */
};
extern const struct cli_verb cli_verbs[];
/* Is it one of the noun's generic verbs, and not one it has of its own? */
bool cli_noun_takes(const struct cli_noun *n, const struct cli_verb *v);

/* Own verbs (client.c, accounts.c, policy.c, admin.c). */
extern const struct own_verb issuer_verbs[], audit_verbs[], setting_verbs[], group_verbs[],
	client_verbs[], token_verbs[], user_verbs[], node_verbs[], policy_verbs[], keys_verbs[];

#endif
