/* DOC: tests of http/client against our own server: trust, limits, events, cancelling, freeing. */
#include "serve.h"

#include "http/client.h"

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <zlib.h>

extern char **environ;

#define PARALLEL 200

struct world {
	struct loop *loop;
	struct http_client *client;
	struct http_server *s;
	struct http_target target;
	char dir[32];
	int left;
	/* what came back */
	int status, code, called;
	char text[512], error[512];
	msec retry_after;
	/* events */
	struct http_call *call;
	int opened, events, ended, cancel_at;
	bool free_in_callback;
	char last_id[32];
	msec retry;
};

static void reply(struct http_request *rq, int status, const char *text)
{
	struct buf b = {0};

	buf_adds(&b, text);
	http_reply(rq, status, "text/plain", &b);
}

static void on_echo(struct http_request *rq, const struct http_route *route, void *ctx)
{
	const char *coding = http_header(rq, "Content-Encoding"), *auth, *mine, *type;
	struct buf b = {0};
	size_t n;
	const char *body = http_body(rq, &n);

	(void)route;
	(void)ctx;
	auth = http_header(rq, "Authorization");
	mine = http_header(rq, "X-Mine");
	type = http_header(rq, "Content-Type");
	buf_addf(&b, "%s %s %s %s %s %zu %.10s", http_method(rq), coding ? coding : "-",
		auth ? auth : "-", mine ? mine : "-", type ? type : "-", n, body);
	http_reply(rq, 200, "text/plain", &b);
}

static void on_busy(struct http_request *rq, const struct http_route *route, void *ctx)
{
	(void)route;
	(void)ctx;
	http_reply_header(rq, "Retry-After", "7");
	http_reply_header(rq, "Location", "/echo");
	reply(rq, http_query(rq, "moved") != NULL ? 302 : 503, "busy");
}

/* A few bytes that unpack to more than a client may hold. */
static void on_bomb(struct http_request *rq, const struct http_route *route, void *ctx)
{
	static char zeros[1 << 20];
	struct buf b = {0};
	z_stream z = {0};
	size_t room = 1 << 20;

	(void)route;
	(void)ctx;
	deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	z.next_out = (Bytef *)buf_room(&b, room);
	z.avail_out = (uInt)room;
	for (int i = 0; i < 80; i++) {
		z.next_in = (Bytef *)zeros;
		z.avail_in = sizeof(zeros);
		deflate(&z, i == 79 ? Z_FINISH : Z_NO_FLUSH);
	}
	b.len = z.total_out;
	deflateEnd(&z);
	http_reply_header(rq, "Content-Encoding", "gzip");
	http_reply(rq, 200, "text/plain", &b);
}

static struct http_request *held;
static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t held_more = PTHREAD_COND_INITIALIZER;

static void on_hold(struct http_request *rq, const struct http_route *route, void *ctx)
{
	(void)route;
	(void)ctx;
	pthread_mutex_lock(&held_lock);
	held = rq;
	pthread_cond_signal(&held_more);
	pthread_mutex_unlock(&held_lock);
}

static void release(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 30;
	pthread_mutex_lock(&held_lock);
	while (held == NULL)
		if (pthread_cond_timedwait(&held_more, &held_lock, &until) != 0)
			fail_msg("the request never came");
	reply(STEAL(held), 200, "released");
	pthread_mutex_unlock(&held_lock);
}

static void on_events(struct http_request *rq, const struct http_route *route, void *ctx)
{
	const char *last = http_header(rq, "Last-Event-ID");
	struct buf b = {0};
	struct http_stream *s;

	(void)route;
	(void)ctx;
	buf_addf(&b, "retry: 2500\n\nid: %s\nevent: start\ndata: a\n\n", last ? last : "none");
	for (int i = 1; i <= 5; i++)
		buf_addf(&b, "id: %d\ndata: b\n\n", i);
	s = http_stream_open(rq, NULL, NULL);
	http_stream_send(s, b.data, b.len);
	if (http_query(rq, "stay") == NULL)
		http_stream_close(s);
	buf_done(&b);
}

static const struct http_route routes[] = {
	{.method = "GET", .path = "/echo", .handler = on_echo},
	{.method = "POST", .path = "/echo", .handler = on_echo},
	{.method = "GET", .path = "/busy", .handler = on_busy},
	{.method = "GET", .path = "/bomb", .handler = on_bomb},
	{.method = "GET", .path = "/hold", .handler = on_hold},
	{.method = "GET", .path = "/events", .handler = on_events},
};

