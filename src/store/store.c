/*
 * DOC: the store's threads. Jobs queue for one writer, which takes all that wait into one
 * transaction, each under a savepoint so that a failing one is undone alone, and commits once:
 *
 *	queue -> [begin, job, job, ..., commit] -> store_on_commit(rows) -> done, done, ...
 *
 * While one batch is being made durable the next one gathers, so the cost of a disk flush is
 * shared by whoever came meanwhile. Readers take a connection from a bounded pool.
 */
#include "store/migrations.h"
#include "store/tx.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>

#define BATCH_MAX 512   /* jobs in a commit */
#define QUEUE_MAX 16384 /* jobs that wait; more callers are held up */
#define READERS_MAX 16  /* connections that read at a time; more callers wait */

struct job {
	store_fn fn;
	void *arg;
	void (*done)(void *arg, int result, const struct err *e);
	int result;
	struct err err;
	struct job *next;
};

struct store {
	const struct store_engine *engine;
	const struct clock *clock;
	struct engine_db *db;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t work, room;
	struct job *first, **last;
	size_t queued;
	bool closing;
	void (*on_commit)(void *arg, const struct outbox_row *rows, size_t n);
	void *on_commit_arg;

	pthread_t thread; /* the writer; it alone uses conn, outbox, scrub */
	struct engine_conn *conn;
	struct outbox outbox;
	bool scrub; /* something erased is still in the log */

	pthread_mutex_t pool_lock;
	pthread_cond_t pool_free;
	VEC(struct engine_conn *) idle;
	size_t readers; /* idle and in use */
};

/* --- the writer ------------------------------------------------------------------------------- */

/* All that wait, at most BATCH_MAX; NULL when closing and nothing waits. */
static struct job *take_batch(struct store *s)
{
	struct job *batch, **end;

	pthread_mutex_lock(&s->lock);
	while (s->first == NULL && !s->closing)
		pthread_cond_wait(&s->work, &s->lock);
	batch = s->first;
	end = &batch;
	for (size_t i = 0; i < BATCH_MAX && *end != NULL; i++, s->queued--)
		end = &(*end)->next;
	s->first = *end;
	if (s->first == NULL)
		s->last = &s->first;
	*end = NULL;
	pthread_cond_broadcast(&s->room);
	pthread_mutex_unlock(&s->lock);
	return batch;
}

static bool queue_empty(struct store *s)
{
	bool empty;

	pthread_mutex_lock(&s->lock);
	empty = s->first == NULL;
	pthread_mutex_unlock(&s->lock);
	return empty;
}

static atomic_ulong jobs = 1; /* begun, of all stores */

/* Run one job under its savepoint; job->result is its own. < 0: the transaction is lost. */
static int run_job(struct store *s, struct job *job, unsigned long batch, struct err *e)
{
	struct tx tx = {.engine = s->engine,
		.conn = s->conn,
		.outbox = &s->outbox,
		.now = clock_wall(s->clock),
		.job = atomic_fetch_add(&jobs, 1),
		.batch = batch};
	size_t rows = s->outbox.rows.n;
	int code = s->engine->savepoint(s->conn, e);

	if (code < 0)
		return code;
	job->result = job->fn(&tx, job->arg, &job->err);
	if (job->result < 0) {
		outbox_cut(&s->outbox, rows);
		return s->engine->undo(s->conn, e);
	}
	s->scrub |= tx.erased;
	return s->engine->release(s->conn, e);
}

/* Old outbox rows go now and then, with a commit that happens anyway. */
static int prune(struct store *s, struct err *e)
{
	struct tx tx = {.engine = s->engine,
		.conn = s->conn,
		.outbox = &s->outbox,
		.now = clock_wall(s->clock)};
	int code;

	if (s->outbox.unpruned < OUTBOX_PRUNE_EVERY)
		return 0;
	s->outbox.unpruned = 0;
	code = s->engine->savepoint(s->conn, e);
	if (code < 0)
		return code;
	if (outbox_prune(&tx, NULL) < 0)
		return s->engine->undo(s->conn, e);
	return s->engine->release(s->conn, e);
}

