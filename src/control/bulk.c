/* DOC: see bulk.h. */
#include "control/bulk.h"

#include "control/groupkey.h"
#include "control/stream.h"

size_t bulk_links = 20000;

struct bulk {
	STAILQ_ENTRY(bulk) link;
	const struct schema *schema;
	struct fleet_change change; /* owned */
	struct fleet *fleet;        /* the networks it touches, changed */
	struct plan_change *pc;
	struct outbox_node *nodes;
	size_t n_nodes, next;
	msec at;            /* monotonic; when the hub heard of it */
	struct map waiting; /* node -> its place in nodes */
};

struct bulks {
	struct hub *hub;
	STAILQ_HEAD(, bulk) queue;
};

struct bulks *bulks_new(struct hub *h)
{
	struct bulks *b = NEW(struct bulks);

	b->hub = h;
	STAILQ_INIT(&b->queue);
	return b;
}

static void bulk_free(struct bulk *k)
{
	plan_change_free(k->pc);
	fleet_free(k->fleet);
	schema_free(k->schema, (void *)(uintptr_t)k->change.before);
	schema_free(k->schema, (void *)(uintptr_t)k->change.after);
	map_done(&k->waiting, NULL);
	mem_free(k->nodes);
	mem_free(k);
}

struct bulks *bulks_free(struct bulks *b)
{
	struct bulk *k;

	while (b != NULL && (k = STAILQ_FIRST(&b->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&b->queue, link);
		bulk_free(k);
	}
	return mem_free(b);
}

bool bulks_pending(const struct bulks *b)
{
	return !STAILQ_EMPTY(&b->queue);
}

/* The copy is of the fleet after the change: undo it there, and make it again. */
static void copy_world(struct bulk *k, struct hub *h, const struct plan_change *pc)
{
	const void *was = plan_change_before(pc);
	struct id_vec networks = {0};

	plan_change_networks(pc, &networks);
	if (k->schema == &schema_device) {
		const struct device *before = k->change.before, *after = k->change.after;

		was = before; /* the planner keeps no copy of it */
		id_vec_add(&networks, after != NULL ? after->network : before->network);
	}
	k->fleet = fleet_excerpt(h->fleet, &networks);
	VEC_DONE(&networks);
	if (was != NULL)
		fleet_put(k->fleet, k->schema, schema_dup(k->schema, was));
	else
		fleet_remove(k->fleet, k->schema, k->change.after); /* the id is first */
	k->pc = plan_change_begin(k->fleet, &k->change, groupkeys_plan(h->groupkeys));
	if (k->change.after != NULL)
		fleet_put(k->fleet, k->schema, schema_dup(k->schema, k->change.after));
	else
		fleet_remove(k->fleet, k->schema, k->change.before);
}

void bulks_add(struct bulks *b, const struct hub_row *r, const struct plan_change *pc)
{
	struct bulk *k = NEW(struct bulk);

	k->schema = r->schema;
	k->at = clock_mono(b->hub->clock);
	k->change.schema = r->schema;
	k->change.before = r->row.before ? schema_dup(r->schema, r->row.before) : NULL;
	k->change.after = r->row.after ? schema_dup(r->schema, r->row.after) : NULL;
	k->n_nodes = r->row.n_nodes;
	k->nodes = mem_dup(r->row.nodes, r->row.n_nodes * sizeof(*r->row.nodes));
	for (size_t i = 0; i < k->n_nodes; i++)
		if (streams_watch(b->hub->streams, k->nodes[i].node))
			map_set(&k->waiting, k->nodes[i].node, &k->nodes[i]);
	copy_world(k, b->hub, pc);
	STAILQ_INSERT_TAIL(&b->queue, k, link);
}

size_t bulks_waiting(const struct bulks *b, const struct hub_row *r)
{
	const struct bulk *k;
	size_t n = 0;

	STAILQ_FOREACH(k, &b->queue, link)
	for (size_t i = 0; i < r->row.n_nodes; i++)
		n += map_get(&k->waiting, r->row.nodes[i].node) != NULL;
	return n;
}

static void record(struct bulks *b, struct bulk *k, const char *node)
{
	const struct outbox_node *n = map_remove(&k->waiting, node);
	struct delta d = {0};

	if (n == NULL || !streams_watch(b->hub->streams, node))
		return;
	plan_change_end(k->pc, k->fleet, node, &d);
	streams_record(b->hub->streams, node, n->previous, n->revision, &k->change, &d);
	delta_done(&d);
}

void bulks_settle(struct bulks *b, const char *node)
{
	struct bulk *k;

	STAILQ_FOREACH(k, &b->queue, link)
	record(b, k, node);
}

void bulks_go_on(struct bulks *b)
{
	struct bulk *k = STAILQ_FIRST(&b->queue);
	msec until = clock_mono(&clock_real) + BULK_SLICE;

	if (k == NULL)
		return;
	do {
		if (k->next < k->n_nodes)
			record(b, k, k->nodes[k->next++].node);
	} while (k->next < k->n_nodes && clock_mono(&clock_real) < until);
	streams_flush(b->hub->streams);
	if (k->next < k->n_nodes)
		return;
	atomic_store(&b->hub->last_push, clock_mono(b->hub->clock) - k->at);
	STAILQ_REMOVE_HEAD(&b->queue, link);
	bulk_free(k);
}
