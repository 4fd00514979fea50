/* DOC: heartbeats, drift, key announcements; see beat.h. */
#include "agent/beat.h"

#include "base/fault.h"
#include "base/log.h"
#include "codec/json.h"

#define EACH (30 * 1000)
#define SOON 1000
#define OFTEN (2 * 1000) /* however often the control plane would like it */
#define ANSWER_MAX (64 * 1024)

static void announce_next(struct beat *b);
static void report_drift(struct beat *b);

static void free_value(void *p)
{
	mem_free(p);
}

static void schedule(struct beat *b, msec delay)
{
	/* +-10 %: a fleet must not beat as one */
	loop_timer_set(b->timer,
		delay - delay / 10 + (msec)rand_below(&b->rand, (uint64_t)(delay / 5) + 1), 0);
}

static void take_answer(struct beat *b, const struct http_response *r)
{
	struct json_doc *doc = json_parse(buf_str(&r->body), r->body.len, ANSWER_MAX, NULL);
	const struct json *j = doc == NULL ? NULL : json_root(doc);
	bool reconcile = j != NULL && json_bool(j, "reconcile", false);
	const struct json *rotate = j != NULL && json_bool(j, "rotate_keys", false)
		? json_get(j, "rotate_networks")
		: NULL;
	msec every;

	every = j == NULL ? 0 : (msec)json_int(j, "every", 0) * 1000;
	if (every > 0 && every < EACH)
		schedule(b, every < OFTEN ? OFTEN : every);
	if (reconcile)
		b->hooks.reconcile(b->hooks.arg);
	for (size_t i = 0; rotate != NULL && i < json_count(rotate); i++)
		if (json_str(json_at(rotate, i), "") != NULL)
			b->hooks.rotate_key(b->hooks.arg, json_str(json_at(rotate, i), ""));
	json_free(doc);
}

static bool accepted(const struct http_response *r)
{
	return r != NULL && r->status >= 200 && r->status < 300;
}

static void log_unheard(const struct http_response *r, const struct err *e)
{
	struct err why = {0};

	if (r == NULL) {
		log_debug("heartbeat not sent", LOG_KV_STR("error", e->text));
	} else if (r->status == 401) {
		log_debug("heartbeat refused"); /* sync says what to do */
	} else {
		wire_problem(r, "heartbeat", &why);
		log_warn("heartbeat refused", LOG_KV_STR("error", why.text));
	}
}

static void beat_answer(void *arg, struct http_response *r, const struct err *e)
{
	struct beat *b = arg;

	b->call = NULL;
	b->unheard = !accepted(r);
	if (b->unheard) {
		log_unheard(r, e);
	} else {
		observer_accepted(&b->observer);
		announce_next(b);
		report_drift(b);
		declaration_say(&b->declaration);
		take_answer(b, r);
	}
	if (b->again)
		beat_now(b);
	b->again = false;
}

static void on_timer(void *arg)
{
	struct beat *b = arg;
	CLEANUP(buf_done) struct buf body = {0};

	schedule(b, EACH);
	b->again = b->call != NULL; /* that one may not say what is new */
	if (b->again)
		return;
	observer_heartbeat(&b->observer, b->version, &body);
	b->call = wire_send(b->wire, "POST", "/heartbeat", NULL, &body, beat_answer, b);
}

void beat_soon(struct beat *b)
{
	schedule(b, SOON);
}

void beat_now(struct beat *b)
{
	b->again = b->call != NULL; /* that one may have been answered before */
	if (!b->again)
		loop_timer_set(b->timer, 0, 0);
}

void beat_connected(struct beat *b)
{
	if (b->unheard)
		beat_soon(b);
}

static void gate_answer(void *arg, struct http_response *r, const struct err *e)
{
	struct beat *b = arg;

	b->gate_call = NULL;
	if (accepted(r))
		gate_accepted(&b->gate);
	else /* it is said again after the next look */
		log_debug("arrivals not reported",
			LOG_KV_STR("error", r == NULL ? e->text : "refused"));
}

void beat_gate(struct beat *b)
{
	CLEANUP(buf_done) struct buf body = {0};

	if (b->gate_call == NULL && gate_report(&b->gate, &body))
		b->gate_call = wire_send(b->wire, "POST", "/arrivals", NULL, &body, gate_answer, b);
}

