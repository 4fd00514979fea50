/* DOC: see hub_fleet.h. */
#include "control/hub_fleet.h"

#include "base/log.h"
#include "control/bearer.h"
#include "control/bulk.h"
#include "control/config_sums.h"
#include "control/latency.h"
#include "control/groupkey.h"
#include "control/panel_events.h"
#include "control/quota.h"
#include "control/roaming.h"
#include "control/rotation.h"
#include "control/secrets.h"
#include "control/stream.h"
#include "control/telemetry.h"
#include "plan/plan.h"

/* Nodes whose part of a bulk is made out of turn for one small change. */
#define SETTLED_AT_ONCE 8

/* --- secrets ---------------------------------------------------------------------------------- */

struct psk_load {
	struct control *control;
	struct fleet_network *network;
};

static int load_psk(struct tx *tx, void *arg, struct err *e)
{
	struct psk_load *l = arg;
	struct secret s;
	int r = secrets_get(tx, &l->control->keys, l->network->network->id, SECRET_PSK_ROOT, &s, e);

	if (r == 0)
		l->network->psk_root = s;
	secret_wipe(&s);
	return r;
}

/* A network without a root has no PSKs; every other failure must not pass for that. */
static int network_secrets(struct control *c, struct tx *tx, struct fleet_network *n, struct err *e)
{
	struct psk_load l = {.control = c, .network = n};
	int r;

	if (n == NULL || !n->network->psk)
		return 0;
	r = tx != NULL ? load_psk(tx, &l, e) : store_read(c->store, load_psk, &l, e);
	return r == ERR_NOT_FOUND ? 0 : r;
}

struct device_psk_load {
	struct hub *hub;
	const struct device *device;
};

static int load_device_psk(struct tx *tx, void *arg, struct err *e)
{
	struct device_psk_load *l = arg;
	CLEANUP(secret_wipe) struct secret s = {0};
	int r = secrets_get(tx, &l->hub->control->keys, l->device->id, SECRET_DEVICE_PSK, &s, e);

	if (r == 0)
		fleet_set_psk(l->hub->fleet, l->device, &s);
	return r;
}

/* Without it the device's peer has no pre-shared key and no handshake: said, not fatal. */
static void device_secrets(struct hub *h, struct tx *tx, const struct device *d)
{
	struct device_psk_load l = {h, d};
	struct err e = {0};
	int r;

	if (!d->imported_psk)
		return;
	r = tx != NULL ? load_device_psk(tx, &l, &e)
		       : store_read(h->control->store, load_device_psk, &l, &e);
	/* in a row that is older than the store it may be gone already */
	if (r < 0 && r != ERR_NOT_FOUND)
		log_error("an imported pre-shared key could not be opened",
			LOG_KV_STR("device", d->id), LOG_KV_STR("error", e.text));
}

/* --- the start -------------------------------------------------------------------------------- */

struct loading {
	struct hub *hub;
	const struct schema *schema;
};

static int load_object(void *arg, const void *object)
{
	struct loading *l = arg;

	fleet_put(l->hub->fleet, l->schema, schema_dup(l->schema, object));
	return 0;
}

int hub_fleet_load(struct tx *tx, void *arg, struct err *e)
{
	static const struct schema *const kinds[] = {&schema_project, &schema_network, &schema_node,
		&schema_group, &schema_member, &schema_device, &schema_policy};
	struct hub *h = arg;
	const struct tx_query all = {0};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(kinds); i++) {
		struct loading l = {h, kinds[i]};

		r = tx_list(tx, kinds[i], &all, load_object, &l, NULL, NULL, e);
	}
	MAP_FOREACH (slot, &h->fleet->networks)
		if (r >= 0)
			r = network_secrets(h->control, tx, fleet_network(h->fleet, slot->key), e);
	MAP_FOREACH (slot, &h->fleet->devices) {
		telemetry_load_device(h->telemetry, slot->value);
		device_secrets(h, tx, slot->value);
	}
	MAP_FOREACH (slot, &h->fleet->nodes) {
		bearers_put(h->bearers, slot->value);
		if (r >= 0)
			r = telemetry_load_node(h->telemetry, tx, slot->value, e);
	}
	rotations_load(h->rotations);
	roaming_load(h->roaming);
	quotas_load(h->quotas);
	return r < 0 ? r : 0;
}

/* --- a row ------------------------------------------------------------------------------------ */

static void node_gone(struct hub *h, const char *node)
{
	bearers_remove(h->bearers, node);
	streams_drop(h->streams, node);
	mem_free(map_remove(&h->digests, node));
}

