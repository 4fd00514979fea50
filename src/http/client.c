/*
 * DOC: the HTTP client over libcurl. Inside curl's callbacks nothing but gathering happens:
 * answers, events and ends are told afterwards (settle), so that whoever is told may start and
 * cancel calls, or free the client, at will. An "enter/leave" pair keeps the client alive for the
 * time of such a round.
 */
#include "http/client.h"

#include "http/gzip.h"
#include "http/sse.h"

#include "base/mem.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include <curl/curl.h>

#define RESPONSE_MAX (64u * 1024 * 1024)
#define RESPONSE_HEADERS_MAX 256
#define GZIP_FROM 1024
#define TIMEOUT_DEFAULT ((msec)30 * 1000)
#define CONNECT_TIMEOUT_MS 10000L
#define RETRY_AFTER_MAX (24u * 3600)
#define UNIX_SCHEME "http+unix://"

struct http_client {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	TAILQ_HEAD(, http_call) calls;
	TAILQ_HEAD(, http_call) fed; /* streams with news */
	int depth;                   /* rounds of settling under way */
	bool dying;
};

struct http_call {
	struct http_client *client; /* NULL for http_call_wait */
	TAILQ_ENTRY(http_call) link, fed_link;
	CURL *easy;
	bool added; /* to the multi handle */
	struct curl_slist *headers;
	struct buf body;
	char *base; /* for errors */
	char detail[CURL_ERROR_SIZE];
	struct http_response resp;
	struct err failure; /* found by ourselves */
	void (*done)(void *arg, struct http_response *r, const struct err *e);
	void *arg;
	bool busy, cancelled;     /* being told; must not be told any more */
	struct loop_timer *timer; /* silence of streams; failures before the start */

	bool is_stream, is_fed, opened, told_open;
	struct http_events events;
	msec dead_after;
	struct buf in; /* received, not parsed yet */
	struct sse_parser sse;
};

struct sock {
	struct http_client *client;
	curl_socket_t fd;
	struct loop_fd *watch;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_start(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

void http_target_done(struct http_target *t)
{
	t->base = mem_free(t->base);
	strs_done(&t->pins);
	t->ca_file = mem_free(t->ca_file);
}

const char *http_response_header(const struct http_response *r, const char *name)
{
	size_t n = strlen(name);

	VEC_FOREACH (h, &r->headers)
		if (strncasecmp(*h, name, n) == 0 && (*h)[n] == ':')
			return *h + n + 1 + strspn(*h + n + 1, " \t");
	return NULL;
}

void http_response_done(struct http_response *r)
{
	/* Answers carry keys and tokens. */
	buf_wipe(&r->body);
	strs_done(&r->headers);
}

static void read_retry_after(struct http_response *r)
{
	const char *text = http_response_header(r, "Retry-After");
	uint64_t s;

	if (text != NULL && text_u64(text, RETRY_AFTER_MAX, &s) == 0)
		r->retry_after = (msec)s * 1000;
}

/* --- what to ask ------------------------------------------------------------------------ */

/* No byte that could end a header line or the request line. */
static bool clean(const char *s, char lowest)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < (unsigned char)lowest || *s == 0x7f)
			return false;
	return true;
}

static void add_header(struct http_call *call, const char *fmt, const char *value, struct err *e)
{
	CLEANUP(buf_wipe) struct buf b = {0};

	buf_adds(&b, fmt);
	buf_adds(&b, value);
	if (!clean(buf_str(&b), ' '))
		err_set(e, ERR_INVALID, "a header has a control character");
	else
		call->headers = curl_slist_append(call->headers, buf_str(&b));
}

