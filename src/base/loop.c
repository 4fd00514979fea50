/*
 * DOC: the event loop over libuv; see loop.h. Every handle's data field points at the struct that
 * holds it, which is freed in libuv's close callback, so timers and watchers may be freed from
 * inside their own callbacks.
 */
#include "base/loop.h"

#include "base/mem.h"
#include "base/vec.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

struct post {
	void (*fn)(void *arg);
	void *arg;
};

struct loop {
	uv_loop_t uv;
	uv_async_t wake; /* for posts and loop_stop */
	atomic_bool stop;
	pthread_mutex_t lock;
	VEC(struct post) posts; /* under lock */
};

struct loop_timer {
	uv_timer_t uv;
	void (*fn)(void *arg);
	void *arg;
};

struct loop_fd {
	uv_poll_t uv;
	void (*fn)(int events, void *arg);
	void *arg;
};

struct loop_sig {
	uv_signal_t uv;
	void (*fn)(int signum, void *arg);
	void *arg;
};

static void run_posts(uv_async_t *h)
{
	struct loop *l = CONTAINER_OF(h, struct loop, wake);
	__typeof__(l->posts) batch;

	pthread_mutex_lock(&l->lock);
	batch = l->posts;
	memset(&l->posts, 0, sizeof(l->posts));
	pthread_mutex_unlock(&l->lock);
	VEC_FOREACH (p, &batch)
		p->fn(p->arg);
	VEC_DONE(&batch);
	if (atomic_exchange(&l->stop, false))
		uv_stop(&l->uv);
}

struct loop *loop_new(void)
{
	struct loop *l = NEW(struct loop);

	if (uv_loop_init(&l->uv) < 0)
		return mem_free(l);
	if (uv_async_init(&l->uv, &l->wake, run_posts) < 0) {
		uv_loop_close(&l->uv);
		return mem_free(l);
	}
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

static void free_holder(uv_handle_t *h)
{
	mem_free(h->data);
}

static void close_handle(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, free_holder);
}

struct loop *loop_free(struct loop *l)
{
	if (l == NULL)
		return NULL;
	uv_walk(&l->uv, close_handle, NULL);
	/* With everything closing, this only runs the close callbacks and returns. */
	uv_run(&l->uv, UV_RUN_DEFAULT);
	uv_loop_close(&l->uv);
	VEC_DONE(&l->posts);
	pthread_mutex_destroy(&l->lock);
	return mem_free(l);
}

void loop_run(struct loop *l)
{
	/* The wake handle keeps the loop alive, so this ends by loop_stop only. */
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
	atomic_store(&l->stop, true);
	uv_async_send(&l->wake);
}

void loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct post p = {.fn = fn, .arg = arg};

	pthread_mutex_lock(&l->lock);
	VEC_PUSH(&l->posts, p);
	/* Inside the lock: once the loop has run the post, its owner may free the loop. */
	uv_async_send(&l->wake);
	pthread_mutex_unlock(&l->lock);
}

static void on_timer(uv_timer_t *h)
{
	struct loop_timer *t = h->data;

	t->fn(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct loop_timer *t = NEW(struct loop_timer);

	uv_timer_init(&l->uv, &t->uv);
	t->uv.data = t;
	t->fn = fn;
	t->arg = arg;
	return t;
}

void loop_timer_set(struct loop_timer *t, msec delay, msec repeat)
{
	/* libuv counts from the start of this turn of the loop, which may be long past. */
	uv_update_time(t->uv.loop);
	uv_timer_start(&t->uv, on_timer, delay > 0 ? (uint64_t)delay : 0,
		repeat > 0 ? (uint64_t)repeat : 0);
}

void loop_timer_stop(struct loop_timer *t)
{
	uv_timer_stop(&t->uv);
}

struct loop_timer *loop_timer_free(struct loop_timer *t)
{
	if (t != NULL)
		close_handle((uv_handle_t *)&t->uv, NULL);
	return NULL;
}

static void on_fd(uv_poll_t *h, int status, int events)
{
	struct loop_fd *w = h->data;
	int mask = 0;

	if (events & UV_READABLE)
		mask |= LOOP_READ;
	if (events & UV_WRITABLE)
		mask |= LOOP_WRITE;
	/* An error shows to whoever reads or writes next. */
	if (status < 0)
		mask = LOOP_READ | LOOP_WRITE;
	w->fn(mask, w->arg);
}

struct loop_fd *loop_fd_new(struct loop *l, int fd, void (*fn)(int events, void *arg), void *arg)
{
	struct loop_fd *w = NEW(struct loop_fd);

	if (uv_poll_init(&l->uv, &w->uv, fd) < 0)
		return mem_free(w);
	w->uv.data = w;
	w->fn = fn;
	w->arg = arg;
	return w;
}

void loop_fd_set(struct loop_fd *w, int events)
{
	int mask = 0;

	if (events & LOOP_READ)
		mask |= UV_READABLE;
	if (events & LOOP_WRITE)
		mask |= UV_WRITABLE;
	if (mask == 0)
		uv_poll_stop(&w->uv);
	else
		uv_poll_start(&w->uv, mask, on_fd);
}

struct loop_fd *loop_fd_free(struct loop_fd *w)
{
	if (w != NULL) {
		uv_poll_stop(&w->uv);
		close_handle((uv_handle_t *)&w->uv, NULL);
	}
	return NULL;
}

static void on_signal(uv_signal_t *h, int signum)
{
	struct loop_sig *s = h->data;

	s->fn(signum, s->arg);
}

void loop_signal(struct loop *l, int signum, void (*fn)(int signum, void *arg), void *arg)
{
	struct loop_sig *s = NEW(struct loop_sig);

	uv_signal_init(&l->uv, &s->uv);
	s->uv.data = s;
	s->fn = fn;
	s->arg = arg;
	uv_signal_start(&s->uv, on_signal, signum);
}
