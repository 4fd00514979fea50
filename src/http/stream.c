/* DOC: streams of server-sent events: queueing, keep-alive, cutting the slow; see stream.h. */
#include "http/stream.h"

#include "http/exchange.h"

#include "base/mem.h"

#include <string.h>

static const char comment[] = ": keepalive\n\n";
msec http_keepalive = 15 * 1000;

/* On the worker's thread: there is something to do for a sleeping or stuck connection. */
static void wake(struct http_post *p)
{
	struct http_stream *s = CONTAINER_OF(p, struct http_stream, post);
	struct http_worker *w = s->shard->worker;
	bool resume, cut;

	pthread_mutex_lock(&w->lock);
	resume = s->suspended;
	s->suspended = false;
	cut = s->cut;
	pthread_mutex_unlock(&w->lock);
	if (s->connection == NULL)
		return;
	if (resume)
		http_connection_resume(s->shard, s->connection);
	else if (cut)
		http_connection_break(s->connection);
}

struct http_stream *http_stream_new(struct http_shard *shard, void (*closed)(void *), void *arg)
{
	struct http_stream *s = NEW(struct http_stream);

	s->shard = shard;
	s->closed = closed;
	s->arg = arg;
	s->post.run = wake;
	atomic_fetch_add(&shard->worker->server->streams, 1);
	return s;
}

void http_stream_end(struct http_stream *s)
{
	struct http_worker *w = s->shard->worker;

	if (s->linked)
		TAILQ_REMOVE(&w->streams, s, link);
	atomic_fetch_sub(&w->server->streams, 1);
	/* First let the owner forget it: until closed returns, a send may come from elsewhere. */
	if (s->closed != NULL)
		s->closed(s->arg);
	pthread_mutex_lock(&w->lock);
	http_worker_unpost(w, &s->post);
	pthread_mutex_unlock(&w->lock);
	buf_done(&s->waiting);
	mem_free(s);
}

void http_stream_attach(struct http_stream *s, struct MHD_Connection *c)
{
	s->connection = c;
	s->last = clock_mono(&clock_real);
	s->linked = true;
	TAILQ_INSERT_TAIL(&s->shard->worker->streams, s, link);
}

ssize_t http_stream_read(struct http_stream *s, char *to, size_t max)
{
	struct http_worker *w = s->shard->worker;
	size_t n;

	pthread_mutex_lock(&w->lock);
	n = s->waiting.len - s->sent;
	s->cut |= w->stopping;
	if (s->cut || (n == 0 && s->closing)) {
		pthread_mutex_unlock(&w->lock);
		return s->cut ? HTTP_STREAM_CUT : HTTP_STREAM_ENDED;
	}
	n = n < max ? n : max;
	if (n > 0)
		memcpy(to, s->waiting.data + s->sent, n);
	s->sent += n;
	if (s->sent == s->waiting.len) {
		/* Thousands of idle streams: keep no memory for them. */
		buf_done(&s->waiting);
		s->sent = 0;
	}
	s->suspended = n == 0;
	pthread_mutex_unlock(&w->lock);
	if (n > 0) {
		s->last = clock_mono(&clock_real);
		TAILQ_REMOVE(&w->streams, s, link);
		TAILQ_INSERT_TAIL(&w->streams, s, link);
	}
	return (ssize_t)n;
}

static void cut_locked(struct http_stream *s)
{
	s->cut = true;
	buf_done(&s->waiting);
	s->sent = 0;
	http_worker_post(s->shard->worker, &s->post);
}

static void send_locked(struct http_stream *s, const void *p, size_t n)
{
	size_t behind = s->waiting.len - s->sent;

	if (s->cut || s->closing)
		return;
	if (n > HTTP_STREAM_BEHIND_MAX || behind > HTTP_STREAM_BEHIND_MAX - n) {
		cut_locked(s);
		return;
	}
	/* Move up what is left once most of the buffer has been sent. */
	if (s->sent > 0 && s->sent >= s->waiting.len / 2) {
		memmove(s->waiting.data, s->waiting.data + s->sent, behind);
		s->waiting.len = behind;
		s->sent = 0;
	}
	buf_add(&s->waiting, p, n);
	if (s->suspended)
		http_worker_post(s->shard->worker, &s->post);
}

void http_stream_send(struct http_stream *s, const void *p, size_t n)
{
	if (s == NULL || n == 0)
		return;
	pthread_mutex_lock(&s->shard->worker->lock);
	send_locked(s, p, n);
	pthread_mutex_unlock(&s->shard->worker->lock);
}

void http_stream_close(struct http_stream *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->shard->worker->lock);
	s->closing = true;
	if (s->suspended)
		http_worker_post(s->shard->worker, &s->post);
	pthread_mutex_unlock(&s->shard->worker->lock);
}

void http_streams_keepalive(struct http_worker *w, msec now)
{
	struct http_stream *s;

	while ((s = TAILQ_FIRST(&w->streams)) != NULL && s->last + http_keepalive <= now) {
		s->last = now;
		TAILQ_REMOVE(&w->streams, s, link);
		TAILQ_INSERT_TAIL(&w->streams, s, link);
		pthread_mutex_lock(&w->lock);
		/* A reader that has not taken what waits needs no comment on top. */
		if (s->waiting.len == s->sent)
			send_locked(s, comment, sizeof(comment) - 1);
		pthread_mutex_unlock(&w->lock);
	}
}

msec http_streams_due(const struct http_worker *w)
{
	const struct http_stream *s = TAILQ_FIRST(&w->streams);

	return s != NULL ? s->last + http_keepalive : -1;
}

void http_streams_cut(struct http_worker *w)
{
	struct http_stream *s;

	pthread_mutex_lock(&w->lock);
	TAILQ_FOREACH(s, &w->streams, link)
	if (!s->cut)
		cut_locked(s);
	pthread_mutex_unlock(&w->lock);
}
