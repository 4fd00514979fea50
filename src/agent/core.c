/* DOC: desired state and what is in force of it; see core.h. */
#include "agent/core.h"

#include "agent/rotate.h"
#include "base/fault.h"
#include "base/log.h"
#include "model/feature.h"

#include <stdio.h>

#define NAME_LEN (IFNAME_LEN + ID_LEN + 1)

static const char *peer_name(const struct item *i, char name[static NAME_LEN])
{
	snprintf(name, NAME_LEN, "%s/%s", i->peer.interface, i->peer.id);
	return name;
}

/* Has it used up what it was granted? */
static bool spent(const struct core *c, const struct item *i)
{
	const uint64_t *grant;
	char name[NAME_LEN];

	if (i->peer.quota_grant == 0 || c->spent.n == 0)
		return false;
	grant = map_get(&c->spent, peer_name(i, name));
	return grant != NULL && *grant == i->peer.quota_grant;
}

static bool expired(const struct core *c, const struct item *i)
{
	return spent(c, i) || (i->peer.not_after != 0 && i->peer.not_after <= clock_wall(c->clock));
}

static void free_value(void *p)
{
	mem_free(p);
}

static bool refused(const struct core *c, const struct item *i)
{
	char name[NAME_LEN];

	return c->refused.n > 0 && map_get(&c->refused, peer_name(i, name)) != NULL;
}

static void forgive(struct core *c, const struct item *i)
{
	char name[NAME_LEN];

	if (c->refused.n > 0)
		mem_free(map_remove(&c->refused, peer_name(i, name)));
}

/* Which parts of a state are closed: those that require what this agent does not have. */
static void find_lacks(const struct state *s, struct strs *ret)
{
	strs_done(ret);
	VEC_FOREACH (entry, &s->requires)
		if (!feature_known(*entry))
			strs_push(ret, *entry);
}

/* Let a peer into force. False when its time is over or it is refused (which is logged once). */
static bool admit(struct core *c, const struct item *i)
{
	struct err e = {0};
	char name[NAME_LEN];
	char *known;

	if (i->peer.not_after != 0 && (c->deadline == 0 || i->peer.not_after < c->deadline))
		c->deadline = i->peer.not_after;
	if (expired(c, i) || feature_closes(&c->lacks, i)) {
		forgive(c, i);
		peer_index_remove(&c->peers, i->peer.interface, i->peer.id);
		return false;
	}
	if (peer_index_add(&c->peers, i, &c->desired, &e) == 0) {
		forgive(c, i);
		return true;
	}
	known = map_get(&c->refused, peer_name(i, name));
	if (known == NULL || strcmp(known, e.text) != 0) {
		log_error("peer failed", LOG_KV_STR("peer_id", i->peer.id),
			LOG_KV_STR("interface", i->peer.interface), LOG_KV_STR("error", e.text));
		mem_free(map_set(&c->refused, name, mem_strdup(e.text)));
	}
	return false;
}

bool core_in_force(struct core *c, const struct item *i)
{
	struct public_key key;

	if (feature_closes(&c->lacks, i))
		return false;
	if (i->kind == ITEM_ROUTE)
		return paths_alive(&c->paths, &i->route);
	return i->kind != ITEM_PEER ||
		peer_index_lookup(&c->peers, i->peer.interface, i->peer.id, &key);
}

int core_init(struct core *c, struct identity *identity, struct machine *machine,
	const struct clock *clock, struct err *e)
{
	struct state s = {0};
	int rc;

	*c = (struct core){.identity = identity, .machine = machine, .clock = clock};
	machine->paths = &c->paths;
	peer_index_init(&c->peers);
	rc = cache_open(&c->cache, identity, e);
	if (rc < 0)
		return rc;
	rc = cache_load(&c->cache, &s, e);
	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc < 0) {
		/* not a key: the control plane has it. Until then nothing is touched */
		log_warn("cached state is unusable", LOG_KV_STR("error", e->text));
		return 0;
	}
	c->desired = s;
	find_lacks(&c->desired, &c->lacks);
	VEC_FOREACH (i, &c->desired.items)
		if ((*i)->kind == ITEM_PEER)
			admit(c, *i);
	return 0;
}

