/* DOC: the hub's thread: rows in, deltas out, calls; see hub.h and hub_state.h. */
#include "control/hub_fleet.h"

#include "base/log.h"
#include "codec/envelope.h"
#include "control/bearer.h"
#include "control/bulk.h"
#include "control/config_sums.h"
#include "control/groupkey.h"
#include "control/janitor.h"
#include "control/latency.h"
#include "control/panel_events.h"
#include "control/quota.h"
#include "control/roaming.h"
#include "control/rotation.h"
#include "control/stream.h"
#include "control/telemetry.h"
#include "crypto/sign.h"

#include <stdlib.h>
#include <time.h>

/* --- from the writer's thread ----------------------------------------------------------------- */

static const struct schema *schema_named(const char *name)
{
	for (size_t i = 0; schemas[i] != NULL; i++)
		if (strcmp(schemas[i]->name, name) == 0)
			return schemas[i];
	return NULL;
}

static void row_done(struct hub_row *r)
{
	schema_free(r->schema, (void *)(uintptr_t)r->row.before);
	schema_free(r->schema, (void *)(uintptr_t)r->row.after);
	mem_free(r->row.nodes);
}

static struct hub_row row_copy(const struct outbox_row *row, const struct schema *s)
{
	struct hub_row r = {.schema = s, .row = *row};

	r.row.before = row->before ? schema_dup(s, row->before) : NULL;
	r.row.after = row->after ? schema_dup(s, row->after) : NULL;
	r.row.nodes = row->n_nodes ? mem_dup(row->nodes, row->n_nodes * sizeof(*row->nodes)) : NULL;
	return r;
}

static void on_commit(void *arg, const struct outbox_row *rows, size_t n)
{
	struct hub *h = arg;
	struct hub_rows copies = {0};

	for (size_t i = 0; i < n; i++) {
		const struct schema *s = schema_named(rows[i].table);

		if (s == NULL)
			continue;
		VEC_PUSH(&copies, row_copy(&rows[i], s));
	}
	pthread_mutex_lock(&h->lock);
	if (h->rows.n == 0)
		h->rows_at = clock_mono(h->clock);
	VEC_FOREACH (r, &copies)
		VEC_PUSH(&h->rows, *r);
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	VEC_DONE(&copies);
}

/* --- the thread ------------------------------------------------------------------------------- */

static void flushed(void *arg)
{
	struct hub *h = arg;

	atomic_store(&h->flushing, false);
}

static void tick(struct hub *h, msec now)
{
	h->tick_at = now + HUB_TICK;
	streams_tick(h->streams);
	rotations_look(h->rotations);
	roaming_tick(h->roaming);
	quotas_tick(h->quotas);
	panel_events_tick(h->panel);
	if (h->control->janitor)
		janitor_tick(h->control->janitor, now);
	if (now < h->flush_at || atomic_exchange(&h->flushing, true))
		return;
	h->flush_at = now + HUB_FLUSH;
	telemetry_flush(h->telemetry, h->control->store, flushed, h);
}

/* Wait for work, at most a second, not at all where a bulk goes on; true when it is time to end. */
static bool take(struct hub *h, struct hub_rows *rows, struct hub_calls *calls, msec *ret_at)
{
	struct timespec until;
	bool end;

	clock_gettime(CLOCK_MONOTONIC, &until);
	if (!bulks_pending(h->bulks))
		until.tv_sec += HUB_TICK / 1000;
	pthread_mutex_lock(&h->lock);
	while (h->rows.n == 0 && STAILQ_EMPTY(&h->calls) && !h->stop)
		if (pthread_cond_timedwait(&h->wake, &h->lock, &until) != 0)
			break;
	*rows = h->rows;
	memset(&h->rows, 0, sizeof(h->rows));
	*ret_at = h->rows_at;
	for (int i = 0; i < HUB_CALLS_AT_ONCE && !STAILQ_EMPTY(&h->calls); i++) {
		struct hub_call *c = STAILQ_FIRST(&h->calls);

		STAILQ_REMOVE_HEAD(&h->calls, link);
		STAILQ_INSERT_TAIL(calls, c, link);
	}
	end = h->stop && rows->n == 0 && STAILQ_EMPTY(calls);
	pthread_mutex_unlock(&h->lock);
	return end;
}

