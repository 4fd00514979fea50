/* DOC: new node keys, step by step; see rotation.h. */
#include "control/rotation.h"

#include "base/log.h"
#include "control/change.h"
#include "control/telemetry.h"

#define ASK_AGAIN ((msec)10 * 1000) /* a step that was not stored is tried again */

/* A node that has to know, and from which revision on it does. */
struct witness {
	id_text node;
	uint64_t revision;
};

struct rotation {
	id_text member, network, node;
	struct public_key next;
	bool switching;
	msec since;      /* of this step; monotonic */
	msec since_wall; /* the same, wall */
	msec asked;      /* the step after it was sent to the writer; 0 = not yet */
	VEC(struct witness) witnesses;
};

struct rotations {
	struct hub *hub;
	struct map pending; /* member -> struct rotation */
};

/* --- a member's steps ------------------------------------------------------------------------- */

static void take(struct member *m)
{
	m->public_key = m->next_public_key;
	m->next_public_key = (struct public_key){0};
	m->rotating = m->rotate_now = m->switching = false;
}

static int store_taken(
	struct tx *tx, const struct member *m, const char *actor, const char *action, struct err *e)
{
	struct member after = {0};
	int r;

	schema_copy(&schema_member, &after, m);
	take(&after);
	r = change_store(tx, &schema_member, m, &after, actor, action, e);
	schema_done(&schema_member, &after);
	return r;
}

int rotation_ask(struct tx *tx, const struct member *m, bool now, const char *actor, struct err *e)
{
	static const char *const columns[] = {"rotating", "rotate_now", NULL};
	struct member asked = *m; /* borrows everything */

	if (public_key_is_zero(&m->public_key))
		return 0; /* its first one is on its way */
	if (!public_key_is_zero(&m->next_public_key))
		return now ? store_taken(tx, m, actor, "member.key", e) : 0;
	asked.rotating = true;
	asked.rotate_now = now;
	return tx_touch(tx, &schema_member, &asked, columns, e);
}

void rotation_announced(struct member *m, const struct public_key *key)
{
	bool known = public_key_equal(&m->public_key, key);

	if (known && !m->switching)
		return; /* said again: no answer to a rotation */
	if (public_key_equal(&m->next_public_key, key))
		return;
	if (!known && m->rotating && !m->rotate_now && !public_key_is_zero(&m->public_key)) {
		m->next_public_key = *key;
		m->rotating = false;
		return;
	}
	/* at once: asked for; or the node has lost the key that is known, or the one it was told to
	 * use, and can do with no other */
	m->next_public_key = *key;
	take(m);
}

/* --- the driver ------------------------------------------------------------------------------- */

static void rotation_free(void *p)
{
	struct rotation *r = p;

	VEC_DONE(&r->witnesses);
	mem_free(r);
}

struct rotations *rotations_new(struct hub *h)
{
	struct rotations *r = NEW(struct rotations);

	r->hub = h;
	return r;
}

struct rotations *rotations_free(struct rotations *r)
{
	if (r != NULL)
		map_done(&r->pending, rotation_free);
	return mem_free(r);
}

static void forget(struct rotations *r, const char *member)
{
	struct rotation *old = map_remove(&r->pending, member);

	if (old != NULL)
		rotation_free(old);
}

/* Note the step a member is at; NULL when that is not a new one. */
static struct rotation *note(struct rotations *r, const struct member *m)
{
	struct rotation *x = map_get(&r->pending, m->id);

	if (x != NULL && x->switching == m->switching &&
		public_key_equal(&x->next, &m->next_public_key))
		return NULL;
	forget(r, m->id);
	x = NEW(struct rotation);
	id_copy(x->member, m->id);
	id_copy(x->network, m->network);
	id_copy(x->node, m->node);
	x->next = m->next_public_key;
	x->switching = m->switching;
	x->since = clock_mono(r->hub->clock);
	x->since_wall = clock_wall(r->hub->clock);
	map_set(&r->pending, m->id, x);
	return x;
}

static void add_witness(struct rotation *x, const char *node, uint64_t revision)
{
	struct witness w = {.revision = revision};

	id_copy(w.node, node);
	VEC_PUSH(&x->witnesses, w);
}

void rotations_follow(struct rotations *r, const struct hub_row *row)
{
	const struct member *m = row->row.after;
	struct rotation *x;

	if (row->schema != &schema_member)
		return;
	if (m == NULL || public_key_is_zero(&m->next_public_key)) {
		forget(r, row->row.object);
		return;
	}
	x = note(r, m);
	for (size_t i = 0; x != NULL && i < row->row.n_nodes; i++)
		add_witness(x, row->row.nodes[i].node, row->row.nodes[i].revision);
}