static int world(void **state, const char *listen, const char *cert, const char *key)
{
	struct world *w = NEW(struct world);
	struct http_options o = {.listen = listen,
		.routes = routes,
		.n_routes = ARRAY_LEN(routes),
		.cert_pem = cert,
		.key_pem = key};
	struct err e = {0};

	if (http_server_start(&o, &w->s, &e) < 0)
		fail_msg("%s", e.text);
	w->loop = loop_new();
	w->client = http_client_new(w->loop);
	*state = w;
	return 0;
}

static int setup(void **state)
{
	struct world *w;

	world(state, "127.0.0.1:0", NULL, NULL);
	w = *state;
	w->target.base = mem_printf("http://127.0.0.1:%u", http_server_port(w->s));
	return 0;
}

static int setup_unix(void **state)
{
	char dir[] = "/tmp/warren-http-XXXXXX";
	AUTOFREE char *listen = NULL;
	struct world *w;

	assert_non_null(mkdtemp(dir));
	listen = mem_printf("unix:%s/s", dir);
	world(state, listen, NULL, NULL);
	w = *state;
	strcpy(w->dir, dir);
	w->target.base = mem_printf("http+unix://%s/s", dir);
	return 0;
}

static int setup_tls(void **state)
{
	static const char *const names[] = {"127.0.0.1", "warren.test", "::1", NULL};
	CLEANUP(buf_done) struct buf cert = {0}, key = {0}, pin = {0};
	struct world *w;
	struct err e = {0};

	if (http_certificate_make(names, &cert, &key, &e) < 0 ||
		http_certificate_pin(cert.data, &pin, &e) < 0)
		fail_msg("%s", e.text);
	world(state, "127.0.0.1:0", cert.data, key.data);
	w = *state;
	w->target.base = mem_printf("https://127.0.0.1:%u", http_server_port(w->s));
	strs_push(&w->target.pins, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
	strs_push(&w->target.pins, pin.data);
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	http_client_free(w->client);
	loop_free(w->loop);
	http_server_stop(w->s);
	http_target_done(&w->target);
	if (w->dir[0] != '\0')
		assert_int_equal(rmdir(w->dir), 0);
	mem_free(w);
	return 0;
}

static void done(void *arg, struct http_response *r, const struct err *e)
{
	struct world *w = arg;

	w->called++;
	w->status = r != NULL ? r->status : 0;
	w->retry_after = r != NULL ? r->retry_after : 0;
	snprintf(w->text, sizeof(w->text), "%s", r != NULL ? buf_str(&r->body) : "");
	w->code = e != NULL ? e->code : 0;
	snprintf(w->error, sizeof(w->error), "%s", e != NULL ? e->text : "");
	assert_true((r == NULL) == (e != NULL));
	if (w->free_in_callback)
		w->client = http_client_free(w->client);
	if (--w->left <= 0)
		loop_stop(w->loop);
}

static void send_wait(struct world *w, const struct http_send *send)
{
	int before = w->called;

	w->left = 1;
	http_client_send(w->client, &w->target, send, done, w);
	assert_int_equal(w->called, before); /* never from inside */
	loop_run(w->loop);
}

static void get(struct world *w, const char *path)
{
	send_wait(w, &(struct http_send){.method = "GET", .path = path});
}

static void sends_and_receives(void **state)
{
	static const char *const headers[] = {"X-Mine: yes", NULL};
	struct world *w = *state;
	static char big[5000];

	memset(big, 'z', sizeof(big));
	get(w, "/echo");
	assert_string_equal(w->text, "GET - - - - 0 ");
	send_wait(w,
		&(struct http_send){.method = "POST",
			.path = "/echo",
			.bearer = "tok",
			.body = "{\"a\":1}",
			.body_len = 7,
			.gzip = true,
			.headers = headers});
	assert_string_equal(w->text, "POST - Bearer tok yes application/json 7 {\"a\":1}");
	send_wait(w,
		&(struct http_send){.method = "POST",
			.path = "/echo",
			.content_type = "text/csv",
			.body = big,
			.body_len = sizeof(big),
			.gzip = true});
	assert_string_equal(w->text, "POST gzip - - text/csv 5000 zzzzzzzzzz");
	send_wait(w, &(struct http_send){.method = "POST", .path = "/echo"});
	assert_string_equal(w->text, "POST - - - - 0 ");
	send_wait(w, &(struct http_send){.method = "HEAD", .path = "/echo"});
	assert_int_equal(w->status, 200);
	assert_string_equal(w->text, "");
}

static void statuses_are_answers_and_redirects_are_not_followed(void **state)
{
	struct world *w = *state;

	get(w, "/busy");
	assert_int_equal(w->status, 503);
	assert_int_equal(w->retry_after, 7000);
	assert_string_equal(w->text, "busy");
	get(w, "/busy?moved");
	assert_int_equal(w->status, 302);
	get(w, "/none");
	assert_int_equal(w->status, 404);
}

static void bad_calls_are_refused_without_secrets(void **state)
{
	struct world *w = *state;
	static const char *const bases[] = {"ftp://127.0.0.1", "http://example.com",
		"http://127.evil.example", "file:///etc/passwd", "127.0.0.1", ""};
	AUTOFREE char *good = STEAL(w->target.base);

	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		w->target.base = mem_strdup(bases[i]);
		get(w, "/echo");
		assert_int_equal(w->code, ERR_INVALID);
		mem_free(w->target.base);
	}
	w->target.base = STEAL(good);
	send_wait(w,
		&(struct http_send){.method = "GET", .path = "/echo", .bearer = "sec\r\nret: 1"});
	assert_int_equal(w->code, ERR_INVALID);
	assert_null(strstr(w->error, "ret"));
	get(w, "/echo HTTP/1.1\r\nX: y");
	assert_int_equal(w->code, ERR_INVALID);
	send_wait(w, &(struct http_send){.method = "GET /x", .path = "/echo"});
	assert_int_equal(w->code, ERR_INVALID);
}

