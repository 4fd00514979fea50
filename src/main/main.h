/* DOC: the commands that join rooms: servers, agents and what needs this machine. Each takes the
 * words behind its name and returns an exit status (cli/cli.h). */
#ifndef WARREN_MAIN_MAIN_H
#define WARREN_MAIN_MAIN_H

#include "base/err.h"
#include "cli/cli.h"

int serve_main(int argc, char **argv);
int agent_main(int argc, char **argv);
int up_main(int argc, char **argv);
int doctor_main(int argc, char **argv);
int doctor_files(const struct cli_args *a); /* the linter: warren doctor FILE... */
int import_main(int argc, char **argv);
int keygen_main(int argc, char **argv);
int status_main(int argc, char **argv);

/* Options of `serve` and `up` from flags, then the settings file. */
struct control_options;
extern const struct cli_option serve_options[];
int serve_fill(const struct cli_args *a, const struct cli_settings *s, struct control_options *ret,
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
