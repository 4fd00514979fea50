/* DOC: when the agent asks, again and again, with a clock and timers of the test's own. The carrier
 * is the test. */
#include "fake.h"
#include "timers.h"

#include "agent/sync.h"
#include "base/text.h"
#include "codec/envelope.h"
#include "codec/state.h"
#include "crypto/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define SECOND ((msec)1000)
#define MINUTE (60 * SECOND)

static struct clock *now;

/* --- the other side ----------------------------------------------------------------------------
 */

struct far {
	struct world w;
	struct wire wire;
	struct sync sync;
	wire_fn done; /* of the call under way */
	void *arg;
	char *path;
	bool matched;              /* it had If-None-Match, and that is the revision */
	bool listening;            /* a stream was asked for */
	struct http_events stream; /* its handlers */
	char last_id[24];
	int status; /* of streams: 0 = nobody there */
	msec retry_after, dead_after;
	bool answers;                   /* states are given */
	unsigned streams, states, pins; /* asked for */
	msec stream_at, state_at;
	struct state state;
};

static void on_target(void *ctx, const struct http_target *t, const char *bearer)
{
}

static struct wire_call *on_send(void *ctx, const struct wire_request *rq, wire_fn done, void *arg)
{
	struct far *f = ctx;

	assert_null(f->done);
	f->done = done;
	f->arg = arg;
	f->path = mem_strdup(rq->path);
	AUTOFREE char *match = mem_printf("If-None-Match: \"%u\"", (unsigned)f->state.revision);

	f->matched =
		rq->headers != NULL && rq->headers[0] != NULL && strcmp(rq->headers[0], match) == 0;
	f->pins += rq->insecure;
	if (strstr(f->path, "/state?") != NULL) {
		f->states++;
		f->state_at = now->fake_mono;
	}
	return (struct wire_call *)f;
}

static struct wire_call *on_events(void *ctx, const char *path, const char *last_id,
	msec dead_after, const struct http_events *h)
{
	struct far *f = ctx;

	f->listening = true;
	f->stream = *h;
	f->streams++;
	f->stream_at = now->fake_mono;
	f->dead_after = dead_after;
	snprintf(f->last_id, sizeof(f->last_id), "%s", last_id);
	return (struct wire_call *)&f->stream;
}

static void on_cancel(void *ctx, struct wire_call *call)
{
	struct far *f = ctx;

	if ((void *)call == (void *)f)
		f->done = NULL;
}

static void on_verdict(void *ctx, enum wire_verdict v)
{
}

static void nothing(void *arg)
{
}

static void give_state(struct far *f, const char *path, wire_fn done)
{
	struct http_response r = {.status = f->matched ? 304 : 200};
	const char *nonce = strstr(path, "nonce=") + 6;
	struct state_head h = {.node = mem_strdup(NODE),
		.revision = f->state.revision,
		.issued_at = mem_strdup("2026-01-01T00:00:00Z"),
		.nonce = mem_strdup(nonce)};
	CLEANUP(buf_done) struct buf text = {0};
	AUTOFREE char *line = NULL;

	state_write(&r.body, &f->state);
	hash_sha256_hex(r.body.data, r.body.len, h.sha256);
	if (f->matched)
		buf_done(&r.body);
	state_head_sign(&h, &f->w.signing);
	state_head_write(&h, &text);
	line = mem_printf(STATE_HEAD ": %s", buf_str(&text));
	strs_push(&r.headers, line);
	state_head_done(&h);
	done(f->arg, &r, NULL);
	http_response_done(&r);
}

/* Answer what was asked, as the far side does now. */
static void answer(struct far *f)
{
	struct err e = {0};

	while (f->done != NULL || (f->listening && f->status != 200)) {
		wire_fn done = f->done;

		err_set(&e, ERR_UNAVAILABLE, "nobody there");
		if (done == NULL) {
			f->listening = false;
			f->stream.on_end(f->stream.arg, f->status, f->retry_after, &e);
			continue;
		}
		AUTOFREE char *path = STEAL(f->path);

		f->done = NULL;
		if (f->answers && strstr(path, "/state?") != NULL)
			give_state(f, path, done);
		else
			done(f->arg, NULL, &e);
	}
	if (f->listening && !f->sync.open)
		f->stream.on_open(f->stream.arg);
}

