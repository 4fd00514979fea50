/* DOC: the spawn process; see spawn.h. */
#include "agent/spawn.h"

#include "agent/confine.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/text.h"
#include "base/vec.h"
#include "model/names.h"
#include "model/prefix.h"
#include "net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUT_MAX (5 * 60 * 1000)
#define CHANNEL_FD 3 /* in the net process */

/* --- what may be started ------------------------------------------------------------------------
 */

#define ENGINE "(engine)" /* the one of the options */
#define INTERFACE "(interface)"
#define ROUTED "(domain)"     /* "~": asked at an interface, but not searched */
#define ADDRESSES "(address)" /* one or more, to the end */

static const struct program {
	enum spawn_verb verb;
	const char *argv[SPAWN_WORDS_MAX];
	const char *env[SPAWN_WORDS_MAX];
} programs[] = {
	{SPAWN_RUN, {"nft", "-f", "-"}, {NULL}},
	{SPAWN_RUN, {"resolvectl", "dns", INTERFACE, ADDRESSES}, {NULL}},
	{SPAWN_RUN, {"resolvectl", "domain", INTERFACE, ROUTED}, {NULL}},
	{SPAWN_RUN, {"resolvectl", "revert", INTERFACE}, {NULL}},
	{SPAWN_START, {ENGINE, "-f", INTERFACE},
		{"LOG_LEVEL=error", "WG_PROCESS_FOREGROUND=1", "WG_TUN_FD=", "WG_UAPI_FD="}},
};

/* The pattern of one word, or the word itself. */
static bool word_fits(const struct spawn_options *o, const char *pattern, const char *word)
{
	if (strcmp(pattern, ENGINE) == 0)
		return o->engine != NULL && strcmp(o->engine, word) == 0;
	if (strcmp(pattern, INTERFACE) == 0)
		return word[0] != '-' && ifname_check(word) == 0; /* no option */
	if (strcmp(pattern, ROUTED) == 0)
		return word[0] == '~' && domain_check(word + 1, "domain", NULL) == 0;
	if (strcmp(pattern, ADDRESSES) == 0)
		return addr_parse(word, &(struct addr){0}) == 0;
	return strcmp(pattern, word) == 0;
}

static bool words_fit(
	const struct spawn_options *o, const char *const patterns[], const char *const words[])
{
	size_t i = 0;

	for (; patterns[i] != NULL; i++)
		if (words[i] == NULL || !word_fits(o, patterns[i], words[i]))
			return false;
	while (words[i] != NULL && i > 0 && strcmp(patterns[i - 1], ADDRESSES) == 0 &&
		word_fits(o, ADDRESSES, words[i]))
		i++;
	return words[i] == NULL;
}

int spawn_check(const struct spawn_options *o, enum spawn_verb verb, const char *const argv[],
	const char *const env[], struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if (programs[i].verb == verb && words_fit(o, programs[i].argv, argv) &&
			words_fit(o, programs[i].env, env))
			return 0;
	return err_set(e, ERR_DENIED, "%.64s is not called like that by the agent",
		argv[0] == NULL ? "nothing" : argv[0]);
}

/* --- requests ------------------------------------------------------------------------------------
 */

struct server {
	int fd;
	const struct spawn_options *o;
	pid_t net;
	int net_pidfd; /* -1 = none runs */
};

/* A request and what came with it. */
struct job {
	struct spawn_request rq;
	const char *argv[SPAWN_WORDS_MAX + 1], *env[SPAWN_WORDS_MAX + 1];
	int fds[SPAWN_FDS_MAX];
	size_t n_fds;
};

static void job_done(struct job *j)
{
	for (size_t i = 0; i < j->n_fds; i++)
		close(j->fds[i]);
	j->n_fds = 0;
}

static int split(struct job *j, struct err *e)
{
	const char *at = j->rq.text, *end = j->rq.text + j->rq.text_n;

	for (uint32_t i = 0; i < j->rq.n_argv + j->rq.n_env; i++) {
		const char *stop = memchr(at, '\0', (size_t)(end - at));

		if (stop == NULL)
			return err_set(e, ERR_INVALID, "a malformed request");
		if (i < j->rq.n_argv)
			j->argv[i] = at;
		else
			j->env[i - j->rq.n_argv] = at;
		at = stop + 1;
	}
	return 0;
}