void core_done(struct core *c)
{
	cache_close(&c->cache);
	state_done(&c->desired);
	strs_done(&c->lacks);
	strs_done(&c->conflicts);
	state_done(&c->pending_put);
	state_done(&c->pending_drop);
	peer_index_done(&c->peers);
	map_done(&c->refused, free_value);
	map_done(&c->spent, free_value);
	map_done(&c->heard, free_value);
	c->machine->paths = NULL;
	paths_done(&c->paths);
	mem_free(c->error);
	mem_free(c->service_error);
	*c = (struct core){0};
}

uint64_t core_revision(const struct core *c)
{
	return c->pending != 0 ? c->pending : c->desired.revision;
}

bool core_take_changed(struct core *c)
{
	bool changed = c->changed;

	c->changed = false;
	return changed;
}

/* --- applying -------------------------------------------------------------------------------- */

void core_set_error(struct core *c, const struct apply_result *r, const char *also)
{
	CLEANUP(buf_done) struct buf text = {0};

	apply_summary(r, &text);
	if (also != NULL && also[0] != '\0')
		buf_addf(&text, "%s%s", text.len > 0 ? "; " : "", also);
	if (c->service_error != NULL)
		buf_addf(&text, "%s%s", text.len > 0 ? "; " : "", c->service_error);
	VEC_FOREACH (conflict, &c->conflicts)
		buf_addf(&text, "%s%s", text.len > 0 ? "; " : "", *conflict);
	if (c->refused.n > 0)
		buf_addf(&text, "%s%zu peers refused", text.len > 0 ? "; " : "", c->refused.n);
	VEC_FOREACH (entry, &c->lacks)
		buf_addf(&text,
			"%sthis agent is too old for %.120s: that part stays closed until it is "
			"updated",
			text.len > 0 ? "; " : "", *entry);
	if (text.len > 0 && (c->error == NULL || strcmp(c->error, text.data) != 0))
		log_error("machine is not as desired", LOG_KV_STR("error", text.data),
			LOG_KV_INT("revision", c->desired.revision));
	mem_free(c->error);
	c->error = text.len > 0 ? buf_take(&text) : NULL;
}

/* What the machine should have now of the items d touches. */
static void gather_old(struct core *c, const struct delta *d, struct item_vec *ret)
{
	const struct item_vec *const parts[] = {&d->put, &d->drop};

	for (size_t k = 0; k < ARRAY_LEN(parts); k++)
		VEC_FOREACH (i, parts[k]) {
			const struct item *was = state_find(&c->desired, *i);

			if (was != NULL && core_in_force(c, was))
				VEC_PUSH(ret, item_dup(was));
		}
	item_vec_sort(ret);
}

/* Cut d down to what may be in force. work borrows its items from d. Claims are let go of before
 * any is taken, so that prefixes can move between the peers of one delta. */
static void screen(struct core *c, const struct delta *d, struct delta *work)
{
	VEC_FOREACH (i, &d->drop) {
		if ((*i)->kind == ITEM_PEER) {
			peer_index_remove(&c->peers, (*i)->peer.interface, (*i)->peer.id);
			forgive(c, *i);
		}
		VEC_PUSH(&work->drop, *i);
	}
	VEC_FOREACH (i, &d->put)
		if ((*i)->kind == ITEM_PEER)
			peer_index_remove(&c->peers, (*i)->peer.interface, (*i)->peer.id);
	VEC_FOREACH (i, &d->put)
		if ((*i)->kind == ITEM_PEER ? admit(c, *i) : core_in_force(c, *i))
			VEC_PUSH(&work->put, *i);
		else
			VEC_PUSH(&work->drop, *i);
	item_vec_sort(&work->drop);
}

