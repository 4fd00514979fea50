/* DOC: messages to calls and back; see net_process.h. */
#include "agent/net_process.h"

#include "agent/channel.h"
#include "agent/confine.h"
#include "agent/direct.h"
#include "agent/lookup.h"
#include "agent/message.h"
#include "agent/resolve.h"
#include "agent/responder.h"
#include "base/log.h"
#include "base/loop.h"

#include <signal.h>
#include <stdio.h>
#include <sys/queue.h>

#define FROM_APPLY_MAX (CHANNEL_QUEUE_MAX / 2) /* the greatest heartbeat */

struct net {
	struct loop *loop;
	struct channel *channel;
	struct direct direct;
	struct wire_carrier carrier;
	LIST_HEAD(, job) jobs;
	struct strs names; /* to be looked up */
	struct lookup *lookup;
	struct responder *responder;
	int status;
};

/* A call of apply's. */
struct job {
	LIST_ENTRY(job) link;
	struct net *net;
	uint32_t id;
	struct wire_call *call;
};

static void job_free(struct job *j)
{
	LIST_REMOVE(j, link);
	mem_free(j);
}

static struct job *job_new(struct net *n, uint32_t id)
{
	struct job *j = NEW(struct job);

	j->net = n;
	j->id = id;
	LIST_INSERT_HEAD(&n->jobs, j, link);
	return j;
}

static void send_answer(struct job *j, uint32_t type, const struct message_answer *m)
{
	CLEANUP(buf_wipe) struct buf payload = {0};

	message_put_answer(&payload, m);
	channel_send(j->net->channel, type, j->id, &payload);
}

static void on_answer(void *arg, struct http_response *r, const struct err *e)
{
	struct job *j = arg;
	struct message_answer m = {0};

	if (r == NULL) {
		m.code = e->code;
		m.text = e->text;
		send_answer(j, MESSAGE_FAILED, &m);
	} else {
		m.status = r->status;
		m.retry_after = r->retry_after;
		m.head = http_response_header(r, STATE_HEAD);
		m.body = r->body.len == 0 ? NULL : buf_str(&r->body);
		m.body_n = r->body.len;
		send_answer(j, MESSAGE_ANSWER, &m);
	}
	job_free(j);
}

/* --- the stream ---------------------------------------------------------------------------------
 */

static void on_open(void *arg)
{
	struct job *j = arg;

	channel_send(j->net->channel, MESSAGE_OPEN, j->id, NULL);
}

static void on_event(void *arg, const char *type, const char *id, const char *data, size_t n)
{
	struct job *j = arg;
	const struct buf payload = {.data = (char *)(uintptr_t)data, .len = n};

	channel_send(j->net->channel, MESSAGE_EVENT, j->id, &payload);
}

static void on_retry(void *arg, msec base)
{
	struct job *j = arg;
	CLEANUP(buf_done) struct buf payload = {0};

	message_put_number(&payload, base);
	channel_send(j->net->channel, MESSAGE_RETRY, j->id, &payload);
}

static void on_end(void *arg, int status, msec retry_after, const struct err *e)
{
	struct job *j = arg;
	struct message_answer m = {.status = status, .retry_after = retry_after};

	if (e != NULL) {
		m.code = e->code;
		m.text = e->text;
	}
	send_answer(j, MESSAGE_END, &m);
	job_free(j);
}

/* --- names ---------------------------------------------------------------------------------------
 */

static void next_name(struct net *n);

static void on_found(void *arg, const char *host, struct addr addr)
{
	struct net *n = arg;
	CLEANUP(buf_done) struct buf payload = {0};
	const struct message_address m = {host, addr};

	n->lookup = NULL;
	message_put_address(&payload, &m);
	channel_send(n->channel, MESSAGE_ADDRESS, 0, &payload);
	next_name(n);
}

static void next_name(struct net *n)
{
	if (n->lookup != NULL || n->names.n == 0)
		return;
	n->lookup = lookup_start(n->loop, n->names.v[0], on_found, n);
	mem_free(n->names.v[0]);
	VEC_REMOVE(&n->names, 0);
}

/* --- what apply says -----------------------------------------------------------------------------
 */

static int take_target(struct net *n, const struct channel_message *m, struct err *e)
{
	struct message_target t = {0};
	struct http_target target = {0};

	if (message_get_target(m->data, m->n, &t, e) < 0)
		return e->code;
	target.base = mem_strdup(t.base);
	for (size_t i = 0; i < t.n_pins; i++)
		strs_push(&target.pins, t.pins[i]);
	n->carrier.target(n->carrier.ctx, &target, t.bearer);
	http_target_done(&target);
	mem_free((void *)(uintptr_t)t.pins);
	return 0;
}

