/* DOC: requests to the spawn process; see spawner.h. It answers at once, but for the end of a
 * program, for which it has a deadline of its own; one that does not answer is as good as gone. */
#include "agent/spawner.h"

#include "base/mem.h"
#include "net/net.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE (30 * 1000) /* ms, for an answer that should come at once */

static int gone(struct spawner *s, struct err *e)
{
	s->broken = true;
	return err_set(e, ERR_UNAVAILABLE, "the spawn process of the agent does not answer");
}

/* Words into the request. */
static int put_words(
	struct spawn_request *rq, const char *const words[], uint32_t *ret_n, struct err *e)
{
	uint32_t n = 0;

	for (; words != NULL && words[n] != NULL; n++) {
		size_t size = strlen(words[n]) + 1;

		if (n == SPAWN_WORDS_MAX || size > sizeof(rq->text) - rq->text_n)
			return err_set(e, ERR_INVALID, "too many words for a program");
		memcpy(rq->text + rq->text_n, words[n], size);
		rq->text_n += (uint32_t)size;
	}
	*ret_n = n;
	return 0;
}

static int ask(
	struct spawner *s, struct spawn_request *rq, const int fds[], size_t n_fds, struct err *e)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * SPAWN_FDS_MAX)];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec part = {rq, offsetof(struct spawn_request, text) + rq->text_n};
	struct msghdr m = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t n;

	if (s->broken)
		return gone(s, e);
	if (n_fds == 0) {
		m.msg_control = NULL;
		m.msg_controllen = 0;
	} else {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	do
		n = sendmsg(s->fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? gone(s, e) : 0;
}

/* Its next reply: the value, or the error it tells of. */
static int hear_text(
	struct spawner *s, int patience, int *ret_value, struct buf *ret_text, struct err *e)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	struct spawn_reply r;
	ssize_t n;

	do
		n = poll(&p, 1, patience);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		n = recv(s->fd, &r, sizeof(r), MSG_DONTWAIT);
	if (n != sizeof(r))
		return gone(s, e);
	r.text[sizeof(r.text) - 1] = '\0';
	if (r.code < 0)
		return err_set(e, r.code, "%s", r.text);
	*ret_value = r.value;
	if (ret_text != NULL)
		buf_adds(ret_text, r.text);
	return 0;
}

static int hear(struct spawner *s, int patience, int *ret_value, struct err *e)
{
	return hear_text(s, patience, ret_value, NULL, e);
}

static int run(void *arg, const char *const argv[], const int fds[static 3], int timeout_ms,
	int *ret_wait_fd, struct err *e)
{
	struct spawner *s = arg;
	struct spawn_request rq = {.verb = SPAWN_RUN, .timeout = timeout_ms};
	int nothing;

	if (put_words(&rq, argv, &rq.n_argv, e) < 0 || ask(s, &rq, fds, 3, e) < 0 ||
		hear(s, PATIENCE, &nothing, e) < 0)
		return e->code;
	*ret_wait_fd = s->fd;
	return 0;
}

static int ended(void *arg, int *ret_status, struct err *e)
{
	return hear(arg, PATIENCE, ret_status, e);
}

static int start(void *arg, const char *const argv[], const char *const env[], int log,
	pid_t *ret_pid, struct err *e)
{
	struct spawner *s = arg;
	struct spawn_request rq = {.verb = SPAWN_START};

	if (put_words(&rq, argv, &rq.n_argv, e) < 0 || put_words(&rq, env, &rq.n_env, e) < 0 ||
		ask(s, &rq, &log, 1, e) < 0)
		return e->code;
	return hear(s, PATIENCE, ret_pid, e);
}

static int port_holder(void *arg, bool stream, uint16_t port, struct addr at, struct buf *ret)
{
	struct spawner *s = arg;
	struct spawn_request rq = {.verb = SPAWN_HOLDER};
	char address[ADDR_TEXT_LEN] = "", number[8];
	const char *const words[] = {stream ? "stream" : "datagram", number, address, NULL};
	struct err e = {0};
	int nothing;

	snprintf(number, sizeof(number), "%u", port);
	if (addr_is_set(at))
		addr_format(at, address);
	if (put_words(&rq, words, &rq.n_argv, &e) < 0 || ask(s, &rq, NULL, 0, &e) < 0)
		return e.code;
	return hear_text(s, PATIENCE, &nothing, ret, &e);
}

void spawner_init(struct spawner *s, int fd)
{
	*s = (struct spawner){.fd = fd, .ops = {run, ended, start, s}};
	proc_set_spawner(&s->ops);
	net_ask_port_holder(port_holder, s);
}

void spawner_done(struct spawner *s)
{
	proc_set_spawner(NULL);
	net_ask_port_holder(NULL, NULL);
}

int spawner_start_net(struct spawner *s, int channel, struct err *e)
{
	struct spawn_request rq = {.verb = SPAWN_NET};
	int pid;

	if (ask(s, &rq, &channel, 1, e) < 0)
		return e->code;
	return hear(s, PATIENCE, &pid, e);
}
