/* DOC: see apply_firewall.h. */
#include "agent/apply_firewall.h"

#include "base/fault.h"
#include "base/log.h"

static const struct item *firewall_of(const struct item_vec *v, const char *network)
{
	struct item key = {.kind = ITEM_FIREWALL};

	id_copy(key.network, network);
	return run_find(v, &key);
}

/* What is in the sets of firewalls: members and limits. */
static struct item_vec contents(const struct item_vec *v)
{
	return run_slice_to(v, ITEM_SET, ITEM_LIMIT);
}

/* Those of one network: items borrowed, the vector is the caller's. */
static struct item_vec of_network(const struct item_vec *from, const char *network)
{
	struct item_vec part = {0};

	VEC_FOREACH (i, from)
		if (strcmp((*i)->network, network) == 0)
			VEC_PUSH(&part, *i);
	return part;
}

/* Load the network's whole table. */
static int load_firewall(struct run *run, const struct item *firewall, struct err *e)
{
	struct machine *m = run->m;
	struct machine_firewall *f = machine_firewall(m, firewall->network);
	struct item_vec all = contents(run->target), mine = of_network(&all, firewall->network);
	int rc = ledger_set_firewall(&m->ledger, firewall->network, true, e);

	FAULT("firewall.noted");
	if (rc == 0)
		rc = m->ops->firewall_load(
			m->ctx, firewall->network, &firewall->firewall, &mine, e);
	if (rc == 0)
		id_vec_add(&run->narrowed, firewall->network);
	FAULT("firewall.loaded");
	VEC_DONE(&mine);
	f->loaded = rc == 0;
	return rc;
}

void firewall_put_all(struct run *run)
{
	struct item_vec puts = run_slice(&run->d->put, ITEM_FIREWALL);

	VEC_FOREACH (i, &puts) {
		struct err e = {0};

		run_put_done(run, *i, load_firewall(run, *i, &e), &e);
	}
}

/* Members and limits of one network. When the increment is refused the whole table is loaded:
 * a member that was to go must not stay until the next reconcile. */
static void change_members(struct run *run, const char *network, const struct item_vec *put,
	const struct item_vec *drop)
{
	struct machine *m = run->m;
	struct item_vec all = contents(run->target);
	const struct item *firewall = firewall_of(run->target, network);
	const struct item *first = put->n > 0 ? put->v[0] : drop->v[0];
	struct machine_firewall *f = machine_firewall(m, network);
	struct err e = {0};
	int rc = ERR_UNAVAILABLE;

	if (firewall == NULL)
		return; /* it is about to go as a whole */
	if (firewall_of(&run->d->put, network) != NULL)
		return; /* loaded with these members, or failed with them */
	if (f->loaded)
		rc = m->ops->firewall_members(m->ctx, network, &all, put, drop, &e);
	if (rc < 0)
		rc = load_firewall(run, firewall, &e);
	if (rc < 0) {
		apply_failed(run->r, first, &e);
		return;
	}
	if (drop->n > 0)
		id_vec_add(&run->narrowed, network);
	VEC_FOREACH (i, put)
		run->r->put[(*i)->kind]++;
	VEC_FOREACH (i, drop)
		run->r->dropped[(*i)->kind]++;
}

void firewall_change_sets(struct run *run)
{
	struct item_vec puts = contents(&run->d->put), drops = contents(&run->d->drop);
	struct id_vec networks = {0};

	VEC_FOREACH (i, &puts)
		id_vec_add(&networks, (*i)->network);
	VEC_FOREACH (i, &drops)
		id_vec_add(&networks, (*i)->network);
	VEC_FOREACH (network, &networks) {
		struct item_vec put = of_network(&puts, network->id);
		struct item_vec drop = of_network(&drops, network->id);

		change_members(run, network->id, &put, &drop);
		VEC_DONE(&put);
		VEC_DONE(&drop);
	}
	VEC_DONE(&networks);
}

/* Known flows pass the firewall: those it would refuse now are ended (spec 1, Firewall). */
void firewall_prune_flows(struct run *run, const char *network)
{
	struct machine *m = run->m;
	const struct item *firewall = firewall_of(run->target, network);
	struct item_vec sets = run_slice(run->target, ITEM_SET);
	struct item_vec addresses = run_slice(run->target, ITEM_ADDRESS);
	struct prefix_vec own = {0};
	struct err e = {0};
	int rc;

	if (firewall == NULL)
		return;
	VEC_FOREACH (a, &addresses)
		if (strcmp((*a)->network, network) == 0)
			VEC_PUSH(&own, prefix_host((*a)->address.addr));
	rc = m->ops->flows_prune(m->ctx, network, &firewall->firewall, &sets, &own, &e);
	VEC_DONE(&own);
	if (rc > 0)
		log_info("flows ended that policy does not allow", LOG_KV_STR("network", network),
			LOG_KV_INT("count", rc));
	else if (rc == ERR_UNSUPPORTED && !m->flows_unseen)
		log_warn("flows that policy does not allow any more go on until they end",
			LOG_KV_STR("error", e.text));
	else if (rc < 0 && rc != ERR_UNSUPPORTED)
		apply_failed(run->r, firewall, &e);
	m->flows_unseen |= rc == ERR_UNSUPPORTED;
}

int firewall_drop(struct run *run, const struct item *i, struct err *e)
{
	struct machine *m = run->m;
	struct machine_firewall *f = machine_firewall(m, i->network);
	int rc;

	f->loaded = false;
	if (!id_vec_has(&m->ledger.firewalls, i->network))
		return 0;
	rc = m->ops->firewall_delete(m->ctx, i->network, e);
	FAULT("firewall.gone");
	return rc < 0 ? rc : ledger_set_firewall(&m->ledger, i->network, false, e);
}

/* A peer comes up only behind its network's firewall (fail closed). One that an earlier run loaded
 * still stands when this one's load failed. */
bool firewall_may_put_peer(void *arg, const struct item *i)
{
	struct run *run = arg;
	struct machine *m = run->m;
	const struct item *firewall = firewall_of(run->target, i->network);

	if (firewall == NULL)
		return true;
	return machine_firewall(m, i->network)->loaded ||
		m->ops->firewall_intact(
			m->ctx, i->network, &firewall->firewall, run->target, NULL) >= 0;
}
