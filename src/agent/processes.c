/* DOC: starting and ending the agent's processes; see processes.h. */
#include "agent/processes.h"

#include "agent/confine.h"
#include "base/log.h"
#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void become_spawn(int fd, const struct spawn_options *o)
{
	struct err e = {0};

	/* the terminal's and the service manager's signals are for apply: it ends us */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (confine_spawn(&e) < 0) {
		log_error("the spawn process cannot be confined", LOG_KV_STR("error", e.text));
		_exit(1);
	}
	spawn_serve(fd, o);
	_exit(0);
}

int processes_start(
	struct processes *p, const struct spawn_options *o, const char *state_dir, struct err *e)
{
	int ends[2];
	pid_t pid;

	p->options = *o;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_errno(e, errno, "cannot make a socket for the spawn process");
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		become_spawn(ends[1], &p->options);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return err_errno(e, errno, "cannot start the spawn process");
	}
	p->spawn = pid;
	spawner_init(&p->spawner, ends[0]);
	if (confine_apply(state_dir, e) < 0) {
		processes_stop(p);
		return e->code;
	}
	return 0;
}

int processes_start_net(void *arg, int *ret_fd, struct err *e)
{
	struct processes *p = arg;
	int ends[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_errno(e, errno, "cannot make a socket for the net process");
	rc = spawner_start_net(&p->spawner, ends[1], e);
	close(ends[1]);
	if (rc < 0)
		close(ends[0]);
	else
		*ret_fd = ends[0];
	return rc;
}

static void on_ready(int events, void *arg)
{
	struct processes *p = arg;

	/* between requests it has nothing to say */
	loop_fd_set(p->watch, 0);
	p->lost(p->arg);
}

void processes_watch(struct processes *p, struct loop *l, void (*lost)(void *arg), void *arg)
{
	p->lost = lost;
	p->arg = arg;
	p->watch = loop_fd_new(l, p->spawner.fd, on_ready, p);
	if (p->watch != NULL)
		loop_fd_set(p->watch, LOOP_READ);
}

void processes_stop(struct processes *p)
{
	if (p->spawn == 0)
		return;
	loop_fd_free(p->watch);
	close(p->spawner.fd);
	while (waitpid(p->spawn, NULL, 0) < 0 && errno == EINTR)
		;
	spawner_done(&p->spawner);
	*p = (struct processes){0};
}
