/* DOC: tests of http/server against real sockets: replies, limits, kept requests, stopping. */
#include "http/gzip.h"
#include "serve.h"

#include "base/text.h"
#include "http/worker.h"

#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>

#define PARALLEL 200

struct kept {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct http_request *v[PARALLEL];
	size_t n;
	int done_calls, last_status;
	char last_pattern[64];
};

static void reply_text(struct http_request *rq, int status, const char *text)
{
	struct buf b = {0};

	buf_adds(&b, text);
	http_reply(rq, status, "text/plain", &b);
	assert_null(b.data);
}

static void on_hello(struct http_request *rq, const struct http_route *route, void *ctx)
{
	(void)route;
	(void)ctx;
	reply_text(rq, 200, "hello\n");
}

/* Everything a handler can see, as text. */
static void on_show(struct http_request *rq, const struct http_route *route, void *ctx)
{
	struct buf b = {0};
	const char *q = http_query(rq, "q"), *c = http_cookie(rq, "session"), *body;
	uid_t uid = (uid_t)-1;
	size_t n;

	(void)ctx;
	body = http_body(rq, &n);
	if (body == NULL)
		return;
	buf_addf(&b, "method=%s path=%s id=%s q=%s cookie=%s agent=%s body=%zu:%s peer=%s data=%s",
		http_method(rq), http_path(rq), http_param(rq, "id"), q ? q : "NULL",
		c ? c : "NULL", http_header(rq, "USER-agent"), n, body, http_peer(rq),
		(const char *)route->data);
	if (http_peer_uid(rq, &uid) == 0)
		buf_addf(&b, " uid=%s", uid == getuid() ? "mine" : "other");
	for (size_t i = 0; http_query_name(rq, i) != NULL; i++)
		buf_addf(&b, " query=%s", http_query_name(rq, i));
	buf_addf(&b, " tls=%d\n", http_is_tls(rq));
	http_reply_header(rq, "X-Seen", "yes");
	http_reply_header(rq, "X-Bad", "a\r\nSet-Cookie: split=1");
	http_reply(rq, 201, "application/json", &b);
}

static void on_keep(struct http_request *rq, const struct http_route *route, void *ctx)
{
	struct kept *k = ctx;

	(void)route;
	pthread_mutex_lock(&k->lock);
	k->v[k->n++] = rq;
	pthread_cond_broadcast(&k->more);
	pthread_mutex_unlock(&k->lock);
}

static void on_nothing(struct http_request *rq, const struct http_route *route, void *ctx)
{
	(void)route;
	(void)ctx;
	http_reply(rq, 204, NULL, NULL);
}

#define LASTING ((size_t)8 << 20)
static char lasting[LASTING];

static void on_lasting(struct http_request *rq, const struct http_route *route, void *ctx)
{
	(void)route;
	(void)ctx;
	http_reply_lasting(rq, 200, "text/plain", lasting, sizeof(lasting));
}

static const struct http_route routes[] = {
	{.method = "GET", .path = "/lasting", .handler = on_lasting},
	{.method = "GET", .path = "/hello", .handler = on_hello},
	{.method = "POST", .path = "/hello", .handler = on_hello, .body_max = 1000},
	{.method = "POST", .path = "/small", .handler = on_show, .data = "small", .body_max = 1000},
	{.method = "GET", .path = "/show/{id}", .handler = on_show, .data = "first"},
	{.method = "POST", .path = "/show/{id}", .handler = on_show, .data = "second"},
	{.method = "GET", .path = "/keep", .handler = on_keep},
	{.method = "DELETE", .path = "/none", .handler = on_nothing},
};

static void on_done(void *ctx, const char *method, const char *pattern, int status, int64_t micros)
{
	struct kept *k = ctx;

	(void)method;
	assert_true(micros >= 0);
	pthread_mutex_lock(&k->lock);
	k->done_calls++;
	k->last_status = status;
	snprintf(k->last_pattern, sizeof(k->last_pattern), "%s", pattern);
	pthread_cond_broadcast(&k->more);
	pthread_mutex_unlock(&k->lock);
}