void rotations_load(struct rotations *r)
{
	const struct fleet *f = r->hub->fleet;

	MAP_FOREACH (slot, &f->members) {
		const struct member *m = slot->value;
		const struct fleet_network *fn = fleet_network(f, m->network);
		struct rotation *x;

		if (public_key_is_zero(&m->next_public_key) || fn == NULL)
			continue;
		x = note(r, m);
		VEC_FOREACH (other, &fn->members) {
			const struct node *n = map_get(&f->nodes, (*other)->node);

			if (x != NULL && n != NULL)
				add_witness(x, n->id, n->revision);
		}
	}
}

/* The step after the one that was looked at, as a job. */
struct step {
	id_text member;
	struct public_key next;
	bool switching; /* what it was */
};

static int store_step(struct tx *tx, void *arg, struct err *e)
{
	const struct step *s = arg;
	struct member before = {0}, after = {0};
	int r = tx_get(tx, &schema_member, s->member, &before, e);

	if (r == ERR_NOT_FOUND)
		return 0;
	if (r == 0 &&
		(before.switching != s->switching ||
			!public_key_equal(&before.next_public_key, &s->next))) {
		schema_done(&schema_member, &before);
		return 0; /* somebody was faster */
	}
	if (r == 0 && s->switching) {
		r = store_taken(tx, &before, before.node, "member.key", e);
	} else if (r == 0) {
		schema_copy(&schema_member, &after, &before);
		after.switching = true;
		r = change_store(
			tx, &schema_member, &before, &after, before.node, "member.switch_key", e);
	}
	schema_done(&schema_member, &before);
	schema_done(&schema_member, &after);
	return r;
}

static void stored(void *arg, int result, const struct err *e)
{
	struct step *s = arg;

	if (result < 0)
		log_error("a step of a key's rotation could not be stored",
			LOG_KV_STR("member", s->member), LOG_KV_STR("error", e->text));
	mem_free(s);
}

static void take_step(struct rotations *r, struct rotation *x, msec now)
{
	struct step *s;

	if (x->asked != 0 && now - x->asked < ASK_AGAIN)
		return;
	x->asked = now == 0 ? 1 : now;
	s = NEW(struct step);
	id_copy(s->member, x->member);
	s->next = x->next;
	s->switching = x->switching;
	store_write(r->hub->control->store, store_step, s, stored);
}

/* Has it a stream, or spoken since the step began? */
static bool is_there(const struct rotation *x, const struct node_status *s)
{
	return s->connected || s->last_heartbeat >= x->since_wall;
}

/* Do the peers know both keys? Those that are away are waited for a moment, for their engines may
 * be there without their agents; who is there, for the whole grace. */
static bool peers_ready(const struct rotations *r, const struct rotation *x, msec now)
{
	const struct fleet *f = r->hub->fleet;

	if (now - x->since >= ROTATION_GRACE)
		return true;
	VEC_FOREACH (w, &x->witnesses) {
		const struct node *n = map_get(&f->nodes, w->node);
		struct node_status s;

		if (n == NULL || !n->enabled || strcmp(w->node, x->node) == 0)
			continue;
		hub_node_status(r->hub, w->node, &s);
		if (s.applied_revision < w->revision &&
			(is_there(x, &s) || now - x->since < ROTATION_AWAY))
			return false;
	}
	return true;
}

/* The node itself: it is there, without errors, and has applied this step. Until then it keeps the
 * key it has, and its peers keep it too: a node is never cut off by its own rotation. */
static bool node_ready(const struct rotations *r, const struct rotation *x)
{
	uint64_t revision = 0;
	struct node_status s;

	VEC_FOREACH (w, &x->witnesses)
		if (strcmp(w->node, x->node) == 0)
			revision = w->revision;
	hub_node_status(r->hub, x->node, &s);
	return is_there(x, &s) && s.applied_revision >= revision && s.error[0] == '\0';
}

/* Two ends that change their keys at the same moment could not find each other. */
static bool has_turn(const struct rotations *r, const struct rotation *x, msec now)
{
	MAP_FOREACH (slot, &r->pending) {
		const struct rotation *o = slot->value;

		if (o == x || strcmp(o->network, x->network) != 0)
			continue;
		if ((o->switching && now - o->since < ROTATION_ONE_BY_ONE) ||
			(!o->switching && o->asked != 0 && now - o->asked < ASK_AGAIN))
			return false;
	}
	return true;
}

void rotations_look(struct rotations *r)
{
	msec now = clock_mono(r->hub->clock);

	MAP_FOREACH (slot, &r->pending) {
		struct rotation *x = slot->value;
		bool due = x->switching
			? node_ready(r, x)
			: has_turn(r, x, now) && node_ready(r, x) && peers_ready(r, x, now);

		if (due)
			take_step(r, x, now);
	}
}
