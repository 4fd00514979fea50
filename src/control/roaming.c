/* DOC: see roaming.h. */
#include "control/roaming.h"

#include "base/log.h"
#include "control/change.h"
#include "control/telemetry.h"
#include "plan/plan.h"

struct roamer {
	struct roaming_pace pace;
	bool waits;  /* it may be somewhere else, and could not move yet */
	bool stored; /* a move is on its way to the store */
};

struct roaming {
	struct hub *hub;
	struct map roamers; /* device -> struct roamer */
	struct map away;    /* device -> itself: those with "at" */
	msec look_at;       /* monotonic */
	size_t waiting;
};

bool roaming_may_move(const struct roaming_pace *p, msec now)
{
	return p->moved_at == 0 || now - p->moved_at >= p->settle;
}

void roaming_moved(struct roaming_pace *p, msec now)
{
	if (p->moved_at == 0 || now - p->moved_at >= ROAMING_CALM)
		p->settle = ROAMING_SETTLE;
	else if (p->settle * 2 < ROAMING_SETTLE_MAX)
		p->settle *= 2;
	else
		p->settle = ROAMING_SETTLE_MAX;
	p->moved_at = now > 0 ? now : 1;
}

static void free_value(void *p)
{
	mem_free(p);
}

struct roaming *roaming_new(struct hub *h)
{
	struct roaming *r = NEW(struct roaming);

	r->hub = h;
	return r;
}

struct roaming *roaming_free(struct roaming *r)
{
	if (r == NULL)
		return NULL;
	map_done(&r->roamers, free_value);
	map_done(&r->away, NULL);
	return mem_free(r);
}

/* --- storing ---------------------------------------------------------------------------------- */

struct stay {
	id_text device, at;
};

struct moves {
	struct hub *hub;
	VEC(struct stay) stays;
};

static int store_stay(struct tx *tx, const struct stay *s, struct err *e)
{
	struct device before = {0}, after = {0};
	int r = tx_get(tx, &schema_device, s->device, &before, e);

	if (r == ERR_NOT_FOUND)
		return 0; /* deleted meanwhile */
	if (r == 0 && strcmp(before.at, s->at) != 0) {
		schema_copy(&schema_device, &after, &before);
		id_copy(after.at, s->at);
		r = change_observed(tx, &schema_device, &before, &after, e);
	}
	schema_done(&schema_device, &before);
	schema_done(&schema_device, &after);
	return r;
}

static int store_moves(struct tx *tx, void *arg, struct err *e)
{
	struct moves *m = arg;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < m->stays.n; i++)
		r = store_stay(tx, &m->stays.v[i], e);
	return r;
}

/* They may move again, and those whose move was not stored try it with the next tick. */
static void settle_moves(const struct fleet *f, void *arg)
{
	struct moves *m = arg;
	struct roaming *r = m->hub->roaming;

	VEC_FOREACH (s, &m->stays) {
		struct roamer *x = map_get(&r->roamers, s->device);

		if (x == NULL)
			continue;
		x->stored = false;
		if (!x->waits)
			r->waiting++;
		x->waits = true; /* looked at once more: it may have gone on meanwhile */
	}
	VEC_DONE(&m->stays);
	mem_free(m);
}

static void moves_done(void *arg, int result, const struct err *e)
{
	struct moves *m = arg;

	if (result < 0)
		log_error("where devices are could not be stored", LOG_KV_STR("error", e->text));
	hub_run(m->hub, settle_moves, m);
}

/* --- deciding --------------------------------------------------------------------------------- */

/* Where the device should be by its newest handshake; false when nobody has seen it. */
static bool find_place(struct roaming *r, const struct device *d, id_text ret)
{
	const struct fleet *f = r->hub->fleet;
	const struct member *home = plan_home(f, d->network, d->group), *m;
	id_text node;
	msec handshake;

	if (!telemetry_newest(r->hub->telemetry, d->id, node, &handshake))
		return false;
	id_copy(ret, "");
	if (clock_wall(r->hub->clock) - handshake >= ROAMING_SILENT)
		return true;
	if (node[0] == '\0')
		return false;
	m = fleet_member(f, node, d->network);
	if (m != NULL && m != home && (m->roles & ROLE_GATEWAY) && strcmp(m->group, d->group) == 0)
		id_copy(ret, m->id);
	return true;
}

static struct roamer *roamer_of(struct roaming *r, const char *device)
{
	struct roamer *x = map_get(&r->roamers, device);

	if (x == NULL) {
		x = NEW(struct roamer);
		map_set(&r->roamers, device, x);
	}
	return x;
}