/* Another machine has the node's place: the one before is not told anything more. */
static void rejoined(struct hub *h, const char *node)
{
	streams_drop(h->streams, node);
	telemetry_rejoined(h->telemetry, node);
}

/* What else hangs on an object, once the fleet has it. */
static void follow(struct hub *h, const struct hub_row *r)
{
	const void *after = r->row.after;
	struct err e = {0};

	rotations_follow(h->rotations, r);
	roaming_follow(h->roaming, r);
	quotas_follow(h->quotas, r);
	if (r->schema == &schema_network && after != NULL) {
		if (network_secrets(h->control, NULL, fleet_network(h->fleet, r->row.object), &e) <
			0)
			log_error("the PSK root of a network could not be opened",
				LOG_KV_STR("network", r->row.object), LOG_KV_STR("error", e.text));
	} else if (r->schema == &schema_node && after != NULL) {
		const struct node *before = r->row.before, *now = after;

		bearers_put(h->bearers, now);
		if (before != NULL && before->generation != now->generation)
			rejoined(h, now->id);
	} else if (r->schema == &schema_device && after != NULL) {
		device_secrets(h, NULL, after);
	}
	config_sums_follow(h->sums, r);
	if (after != NULL)
		return;
	if (r->schema == &schema_node)
		node_gone(h, r->row.object);
	if (r->schema == &schema_node || r->schema == &schema_group)
		groupkeys_forget(h->groupkeys, r->row.object);
	telemetry_forget(h->telemetry, r->schema, r->row.object);
	if (r->schema == &schema_network)
		latency_forget(&h->latencies, r->row.object);
}

static void raise_revision(struct hub *h, const char *node, uint64_t revision)
{
	struct node *n = map_get(&h->fleet->nodes, node);

	if (n == NULL || n->revision >= revision)
		return;
	n->revision = revision;
	telemetry_revision(h->telemetry, node, revision);
}

/* Put or remove the object; revisions only grow, whatever an older copy of a node says. */
static void apply_to_fleet(struct hub *h, struct hub_row *r)
{
	const struct node *n =
		r->schema == &schema_node ? map_get(&h->fleet->nodes, r->row.object) : NULL;
	uint64_t revision = n != NULL ? n->revision : 0;

	if (r->row.after == NULL)
		fleet_remove(h->fleet, r->schema, r->row.object);
	else
		fleet_put(h->fleet, r->schema, schema_dup(r->schema, r->row.after));
	if (revision > 0)
		raise_revision(h, r->row.object, revision);
	for (size_t i = 0; i < r->row.n_nodes; i++)
		raise_revision(h, r->row.nodes[i].node, r->row.nodes[i].revision);
}

static bool anyone_watches(struct hub *h, const struct hub_row *r)
{
	for (size_t i = 0; i < r->row.n_nodes; i++)
		if (streams_watch(h->streams, r->row.nodes[i].node))
			return true;
	return false;
}

/* Too much for one go, or to be told behind something that is. */
static bool is_bulk(struct hub *h, const struct hub_row *r, struct plan_change *pc)
{
	return plan_change_links(pc, h->fleet) >= bulk_links ||
		bulks_waiting(h->bulks, r) > SETTLED_AT_ONCE;
}

static void record_all(struct hub *h, const struct hub_row *r, const struct fleet_change *c,
	struct plan_change *pc)
{
	for (size_t i = 0; i < r->row.n_nodes; i++) {
		const struct outbox_node *n = &r->row.nodes[i];
		struct delta d = {0};

		if (!streams_watch(h->streams, n->node))
			continue;
		bulks_settle(h->bulks, n->node);
		plan_change_end(pc, h->fleet, n->node, &d);
		streams_record(h->streams, n->node, n->previous, n->revision, c, &d);
		delta_done(&d);
	}
}

void hub_fleet_apply(struct hub *h, struct hub_row *r)
{
	struct fleet_change c = {
		.schema = r->schema, .before = r->row.before, .after = r->row.after};
	struct plan_change *pc = NULL;

	if (anyone_watches(h, r))
		pc = plan_change_begin(h->fleet, &c, groupkeys_plan(h->groupkeys));
	apply_to_fleet(h, r);
	follow(h, r);
	if (pc != NULL && is_bulk(h, r, pc))
		bulks_add(h->bulks, r, pc);
	else if (pc != NULL)
		record_all(h, r, &c, pc);
	plan_change_free(pc);
	panel_events_change(h->panel, &r->row);
}
