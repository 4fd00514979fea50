/* DOC: see forward.h. */
#include "dns/forward.h"

#include "base/rand.h"
#include "dns/answer.h"
#include "dns/socket.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define QUESTION_MAX (DNS_HEADER + DNS_NAME_MAX + 4)

struct pending {
	struct forwarder *f;
	struct forward_ask ask;
	struct dns_query q;
	uint8_t packet[QUESTION_MAX]; /* the asker's, up to the question's end */
	uint8_t asked[DNS_PLAIN_MAX]; /* as it was put to an upstream, by UDP */
	struct addr upstreams[FORWARD_UPSTREAMS_MAX];
	size_t n_upstreams, at;
	uint16_t id;
	int fd; /* -1 = none */
	struct loop_fd *watch;
	struct loop_timer *timer;
	/* over TCP */
	bool stream;
	uint8_t *io; /* length and message, first out, then in */
	size_t io_len, io_done;
	bool reading;
};

struct forwarder {
	struct loop *loop;
	uint16_t port;
	msec timeout;
	VEC(struct pending *) open;
};

struct forwarder *forwarder_new(struct loop *l, uint16_t port, msec timeout)
{
	struct forwarder *f = NEW(struct forwarder);

	f->loop = l;
	f->port = port;
	f->timeout = timeout;
	return f;
}

static void hang_up(struct pending *p)
{
	p->watch = loop_fd_free(p->watch);
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->io = mem_free(p->io);
	p->io_len = p->io_done = 0;
	p->stream = p->reading = false;
}

static void pending_free(struct pending *p)
{
	hang_up(p);
	loop_timer_free(p->timer);
	mem_free(p);
}

static void take_out(struct pending *p)
{
	struct forwarder *f = p->f;

	for (size_t i = 0; i < f->open.n; i++)
		if (f->open.v[i] == p) {
			f->open.v[i] = f->open.v[--f->open.n];
			return;
		}
}

struct forwarder *forwarder_free(struct forwarder *f)
{
	if (f == NULL)
		return NULL;
	VEC_FOREACH (p, &f->open)
		pending_free(*p);
	VEC_DONE(&f->open);
	return mem_free(f);
}

void forwarder_forget(struct forwarder *f, const void *owner)
{
	for (size_t i = f->open.n; i-- > 0;) {
		struct pending *p = f->open.v[i];

		if (p->ask.owner != owner)
			continue;
		take_out(p);
		pending_free(p);
	}
}

size_t forwarder_open(const struct forwarder *f)
{
	return f->open.n;
}

/* --- the end of a question ------------------------------------------------------------------- */

static void say_failed(
	const struct forward_ask *ask, const struct dns_query *q, const uint8_t *packet)
{
	struct dns_reply r;

	dns_answer_empty(q, packet, DNS_SERVFAIL, &r);
	ask->done(ask, r.data, r.n);
}

static void fail(struct pending *p)
{
	take_out(p);
	say_failed(&p->ask, &p->q, p->packet);
	pending_free(p);
}

/* answer has room for an empty one at least. */
static void succeed(struct pending *p, uint8_t *answer, size_t n)
{
	n = dns_answer_relay(&p->q, p->packet, p->ask.stream, answer, n);
	take_out(p);
	p->ask.done(&p->ask, answer, n);
	pending_free(p);
}

/* --- asking ---------------------------------------------------------------------------------- */

static void on_datagram(int events, void *arg);
static void on_stream(int events, void *arg);

static bool connect_to(struct pending *p, bool stream)
{
	struct forwarder *f = p->f;

	hang_up(p);
	if (dns_socket_connect(p->upstreams[p->at], f->port, stream, &p->fd) < 0)
		return false;
	p->stream = stream;
	p->watch = loop_fd_new(f->loop, p->fd, stream ? on_stream : on_datagram, p);
	if (p->watch == NULL)
		return false;
	rand_bytes(&p->id, sizeof(p->id));
	loop_timer_set(p->timer, f->timeout, 0);
	return true;
}

