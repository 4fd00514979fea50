/*
 * DOC: the whole agent against a control plane of a hundred lines, over TLS with real pins and
 * signatures: join, state, event, drift, fail static. The server acts when a heartbeat arrives.
 */
#include "fake.h"

#include "agent/agent.h"
#include "base/log.h"
#include "base/loop.h"
#include "codec/envelope.h"
#include "codec/state.h"
#include "crypto/hash.h"
#include "crypto/seal.h"
#include "crypto/token.h"
#include "http/server.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct plane {
	pthread_mutex_t lock;
	struct http_server *server;
	struct buf cert, key, pin;
	struct secret root_seed, signing_seed, node_secret;
	struct public_key root;
	char *top, *dir, *url;
	struct fake fake;
	struct loop *loop; /* the agent's, while it runs */
	struct http_stream *stream;
	uint64_t stop_at; /* the agent is stopped when it has applied this and told its key */
	uint64_t applied; /* as its heartbeats say */
	unsigned registers, states, heartbeats, keys;
	bool unauthorized, bad_sha; /* misbehave */
};

static void reply(struct http_request *rq, int status, const char *text)
{
	struct buf body = {0};

	buf_adds(&body, text);
	http_reply(rq, status, "application/json", &body);
}

static void on_health(struct http_request *rq, const struct http_route *r, void *ctx)
{
	struct plane *p = ctx;
	struct pins pins = {.issued_at = mem_strdup("2026-01-01T00:00:00Z")};
	struct buf body = {0};

	strs_push(&pins.pins, buf_str(&p->pin));
	sign_public(&p->signing_seed, &pins.signing_current);
	pins_sign(&pins, &p->root_seed);
	buf_adds(&body, "{\"status\":\"ok\",\"pins\":");
	pins_write(&pins, &body);
	buf_adds(&body, "}");
	pins_done(&pins);
	http_reply(rq, 200, "application/json", &body);
}

static void on_register(struct http_request *rq, const struct http_route *r, void *ctx)
{
	struct plane *p = ctx;
	struct buf sealed = {0}, text = {0}, body = {0};
	struct public_key key;
	size_t n;
	const char *bytes = http_body(rq, &n);
	struct json_doc *doc = json_parse(bytes, n, JSON_MAX, NULL);

	p->registers++;
	assert_int_equal(
		key_parse_public(json_str(json_root(doc), "public_key"), "k", &key, NULL), 0);
	json_free(doc);
	seal_to_public(&key, p->node_secret.bytes, KEY_LEN, &sealed);
	base64_encode(sealed.data, sealed.len, &text);
	buf_addf(&body,
		"{\"node_id\":\"" NODE "\",\"project\":\"prj_00000000000000000000000000000001\","
		"\"node_secret_key\":\"%s\",\"networks\":[{\"id\":\"" NET "\"}],\"peers\":[]}",
		buf_str(&text));
	buf_done(&sealed);
	buf_done(&text);
	http_reply(rq, 201, "application/json", &body);
}

static void on_state(struct http_request *rq, const struct http_route *r, void *ctx)
{
	struct plane *p = ctx;
	struct buf body = {0}, line = {0};
	struct state s;
	struct state_head h = {.node = mem_strdup(NODE),
		.revision = 1,
		.issued_at = mem_strdup("2026-01-01T00:00:00Z"),
		.nonce = mem_strdup(http_query(rq, "nonce"))};
	const char *have = http_header(rq, "If-None-Match");

	p->states++;
	state_base(&s, 1);
	state_put(&s, peer_make(1, 1));
	state_write(&body, &s);
	state_done(&s);
	if (have != NULL)
		h.revision = strtoull(have + 1, NULL, 10);
	hash_sha256_hex(body.data, body.len, h.sha256);
	if (p->bad_sha)
		h.sha256[0] = h.sha256[0] == '0' ? '1' : '0';
	state_head_sign(&h, &p->signing_seed);
	state_head_write(&h, &line);
	state_head_done(&h);
	http_reply_header(rq, "Warren-State-Head", buf_str(&line));
	buf_done(&line);
	if (have != NULL)
		buf_done(&body);
	http_reply(rq, have != NULL ? 304 : 200, "application/json", &body);
}

static void on_closed(void *arg)
{
	struct plane *p = arg;

	pthread_mutex_lock(&p->lock);
	p->stream = NULL;
	pthread_mutex_unlock(&p->lock);
}

