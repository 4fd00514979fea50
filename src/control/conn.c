/* DOC: event streams that may end at any moment; see conn.h. */
#include "control/conn.h"

#include "base/mem.h"

#include <pthread.h>

struct conn {
	struct hub *hub;
	void (*closed)(void *arg, struct conn *c);
	void *arg;
	id_text name;
	pthread_mutex_t lock;
	struct http_stream *stream; /* NULL before it is open and when it has ended */
	bool ended;
};

static void report(const struct fleet *f, void *arg)
{
	struct conn *c = arg;

	c->closed(c->arg, c);
	pthread_mutex_destroy(&c->lock);
	mem_free(c);
}

/* Called by HTTP with no lock held. Taking ours waits for a send that is under way. */
static void ended(void *arg)
{
	struct conn *c = arg;

	pthread_mutex_lock(&c->lock);
	c->stream = NULL;
	c->ended = true;
	pthread_mutex_unlock(&c->lock);
	hub_run(c->hub, report, c);
}

struct conn *conn_open(struct hub *h, struct http_request *rq, const char *name,
	void (*closed)(void *arg, struct conn *c), void *arg)
{
	struct conn *c = NEW(struct conn);
	struct http_stream *s;

	c->hub = h;
	c->closed = closed;
	c->arg = arg;
	id_copy(c->name, name);
	pthread_mutex_init(&c->lock, NULL);
	http_reply_header(rq, "Cache-Control", "no-store");
	s = http_stream_open(rq, ended, c);
	pthread_mutex_lock(&c->lock);
	if (!c->ended) /* it may have ended before we got here */
		c->stream = s;
	pthread_mutex_unlock(&c->lock);
	return c;
}

const char *conn_name(const struct conn *c)
{
	return c->name;
}

void conn_send(struct conn *c, const void *p, size_t n)
{
	pthread_mutex_lock(&c->lock);
	if (c->stream != NULL)
		http_stream_send(c->stream, p, n);
	pthread_mutex_unlock(&c->lock);
}

void conn_close(struct conn *c)
{
	pthread_mutex_lock(&c->lock);
	if (c->stream != NULL)
		http_stream_close(c->stream);
	pthread_mutex_unlock(&c->lock);
}