/* Plain http keeps nothing secret, so it is for this machine only. */
static bool is_loopback(const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;
	struct in_addr in4;
	bool yes = false;

	if (curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		yes = strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
			(inet_pton(AF_INET, host, &in4) == 1 && ntohl(in4.s_addr) >> 24 == 127);
	curl_free(host);
	curl_url_cleanup(u);
	return yes;
}

static int set_address(
	struct http_call *call, const struct http_target *t, const char *path, struct err *e)
{
	const char *base = t->base;
	size_t n = strlen(base);
	AUTOFREE char *url = NULL;

	if (path[0] != '/' || !clean(path, '!') || !clean(base, '!'))
		return err_set(e, ERR_INVALID, "\"%s%s\" is not a usable address", base, path);
	while (n > 0 && base[n - 1] == '/')
		n--;
	url = mem_printf("%.*s%s", (int)n, base, path);
	if (text_starts(base, UNIX_SCHEME)) {
		AUTOFREE char *on_socket = mem_printf("http://localhost%s", path);

		curl_easy_setopt(call->easy, CURLOPT_UNIX_SOCKET_PATH, base + strlen(UNIX_SCHEME));
		curl_easy_setopt(call->easy, CURLOPT_URL, on_socket);
	} else if (text_starts(base, "https://") ||
		(text_starts(base, "http://") && is_loopback(base))) {
		curl_easy_setopt(call->easy, CURLOPT_URL, url);
	} else {
		return err_set(e, ERR_INVALID, "\"%s\" is not an https:// address", base);
	}
	if (!text_starts(base, "https://"))
		curl_easy_setopt(call->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(call->easy, CURLOPT_PROTOCOLS_STR,
		text_starts(base, "https://") ? "https" : "http");
	return 0;
}

static void set_trust(struct http_call *call, const struct http_target *t)
{
	CLEANUP(buf_done) struct buf pins = {0};

	VEC_FOREACH (pin, &t->pins)
		buf_addf(&pins, "%ssha256//%s", pins.len > 0 ? ";" : "", *pin);
	if (pins.len > 0)
		curl_easy_setopt(call->easy, CURLOPT_PINNEDPUBLICKEY, buf_str(&pins));
	/* A pin says which key; who else vouches for it does not matter then. */
	if (pins.len > 0 || t->insecure) {
		curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST, 0L);
		/* Parsing the system's CAs costs more than all the rest of a handshake. */
		curl_easy_setopt(call->easy, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(call->easy, CURLOPT_CAPATH, NULL);
	} else if (t->ca_file != NULL) {
		curl_easy_setopt(call->easy, CURLOPT_CAINFO, t->ca_file);
	}
	curl_easy_setopt(call->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static int set_body(struct http_call *call, const struct http_send *send, struct err *e)
{
	bool gzip = send->gzip && send->body_len > GZIP_FROM;
	int r = 0;

	if (gzip)
		r = http_gzip(send->body, send->body_len, &call->body, e);
	else if (send->body_len > 0)
		buf_add(&call->body, send->body, send->body_len);
	if (r < 0)
		return r;
	if (gzip)
		add_header(call, "Content-Encoding: ", "gzip", e);
	if (send->body_len == 0 && send->content_type == NULL)
		add_header(call, "Content-Type:", "", e); /* else curl calls it a form */
	else
		add_header(call, "Content-Type: ",
			send->content_type != NULL ? send->content_type : "application/json", e);
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, buf_str(&call->body));
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
	return 0;
}

static int set_request(struct http_call *call, const struct http_send *send, struct err *e)
{
	bool has_body = send->body_len > 0 || strcmp(send->method, "POST") == 0 ||
		strcmp(send->method, "PUT") == 0 || strcmp(send->method, "PATCH") == 0;
	struct err bad = {0};
	int r = 0;

	if (!clean(send->method, '!'))
		return err_set(e, ERR_INVALID, "\"%s\" is not a method", send->method);
	if (has_body)
		r = set_body(call, send, e);
	if (r < 0)
		return r;
	if (strcmp(send->method, "HEAD") == 0)
		curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, send->method);
	if (send->bearer != NULL)
		add_header(call, "Authorization: Bearer ", send->bearer, &bad);
	for (size_t i = 0; send->headers != NULL && send->headers[i] != NULL; i++)
		add_header(call, "", send->headers[i], &bad);
	/* Waiting for "100 Continue" only costs a round trip with our servers. */
	add_header(call, "Expect:", "", &bad);
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
	if (bad.code != 0 && e != NULL)
		*e = bad;
	return bad.code;
}

/* --- what comes back -------------------------------------------------------------------- */

static void feed_later(struct http_call *call)
{
	if (!call->is_fed)
		TAILQ_INSERT_TAIL(&call->client->fed, call, fed_link);
	call->is_fed = true;
}

static void alive(struct http_call *call)
{
	if (call->is_stream && call->dead_after > 0)
		loop_timer_set(call->timer, call->dead_after, 0);
}

static long status_of(struct http_call *call)
{
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;
	size_t len = n;

	(void)size;
	alive(call);
	while (len > 0 && (p[len - 1] == '\r' || p[len - 1] == '\n'))
		len--;
	if (len == 0) {
		/* The end of the headers, perhaps of an interim response only. */
		if (call->is_stream && status_of(call) == 200) {
			call->opened = true;
			feed_later(call);
		}
	} else if (len > 5 && memcmp(p, "HTTP/", 5) == 0) {
		strs_done(&call->resp.headers);
	} else if (call->resp.headers.n < RESPONSE_HEADERS_MAX) {
		VEC_PUSH(&call->resp.headers, mem_strndup(p, len));
	}
	return n;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;

	(void)size;
	alive(call);
	if (call->is_stream) {
		if (call->opened) {
			buf_add(&call->in, p, n);
			feed_later(call);
		}
		return n;
	}
	if (n > RESPONSE_MAX - call->resp.body.len) {
		err_set(&call->failure, ERR_INVALID, "answer of %s is larger than %u bytes",
			call->base, RESPONSE_MAX);
		return 0;
	}
	buf_add(&call->resp.body, p, n);
	return n;
}

static int code_of(CURLcode c)
{
	static const struct {
		CURLcode curl;
		int code;
	} t[] = {
		{CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT},
		{CURLE_SSL_PINNEDPUBKEYNOTMATCH, ERR_CORRUPT},
		{CURLE_PEER_FAILED_VERIFICATION, ERR_CORRUPT},
		{CURLE_SSL_CACERT_BADFILE, ERR_INVALID},
		{CURLE_URL_MALFORMAT, ERR_INVALID},
		{CURLE_UNSUPPORTED_PROTOCOL, ERR_INVALID},
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		if (t[i].curl == c)
			return t[i].code;
	return ERR_UNAVAILABLE;
}

/* The error of a finished transfer, if it was one. */
static void judge(struct http_call *call, CURLcode c, struct err *e)
{
	if (call->failure.code != 0)
		*e = call->failure;
	else if (c != CURLE_OK)
		err_set(e, code_of(c), "%s: %s", call->base,
			call->detail[0] != '\0' ? call->detail : curl_easy_strerror(c));
	call->resp.status = (int)status_of(call);
	read_retry_after(&call->resp);
}

/* --- calls ------------------------------------------------------------------------------ */

static struct http_call *call_new(struct http_client *c, const struct http_target *t)
{
	struct http_call *call = NEW(struct http_call);

	pthread_once(&curl_once, curl_start);
	call->client = c;
	call->base = mem_strdup(t->base);
	call->easy = curl_easy_init();
	if (call->easy == NULL)
		abort(); /* out of memory, as in base/mem.h */
	curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->detail);
	curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(call->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(call->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(call->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(call->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
	return call;
}

static void call_free(struct http_call *call)
{
	if (call->client != NULL) {
		if (call->added)
			curl_multi_remove_handle(call->client->multi, call->easy);
		if (call->is_fed)
			TAILQ_REMOVE(&call->client->fed, call, fed_link);
		TAILQ_REMOVE(&call->client->calls, call, link);
	}
	loop_timer_free(call->timer);
	curl_easy_cleanup(call->easy);
	for (struct curl_slist *h = call->headers; h != NULL; h = h->next)
		mem_wipe(h->data, strlen(h->data));
	curl_slist_free_all(call->headers);
	buf_wipe(&call->body);
	http_response_done(&call->resp);
	buf_done(&call->in);
	sse_done(&call->sse);
	mem_free(call->base);
	mem_free(call);
}

static int prepare(struct http_call *call, const struct http_target *t,
	const struct http_send *send, struct err *e)
{
	int r = set_address(call, t, send->path, e);

	if (r < 0)
		return r;
	set_trust(call, t);
	return set_request(call, send, e);
}

static void set_timeout(struct http_call *call, const struct http_send *send)
{
	msec t = send->timeout > 0 ? send->timeout : TIMEOUT_DEFAULT;

	curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, (long)t);
	curl_easy_setopt(call->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
}

int http_call_wait(const struct http_target *t, const struct http_send *send,
	struct http_response *ret, struct err *e)
{
	struct http_call *call = call_new(NULL, t);
	struct err bad = {0};

	if (prepare(call, t, send, &bad) == 0) {
		set_timeout(call, send);
		judge(call, curl_easy_perform(call->easy), &bad);
	}
	if (bad.code == 0) {
		*ret = call->resp;
		memset(&call->resp, 0, sizeof(call->resp));
	} else if (e != NULL) {
		*e = bad;
	}
	call_free(call);
	return bad.code;
}

/* --- rounds ----------------------------------------------------------------------------- */

static void destroy(struct http_client *c)
{
	struct http_call *call;

	while ((call = TAILQ_FIRST(&c->calls)) != NULL)
		call_free(call);
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
	call_free(call);
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
		call->resp.status = (int)status_of(call);
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
		judge(call, m->data.result, &e);
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

	pthread_once(&curl_once, curl_start);
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
	call->resp.status = (int)status_of(call);
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
	alive(call);
}

struct http_call *http_client_send(struct http_client *c, const struct http_target *t,
	const struct http_send *send,
	void (*done)(void *arg, struct http_response *r, const struct err *e), void *arg)
{
	struct http_call *call = call_new(c, t);

	call->done = done;
	call->arg = arg;
	set_timeout(call, send);
	prepare(call, t, send, &call->failure);
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
		call_free(call);
}

struct http_call *http_client_events(struct http_client *c, const struct http_target *t,
	const char *path, const char *bearer, const char *last_event_id, msec dead_after,
	const struct http_events *handlers)
{
	struct http_call *call = call_new(c, t);
	AUTOFREE char *id = last_event_id != NULL && last_event_id[0] != '\0'
		? mem_printf("Last-Event-ID: %s", last_event_id)
		: NULL;
	const char *const headers[] = {
		"Accept: text/event-stream", "Cache-Control: no-cache", id, NULL};
	const struct http_send send = {
		.method = "GET", .path = path, .bearer = bearer, .headers = headers};

	call->is_stream = true;
	call->events = *handlers;
	call->dead_after = dead_after;
	call->sse.on_event = on_sse_event;
	call->sse.on_retry = on_sse_retry;
	call->sse.arg = call;
	prepare(call, t, &send, &call->failure);
	start(call);
	return call;
}
