/* DOC: see telemetry.h. */
#include "control/telemetry.h"

#include "base/log.h"

#include <pthread.h>
#include <stdio.h>

const char *const link_state_words[] = {"never", "online", "idle", "offline", NULL};

struct node_seen {
	uint64_t revision, applied_revision;
	uint64_t revision_then; /* at the heartbeat before */
	bool connected, confirmed, dirty;
	bool timed;          /* clock_offset is known */
	msec clock_offset;   /* of its clock, at the last heartbeat */
	msec raised_at;      /* monotonic: of the oldest change it has not applied; 0 = none */
	msec last_heartbeat; /* wall */
	msec opened_at;      /* wall: it opened its event stream; a sign of life, too */
	msec calm_at;        /* wall: its moves are all paid for then */
	char *error, *version, *backend;
};

struct telemetry {
	pthread_mutex_t lock;
	const struct clock *clock;
	struct links links;
	struct sights sights;
	struct map nodes; /* id -> struct node_seen * */
	struct map ways;  /* member -> struct heartbeat_ways * */
	msec now;         /* wall, when something was measured last */
};

#define CLOCK_BACK 1000 /* ms; less is what clocks do all day */

static void ways_free(void *p)
{
	struct heartbeat_ways *w = p;

	if (w != NULL)
		VEC_DONE(&w->relayed_to);
	mem_free(w);
}

struct telemetry *telemetry_new(const struct clock *clock)
{
	struct telemetry *t = NEW(struct telemetry);

	pthread_mutex_init(&t->lock, NULL);
	t->clock = clock;
	return t;
}

static void node_seen_free(void *p)
{
	struct node_seen *n = p;

	mem_free(n->error);
	mem_free(n->version);
	mem_free(n->backend);
	mem_free(n);
}

struct telemetry *telemetry_free(struct telemetry *t)
{
	if (t != NULL) {
		links_done(&t->links);
		sights_done(&t->sights);
		map_done(&t->nodes, node_seen_free);
		map_done(&t->ways, ways_free);
		pthread_mutex_destroy(&t->lock);
	}
	return mem_free(t);
}

static struct node_seen *seen(struct telemetry *t, const char *node)
{
	struct node_seen *n = map_get(&t->nodes, node);

	if (n == NULL) {
		n = NEW(struct node_seen);
		map_set(&t->nodes, node, n);
	}
	return n;
}

/* The time of what is measured now; what came before it was not later. */
static msec measured(struct telemetry *t)
{
	msec now = clock_wall(t->clock);

	if (t->now - now > CLOCK_BACK) {
		log_warn("the clock went back", LOG_KV_INT("seconds", (t->now - now) / 1000));
		links_clock_back(&t->links, now);
		MAP_FOREACH (slot, &t->nodes) {
			struct node_seen *n = slot->value;

			if (n->last_heartbeat > now)
				n->last_heartbeat = now;
			if (n->opened_at > now)
				n->opened_at = now;
		}
	}
	t->now = now;
	return now;
}

void telemetry_load_device(struct telemetry *t, const struct device *d)
{
	pthread_mutex_lock(&t->lock);
	links_load_device(&t->links, d, clock_wall(t->clock));
	pthread_mutex_unlock(&t->lock);
}

static void counters_key(const char *node, char ret[static 64])
{
	snprintf(ret, 64, "counters/%s", node);
}

int telemetry_load_node(struct telemetry *t, struct tx *tx, const struct node *n, struct err *e)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct node_seen *s;
	char key[64];
	int r;

	counters_key(n->id, key);
	r = tx_meta_get(tx, key, &text, e);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	pthread_mutex_lock(&t->lock);
	if (r == 0)
		links_load_counters(&t->links, n->id, buf_str(&text));
	s = seen(t, n->id);
	s->revision = s->revision_then = n->revision;
	s->applied_revision = n->applied_revision;
	s->last_heartbeat = n->last_heartbeat;
	if (s->last_heartbeat > clock_wall(t->clock)) /* the clock was ahead then */
		s->last_heartbeat = clock_wall(t->clock);
	s->confirmed = n->confirmed_at != 0;
	s->error = mem_strdup(n->deploy_error);
	s->version = mem_strdup(n->version);
	s->backend = mem_strdup(n->backend);
	pthread_mutex_unlock(&t->lock);
	return 0;
}

int telemetry_drop_node(struct tx *tx, const char *node, struct err *e)
{
	char key[64];

	counters_key(node, key);
	return tx_meta_delete(tx, key, e);
}