/* Jobs from batch up to (not with) *ret_rest ran in one transaction. < 0: none is applied. */
static int run_batch(struct store *s, struct job *batch, struct job **ret_rest, struct err *e)
{
	struct job *job = batch;
	unsigned long first = atomic_load(&jobs);
	int code = s->engine->begin(s->conn, e);

	while (code == 0 && job != NULL) {
		code = run_job(s, job, first, e);
		job = job->next;
	}
	/* Begin failed for all of them; a transaction lost half-way only for those that ran. */
	*ret_rest = job == batch ? NULL : job;
	if (code == 0)
		code = prune(s, e);
	if (code == 0)
		code = s->engine->commit(s->conn, e);
	if (code < 0) {
		s->engine->rollback(s->conn);
		outbox_cut(&s->outbox, 0);
	}
	return code;
}

static void announce(struct store *s)
{
	void (*fn)(void *arg, const struct outbox_row *rows, size_t n);
	void *arg;

	pthread_mutex_lock(&s->lock);
	fn = s->on_commit;
	arg = s->on_commit_arg;
	pthread_mutex_unlock(&s->lock);
	if (fn != NULL && s->outbox.rows.n > 0)
		fn(arg, s->outbox.rows.v, s->outbox.rows.n);
	outbox_cut(&s->outbox, 0);
}

/* A job that failed by itself keeps its own reason. */
static void finish(struct job *from, const struct job *to, int code, const struct err *e)
{
	for (struct job *job = from, *next; job != to; job = next) {
		next = job->next;
		if (code < 0 && job->result >= 0) {
			job->result = code;
			job->err = *e;
		}
		if (job->done != NULL)
			job->done(job->arg, job->result, &job->err);
		mem_free(job);
	}
}

static void *writer(void *arg)
{
	struct store *s = arg;
	struct job *batch, *rest;

	while ((batch = take_batch(s)) != NULL) {
		for (; batch != NULL; batch = rest) {
			struct err e = {0};
			int code = run_batch(s, batch, &rest, &e);

			if (code == 0)
				announce(s);
			finish(batch, rest, code, &e);
		}
		if (s->scrub && queue_empty(s))
			s->scrub = s->engine->scrub(s->conn) < 0;
	}
	return NULL;
}

/* --- queueing --------------------------------------------------------------------------------- */

void store_write(struct store *s, store_fn fn, void *arg,
	void (*done)(void *arg, int result, const struct err *e))
{
	struct job *job = NEW(struct job);

	*job = (struct job){.fn = fn, .arg = arg, .done = done};
	pthread_mutex_lock(&s->lock);
	/* The writer itself never waits for room: it is the one that makes it. */
	while (s->queued >= QUEUE_MAX && !pthread_equal(pthread_self(), s->thread))
		pthread_cond_wait(&s->room, &s->lock);
	*s->last = job;
	s->last = &job->next;
	s->queued++;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
}

struct waiter {
	store_fn fn;
	void *arg;
	struct err *e;
	int result;
	bool over;
	pthread_mutex_t lock;
	pthread_cond_t cond;
};

static int waiter_fn(struct tx *tx, void *arg, struct err *e)
{
	struct waiter *w = arg;

	return w->fn(tx, w->arg, e);
}

