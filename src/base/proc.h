/*
 * DOC: child programs. Always a fixed argument vector, never a shell, secrets only on standard
 * input (spec 0, Keys: never in process arguments).
 */
#ifndef WARREN_BASE_PROC_H
#define WARREN_BASE_PROC_H

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

/*
 * Run argv (argv[0] looked up in PATH) to its end, feeding it input. What it prints on stdout goes
 * to out, on stderr to errout (either may be NULL), each cut at 16 MiB. After timeout_ms it is
 * killed. Returns 0 when it ran and exited 0; ERR_UNSUPPORTED when the program is not installed;
 * ERR_SYSTEM when it failed, with its first line of stderr in the error.
 */
int proc_run(const char *const argv[], const void *input, size_t input_len, struct buf *out,
	struct buf *errout, int timeout_ms, struct err *e);

/*
 * Start argv in a session of its own, detached from us: it outlives this process. Its output goes
 * to log_path (appended) or /dev/null. env holds extra "NAME=value" strings, or NULL.
 */
int proc_spawn_detached(const char *const argv[], const char *const env[], const char *log_path,
	pid_t *ret_pid, struct err *e);

/*
 * For a process that may not start programs itself: proc_run and proc_spawn_detached hand theirs to
 * a spawner. run starts argv on three descriptors and sees to its end within timeout_ms; its
 * wait_fd (borrowed) is readable when ended has the wait status to tell. start is the detached form
 * with its output on log. NULL = children of our own again. Not while a program runs.
 */
struct proc_spawner {
	int (*run)(void *arg, const char *const argv[], const int fds[static 3], int timeout_ms,
		int *ret_wait_fd, struct err *e);
	int (*ended)(void *arg, int *ret_status, struct err *e); /* ERR_TIMEOUT: it was killed */
	int (*start)(void *arg, const char *const argv[], const char *const env[], int log,
		pid_t *ret_pid, struct err *e);
	void *arg;
};
void proc_set_spawner(const struct proc_spawner *s);

/* The parts a spawner is made of: start argv (a child of ours, to be reaped) on three descriptors;
 * start it detached with its output on a descriptor. */
int proc_start(const char *const argv[], const int fds[static 3], pid_t *ret_pid, struct err *e);
int proc_start_detached(
	const char *const argv[], const char *const env[], int log, pid_t *ret_pid, struct err *e);

#endif
