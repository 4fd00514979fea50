/* DOC: calls by the net process; see courier.h. */
#include "agent/courier.h"

#include "agent/channel.h"
#include "agent/events.h"
#include "agent/message.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/rand.h"

#include <stdio.h>
#include <sys/queue.h>

#define RESTART_FIRST 1000
#define RESTART_MAX (15 * 1000)
#define SETTLED (60 * 1000)          /* a net process this old was a good one */
#define CALL_PATIENCE (45 * 1000)    /* the HTTP client gives up after 30 s: later it hangs */
#define BEHIND ((size_t)1024 * 1024) /* bytes waiting: no more zones before they are taken */
#define ANSWER_SMALL (2 * MESSAGE_SMALL_MAX)
/* Distrust: what does not verify weighs, what is old weighs a little, news makes good. A burst of
 * old events is normal behind a state that was fetched meanwhile. */
#define FORGED_WEIGHT 256
#define DISTRUST_MAX (16 * FORGED_WEIGHT)

LIST_HEAD(pendings, pending);

struct pending {
	LIST_ENTRY(pending) link;
	struct courier *courier;
	uint32_t id;
	bool is_stream, open, big; /* big: its answer may be a state */
	bool answered;             /* being told: not in the list any more */
	bool unsent;               /* there was no net process */
	wire_fn done;
	void *arg;
	struct http_events events;
	struct loop_timer *timer;
};

struct courier {
	struct loop *loop;
	const struct clock *clock;
	courier_start_fn start;
	void *start_arg;
	struct resolver *resolver;
	struct channel *channel; /* NULL = no net process at the moment */
	struct pendings calls;
	struct loop_timer *restart;
	struct buf target; /* as a message; told to each net process first */
	struct rand rand;
	uint32_t last_id;
	unsigned failures, distrust;
	msec started;
	void (*fresh)(void *arg); /* for who tells the responder */
	void *fresh_arg;
};

/* --- the net process ----------------------------------------------------------------------------
 */

static void pending_free(struct pending *p)
{
	loop_timer_free(p->timer);
	mem_free(p);
}

/* Tell the end of a call and free it. It may start others. */
static void finish(struct pending *p, struct http_response *r, const struct err *e)
{
	LIST_REMOVE(p, link);
	if (p->is_stream)
		p->events.on_end(p->events.arg, r == NULL ? 0 : r->status,
			r == NULL ? 0 : r->retry_after, e);
	else
		p->done(p->arg, r, e);
	pending_free(p);
}

static void plan_restart(struct courier *c)
{
	msec delay = RESTART_FIRST;

	if (c->started != 0 && clock_mono(c->clock) - c->started >= SETTLED)
		c->failures = 0;
	for (unsigned i = 0; i < c->failures && delay < RESTART_MAX; i++)
		delay *= 2;
	c->failures++;
	delay = delay < RESTART_MAX ? delay : RESTART_MAX;
	loop_timer_set(c->restart,
		delay - delay / 4 + (msec)rand_below(&c->rand, (uint64_t)delay / 2 + 1), 0);
}

/* The net process is no more, or shall not be: its calls have failed. Not from inside a message. */
static void lost(struct courier *c, const struct err *why)
{
	struct err e = {0};
	struct pendings calls;
	struct pending *p;

	log_error("the net process is started again; tunnels stay up",
		LOG_KV_STR("reason", why->code == ERR_GONE ? "it ended" : why->text));
	c->channel = channel_free(c->channel);
	c->distrust = 0;
	plan_restart(c);
	err_set(&e, ERR_UNAVAILABLE, "the net process is not running");
	LIST_INIT(&calls);
	while ((p = LIST_FIRST(&c->calls)) != NULL) {
		LIST_REMOVE(p, link);
		LIST_INSERT_HEAD(&calls, p, link);
	}
	/* those that are started meanwhile are not among them */
	while ((p = LIST_FIRST(&calls)) != NULL)
		finish(p, NULL, &e);
}

static int64_t limit(void *arg, uint32_t type, uint32_t id);
static int message(void *arg, const struct channel_message *m, struct err *e);