static void on_error_body(
	int status, const char *detail, const char *field, struct buf *out, const char **ret_type)
{
	(void)field;
	buf_addf(out, "{\"status\":%d,\"detail\":\"%s\"}", status, detail);
	*ret_type = "application/problem+json";
}

struct env {
	struct kept kept;
	struct http_server *s;
};

static int setup(void **state)
{
	struct env *env = NEW(struct env);
	struct http_options o = {.listen = "127.0.0.1:0",
		.routes = routes,
		.n_routes = ARRAY_LEN(routes),
		.ctx = &env->kept,
		.done = on_done,
		.error_body = on_error_body};
	struct err e = {0};

	pthread_mutex_init(&env->kept.lock, NULL);
	pthread_cond_init(&env->kept.more, NULL);
	if (http_server_start(&o, &env->s, &e) < 0)
		fail_msg("%s", e.text);
	*state = env;
	return 0;
}

static int teardown(void **state)
{
	struct env *env = *state;

	http_server_stop(env->s);
	pthread_mutex_destroy(&env->kept.lock);
	pthread_cond_destroy(&env->kept.more);
	mem_free(env);
	return 0;
}

static int ask(struct env *env, const char *request, struct buf *in)
{
	buf_reset(in);
	return probe(env->s, request, strlen(request), in, NULL);
}

#define HOST "Host: x\r\n"