void telemetry_revision(struct telemetry *t, const char *node, uint64_t revision)
{
	struct node_seen *n;

	pthread_mutex_lock(&t->lock);
	n = seen(t, node);
	n->revision = revision;
	if (n->raised_at == 0)
		n->raised_at = clock_mono(t->clock);
	pthread_mutex_unlock(&t->lock);
}

void telemetry_connected(struct telemetry *t, const char *node, bool connected)
{
	struct node_seen *n;

	pthread_mutex_lock(&t->lock);
	n = seen(t, node);
	n->connected = connected;
	if (connected)
		n->opened_at = clock_wall(t->clock);
	pthread_mutex_unlock(&t->lock);
}

void telemetry_forget(struct telemetry *t, const struct schema *s, const char *id)
{
	pthread_mutex_lock(&t->lock);
	if (s == &schema_node) {
		links_forget_reporter(&t->links, id);
		sights_forget_observer(&t->sights, id);
		struct node_seen *n = map_remove(&t->nodes, id);
		if (n != NULL)
			node_seen_free(n);
	} else if (s == &schema_device || s == &schema_member) {
		links_forget_peer(&t->links, id);
		sights_forget(&t->sights, id);
		ways_free(map_remove(&t->ways, id));
	}
	pthread_mutex_unlock(&t->lock);
}

void telemetry_rejoined(struct telemetry *t, const char *node)
{
	struct node_seen *n;

	pthread_mutex_lock(&t->lock);
	links_forget_reporter(&t->links, node);
	sights_forget_observer(&t->sights, node);
	n = seen(t, node);
	n->connected = n->confirmed = n->timed = false;
	n->applied_revision = n->revision_then = 0;
	n->last_heartbeat = n->opened_at = 0;
	n->error = mem_free(n->error);
	pthread_mutex_unlock(&t->lock);
}

static void replace(char **to, const char *from)
{
	mem_free(*to);
	*to = mem_strdup(from);
}

void telemetry_heartbeat(struct telemetry *t, const char *node, const struct heartbeat *b,
	struct heartbeat_answer *ret)
{
	struct node_seen *n;
	msec now;

	pthread_mutex_lock(&t->lock);
	now = measured(t);
	n = seen(t, node);
	ret->first = !n->confirmed;
	/* Behind what was there one heartbeat ago: pushing did not reach it. Ahead of us: we were
	 * restored from a backup. */
	ret->reconcile =
		b->applied_revision < n->revision_then || b->applied_revision > n->revision;
	ret->applied_after = -1;
	if (n->raised_at != 0 && b->applied_revision >= n->revision) {
		ret->applied_after = clock_mono(t->clock) - n->raised_at;
		n->raised_at = 0;
	}
	n->confirmed = n->dirty = true;
	n->revision_then = n->revision;
	n->applied_revision = b->applied_revision;
	n->last_heartbeat = now;
	n->timed = b->timed;
	n->clock_offset = b->clock_offset;
	replace(&n->error, b->error);
	replace(&n->version, b->version);
	replace(&n->backend, b->backend);
	links_heard(&t->links, node, now);
	VEC_FOREACH (row, &b->links)
		if (!row->relayed) /* the way round is not the link between the two */
			links_add(&t->links, node, b->epoch, row, now);
	pthread_mutex_unlock(&t->lock);
}

void telemetry_arrivals(struct telemetry *t, const char *node, const struct heartbeat *b)
{
	msec now;

	pthread_mutex_lock(&t->lock);
	now = measured(t);
	VEC_FOREACH (row, &b->links)
		links_arrived(&t->links, node, row, now);
	pthread_mutex_unlock(&t->lock);
}

bool telemetry_newest(
	struct telemetry *t, const char *device, id_text ret_node, msec *ret_handshake)
{
	bool found;

	pthread_mutex_lock(&t->lock);
	found = links_newest(&t->links, device, ret_node, ret_handshake);
	pthread_mutex_unlock(&t->lock);
	return found;
}

bool telemetry_may_move(struct telemetry *t, const char *node)
{
	bool may;

	pthread_mutex_lock(&t->lock);
	may = seen(t, node)->calm_at - clock_wall(t->clock) <=
		(ENDPOINT_BURST - 1) * ENDPOINT_SETTLE;
	pthread_mutex_unlock(&t->lock);
	return may;
}

