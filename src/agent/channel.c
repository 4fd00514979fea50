/* DOC: framed messages; see channel.h. A frame is type, id and length, 32 bits each as this machine
 * has them (both ends are the same program), and the payload. */
#include "agent/channel.h"

#include "base/loop.h"
#include "base/mem.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE ((size_t)16 * 1024)
#define TURN_MAX ((size_t)256 * 1024) /* read in one turn of the loop */
#define FDS_SIZE (CHANNEL_FDS_MAX * sizeof(int))

struct frame {
	uint32_t type, id, n;
};

/* Descriptors that leave with the byte at that place of what is queued. */
struct parcel {
	size_t at, n;
	int fds[CHANNEL_FDS_MAX];
};

union control {
	char bytes[CMSG_SPACE(FDS_SIZE)];
	struct cmsghdr align;
};

struct channel {
	struct channel_handlers h;
	struct loop_fd *watch;
	struct loop_timer *fail; /* tells the end, from the loop */
	int fd;
	int busy;        /* inside a handler */
	bool dead, over; /* freed inside a handler; ended */
	struct err why;
	struct frame head;
	size_t head_n; /* bytes of it that are here */
	struct buf in; /* payload so far */
	struct buf out;
	size_t sent; /* of out */
	VEC(struct parcel) parcels;
	VEC(int) arrived; /* descriptors nobody has taken yet */
	char chunk[READ_SIZE];
};

static void close_all(const int fds[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

static void destroy(struct channel *c)
{
	VEC_FOREACH (p, &c->parcels)
		close_all(p->fds, p->n);
	VEC_DONE(&c->parcels);
	close_all(c->arrived.v, c->arrived.n);
	VEC_DONE(&c->arrived);
	loop_fd_free(c->watch);
	loop_timer_free(c->fail);
	close(c->fd);
	buf_wipe(&c->in);
	buf_wipe(&c->out);
	mem_wipe(c->chunk, sizeof(c->chunk));
	mem_free(c);
}

struct channel *channel_free(struct channel *c)
{
	if (c == NULL)
		return NULL;
	c->dead = true;
	if (c->busy == 0)
		destroy(c);
	return NULL;
}

/* No more of it; the owner hears of it in a turn of its own, where freeing is safe. */
static void end(struct channel *c, const struct err *e)
{
	if (c->over)
		return;
	c->over = true;
	c->why = *e;
	loop_fd_set(c->watch, 0);
	loop_timer_set(c->fail, 0, 0);
}

static void on_fail(void *arg)
{
	struct channel *c = arg;

	c->h.ended(c->h.arg, &c->why);
}

/* --- receiving -------------------------------------------------------------------------------- */

/* A frame's head is complete: may its payload come? */
static int admit(struct channel *c, struct err *e)
{
	int64_t limit = c->h.limit(c->h.arg, c->head.type, c->head.id);

	if (limit < 0)
		return err_set(e, ERR_DENIED, "message %u is not expected", c->head.type);
	if ((int64_t)c->head.n > limit)
		return err_set(e, ERR_DENIED, "message %u of %u bytes is too long", c->head.type,
			c->head.n);
	return 0;
}

static int deliver(struct channel *c, struct err *e)
{
	struct buf payload = c->in;
	struct channel_message m = {c->head.type, c->head.id, buf_str(&payload), payload.len};
	int rc;

	c->in = (struct buf){0};
	c->head_n = 0;
	rc = c->h.message(c->h.arg, &m, e);
	buf_wipe(&payload);
	return rc;
}

/* Take n bytes that arrived. */
static int take(struct channel *c, const char *at, size_t n, struct err *e)
{
	while (!c->dead && !c->over) {
		size_t want;

		if (c->head_n < sizeof(c->head)) {
			want = sizeof(c->head) - c->head_n;
			want = want < n ? want : n;
			memcpy((char *)&c->head + c->head_n, at, want);
			c->head_n += want;
			at += want;
			n -= want;
			if (c->head_n < sizeof(c->head))
				return 0;
			if (admit(c, e) < 0)
				return e->code;
		}
		want = c->head.n - c->in.len;
		want = want < n ? want : n;
		if (want > 0)
			buf_add(&c->in, at, want);
		at += want;
		n -= want;
		if (c->in.len < c->head.n)
			return 0;
		if (deliver(c, e) < 0)
			return e->code;
	}
	return 0;
}

int channel_take_fd(struct channel *c)
{
	int fd = c->arrived.n == 0 ? -1 : c->arrived.v[0];

	if (fd >= 0)
		VEC_REMOVE(&c->arrived, 0);
	return fd;
}

static void keep_fds(struct channel *c, struct msghdr *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		int fds[CHANNEL_FDS_MAX];
		size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(fds, CMSG_DATA(h), n * sizeof(int));
		for (size_t i = 0; i < n; i++)
			VEC_PUSH(&c->arrived, fds[i]);
	}
}

/* As recv. Descriptors come with their message's first byte, and a read goes no further than into
 * the next message that has some: there are never more than those of two. */
static ssize_t read_chunk(struct channel *c)
{
	union control control;
	struct iovec part = {c->chunk, sizeof(c->chunk)};
	struct msghdr m = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t n;

	if (!c->h.takes_fds)
		return recv(c->fd, c->chunk, sizeof(c->chunk), 0);
	n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);
	if (n > 0)
		keep_fds(c, &m);
	if (n > 0 &&
		(c->arrived.n > (size_t)2 * CHANNEL_FDS_MAX || (m.msg_flags & MSG_CTRUNC) != 0)) {
		errno = EPROTO;
		return -1;
	}
	return n;
}

