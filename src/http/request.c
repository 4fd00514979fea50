/* DOC: what handlers see of a request, and the reply they give; see request.h and server.h. */
#include "http/request.h"
#include "http/gzip.h"

#include "http/stream.h"

#include <string.h>
#include <strings.h>
#include <time.h>

static int64_t micros_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

struct http_request *http_request_new(struct http_shard *shard, const char *raw_target)
{
	struct http_request *rq = NEW(struct http_request);

	rq->shard = shard;
	rq->server = shard->worker->server;
	atomic_fetch_add(&rq->server->refs, 1);
	/* One byte past the limit is enough to know that it is passed. */
	rq->raw_target = mem_strndup(raw_target, HTTP_TARGET_MAX + 1);
	rq->started = micros_now();
	return rq;
}

void http_request_free(struct http_request *rq)
{
	struct http_server *s = rq->server;

	/* Opened, but the connection went before it was answered. */
	if (rq->stream != NULL)
		http_stream_end(rq->stream);
	mem_free(rq->raw_target);
	mem_free(rq->method);
	http_target_parts_done(&rq->target);
	http_pairs_done(&rq->params);
	http_pairs_done(&rq->headers);
	http_pairs_done(&rq->cookies);
	http_pairs_done(&rq->reply_headers);
	atomic_fetch_sub(&s->bodies, rq->body_counted);
	/* Bodies carry passwords, replies private keys. */
	buf_wipe(&rq->body);
	buf_wipe(&rq->reply);
	mem_free(rq->type);
	mem_free(rq);
	http_server_unref(s);
}

static const char *lookup(const struct http_pairs *pairs, const char *name,
	int (*compare)(const char *, const char *))
{
	VEC_FOREACH (p, pairs)
		if (compare(p->name, name) == 0)
			return p->value;
	return NULL;
}

const char *http_method(const struct http_request *rq)
{
	return rq->method;
}

const char *http_path(const struct http_request *rq)
{
	return rq->target.path;
}

const char *http_param(const struct http_request *rq, const char *name)
{
	return lookup(&rq->params, name, strcmp);
}

const char *http_query(const struct http_request *rq, const char *name)
{
	return lookup(&rq->target.query, name, strcmp);
}

const char *http_query_name(const struct http_request *rq, size_t i)
{
	return i < rq->target.query.n ? rq->target.query.v[i].name : NULL;
}

const char *http_header(const struct http_request *rq, const char *name)
{
	return lookup(&rq->headers, name, strcasecmp);
}

/* "a=1; b=2" into pairs; what is not a pair is skipped. */
static void parse_cookies(const char *s, struct http_pairs *out)
{
	while (*s != '\0') {
		size_t n = strcspn(s, ";");
		const char *eq = memchr(s, '=', n);

		if (eq != NULL && eq > s) {
			struct http_pair p = {mem_strndup(s, (size_t)(eq - s)),
				mem_strndup(eq + 1, (size_t)(s + n - eq - 1))};

			VEC_PUSH(out, p);
		}
		s += n;
		s += strspn(s, "; ");
	}
}

const char *http_cookie(const struct http_request *rq, const char *name)
{
	/* Parsed when first asked for; the request looks the same before and after. */
	struct http_request *mutable = (struct http_request *)(uintptr_t)rq;

	if (!rq->cookies_parsed) {
		VEC_FOREACH (h, &rq->headers)
			if (strcasecmp(h->name, "Cookie") == 0)
				parse_cookies(h->value, &mutable->cookies);
		mutable->cookies_parsed = true;
	}
	return lookup(&rq->cookies, name, strcmp);
}

const char *http_error_body(
	const struct http_request *rq, int status, const struct err *why, struct buf *out)
{
	const char *type = "text/plain";

	if (rq->server->o.error_body != NULL)
		rq->server->o.error_body(status, why->text, why->field, out, &type);
	else
		buf_addf(out, "%s\n", why->text);
	return type;
}