void telemetry_moved(struct telemetry *t, const char *node)
{
	msec now = clock_wall(t->clock);
	struct node_seen *n;

	pthread_mutex_lock(&t->lock);
	n = seen(t, node);
	n->calm_at = (n->calm_at > now ? n->calm_at : now) + ENDPOINT_SETTLE;
	pthread_mutex_unlock(&t->lock);
}

void telemetry_sight(struct telemetry *t, const char *member, const char *observer,
	const char *endpoint, msec handshake)
{
	pthread_mutex_lock(&t->lock);
	sights_add(&t->sights, member, observer, endpoint, handshake);
	pthread_mutex_unlock(&t->lock);
}

void telemetry_said(
	struct telemetry *t, const char *member, const char *endpoint, struct addr called)
{
	pthread_mutex_lock(&t->lock);
	sights_said(&t->sights, member, endpoint, called);
	pthread_mutex_unlock(&t->lock);
}

bool telemetry_seen_at(struct telemetry *t, const char *member, char ret[static SIGHT_TEXT])
{
	bool known;

	pthread_mutex_lock(&t->lock);
	known = sights_best(&t->sights, member, clock_wall(t->clock), ret);
	pthread_mutex_unlock(&t->lock);
	return known;
}

void telemetry_nat(struct telemetry *t, const char *member, enum nat_type *ret, bool *ret_behind)
{
	msec now = clock_wall(t->clock);

	pthread_mutex_lock(&t->lock);
	*ret = sights_nat(&t->sights, member, now);
	*ret_behind = sights_behind_nat(&t->sights, member, now);
	pthread_mutex_unlock(&t->lock);
}

void telemetry_ways(struct telemetry *t, const char *member, struct heartbeat_ways *ways)
{
	pthread_mutex_lock(&t->lock);
	if (ways == NULL)
		ways_free(map_remove(&t->ways, member));
	else
		ways_free(map_set(&t->ways, member, mem_dup(ways, sizeof(*ways))));
	pthread_mutex_unlock(&t->lock);
	if (ways != NULL)
		ways->relayed_to = (struct id_vec){0};
}

bool telemetry_ways_get(struct telemetry *t, const char *member, struct heartbeat_ways *ret)
{
	const struct heartbeat_ways *w;

	pthread_mutex_lock(&t->lock);
	w = map_get(&t->ways, member);
	if (w != NULL) {
		*ret = *w;
		ret->relayed_to = (struct id_vec){0};
		VEC_FOREACH (i, &w->relayed_to)
			VEC_PUSH(&ret->relayed_to, *i);
	}
	pthread_mutex_unlock(&t->lock);
	return w != NULL;
}

void telemetry_link(struct telemetry *t, const char *peer, uint16_t keepalive, struct link *ret)
{
	pthread_mutex_lock(&t->lock);
	links_get(&t->links, peer, clock_wall(t->clock), keepalive, ret);
	pthread_mutex_unlock(&t->lock);
}

const char *liveness_word(msec now, msec heard)
{
	if (heard == 0)
		return "never";
	if (now - heard >= MISSED_OFFLINE * HEARTBEAT_EVERY)
		return "offline";
	return now - heard >= MISSED_UNREACHABLE * HEARTBEAT_EVERY ? "unreachable" : "online";
}

void telemetry_status(struct telemetry *t, const char *node, struct node_status *ret)
{
	const struct node_seen *n;

	memset(ret, 0, sizeof(*ret));
	ret->deploy = "pending";
	ret->liveness = "never";
	pthread_mutex_lock(&t->lock);
	n = map_get(&t->nodes, node);
	if (n != NULL) {
		ret->revision = n->revision;
		ret->applied_revision = n->applied_revision;
		ret->last_heartbeat = n->last_heartbeat;
		ret->connected = n->connected;
		ret->timed = n->timed;
		ret->clock_offset = n->clock_offset;
		ret->liveness = liveness_word(clock_wall(t->clock),
			n->opened_at > n->last_heartbeat ? n->opened_at : n->last_heartbeat);
		if (n->error != NULL) {
			ret->deploy = "error";
			snprintf(ret->error, sizeof(ret->error), "%s", n->error);
		} else if (n->last_heartbeat != 0 && n->applied_revision == n->revision) {
			ret->deploy = "applied";
		}
	}
	pthread_mutex_unlock(&t->lock);
}

/* --- flushing --------------------------------------------------------------------------------- */

/* One transaction. */
struct batch {
	VEC(struct device) devices; /* observed fields only */
	VEC(struct node) nodes;
	struct strs counters;    /* node, value, node, value... */
	void (*done)(void *arg); /* in the last batch */
	void *arg;
};

