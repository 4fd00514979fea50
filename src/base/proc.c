/*
 * DOC: child programs; see proc.h. Standard input is a memory file, filled before the child
 * starts: nothing to feed, so no deadlock between feeding and reading, no SIGPIPE, and programs
 * that open /dev/stdin by name (nft) can. The end of the child is seen on a pidfd, so a grandchild
 * that keeps our pipes open cannot hold us.
 */
#include "base/proc.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX ((size_t)16 << 20)
#define READ_SIZE 65536
#define LINE_MAX_SHOWN 200

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* An unnamed file holding input, at its start; fd 0 of the child. */
static int input_open(const void *input, size_t n, int *ret_fd, struct err *e)
{
	CLEANUP(closep) int fd = -1;
	const char *at = input;

	if (n == 0)
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	else
		fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0)
		return err_errno(e, errno, "cannot make the input of a program");
	for (size_t left = n; left > 0;) {
		ssize_t done = write(fd, at, left);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_errno(e, errno, "cannot fill the input of a program");
		at += done;
		left -= (size_t)done;
	}
	if (n > 0 && lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(e, errno, "cannot rewind the input of a program");
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static const struct proc_spawner *spawner; /* NULL = children of our own */

void proc_set_spawner(const struct proc_spawner *s)
{
	spawner = s;
}

/* A running program: its output is gathered by us. */
struct child {
	pid_t pid; /* 0 = a spawner's */
	int pidfd; /* or what the spawner lent */
	struct {
		int read, write;
	} out[2]; /* stdout, stderr */
};

/* A child starts with an empty signal mask, default handlers and no descriptor above 2. */
static int spawn(const char *const argv[], const int fds[static 3], pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(
		&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < 3; i++)
		posix_spawn_file_actions_adddup2(&actions, fds[i], i);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	/* The cast only drops const from the pointers, as POSIX declares argv for old callers. */
	r = posix_spawnp(
		ret_pid, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return r;
}

/* Read once; bytes past the limit are thrown away. Returns 0 at the end, 1 when more may come. */
static int drain(int fd, struct buf *out)
{
	char chunk[READ_SIZE];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return 0;
	if (out != NULL && out->len < OUTPUT_MAX) {
		size_t fits = OUTPUT_MAX - out->len;

		buf_add(out, chunk, (size_t)n < fits ? (size_t)n : fits);
	}
	mem_wipe(chunk, (size_t)n);
	return 1;
}

static int span_left(msec deadline)
{
	msec left = deadline - clock_mono(&clock_real);

	return left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* Gather output until the child has ended. 0, or ERR_TIMEOUT at the deadline. */
static int gather(struct child *c, struct buf *outs[static 2], msec deadline)
{
	for (;;) {
		struct pollfd p[3] = {{.fd = c->pidfd, .events = POLLIN},
			{.fd = c->out[0].read, .events = POLLIN},
			{.fd = c->out[1].read, .events = POLLIN}};
		int n = poll(p, ARRAY_LEN(p), span_left(deadline));

		if (n < 0 && errno != EINTR)
			return ERR_SYSTEM;
		for (int i = 0; n > 0 && i < 2; i++)
			if (p[i + 1].revents != 0 && drain(c->out[i].read, outs[i]) == 0)
				closep(&c->out[i].read);
		/* Only when a round brought nothing but the end is everything read. */
		if (n == 1 && p[0].revents != 0)
			return 0;
		if (span_left(deadline) == 0)
			return ERR_TIMEOUT;
	}
}

/* "PROGRAM failed: FIRST LINE", printable characters only. */
static int report(const char *program, int status, const char *printed, struct err *e)
{
	char line[LINE_MAX_SHOWN + 1];
	size_t n = 0;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	for (const char *at = printed; *at != '\0' && *at != '\n' && n < LINE_MAX_SHOWN; at++)
		line[n++] = *at >= ' ' && *at < 127 ? *at : '?';
	line[n] = '\0';
	if (WIFSIGNALED(status))
		return err_set(
			e, ERR_SYSTEM, "%s was ended by signal %d", program, WTERMSIG(status));
	return err_set(e, ERR_SYSTEM, "%s ended with status %d%s%s", program, WEXITSTATUS(status),
		n > 0 ? ": " : "", line);
}

static int spawn_failed(const char *program, int errnum, struct err *e)
{
	if (errnum == ENOENT)
		return err_set(e, ERR_UNSUPPORTED, "the program %s is not installed", program);
	return err_errno(e, errnum, "cannot start %s", program);
}

static pid_t reap(pid_t pid, int *ret_status)
{
	pid_t r;

	do
		r = waitpid(pid, ret_status, 0);
	while (r < 0 && errno == EINTR);
	return r;
}

int proc_start(const char *const argv[], const int fds[static 3], pid_t *ret_pid, struct err *e)
{
	int r = spawn(argv, fds, ret_pid);

	return r != 0 ? spawn_failed(argv[0], r, e) : 0;
}

/* Start argv with its three descriptors and a pidfd. On failure nothing runs. */
static int child_start(struct child *c, const char *const argv[], const void *input, size_t n,
	int timeout_ms, struct err *e)
{
	CLEANUP(closep) int in = -1;
	int fds[3], r = input_open(input, n, &in, e);

	if (r < 0)
		return r;
	for (int i = 0; i < 2; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return err_errno(e, errno, "cannot make a pipe for %s", argv[0]);
		c->out[i].read = ends[0];
		c->out[i].write = ends[1];
	}
	fds[0] = in;
	fds[1] = c->out[0].write;
	fds[2] = c->out[1].write;
	r = spawner != NULL ? spawner->run(spawner->arg, argv, fds, timeout_ms, &c->pidfd, e)
			    : proc_start(argv, fds, &c->pid, e);
	closep(&c->out[0].write);
	closep(&c->out[1].write);
	if (r < 0 || spawner != NULL)
		return r;
	c->pidfd = pidfd_open(c->pid, 0);
	if (c->pidfd < 0) {
		r = err_errno(e, errno, "cannot watch %s", argv[0]);
		kill(-c->pid, SIGKILL);
		reap(c->pid, &(int){0});
	}
	return r;
}

/* How it ended. One that is late is killed; a spawner does so itself, at its own deadline. */
static int child_end(
	struct child *c, const char *program, bool late, int *ret_status, struct err *e)
{
	if (spawner != NULL)
		return spawner->ended(spawner->arg, ret_status, e);
	if (late)
		kill(-c->pid, SIGKILL);
	if (reap(c->pid, ret_status) < 0)
		return err_errno(e, errno, "cannot learn how %s ended", program);
	return 0;
}

static void child_done(struct child *c)
{
	if (c->pid > 0)
		closep(&c->pidfd);
	for (int i = 0; i < 2; i++) {
		closep(&c->out[i].read);
		closep(&c->out[i].write);
	}
}

int proc_run(const char *const argv[], const void *input, size_t input_len, struct buf *out,
	struct buf *errout, int timeout_ms, struct err *e)
{
	msec deadline = clock_mono(&clock_real) + timeout_ms;
	CLEANUP(child_done)
	struct child c = {.pidfd = -1, .out = {{-1, -1}, {-1, -1}}};
	CLEANUP(buf_done) struct buf own_errout = {0};
	size_t before;
	int status = 0, ended, r = child_start(&c, argv, input, input_len, timeout_ms, e);

	if (r < 0)
		return r;
	if (errout == NULL)
		errout = &own_errout;
	before = errout->len;
	r = gather(&c, (struct buf *[2]){out, errout}, deadline);
	ended = child_end(&c, argv[0], r < 0, &status, e);
	if (ended < 0 && ended != ERR_TIMEOUT)
		return ended;
	if (r == ERR_TIMEOUT || ended == ERR_TIMEOUT)
		return err_set(e, ERR_TIMEOUT, "%s did not end within %d ms", argv[0], timeout_ms);
	if (r < 0)
		return err_set(e, r, "cannot read what %s prints", argv[0]);
	return report(argv[0], status, buf_str(errout) + before, e);
}

/* What the two generations of a detached start tell the caller over a pipe. */
struct birth {
	enum { BIRTH_PID, BIRTH_FAILED } what;
	int value; /* pid or errno */
};

/* The rest of the file up to environment runs between fork and exec, where another thread
 * may have held any lock: only async-signal-safe calls. */
static _Noreturn void tell_failure(int fd)
{
	struct birth b = {BIRTH_FAILED, errno};

	if (write(fd, &b, sizeof(b)) < 0)
		_exit(126);
	_exit(127);
}

static _Noreturn void become(const char *const argv[], char *const env[], int in, int log, int tell)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(in, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 || chdir("/") < 0)
		tell_failure(tell);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	execvpe(argv[0], (char *const *)(uintptr_t)argv, env);
	tell_failure(tell);
}

static _Noreturn void detach(const char *const argv[], char *const env[], int in, int log, int tell)
{
	struct birth b = {BIRTH_PID, 0};
	pid_t pid;

	if (setsid() < 0)
		tell_failure(tell);
	pid = fork();
	if (pid < 0)
		tell_failure(tell);
	if (pid == 0)
		become(argv, env, in, log, tell);
	b.value = pid;
	if (write(tell, &b, sizeof(b)) != sizeof(b))
		_exit(1);
	_exit(0);
}

/* The environment with extra put over it. Strings are borrowed. */
static char **environment(const char *const extra[])
{
	VEC(char *) v = {0};

	for (char **own = environ; own != NULL && *own != NULL; own++) {
		size_t name = strcspn(*own, "=") + 1;
		int hidden = 0;

		for (const char *const *x = extra; x != NULL && *x != NULL; x++)
			hidden |= strncmp(*own, *x, name) == 0;
		if (!hidden)
			VEC_PUSH(&v, *own);
	}
	for (const char *const *x = extra; x != NULL && *x != NULL; x++)
		VEC_PUSH(&v, (char *)(uintptr_t)*x);
	VEC_PUSH(&v, NULL);
	return v.v;
}

/* Read both generations' word. The pipe ends by itself when exec succeeded. */
static int hear_birth(int fd, const char *program, pid_t *ret_pid, struct err *e)
{
	pid_t pid = -1;
	int failed = 0;

	for (;;) {
		struct birth b;
		ssize_t n = read(fd, &b, sizeof(b)); /* whole: far below PIPE_BUF */

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(b))
			break;
		if (b.what == BIRTH_PID)
			pid = b.value;
		else
			failed = b.value;
	}
	if (failed != 0)
		return spawn_failed(program, failed, e);
	if (pid <= 0)
		return err_set(e, ERR_SYSTEM, "cannot start %s", program);
	*ret_pid = pid;
	return 0;
}

int proc_start_detached(
	const char *const argv[], const char *const env[], int log, pid_t *ret_pid, struct err *e)
{
	CLEANUP(closep) int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CLEANUP(closep) int hear = -1;
	CLEANUP(closep) int tell = -1;
	AUTOFREE char **environment_ = environment(env);
	int ends[2], status;
	sigset_t all, was;
	pid_t pid;

	if (in < 0)
		return err_errno(e, errno, "cannot open /dev/null");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe for %s", argv[0]);
	hear = ends[0];
	tell = ends[1];
	/* Our handlers must not run in the child, so signals wait until it has dropped them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	pid = fork();
	if (pid == 0)
		detach(argv, environment_, in, log, tell);
	status = errno;
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (pid < 0)
		return err_errno(e, status, "cannot start %s", argv[0]);
	closep(&tell);
	reap(pid, &status);
	return hear_birth(hear, argv[0], ret_pid, e);
}

int proc_spawn_detached(const char *const argv[], const char *const env[], const char *log_path,
	pid_t *ret_pid, struct err *e)
{
	CLEANUP(closep)
	int log = log_path == NULL
		? open("/dev/null", O_WRONLY | O_CLOEXEC)
		: open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);

	if (log < 0)
		return err_errno(
			e, errno, "cannot open %s", log_path == NULL ? "/dev/null" : log_path);
	if (spawner != NULL)
		return spawner->start(spawner->arg, argv, env, log, ret_pid, e);
	return proc_start_detached(argv, env, log, ret_pid, e);
}