static bool send_datagram(struct pending *p)
{
	uint8_t random[32];
	size_t n;

	if (!connect_to(p, false))
		return false;
	n = dns_query_relay(&p->q, p->packet, p->id, p->asked);
	rand_bytes(random, sizeof(random));
	dns_query_spell(&p->q, p->asked, random);
	loop_fd_set(p->watch, LOOP_READ);
	return send(p->fd, p->asked, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool send_stream(struct pending *p)
{
	if (!connect_to(p, true))
		return false;
	p->io = mem_alloc(2 + DNS_PLAIN_MAX);
	p->io_len = 2 + dns_query_relay(&p->q, p->packet, p->id, p->io + 2);
	dns_put16(p->io, (unsigned)(p->io_len - 2));
	loop_fd_set(p->watch, LOOP_WRITE);
	return true;
}

/* The upstream at p->at, or one behind it; false when there is none left. */
static bool ask_next(struct pending *p)
{
	for (; p->at < p->n_upstreams; p->at++)
		if (send_datagram(p))
			return true;
	return false;
}

static void give_up_on_this_one(struct pending *p)
{
	p->at++;
	if (!ask_next(p))
		fail(p);
}

static void on_timeout(void *arg)
{
	give_up_on_this_one(arg);
}

static void on_datagram(int events, void *arg)
{
	struct pending *p = arg;
	uint8_t in[DNS_QUERY_MAX];
	ssize_t n = recv(p->fd, in, sizeof(in), MSG_TRUNC);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		give_up_on_this_one(p); /* nobody there */
		return;
	}
	if ((size_t)n > sizeof(in) || !dns_response_check(&p->q, in, (size_t)n, p->id))
		return; /* not what we asked: the right one may still come */
	if (((dns_get16(in + 2) & DNS_TC) != 0 && p->ask.stream) ||
		!dns_response_spelled(&p->q, in, p->asked)) {
		if (!send_stream(p))
			give_up_on_this_one(p);
		return;
	}
	succeed(p, in, (size_t)n);
}

/* 1: io is full; 0: more to come; -1: it broke. */
static int move_bytes(struct pending *p)
{
	while (p->io_done < p->io_len) {
		uint8_t *at = p->io + p->io_done;
		size_t left = p->io_len - p->io_done;
		ssize_t n =
			p->reading ? recv(p->fd, at, left, 0) : send(p->fd, at, left, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return -1;
		p->io_done += (size_t)n;
	}
	return 1;
}

static void expect(struct pending *p, size_t n)
{
	mem_free(p->io);
	p->io = mem_alloc(n < DNS_REPLY_MAX ? DNS_REPLY_MAX : n);
	p->io_len = n;
	p->io_done = 0;
}

static void on_stream(int events, void *arg)
{
	struct pending *p = arg;
	int r;

	(void)events;
	while ((r = move_bytes(p)) > 0) {
		if (!p->reading) {
			p->reading = true;
			expect(p, 2);
			loop_fd_set(p->watch, LOOP_READ);
		} else if (p->io_len == 2) {
			size_t n = dns_get16(p->io);

			if (n <= 2)
				break;
			expect(p, n);
		} else {
			if (!dns_response_check(&p->q, p->io, p->io_len, p->id))
				break;
			succeed(p, p->io, p->io_len);
			return;
		}
	}
	if (r != 0)
		give_up_on_this_one(p);
}

static size_t open_of(const struct forwarder *f, struct addr asker)
{
	size_t n = 0;

	VEC_FOREACH (p, &f->open)
		n += addr_compare((*p)->ask.asker, asker) == 0;
	return n;
}

void forwarder_ask(struct forwarder *f, const struct addr *upstreams, size_t n_upstreams,
	const struct dns_query *q, const uint8_t *packet, const struct forward_ask *ask)
{
	struct pending *p;

	if (f->open.n >= FORWARD_MAX || n_upstreams == 0 ||
		open_of(f, ask->asker) >= FORWARD_CLIENT_MAX) {
		say_failed(ask, q, packet);
		return;
	}
	p = NEW(struct pending);
	p->f = f;
	p->ask = *ask;
	p->q = *q;
	p->fd = -1;
	memcpy(p->packet, packet, q->question_end);
	p->n_upstreams = n_upstreams < FORWARD_UPSTREAMS_MAX ? n_upstreams : FORWARD_UPSTREAMS_MAX;
	memcpy(p->upstreams, upstreams, p->n_upstreams * sizeof(*upstreams));
	p->timer = loop_timer_new(f->loop, on_timeout, p);
	VEC_PUSH(&f->open, p);
	if (!ask_next(p))
		fail(p);
}