static void on_ended(void *arg, const struct err *e)
{
	lost(arg, e);
}

static void on_restart(void *arg)
{
	struct courier *c = arg;
	const struct channel_handlers h = {limit, message, on_ended, c, false};
	struct err e = {0};
	int fd;

	if (c->start(c->start_arg, &fd, &e) < 0) {
		log_error("the net process does not start", LOG_KV_STR("error", e.text));
		plan_restart(c);
		return;
	}
	c->channel = channel_new(c->loop, fd, &h);
	c->started = clock_mono(c->clock);
	if (c->channel == NULL)
		plan_restart(c);
	else if (c->target.len > 0)
		channel_send(c->channel, MESSAGE_TARGET, 0, &c->target);
	if (c->channel != NULL && c->fresh != NULL)
		c->fresh(c->fresh_arg);
}

/* --- what it says -------------------------------------------------------------------------------
 */

static struct pending *find(struct courier *c, uint32_t id)
{
	struct pending *p;

	LIST_FOREACH(p, &c->calls, link)
	if (p->id == id && !p->unsent)
		return p;
	return NULL;
}

static int answer(
	struct courier *c, struct pending *p, const struct channel_message *m, struct err *e)
{
	struct message_answer a;
	struct http_response r = {0};
	struct err why = {0};

	if (message_get_answer(m->data, m->n, &a, e) < 0)
		return e->code;
	if (m->type == MESSAGE_ANSWER && a.code != 0)
		return err_set(e, ERR_INVALID, "an answer that is a failure, too");
	/* the text was made by a process that may be anybody's */
	if (a.code != 0)
		err_set(&why, a.code, "%.256s", a.text == NULL ? "" : a.text);
	r.status = a.status;
	r.retry_after = a.retry_after;
	if (a.head != NULL) {
		AUTOFREE char *line = mem_printf(STATE_HEAD ": %s", a.head);

		strs_push(&r.headers, line);
	}
	if (a.body != NULL)
		buf_add(&r.body, a.body, a.body_n);
	if (m->type == MESSAGE_FAILED && why.code == 0)
		err_set(&why, ERR_UNAVAILABLE, "the call failed");
	if (m->type == MESSAGE_FAILED)
		finish(p, NULL, &why);
	else
		finish(p, &r, why.code != 0 ? &why : NULL);
	http_response_done(&r);
	return 0;
}

static int opened(
	struct courier *c, struct pending *p, const struct channel_message *m, struct err *e)
{
	p->open = true;
	p->events.on_open(p->events.arg);
	return 0;
}

static int event(
	struct courier *c, struct pending *p, const struct channel_message *m, struct err *e)
{
	p->events.on_event(p->events.arg, "", "", m->data, m->n);
	return 0;
}

static int retry(
	struct courier *c, struct pending *p, const struct channel_message *m, struct err *e)
{
	int64_t base;

	if (message_get_number(m->data, m->n, &base, e) < 0)
		return e->code;
	c->distrust++; /* once a stream, normally */
	p->events.on_retry(p->events.arg, base);
	return 0;
}

static int address(
	struct courier *c, struct pending *p, const struct channel_message *m, struct err *e)
{
	struct message_address a;

	if (message_get_address(m->data, m->n, &a, e) < 0)
		return e->code;
	if (!resolver_answer(c->resolver, a.host, a.addr))
		c->distrust++;
	return 0;
}

/* What may come, for which call, of which size. */
enum { NO_CALL, PLAIN_CALL, NEW_STREAM, OPEN_STREAM, ANY_STREAM };
static const struct kind {
	uint32_t type;
	int call;
	uint32_t max;
	int (*take)(struct courier *c, struct pending *p, const struct channel_message *m,
		struct err *e);
} kinds[] = {
	{MESSAGE_ANSWER, PLAIN_CALL, ANSWER_SMALL, answer},
	{MESSAGE_FAILED, PLAIN_CALL, MESSAGE_SMALL_MAX, answer},
	{MESSAGE_OPEN, NEW_STREAM, 0, opened},
	{MESSAGE_EVENT, OPEN_STREAM, EVENT_MAX, event},
	{MESSAGE_RETRY, OPEN_STREAM, sizeof(int64_t), retry},
	{MESSAGE_END, ANY_STREAM, MESSAGE_SMALL_MAX, answer},
	{MESSAGE_ADDRESS, NO_CALL, 1024, address},
};

