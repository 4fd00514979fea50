/*
 * DOC: libmicrohttpd's callbacks: a request comes in, is guarded, routed, given to its handler
 * and answered. Runs on the worker's thread only; see worker.h for how others get a word in.
 */
#include "http/exchange.h"

#include "http/guard.h"
#include "http/gzip.h"
#include "http/handshake.h"
#include "http/request.h"
#include "http/route.h"
#include "http/stream.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <microhttpd.h>

/* Bodies that are refused are still read up to here, so that the client sees the answer rather
 * than a reset connection. */
#define DRAIN_MAX (8u * 1024 * 1024)
#define STREAM_BLOCK 512
#define REQUEST_HEADERS_MAX 256
/* X25519 first, whatever the client would like best: a handshake costs both a sixth less. */
#define TLS_PRIORITIES                                                   \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE:" \
	"-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1"

struct header_views {
	struct http_header_view v[REQUEST_HEADERS_MAX];
	size_t n;
	bool too_many;
};

static void refuse(struct http_request *rq, int status, const char *why)
{
	rq->refusal = status;
	err_set(&rq->why, ERR_INVALID, "%s", why);
}

static void *on_target(void *cls, const char *target, struct MHD_Connection *c)
{
	struct http_request *rq = http_request_new(cls, target);

	rq->connection = c;
	return rq;
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t value_len)
{
	struct header_views *views = cls;

	(void)kind;
	if (views->n == REQUEST_HEADERS_MAX) {
		views->too_many = true;
		return MHD_NO;
	}
	views->v[views->n++] = (struct http_header_view){
		name, value != NULL ? value : "", name_len, value != NULL ? value_len : 0};
	return MHD_YES;
}

#if MHD_VERSION < 0x00097701
/*
 * This generation of the library parses headers where they were received, puts a NUL over each
 * byte of a line end, and accepts what it should not: bare LF, folded lines, NUL inside a value,
 * a line without a name. It does not report them, but they show in where the pieces lie: a line's
 * text is followed by exactly two bytes (CR LF), then by the next name, and after the last line by
 * four (with the empty line; they are inside the connection's pool, whose end holds the record of
 * the header itself). Not seen: a bare LF in the last line end or the empty line when nothing
 * follows it in the same packet, which is no way to hide anything. Later versions of the library
 * refuse all this by themselves (client discipline, below).
 */
static bool lines_strict(const char *version, const struct header_views *views)
{
	const char *end = version + strlen(version);

	for (size_t i = 0; i < views->n; i++) {
		if (views->v[i].name != end + 2)
			return false;
		end = views->v[i].value + views->v[i].value_len;
	}
	return views->n == 0 || memcmp(end, "\0\0\0\0", 4) == 0;
}
#else
static bool lines_strict(const char *version, const struct header_views *views)
{
	(void)version;
	(void)views;
	return true;
}
#endif

static void copy_headers(struct http_request *rq, const struct header_views *views)
{
	VEC_RESERVE(&rq->headers, views->n);
	for (size_t i = 0; i < views->n; i++) {
		struct http_pair p = {mem_strndup(views->v[i].name, views->v[i].name_len),
			mem_strndup(views->v[i].value, views->v[i].value_len)};

		VEC_PUSH(&rq->headers, p);
	}
}

static void read_inet_peer(struct http_request *rq, const struct sockaddr *sa)
{
	const struct sockaddr_in *in4 = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	if (sa->sa_family == AF_INET)
		inet_ntop(AF_INET, &in4->sin_addr, rq->peer, sizeof(rq->peer));
	else if (sa->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], rq->peer, sizeof(rq->peer));
	else if (sa->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, rq->peer, sizeof(rq->peer));
}