/* Room for three is, with its padding, room for four: what is too much is closed. False then. */
static bool take_fds(struct msghdr *m, struct job *j)
{
	bool fits = true;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (j->n_fds < SPAWN_FDS_MAX) {
				j->fds[j->n_fds++] = fd;
				continue;
			}
			close(fd);
			fits = false;
		}
	}
	return fits;
}

/* The next request. 0, ERR_GONE at the end, another error when it makes no sense. */
static int receive(struct server *s, struct job *j, struct err *e)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * SPAWN_FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec part = {&j->rq, sizeof(j->rq)};
	struct msghdr m = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t n;

	do
		n = recvmsg(s->fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return err_set(e, ERR_GONE, "the agent is gone");
	if (!take_fds(&m, j))
		return err_set(e, ERR_INVALID, "a request with too many descriptors");
	if ((size_t)n < offsetof(struct spawn_request, text) || (m.msg_flags & MSG_CTRUNC) != 0 ||
		j->rq.text_n != (size_t)n - offsetof(struct spawn_request, text) ||
		j->rq.n_argv > SPAWN_WORDS_MAX || j->rq.n_env > SPAWN_WORDS_MAX)
		return err_set(e, ERR_INVALID, "a malformed request");
	return split(j, e);
}

static void send_reply(struct server *s, const struct spawn_reply *r)
{
	while (send(s->fd, r, sizeof(*r), MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static void reply(struct server *s, int code, int value, const struct err *e)
{
	struct spawn_reply r = {.code = code, .value = value};

	if (code < 0)
		snprintf(r.text, sizeof(r.text), "%s", e->text);
	send_reply(s, &r);
}

static void reply_text(struct server *s, int code, const char *text)
{
	struct spawn_reply r = {.code = code};

	snprintf(r.text, sizeof(r.text), "%s", text);
	send_reply(s, &r);
}

/* --- programs ------------------------------------------------------------------------------------
 */

/* Until it has ended, at most timeout ms; killed then. */
static int wait_end(pid_t pid, int timeout, int *ret_status, struct err *e)
{
	struct pollfd p = {.fd = pidfd_open(pid, 0), .events = POLLIN};
	msec deadline = clock_mono(&clock_real) + timeout, left = timeout;
	int n = 0, rc = 0;

	for (; n <= 0 && left > 0; left = deadline - clock_mono(&clock_real))
		n = poll(&p, 1, (int)left);
	if (n <= 0) {
		kill(-pid, SIGKILL);
		rc = ERR_TIMEOUT;
	}
	if (p.fd >= 0)
		close(p.fd);
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return err_errno(e, errno, "cannot learn how a program ended");
	return rc < 0 ? err_set(e, rc, "it was too slow") : 0;
}

static void run(struct server *s, struct job *j, struct err *e)
{
	int timeout =
		j->rq.timeout < 0 || j->rq.timeout > TIMEOUT_MAX ? TIMEOUT_MAX : j->rq.timeout;
	int status = 0, rc;
	pid_t pid;

	rc = j->n_fds != 3 ? err_set(e, ERR_INVALID, "a program wants three descriptors")
			   : proc_start(j->argv, j->fds, &pid, e);
	reply(s, rc, 0, e);
	job_done(j); /* its output ends with it, not with us */
	if (rc < 0)
		return;
	rc = wait_end(pid, timeout, &status, e);
	reply(s, rc, status, e);
}

static void start(struct server *s, struct job *j, struct err *e)
{
	pid_t pid = 0;
	int rc = j->n_fds != 1 ? err_set(e, ERR_INVALID, "a program wants one descriptor")
			       : proc_start_detached(j->argv, j->env, j->fds[0], &pid, e);

	reply(s, rc, pid, e);
}

/* --- net
 * ------------------------------------------------------------------------------------------ */

static void end_net(struct server *s)
{
	if (s->net_pidfd < 0)
		return;
	pidfd_send_signal(s->net_pidfd, SIGKILL, NULL, 0);
	while (waitpid(s->net, NULL, 0) < 0 && errno == EINTR)
		;
	close(s->net_pidfd);
	s->net_pidfd = -1;
}

/* It ended by itself: say how, as nobody else knows. */
static void reap_net(struct server *s)
{
	int status = 0;

	if (s->net_pidfd < 0 || waitpid(s->net, &status, WNOHANG) != s->net)
		return;
	close(s->net_pidfd);
	s->net_pidfd = -1;
	if (WIFSIGNALED(status))
		log_warn("the net process was ended", LOG_KV_INT("signal", WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		log_warn("the net process ended", LOG_KV_INT("status", WEXITSTATUS(status)));
}

static _Noreturn void become_net(const struct spawn_options *o, int fd, pid_t parent)
{
	confine_net_user();
	if (getppid() != parent)
		_exit(0); /* it ended before it could take us along */
	/* exec closes what is marked; a fork has to do it by hand */
	if (dup2(fd, CHANNEL_FD) < 0 || fcntl(CHANNEL_FD, F_SETFD, 0) < 0)
		_exit(126);
	close_range(CHANNEL_FD + 1, ~0U, 0);
	if (o->net_argv != NULL)
		execv("/proc/self/exe", (char *const *)(uintptr_t)o->net_argv);
	/* a program that others may not execute: less memory of its own, the same rights */
	_exit(o->net(CHANNEL_FD));
}

static void start_net(struct server *s, struct job *j, struct err *e)
{
	pid_t self = getpid(), pid = -1;
	int rc = 0;

	end_net(s);
	if (j->n_fds != 1)
		rc = err_set(e, ERR_INVALID, "net wants one descriptor");
	if (rc == 0)
		pid = fork();
	if (rc == 0 && pid < 0)
		rc = err_errno(e, errno, "cannot start the net process");
	if (rc == 0 && pid == 0)
		become_net(s->o, j->fds[0], self);
	if (rc == 0) {
		s->net = pid;
		s->net_pidfd = pidfd_open(pid, 0);
		if (s->net_pidfd < 0)
			rc = err_errno(e, errno, "cannot watch the net process");
	}
	reply(s, rc, pid, e);
}

static void tell_holder(struct server *s, struct job *j, struct err *e)
{
	CLEANUP(buf_done) struct buf holder = {0};
	struct addr at = {0};
	uint64_t port;
	int rc;

	if (j->rq.n_argv != 3 || text_u64(j->argv[1], UINT16_MAX, &port) < 0 ||
		(j->argv[2][0] != '\0' && addr_parse(j->argv[2], &at) < 0))
		rc = err_set(e, ERR_INVALID, "a malformed request");
	else
		rc = net_port_holder(
			strcmp(j->argv[0], "stream") == 0, (uint16_t)port, at, &holder);
	reply_text(s, rc, rc < 0 ? e->text : buf_str(&holder));
}

static int serve_one(struct server *s)
{
	CLEANUP(job_done) struct job j = {0};
	struct err e = {0};
	int rc = receive(s, &j, &e);

	if (rc == ERR_GONE)
		return rc;
	if (rc == 0 && j.rq.verb != SPAWN_NET && j.rq.verb != SPAWN_HOLDER)
		rc = spawn_check(s->o, j.rq.verb, j.argv, j.env, &e);
	if (rc < 0)
		reply(s, rc, 0, &e);
	else if (j.rq.verb == SPAWN_RUN)
		run(s, &j, &e);
	else if (j.rq.verb == SPAWN_START)
		start(s, &j, &e);
	else if (j.rq.verb == SPAWN_HOLDER)
		tell_holder(s, &j, &e);
	else
		start_net(s, &j, &e);
	return 0;
}

void spawn_serve(int fd, const struct spawn_options *o)
{
	struct server s = {.fd = fd, .o = o, .net_pidfd = -1};
	int rc = 0;

	while (rc == 0) {
		struct pollfd p[2] = {
			{.fd = fd, .events = POLLIN}, {.fd = s.net_pidfd, .events = POLLIN}};

		if (poll(p, ARRAY_LEN(p), -1) < 0)
			continue;
		if (p[1].revents != 0)
			reap_net(&s);
		if (p[0].revents != 0)
			rc = serve_one(&s);
	}
	end_net(&s);
}
