/* DOC: see rig.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rig.h"

#include "base/rand.h"
#include "base/text.h"
#include "codec/envelope.h"
#include "control/change.h"
#include "control/labels.h"
#include "control/secrets.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/seal.h"
#include "crypto/token.h"
#include "model/validate.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE 20000 /* ms; a limit for failures, not a wait */

/* --- the control plane ------------------------------------------------------------------------ */

static void up(struct rig *r)
{
	AUTOFREE char *path = mem_printf("%s/warren.db", r->dir);
	struct control *c = &r->control;
	struct http_options o = {.listen = "127.0.0.1:0",
		.routes = agent_routes,
		.n_routes = n_agent_routes,
		.ctx = c};
	struct err e = {0};

	c->labels = labels_new();
	if (store_open(&store_sqlite, path, c->clock, &c->store, &e) < 0 ||
		hub_new(c, &c->hub, &e) < 0 || http_server_start(&o, &c->agent_server, &e) < 0)
		fail_msg("start: %s", e.text);
	mem_free(r->target.base);
	r->target.base = mem_printf("http://127.0.0.1:%u", http_server_port(c->agent_server));
}

static void down(struct rig *r)
{
	r->control.agent_server = http_server_stop(r->control.agent_server);
	r->control.hub = hub_free(r->control.hub);
	r->control.store = store_close(r->control.store);
	r->control.labels = labels_free(r->control.labels);
}

static int make_world(struct tx *tx, void *arg, struct err *e)
{
	struct rig *r = arg;
	struct project p = {.name = mem_strdup("home"), .created_at = tx_now(tx)};
	struct network n = {.name = mem_strdup("default"), .psk = true, .keepalive = 25};
	struct policy pol = {.name = mem_strdup("start"), .enabled = true};
	struct rule rule = {.protocol = mem_strdup("any")};
	struct secret root;
	int result;

	id_make("prj", tx_now(tx), p.id);
	id_make("net", tx_now(tx), n.id);
	id_make("pol", tx_now(tx), pol.id);
	id_copy(r->project, p.id);
	id_copy(r->network, n.id);
	id_copy(n.project, p.id);
	id_copy(pol.project, p.id);
	id_copy(pol.network, n.id);
	assert_int_equal(prefix_parse("172.30.0.0/16", "", &n.ipv4, NULL), 0);
	assert_int_equal(prefix_parse("fd00:1:2:3::/64", "", &n.ipv6, NULL), 0);
	assert_int_equal(network_defaults(&n, e), 0);
	strs_push(&rule.from, "nodes");
	strs_push(&rule.from, "clients");
	strs_push(&rule.to, "nodes");
	VEC_PUSH(&pol.rules, rule);
	key_generate(&root);
	result = change_store(tx, &schema_project, NULL, &p, "test", "project.create", e);
	if (result >= 0)
		result = secrets_put(tx, &r->control.keys, n.id, SECRET_PSK_ROOT, &root, e);
	if (result >= 0)
		result = change_store(tx, &schema_network, NULL, &n, "test", "network.create", e);
	if (result >= 0)
		result = change_store(tx, &schema_policy, NULL, &pol, "test", "policy.create", e);
	schema_done(&schema_project, &p);
	schema_done(&schema_network, &n);
	schema_done(&schema_policy, &pol);
	return result;
}

static void wait_hub(const struct fleet *f, void *arg)
{
}

