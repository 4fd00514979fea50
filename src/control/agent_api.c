/*
 * DOC: routes of the agent protocol (doc/protocol.md): who calls, joining, state and events. What
 * nodes report is in agent_report.c and agent_member.c. Handlers check the bearer on an HTTP
 * thread, before they read a body; what needs the fleet then runs on the hub's thread, which also
 * gives the answer.
 */
#include "control/agent_call.h"

#include "base/log.h"
#include "base/text.h"
#include "codec/envelope.h"
#include "codec/state.h"
#include "control/address.h"
#include "control/bearer.h"
#include "control/groupkey.h"
#include "control/heartbeat.h"
#include "control/problem.h"
#include "control/register.h"
#include "control/stream.h"
#include "crypto/token.h"
#include "plan/plan.h"

#include <inttypes.h>
#include <stdio.h>

#define NONCE_MAX 128
#define JSON_TYPE "application/json"

/* --- calls ------------------------------------------------------------------------------------ */

void agent_refuse_request(struct http_request *rq, const struct err *e)
{
	struct buf body = {0};
	int status = problem_status(e->code);

	if (status == 500)
		log_error("an agent's call failed", LOG_KV_STR("error", e->text));
	problem_write(&body, status, err_name(e->code),
		status == 500 ? "the control plane failed; its log says why" : e->text, e->field);
	http_reply(rq, status, PROBLEM_TYPE, &body);
}

struct agent_call *agent_call_new(struct http_request *rq, void *ctx)
{
	struct control *control = ctx;
	const char *node = http_param(rq, "id"), *header = http_header(rq, "Authorization");
	struct bearers *bearers = control->hub->bearers;
	struct agent_call *c = NEW(struct agent_call);
	struct err e = {0};
	int r = node != NULL ? bearers_check(bearers, node, header, &e)
			     : bearers_find(bearers, header, c->node, &e);

	if (r < 0) {
		agent_refuse_request(rq, &e);
		return mem_free(c);
	}
	c->hub = control->hub;
	c->rq = rq;
	if (node != NULL)
		id_copy(c->node, node); /* it is known, so it is no longer than an id */
	return c;
}

void agent_call_free(struct agent_call *c)
{
	mem_free(c->endpoint);
	mem_free(c->region);
	mem_free(c);
}

void agent_reply(struct agent_call *c, int status, struct buf *json)
{
	http_reply(c->rq, status, JSON_TYPE, json);
	agent_call_free(c);
}

void agent_refuse(struct agent_call *c, const struct err *e)
{
	agent_refuse_request(c->rq, e);
	agent_call_free(c);
}

static void refuse_unknown(struct agent_call *c)
{
	struct err e;

	err_set(&e, ERR_UNAUTHORIZED, "this node has left the fleet: join again");
	agent_refuse(c, &e);
}

static int change(struct tx *tx, void *arg, struct err *e)
{
	struct agent_call *c = arg;

	return c->change(tx, c, e);
}

static void reply_changed(const struct fleet *f, void *arg)
{
	struct agent_call *c = arg;
	struct buf body = {0};
	struct json_writer w = {.out = &body};

	json_begin_object(&w, NULL);
	if (c->answer != NULL)
		c->answer(f, c, &w);
	json_end_object(&w);
	agent_reply(c, 200, &body);
}

static void changed(void *arg, int result, const struct err *e)
{
	struct agent_call *c = arg;

	if (result < 0)
		agent_refuse(c, e);
	else
		hub_run(c->hub, reply_changed, c);
}

void agent_call_change(
	struct agent_call *c, int (*fn)(struct tx *tx, struct agent_call *c, struct err *e))
{
	if (c == NULL)
		return;
	c->change = fn;
	store_write(c->hub->control->store, change, c, changed);
}

struct agent_call *agent_call_read(struct http_request *rq, void *ctx,
	int (*read)(const struct json *j, struct agent_call *c, struct err *e))
{
	struct agent_call *c = agent_call_new(rq, ctx);
	struct json_doc *doc;
	struct err e = {0};
	const char *body;
	size_t n;
	int r;

	if (c == NULL)
		return NULL;
	body = http_body(rq, &n);
	if (body == NULL) {
		agent_call_free(c);
		return NULL;
	}
	doc = json_parse(body, n, JSON_MAX, &e);
	r = doc != NULL ? read(json_root(doc), c, &e) : ERR_INVALID;
	json_free(doc);
	if (r < 0) {
		agent_refuse(c, &e);
		return NULL;
	}
	return c;
}

/* --- POST /v1/register ------------------------------------------------------------------------ */

struct registering {
	struct control *control;
	struct http_request *rq;
	struct registration r;
};

static void registering_free(struct registering *g)
{
	registration_done(&g->r);
	mem_free(g);
}

static void answer_registration(const struct fleet *f, void *arg)
{
	struct registering *g = arg;
	struct buf body = {0};

	registration_write(&g->r, &body);
	http_reply(g->rq, 201, JSON_TYPE, &body);
	registering_free(g);
}