static bool fits(const struct pending *p, int call)
{
	return call == PLAIN_CALL
		? !p->is_stream
		: p->is_stream && (call == ANY_STREAM || p->open == (call == OPEN_STREAM));
}

/* The kind of a message that may come now, and its call; NULL when it may not. */
static const struct kind *expect(
	struct courier *c, uint32_t type, uint32_t id, struct pending **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].type != type)
			continue;
		if (kinds[i].call == NO_CALL)
			return &kinds[i];
		*ret = find(c, id);
		return *ret != NULL && fits(*ret, kinds[i].call) ? &kinds[i] : NULL;
	}
	return NULL;
}

/* Is the id of a call that was taken back? What was on its way for it then is thrown away. */
static bool was_ours(const struct courier *c, uint32_t id)
{
	return id != 0 && id <= c->last_id;
}

static int64_t limit(void *arg, uint32_t type, uint32_t id)
{
	struct courier *c = arg;
	struct pending *p;
	const struct kind *k = expect(c, type, id, &p);

	if (k == NULL)
		return was_ours(c, id) && find(c, id) == NULL ? (int64_t)ANSWER_SMALL : -1;
	return p != NULL && p->big && type == MESSAGE_ANSWER
		? (int64_t)MESSAGE_BODY_MAX + MESSAGE_SMALL_MAX
		: k->max;
}

static int message(void *arg, const struct channel_message *m, struct err *e)
{
	struct courier *c = arg;
	struct pending *p;
	const struct kind *k = expect(c, m->type, m->id, &p);

	int rc = k == NULL ? 0 : k->take(c, p, m, e);

	if (k == NULL)
		c->distrust++; /* of a call that was taken back: not without end */
	if (rc == 0 && c->distrust >= DISTRUST_MAX)
		rc = err_set(e, ERR_DENIED, "all it sends is forged, old or not asked for");
	return rc;
}

/* --- the carrier ---------------------------------------------------------------------------------
 */

static void on_timer(void *arg)
{
	struct pending *p = arg;
	struct courier *c = p->courier;
	struct err e = {0};

	if (p->unsent) {
		err_set(&e, ERR_UNAVAILABLE, "the net process is not running");
		finish(p, NULL, &e);
		return;
	}
	err_set(&e, ERR_TIMEOUT, "it hangs");
	lost(c, &e);
}

static struct pending *begin(struct courier *c, uint32_t type, const struct buf *payload)
{
	struct pending *p = NEW(struct pending);

	p->courier = c;
	p->id = ++c->last_id;
	p->is_stream = type == MESSAGE_STREAM;
	p->unsent = c->channel == NULL;
	p->timer = loop_timer_new(c->loop, on_timer, p);
	LIST_INSERT_HEAD(&c->calls, p, link);
	if (p->unsent)
		loop_timer_set(p->timer, 0, 0);
	else if (!p->is_stream)
		loop_timer_set(p->timer, CALL_PATIENCE, 0);
	if (!p->unsent)
		channel_send(c->channel, type, p->id, payload);
	return p;
}

static void set_target(void *ctx, const struct http_target *t, const char *bearer)
{
	struct courier *c = ctx;
	const struct message_target m = {
		t->base, bearer, (const char *const *)(uintptr_t)t->pins.v, t->pins.n};

	buf_wipe(&c->target);
	message_put_target(&c->target, &m);
	if (c->channel != NULL)
		channel_send(c->channel, MESSAGE_TARGET, 0, &c->target);
}

