/*
 * DOC: questions over TCP (RFC 7766): each behind two bytes of length, one answered before the next
 * is read, so a connection holds one question and one answer at most. Connections are bounded and
 * closed when idle; a client that does not take its answers is idle, too.
 */
#include "dns/serve.h"

#include "dns/socket.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum step { READING, WAITING, WRITING };

struct stream {
	struct dns_server *server;
	struct listener *listener;
	struct addr client;
	int fd;
	struct loop_fd *watch;
	struct loop_timer *idle;
	enum step step;
	uint8_t in[2 + DNS_QUERY_MAX];
	size_t in_len;
	uint8_t *out;
	size_t out_len, out_done;
};

static void stream_free(struct stream *c)
{
	forwarder_forget(c->server->forwarder, c);
	loop_fd_free(c->watch);
	loop_timer_free(c->idle);
	close(c->fd);
	mem_free(c->out);
	mem_free(c);
}

static void hang_up(struct stream *c)
{
	struct dns_server *s = c->server;

	for (size_t i = 0; i < s->streams.n; i++)
		if (s->streams.v[i] == c) {
			VEC_REMOVE(&s->streams, i);
			break;
		}
	stream_free(c);
}

void stream_close_all(struct dns_server *s, const struct listener *l)
{
	for (size_t i = s->streams.n; i-- > 0;)
		if (l == NULL || s->streams.v[i]->listener == l)
			hang_up(s->streams.v[i]);
}

static void go_to(struct stream *c, enum step step)
{
	static const int events[] = {[READING] = LOOP_READ, [WAITING] = 0, [WRITING] = LOOP_WRITE};

	c->step = step;
	loop_fd_set(c->watch, events[step]);
	loop_timer_set(c->idle, c->server->o.idle, 0);
}

static void reply(struct stream *c, const uint8_t *answer, size_t n)
{
	mem_free(c->out);
	c->out = mem_alloc(2 + n);
	dns_put16(c->out, (unsigned)n);
	memcpy(c->out + 2, answer, n);
	c->out_len = 2 + n;
	c->out_done = 0;
	go_to(c, WRITING);
}

static void forwarded(const struct forward_ask *ask, const uint8_t *answer, size_t n)
{
	reply(ask->owner, answer, n);
}

/* The bytes of the whole question at the front of c->in; 0 while some are missing. */
static size_t whole_question(const struct stream *c)
{
	size_t n = c->in_len < 2 ? 0 : 2u + dns_get16(c->in);

	return n > 0 && c->in_len >= n ? n : 0;
}

/* False when the connection has to end. */
static bool answer_question(struct stream *c, const uint8_t *packet, size_t n)
{
	struct dns_server *s = c->server;
	struct dns_reply r;
	struct dns_query q;

	s->counters.questions++;
	if (!rate_take(s->rate, c->client, clock_mono(s->clock))) {
		s->counters.limited++;
		return false;
	}
	switch (dns_answer(c->listener->zone, c->client, packet, n, true, &q, &r)) {
	case DNS_REPLY:
		reply(c, r.data, r.n);
		return true;
	case DNS_FORWARD: {
		struct forward_ask ask = {
			.owner = c, .done = forwarded, .asker = c->client, .stream = true};

		go_to(c, WAITING);
		server_forward(c->listener, &q, packet, &ask);
		return true;
	}
	case DNS_DROP:
		s->counters.dropped++;
		break;
	}
	return false;
}

/* Answer what has been read whole. */
static bool next_question(struct stream *c)
{
	uint8_t packet[DNS_QUERY_MAX];
	size_t n = whole_question(c);

	if (n == 0) {
		if (c->step != READING)
			go_to(c, READING);
		return c->in_len < 2 || dns_get16(c->in) <= DNS_QUERY_MAX;
	}
	memcpy(packet, c->in + 2, n - 2);
	memmove(c->in, c->in + n, c->in_len - n);
	c->in_len -= n;
	return answer_question(c, packet, n - 2);
}

static bool read_some(struct stream *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	c->in_len += (size_t)n;
	return next_question(c);
}

static bool write_some(struct stream *c)
{
	ssize_t n = send(c->fd, c->out + c->out_done, c->out_len - c->out_done, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n < 0)
		return false;
	c->out_done += (size_t)n;
	if (c->out_done < c->out_len)
		return true;
	c->server->counters.replies++;
	return next_question(c);
}

static void on_ready(int events, void *arg)
{
	struct stream *c = arg;
	bool ok = true;

	(void)events;
	if (c->step == READING)
		ok = read_some(c);
	else if (c->step == WRITING)
		ok = write_some(c);
	if (!ok)
		hang_up(c);
}

static void on_idle(void *arg)
{
	hang_up(arg);
}

static size_t open_of(const struct dns_server *s, struct addr client)
{
	size_t n = 0;

	VEC_FOREACH (c, &s->streams)
		n += addr_compare((*c)->client, client) == 0;
	return n;
}

static void take(struct listener *l, int fd, struct addr client)
{
	struct dns_server *s = l->server;
	struct stream *c;

	if (s->streams.n >= STREAMS_MAX || open_of(s, client) >= STREAMS_CLIENT_MAX ||
		!dns_zone_is_inside(l->zone, client)) {
		close(fd);
		return;
	}
	c = NEW(struct stream);
	c->server = s;
	c->listener = l;
	c->client = client;
	c->fd = fd;
	c->idle = loop_timer_new(s->loop, on_idle, c);
	c->watch = loop_fd_new(s->loop, fd, on_ready, c);
	if (c->watch == NULL) {
		stream_free(c);
		return;
	}
	VEC_PUSH(&s->streams, c);
	go_to(c, READING);
}

void stream_accept(struct listener *l)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int fd;

	while ((fd = accept4(l->tcp_fd, (struct sockaddr *)&from, &len,
			SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		take(l, fd, dns_sockaddr_addr(&from));
		len = sizeof(from);
	}
}