static void registered(void *arg, int result, const struct err *e)
{
	struct registering *g = CONTAINER_OF(arg, struct registering, r);

	if (result < 0) {
		agent_refuse_request(g->rq, e);
		registering_free(g);
		return;
	}
	log_info("node registered", LOG_KV_STR("node", g->r.node),
		LOG_KV_STR("name", g->r.hostname));
	/* the node may call at once: the hub must know it before it is told */
	hub_run(g->control->hub, answer_registration, g);
}

static int check_token(struct registering *g, const char *token, struct err *e)
{
	token_hash_hex(token, g->r.token_hash);
	return store_read(g->control->store, register_token_known, g->r.token_hash, e);
}

/* A token in the header is looked at first: with a wrong one nothing is read. Without the header it
 * is the body's that counts; who is unknown so far makes nobody unpack that. */
static int check_header(struct registering *g, const char *bearer, struct err *e)
{
	if (bearer != NULL)
		return check_token(g, bearer, e);
	if (http_header(g->rq, "Authorization") != NULL ||
		http_header(g->rq, "Content-Encoding") != NULL)
		return err_set(e, ERR_UNAUTHORIZED, "a join token is needed");
	return 0;
}

/* Then the body, which must name the same one. */
static int read_registration(
	struct registering *g, const char *bearer, const char *body, size_t n, struct err *e)
{
	char *token = NULL;
	int r = registration_read(body, n, &g->r, &token, e);

	if (r >= 0 && bearer == NULL)
		r = check_token(g, token, e);
	else if (r >= 0 && strcmp(token, bearer) != 0)
		r = err_set(
			e, ERR_UNAUTHORIZED, "the token in the body is not the one in the header");
	if (token != NULL)
		mem_wipe(token, strlen(token));
	mem_free(token);
	if (r >= 0 && address_of_peer(http_peer(g->rq), &g->r.peer) < 0)
		g->r.peer = (struct addr){0};
	return r;
}

static void post_register(struct http_request *rq, const struct http_route *route, void *ctx)
{
	const char *bearer = bearer_text(http_header(rq, "Authorization")), *body = NULL;
	struct registering *g = NEW(struct registering);
	struct err e = {0};
	size_t n;
	int r;

	g->control = ctx;
	g->rq = rq;
	g->r.keys = &g->control->keys;
	g->r.labels = g->control->labels;
	r = check_header(g, bearer, &e);
	if (r >= 0 && (body = http_body(rq, &n)) == NULL) {
		registering_free(g);
		return;
	}
	if (r >= 0)
		r = read_registration(g, bearer, body, n, &e);
	if (r < 0) {
		agent_refuse_request(rq, &e);
		registering_free(g);
		return;
	}
	store_write(g->control->store, register_node, &g->r, registered);
}

/* --- GET /v1/nodes/{id}/state ----------------------------------------------------------------- */

struct state_call {
	struct agent_call *call;
	char nonce[NONCE_MAX + 1];
	bool has_match;
	uint64_t match; /* the revision the agent has */
};

/* SHA-256 of the node's state now; body gets the state when it had to be written. */
static const struct state_digest *digest_of(struct hub *h, const struct fleet *f,
	const struct node *n, bool want_body, struct buf *body)
{
	struct state_digest *d = map_get(&h->digests, n->id);
	struct state s = {0};

	if (d != NULL && d->revision == n->revision && !want_body)
		return d;
	plan_node(f, n->id, groupkeys_plan(h->groupkeys), &s, NULL);
	state_write(body, &s);
	state_done(&s);
	if (d == NULL) {
		d = NEW(struct state_digest);
		map_set(&h->digests, n->id, d);
	}
	d->revision = n->revision;
	hash_sha256_hex(body->data, body->len, d->sha256);
	return d;
}

static void send_head(struct state_call *s, const struct node *n, const struct state_digest *d)
{
	struct hub *h = s->call->hub;
	char issued[CLOCK_TEXT_LEN], etag[32];
	struct state_head head = {.node = (char *)(uintptr_t)n->id,
		.revision = n->revision,
		.issued_at = issued,
		.nonce = s->nonce};
	CLEANUP(buf_done) struct buf text = {0};

	clock_format(clock_wall(h->clock), issued);
	memcpy(head.sha256, d->sha256, sizeof(head.sha256));
	state_head_sign(&head, &h->control->keys.signing_seed);
	state_head_write(&head, &text);
	http_reply_header(s->call->rq, "Warren-State-Head", buf_str(&text));
	snprintf(etag, sizeof(etag), "\"%" PRIu64 "\"", n->revision);
	http_reply_header(s->call->rq, "ETag", etag);
	http_reply_header(s->call->rq, "Cache-Control", "no-store");
}

