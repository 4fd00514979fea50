/*
 * DOC: the HTTP client over libcurl. Inside curl's callbacks nothing but gathering happens:
 * answers, events and ends are told afterwards (settle), so that whoever is told may start and
 * cancel calls, or free the client, at will. An "enter/leave" pair keeps the client alive for the
 * time of such a round.
 */
#include "http/client.h"

#include "http/call.h"

#include "base/mem.h"

#include <string.h>
#include <strings.h>
#include <sys/queue.h>

struct http_client {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	TAILQ_HEAD(, http_call) calls;
	TAILQ_HEAD(, http_call) fed; /* streams with news */
	int depth;                   /* rounds of settling under way */
	bool dying;
};

struct sock {
	struct http_client *client;
	curl_socket_t fd;
	struct loop_fd *watch;
};

/* On each sign of life of a stream, inside curl. */
static void on_heard(struct http_call *call)
{
	if (call->dead_after > 0)
		loop_timer_set(call->timer, call->dead_after, 0);
	if (!call->opened)
		return;
	if (!call->is_fed)
		TAILQ_INSERT_TAIL(&call->client->fed, call, fed_link);
	call->is_fed = true;
}

/* Take a call out of everything that knows it, and free it. */
static void drop(struct http_call *call)
{
	struct http_client *c = call->client;

	if (call->added)
		curl_multi_remove_handle(c->multi, call->easy);
	if (call->is_fed)
		TAILQ_REMOVE(&c->fed, call, fed_link);
	TAILQ_REMOVE(&c->calls, call, link);
	loop_timer_free(call->timer);
	http_call_free(call);
}

static void destroy(struct http_client *c)
{
	struct http_call *call;

	while ((call = TAILQ_FIRST(&c->calls)) != NULL)
		drop(call);
	/* Closing its connections, curl still uses the watchers and the timer. */
	curl_multi_cleanup(c->multi);
	loop_timer_free(c->timer);
	mem_free(c);
}

static void enter(struct http_client *c)
{
	c->depth++;
}

static void leave(struct http_client *c)
{
	if (--c->depth == 0 && c->dying)
		destroy(c);
}

/* Nobody wants to hear of this call any more. */
static bool deaf(const struct http_call *call)
{
	return call->cancelled || call->client->dying;
}

/* Tell the end and free the call. */
static void finish(struct http_call *call, const struct err *e)
{
	call->busy = true;
	if (!deaf(call) && call->is_stream)
		call->events.on_end(call->events.arg, call->resp.status, call->resp.retry_after,
			e->code != 0 ? e : NULL);
	else if (!deaf(call))
		call->done(call->arg, e->code != 0 ? NULL : &call->resp, e->code != 0 ? e : NULL);
	drop(call);
}

static void on_sse_event(void *arg, const char *type, const char *id, const char *data, size_t n)
{
	struct http_call *call = arg;

	if (!deaf(call))
		call->events.on_event(call->events.arg, type, id, data, n);
}

static void on_sse_retry(void *arg, msec base)
{
	struct http_call *call = arg;

	if (!deaf(call) && call->events.on_retry != NULL)
		call->events.on_retry(call->events.arg, base);
}

static bool is_event_stream(const struct http_call *call)
{
	const char *type = http_response_header(&call->resp, "Content-Type");

	return type != NULL && strncasecmp(type, "text/event-stream", 17) == 0;
}

static void tell_events(struct http_call *call, struct err *e)
{
	struct buf in = call->in;

	memset(&call->in, 0, sizeof(call->in));
	if (!call->told_open && !is_event_stream(call)) {
		err_set(e, ERR_INVALID, "%s does not answer with events", call->base);
	} else {
		if (!call->told_open && call->events.on_open != NULL)
			call->events.on_open(call->events.arg);
		call->told_open = true;
		sse_feed(&call->sse, buf_str(&in), in.len, e);
	}
	buf_done(&in);
}

/* Hand the news of one stream to its owner. */
static void feed(struct http_call *call)
{
	struct err e = {0};

	TAILQ_REMOVE(&call->client->fed, call, fed_link);
	call->is_fed = false;
	call->busy = true;
	tell_events(call, &e);
	call->busy = false;
	if (e.code != 0 || deaf(call)) {
		call->resp.status = http_call_status(call);
		finish(call, &e);
	}
}

/* After curl has worked: tell all that happened. */
static void settle(struct http_client *c)
{
	struct http_call *call;
	CURLMsg *m;
	int left;

	enter(c);
	while (!c->dying && (call = TAILQ_FIRST(&c->fed)) != NULL)
		feed(call);
	while (!c->dying && (m = curl_multi_info_read(c->multi, &left)) != NULL) {
		struct err e = {0};

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		http_call_judge(call, m->data.result, &e);
		finish(call, &e);
	}
	leave(c);
}

