/* DOC: the worker threads of the server: one epoll over a few shards; see worker.h. */
#include "http/worker.h"

#include "http/exchange.h"
#include "http/handshake.h"
#include "http/request.h"
#include "http/stream.h"

#include "base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS 64

struct arrival {
	struct http_post post;
	struct http_shard *shard;
	int fd;
	socklen_t len;
	struct sockaddr_storage addr;
};

void http_worker_post(struct http_worker *w, struct http_post *p)
{
	uint64_t one = 1;

	if (p->queued)
		return;
	p->queued = true;
	if (TAILQ_EMPTY(&w->inbox) && write(w->wakefd, &one, sizeof(one)) < 0) {
		/* Only a full counter, which is awake enough. */
	}
	TAILQ_INSERT_TAIL(&w->inbox, p, link);
}

void http_worker_unpost(struct http_worker *w, struct http_post *p)
{
	if (p->queued)
		TAILQ_REMOVE(&w->inbox, p, link);
	p->queued = false;
}

static void on_arrival(struct http_post *p)
{
	struct arrival *a = CONTAINER_OF(p, struct arrival, post);

	if (a->shard->worker->stopping)
		close(a->fd);
	else
		http_shard_add(a->shard, a->fd, (struct sockaddr *)&a->addr, a->len);
	mem_free(a);
}

void http_worker_add(struct http_shard *shard, int fd, const void *addr, socklen_t len)
{
	struct arrival *a = NEW(struct arrival);
	struct http_worker *w = shard->worker;

	a->post.run = on_arrival;
	a->shard = shard;
	a->fd = fd;
	a->len = len;
	memcpy(&a->addr, addr, len);
	pthread_mutex_lock(&w->lock);
	http_worker_post(w, &a->post);
	pthread_mutex_unlock(&w->lock);
}

/* Take one post; the lock is not held while it runs. */
static bool run_post(struct http_worker *w)
{
	struct http_post *p;

	pthread_mutex_lock(&w->lock);
	p = TAILQ_FIRST(&w->inbox);
	if (p != NULL)
		http_worker_unpost(w, p);
	pthread_mutex_unlock(&w->lock);
	if (p != NULL)
		p->run(p);
	return p != NULL;
}

static void run_posts(struct http_worker *w)
{
	uint64_t count;

	if (read(w->wakefd, &count, sizeof(count)) < 0) {
		/* Not rung: posts may be there all the same. */
	}
	while (run_post(w))
		;
}

static void begin_stop(struct http_worker *w, msec now)
{
	bool stop;

	pthread_mutex_lock(&w->lock);
	stop = w->stop;
	pthread_mutex_unlock(&w->lock);
	if (stop && !w->stopping) {
		w->stopping = true;
		w->stop_by = now + HTTP_STOP_GRACE;
	}
	if (!w->stopping)
		return;
	http_streams_cut(w);
	for (unsigned i = 0; i < w->n_shards; i++)
		http_handshakes_cut(&w->shards[i]);
}

/* Stopping, and nothing is left to wait for. */
static bool finished(const struct http_worker *w, msec now)
{
	return w->stopping && (LIST_EMPTY(&w->requests) || now >= w->stop_by);
}

static msec earlier(msec a, msec b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Run the shards that want it; returns when the next one does, or -1. */
static msec run_shards(struct http_worker *w, msec now)
{
	msec due = -1;

	for (unsigned i = 0; i < w->n_shards; i++) {
		struct http_shard *shard = &w->shards[i];

		if (shard->dirty || (shard->due >= 0 && shard->due <= now))
			http_shard_run(shard, now);
		due = earlier(due, shard->dirty ? now : shard->due);
	}
	return due;
}

static int wait_time(const struct http_worker *w, msec due)
{
	msec left;

	if (w->stopping)
		due = earlier(due, w->stop_by);
	if (due < 0)
		return -1;
	left = due - clock_mono(&clock_real);
	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static void on_shard_ready(struct http_watch *w)
{
	CONTAINER_OF(w, struct http_shard, watch)->dirty = true;
}

static void *worker_main(void *arg)
{
	struct http_worker *w = arg;
	struct epoll_event events[EVENTS];
	msec now = clock_mono(&clock_real), due = -1;

	for (;;) {
		int n = epoll_wait(w->epfd, events, EVENTS, wait_time(w, due));

		for (int i = 0; i < n; i++) {
			struct http_watch *watch = events[i].data.ptr;

			if (watch != NULL)
				watch->ready(watch);
		}
		now = clock_mono(&clock_real);
		begin_stop(w, now);
		http_streams_keepalive(w, now);
		run_posts(w);
		due = run_shards(w, now);
		due = earlier(due, http_streams_due(w));
		due = earlier(due, http_awaited_cut(&w->awaited, now));
		if (finished(w, now))
			break;
	}
	http_requests_drop(w);
	for (unsigned i = 0; i < w->n_shards; i++)
		http_shard_run(&w->shards[i], now);
	run_posts(w);
	for (unsigned i = 0; i < w->n_shards; i++)
		http_shard_stop(&w->shards[i]);
	return NULL;
}

static int watch(struct http_worker *w, int fd, struct http_watch *what, struct err *e)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = what};

	if (epoll_ctl(w->epfd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return err_errno(e, errno, "cannot watch a descriptor");
	return 0;
}

static int start_thread(struct http_worker *w, struct err *e)
{
	sigset_t all, old;
	int r;

	/* Signals are for the main thread; SIGPIPE must not end us. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&w->thread, NULL, worker_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		return err_errno(e, r, "cannot start a thread");
	w->started = true;
	pthread_setname_np(w->thread, "http");
	return 0;
}

int http_worker_start(struct http_worker *w, struct http_server *s, unsigned shards, struct err *e)
{
	int r;

	w->server = s;
	pthread_mutex_init(&w->lock, NULL);
	TAILQ_INIT(&w->inbox);
	LIST_INIT(&w->requests);
	TAILQ_INIT(&w->streams);
	TAILQ_INIT(&w->awaited);
	w->epfd = epoll_create1(EPOLL_CLOEXEC);
	w->wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->epfd < 0 || w->wakefd < 0)
		return err_errno(e, errno, "cannot start the HTTP server");
	r = watch(w, w->wakefd, NULL, e);
	for (unsigned i = 0; r == 0 && i < shards; i++) {
		w->shards[i].worker = w;
		w->shards[i].watch.ready = on_shard_ready;
		TAILQ_INIT(&w->shards[i].handshakes);
		r = http_shard_start(&w->shards[i], e);
		if (r < 0)
			break;
		w->n_shards++;
		r = watch(w, w->shards[i].epfd, &w->shards[i].watch, e);
	}
	return r < 0 ? r : start_thread(w, e);
}

void http_worker_stop(struct http_worker *w)
{
	uint64_t one = 1;

	pthread_mutex_lock(&w->lock);
	w->stop = true;
	if (write(w->wakefd, &one, sizeof(one)) < 0) {
		/* Awake already. */
	}
	pthread_mutex_unlock(&w->lock);
}

void http_worker_join(struct http_worker *w)
{
	if (w->started)
		pthread_join(w->thread, NULL);
	else
		for (unsigned i = 0; i < w->n_shards; i++)
			http_shard_stop(&w->shards[i]);
	if (w->wakefd >= 0)
		close(w->wakefd);
	if (w->epfd >= 0)
		close(w->epfd);
}