static void answer_state(const struct fleet *f, void *arg)
{
	struct state_call *s = arg;
	struct hub *h = s->call->hub;
	const struct node *n = map_get(&f->nodes, s->call->node);
	struct buf body = {0};
	bool same;

	if (n == NULL) {
		refuse_unknown(s->call);
		mem_free(s);
		return;
	}
	same = s->has_match && s->match == n->revision;
	http_reply_packed(s->call->rq);
	send_head(s, n, digest_of(h, f, n, !same, &body));
	atomic_fetch_add(&h->states_sent, 1);
	if (same) {
		buf_wipe(&body);
		agent_reply(s->call, 304, &body);
	} else {
		agent_reply(s->call, 200, &body);
	}
	mem_free(s);
}

static bool read_match(const char *header, uint64_t *ret)
{
	char digits[24];

	return header != NULL && sscanf(header, "\"%23[0-9]\"", digits) == 1 &&
		text_u64(digits, UINT64_MAX, ret) == 0;
}

static void get_state(struct http_request *rq, const struct http_route *route, void *ctx)
{
	struct agent_call *c = agent_call_new(rq, ctx);
	const char *nonce = http_query(rq, "nonce");
	struct state_call *s;
	struct err e;

	if (c == NULL)
		return;
	if (nonce == NULL || nonce[0] == '\0' || strlen(nonce) > NONCE_MAX ||
		strspn(nonce,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			"-_.:=+/") != strlen(nonce)) {
		err_field(&e, ERR_INVALID, "nonce", "nonce must be 1 to %d characters of base64",
			NONCE_MAX);
		agent_refuse(c, &e);
		return;
	}
	s = NEW(struct state_call);
	s->call = c;
	snprintf(s->nonce, sizeof(s->nonce), "%s", nonce);
	s->has_match = read_match(http_header(rq, "If-None-Match"), &s->match);
	hub_run(c->hub, answer_state, s);
}

/* --- GET /v1/nodes/{id}/events ---------------------------------------------------------------- */

struct events_call {
	struct agent_call *call;
	char *last_event_id;
};

static void open_events(const struct fleet *f, void *arg)
{
	struct events_call *s = arg;
	struct agent_call *c = s->call;
	const struct node *n = map_get(&f->nodes, c->node);

	if (n == NULL) {
		refuse_unknown(c);
	} else {
		streams_open(c->hub->streams, c->rq, c->node, s->last_event_id, n->revision);
		agent_call_free(c);
	}
	mem_free(s->last_event_id);
	mem_free(s);
}

static void get_events(struct http_request *rq, const struct http_route *route, void *ctx)
{
	struct agent_call *c = agent_call_new(rq, ctx);
	struct events_call *s;

	if (c == NULL)
		return;
	s = NEW(struct events_call);
	s->call = c;
	s->last_event_id = mem_strdup(http_header(rq, "Last-Event-ID"));
	hub_run(c->hub, open_events, s);
}

/* --- GET /healthz ----------------------------------------------------------------------------- */

static void get_healthz(struct http_request *rq, const struct http_route *route, void *ctx)
{
	struct control *c = ctx;
	struct buf body = {0};

	buf_adds(&body, "{\"status\":\"ok\"");
	pthread_mutex_lock(&c->hub->lock);
	if (c->hub->pins.len > 0)
		buf_addf(&body, ",\"pins\":%s", c->hub->pins.data);
	pthread_mutex_unlock(&c->hub->lock);
	buf_addc(&body, '}');
	http_reply_header(rq, "Cache-Control", "no-store");
	http_reply(rq, 200, JSON_TYPE, &body);
}

/* --- the table -------------------------------------------------------------------------------- */

#define ROUTE(method_, path_, fn_, max_)                                                   \
	{                                                                                  \
		.method = (method_), .path = (path_), .handler = (fn_), .body_max = (max_) \
	}

const struct http_route agent_routes[] = {
	ROUTE("GET", "/healthz", get_healthz, 0),
	ROUTE("POST", "/v1/register", post_register, REGISTRATION_BODY_MAX),
	ROUTE("GET", "/v1/nodes/{id}/state", get_state, 0),
	{.method = "GET", .path = "/v1/nodes/{id}/events", .handler = get_events, .acts = true},
	ROUTE("POST", "/v1/nodes/{id}/heartbeat", agent_heartbeat, HEARTBEAT_BODY_MAX),
	ROUTE("POST", "/v1/nodes/{id}/arrivals", agent_arrivals, HEARTBEAT_BODY_MAX),
	ROUTE("PUT", "/v1/nodes/{id}/keys", agent_keys, 4096),
	ROUTE("POST", "/v1/keys/rotate", agent_rotate, 4096),
	ROUTE("PUT", "/v1/nodes/{id}/endpoint", agent_endpoint, 4096),
	ROUTE("PUT", "/v1/nodes/{id}/gateway", agent_gateway, 4096),
	ROUTE("POST", "/v1/nodes/{id}/drift", agent_drift, 0),
	ROUTE("POST", "/v1/nodes/{id}/deregister", agent_deregister, 4096),
};
const size_t n_agent_routes = ARRAY_LEN(agent_routes);