/* A route that from now on depends on a path nobody has looked at: it may well be alive. */
static void look_at_new_paths(struct core *c, const struct delta *d)
{
	VEC_FOREACH (i, &d->put)
		if ((*i)->kind == ITEM_ROUTE && !paths_known(&c->paths, &(*i)->route)) {
			core_choose(c);
			return;
		}
}

/* Desired state is to move by d; next, when given, is the state that it leads to. */
static void advance(struct core *c, const struct delta *d, struct state *next)
{
	struct item_vec old = {0};
	struct delta work = {0};
	struct apply_result r = {0};
	struct err e = {0};
	int rc;

	gather_old(c, d, &old);
	if (next != NULL) {
		state_done(&c->desired);
		c->desired = *next;
		*next = (struct state){0};
		find_lacks(&c->desired, &c->lacks);
		rc = cache_save(&c->cache, &c->desired, &e);
	} else {
		rc = state_apply(&c->desired, d, &e);
		/* the journal goes by revisions */
		if (rc == 0)
			rc = d->revision == d->previous
				? cache_save(&c->cache, &c->desired, &e)
				: cache_append(&c->cache, d, &c->desired, &e);
	}
	if (rc < 0)
		log_error("desired state was not saved", LOG_KV_STR("error", e.text));
	FAULT("state.saved");
	look_at_new_paths(c, d);
	screen(c, d, &work);
	apply_delta(c->machine, &old, &work, &c->desired.items, &r);
	FAULT("state.applied");
	/* an earlier failure stands until a reconcile has found the machine as it should be */
	if (r.failures > 0 || c->refused.n > 0 || c->lacks.n > 0)
		core_set_error(c, &r, NULL);
	c->changed = true;
	apply_result_done(&r);
	VEC_DONE(&work.put); /* borrowed */
	VEC_DONE(&work.drop);
	item_vec_done(&old);
}

void core_queue(struct core *c, struct delta *d)
{
	VEC_FOREACH (i, &d->drop) {
		state_drop(&c->pending_put, *i);
		state_put(&c->pending_drop, *i);
	}
	VEC_FOREACH (i, &d->put) {
		state_drop(&c->pending_drop, *i);
		state_put(&c->pending_put, *i);
	}
	VEC_DONE(&d->put);
	VEC_DONE(&d->drop);
	VEC_FOREACH (entry, &d->requires)
		if (!strs_has(&c->pending_put.requires, *entry))
			strs_push(&c->pending_put.requires, *entry);
	c->pending = d->revision;
}

void core_flush(struct core *c)
{
	struct delta d = {.previous = c->desired.revision, .revision = c->pending};

	if (c->pending == 0)
		return;
	d.requires = c->pending_put.requires;
	c->pending_put.requires = (struct strs){0};
	d.put = c->pending_put.items;
	d.drop = c->pending_drop.items;
	c->pending_put.items = c->pending_drop.items = (struct item_vec){0};
	c->pending = 0;
	rotate_keep(&c->desired, &d.put);
	advance(c, &d, NULL);
	delta_done(&d);
}

void core_move(struct core *c, const struct delta *d)
{
	advance(c, d, NULL);
}

static void drop_pending(struct core *c)
{
	state_done(&c->pending_put);
	state_done(&c->pending_drop);
	c->pending_put = c->pending_drop = (struct state){0};
	c->pending = 0;
}

/* What stays as desired, but comes into force or goes out of it since other parts are closed. */
static void add_reopened(const struct core *c, const struct state *s, struct delta *d)
{
	struct strs lacks = {0};
	size_t n = d->put.n;

	find_lacks(s, &lacks);
	VEC_FOREACH (i, &s->items) {
		const struct item *was = state_find(&c->desired, *i);

		if (feature_closes(&c->lacks, *i) != feature_closes(&lacks, *i) && was != NULL &&
			item_equal(was, *i))
			VEC_PUSH(&d->put, item_dup(*i));
	}
	if (d->put.n > n)
		item_vec_sort(&d->put);
	strs_done(&lacks);
}