static int take_call(struct net *n, const struct channel_message *m, struct err *e)
{
	struct message_call c;
	struct wire_request rq;
	struct buf body;
	struct job *j;

	if (message_get_call(m->data, m->n, &c, e) < 0)
		return e->code;
	body = (struct buf){.data = (char *)(uintptr_t)c.body, .len = c.body_n};
	rq = (struct wire_request){.method = c.method,
		.path = c.path,
		.headers = c.headers,
		.body = c.body == NULL ? NULL : &body,
		.insecure = c.insecure};
	j = job_new(n, m->id);
	j->call = n->carrier.send(n->carrier.ctx, &rq, on_answer, j);
	return 0;
}

static int take_stream(struct net *n, const struct channel_message *m, struct err *e)
{
	struct message_stream s;
	struct http_events h = {
		.on_open = on_open, .on_event = on_event, .on_retry = on_retry, .on_end = on_end};

	if (message_get_stream(m->data, m->n, &s, e) < 0)
		return e->code;
	h.arg = job_new(n, m->id);
	((struct job *)h.arg)->call =
		n->carrier.events(n->carrier.ctx, s.path, s.last_id, s.dead_after, &h);
	return 0;
}

static int take_cancel(struct net *n, const struct channel_message *m, struct err *e)
{
	struct job *j;

	LIST_FOREACH(j, &n->jobs, link)
	if (j->id == m->id)
		break;
	if (j != NULL) { /* else its answer is on its way */
		n->carrier.cancel(n->carrier.ctx, j->call);
		job_free(j);
	}
	return 0;
}

static int take_lookup(struct net *n, const struct channel_message *m, struct err *e)
{
	struct message_address a;

	if (message_get_address(m->data, m->n, &a, e) < 0)
		return e->code;
	if (n->names.n < RESOLVE_NAMES_MAX)
		strs_push(&n->names, a.host);
	next_name(n);
	return 0;
}

static int take_dns(struct net *n, const struct channel_message *m, struct err *e)
{
	int fds[RESPONDER_FDS] = {-1, -1};

	for (size_t i = 0; m->type == MESSAGE_LISTEN && i < RESPONDER_FDS; i++)
		fds[i] = channel_take_fd(n->channel);
	return responder_take(n->responder, m->type, m->data, m->n, fds, e);
}

static int64_t limit(void *arg, uint32_t type, uint32_t id)
{
	return FROM_APPLY_MAX;
}

static int message(void *arg, const struct channel_message *m, struct err *e)
{
	static int (*const take[])(struct net *, const struct channel_message *, struct err *) = {
		[MESSAGE_TARGET] = take_target,
		[MESSAGE_CALL] = take_call,
		[MESSAGE_STREAM] = take_stream,
		[MESSAGE_CANCEL] = take_cancel,
		[MESSAGE_LOOKUP] = take_lookup,
		[MESSAGE_ZONE] = take_dns,
		[MESSAGE_ZONE_GONE] = take_dns,
		[MESSAGE_LISTEN] = take_dns,
		[MESSAGE_UNLISTEN] = take_dns,
		[MESSAGE_UPSTREAMS] = take_dns,
	};

	if (m->type >= ARRAY_LEN(take) || take[m->type] == NULL)
		return err_set(e, ERR_INVALID, "message %u is not for net", m->type);
	return take[m->type](arg, m, e);
}

static void on_ended(void *arg, const struct err *e)
{
	struct net *n = arg;

	if (e->code != ERR_GONE) {
		log_error("the net process ends", LOG_KV_STR("error", e->text));
		n->status = 1;
	}
	loop_stop(n->loop);
}

int net_process(int fd)
{
	struct net n = {0};
	const struct channel_handlers h = {limit, message, on_ended, &n, true};
	struct err e = {0};
	struct job *j;

	LIST_INIT(&n.jobs);
	/* its end comes with the channel's; what ends a group is apply's business */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* the library reads its settings while it may */
	n.loop = loop_new();
	direct_init(&n.direct, n.loop, &n.carrier);
	if (confine_net(&e) < 0) {
		log_error("the net process cannot be confined", LOG_KV_STR("error", e.text));
		return 1;
	}
	n.responder = responder_new(n.loop, &clock_real);
	n.channel = channel_new(n.loop, fd, &h);
	if (n.channel == NULL)
		return 1;
	loop_run(n.loop);
	lookup_cancel(n.lookup);
	while ((j = LIST_FIRST(&n.jobs)) != NULL)
		job_free(j);
	direct_done(&n.direct);
	responder_free(n.responder);
	channel_free(n.channel);
	strs_done(&n.names);
	loop_free(n.loop);
	return n.status;
}
