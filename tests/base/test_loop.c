/* DOC: tests of base/loop: posts from threads, timers, descriptors, signals, stop, free. */
#include "base/loop.h"

#include "base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct ctx {
	struct loop *l;
	struct loop_timer *t, *never;
	struct loop_fd *w;
	int fds[2];
	int calls, want;
	char order[8];
	pthread_t on;
	int last;
};

static void stop_at(struct ctx *c)
{
	if (++c->calls == c->want)
		loop_stop(c->l);
}

static void on_post(void *arg)
{
	struct ctx *c = arg;

	assert_true(pthread_equal(pthread_self(), c->on));
	stop_at(c);
}

static void *post_many(void *arg)
{
	struct ctx *c = arg;

	for (int i = 0; i < 1000; i++)
		loop_post(c->l, on_post, c);
	return NULL;
}

static void posts_from_threads_all_run_on_the_loop(void **state)
{
	struct ctx c = {.l = loop_new(), .want = 3000, .on = pthread_self()};
	pthread_t t[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, post_many, &c), 0);
	loop_run(c.l);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(c.calls, 3000);
	loop_free(c.l);
}

static void tick(void *arg)
{
	struct ctx *c = arg;

	if (++c->calls == 3) {
		c->t = loop_timer_free(c->t); /* from inside its own callback */
		loop_stop(c->l);
	}
}

static void fail_tick(void *arg)
{
	(void)arg;
	fail_msg("a stopped timer fired");
}

static void repeating_timer_ends_when_freed(void **state)
{
	struct ctx c = {.l = loop_new()};

	(void)state;
	c.t = loop_timer_new(c.l, tick, &c);
	c.never = loop_timer_new(c.l, fail_tick, &c);
	loop_timer_set(c.never, 1, 1);
	loop_timer_stop(c.never);
	loop_timer_set(c.t, 1, 1);
	loop_run(c.l);
	assert_int_equal(c.calls, 3);
	loop_free(c.l); /* also closes c.never */
}

static void add_a(void *arg)
{
	strcat(((struct ctx *)arg)->order, "a");
}

static void add_b(void *arg)
{
	struct ctx *c = arg;

	strcat(c->order, "b");
	loop_stop(c->l);
}

static void timers_fire_by_delay_not_by_age(void **state)
{
	struct ctx c = {.l = loop_new()};
	struct loop_timer *late = loop_timer_new(c.l, add_b, &c);
	struct loop_timer *early = loop_timer_new(c.l, add_a, &c);

	(void)state;
	loop_timer_set(late, 20, 0);
	loop_timer_set(early, 1, 0);
	loop_run(c.l);
	assert_string_equal(c.order, "ab");
	loop_timer_free(late);
	loop_timer_free(early);
	loop_free(c.l);
}

static void on_pipe(int events, void *arg)
{
	struct ctx *c = arg;
	char byte;

	assert_true(events & LOOP_READ);
	assert_int_equal(read(c->fds[0], &byte, 1), 1);
	c->last = byte;
	c->calls++;
	if (byte == 'y') {
		c->w = loop_fd_free(c->w);
		loop_stop(c->l);
		return;
	}
	assert_int_equal(write(c->fds[1], "y", 1), 1);
}

static void descriptor_is_watched_until_freed(void **state)
{
	struct ctx c = {.l = loop_new()};

	(void)state;
	assert_int_equal(pipe(c.fds), 0);
	c.w = loop_fd_new(c.l, c.fds[0], on_pipe, &c);
	assert_non_null(c.w);
	loop_fd_set(c.w, LOOP_READ);
	assert_int_equal(write(c.fds[1], "x", 1), 1);
	loop_run(c.l);
	assert_int_equal(c.calls, 2);
	assert_int_equal(c.last, 'y');
	/* The descriptor can be watched again once the first watcher is gone. */
	c.w = loop_fd_new(c.l, c.fds[0], on_pipe, &c);
	assert_non_null(c.w);
	loop_fd_set(c.w, LOOP_READ);
	loop_fd_set(c.w, 0);
	loop_fd_free(c.w);
	loop_free(c.l);
	close(c.fds[0]);
	close(c.fds[1]);
}

static void on_usr1(int signum, void *arg)
{
	struct ctx *c = arg;

	c->last = signum;
	loop_stop(c->l);
}

static void send_usr1(void *arg)
{
	(void)arg;
	kill(getpid(), SIGUSR1);
}

static void signals_arrive(void **state)
{
	struct ctx c = {.l = loop_new()};

	(void)state;
	loop_signal(c.l, SIGUSR1, on_usr1, &c);
	loop_post(c.l, send_usr1, NULL);
	loop_run(c.l);
	assert_int_equal(c.last, SIGUSR1);
	loop_free(c.l);
}

static void stop_before_run_is_kept_and_run_can_repeat(void **state)
{
	struct ctx c = {.l = loop_new(), .want = 1, .on = pthread_self()};

	(void)state;
	loop_stop(c.l);
	loop_run(c.l);
	loop_post(c.l, on_post, &c);
	loop_run(c.l);
	assert_int_equal(c.calls, 1);
	loop_free(c.l);
	assert_null(loop_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(posts_from_threads_all_run_on_the_loop),
		cmocka_unit_test(repeating_timer_ends_when_freed),
		cmocka_unit_test(timers_fire_by_delay_not_by_age),
		cmocka_unit_test(descriptor_is_watched_until_freed),
		cmocka_unit_test(signals_arrive),
		cmocka_unit_test(stop_before_run_is_kept_and_run_can_repeat),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