static void run_calls(struct hub *h, struct hub_calls *calls)
{
	struct hub_call *c;

	while ((c = STAILQ_FIRST(calls)) != NULL) {
		STAILQ_REMOVE_HEAD(calls, link);
		c->fn(h->fleet, c->arg);
		mem_free(c);
	}
}

static void *run(void *arg)
{
	struct hub *h = arg;

	for (;;) {
		struct hub_calls calls = STAILQ_HEAD_INITIALIZER(calls);
		struct hub_rows rows = {0};
		msec at, now;

		if (take(h, &rows, &calls, &at))
			return NULL;
		VEC_FOREACH (r, &rows)
			hub_fleet_apply(h, r);
		streams_flush(h->streams);
		now = clock_mono(h->clock);
		if (rows.n > 0)
			atomic_store(&h->last_push, now - at);
		VEC_FOREACH (r, &rows)
			row_done(r);
		VEC_DONE(&rows);
		run_calls(h, &calls);
		bulks_go_on(h->bulks);
		panel_events_flush(h->panel);
		if (now >= h->tick_at)
			tick(h, now);
	}
}

/* --- start and end ---------------------------------------------------------------------------- */

static void free_parts(struct hub *h)
{
	bulks_free(h->bulks);
	streams_free(h->streams);
	panel_events_free(h->panel);
	rotations_free(h->rotations);
	roaming_free(h->roaming);
	quotas_free(h->quotas);
	groupkeys_free(h->groupkeys);
	telemetry_free(h->telemetry);
	bearers_free(h->bearers);
	config_sums_free(h->sums);
	map_done(&h->digests, free);
	latencies_done(&h->latencies);
	fleet_free(h->fleet);
	VEC_FOREACH (r, &h->rows)
		row_done(r);
	VEC_DONE(&h->rows);
	buf_done(&h->pins);
	strs_done(&h->pin_list);
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
	mem_free(h);
}

int hub_new(struct control *c, struct hub **ret, struct err *e)
{
	struct hub *h = NEW(struct hub);
	pthread_condattr_t attr;
	int r;

	h->control = c;
	h->clock = c->clock;
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->wake, &attr);
	pthread_condattr_destroy(&attr);
	STAILQ_INIT(&h->calls);
	h->fleet = fleet_new();
	h->groupkeys = groupkeys_new(c, h->fleet);
	h->streams = streams_new(h);
	h->bulks = bulks_new(h);
	h->rotations = rotations_new(h);
	h->roaming = roaming_new(h);
	h->quotas = quotas_new(h);
	h->sums = config_sums_new();
	h->bearers = bearers_new();
	h->telemetry = telemetry_new(h->clock);
	h->panel = panel_events_new(h);
	h->flush_at = clock_mono(h->clock) + HUB_FLUSH;
	/* First listen, then load: what is committed in between is applied twice, which is
	 * harmless. */
	store_on_commit(c->store, on_commit, h);
	r = store_read(c->store, hub_fleet_load, h, e);
	if (r >= 0) {
		r = -pthread_create(&h->thread, NULL, run, h);
		if (r < 0)
			r = err_errno(e, -r, "the hub's thread does not start");
	}
	if (r < 0) {
		store_on_commit(c->store, NULL, NULL);
		free_parts(h);
		return r;
	}
	h->started = true;
	*ret = h;
	return 0;
}

struct signal {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool is_done;
};

static void signal_done(void *arg)
{
	struct signal *w = arg;

	pthread_mutex_lock(&w->lock);
	w->is_done = true;
	pthread_cond_signal(&w->done);
	pthread_mutex_unlock(&w->lock);
}

static int nothing(struct tx *tx, void *arg, struct err *e)
{
	return 0;
}

