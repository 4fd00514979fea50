/* DOC: tests of event streams: fan-out in order, keep-alive, slow readers, every way to end. */
#include "serve.h"

#include "http/stream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#define STREAMS 500
#define ROUNDS 10

struct hub {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct sub *subs[STREAMS];
	size_t n;
	int closed;
	const char *first; /* sent on opening */
};

struct sub {
	struct hub *hub;
	struct http_stream *stream;
	size_t index;
	int closed;
};

static void on_closed(void *arg)
{
	struct sub *sub = arg;
	struct hub *h = sub->hub;

	pthread_mutex_lock(&h->lock);
	assert_int_equal(sub->closed++, 0);
	h->closed++;
	sub->stream = NULL;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

static void on_events(struct http_request *rq, const struct http_route *route, void *ctx)
{
	struct hub *h = ctx;
	struct sub *sub = NEW(struct sub);

	(void)route;
	sub->hub = h;
	pthread_mutex_lock(&h->lock);
	sub->index = h->n;
	h->subs[h->n++] = sub;
	sub->stream = http_stream_open(rq, on_closed, sub);
	if (h->first != NULL)
		http_stream_send(sub->stream, h->first, strlen(h->first));
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

static const struct http_route routes[] = {
	{.method = "GET", .path = "/events", .handler = on_events},
};

#define ASK "GET /events HTTP/1.1\r\nHost: x\r\n\r\n"

struct env {
	struct hub hub;
	struct http_server *s;
};

static int setup(void **state)
{
	struct env *env = NEW(struct env);

	pthread_mutex_init(&env->hub.lock, NULL);
	pthread_cond_init(&env->hub.changed, NULL);
	env->s = serve(routes, ARRAY_LEN(routes), &env->hub);
	*state = env;
	return 0;
}

static int teardown(void **state)
{
	struct env *env = *state;

	http_server_stop(env->s);
	for (size_t i = 0; i < env->hub.n; i++) {
		assert_int_equal(env->hub.subs[i]->closed, 1);
		mem_free(env->hub.subs[i]);
	}
	pthread_mutex_destroy(&env->hub.lock);
	pthread_cond_destroy(&env->hub.changed);
	mem_free(env);
	return 0;
}

static void wait_streams(struct hub *h, size_t n)
{
	pthread_mutex_lock(&h->lock);
	while (h->n < n)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

static void wait_closed(struct hub *h, int n)
{
	pthread_mutex_lock(&h->lock);
	while (h->closed < n)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

static int open_stream(struct env *env, struct buf *in)
{
	int fd = dial(env->s);
	size_t n = env->hub.n;

	say(fd, ASK, strlen(ASK));
	wait_streams(&env->hub, n + 1);
	assert_true(hear_until(fd, in, "\r\n\r\n"));
	return fd;
}

static void broadcast(struct hub *h, const char *text)
{
	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->n; i++)
		http_stream_send(h->subs[i]->stream, text, strlen(text));
	pthread_mutex_unlock(&h->lock);
}

static void streams_get_broadcasts_in_order(void **state)
{
	struct env *env = *state;
	static int fds[STREAMS];
	char text[64];

	for (int i = 0; i < STREAMS; i++) {
		fds[i] = dial(env->s);
		say(fds[i], ASK, strlen(ASK));
	}
	wait_streams(&env->hub, STREAMS);
	assert_int_equal(http_server_streams(env->s), STREAMS);
	for (int r = 0; r < ROUNDS; r++) {
		snprintf(text, sizeof(text), "id: %d\ndata: round %d\n\n", r, r);
		broadcast(&env->hub, text);
	}
	for (int i = 0; i < STREAMS; i++) {
		CLEANUP(buf_done) struct buf in = {0};
		const char *at;

		assert_true(hear_until(fds[i], &in, "round 9\n\n"));
		assert_non_null(strstr(in.data, "Content-Type: text/event-stream\r\n"));
		assert_non_null(strstr(in.data, "Cache-Control: no-store\r\n"));
		at = in.data;
		for (int r = 0; r < ROUNDS; r++) {
			snprintf(text, sizeof(text), "data: round %d\n\n", r);
			at = strstr(at, text);
			assert_non_null(at);
		}
		close(fds[i]);
	}
}

static void comments_keep_it_alive_and_find_the_dead(void **state)
{
	struct env *env = *state;
	CLEANUP(buf_done) struct buf in = {0};
	msec usual = http_keepalive;
	int fd;

	http_keepalive = 20;
	fd = open_stream(env, &in);
	assert_true(hear_until(fd, &in, ": keepalive\n\n"));
	buf_reset(&in);
	assert_true(hear_until(fd, &in, ": keepalive\n\n"));
	close(fd);
	/* Nobody sends anything: the comments alone find out. */
	wait_closed(&env->hub, 1);
	assert_int_equal(http_server_streams(env->s), 0);
	http_server_stop(env->s);
	env->s = NULL;
	http_keepalive = usual;
}

static void closing_sends_what_waits_and_keeps_the_connection(void **state)
{
	struct env *env = *state;
	CLEANUP(buf_done) struct buf in = {0};
	int fd;

	env->hub.first = "data: hello\n\n";
	fd = open_stream(env, &in);
	pthread_mutex_lock(&env->hub.lock);
	http_stream_send(env->hub.subs[0]->stream, "data: last\n\n", 12);
	http_stream_close(env->hub.subs[0]->stream);
	http_stream_send(env->hub.subs[0]->stream, "data: never\n\n", 13);
	pthread_mutex_unlock(&env->hub.lock);
	assert_true(hear_until(fd, &in, "\r\n0\r\n\r\n"));
	assert_non_null(strstr(in.data, "data: hello\n\n"));
	assert_non_null(strstr(in.data, "data: last\n\n"));
	assert_null(strstr(in.data, "never"));
	wait_closed(&env->hub, 1);
	say(fd, "GET /none HTTP/1.1\r\nHost: x\r\n\r\n", 32);
	buf_reset(&in);
	assert_int_equal(hear_response(fd, &in), 404);
	close(fd);
}

static void slow_reader_is_cut(void **state)
{
	struct env *env = *state;
	CLEANUP(buf_done) struct buf in = {0}, big = {0};
	struct hub *h = &env->hub;
	int fd = open_stream(env, &in), other;
	size_t sent = 0;

	memset(buf_room(&big, 65536), 'x', 65536);
	big.len = 65536;
	other = open_stream(env, &in);
	/* Never read on fd: the kernel takes some megabytes, then 4 MiB wait, then it is over, once
	 * the server's thread has had its turn. */
	pthread_mutex_lock(&h->lock);
	while (h->closed == 0 && sent < (256u << 20)) {
		http_stream_send(h->subs[0]->stream, big.data, big.len);
		sent += big.len;
		pthread_mutex_unlock(&h->lock);
		sched_yield();
		pthread_mutex_lock(&h->lock);
	}
	pthread_mutex_unlock(&h->lock);
	wait_closed(h, 1);
	pthread_mutex_lock(&h->lock);
	assert_int_equal(h->closed, 1);
	assert_true(sent > HTTP_STREAM_BEHIND_MAX);
	http_stream_send(h->subs[1]->stream, "data: fine\n\n", 12);
	pthread_mutex_unlock(&h->lock);
	assert_true(hear_until(other, &in, "data: fine"));
	close(fd);
	close(other);
}

static void head_and_old_clients(void **state)
{
	struct env *env = *state;
	CLEANUP(buf_done) struct buf in = {0};
	int fd = dial(env->s);

	say(fd, "HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n", 35);
	wait_closed(&env->hub, 1);
	close(fd);
	fd = dial(env->s);
	say(fd, "GET /events HTTP/1.0\r\n\r\n", 24);
	wait_streams(&env->hub, 2);
	broadcast(&env->hub, "data: old\n\n");
	assert_true(hear_until(fd, &in, "data: old\n\n"));
	close(fd);
}

static void *pester(void *arg)
{
	struct env *env = arg;

	for (int i = 0; i < 2000; i++)
		broadcast(&env->hub, "data: more\n\n");
	return NULL;
}

static void stop_with_open_streams_under_fire(void **state)
{
	struct env *env = *state;
	int fds[50];
	pthread_t t;

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial(env->s);
		say(fds[i], ASK, strlen(ASK));
	}
	wait_streams(&env->hub, ARRAY_LEN(fds));
	assert_int_equal(pthread_create(&t, NULL, pester, env), 0);
	for (size_t i = 0; i < ARRAY_LEN(fds) / 2; i++)
		close(fds[i]);
	env->s = http_server_stop(env->s);
	assert_int_equal(env->hub.closed, ARRAY_LEN(fds));
	pthread_join(t, NULL);
	for (size_t i = ARRAY_LEN(fds) / 2; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(streams_get_broadcasts_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(
			comments_keep_it_alive_and_find_the_dead, setup, teardown),
		cmocka_unit_test_setup_teardown(
			closing_sends_what_waits_and_keeps_the_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(slow_reader_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(head_and_old_clients, setup, teardown),
		cmocka_unit_test_setup_teardown(stop_with_open_streams_under_fire, setup, teardown),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