/* --- keys --------------------------------------------------------------------------------------
 */

static void key_answer(void *arg, struct http_response *r, const struct err *e)
{
	struct beat *b = arg;

	b->key_call = NULL;
	if (accepted(r)) {
		FAULT("key.announced");
		mem_free(map_remove(&b->keys, b->announcing));
		announce_next(b);
	} else {
		log_warn("key not announced", LOG_KV_STR("network", b->announcing),
			LOG_KV_STR("error", r == NULL ? e->text : "refused"));
	}
}

static void announce_next(struct beat *b)
{
	CLEANUP(buf_done) struct buf body = {0};
	struct json_writer w = {.out = &body};
	struct map_slot *slot;
	struct secret proof;
	char text[KEY_TEXT_LEN], proof_text[KEY_TEXT_LEN];
	size_t pos = 0;

	if (b->key_call != NULL || (slot = map_next(&b->keys, &pos)) == NULL)
		return;
	mem_free(b->announcing);
	b->announcing = mem_strdup(slot->key);
	json_begin_object(&w, NULL);
	json_put_str(&w, "network", slot->key);
	json_put_str(&w, "public_key", key_format_public(slot->value, text));
	key_announce_proof(&b->wire->identity->node_secret, slot->key, slot->value, &proof);
	json_put_str(&w, "proof", key_format_secret(&proof, proof_text));
	json_end_object(&w);
	b->key_call = wire_send(b->wire, "PUT", "/keys", NULL, &body, key_answer, b);
}

void beat_announce(struct beat *b, const char *network, const struct public_key *key)
{
	mem_free(map_set(&b->keys, network, mem_dup(key, sizeof(*key))));
	announce_next(b); /* when it fails, after the next heartbeat that gets through */
}

/* --- drift -------------------------------------------------------------------------------------
 */

static void drift_answer(void *arg, struct http_response *r, const struct err *e)
{
	struct beat *b = arg;

	b->drift_call = NULL;
	if (!accepted(r))
		log_debug(
			"drift not reported", LOG_KV_STR("error", r == NULL ? e->text : "refused"));
}

static void report_drift(struct beat *b)
{
	CLEANUP(buf_done) struct buf body = {0};
	struct json_writer w = {.out = &body};

	if (b->drift.n == 0 || b->drift_call != NULL)
		return;
	json_begin_object(&w, NULL);
	json_begin_array(&w, "corrections");
	VEC_FOREACH (k, &b->drift) {
		json_begin_object(&w, NULL);
		json_put_str(&w, "type", k->type);
		json_put_str(&w, "detail", k->detail);
		json_end_object(&w);
	}
	json_end_array(&w);
	json_end_object(&w);
	core_corrections_done(&b->drift);
	b->drift_call = wire_send(b->wire, "POST", "/drift", NULL, &body, drift_answer, b);
}

void beat_drift(struct beat *b, struct core_corrections *v)
{
	VEC_FOREACH (k, v)
		if (b->drift.n < CORE_CORRECTIONS_MAX)
			VEC_PUSH(&b->drift, *k);
		else
			mem_free(k->detail);
	VEC_DONE(v);
	report_drift(b);
}

void beat_init(struct beat *b, struct loop *l, struct wire *wire, struct core *core,
	const char *version, const struct beat_hooks *hooks)
{
	*b = (struct beat){.wire = wire, .version = version, .hooks = *hooks};
	observer_init(&b->observer, core);
	gate_init(&b->gate, core, &b->observer);
	rand_bytes(&b->rand.state, sizeof(b->rand.state));
	b->timer = loop_timer_new(l, on_timer, b);
}

void beat_done(struct beat *b)
{
	struct wire_call *const calls[] = {b->call, b->key_call, b->drift_call, b->gate_call};

	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (calls[i] != NULL)
			wire_cancel(b->wire, calls[i]);
	loop_timer_free(b->timer);
	declaration_done(&b->declaration);
	gate_done(&b->gate);
	observer_done(&b->observer);
	map_done(&b->keys, free_value);
	mem_free(b->announcing);
	core_corrections_done(&b->drift);
	*b = (struct beat){0};
}