static void read_peer(struct http_request *rq, struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *fd, *address;
	struct ucred cred;
	socklen_t len = sizeof(cred);

	rq->is_tls = rq->server->is_tls;
	rq->is_unix = rq->server->is_unix;
	if (!rq->is_unix) {
		address = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
		if (address != NULL && address->client_addr != NULL)
			read_inet_peer(rq, address->client_addr);
		return;
	}
	fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (fd != NULL && getsockopt(fd->connect_fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0) {
		rq->uid = cred.uid;
		rq->has_uid = true;
	}
}

static void find_route(struct http_request *rq)
{
	struct http_server *s = rq->server;
	CLEANUP(buf_done) struct buf allow = {0};
	int status;

	if (strlen(rq->raw_target) > HTTP_TARGET_MAX) {
		refuse(rq, MHD_HTTP_URI_TOO_LONG, "target is too long");
		return;
	}
	if (http_target_parse(rq->raw_target, &rq->target, &rq->why) < 0) {
		rq->refusal = MHD_HTTP_BAD_REQUEST;
		return;
	}
	status = http_route_find(s->o.routes, s->o.n_routes, rq->method, &rq->target.segments,
		&rq->route, &rq->params, &allow);
	if (status == 404)
		refuse(rq, status, "no such page");
	else if (status == 405)
		refuse(rq, status, "this page does not have that method");
	else if (status == 501)
		refuse(rq, status, "unknown method");
	if (allow.len > 0)
		http_reply_header(rq, "Allow", buf_str(&allow));
}

static void check_length(struct http_request *rq, uint64_t *ret_length)
{
	const char *text = http_header(rq, "Content-Length");

	rq->body_max = HTTP_BODY_MAX;
	if (rq->route != NULL && rq->route->body_max > 0)
		rq->body_max = rq->route->body_max;
	*ret_length = 0;
	if (text != NULL && text_u64(text, UINT64_MAX, ret_length) < 0)
		*ret_length = UINT64_MAX;
	if (rq->refusal == 0 && *ret_length > rq->body_max)
		refuse(rq, MHD_HTTP_CONTENT_TOO_LARGE, "body is too large");
}

static ssize_t on_stream_read(void *cls, uint64_t pos, char *to, size_t max)
{
	struct http_stream *s = cls;
	ssize_t n = http_stream_read(s, to, max);

	(void)pos;
	if (n == HTTP_STREAM_ENDED)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == HTTP_STREAM_CUT)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n == 0)
		MHD_suspend_connection(s->connection);
	return n;
}

static void on_stream_gone(void *cls)
{
	http_stream_end(cls);
}

#define PACK_FROM 1024

static void pack(struct http_request *rq)
{
	struct buf packed = {0};

	http_reply_header(rq, "Vary", "Accept-Encoding");
	if (rq->reply.len < PACK_FROM || !http_takes_gzip(rq))
		return;
	if (http_gzip(rq->reply.data, rq->reply.len, &packed, NULL) < 0) {
		buf_wipe(&packed);
		return; /* plain is as good */
	}
	buf_wipe(&rq->reply);
	rq->reply = packed;
	http_reply_header(rq, "Content-Encoding", "gzip");
}

static struct MHD_Response *make_response(struct http_request *rq)
{
	size_t n = rq->reply.len;

	if (rq->stream != NULL)
		return MHD_create_response_from_callback(
			MHD_SIZE_UNKNOWN, STREAM_BLOCK, on_stream_read, rq->stream, on_stream_gone);
	if (rq->lasting != NULL)
		return MHD_create_response_from_buffer(
			rq->lasting_n, (void *)(uintptr_t)rq->lasting, MHD_RESPMEM_PERSISTENT);
	return MHD_create_response_from_buffer(n, buf_take(&rq->reply), MHD_RESPMEM_MUST_FREE);
}

static void add_headers(struct http_request *rq, struct MHD_Response *resp, bool close)
{
	bool has_cache = false;

	/* The library refuses names and values that would split the response. */
	VEC_FOREACH (h, &rq->reply_headers) {
		MHD_add_response_header(resp, h->name, h->value);
		has_cache |= strcasecmp(h->name, "Cache-Control") == 0;
	}
	if (rq->type != NULL)
		MHD_add_response_header(resp, "Content-Type", rq->type);
	MHD_add_response_header(resp, "X-Content-Type-Options", "nosniff");
	if (!has_cache && rq->type != NULL &&
		(text_starts(rq->type, "application/json") ||
			text_starts(rq->type, "application/problem+json") || rq->stream != NULL))
		MHD_add_response_header(resp, "Cache-Control", "no-store");
	/* Reverse proxies must not hold events back. */
	if (rq->stream != NULL)
		MHD_add_response_header(resp, "X-Accel-Buffering", "no");
	if (close)
		MHD_add_response_header(resp, "Connection", "close");
}

static enum MHD_Result send_reply(struct http_request *rq, bool close)
{
	struct MHD_Response *resp;
	enum MHD_Result r;

	if (rq->pack)
		pack(rq);
	resp = make_response(rq);
	add_headers(rq, resp, close || rq->shard->worker->stopping);
	/* The stream belongs to the response from here on, which ends it in every case. */
	if (rq->stream != NULL)
		http_stream_attach(STEAL(rq->stream), rq->connection);
	r = MHD_queue_response(rq->connection, (unsigned)rq->status, resp);
	MHD_destroy_response(resp);
	return r;
}

static enum MHD_Result send_refusal(struct http_request *rq, bool close)
{
	rq->status = rq->refusal;
	rq->type = mem_strdup(http_error_body(rq, rq->refusal, &rq->why, &rq->reply));
	return send_reply(rq, close);
}

