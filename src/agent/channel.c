/* DOC: framed messages; see channel.h. A frame is type, id and length, 32 bits each as this machine
 * has them (both ends are the same program), and the payload. */
#include "agent/channel.h"

#include "base/loop.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE ((size_t)16 * 1024)
#define TURN_MAX ((size_t)256 * 1024) /* read in one turn of the loop */

struct frame {
	uint32_t type, id, n;
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
	char chunk[READ_SIZE];
};

static void destroy(struct channel *c)
{
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

static void receive(struct channel *c)
{
	struct err e = {0};

	for (size_t taken = 0; taken < TURN_MAX && !c->dead && !c->over;) {
		ssize_t n = recv(c->fd, c->chunk, sizeof(c->chunk), 0);

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

static void transmit(struct channel *c)
{
	while (c->sent < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);

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
		c->sent = 0;
	}
	loop_fd_set(c->watch, LOOP_READ | (c->out.len > 0 ? LOOP_WRITE : 0));
}

void channel_send(struct channel *c, uint32_t type, uint32_t id, const struct buf *payload)
{
	struct frame f = {type, id, payload == NULL ? 0 : (uint32_t)payload->len};
	bool idle = c->out.len == 0;

	if (c->over)
		return;
	if (c->out.len - c->sent + f.n > CHANNEL_QUEUE_MAX) {
		struct err e = {0};

		err_set(&e, ERR_EXHAUSTED, "the other end does not take its messages");
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