static void on_socket_ready(int events, void *arg)
{
	struct sock *s = arg;
	struct http_client *c = s->client;
	int mask = 0, running;

	mask |= events & LOOP_READ ? CURL_CSELECT_IN : 0;
	mask |= events & LOOP_WRITE ? CURL_CSELECT_OUT : 0;
	curl_multi_socket_action(c->multi, s->fd, mask, &running);
	settle(c);
}

static void on_timer(void *arg)
{
	struct http_client *c = arg;
	int running;

	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	settle(c);
}

/* curl wants a socket watched. */
static int on_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *sock)
{
	struct http_client *c = arg;
	struct sock *s = sock;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL)
			loop_fd_free(s->watch);
		mem_free(s);
		return 0;
	}
	if (s == NULL) {
		s = NEW(struct sock);
		s->client = c;
		s->fd = fd;
		s->watch = loop_fd_new(c->loop, fd, on_socket_ready, s);
		if (s->watch == NULL) {
			mem_free(s);
			return -1;
		}
		curl_multi_assign(c->multi, fd, s);
	}
	loop_fd_set(s->watch,
		(what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0));
	return 0;
}

static int on_set_timer(CURLM *multi, long ms, void *arg)
{
	struct http_client *c = arg;

	(void)multi;
	if (ms < 0)
		loop_timer_stop(c->timer);
	else
		loop_timer_set(c->timer, ms, 0);
	return 0;
}

struct http_client *http_client_new(struct loop *l)
{
	struct http_client *c = NEW(struct http_client);

	http_call_library();
	c->loop = l;
	TAILQ_INIT(&c->calls);
	TAILQ_INIT(&c->fed);
	c->timer = loop_timer_new(l, on_timer, c);
	c->multi = curl_multi_init();
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_watch);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_set_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	return c;
}

struct http_client *http_client_free(struct http_client *c)
{
	if (c == NULL)
		return NULL;
	c->dying = true;
	if (c->depth == 0)
		destroy(c);
	return NULL;
}

/* The call's own timer: it could not start, or its stream fell silent. */
static void on_call_timer(void *arg)
{
	struct http_call *call = arg;
	struct http_client *c = call->client;
	struct err e = call->failure;

	if (e.code == 0)
		err_set(&e, ERR_TIMEOUT, "%s: no sign of life for %lld ms", call->base,
			(long long)call->dead_after);
	call->resp.status = http_call_status(call);
	enter(c);
	finish(call, &e);
	leave(c);
}

static void start(struct http_call *call)
{
	struct http_client *c = call->client;

	TAILQ_INSERT_TAIL(&c->calls, call, link);
	call->timer = loop_timer_new(c->loop, on_call_timer, call);
	if (call->failure.code == 0 && curl_multi_add_handle(c->multi, call->easy) != CURLM_OK)
		err_set(&call->failure, ERR_INTERNAL, "cannot start a call");
	if (call->failure.code != 0) {
		/* Told from the loop, never before the caller has the call in hand. */
		loop_timer_set(call->timer, 0, 0);
		return;
	}
	call->added = true;
	if (call->is_stream)
		on_heard(call);
}

struct http_call *http_client_send(struct http_client *c, const struct http_target *t,
	const struct http_send *send,
	void (*done)(void *arg, struct http_response *r, const struct err *e), void *arg)
{
	struct http_call *call = http_call_new(c, t);

	call->done = done;
	call->arg = arg;
	http_call_set_timeout(call, send);
	http_call_prepare(call, t, send, &call->failure);
	start(call);
	return call;
}

void http_call_cancel(struct http_call *call)
{
	if (call == NULL)
		return;
	/* In the middle of being told: whoever tells frees it. */
	if (call->busy)
		call->cancelled = true;
	else
		drop(call);
}

struct http_call *http_client_events(struct http_client *c, const struct http_target *t,
	const char *path, const char *bearer, const char *last_event_id, msec dead_after,
	const struct http_events *handlers)
{
	struct http_call *call = http_call_new(c, t);
	AUTOFREE char *id = last_event_id != NULL && last_event_id[0] != '\0'
		? mem_printf("Last-Event-ID: %s", last_event_id)
		: NULL;
	const char *const headers[] = {
		"Accept: text/event-stream", "Cache-Control: no-cache", id, NULL};
	const struct http_send send = {
		.method = "GET", .path = path, .bearer = bearer, .headers = headers};

	call->is_stream = true;
	call->heard = on_heard;
	call->events = *handlers;
	call->dead_after = dead_after;
	call->sse.on_event = on_sse_event;
	call->sse.on_retry = on_sse_retry;
	call->sse.arg = call;
	http_call_prepare(call, t, &send, &call->failure);
	/* Often the way here has just died: what else was connected by it would be silent, too, and
	 * not be noticed for another dead_after. A stream keeps its connection, so it costs none.
	 */
	curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L);
	start(call);
	return call;
}