/* The headers are here. Answering now instead of at the body's end closes the connection. */
static enum MHD_Result begin(
	struct http_request *rq, struct MHD_Connection *c, const char *method, const char *version)
{
	struct header_views views = {.n = 0};
	uint64_t length;

	rq->begun = true;
	rq->method = mem_strdup(method);
	read_peer(rq, c);
	MHD_get_connection_values_n(c, MHD_HEADER_KIND, on_header, &views);
	rq->refusal = http_guard(version, views.v, views.n, &rq->why);
	if (rq->refusal == 0 && views.too_many)
		refuse(rq, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "too many headers");
	if (rq->refusal == 0 && !http_is_token(method, strlen(method)))
		refuse(rq, MHD_HTTP_BAD_REQUEST, "method is not a token");
	if (rq->refusal == 0 && !lines_strict(version, &views))
		refuse(rq, MHD_HTTP_BAD_REQUEST, "a header line is folded or badly ended");
	if (rq->refusal != 0)
		return send_refusal(rq, true);
	copy_headers(rq, &views);
	if (rq->shard->worker->stopping)
		refuse(rq, MHD_HTTP_SERVICE_UNAVAILABLE, "the server is stopping");
	else
		find_route(rq);
	check_length(rq, &length);
	/* Also when the client asks first (Expect): it must not send what will be dropped. */
	if (rq->refusal != 0 &&
		(length > DRAIN_MAX + rq->body_max || http_header(rq, "Expect") != NULL))
		return send_refusal(rq, true);
	return MHD_YES;
}

static void drop_body(struct http_request *rq)
{
	atomic_fetch_sub(&rq->server->bodies, rq->body_counted);
	rq->body_counted = 0;
	buf_wipe(&rq->body);
}

static enum MHD_Result take_body(struct http_request *rq, const char *data, size_t n)
{
	if (rq->refusal == 0 && n > rq->body_max - rq->body.len)
		refuse(rq, MHD_HTTP_CONTENT_TOO_LARGE, "body is too large");
	else if (rq->refusal == 0 && !http_body_count(rq, rq->body.len + n))
		refuse(rq, MHD_HTTP_SERVICE_UNAVAILABLE, "too many large bodies at once");
	if (rq->refusal != 0)
		drop_body(rq);
	if (rq->refusal == 0) {
		buf_add(&rq->body, data, n);
		return MHD_YES;
	}
	rq->body_dropped += n;
	return rq->body_dropped <= DRAIN_MAX + rq->body_max ? MHD_YES : MHD_NO;
}

static void wake_request(struct http_post *p)
{
	struct http_request *rq = CONTAINER_OF(p, struct http_request, post);

	http_connection_resume(rq->shard, rq->connection);
}

/* What is known of a connection besides its requests: the library's socket_context. */
struct link {
	struct http_awaited awaited;
	struct http_handshake handshake;
};

static struct http_awaited *awaited_of(struct MHD_Connection *c)
{
	struct link *l =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

	return &l->awaited;
}

static enum MHD_Result dispatch(struct http_request *rq)
{
	struct http_worker *w = rq->shard->worker;
	bool keep;

	http_awaited_came(&w->awaited, awaited_of(rq->connection));

	rq->post.run = wake_request;
	rq->linked = true;
	LIST_INSERT_HEAD(&w->requests, rq, link);
	rq->route->handler(rq, rq->route, rq->server->o.ctx);
	pthread_mutex_lock(&w->lock);
	keep = rq->state == RQ_RUNNING;
	if (keep)
		rq->state = RQ_KEPT;
	pthread_mutex_unlock(&w->lock);
	/* A reply that comes between these lines waits in our own inbox. */
	if (!keep)
		return send_reply(rq, false);
	MHD_suspend_connection(rq->connection);
	return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *c, const char *url,
	const char *method, const char *version, const char *upload_data, size_t *upload_size,
	void **con_cls)
{
	struct http_request *rq = *con_cls;
	size_t n = *upload_size;

	(void)cls;
	(void)url;
	if (!rq->begun)
		return begin(rq, c, method, version);
	if (rq->dropped)
		return MHD_NO;
	if (n > 0) {
		*upload_size = 0;
		return take_body(rq, upload_data, n);
	}
	if (rq->refusal == 0 && !rq->linked && rq->shard->worker->stopping)
		refuse(rq, MHD_HTTP_SERVICE_UNAVAILABLE, "the server is stopping");
	if (rq->refusal != 0)
		return send_refusal(rq, rq->body_dropped > 0);
	if (!rq->linked)
		return dispatch(rq);
	return send_reply(rq, false);
}