void rig_start(struct rig *r, bool real_clock)
{
	struct control_keys *k = &r->control.keys;
	struct err e = {0};

	memset(r, 0, sizeof(*r));
	crypto_init();
	snprintf(r->dir, sizeof(r->dir), "/tmp/warren-hub-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	r->clock = clock_fake(1800000000000, 1000000);
	r->control.clock = real_clock ? &clock_real : &r->clock;
	rand_bytes(k->master.bytes, KEY_LEN);
	rand_bytes(k->root_seed.bytes, KEY_LEN);
	rand_bytes(k->signing_seed.bytes, KEY_LEN);
	sign_public(&k->root_seed, &k->root_public);
	sign_public(&k->signing_seed, &k->signing_public);
	up(r);
	if (store_write_wait(r->control.store, make_world, r, &e) < 0)
		fail_msg("world: %s", e.text);
	hub_run_wait(r->control.hub, wait_hub, NULL);
}

void rig_restart(struct rig *r)
{
	down(r);
	up(r);
}

void rig_stop(struct rig *r)
{
	AUTOFREE char *command = mem_printf("rm -rf '%s'", r->dir);

	down(r);
	http_target_done(&r->target);
	assert_int_equal(system(command), 0);
}

void rig_advance(struct rig *r, msec by)
{
	r->clock.fake_wall += by;
	r->clock.fake_mono += by;
}

struct changing {
	const struct schema *schema;
	const void *before, *after;
};

static int store_change(struct tx *tx, void *arg, struct err *e)
{
	const struct changing *c = arg;

	return change_store(tx, c->schema, c->before, c->after, "test", "test.change", e);
}

void rig_change(struct rig *r, const struct schema *s, const void *before, const void *after)
{
	struct changing c = {s, before, after};
	struct err e = {0};

	if (store_write_wait(r->control.store, store_change, &c, &e) < 0)
		fail_msg("change of %s: %s", s->name, e.text);
	hub_run_wait(r->control.hub, wait_hub, NULL);
}

void rig_second(struct rig *r)
{
	struct network n = {.name = mem_strdup("second"), .keepalive = 25};

	id_make("net", clock_wall(r->control.clock), n.id);
	id_copy(n.project, r->project);
	assert_int_equal(prefix_parse("172.31.0.0/16", "", &n.ipv4, NULL), 0);
	assert_int_equal(prefix_parse("fd00:1:2:4::/64", "", &n.ipv6, NULL), 0);
	assert_int_equal(network_defaults(&n, NULL), 0);
	rig_change(r, &schema_network, NULL, &n);
	id_copy(r->second, n.id);
	schema_done(&schema_network, &n);
}

static int insert_token(struct tx *tx, void *arg, struct err *e)
{
	return tx_insert(tx, &schema_token, arg, e);
}

static void put_token(struct rig *r, struct token *t, struct buf *ret)
{
	char hash[HASH_HEX_LEN];
	struct err e = {0};

	buf_reset(ret);
	token_make_join(&r->control.keys.root_public, ret);
	t->kind = TOKEN_KIND_JOIN;
	t->name = mem_strdup("test");
	t->created_at = clock_wall(r->control.clock);
	id_make("tok", t->created_at, t->id);
	id_copy(t->project, r->project);
	t->hash = mem_strdup(token_hash_hex(buf_str(ret), hash));
	strs_push(&t->networks, "default");
	if (r->second[0] != '\0')
		strs_push(&t->networks, r->second);
	if (store_write_wait(r->control.store, insert_token, t, &e) < 0)
		fail_msg("token: %s", e.text);
	schema_done(&schema_token, t);
}

void rig_token(struct rig *r, unsigned roles, unsigned uses, msec expires_at, struct buf *ret)
{
	struct token t = {.roles = roles, .uses_left = uses, .expires_at = expires_at};

	put_token(r, &t, ret);
}

void rig_token_for(struct rig *r, const char *node, struct buf *ret)
{
	struct token t = {.roles = ROLE_PEER, .uses_left = 1, .node = mem_strdup(node)};

	put_token(r, &t, ret);
}

struct leasing {
	struct rig *rig;
	struct device *device;
};

static int lease_client(struct tx *tx, void *arg, struct err *e)
{
	struct leasing *l = arg;
	struct network n = {0};
	int r = tx_get(tx, &schema_network, l->rig->network, &n, e);

	if (r >= 0)
		r = tx_lease(tx, n.id, n.device_first, n.device_last, l->device->id, 0,
			&l->device->ipv4, e);
	l->device->ipv6 = addr_add(n.ipv6.addr, l->device->ipv4.bits);
	schema_done(&schema_network, &n);
	return r;
}

void rig_client(struct rig *r, const char *name, const char *group, struct device *ret)
{
	struct leasing l = {r, ret};
	struct secret key;
	struct err e = {0};

	memset(ret, 0, sizeof(*ret));
	id_make("cl", clock_wall(r->control.clock), ret->id);
	id_copy(ret->project, r->project);
	id_copy(ret->network, r->network);
	id_copy(ret->group, group);
	ret->name = mem_strdup(name);
	ret->dns_name = mem_strdup(name);
	ret->enabled = true;
	ret->keepalive = -1;
	ret->created_at = clock_wall(r->control.clock);
	key_generate(&key);
	key_public(&key, &ret->public_key);
	if (store_write_wait(r->control.store, lease_client, &l, &e) < 0)
		fail_msg("lease: %s", e.text);
}

struct getting {
	const struct schema *schema;
	const char *id;
	void *ret;
};

static int get_object(struct tx *tx, void *arg, struct err *e)
{
	struct getting *g = arg;

	return tx_get(tx, g->schema, g->id, g->ret, e);
}

void rig_get(struct rig *r, const struct schema *s, const char *id, void *ret)
{
	struct getting g = {s, id, ret};
	struct err e = {0};

	if (store_read(r->control.store, get_object, &g, &e) < 0)
		fail_msg("%s: %s", id, e.text);
}

static int get_group(struct tx *tx, void *arg, struct err *e)
{
	return tx_find(tx, &schema_group, arg, e, "name", "gateways", NULL);
}

void rig_group(struct rig *r, struct group *ret)
{
	struct err e = {0};

	memset(ret, 0, sizeof(*ret));
	if (store_read(r->control.store, get_group, ret, &e) < 0)
		fail_msg("group: %s", e.text);
}

uint64_t rig_revision(struct rig *r, const char *node)
{
	struct node_status s;

	hub_node_status(r->control.hub, node, &s);
	return s.revision;
}

int rig_call(struct rig *r, const char *method, const char *path, const char *bearer,
	const char *header, const char *body, struct http_response *ret)
{
	const char *headers[] = {header, NULL};
	struct http_send send = {.method = method,
		.path = path,
		.bearer = bearer,
		.headers = headers,
		.body = body,
		.body_len = body ? strlen(body) : 0};
	struct http_response response = {0};
	struct err e = {0};
	int status;

	if (http_call_wait(&r->target, &send, &response, &e) < 0)
		fail_msg("%s %s: %s", method, path, e.text);
	status = response.status;
	if (ret != NULL)
		*ret = response;
	else
		http_response_done(&response);
	return status;
}

void rig_expect_field(const struct http_response *response, const char *field)
{
	struct json_doc *doc = json_parse(response->body.data, response->body.len, JSON_MAX, NULL);

	assert_non_null(doc);
	if (field[0] != '\0')
		assert_string_equal(json_str(json_root(doc), "field"), field);
	json_free(doc);
}

/* --- agents ----------------------------------------------------------------------------------- */

static void open_secret(struct agent *a, const char *sealed)
{
	CLEANUP(buf_done) struct buf bytes = {0}, plain = {0}, text = {0};
	struct secret derived;
	struct err e = {0};

	assert_non_null(sealed);
	assert_int_equal(base64_decode(sealed, &bytes), 0);
	if (seal_open_with_private(&a->key, bytes.data, bytes.len, &plain, &e) < 0)
		fail_msg("node secret: %s", e.text);
	assert_int_equal(plain.len, KEY_LEN);
	memcpy(a->secret.bytes, plain.data, KEY_LEN);
	key_derive(&a->secret, "bearer", &derived);
	token_from_secret(TOKEN_NODE, &derived, &text);
	snprintf(a->bearer, sizeof(a->bearer), "%s", buf_str(&text));
}

int agent_join(struct agent *a, struct rig *r, const char *name, const char *token)
{
	CLEANUP(buf_done) struct buf body = {0};
	struct json_writer w = {.out = &body};
	struct http_response response;
	char key[KEY_TEXT_LEN];
	struct json_doc *doc;

	a->rig = r;
	a->fd = -1;
	snprintf(a->name, sizeof(a->name), "%s", name);
	if (secret_is_zero(&a->key))
		key_generate(&a->key);
	key_public(&a->key, &a->public_key);
	json_begin_object(&w, NULL);
	json_put_str(&w, "token", token);
	json_put_str(&w, "public_key", key_format_public(&a->public_key, key));
	json_put_str(&w, "hostname", name);
	json_end_object(&w);
	a->status = rig_call(r, "POST", "/v1/register", token, NULL, buf_str(&body), &response);
	if (a->status == 201) {
		a->signing = r->control.keys.signing_public;
		doc = json_parse(response.body.data, response.body.len, JSON_MAX, NULL);
		assert_non_null(doc);
		id_copy(a->id, json_str(json_root(doc), "node_id"));
		open_secret(a, json_str(json_root(doc), "node_secret_key"));
		json_free(doc);
	}
	http_response_done(&response);
	return a->status;
}

void rig_join(struct rig *r, unsigned roles, const char *name, struct agent *a)
{
	CLEANUP(buf_done) struct buf token = {0};

	rig_token(r, roles, 1, 0, &token);
	assert_int_equal(agent_join(a, r, name, buf_str(&token)), 201);
}

int agent_call(struct agent *a, const char *method, const char *tail, const char *header,
	const char *body, struct http_response *ret)
{
	AUTOFREE char *path = mem_printf("/v1/nodes/%s/%s", a->id, tail);

	return rig_call(a->rig, method, path, a->bearer, header, body, ret);
}

int agent_announce(struct agent *a, const struct public_key *key)
{
	char text[KEY_TEXT_LEN], proof_text[KEY_TEXT_LEN];
	struct secret proof = {0};

	key_announce_proof(&a->secret, a->rig->network, key, &proof);
	AUTOFREE char *body = mem_printf(
		"{\"network\":\"%s\",\"public_key\":\"%s\",\"proof\":\"%s\"}", a->rig->network,
		key_format_public(key, text), key_format_secret(&proof, proof_text));
	return agent_call(a, "PUT", "keys", NULL, body, NULL);
}

void agent_fetch(struct agent *a, struct state *ret)
{
	struct http_response response;
	struct state_head head = {0};
	char sha[HASH_HEX_LEN];
	struct err e = {0};

	assert_int_equal(agent_call(a, "GET", "state?nonce=abc-123", NULL, NULL, &response), 200);
	if (state_head_read(http_response_header(&response, "Warren-State-Head"), &head, &e) < 0 ||
		state_head_check(&head, &a->rig->control.keys.signing_public, &e) < 0)
		fail_msg("head: %s", e.text);
	assert_string_equal(head.node, a->id);
	assert_string_equal(head.nonce, "abc-123");
	hash_sha256_hex(response.body.data, response.body.len, sha);
	assert_string_equal(head.sha256, sha);
	if (state_read(response.body.data, response.body.len, ret, &e) < 0)
		fail_msg("state: %s", e.text);
	assert_int_equal(ret->revision, head.revision);
	state_head_done(&head);
	http_response_done(&response);
}

static void apply_payload(struct agent *a, const struct envelope *v, const char *id)
{
	struct json_doc *doc = json_parse(v->payload, strlen(v->payload), STATE_MAX, NULL);
	const struct json *j = json_root(doc);
	AUTOFREE char *nonce = mem_printf("%s:%" PRId64 ":", a->id, json_int(j, "previous", -1));
	struct delta d = {0};
	struct err e = {0};

	assert_true(text_starts(v->nonce, nonce));
	assert_string_equal(v->event_id, id);
	if (json_bool(j, "refetch", false)) {
		assert_string_equal(v->event_type, "node_state_updated");
		a->refetches++;
		state_done(&a->state);
		agent_fetch(a, &a->state);
	} else {
		if (delta_read(j, &d, &e) < 0)
			fail_msg("delta: %s", e.text);
		if (d.revision > a->state.revision && state_apply(&a->state, &d, &e) < 0)
			fail_msg("%s: %s (have %" PRIu64 ")", a->name, e.text, a->state.revision);
		delta_done(&d);
	}
	json_free(doc);
}

static void follow(struct agent *a, const struct envelope *v)
{
	struct json_doc *doc = json_parse(v->payload, strlen(v->payload), JSON_MAX, NULL);
	const char *key = json_str(json_get(json_root(doc), "signing_keys"), "current");

	assert_int_equal(key_parse_public(key, "", &a->signing, NULL), 0);
	json_free(doc);
}

static void on_event(void *arg, const char *type, const char *id, const char *data, size_t n)
{
	struct agent *a = arg;
	struct envelope v = {0};
	struct err e = {0};

	if (envelope_read(data, n, STATE_MAX, &v, &e) < 0 ||
		envelope_check(&v, &a->signing, NULL, &e) < 0)
		fail_msg("envelope: %s", e.text);
	assert_string_equal(v.event_type, type);
	if (strcmp(type, "signing_key_rotated") == 0)
		follow(a, &v);
	else if (strcmp(type, "rotate_keys") != 0) /* a request, no step */
		apply_payload(a, &v, id);
	a->events++;
	snprintf(a->last_type, sizeof(a->last_type), "%s", type);
	a->last_id = strtoull(id, NULL, 10);
	envelope_done(&v);
}

void agent_listen(struct agent *a, const char *last_event_id)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons(http_server_port(a->rig->control.agent_server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	AUTOFREE char *request = mem_printf("GET /v1/nodes/%s/events HTTP/1.1\r\nHost: t\r\n"
					    "Authorization: Bearer %s\r\n%s%s%s\r\n",
		a->id, a->bearer, last_event_id ? "Last-Event-ID: " : "",
		last_event_id ? last_event_id : "", last_event_id ? "\r\n" : "");

	a->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(a->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(write(a->fd, request, strlen(request)), strlen(request));
	a->sse = (struct sse_parser){.on_event = on_event, .arg = a};
	a->headers_done = a->ended = false;
	a->events = a->refetches = 0;
	a->last_id = 0;
}

/* Take chunks (RFC 9112, 7.1) off the front of what was read. */
static void feed(struct agent *a)
{
	for (;;) {
		char *text = a->raw.data, *end;
		size_t size, head;

		if (text == NULL || (end = strstr(text, "\r\n")) == NULL)
			return;
		head = (size_t)(end - text) + 2;
		size = strtoul(text, NULL, 16);
		if (a->raw.len < head + size + 2)
			return;
		if (size == 0)
			a->ended = true;
		assert_int_equal(sse_feed(&a->sse, text + head, size, NULL), 0);
		size += head + 2;
		memmove(a->raw.data, a->raw.data + size, a->raw.len - size + 1);
		a->raw.len -= size;
		if (a->ended)
			return;
	}
}

static void read_some(struct agent *a)
{
	struct pollfd p = {.fd = a->fd, .events = POLLIN};
	char chunk[65536];
	ssize_t n;

	if (poll(&p, 1, PATIENCE) != 1)
		fail_msg("%s: nothing comes (at %" PRIu64 ", %u events)", a->name, a->last_id,
			a->events);
	n = read(a->fd, chunk, sizeof(chunk));
	if (n <= 0) {
		a->ended = true;
		return;
	}
	buf_add(&a->raw, chunk, (size_t)n);
	if (!a->headers_done) {
		char *end = strstr(a->raw.data, "\r\n\r\n");
		size_t head;

		if (end == NULL)
			return;
		assert_true(strncmp(a->raw.data, "HTTP/1.1 200", 12) == 0);
		head = (size_t)(end - a->raw.data) + 4;
		memmove(a->raw.data, a->raw.data + head, a->raw.len - head + 1);
		a->raw.len -= head;
		a->headers_done = true;
	}
	feed(a);
}

void agent_wait(struct agent *a, uint64_t revision)
{
	while (a->last_id < revision || !a->headers_done) {
		if (a->ended)
			fail_msg("%s: the stream ended", a->name);
		read_some(a);
	}
}

void agent_wait_type(struct agent *a, const char *type)
{
	while (strcmp(a->last_type, type) != 0) {
		if (a->ended)
			fail_msg("%s: the stream ended", a->name);
		read_some(a);
	}
}

void agent_wait_end(struct agent *a)
{
	while (!a->ended)
		read_some(a);
}

void agent_hang_up(struct agent *a)
{
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	sse_done(&a->sse);
	buf_done(&a->raw);
}

void agent_check(struct agent *a)
{
	struct state fresh = {0};
	struct delta d = {0};
	CLEANUP(buf_done) struct buf what = {0};

	agent_fetch(a, &fresh);
	assert_int_equal(a->state.revision, fresh.revision);
	state_diff(&a->state, &fresh, &d);
	VEC_FOREACH (entry, &fresh.requires)
		if (!strs_has(&a->state.requires, *entry))
			fail_msg("%s was not told that %s is needed", a->name, *entry);
	if (!delta_is_empty(&d)) {
		delta_write(&what, &d);
		fail_msg("%s differs at %" PRIu64 ": %s", a->name, fresh.revision, what.data);
	}
	delta_done(&d);
	state_done(&fresh);
}

void agent_done(struct agent *a)
{
	agent_hang_up(a);
	state_done(&a->state);
}