static void handler_sees_the_request(void **state)
{
	CLEANUP(buf_done) struct buf in = {0};

	assert_int_equal(ask(*state,
				 "POST /show/a%2Fb%C3%A9?x=1&q=1+%2B%20z HTTP/1.1\r\n" HOST
				 "User-Agent: me\r\nCookie: a=b; session=s3; c=d\r\n"
				 "Content-Length: 4\r\n\r\nbody",
				 &in),
		201);
	assert_non_null(strstr(in.data,
		"method=POST path=/show/a%2Fb%C3%A9 id=a/b\xc3\xa9 q=1 + z cookie=s3 agent=me "
		"body=4:body peer=127.0.0.1 data=second query=x query=q tls=0\n"));
	assert_non_null(strstr(in.data, "\r\nX-Seen: yes\r\n"));
	assert_non_null(strstr(in.data, "\r\nX-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(in.data, "\r\nCache-Control: no-store\r\n"));
	assert_null(strstr(in.data, "split"));
}

static void chunked_body_is_joined(void **state)
{
	CLEANUP(buf_done) struct buf in = {0};

	assert_int_equal(ask(*state,
				 "POST /show/1 HTTP/1.1\r\n" HOST
				 "User-Agent: me\r\nTransfer-Encoding: chunked\r\n\r\n"
				 "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
				 &in),
		201);
	assert_non_null(strstr(in.data, "body=5:abcde"));
}

static void statuses(void **state)
{
	static const struct {
		const char *request;
		int status;
		const char *has;
	} t[] = {
		{"GET /hello HTTP/1.1\r\n" HOST "\r\n", 200, "hello\n"},
		{"HEAD /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 200,
			"Content-Length: 6\r\n"},
		{"GET /hello HTTP/1.0\r\n\r\n", 200, "hello\n"},
		{"DELETE /none HTTP/1.1\r\n" HOST "\r\n", 204, ""},
		{"GET /nowhere HTTP/1.1\r\n" HOST "\r\n", 404, "\"status\":404"},
		{"GET /hello/ HTTP/1.1\r\n" HOST "\r\n", 404, ""},
		{"PUT /hello HTTP/1.1\r\n" HOST "\r\n", 405, "\r\nAllow: GET, HEAD, POST\r\n"},
		{"BREW /hello HTTP/1.1\r\n" HOST "\r\n", 501, "application/problem+json"},
		{"GET /hello%zz HTTP/1.1\r\n" HOST "\r\n", 400, "bad escape"},
		{"GET /hello%00 HTTP/1.1\r\n" HOST "\r\n", 400, ""},
		{"GET /show/%0a HTTP/1.1\r\n" HOST "\r\n", 400, ""},
		{"GET /show/%ff HTTP/1.1\r\n" HOST "\r\n", 400, ""},
		{"GET /show/%2e%2e HTTP/1.1\r\n" HOST "\r\n", 400, "dot segment"},
		{"GET /show/1?q=%1 HTTP/1.1\r\n" HOST "\r\n", 400, "query"},
		{"GET http://x/hello HTTP/1.1\r\n" HOST "\r\n", 400, ""},
	};
	CLEANUP(buf_done) struct buf in = {0};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		int status = ask(*state, t[i].request, &in);

		if (status != t[i].status || strstr(buf_str(&in), t[i].has) == NULL)
			fail_msg("%s gave %d: %s", t[i].request, status, buf_str(&in));
	}
}

/* Build "start PADDING end" with n bytes of padding. */
static void padded(struct buf *b, const char *start, size_t n, const char *end)
{
	buf_reset(b);
	buf_adds(b, start);
	memset(buf_room(b, n), 'a', n);
	b->len += n;
	b->data[b->len] = '\0';
	buf_adds(b, end);
}

static void a_server_may_have_less_room_for_heads(void **state)
{
	struct env *env = *state;
	struct http_options o = {.listen = "127.0.0.1:0",
		.header_max = 4096,
		.routes = routes,
		.n_routes = ARRAY_LEN(routes),
		.ctx = &env->kept};
	CLEANUP(buf_done) struct buf rq = {0}, in = {0};
	struct http_server *s = NULL;
	struct err e = {0};

	if (http_server_start(&o, &s, &e) < 0)
		fail_msg("%s", e.text);
	padded(&rq, "GET /hello HTTP/1.1\r\n" HOST "X: ", 1500, "\r\n\r\n");
	assert_int_equal(probe(s, rq.data, rq.len, &in, NULL), 200);
	buf_reset(&in);
	padded(&rq, "GET /hello HTTP/1.1\r\n" HOST "X: ", 6000, "\r\n\r\n");
	assert_int_equal(probe(s, rq.data, rq.len, &in, NULL), 431);
	/* a body needs no such room */
	buf_reset(&in);
	padded(&rq, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n", 1000, "");
	assert_int_equal(probe(s, rq.data, rq.len, &in, NULL), 200);
	http_server_stop(s);
}

static void sizes_are_limited(void **state)
{
	struct env *env = *state;
	CLEANUP(buf_done) struct buf rq = {0}, in = {0};
	bool closed;

	padded(&rq, "GET /", 9000, " HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(ask(env, rq.data, &in), 414);
	padded(&rq, "GET /", 40000, " HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(ask(env, rq.data, &in), 414);
	padded(&rq, "GET /hello HTTP/1.1\r\n" HOST "X: ", 40000, "\r\n\r\n");
	assert_int_equal(ask(env, rq.data, &in), 431);
	padded(&rq, "GET /hello HTTP/1.1\r\n" HOST "X: ", 7000, "\r\n\r\n");
	assert_int_equal(ask(env, rq.data, &in), 200);
	/* The body: exactly the limit, one more (declared and chunked), and the default limit. */
	padded(&rq, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n", 1000, "");
	assert_int_equal(ask(env, rq.data, &in), 200);
	padded(&rq, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", 1001, "");
	assert_int_equal(ask(env, rq.data, &in), 413);
	padded(&rq, "POST /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3e9\r\n",
		1001, "\r\n0\r\n\r\n");
	buf_reset(&in);
	assert_int_equal(probe(env->s, rq.data, rq.len, &in, &closed), 413);
	assert_true(closed);
	padded(&rq, "POST /show/1 HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n",
		HTTP_BODY_MAX + 1, "");
	assert_int_equal(ask(env, rq.data, &in), 413);
	padded(&rq,
		"POST /show/1 HTTP/1.1\r\n" HOST "User-Agent: x\r\nContent-Length: 1048576\r\n\r\n",
		HTTP_BODY_MAX, "");
	assert_int_equal(ask(env, rq.data, &in), 201);
	/* Far too much is not even read. */
	assert_int_equal(
		ask(env, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 99999999999\r\n\r\n",
			&in),
		413);
	assert_int_equal(ask(env,
				 "POST /hello HTTP/1.1\r\n" HOST
				 "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n",
				 &in),
		413);
}

/* Wait until the server holds that many bytes of large bodies. */
static void wait_for_bodies(struct http_server *s, size_t want)
{
	for (int i = 0; i < 10000 && atomic_load(&s->bodies) != want; i++)
		poll(NULL, 0, 1);
	assert_int_equal(atomic_load(&s->bodies), want);
}

static void unfinished_bodies_are_limited_together(void **state)
{
	struct env *env = *state;
	CLEANUP(buf_done) struct buf rq = {0};
	CLEANUP(buf_done) struct buf in = {0};
	const size_t each = HTTP_BODY_MAX - 1 - HTTP_BODY_FREE;
	int fds[HTTP_BODIES_MAX / (HTTP_BODY_MAX - 1 - HTTP_BODY_FREE)];

	/* All but the last byte: nobody knows yet who this is. */
	padded(&rq, "POST /show/1 HTTP/1.1\r\n" HOST "Content-Length: 1048576\r\n\r\n",
		HTTP_BODY_MAX - 1, "");
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial(env->s);
		say(fds[i], rq.data, rq.len);
		wait_for_bodies(env->s, (i + 1) * each);
	}
	padded(&rq,
		"POST /show/1 HTTP/1.1\r\n" HOST "User-Agent: x\r\nContent-Length: 1048576\r\n\r\n",
		HTTP_BODY_MAX, "");
	assert_int_equal(ask(env, rq.data, &in), 503);
	CLEANUP(buf_done) struct buf small = {0};
	padded(&small, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n", 1000, "");
	assert_int_equal(ask(env, small.data, &in), 200);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	wait_for_bodies(env->s, 0);
	assert_int_equal(ask(env, rq.data, &in), 201);
}

/* A POST of size times 'x', packed; sent whole. */
static int post_packed(struct env *env, const char *path, size_t size, const char *coding, bool cut)
{
	CLEANUP(buf_done) struct buf plain = {0}, packed = {0}, rq = {0}, in = {0};
	bool closed;

	memset(buf_room(&plain, size), 'x', size);
	plain.len = size;
	assert_int_equal(http_gzip(plain.data, plain.len, &packed, NULL), 0);
	if (cut)
		packed.len -= 6;
	buf_addf(&rq,
		"POST %s HTTP/1.1\r\n" HOST "User-Agent: x\r\nContent-Encoding: %s\r\n"
		"Content-Length: %zu\r\n\r\n",
		path, coding, packed.len);
	buf_add(&rq, packed.data, packed.len);
	return probe(env->s, rq.data, rq.len, &in, &closed);
}

static void packed_bodies_are_unpacked_within_the_limit(void **state)
{
	struct env *env = *state;

	assert_int_equal(post_packed(env, "/show/1", 5000, "gzip", false), 201);
	assert_int_equal(post_packed(env, "/small", 1000, "gzip", false), 201);
	assert_int_equal(post_packed(env, "/small", 1001, "gzip", false), 413);
	assert_int_equal(post_packed(env, "/small", 900000, "gzip", false), 413);
	assert_int_equal(post_packed(env, "/show/1", 5000, "gzip", true), 400);
	assert_int_equal(post_packed(env, "/show/1", 5000, "br", false), 415);
	assert_int_equal(post_packed(env, "/small", 100, "identity", false), 201);
	/* a handler that has no use for the body (nobody may call it so) pays nothing for it */
	assert_int_equal(post_packed(env, "/hello", 900000, "gzip", false), 200);
	assert_int_equal(post_packed(env, "/hello", 1000, "gzip", true), 200);
}

/* Unpacked it is held as any other: a thousand small requests must not become a thousand MiB. */
static void what_is_unpacked_counts_among_the_bodies(void **state)
{
	struct env *env = *state;

	atomic_store(&env->s->bodies, HTTP_BODIES_MAX - 100000);
	assert_int_equal(post_packed(env, "/show/1", 900000, "gzip", false), 503);
	wait_for_bodies(env->s, HTTP_BODIES_MAX - 100000);
	assert_int_equal(post_packed(env, "/show/1", HTTP_BODY_FREE, "gzip", false), 201);
	assert_int_equal(post_packed(env, "/show/1", 100000, "gzip", false), 201);
	wait_for_bodies(env->s, HTTP_BODIES_MAX - 100000);
	atomic_store(&env->s->bodies, 0);
	assert_int_equal(post_packed(env, "/show/1", 900000, "gzip", false), 201);
	wait_for_bodies(env->s, 0);
}

static void connection_is_kept_alive_and_pipelined(void **state)
{
	struct env *env = *state;
	CLEANUP(buf_done) struct buf in = {0};
	const char two[] = "GET /hello HTTP/1.1\r\n" HOST "\r\nGET /show/2 HTTP/1.1\r\n" HOST
			   "User-Agent: b\r\n\r\n";
	int fd = dial(env->s);

	say(fd, two, sizeof(two) - 1);
	assert_true(hear_until(fd, &in, "id=2"));
	assert_non_null(strstr(in.data, "hello\n"));
	close(fd);
}

static void wait_kept(struct kept *k, size_t n)
{
	pthread_mutex_lock(&k->lock);
	while (k->n < n)
		pthread_cond_wait(&k->more, &k->lock);
	pthread_mutex_unlock(&k->lock);
}

static void *answer_kept(void *arg)
{
	struct kept *k = arg;

	wait_kept(k, PARALLEL);
	for (size_t i = PARALLEL; i-- > 0;)
		reply_text(k->v[i], 200, "late\n");
	return NULL;
}

static void kept_requests_are_answered_by_another_thread(void **state)
{
	struct env *env = *state;
	pthread_t t;
	int fds[PARALLEL];

	for (int i = 0; i < PARALLEL; i++) {
		fds[i] = dial(env->s);
		say(fds[i], "GET /keep HTTP/1.1\r\n" HOST "\r\n", 32);
	}
	assert_int_equal(pthread_create(&t, NULL, answer_kept, &env->kept), 0);
	for (int i = 0; i < PARALLEL; i++) {
		CLEANUP(buf_done) struct buf in = {0};

		assert_int_equal(hear_response(fds[i], &in), 200);
		assert_non_null(strstr(in.data, "late\n"));
		close(fds[i]);
	}
	pthread_join(t, NULL);
}

static void client_gone_while_kept(void **state)
{
	struct env *env = *state;
	struct kept *k = &env->kept;
	int fd = dial(env->s);

	say(fd, "GET /keep HTTP/1.1\r\n" HOST "\r\n", 32);
	wait_kept(k, 1);
	close(fd);
	reply_text(k->v[0], 200, "to nobody");
	pthread_mutex_lock(&k->lock);
	while (k->done_calls < 1)
		pthread_cond_wait(&k->more, &k->lock);
	pthread_mutex_unlock(&k->lock);
	assert_string_equal(k->last_pattern, "/keep");
	assert_int_equal(k->last_status, 200);
}

static void stopping_with_kept_requests(void **state)
{
	struct env *env = *state;
	struct kept *k = &env->kept;
	CLEANUP(buf_done) struct buf in = {0};
	int fd = dial(env->s), half = dial(env->s), idle = dial(env->s);

	say(half, "POST /hello HTTP/1.1\r\nHost:", 27);
	say(idle, "GET /hello HTTP/1.1\r\n" HOST "\r\n", 33);
	assert_int_equal(hear_response(idle, &in), 200);
	say(fd, "GET /keep HTTP/1.1\r\n" HOST "\r\n", 32);
	wait_kept(k, 1);
	env->s = http_server_stop(env->s);
	buf_reset(&in);
	assert_int_equal(hear_response(fd, &in), 0);
	/* The handler's side may come as late as it likes, and look at the request. */
	assert_string_equal(http_path(k->v[0]), "/keep");
	reply_text(k->v[0], 200, "too late");
	close(fd);
	close(half);
	close(idle);
}

static void *stop_server(void *arg)
{
	http_server_stop(arg);
	return NULL;
}

/* The first thing a stop does is to close the door. */
static void wait_closed_door(uint16_t port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd, r;

	do {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		r = connect(fd, (struct sockaddr *)&sin, sizeof(sin));
		close(fd);
		sched_yield();
	} while (r == 0);
}

static void request_in_flight_is_finished_by_stop(void **state)
{
	struct env *env = *state;
	struct kept *k = &env->kept;
	CLEANUP(buf_done) struct buf in = {0};
	uint16_t port = http_server_port(env->s);
	int fd = dial(env->s);
	pthread_t t;

	say(fd, "GET /keep HTTP/1.1\r\n" HOST "\r\n", 32);
	wait_kept(k, 1);
	assert_int_equal(pthread_create(&t, NULL, stop_server, env->s), 0);
	env->s = NULL;
	wait_closed_door(port);
	reply_text(k->v[0], 200, "in time\n");
	assert_int_equal(hear_response(fd, &in), 200);
	assert_non_null(strstr(in.data, "in time"));
	pthread_join(t, NULL);
	close(fd);
}

static void unix_socket(void **state)
{
	char dir[] = "/tmp/warren-http-XXXXXX";
	struct http_options o = {.routes = routes, .n_routes = ARRAY_LEN(routes)};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct http_server *s = NULL, *second = NULL;
	CLEANUP(buf_done) struct buf in = {0};
	AUTOFREE char *listen = NULL;
	struct err e = {0};
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	listen = mem_printf("unix:%s/s", dir);
	o.listen = listen;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/s", dir);
	/* A socket left behind by a crash is replaced. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	assert_int_equal(http_server_start(&o, &s, &e), 0);
	assert_int_equal(http_server_port(s), 0);
	assert_int_equal(stat(sun.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* One in use is not. */
	assert_int_equal(http_server_start(&o, &second, &e), ERR_SYSTEM);
	assert_non_null(strstr(e.text, sun.sun_path));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	say(fd, "GET /show/7 HTTP/1.1\r\nHost: x\r\nUser-Agent: u\r\n\r\n", 49);
	assert_int_equal(hear_response(fd, &in), 201);
	assert_non_null(strstr(in.data, "peer=unix data=first uid=mine tls=0"));
	close(fd);
	http_server_stop(s);
	assert_int_equal(stat(sun.sun_path, &st), -1);
	assert_int_equal(rmdir(dir), 0);
}

static void bad_addresses_are_named(void **state)
{
	static const char *const bad[] = {"", "8443", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000",
		"::1:80", "[::1:80", "example.com:80", "unix:relative", ":80", "[]:80"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct http_options o = {.listen = bad[i]};
		struct http_server *s = NULL;
		struct err e = {0};

		assert_int_equal(http_server_start(&o, &s, &e), ERR_INVALID);
		assert_null(s);
		assert_string_equal(e.field, "listen");
	}
	struct http_options o = {.listen = "192.0.2.1:80"};
	struct http_server *s = NULL;
	struct err e = {0};

	assert_int_equal(http_server_start(&o, &s, &e), ERR_SYSTEM);
	assert_non_null(strstr(e.text, "192.0.2.1:80"));
	/* Half a configuration must not become plain HTTP. */
	o = (struct http_options){.listen = "127.0.0.1:0", .cert_pem = "x"};
	assert_int_equal(http_server_start(&o, &s, &e), ERR_INVALID);
	o = (struct http_options){.listen = "127.0.0.1:0", .cert_pem = "x", .key_pem = "y"};
	assert_int_equal(http_server_start(&o, &s, &e), ERR_INVALID);
}

/* Drip text into the connection, its last byte again and again, until the server ends it. */
static bool is_cut(int fd, const char *text)
{
	msec end = clock_mono(&clock_real) + 30000;
	char c;

	for (size_t i = 0; clock_mono(&clock_real) < end; i++) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (send(fd, text + (i < strlen(text) ? i : strlen(text) - 1), 1, MSG_NOSIGNAL) < 0)
			return true;
		if (poll(&p, 1, 20) > 0 && recv(fd, &c, 1, 0) <= 0)
			return true;
	}
	return false;
}

static void who_drips_is_cut(void **state)
{
	CLEANUP(buf_done) struct buf in = {0};
	static const char *const drips[] = {"GET / HTTP/1.1\r\nHost: a\r\nX: yyyy",
		"POST /show/7 HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\nbbbb"};
	static const char whole[] = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
	msec usual = http_request_time;
	struct env *env = *state;

	http_request_time = 300;
	for (size_t i = 0; i < ARRAY_LEN(drips); i++) {
		int fd = dial(env->s);
		assert_true(is_cut(fd, drips[i]));
		close(fd);
	}
	/* one that asks in time is served, and again on the same connection */
	http_request_time = usual;
	int fd = dial(env->s);
	for (int i = 0; i < 2; i++) {
		say(fd, whole, sizeof(whole) - 1);
		assert_int_equal(hear_response(fd, &in), 200);
		buf_reset(&in);
	}
	close(fd);
}

static size_t resident(void)
{
	size_t pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*u %zu", &pages), 1);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void who_does_not_read_holds_no_copies(void **state)
{
	static const char whole[] = "GET /lasting HTTP/1.1\r\nHost: a\r\n\r\n";
	struct env *env = *state;
	CLEANUP(buf_done) struct buf in = {0};
	int fds[12];
	size_t before, n = 0;
	ssize_t got;

	memset(lasting, 'x', sizeof(lasting));
	before = resident();
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		char first;

		fds[i] = dial(env->s);
		say(fds[i], whole, sizeof(whole) - 1);
		assert_int_equal(recv(fds[i], &first, 1, 0), 1);
	}
	assert_true(resident() - before < ARRAY_LEN(fds) * LASTING / 2);
	/* and it is all there */
	buf_room(&in, 65536);
	shutdown(fds[0], SHUT_WR);
	while ((got = recv(fds[0], in.data, 65536, 0)) > 0)
		n += (size_t)got;
	assert_true(n > LASTING && n < LASTING + 1000);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_does_not_read_holds_no_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(handler_sees_the_request, setup, teardown),
		cmocka_unit_test_setup_teardown(who_drips_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(chunked_body_is_joined, setup, teardown),
		cmocka_unit_test_setup_teardown(statuses, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_server_may_have_less_room_for_heads, setup, teardown),
		cmocka_unit_test_setup_teardown(sizes_are_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(
			unfinished_bodies_are_limited_together, setup, teardown),
		cmocka_unit_test_setup_teardown(
			packed_bodies_are_unpacked_within_the_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_unpacked_counts_among_the_bodies, setup, teardown),
		cmocka_unit_test_setup_teardown(
			connection_is_kept_alive_and_pipelined, setup, teardown),
		cmocka_unit_test_setup_teardown(
			kept_requests_are_answered_by_another_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(client_gone_while_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(stopping_with_kept_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(
			request_in_flight_is_finished_by_stop, setup, teardown),
		cmocka_unit_test(unix_socket),
		cmocka_unit_test(bad_addresses_are_named),
	};

	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