static void report_done(struct http_request *rq)
{
	struct http_server *s = rq->server;
	struct timespec ts;

	if (s->o.done == NULL || !rq->begun)
		return;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	s->o.done(s->o.ctx, rq->refusal == 501 ? "OTHER" : rq->method,
		rq->route != NULL ? rq->route->path : "unmatched", rq->status,
		(int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 - rq->started);
}

static void on_completed(
	void *cls, struct MHD_Connection *c, void **con_cls, enum MHD_RequestTerminationCode code)
{
	struct http_request *rq = *con_cls;
	struct http_worker *w;
	bool kept;

	(void)cls;
	(void)code;
	*con_cls = NULL;
	if (rq == NULL)
		return;
	w = rq->shard->worker;
	http_awaited_again(&w->awaited, awaited_of(c));
	report_done(rq);
	if (rq->linked)
		LIST_REMOVE(rq, link);
	pthread_mutex_lock(&w->lock);
	http_worker_unpost(w, &rq->post);
	kept = rq->state == RQ_KEPT;
	if (kept)
		rq->state = RQ_ABANDONED;
	pthread_mutex_unlock(&w->lock);
	if (!kept)
		http_request_free(rq);
}

static void on_connection(void *cls, struct MHD_Connection *c, void **socket_context,
	enum MHD_ConnectionNotificationCode code)
{
	struct http_shard *shard = cls;
	struct http_worker *w = shard->worker;
	const union MHD_ConnectionInfo *session;
	struct link *l = *socket_context;
	int fd;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		atomic_fetch_sub(&w->server->connections, 1);
		http_awaited_came(&w->awaited, &l->awaited);
		http_handshake_end(&l->handshake);
		mem_free(l);
		return;
	}
	atomic_fetch_add(&w->server->connections, 1);
	*socket_context = l = NEW(struct link);
	fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	http_awaited_begin(&w->awaited, &l->awaited, fd);
	session = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (session != NULL)
		http_handshake_begin(&l->handshake, shard, c, fd, session->tls_session);
}

/* Paths and queries are decoded by target.c, strictly; the library must leave them alone. */
static size_t no_unescape(void *cls, struct MHD_Connection *c, char *s)
{
	(void)cls;
	(void)c;
	return strlen(s);
}

int http_shard_start(struct http_shard *shard, struct err *e)
{
	const struct http_options *o = &shard->worker->server->o;
	bool is_tls = shard->worker->server->is_tls;
	unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;
	const struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->cert_pem},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->key_pem},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};
	const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
	const union MHD_DaemonInfo *info;

	if (is_tls)
		flags |= MHD_USE_TLS;
	shard->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_access, shard, MHD_OPTION_ARRAY,
		is_tls ? tls : none, MHD_OPTION_URI_LOG_CALLBACK, on_target, shard,
		MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, shard, MHD_OPTION_NOTIFY_CONNECTION, on_connection, shard,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		o->header_max ? o->header_max : (size_t)HTTP_HEADER_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_SECONDS,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (shard->daemon == NULL)
		return err_set(e, is_tls ? ERR_INVALID : ERR_SYSTEM, "%s",
			is_tls ? "certificate and key are not usable"
			       : "cannot start the HTTP server");
	info = MHD_get_daemon_info(shard->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	shard->epfd = info->epoll_fd;
	shard->due = -1;
	return 0;
}

void http_shard_stop(struct http_shard *shard)
{
	if (shard->daemon != NULL)
		MHD_stop_daemon(shard->daemon);
	shard->daemon = NULL;
}

void http_shard_run(struct http_shard *shard, msec now)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	MHD_run(shard->daemon);
	http_handshakes_park(shard);
	shard->dirty = false;
	shard->due = -1;
	if (MHD_get_timeout(shard->daemon, &timeout) == MHD_YES) {
		shard->dirty = timeout == 0;
		shard->due = now + (msec)timeout;
	}
}

void http_shard_add(struct http_shard *shard, int fd, const struct sockaddr *addr, socklen_t len)
{
	/* The library closes fd when it does not want it. */
	MHD_add_connection(shard->daemon, fd, addr, len);
	shard->dirty = true;
}

void http_connection_resume(struct http_shard *shard, struct MHD_Connection *c)
{
	MHD_resume_connection(c);
	shard->dirty = true;
}

void http_connection_break(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *fd =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (fd != NULL)
		shutdown(fd->connect_fd, SHUT_RDWR);
}

void http_requests_drop(struct http_worker *w)
{
	struct http_request *rq;
	bool asleep;

	LIST_FOREACH(rq, &w->requests, link)
	{
		pthread_mutex_lock(&w->lock);
		/* READY with the post still waiting: asleep too, and answered just too late. */
		asleep = rq->state == RQ_KEPT || rq->post.queued;
		http_worker_unpost(w, &rq->post);
		pthread_mutex_unlock(&w->lock);
		rq->dropped = asleep;
		if (asleep)
			http_connection_resume(rq->shard, rq->connection);
	}
}