static const char *const device_columns[] = {"last_seen", "rx", "tx", NULL};
static const char *const node_columns[] = {
	"applied_revision", "last_heartbeat", "version", "backend", "deploy_error", NULL};

/* What was deleted meanwhile has nothing to be told. */
static int touch(struct tx *tx, const struct schema *s, const void *object,
	const char *const names[], struct err *e)
{
	int r = tx_touch(tx, s, object, names, e);

	return r == ERR_NOT_FOUND ? 0 : r;
}

static int store_counters(struct tx *tx, const char *node, const char *text, struct err *e)
{
	struct node n = {0};
	char key[64];
	int r = tx_get(tx, &schema_node, node, &n, e);

	schema_done(&schema_node, &n);
	counters_key(node, key);
	if (r == ERR_NOT_FOUND)
		return 0; /* nobody would take them away again */
	return r < 0 ? r : tx_meta_put(tx, key, text, e);
}

static int store_batch(struct tx *tx, void *arg, struct err *e)
{
	struct batch *b = arg;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < b->devices.n; i++)
		r = touch(tx, &schema_device, &b->devices.v[i], device_columns, e);
	for (size_t i = 0; r >= 0 && i < b->nodes.n; i++)
		r = touch(tx, &schema_node, &b->nodes.v[i], node_columns, e);
	for (size_t i = 0; r >= 0 && i + 1 < b->counters.n; i += 2)
		r = store_counters(tx, b->counters.v[i], b->counters.v[i + 1], e);
	return r;
}

static void batch_done(void *arg, int result, const struct err *e)
{
	struct batch *b = arg;

	if (result < 0)
		log_error("observations could not be stored", LOG_KV_STR("error", e->text));
	if (b->done != NULL)
		b->done(b->arg);
	VEC_FOREACH (n, &b->nodes)
		schema_done(&schema_node, n);
	VEC_DONE(&b->devices);
	VEC_DONE(&b->nodes);
	strs_done(&b->counters);
	mem_free(b);
}

static struct batch *next_batch(struct batch **last, struct store *store)
{
	if (*last != NULL)
		store_write(store, store_batch, *last, batch_done);
	*last = NEW(struct batch);
	return *last;
}

static void take_devices(struct telemetry *t, struct batch **last, struct store *store)
{
	struct device *rows = mem_zalloc(TELEMETRY_BATCH * sizeof(*rows));
	size_t n;

	do {
		pthread_mutex_lock(&t->lock);
		n = links_take_devices(&t->links, rows, TELEMETRY_BATCH);
		pthread_mutex_unlock(&t->lock);
		if (n == 0)
			break;
		struct batch *b = next_batch(last, store);
		for (size_t i = 0; i < n; i++)
			VEC_PUSH(&b->devices, rows[i]);
	} while (n == TELEMETRY_BATCH);
	mem_free(rows);
}

static void copy_seen(const char *id, struct node_seen *n, struct node *ret)
{
	id_copy(ret->id, id);
	ret->applied_revision = n->applied_revision;
	ret->last_heartbeat = n->last_heartbeat;
	ret->deploy_error = mem_strdup(n->error);
	ret->version = mem_strdup(n->version);
	ret->backend = mem_strdup(n->backend);
	n->dirty = false;
}

static void add_counters(void *arg, const char *reporter, const char *text)
{
	struct strs *list = arg;

	strs_push(list, reporter);
	strs_push(list, text);
}

void telemetry_flush(struct telemetry *t, struct store *store, void (*done)(void *arg), void *arg)
{
	struct batch *last = NULL, *b = NULL;
	struct strs counters = {0};

	take_devices(t, &last, store);
	pthread_mutex_lock(&t->lock);
	MAP_FOREACH (slot, &t->nodes) {
		struct node_seen *s = slot->value;
		struct node n = {0};

		if (!s->dirty)
			continue;
		if (b == NULL || b->nodes.n == TELEMETRY_BATCH)
			b = next_batch(&last, store);
		copy_seen(slot->key, s, &n);
		VEC_PUSH(&b->nodes, n);
	}
	links_save_counters(&t->links, add_counters, &counters);
	pthread_mutex_unlock(&t->lock);
	if (counters.n > 0) {
		b = next_batch(&last, store);
		b->counters = counters;
	}
	if (last == NULL) {
		done(arg);
		return;
	}
	last->done = done;
	last->arg = arg;
	store_write(store, store_batch, last, batch_done);
}