static void receive(struct channel *c)
{
	struct err e = {0};

	for (size_t taken = 0; taken < TURN_MAX && !c->dead && !c->over;) {
		ssize_t n = read_chunk(c);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			err_set(&e, ERR_GONE, "the other end has closed");
			end(c, &e);
			return;
		}
		taken += (size_t)n;
		if (take(c, c->chunk, (size_t)n, &e) < 0) {
			end(c, &e);
			return;
		}
	}
}

/* --- sending ---------------------------------------------------------------------------------- */

/* What is due: up to the next parcel's place, and the parcel that is due with it. */
static ssize_t send_some(struct channel *c)
{
	bool due = c->parcels.n > 0 && c->parcels.v[0].at == c->sent;
	size_t end = c->parcels.n > due ? c->parcels.v[due].at : c->out.len;
	union control control = {{0}};
	struct iovec part = {c->out.data + c->sent, end - c->sent};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n;

	if (due) {
		struct parcel *p = &c->parcels.v[0];
		struct cmsghdr *h;

		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(p->n * sizeof(int));
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(p->n * sizeof(int));
		memcpy(CMSG_DATA(h), p->fds, p->n * sizeof(int));
	}
	n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
	if (n > 0 && due) {
		close_all(c->parcels.v[0].fds, c->parcels.v[0].n);
		VEC_REMOVE(&c->parcels, 0);
	}
	return n;
}

static void transmit(struct channel *c)
{
	while (c->sent < c->out.len) {
		ssize_t n = send_some(c);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break; /* full; or closed, which reading tells */
		c->sent += (size_t)n;
	}
	if (c->sent == c->out.len) {
		buf_wipe(&c->out);
		c->sent = 0;
	} else if (c->sent > c->out.len / 2) {
		c->out.len -= c->sent;
		memmove(c->out.data, c->out.data + c->sent, c->out.len);
		VEC_FOREACH (p, &c->parcels)
			p->at -= c->sent;
		c->sent = 0;
	}
	loop_fd_set(c->watch, LOOP_READ | (c->out.len > 0 ? LOOP_WRITE : 0));
}

/* False when a descriptor cannot be copied. */
static bool add_parcel(struct channel *c, const int fds[], size_t n)
{
	struct parcel p = {.at = c->out.len};

	for (; p.n < n && p.n < CHANNEL_FDS_MAX; p.n++) {
		p.fds[p.n] = fcntl(fds[p.n], F_DUPFD_CLOEXEC, 0);
		if (p.fds[p.n] < 0) {
			close_all(p.fds, p.n);
			return false;
		}
	}
	VEC_PUSH(&c->parcels, p);
	return true;
}

void channel_send(struct channel *c, uint32_t type, uint32_t id, const struct buf *payload)
{
	channel_send_fds(c, type, id, payload, NULL, 0);
}

size_t channel_queued(const struct channel *c)
{
	return c->out.len - c->sent;
}

void channel_send_fds(struct channel *c, uint32_t type, uint32_t id, const struct buf *payload,
	const int fds[], size_t n_fds)
{
	struct frame f = {type, id, payload == NULL ? 0 : (uint32_t)payload->len};
	bool idle = c->out.len == 0;

	if (c->over)
		return;
	if (channel_queued(c) + f.n > CHANNEL_QUEUE_MAX) {
		struct err e = {0};

		err_set(&e, ERR_EXHAUSTED, "the other end does not take its messages");
		end(c, &e);
		return;
	}
	if (n_fds > 0 && !add_parcel(c, fds, n_fds)) {
		struct err e = {0};

		err_errno(&e, errno, "cannot copy a descriptor");
		end(c, &e);
		return;
	}
	buf_add(&c->out, (const char *)&f, sizeof(f));
	if (f.n > 0)
		buf_add(&c->out, payload->data, payload->len);
	if (idle)
		transmit(c);
}

/* --- life --------------------------------------------------------------------------------------
 */

static void on_ready(int events, void *arg)
{
	struct channel *c = arg;

	c->busy++;
	if ((events & LOOP_WRITE) != 0 && !c->over)
		transmit(c);
	if ((events & LOOP_READ) != 0 && !c->over)
		receive(c);
	if (--c->busy == 0 && c->dead)
		destroy(c);
}

struct channel *channel_new(struct loop *l, int fd, const struct channel_handlers *h)
{
	struct channel *c = NEW(struct channel);
	int flags = fcntl(fd, F_GETFL);

	c->h = *h;
	c->fd = fd;
	c->watch = flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0
		? NULL
		: loop_fd_new(l, fd, on_ready, c);
	c->fail = loop_timer_new(l, on_fail, c);
	if (c->watch == NULL) {
		destroy(c);
		return NULL;
	}
	loop_fd_set(c->watch, LOOP_READ);
	return c;
}
