/* DOC: see workers.h. A ring of jobs under one mutex. */
#include "control/workers.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>

struct job {
	void (*fn)(void *arg);
	void *arg;
};

struct workers {
	const char *what;
	unsigned queue;
	pthread_mutex_t lock;
	pthread_cond_t some;
	struct job ring[WORKERS_QUEUE_MAX];
	unsigned head, n;
	unsigned long refused;
	bool stop;
	pthread_t threads[WORKERS_THREADS];
	unsigned n_threads;
};

static void *work(void *arg)
{
	struct workers *w = arg;
	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (w->n == 0 && !w->stop)
			pthread_cond_wait(&w->some, &w->lock);
		if (w->n == 0)
			break;
		struct job job = w->ring[w->head];
		w->head = (w->head + 1) % WORKERS_QUEUE_MAX;
		w->n--;
		pthread_mutex_unlock(&w->lock);
		job.fn(job.arg);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int workers_new(const char *what, unsigned queue, struct workers **ret, struct err *e)
{
	struct workers *w = NEW(struct workers);
	w->what = what;
	w->queue = queue < WORKERS_QUEUE_MAX ? queue : WORKERS_QUEUE_MAX;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->some, NULL);
	for (; w->n_threads < WORKERS_THREADS; w->n_threads++) {
		int r = pthread_create(&w->threads[w->n_threads], NULL, work, w);
		if (r != 0) {
			workers_free(w);
			return err_errno(e, r, "cannot start a worker thread");
		}
	}
	*ret = w;
	return 0;
}

struct workers *workers_free(struct workers *w)
{
	if (w == NULL)
		return NULL;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->some);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n_threads; i++)
		pthread_join(w->threads[i], NULL);
	pthread_cond_destroy(&w->some);
	pthread_mutex_destroy(&w->lock);
	return mem_free(w);
}

int workers_run(struct workers *w, void (*fn)(void *arg), void *arg, struct err *e)
{
	pthread_mutex_lock(&w->lock);
	bool full = w->n >= w->queue || w->stop;
	if (full)
		w->refused++;
	else
		w->ring[(w->head + w->n++) % WORKERS_QUEUE_MAX] = (struct job){fn, arg};
	pthread_cond_signal(&w->some);
	pthread_mutex_unlock(&w->lock);
	return full ? err_set(e, ERR_UNAVAILABLE, "too many %s at once, try again", w->what) : 0;
}

unsigned long workers_refused(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	unsigned long n = w->refused;
	pthread_mutex_unlock(&w->lock);
	return n;
}
