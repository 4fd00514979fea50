/* DOC: when heartbeats are sent: each half minute, and soon where there is news, whatever became of
 * the one before. The carrier is the test. */
#include "fake.h"
#include "timers.h"

#include "agent/beat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define SECOND ((msec)1000)

struct far {
	struct world w;
	struct wire wire;
	struct beat beat;
	wire_fn done; /* of the heartbeat under way */
	void *arg;
	unsigned heartbeats;
	msec at; /* of the last one */
};

static void on_target(void *ctx, const struct http_target *t, const char *bearer)
{
}

static struct wire_call *on_send(void *ctx, const struct wire_request *rq, wire_fn done, void *arg)
{
	struct far *f = ctx;

	assert_non_null(strstr(rq->path, "/heartbeat"));
	assert_null(f->done); /* one at a time */
	f->done = done;
	f->arg = arg;
	f->heartbeats++;
	f->at = f->w.clock.fake_mono;
	return (struct wire_call *)f;
}

static struct wire_call *on_events(void *ctx, const char *path, const char *last_id,
	msec dead_after, const struct http_events *h)
{
	return NULL;
}

static void on_cancel(void *ctx, struct wire_call *call)
{
	((struct far *)ctx)->done = NULL;
}

static void on_verdict(void *ctx, enum wire_verdict v)
{
}

static void answer(struct far *f, int status)
{
	struct http_response r = {.status = status};
	struct err e = {0};
	wire_fn done = f->done;

	assert_non_null(done);
	f->done = NULL;
	buf_adds(&r.body, "{\"reconcile\":false,\"rotate_keys\":false}");
	err_set(&e, ERR_UNAVAILABLE, "nobody there");
	done(f->arg, status == 0 ? NULL : &r, status == 0 ? &e : NULL);
	http_response_done(&r);
}

static void pass(struct far *f, msec time)
{
	msec end = f->w.clock.fake_mono + time;

	while (timers_turn(end))
		;
}

static void nothing(void *arg)
{
}

static void no_key(void *arg, const char *network)
{
}

static int setup(void **state)
{
	struct far *f = NEW(struct far);
	const struct wire_carrier carrier = {
		on_target, on_send, on_events, on_cancel, on_verdict, f};
	const struct beat_hooks hooks = {nothing, no_key, f};

	world_init(&f->w);
	timers_use(&f->w.clock);
	f->w.identity.url = f->w.identity.url != NULL ? f->w.identity.url : mem_strdup("https://x");
	wire_init(&f->wire, &f->w.identity, &carrier);
	beat_init(&f->beat, NULL, &f->wire, &f->w.core, "1", &hooks);
	f->beat.declaration.settled = true; /* it has calls of its own */
	beat_soon(&f->beat);
	pass(f, 2 * SECOND);
	assert_int_equal(f->heartbeats, 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct far *f = *state;

	beat_done(&f->beat);
	wire_done(&f->wire);
	world_done(&f->w);
	mem_free(f);
	timers_done();
	return 0;
}

static void each_half_minute(void **state)
{
	struct far *f = *state;
	msec first = f->at;

	answer(f, 200);
	pass(f, 40 * SECOND);
	assert_int_equal(f->heartbeats, 2);
	assert_in_range(f->at - first, 27 * SECOND, 33 * SECOND);
}

/* What is new while a slow answer is waited for is said after it, not half a minute later. */
static void news_outlast_a_slow_answer(void **state)
{
	struct far *f = *state;

	beat_soon(&f->beat);
	pass(f, 3 * SECOND); /* its time is over, and the first one is still on its way */
	assert_int_equal(f->heartbeats, 1);
	answer(f, 200);
	pass(f, SECOND);
	assert_int_equal(f->heartbeats, 2);
	answer(f, 200);
	pass(f, 20 * SECOND);
	assert_int_equal(f->heartbeats, 2); /* and once */
}

/* What nobody heard is said when the control plane is there again; what was heard is not. */
static void says_again_what_nobody_heard(void **state)
{
	struct far *f = *state;

	answer(f, 0);
	pass(f, 10 * SECOND);
	assert_int_equal(f->heartbeats, 1); /* that it is not there yet is sync's to see */
	beat_connected(&f->beat);
	pass(f, 2 * SECOND);
	assert_int_equal(f->heartbeats, 2);
	answer(f, 200);
	beat_connected(&f->beat);
	pass(f, 20 * SECOND);
	assert_int_equal(f->heartbeats, 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_half_minute),
		T(news_outlast_a_slow_answer),
		T(says_again_what_nobody_heard),
	};

	return cmocka_run_group_tests_name("agent beat", tests, NULL, NULL);
}