static void bombs_are_refused(void **state)
{
	struct world *w = *state;

	get(w, "/bomb");
	assert_int_equal(w->code, ERR_INVALID);
	assert_non_null(strstr(w->error, "larger than"));
}

static void timeout_and_absence(void **state)
{
	struct world *w = *state;

	/* time enough for it to be asked at all: a loop that stood still looks at its clock first
	 */
	send_wait(w, &(struct http_send){.method = "GET", .path = "/hold", .timeout = 1500});
	assert_int_equal(w->code, ERR_TIMEOUT);
	release();
	w->s = http_server_stop(w->s);
	get(w, "/echo");
	assert_int_equal(w->code, ERR_UNAVAILABLE);
}

static void many_at_once(void **state)
{
	struct world *w = *state;

	w->left = PARALLEL;
	for (int i = 0; i < PARALLEL; i++)
		http_client_send(w->client, &w->target,
			&(struct http_send){.method = "GET", .path = "/echo", .bearer = "t"}, done,
			w);
	loop_run(w->loop);
	assert_int_equal(w->called, PARALLEL);
	assert_string_equal(w->error, "");
	assert_int_equal(w->status, 200);
}

static void cancelled_calls_are_silent(void **state)
{
	struct world *w = *state;
	struct http_call *call = http_client_send(w->client, &w->target,
		&(struct http_send){.method = "GET", .path = "/hold"}, done, w);

	http_call_cancel(call);
	call = http_client_send(w->client, &w->target,
		&(struct http_send){.method = "GET", .path = "bad"}, done, w);
	http_call_cancel(call);
	http_call_cancel(NULL);
	get(w, "/echo");
	assert_int_equal(w->called, 1);
	/* And freeing the client, with a call under way, from inside a callback. */
	http_client_send(w->client, &w->target,
		&(struct http_send){.method = "GET", .path = "/hold"}, done, w);
	w->free_in_callback = true;
	get(w, "/echo");
	assert_int_equal(w->called, 2);
	pthread_mutex_lock(&held_lock);
	if (held != NULL)
		reply(STEAL(held), 200, "");
	pthread_mutex_unlock(&held_lock);
}