/* Let time pass. */
static void pass(struct far *f, msec time)
{
	msec end = now->fake_mono + time;

	do
		answer(f);
	while (timers_turn(end));
}

/* The far side ends the stream; how long until the next is asked for? */
static msec until_next(struct far *f, int status, msec retry_after)
{
	unsigned n = f->streams;
	msec from = now->fake_mono;

	f->listening = false;
	f->stream.on_end(f->stream.arg, status, retry_after, NULL);
	assert_true(f->sync.unauthorized == (status == 401));
	while (f->streams == n && now->fake_mono - from < 60 * MINUTE)
		pass(f, 10);
	return f->stream_at - from;
}

static int setup(void **state)
{
	struct far *f = NEW(struct far);
	const struct wire_carrier carrier = {
		on_target, on_send, on_events, on_cancel, on_verdict, f};
	const struct sync_hooks hooks = {nothing, nothing, nothing, f};
	struct core_corrections none = {0};
	struct state first;

	now = &f->w.clock;
	timers_use(now);
	world_init(&f->w);
	f->w.identity.url = f->w.identity.url != NULL ? f->w.identity.url : mem_strdup("https://x");
	state_base(&first, 5);
	state_put(&first, peer_make(1, 1));
	core_replace(&f->w.core, &first);
	state_base(&f->state, 5);
	state_put(&f->state, peer_make(1, 1));
	assert_int_equal(core_reconcile(&f->w.core, &none, NULL), 0);
	core_settle(&f->w.core);
	f->status = 200;
	f->answers = true;
	wire_init(&f->wire, &f->w.identity, &carrier);
	sync_init(&f->sync, NULL, &f->wire, &f->w.core, now, &hooks);
	sync_start(&f->sync);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct far *f = *state;

	sync_done(&f->sync);
	wire_done(&f->wire);
	world_done(&f->w);
	state_done(&f->state);
	mem_free(f->path);
	mem_free(f);
	timers_done();
	return 0;
}

static void asks_then_listens(void **state)
{
	struct far *f = *state;

	pass(f, SECOND);
	assert_int_equal(f->states, 1);
	assert_true(f->matched); /* it has revision 5 from its cache */
	assert_int_equal(f->streams, 1);
	assert_string_equal(f->last_id, "5");
	assert_int_equal(f->dead_after, 45 * SECOND); /* three comments */
	pass(f, 60 * MINUTE);
	assert_int_equal(f->states, 1);
	assert_int_equal(f->streams, 1);
}

/* Spec 1, Reconnect: 1 s doubling to 15 s, +-25 %, a clean close too; a good stream starts over. */
static void backs_off(void **state)
{
	static const msec want[] = {1000, 2000, 4000, 8000, 15000, 15000};
	struct far *f = *state;

	pass(f, SECOND);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		msec got = until_next(f, 200, 0);

		answer(f);
		if (got < want[i] * 3 / 4 || got > want[i] * 5 / 4 + 10)
			fail_msg("after close %zu: %d ms", i, (int)got);
	}
	pass(f, 15 * SECOND);
	assert_true(until_next(f, 200, 0) <= 1260);
}

static void honours_retry_after(void **state)
{
	struct far *f = *state;
	msec got;

	pass(f, SECOND);
	got = until_next(f, 503, 40 * SECOND);
	assert_in_range(got, 40 * SECOND, 50 * SECOND + 10);
	/* but nobody sends it to sleep for ever */
	answer(f);
	got = until_next(f, 503, 1000000 * SECOND);
	assert_in_range(got, 10 * MINUTE, 13 * MINUTE);
}