static void look_at(struct roaming *r, const struct device *d, struct moves **m)
{
	msec now = clock_mono(r->hub->clock);
	struct roamer *x = map_get(&r->roamers, d->id);
	struct stay s;

	if (!find_place(r, d, s.at))
		return;
	if (strcmp(s.at, d->at) == 0) {
		if (x != NULL && x->waits)
			r->waiting--;
		if (x != NULL)
			x->waits = false;
		return;
	}
	x = roamer_of(r, d->id);
	if (x->stored)
		return;
	if (!roaming_may_move(&x->pace, now)) {
		r->waiting += !x->waits;
		x->waits = true;
		return;
	}
	r->waiting -= x->waits;
	x->waits = false;
	x->stored = true;
	roaming_moved(&x->pace, now);
	id_copy(s.device, d->id);
	if (*m == NULL) {
		*m = NEW(struct moves);
		(*m)->hub = r->hub;
	}
	VEC_PUSH(&(*m)->stays, s);
}

static void send(struct roaming *r, struct moves **m, size_t least)
{
	if (*m == NULL || (*m)->stays.n < least)
		return;
	store_write(r->hub->control->store, store_moves, *m, moves_done);
	*m = NULL;
}

/* A device can only be away where its group has another gateway. */
static bool has_others(const struct fleet *f, const struct device *d)
{
	const struct fleet_network *fn = fleet_network(f, d->network);
	unsigned gateways = 0;

	if (fn == NULL)
		return false;
	VEC_FOREACH (m, &fn->members)
		gateways += ((*m)->roles & ROLE_GATEWAY) && strcmp((*m)->group, d->group) == 0;
	return gateways > 1;
}

void roaming_heard(struct roaming *r, const struct link_row *rows, size_t n)
{
	const struct fleet *f = r->hub->fleet;
	struct moves *m = NULL;
	id_text group = ""; /* that was looked at last: all of a gateway's devices are of one */
	bool others = false;

	for (size_t i = 0; i < n; i++) {
		const struct device *d = map_get(&f->devices, rows[i].peer);

		if (d == NULL)
			continue;
		if (strcmp(group, d->group) != 0) {
			id_copy(group, d->group);
			others = has_others(f, d);
		}
		if (others || d->at[0] != '\0')
			look_at(r, d, &m);
		send(r, &m, ROAMING_AT_ONCE);
	}
	send(r, &m, 1);
}

/* --- time ------------------------------------------------------------------------------------- */

static bool is_idle(const struct roamer *x, msec now)
{
	return !x->waits && !x->stored && now - x->pace.moved_at >= ROAMING_CALM;
}

static void try_waiting(struct roaming *r, struct moves **m, msec now)
{
	struct strs idle = {0};

	MAP_FOREACH (slot, &r->roamers) {
		struct roamer *x = slot->value;
		const struct device *d = map_get(&r->hub->fleet->devices, slot->key);

		if (d != NULL && x->waits)
			look_at(r, d, m);
		else if (d == NULL || is_idle(x, now))
			strs_push(&idle, slot->key);
		send(r, m, ROAMING_AT_ONCE);
	}
	VEC_FOREACH (id, &idle) {
		struct roamer *x = map_remove(&r->roamers, *id);

		r->waiting -= x->waits;
		mem_free(x);
	}
	strs_done(&idle);
}

void roaming_tick(struct roaming *r)
{
	msec now = clock_mono(r->hub->clock);
	struct moves *m = NULL;

	if (r->waiting > 0 || now >= r->look_at)
		try_waiting(r, &m, now);
	if (now >= r->look_at) {
		r->look_at = now + ROAMING_LOOK;
		MAP_FOREACH (slot, &r->away) {
			const struct device *d = map_get(&r->hub->fleet->devices, slot->key);

			if (d != NULL)
				look_at(r, d, &m);
			send(r, &m, ROAMING_AT_ONCE);
		}
	}
	send(r, &m, 1);
}

void roaming_load(struct roaming *r)
{
	MAP_FOREACH (slot, &r->hub->fleet->devices)
		if (((const struct device *)slot->value)->at[0] != '\0')
			map_set(&r->away, slot->key, r);
}

void roaming_follow(struct roaming *r, const struct hub_row *row)
{
	const struct device *d = row->row.after;

	if (row->schema != &schema_device)
		return;
	if (d != NULL && d->at[0] != '\0')
		map_set(&r->away, row->row.object, r);
	else
		map_remove(&r->away, row->row.object);
}
