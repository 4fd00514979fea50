/* DOC: the commands that join rooms: servers, agents and what needs this machine. Each takes the
 * words behind its name and returns an exit status (cli/cli.h). */
#ifndef WARREN_MAIN_MAIN_H
#define WARREN_MAIN_MAIN_H

#include "base/err.h"
#include "cli/cli.h"

extern const struct cli_command serve_command, agent_command, up_command, doctor_command,
	import_command, keygen_command, status_command, completion_command, man_command;
/* All of them, in the order of the help; NULL at the end. */
extern const struct cli_command *const commands[];
int doctor_files(const struct cli_args *a); /* the linter: warren doctor FILE... */

/* Options several commands take. */
#define LISTEN_OPTIONS                                                       \
	{"listen", "ADDRESS", "panel and REST (127.0.0.1:8443)"},            \
		{"agent-listen", "ADDRESS", "agent protocol ([::]:8444)"},   \
		{"cert", "FILE", "TLS certificate chain for --listen, PEM"}, \
	{                                                                    \
		"key", "FILE", "its private key, PEM"                        \
	}
#define LOG_OPTION                                                                      \
	{                                                                               \
		"log-level", "debug|info|warn|error", "what to write to the log (info)" \
	}

/* Options of `serve` and `up` from flags, then the settings file. */
struct control_options;
int serve_fill(const struct cli_args *a, struct cli_settings *s, struct control_options *ret,
	struct err *e);

/* Before anything is made: is the folder free, are the addresses? The error says who holds them. */
int serve_check(const struct control_options *o, struct err *e);

/* Secrets in memory must not reach core dumps (spec 0, Keys). */
void no_core_dumps(void);

/* Block the signals that end a server, before any thread starts, and wait for one of them or for
 * a child's end. Returns the signal's number. */
void signals_block(void);
int signals_wait(void);
bool signals_pending(void); /* one that ends a server waits to be taken */

/* The join token: --token-file, WARREN_JOIN_TOKEN, a systemd credential, a prompt, or standard
 * input; never an argument. */
int join_token_read(const char *file, struct buf *ret, struct err *e);

#endif