static void blocking_call(void **state)
{
	struct world *w = *state;
	struct http_response r = {0};
	struct err e = {0};

	assert_int_equal(http_call_wait(&w->target,
				 &(struct http_send){.method = "GET", .path = "/busy"}, &r, &e),
		0);
	assert_int_equal(r.status, 503);
	assert_int_equal(r.retry_after, 7000);
	assert_string_equal(http_response_header(&r, "retry-AFTER"), "7");
	assert_null(http_response_header(&r, "Retry"));
	http_response_done(&r);
	assert_int_equal(http_call_wait(&w->target,
				 &(struct http_send){.method = "GET", .path = "/bomb"}, &r, &e),
		ERR_INVALID);
}

static void pins_decide(void **state)
{
	struct world *w = *state;

	get(w, "/echo");
	assert_string_equal(w->error, "");
	assert_int_equal(w->status, 200);
	/* The right pin gone: refused, before anything is sent. */
	mem_free(w->target.pins.v[--w->target.pins.n]);
	get(w, "/echo");
	assert_int_equal(w->code, ERR_CORRUPT);
	/* insecure does not weaken a pin. */
	w->target.insecure = true;
	get(w, "/echo");
	assert_int_equal(w->code, ERR_CORRUPT);
	/* No pins: a CA is wanted, and nobody signed this. */
	strs_done(&w->target.pins);
	get(w, "/echo");
	assert_int_equal(w->status, 200);
	w->target.insecure = false;
	get(w, "/echo");
	assert_int_equal(w->code, ERR_CORRUPT);
}

static void on_open(void *arg)
{
	((struct world *)arg)->opened++;
}

static void on_event(void *arg, const char *type, const char *id, const char *data, size_t n)
{
	struct world *w = arg;

	assert_int_equal(w->opened, 1);
	assert_int_equal(strlen(data), n);
	w->events++;
	assert_string_equal(type, w->events == 1 ? "start" : "message");
	snprintf(w->last_id, sizeof(w->last_id), "%s", id);
	if (w->events == w->cancel_at) {
		if (w->free_in_callback)
			w->client = http_client_free(w->client);
		else
			http_call_cancel(w->call);
		loop_stop(w->loop);
	}
}

static void on_retry(void *arg, msec base)
{
	((struct world *)arg)->retry = base;
}

static void on_end(void *arg, int status, msec retry_after, const struct err *e)
{
	struct world *w = arg;

	w->ended++;
	w->status = status;
	w->retry_after = retry_after;
	w->code = e != NULL ? e->code : 0;
	snprintf(w->error, sizeof(w->error), "%s", e != NULL ? e->text : "");
	loop_stop(w->loop);
}

static void listen_to(struct world *w, const char *path, msec dead_after)
{
	const struct http_events h = {.on_open = on_open,
		.on_event = on_event,
		.on_retry = on_retry,
		.on_end = on_end,
		.arg = w};

	w->opened = w->events = w->ended = 0;
	w->call = http_client_events(w->client, &w->target, path, "tok", "41", dead_after, &h);
	loop_run(w->loop);
}

static void events_arrive(void **state)
{
	struct world *w = *state;

	listen_to(w, "/events", 5000);
	assert_int_equal(w->opened, 1);
	assert_int_equal(w->events, 6);
	assert_int_equal(w->retry, 2500);
	assert_string_equal(w->last_id, "5");
	assert_int_equal(w->ended, 1);
	assert_int_equal(w->status, 200);
	assert_int_equal(w->code, 0);
}

static void silent_streams_are_dead(void **state)
{
	struct world *w = *state;

	listen_to(w, "/events?stay", 1500);
	assert_int_equal(w->events, 6);
	assert_int_equal(w->ended, 1);
	assert_int_equal(w->code, ERR_TIMEOUT);
}

static void other_answers_end_the_stream(void **state)
{
	struct world *w = *state;

	listen_to(w, "/busy", 5000);
	assert_int_equal(w->opened, 0);
	assert_int_equal(w->status, 503);
	assert_int_equal(w->retry_after, 7000);
	assert_int_equal(w->code, 0);
	listen_to(w, "/echo", 5000);
	assert_int_equal(w->opened, 0);
	assert_int_equal(w->code, ERR_INVALID);
}

static void streams_end_from_inside(void **state)
{
	struct world *w = *state;

	w->cancel_at = 2;
	listen_to(w, "/events?stay", 5000);
	assert_int_equal(w->events, 2);
	assert_int_equal(w->ended, 0);
	w->free_in_callback = true;
	listen_to(w, "/events?stay", 5000);
	assert_int_equal(w->events, 2);
	assert_int_equal(w->ended, 0);
}