/* Wait until all that is queued for the writer is done. */
static void writer_wait(struct hub *h)
{
	store_write_wait(h->control->store, nothing, NULL, NULL);
}

struct hub *hub_free(struct hub *h)
{
	if (h == NULL)
		return NULL;
	/* jobs that are queued may still answer requests through the hub */
	writer_wait(h);
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	store_on_commit(h->control->store, NULL, NULL);
	telemetry_flush(h->telemetry, h->control->store, flushed, h);
	writer_wait(h);
	free_parts(h);
	return NULL;
}

/* --- from any thread -------------------------------------------------------------------------- */

void hub_run(struct hub *h, void (*fn)(const struct fleet *f, void *arg), void *arg)
{
	struct hub_call *c = NEW(struct hub_call);

	c->fn = fn;
	c->arg = arg;
	pthread_mutex_lock(&h->lock);
	STAILQ_INSERT_TAIL(&h->calls, c, link);
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
}

struct waiting {
	struct signal wait;
	void (*fn)(const struct fleet *f, void *arg);
	void *arg;
};

static void run_waited(const struct fleet *f, void *arg)
{
	struct waiting *w = arg;

	w->fn(f, w->arg);
	signal_done(&w->wait);
}

void hub_run_wait(struct hub *h, void (*fn)(const struct fleet *f, void *arg), void *arg)
{
	struct waiting w = {
		.wait = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER},
		.fn = fn,
		.arg = arg};

	hub_run(h, run_waited, &w);
	pthread_mutex_lock(&w.wait.lock);
	while (!w.wait.is_done)
		pthread_cond_wait(&w.wait.done, &w.wait.lock);
	pthread_mutex_unlock(&w.wait.lock);
}

static void settle(const struct fleet *f, void *arg)
{
	struct hub *h = arg;

	streams_tick(h->streams);
	rotations_look(h->rotations);
	roaming_tick(h->roaming);
	quotas_tick(h->quotas);
	telemetry_flush(h->telemetry, h->control->store, flushed, h);
}

void hub_settle(struct hub *h)
{
	hub_run_wait(h, settle, h);
	writer_wait(h);
}

void hub_link(struct hub *h, const char *peer, uint16_t keepalive, struct link *ret)
{
	telemetry_link(h->telemetry, peer, keepalive, ret);
}

void hub_config_sum(
	struct hub *h, const struct device *d, const char *entry, char ret[static HASH_HEX_LEN])
{
	config_sums_get(h->sums, h->fleet, d, entry, ret);
}

const char *hub_member_nat(struct hub *h, const char *member, bool *ret_behind)
{
	enum nat_type type;

	telemetry_nat(h->telemetry, member, &type, ret_behind);
	return nat_type_words[type];
}

bool hub_member_ways(struct hub *h, const char *member, struct heartbeat_ways *ret)
{
	return telemetry_ways_get(h->telemetry, member, ret);
}

void hub_node_status(struct hub *h, const char *node, struct node_status *ret)
{
	telemetry_status(h->telemetry, node, ret);
}

void hub_counts(struct hub *h, struct hub_counts *ret)
{
	*ret = (struct hub_counts){
		.streams = atomic_load(&h->streams_open),
		.events_sent = atomic_load(&h->events_sent),
		.states_sent = atomic_load(&h->states_sent),
		.drift_reports = atomic_load(&h->drift_reports),
		.refetches = atomic_load(&h->refetches),
		.last_change_to_push = atomic_load(&h->last_push),
	};
}

/* With the lock. Pins are signed anew when they or the signing key change. */
static void sign_pins(struct hub *h)
{
	char issued[CLOCK_TEXT_LEN];
	struct pins p = {.pins = h->pin_list, /* borrowed */
		.signing_current = h->control->keys.signing_public,
		.issued_at = issued};

	clock_format(clock_wall(h->clock), issued);
	pins_sign(&p, &h->control->keys.root_seed);
	buf_reset(&h->pins);
	pins_write(&p, &h->pins);
}