static struct wire_call *send_call(
	void *ctx, const struct wire_request *rq, wire_fn done, void *arg)
{
	CLEANUP(buf_wipe) struct buf payload = {0};
	struct message_call m = {.method = rq->method, .path = rq->path, .insecure = rq->insecure};
	struct pending *p;

	for (size_t i = 0; rq->headers != NULL && rq->headers[i] != NULL; i++)
		if (i < MESSAGE_HEADERS_MAX)
			m.headers[i] = rq->headers[i];
	if (rq->body != NULL) {
		m.body = buf_str(rq->body);
		m.body_n = rq->body->len;
	}
	message_put_call(&payload, &m);
	p = begin(ctx, MESSAGE_CALL, &payload);
	p->big = strcmp(rq->method, "GET") == 0 && !rq->insecure;
	p->done = done;
	p->arg = arg;
	return (struct wire_call *)p;
}

static struct wire_call *open_events(void *ctx, const char *path, const char *last_id,
	msec dead_after, const struct http_events *h)
{
	CLEANUP(buf_done) struct buf payload = {0};
	const struct message_stream m = {path, last_id, dead_after};
	struct pending *p;

	message_put_stream(&payload, &m);
	p = begin(ctx, MESSAGE_STREAM, &payload);
	p->events = *h;
	return (struct wire_call *)p;
}

static void cancel(void *ctx, struct wire_call *call)
{
	struct courier *c = ctx;
	struct pending *p = (struct pending *)call;

	LIST_REMOVE(p, link);
	if (c->channel != NULL && !p->unsent)
		channel_send(c->channel, MESSAGE_CANCEL, p->id, NULL);
	pending_free(p);
}

static void verdict(void *ctx, enum wire_verdict v)
{
	struct courier *c = ctx;

	if (v == WIRE_NEWS)
		c->distrust = 0;
	else
		c->distrust += v == WIRE_FORGED ? FORGED_WEIGHT : 1;
}

static void ask(void *arg, const char *host)
{
	struct courier *c = arg;
	CLEANUP(buf_done) struct buf payload = {0};
	const struct message_address m = {.host = host};

	if (c->channel == NULL)
		return; /* it is asked for again */
	message_put_address(&payload, &m);
	channel_send(c->channel, MESSAGE_LOOKUP, 0, &payload);
}

static void send_dns(
	void *ctx, uint32_t type, const struct buf *payload, const int fds[], size_t n_fds)
{
	struct courier *c = ctx;

	if (c->channel != NULL) /* else the next is told all of it */
		channel_send_fds(c->channel, type, 0, payload, fds, n_fds);
}

static bool dns_ready(void *ctx)
{
	struct courier *c = ctx;

	return c->channel != NULL && channel_queued(c->channel) < BEHIND;
}

struct responder_link courier_link(struct courier *c, void (*fresh)(void *arg), void *arg)
{
	c->fresh = fresh;
	c->fresh_arg = arg;
	return (struct responder_link){send_dns, dns_ready, c};
}

struct courier *courier_new(struct loop *l, const struct clock *clock, courier_start_fn start,
	void *start_arg, struct resolver *resolver, struct wire_carrier *ret_carrier)
{
	struct courier *c = NEW(struct courier);

	c->loop = l;
	c->clock = clock;
	c->start = start;
	c->start_arg = start_arg;
	c->resolver = resolver;
	LIST_INIT(&c->calls);
	rand_bytes(&c->rand.state, sizeof(c->rand.state));
	c->restart = loop_timer_new(l, on_restart, c);
	resolver_delegate(resolver, ask, c);
	*ret_carrier =
		(struct wire_carrier){set_target, send_call, open_events, cancel, verdict, c};
	on_restart(c);
	return c;
}

struct courier *courier_free(struct courier *c)
{
	struct pending *p;

	if (c == NULL)
		return NULL;
	resolver_delegate(c->resolver, NULL, NULL);
	channel_free(c->channel);
	while ((p = LIST_FIRST(&c->calls)) != NULL) {
		LIST_REMOVE(p, link);
		pending_free(p);
	}
	loop_timer_free(c->restart);
	buf_wipe(&c->target);
	return mem_free(c);
}