static void waiter_done(void *arg, int result, const struct err *e)
{
	struct waiter *w = arg;

	pthread_mutex_lock(&w->lock);
	w->result = result;
	if (result < 0 && w->e != NULL)
		*w->e = *e;
	w->over = true;
	/* Under the lock: the waiter's stack is gone once it has seen over. */
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

int store_write_wait(struct store *s, store_fn fn, void *arg, struct err *e)
{
	struct waiter w = {.fn = fn,
		.arg = arg,
		.e = e,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER};

	if (pthread_equal(pthread_self(), s->thread))
		return err_set(e, ERR_INTERNAL, "the writer thread cannot wait for itself");
	store_write(s, waiter_fn, &w, waiter_done);
	pthread_mutex_lock(&w.lock);
	while (!w.over)
		pthread_cond_wait(&w.cond, &w.lock);
	pthread_mutex_unlock(&w.lock);
	pthread_cond_destroy(&w.cond);
	pthread_mutex_destroy(&w.lock);
	return w.result;
}

void store_on_commit(
	struct store *s, void (*fn)(void *arg, const struct outbox_row *rows, size_t n), void *arg)
{
	pthread_mutex_lock(&s->lock);
	s->on_commit = fn;
	s->on_commit_arg = arg;
	pthread_mutex_unlock(&s->lock);
}

/* --- readers ---------------------------------------------------------------------------------- */

static int reader_take(struct store *s, struct engine_conn **ret, struct err *e)
{
	int code = 0;

	pthread_mutex_lock(&s->pool_lock);
	while (s->idle.n == 0 && s->readers >= READERS_MAX)
		pthread_cond_wait(&s->pool_free, &s->pool_lock);
	if (s->idle.n > 0) {
		*ret = s->idle.v[--s->idle.n];
		pthread_mutex_unlock(&s->pool_lock);
		return 0;
	}
	s->readers++;
	pthread_mutex_unlock(&s->pool_lock);
	code = s->engine->connect(s->db, false, ret, e);
	if (code < 0) {
		pthread_mutex_lock(&s->pool_lock);
		s->readers--;
		pthread_cond_signal(&s->pool_free);
		pthread_mutex_unlock(&s->pool_lock);
	}
	return code;
}

static void reader_give(struct store *s, struct engine_conn *c)
{
	pthread_mutex_lock(&s->pool_lock);
	VEC_PUSH(&s->idle, c);
	pthread_cond_signal(&s->pool_free);
	pthread_mutex_unlock(&s->pool_lock);
}

int store_read(struct store *s, store_fn fn, void *arg, struct err *e)
{
	struct tx tx = {.engine = s->engine, .now = clock_wall(s->clock)};
	int code = reader_take(s, &tx.conn, e);

	if (code < 0)
		return code;
	code = s->engine->begin(tx.conn, e);
	if (code == 0)
		code = fn(&tx, arg, e);
	s->engine->rollback(tx.conn);
	reader_give(s, tx.conn);
	return code;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static void *store_free(struct store *s)
{
	VEC_FOREACH (c, &s->idle)
		s->engine->disconnect(*c);
	VEC_DONE(&s->idle);
	outbox_done(&s->outbox);
	s->engine->disconnect(s->conn);
	s->engine->close(s->db);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->room);
	pthread_cond_destroy(&s->pool_free);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->pool_lock);
	return mem_free(s);
}

static int prepare(struct store *s, const char *path, struct err *e)
{
	int code = s->engine->open(path, &s->db, e);

	if (code == 0)
		code = s->engine->connect(s->db, true, &s->conn, e);
	if (code == 0)
		code = migrations_run(s->engine, s->conn, path, e);
	return code;
}

int store_open(const struct store_engine *engine, const char *path, const struct clock *clock,
	struct store **ret, struct err *e)
{
	struct store *s = NEW(struct store);
	int code, rc;

	s->engine = engine;
	s->clock = clock;
	s->last = &s->first;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->pool_lock, NULL);
	pthread_cond_init(&s->work, NULL);
	pthread_cond_init(&s->room, NULL);
	pthread_cond_init(&s->pool_free, NULL);
	code = prepare(s, path, e);
	if (code == 0) {
		/* The thread reads s->thread's neighbours only under the lock. */
		pthread_mutex_lock(&s->lock);
		rc = pthread_create(&s->thread, NULL, writer, s);
		pthread_mutex_unlock(&s->lock);
		if (rc != 0)
			code = err_errno(e, rc, "cannot start the store's writer");
	}
	if (code < 0) {
		store_free(s);
		return code;
	}
	*ret = s;
	return 0;
}

struct store *store_close(struct store *s)
{
	if (s == NULL)
		return NULL;
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	return store_free(s);
}