/* 401: tunnels stay, and it is asked for again now and then, by nothing else. */
static void unauthorized_keeps_tunnels(void **state)
{
	struct far *f = *state;
	struct wg_device d = {0};
	unsigned states, writes;
	msec got;

	pass(f, SECOND);
	states = f->states;
	writes = f->w.fake.writes;
	got = until_next(f, 401, 0);
	assert_in_range(got, 225 * SECOND, 375 * SECOND + 10);
	assert_int_equal(f->states, states);
	assert_int_equal(f->w.fake.writes, writes);
	assert_int_equal(f->w.fake.wg->ops->read(f->w.fake.wg, "warren0", &d, NULL), 0);
	assert_int_equal(d.peers.n, 1);
	wg_device_done(&d);
	answer(f); /* let in again */
	assert_false(f->sync.unauthorized);
}

/* Five minutes without a stream: the state is asked for each minute, while streams are tried. */
static void polls_without_a_stream(void **state)
{
	struct far *f = *state;
	unsigned states, streams;

	pass(f, SECOND);
	f->listening = false;
	f->status = 502; /* something on the way does not let streams through */
	f->stream.on_end(f->stream.arg, 502, 0, NULL);
	states = f->states;
	pass(f, 5 * MINUTE - SECOND);
	assert_int_equal(f->states, states);
	streams = f->streams;
	/* what changes meanwhile gets here */
	f->state.revision = 6;
	state_put(&f->state, peer_make(2, 2));
	pass(f, 45 * SECOND);
	assert_int_equal(f->states, states + 1);
	assert_int_equal(f->w.core.desired.revision, 6);
	assert_converged(&f->w);
	states = f->states;
	pass(f, 10 * MINUTE);
	assert_in_range(f->states - states, 5, 10); /* a minute, and what is left of a delay */
	assert_true(f->streams - streams > 20);
	f->status = 200;
	pass(f, MINUTE);
	assert_true(f->sync.open);
	states = f->states;
	pass(f, 10 * MINUTE);
	assert_int_equal(f->states, states); /* the stream tells */
}

/* Fail static: nothing is written while nobody is there, nor when somebody is again. */
static void an_hour_alone(void **state)
{
	struct far *f = *state;
	unsigned writes, streams;

	pass(f, SECOND);
	writes = f->w.fake.writes;
	streams = f->streams;
	f->listening = f->answers = false;
	f->status = 0;
	f->stream.on_end(f->stream.arg, 0, 0, NULL);
	pass(f, 60 * MINUTE);
	assert_in_range(f->streams - streams, 150, 400); /* 11 to 19 s each */
	f->answers = true;
	f->status = 200;
	pass(f, 20 * SECOND);
	assert_true(f->sync.open);
	assert_int_equal(f->w.fake.writes, writes);
	assert_converged(&f->w);
}

/* The control plane comes back with another signing key: pins are asked for at once, though they
 * were asked for in vain a moment ago. */
static void pins_are_asked_for_again(void **state)
{
	struct far *f = *state;
	unsigned before;

	pass(f, SECOND);
	f->listening = f->answers = false;
	f->status = 0;
	f->stream.on_end(f->stream.arg, 0, 0, NULL);
	pass(f, 20 * SECOND);
	before = f->pins;
	assert_true(before > 0);
	pass(f, 40 * SECOND);
	assert_true(f->pins > before);
}

/* A part is closed: an update of this agent may open it, at the same revision. */
static void asks_whole_when_it_lacks(void **state)
{
	struct far *f = *state;

	pass(f, SECOND);
	assert_true(f->matched);
	strs_push(&f->w.core.lacks, "teleport");
	strs_push(&f->w.core.desired.requires, "teleport");
	sync_fetch(&f->sync);
	assert_false(f->matched);
	pass(f, SECOND);
	assert_int_equal(f->w.core.lacks.n, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(asks_then_listens),
		T(backs_off),
		T(honours_retry_after),
		T(unauthorized_keeps_tunnels),
		T(polls_without_a_stream),
		T(an_hour_alone),
		T(pins_are_asked_for_again),
		T(asks_whole_when_it_lacks),
	};

	return cmocka_run_group_tests_name("agent sync", tests, NULL, NULL);
}