void hub_set_pins(struct hub *h, const char *const pins[])
{
	pthread_mutex_lock(&h->lock);
	strs_done(&h->pin_list);
	for (size_t i = 0; pins[i] != NULL; i++)
		strs_push(&h->pin_list, pins[i]);
	sign_pins(h);
	pthread_mutex_unlock(&h->lock);
}

struct resigning {
	struct hub *hub;
	struct secret seed;
};

static void new_signing_key(const struct fleet *f, void *arg)
{
	struct resigning *n = arg;
	struct control_keys *k = &n->hub->control->keys;
	struct public_key public;

	sign_public(&n->seed, &public);
	streams_new_signing_key(n->hub->streams, &public);
	k->signing_seed = n->seed;
	k->signing_public = public;
	pthread_mutex_lock(&n->hub->lock);
	if (n->hub->pin_list.n > 0)
		sign_pins(n->hub);
	pthread_mutex_unlock(&n->hub->lock);
	secret_wipe(&n->seed);
	mem_free(n);
}

void hub_new_signing_key(struct hub *h, struct secret *seed)
{
	struct resigning *n = NEW(struct resigning);

	n->hub = h;
	n->seed = *seed;
	secret_wipe(seed);
	hub_run(h, new_signing_key, n);
}

struct asking {
	struct hub *hub;
	id_text whose; /* a node or a network */
};

static int copy_flag(void *arg, const void *object)
{
	const struct asking *a = arg;
	const struct member *stored = object;
	struct member *m = map_get(&a->hub->fleet->members, stored->id);

	if (m != NULL && stored->rotating) {
		m->rotating = true;
		streams_ask_keys(a->hub->streams, m->node);
	}
	return 0;
}

static int copy_flags(struct tx *tx, void *arg, struct err *e)
{
	struct asking *a = arg;
	struct tx_query q = {
		.filters = {{id_valid(a->whose, "net") ? "network" : "node", a->whose}}};

	return tx_list(tx, &schema_member, &q, copy_flag, a, NULL, NULL, e);
}

/* The flag is no part of any plan, so it came without an outbox row; see rotation.h. */
static void ask_keys(const struct fleet *f, void *arg)
{
	struct asking *a = arg;
	struct err e = {0};

	if (store_read(a->hub->control->store, copy_flags, a, &e) < 0)
		log_error("nodes could not be asked for new keys", LOG_KV_STR("id", a->whose),
			LOG_KV_STR("error", e.text));
	mem_free(a);
}

void hub_ask_keys(struct hub *h, const char *whose)
{
	struct asking *a = NEW(struct asking);

	a->hub = h;
	id_copy(a->whose, whose);
	hub_run(h, ask_keys, a);
}

#define GATEWAYS_WOKEN 64 /* of more, the next heartbeats come by themselves */

struct panel_opening {
	struct hub *hub;
	struct http_request *rq;
	id_text project;
	struct principal who;
};

/* The first one to look sees what is so now, not what was so half a minute ago. The event asks for
 * a heartbeat, whose answer then says how often to speak while somebody watches. */
static void wake_gateways(struct hub *h, const struct fleet *f, const char *project)
{
	size_t woken = 0;

	MAP_FOREACH (slot, &f->members) {
		const struct member *m = slot->value;

		if (!(m->roles & ROLE_GATEWAY) || (*project && strcmp(m->project, project) != 0))
			continue;
		if (++woken > GATEWAYS_WOKEN)
			return;
		streams_ask_keys(h->streams, m->node);
	}
}

static void open_panel(const struct fleet *f, void *arg)
{
	struct panel_opening *o = arg;

	if (!panel_events_watched(o->hub->panel, o->project))
		wake_gateways(o->hub, f, o->project);
	panel_events_open(o->hub->panel, o->rq, o->project, &o->who);
	mem_free(o);
}

void hub_panel_stream(
	struct hub *h, struct http_request *rq, const char *project, const struct principal *who)
{
	struct panel_opening *o = NEW(struct panel_opening);

	o->hub = h;
	o->rq = rq;
	o->who = *who;
	id_copy(o->project, project);
	hub_run(h, open_panel, o);
}