void core_replace(struct core *c, struct state *s)
{
	struct delta d = {0};

	drop_pending(c); /* the state is at least as new */
	rotate_keep(&c->desired, &s->items);
	state_diff(&c->desired, s, &d);
	if (c->lacks.n > 0 || !strs_equal(&c->desired.requires, &s->requires))
		add_reopened(c, s, &d);
	if (c->desired.revision == s->revision && delta_is_empty(&d) &&
		strs_equal(&c->desired.requires, &s->requires))
		state_done(s);
	else
		advance(c, &d, s);
	*s = (struct state){0};
	delta_done(&d);
}

int core_choose(struct core *c)
{
	VEC(bool) were = {0};
	struct delta work = {0};
	struct apply_result r = {0};
	size_t k = 0;
	int found;

	VEC_FOREACH (i, &c->desired.items)
		if ((*i)->kind == ITEM_ROUTE)
			VEC_PUSH(&were, core_in_force(c, *i));
	found = paths_look(&c->paths, c->machine, &c->desired.items);
	VEC_FOREACH (i, &c->desired.items) {
		bool is;

		if ((*i)->kind != ITEM_ROUTE)
			continue;
		is = core_in_force(c, *i);
		if (is && !were.v[k])
			VEC_PUSH(&work.put, *i);
		else if (!is && were.v[k])
			VEC_PUSH(&work.drop, *i);
		k++;
	}
	if (!delta_is_empty(&work))
		apply_delta(c->machine, &work.drop, &work, &c->desired.items, &r);
	if (r.failures > 0)
		core_set_error(c, &r, NULL);
	apply_result_done(&r);
	VEC_DONE(&were);
	VEC_DONE(&work.put); /* borrowed */
	VEC_DONE(&work.drop);
	return found;
}

/* --- time ------------------------------------------------------------------------------------ */

void core_screen(struct core *c, struct delta *work)
{
	msec now = clock_wall(c->clock);

	VEC_FOREACH (i, &c->desired.items) {
		bool was, is;

		if ((*i)->kind != ITEM_PEER ||
			((*i)->peer.not_after == 0 && (*i)->peer.quota_grant == 0 &&
				!refused(c, *i)))
			continue;
		was = core_in_force(c, *i);
		is = admit(c, *i);
		if (work == NULL || was == is)
			continue;
		if (was)
			VEC_PUSH(&work->drop, *i);
		else
			VEC_PUSH(&work->put, *i);
	}
	c->deadline = 0;
	VEC_FOREACH (i, &c->desired.items)
		if ((*i)->kind == ITEM_PEER && (*i)->peer.not_after > now &&
			(c->deadline == 0 || (*i)->peer.not_after < c->deadline))
			c->deadline = (*i)->peer.not_after;
}

/* Apply what comes into force and goes out of it by time or use. */
static void screen_now(struct core *c, const char *why)
{
	struct delta work = {0};
	struct apply_result r = {0};
	struct item_vec none = {0};

	core_screen(c, &work);
	/* what comes back is not there; what goes is there as it was desired */
	apply_delta(c->machine, work.drop.n > 0 ? &work.drop : &none, &work, &c->desired.items, &r);
	if (r.failures > 0)
		core_set_error(c, &r, NULL);
	if (work.drop.n > 0)
		log_info(why, LOG_KV_INT("count", work.drop.n));
	c->changed |= work.drop.n + work.put.n > 0;
	apply_result_done(&r);
	VEC_DONE(&work.put);
	VEC_DONE(&work.drop);
}

void core_expire(struct core *c)
{
	if (c->deadline != 0 && clock_wall(c->clock) >= c->deadline)
		screen_now(c, "peers expired");
}

void core_spent(struct core *c, const struct item_vec *peers)
{
	VEC_FOREACH (i, peers) {
		char name[NAME_LEN];

		mem_free(map_set(&c->spent, peer_name(*i, name),
			mem_dup(&(*i)->peer.quota_grant, sizeof((*i)->peer.quota_grant))));
	}
	screen_now(c, "peers have used up their quota");
}