/* A way that lets one exchange of each connection pass and then is dead, without a word. */
struct dead_way {
	int listening;
	pthread_t thread;
};

static void *one_exchange_each(void *arg)
{
	static const char plain[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	static const char events[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
				     "event: start\ndata: a\n\n";
	struct dead_way *way = arg;
	int fds[2];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		char request[2048];
		ssize_t n;

		fds[i] = accept(way->listening, NULL, NULL);
		if (fds[i] < 0)
			return NULL; /* the test has ended before */
		n = recv(fds[i], request, sizeof(request) - 1, 0);
		request[n > 0 ? n : 0] = '\0';
		if (strncmp(request, "GET /events", 11) == 0)
			send(fds[i], events, strlen(events), MSG_NOSIGNAL);
		else
			send(fds[i], plain, strlen(plain), MSG_NOSIGNAL);
	}
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	return NULL;
}

/* A stream is opened anew because the last one fell silent: what else was connected then may be as
 * dead, and a stream that began there would be silent for as long again. */
static void streams_have_connections_of_their_own(void **state)
{
	struct world *w = *state;
	struct dead_way way;
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);

	way.listening = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(way.listening, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(way.listening, 8), 0);
	assert_int_equal(getsockname(way.listening, (struct sockaddr *)&sin, &len), 0);
	assert_int_equal(pthread_create(&way.thread, NULL, one_exchange_each, &way), 0);
	mem_free(w->target.base);
	w->target.base = mem_printf("http://127.0.0.1:%u", ntohs(sin.sin_port));
	get(w, "/echo");
	assert_int_equal(w->status, 200);
	listen_to(w, "/events", 2000);
	shutdown(way.listening, SHUT_RDWR);
	pthread_join(way.thread, NULL);
	close(way.listening);
	assert_int_equal(w->opened, 1);
}

/* Someone else's client agrees with ours. */
static void curl_program(void **state)
{
	struct world *w = *state;
	AUTOFREE char *url = mem_printf("%s/echo", w->target.base);
	AUTOFREE char *pin = mem_printf("sha256//%s", w->target.pins.v[w->target.pins.n - 1]);
	char *argv[] = {"curl", "-sk", "--max-time", "20", "--pinnedpubkey", pin, "--data-binary",
		"outside", "-H", "X-Mine: curl", url, NULL};
	posix_spawn_file_actions_t fa;
	CLEANUP(buf_done) struct buf out = {0};
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, fds[1], 1);
	posix_spawn_file_actions_addclose(&fa, fds[0]);
	if (posix_spawnp(&pid, "curl", &fa, NULL, argv, environ) != 0) {
		posix_spawn_file_actions_destroy(&fa);
		close(fds[0]);
		close(fds[1]);
		print_message("curl is not installed\n");
		skip();
	}
	posix_spawn_file_actions_destroy(&fa);
	close(fds[1]);
	while (hear(fds[0], &out) > 0)
		;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_string_equal(
		buf_str(&out), "POST - - curl application/x-www-form-urlencoded 7 outside");
}

#define WITH(test, set_up) cmocka_unit_test_setup_teardown(test, set_up, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(sends_and_receives, setup),
		{"sends_and_receives_unix", sends_and_receives, setup_unix, teardown, NULL},
		{"sends_and_receives_tls", sends_and_receives, setup_tls, teardown, NULL},
		WITH(statuses_are_answers_and_redirects_are_not_followed, setup),
		WITH(bad_calls_are_refused_without_secrets, setup),
		WITH(bombs_are_refused, setup),
		WITH(timeout_and_absence, setup),
		WITH(many_at_once, setup),
		{"many_at_once_tls", many_at_once, setup_tls, teardown, NULL},
		WITH(cancelled_calls_are_silent, setup),
		WITH(blocking_call, setup),
		{"blocking_call_unix", blocking_call, setup_unix, teardown, NULL},
		WITH(pins_decide, setup_tls),
		WITH(events_arrive, setup),
		{"events_arrive_tls", events_arrive, setup_tls, teardown, NULL},
		WITH(silent_streams_are_dead, setup),
		WITH(other_answers_end_the_stream, setup),
		WITH(streams_end_from_inside, setup),
		WITH(streams_have_connections_of_their_own, setup),
		WITH(curl_program, setup_tls),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