bool http_body_count(struct http_request *rq, size_t n)
{
	size_t held = n > HTTP_BODY_FREE ? n - HTTP_BODY_FREE : 0, before = rq->body_counted;
	size_t more = held > before ? held - before : 0;

	if (more > 0 && atomic_fetch_add(&rq->server->bodies, more) + more > HTTP_BODIES_MAX) {
		atomic_fetch_sub(&rq->server->bodies, more);
		return false;
	}
	if (held < before)
		atomic_fetch_sub(&rq->server->bodies, before - held);
	rq->body_counted = held;
	return true;
}

/* What a body unpacks to has the limit that it would have had plain. 0, or the status of e. */
static int unpack(struct http_request *rq, struct err *e)
{
	const char *coding = http_header(rq, "Content-Encoding");
	struct buf plain = {0};
	int r;

	if (rq->body.len == 0 || coding == NULL || strcasecmp(coding, "identity") == 0)
		return 0;
	if (strcasecmp(coding, "gzip") != 0) {
		err_set(e, ERR_INVALID, "body must be plain or gzip");
		return 415;
	}
	r = http_gunzip(rq->body.data, rq->body.len, rq->body_max, &plain, e);
	if (r < 0) {
		buf_wipe(&plain);
		return r == ERR_EXHAUSTED ? 413 : 400;
	}
	if (!http_body_count(rq, plain.len)) {
		buf_wipe(&plain);
		err_set(e, ERR_UNAVAILABLE, "too many large bodies at once");
		return 503;
	}
	buf_wipe(&rq->body);
	rq->body = plain;
	return 0;
}

const char *http_body(struct http_request *rq, size_t *ret_n)
{
	struct err e = {0};
	int status = rq->body_read ? 0 : unpack(rq, &e);

	if (status != 0) {
		struct buf body = {0};
		const char *type = http_error_body(rq, status, &e, &body);

		http_reply(rq, status, type, &body);
		return NULL;
	}
	rq->body_read = true;
	if (ret_n != NULL)
		*ret_n = rq->body.len;
	return buf_str(&rq->body);
}

const char *http_peer(const struct http_request *rq)
{
	return rq->is_unix ? "unix" : rq->peer;
}

int http_peer_uid(const struct http_request *rq, uid_t *ret)
{
	if (!rq->has_uid)
		return ERR_UNSUPPORTED;
	*ret = rq->uid;
	return 0;
}

bool http_is_tls(const struct http_request *rq)
{
	return rq->is_tls;
}

void http_reply_header(struct http_request *rq, const char *name, const char *value)
{
	struct http_pair p = {mem_strdup(name), mem_strdup(value)};

	VEC_PUSH(&rq->reply_headers, p);
}

/* The reply is complete: hand it to the worker. True when nobody waits for it any more. */
static bool hand_over(struct http_request *rq)
{
	struct http_worker *w = rq->shard->worker;
	bool abandoned;

	pthread_mutex_lock(&w->lock);
	abandoned = rq->state == RQ_ABANDONED;
	if (rq->state == RQ_KEPT)
		http_worker_post(w, &rq->post);
	if (!abandoned)
		rq->state = RQ_READY;
	pthread_mutex_unlock(&w->lock);
	return abandoned;
}

/* One that refuses it by q=0 is not one we meet. */
bool http_takes_gzip(const struct http_request *rq)
{
	const char *accept = http_header(rq, "Accept-Encoding");

	return accept != NULL && strstr(accept, "gzip") != NULL;
}

void http_reply_packed(struct http_request *rq)
{
	rq->pack = true;
}

void http_reply(struct http_request *rq, int status, const char *type, struct buf *body)
{
	rq->status = status;
	rq->type = mem_strdup(type);
	if (body != NULL) {
		rq->reply = *body;
		memset(body, 0, sizeof(*body));
	}
	if (hand_over(rq))
		http_request_free(rq);
}

void http_reply_lasting(
	struct http_request *rq, int status, const char *type, const void *p, size_t n)
{
	rq->lasting = p;
	rq->lasting_n = n;
	http_reply(rq, status, type, NULL);
}

struct http_stream *http_stream_open(struct http_request *rq, void (*closed)(void *arg), void *arg)
{
	struct http_stream *s = http_stream_new(rq->shard, closed, arg);

	rq->status = 200;
	rq->type = mem_strdup("text/event-stream");
	rq->stream = s;
	if (hand_over(rq)) {
		http_request_free(rq);
		return NULL;
	}
	return s;
}