static void send_event(struct plane *p, uint64_t previous)
{
	struct delta d = {.previous = previous, .revision = previous + 1};
	struct buf payload = {0}, text = {0}, sse = {0};
	struct envelope v = {.event_type = mem_strdup("peer_added"),
		.event_id = mem_printf("%" PRIu64, d.revision),
		.issued_at = mem_strdup("2026-01-01T00:00:00Z"),
		.nonce = mem_printf(NODE ":%" PRIu64 ":x", previous)};

	VEC_PUSH(&d.put, peer_make((unsigned)d.revision, (unsigned)d.revision));
	delta_write(&payload, &d);
	v.payload = buf_take(&payload);
	assert_int_equal(envelope_sign(&v, &p->signing_seed, NULL), 0);
	assert_int_equal(envelope_write(&v, &text), 0);
	buf_addf(&sse, "id: %" PRIu64 "\nevent: peer_added\ndata: %s\n\n", d.revision, text.data);
	http_stream_send(p->stream, sse.data, sse.len);
	envelope_done(&v);
	delta_done(&d);
	buf_done(&text);
	buf_done(&sse);
}

static void on_events(struct http_request *rq, const struct http_route *r, void *ctx)
{
	struct plane *p = ctx;
	const char *last = http_header(rq, "Last-Event-ID");

	if (p->unauthorized) {
		reply(rq, 401, "{}");
		return;
	}
	pthread_mutex_lock(&p->lock);
	assert_non_null(last);
	{
		uint64_t at = strtoull(last, NULL, 10);

		p->stream = http_stream_open(rq, on_closed, p);
		send_event(p, at);
		send_event(p, at); /* twice: the second is a duplicate */
		send_event(p, at + 1);
	}
	pthread_mutex_unlock(&p->lock);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

/* Heartbeats and keys come by connections of their own: whichever is the last. Once: afterwards
 * the loop is no more. */
static void stop_when_due(struct plane *p)
{
	if (p->loop == NULL || p->applied < p->stop_at || p->keys == 0)
		return;
	loop_post(p->loop, stop, p->loop);
	p->loop = NULL;
}

static void on_heartbeat(struct http_request *rq, const struct http_route *r, void *ctx)
{
	struct plane *p = ctx;
	size_t n;
	const char *bytes = http_body(rq, &n);
	struct json_doc *doc = json_parse(bytes, n, JSON_MAX, NULL);
	uint64_t applied;

	assert_non_null(doc);
	applied = (uint64_t)json_int(json_root(doc), "applied_revision", 0);
	json_free(doc);
	reply(rq, 200, "{\"reconcile\":false,\"rotate_keys\":false}");
	pthread_mutex_lock(&p->lock);
	p->heartbeats++;
	p->applied = applied;
	stop_when_due(p);
	pthread_mutex_unlock(&p->lock);
}

static void on_keys(struct http_request *rq, const struct http_route *r, void *ctx)
{
	struct plane *p = ctx;

	reply(rq, 200, "{}");
	pthread_mutex_lock(&p->lock);
	p->keys++;
	stop_when_due(p);
	pthread_mutex_unlock(&p->lock);
}

static void on_drift(struct http_request *rq, const struct http_route *r, void *ctx)
{
	reply(rq, 200, "{}");
}

static const struct http_route routes[] = {
	{.method = "GET", .path = "/healthz", .handler = on_health},
	{.method = "POST", .path = "/v1/register", .handler = on_register},
	{.method = "GET", .path = "/v1/nodes/{id}/state", .handler = on_state},
	{.method = "GET", .path = "/v1/nodes/{id}/events", .handler = on_events},
	{.method = "POST", .path = "/v1/nodes/{id}/heartbeat", .handler = on_heartbeat},
	{.method = "PUT", .path = "/v1/nodes/{id}/keys", .handler = on_keys},
	{.method = "POST", .path = "/v1/nodes/{id}/drift", .handler = on_drift},
};

static void serve(struct plane *p)
{
	struct http_options o = {.listen = "127.0.0.1:0",
		.cert_pem = buf_str(&p->cert),
		.key_pem = buf_str(&p->key),
		.routes = routes,
		.n_routes = ARRAY_LEN(routes),
		.ctx = p};
	struct err e = {0};

	if (http_server_start(&o, &p->server, &e) < 0)
		fail_msg("%s", e.text);
	mem_free(p->url);
	p->url = mem_printf("https://127.0.0.1:%u", http_server_port(p->server));
}

static int setup(void **state)
{
	static const char *const names[] = {"localhost", NULL};
	char dir[] = "/tmp/warren-agent-XXXXXX";
	struct plane *p = NEW(struct plane);
	struct err e = {0};

	crypto_init();
	log_init("wireguard", LOG_ERROR);
	pthread_mutex_init(&p->lock, NULL);
	p->root_seed.bytes[0] = 1;
	p->signing_seed.bytes[0] = 2;
	p->node_secret.bytes[0] = 3;
	sign_public(&p->root_seed, &p->root);
	if (http_certificate_make(names, &p->cert, &p->key, &e) < 0 ||
		http_certificate_pin(buf_str(&p->cert), &p->pin, &e) < 0)
		fail_msg("%s", e.text);
	assert_non_null(mkdtemp(dir));
	p->top = mem_strdup(dir);
	p->dir = mem_printf("%s/state", dir);
	p->fake.wg = wg_memory_new();
	map_set(&p->fake.sysctls, "net.ipv4.ip_forward", mem_strdup("0"));
	serve(p);
	*state = p;
	return 0;
}

static void free_value(void *v)
{
	mem_free(v);
}

static int teardown(void **state)
{
	struct plane *p = *state;
	AUTOFREE char *clean = mem_printf("rm -rf %s", p->top);

	http_server_stop(p->server);
	assert_int_equal(system(clean), 0);
	p->fake.wg->ops->free(p->fake.wg);
	map_done(&p->fake.links, free_value);
	map_done(&p->fake.sysctls, free_value);
	map_done(&p->fake.firewalls, free_value);
	VEC_DONE(&p->fake.addresses);
	VEC_DONE(&p->fake.routes);
	strs_done(&p->fake.hosts);
	buf_done(&p->cert);
	buf_wipe(&p->key);
	buf_done(&p->pin);
	mem_free(p->top);
	mem_free(p->dir);
	mem_free(p->url);
	mem_free(p);
	return 0;
}

static void started(void *arg, struct loop *l)
{
	struct plane *p = arg;

	pthread_mutex_lock(&p->lock);
	p->loop = l;
	pthread_mutex_unlock(&p->lock);
}

static struct agent_options options(struct plane *p)
{
	return (struct agent_options){.state_dir = p->dir,
		.url = p->url,
		.wg = p->fake.wg,
		.machine = &fake_ops,
		.machine_ctx = &p->fake,
		.started = started,
		.started_arg = p};
}

static int join(struct plane *p, const struct public_key *root, struct err *e)
{
	struct agent_options o = options(p);
	CLEANUP(buf_wipe) struct buf token = {0};

	token_make_join(root, &token);
	AUTOFREE char *name = NULL;

	return agent_join(&o, buf_str(&token), "host", &name, e);
}

static void run_until(struct plane *p, uint64_t revision)
{
	struct agent_options o = options(p);
	struct err e = {0};

	p->stop_at = revision;
	if (agent_run(&o, &e) < 0)
		fail_msg("%s", e.text);
	assert_null(p->loop); /* stopped by us */
}

static size_t peers(struct plane *p)
{
	struct wg_device d = {0};
	size_t n;

	assert_int_equal(p->fake.wg->ops->read(p->fake.wg, "warren0", &d, NULL), 0);
	n = d.peers.n;
	wg_device_done(&d);
	return n;
}

static void refuses_a_wrong_root(void **state)
{
	struct plane *p = *state;
	struct secret other = {{77}};
	struct public_key root;
	struct err e = {0};

	sign_public(&other, &root);
	assert_true(join(p, &root, &e) < 0);
	assert_int_equal(p->registers, 0); /* the token was not shown to anybody */
	assert_false(agent_is_joined(p->dir));
}

static void joins_and_runs(void **state)
{
	struct plane *p = *state;
	struct agent_options o = options(p);
	struct err e = {0};
	AUTOFREE char *node = NULL;

	if (join(p, &p->root, &e) < 0)
		fail_msg("%s", e.text);
	node = agent_node_id(p->dir);
	assert_string_equal(node, NODE);
	assert_int_equal(join(p, &p->root, &e), ERR_EXISTS);
	run_until(p, 3); /* state 1, events 2 and 3, a duplicate between */
	assert_int_equal(peers(p), 3);
	assert_int_equal(p->states, 1);
	assert_true(p->keys > 0); /* the interface named no key: ours was announced */
	run_until(p, 5);          /* resumes behind 3 */
	assert_int_equal(peers(p), 5);
	assert_int_equal(agent_down(&o, &e), 0);
	assert_int_equal(p->fake.firewalls.n, 0);
}

static void stop_later(void *arg, struct loop *l)
{
	loop_post(l, stop, l);
}

static void fails_static(void **state)
{
	struct plane *p = *state;
	struct agent_options o = options(p);
	struct err e = {0};

	if (join(p, &p->root, &e) < 0)
		fail_msg("%s", e.text);
	run_until(p, 3);
	p->server = http_server_stop(p->server);
	assert_int_equal(p->fake.wg->ops->destroy(p->fake.wg, "warren0", &e), 0);
	o.started = stop_later; /* from the cache, with nobody to ask */
	assert_int_equal(agent_run(&o, &e), 0);
	assert_int_equal(peers(p), 3);
	serve(p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(refuses_a_wrong_root),
		T(joins_and_runs),
		T(fails_static),
	};

	return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
