/*
 * DOC: the deltas of one change; see plan.h. What a change can alter is decided once for each
 * network it touches, as parts: of the member concerned everything, of the others the links to
 * whoever looks different now, and whatever else the kind of change can alter. Those parts are made
 * twice for each node, from a view of the network before and one after, and compared. The view
 * before reads the fleet through a shadow of the network that keeps the one object which changes;
 * so no plan has to be kept from before the change, however many nodes there are.
 */
#include "plan/link.h"
#include "plan/part.h"

#include "model/feature.h"

/* What the change can alter on the members of one network. */
struct touched {
	id_text network;
	unsigned all;          /* enum part bits, of every member */
	unsigned gateways;     /* and of members with the gateway role */
	unsigned exits;        /* and with the exit role */
	bool relinks;          /* links come and go: who had none may get its first */
	bool by_policy;        /* any link may */
	bool by_lists;         /* the firewall's sets may differ */
	bool by_relays;        /* relays, or what lies behind members, may differ */
	bool relays;           /* what relays are to others differs */
	unsigned kinds;        /* of items of links that can differ; see struct view */
	struct id_vec members; /* who looks different to the others */
	struct fleet_network shadow;
	struct view *before; /* NULL: the network was not there */
};

struct plan_change {
	const struct plan_keys *keys;
	const struct schema *schema;
	void *object;                     /* as it was in the fleet */
	const struct device *gone, *come; /* a device's change; borrowed */
	struct id_vec own;                /* nodes that are concerned themselves */
	VEC(struct touched) touched;
	struct views after;
};

/* --- before the change ------------------------------------------------------------------------ */

static void *in_fleet(const struct fleet *f, const struct schema *s, const void *object)
{
	const struct {
		const struct schema *schema;
		const struct map *map;
	} maps[] = {{&schema_network, &f->networks}, {&schema_node, &f->nodes},
		{&schema_member, &f->members}, {&schema_group, &f->groups},
		{&schema_policy, &f->policies}};

	for (size_t i = 0; object != NULL && i < ARRAY_LEN(maps); i++)
		if (maps[i].schema == s)
			return map_get(maps[i].map, object); /* the id is the first field */
	return NULL;
}

#define COPY_REFS(to, from, old, kept) \
	VEC_FOREACH (ref, from)        \
	VEC_PUSH(to, (void *)*ref == (old) ? (kept) : *ref)

/* The network as it is now, with a copy of the one object that the change is about to free. */
static void keep(struct touched *t, const struct fleet *f, const void *old, void *copy)
{
	const struct fleet_network *fn = fleet_network(f, t->network);

	if (fn == NULL)
		return;
	t->shadow.network = fn->network == old ? copy : fn->network;
	t->shadow.psk_root = fn->psk_root;
	COPY_REFS(&t->shadow.members, &fn->members, old, copy);
	COPY_REFS(&t->shadow.groups, &fn->groups, old, copy);
	COPY_REFS(&t->shadow.policies, &fn->policies, old, copy);
	t->before = view_new(f, &t->shadow);
	t->before->kinds = t->kinds;
}

static struct touched *touch(struct plan_change *pc, const char *network)
{
	struct touched t = {0};

	VEC_FOREACH (known, &pc->touched)
		if (strcmp(known->network, network) == 0)
			return known;
	id_copy(t.network, network);
	VEC_PUSH(&pc->touched, t);
	return &pc->touched.v[pc->touched.n - 1];
}

/* The gateways of a group (NULL: of any) look different when the mesh may find the group's devices
 * behind another one. */
static void add_gateways(const struct fleet *f, struct touched *t, const char *group)
{
	const struct fleet_network *fn = fleet_network(f, t->network);

	if (fn == NULL)
		return;
	VEC_FOREACH (m, &fn->members)
		if (((*m)->roles & ROLE_GATEWAY) &&
			(group == NULL || strcmp((*m)->group, group) == 0))
			id_vec_add(&t->members, (*m)->id);
}

static bool shares_devices(const struct fleet *f, const struct member *m)
{
	const struct fleet_network *fn = fleet_network(f, m->network);

	if (fn != NULL && link_group(fn, m) != NULL)
		VEC_FOREACH (other, &fn->members)
			if (*other != m && strcmp((*other)->id, m->id) != 0 &&
				link_group(fn, *other) == link_group(fn, m))
				return true;
	return false;
}

static struct touched *touch_member(
	struct plan_change *pc, const struct fleet *f, const struct member *m)
{
	struct touched *t = touch(pc, m->network);

	t->relinks = t->by_relays = true;
	t->gateways |= PART_SHELL;
	id_vec_add(&t->members, m->id);
	t->exits |= PART_SHELL; /* what is inside; the gateways are their peers */
	if (m->roles & ROLE_GATEWAY)
		add_gateways(f, t, m->group);
	/* the routes to devices that are away are in the devices' parts */
	if (shares_devices(f, m))
		t->all |= PART_DEVICES;
	/* which exit a full tunnel takes is in its device's part */
	if (m->roles & ROLE_EXIT)
		t->gateways |= PART_SHELL | PART_DEVICES;
	return t;
}

/* Where a member can be found is no concern of its own plan; whether it is configured is, and where
 * it calls from, since that decides where it finds others. */
static bool only_moved(const struct member *was, const struct member *is)
{
	struct member m;

	if (was == NULL || is == NULL || (was->endpoint == NULL) != (is->endpoint == NULL))
		return false;
	m = *is; /* borrows everything */
	m.endpoint = was->endpoint;
	m.observed_endpoint = was->observed_endpoint;
	m.near_endpoint = was->near_endpoint;
	m.calls_from = was->calls_from;
	return schema_equal(&schema_member, was, &m);
}

static void begin_member(
	struct plan_change *pc, const struct fleet *f, const void *before, const void *after)
{
	const struct member *sides[] = {before, after};
	bool moved = only_moved(before, after);

	for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
		struct touched *t;

		if (sides[i] == NULL)
			continue;
		t = touch_member(pc, f, sides[i]);
		if (moved && prefix_compare(sides[0]->calls_from, sides[1]->calls_from) == 0)
			continue;
		t->by_lists = !moved;
		id_vec_add(&pc->own, sides[i]->node);
	}
}

/* Of a node only "enabled" and its name show in plans, but those in all its networks. */
static bool same_to_others(const struct node *was, const struct node *is)
{
	return was != NULL && is != NULL && was->enabled == is->enabled &&
		strcmp(was->name, is->name) == 0;
}

static void begin_node(
	struct plan_change *pc, const struct fleet *f, const void *before, const void *after)
{
	const struct node *was = before, *is = after;
	const struct node *either = was != NULL ? was : is;

	if (either == NULL || same_to_others(was, is))
		return;
	id_vec_add(&pc->own, either->id);
	VEC_FOREACH (m, fleet_memberships(f, either->id))
		touch_member(pc, f, *m);
}

/* Fields of a network that do not show all over its plans. */
static const struct effect {
	const char *field;
	unsigned kinds; /* of items, in links */
	unsigned all, gateways, exits;
	bool relays; /* interfaces to gateways that share devices are in the links to them */
} effects[] = {
	{"mtu", 1u << ITEM_INTERFACE, PART_SHELL, 0, 0, true},
	{"keepalive", 1u << ITEM_PEER, PART_LINKS, PART_SHELL, PART_SHELL, false},
	{"psk", 1u << ITEM_PEER, PART_LINKS, PART_SHELL | PART_DEVICES, PART_SHELL, false},
	{"psk_epoch", 1u << ITEM_PEER, PART_LINKS, PART_SHELL | PART_DEVICES, PART_SHELL, false},
	{"dns", 1u << ITEM_PEER, 0, PART_DEVICES, 0, false},
	{"dns_upstreams", 1u << ITEM_PEER, PART_SHELL, 0, 0, false},
};

static const struct effect *effect_of(const struct field *field)
{
	for (size_t i = 0; i < ARRAY_LEN(effects); i++)
		if (strcmp(effects[i].field, field->name) == 0)
			return &effects[i];
	return NULL;
}

static void begin_network(
	struct plan_change *pc, const struct fleet *f, const void *before, const void *after)
{
	const struct network *either = before != NULL ? before : after;
	const struct schema *s = &schema_network;
	struct touched *t;

	if (either == NULL)
		return;
	t = touch(pc, either->id);
	for (size_t i = 0; i < s->n; i++) {
		const struct effect *e = effect_of(&s->fields[i]);

		if (before != NULL && after != NULL &&
			schema_field_equal(&s->fields[i], before, after))
			continue;
		if (before == NULL || after == NULL || e == NULL) {
			t->all = PART_WHOLE;
			t->kinds = 0;
			return;
		}
		t->kinds |= e->kinds;
		t->all |= e->all;
		t->gateways |= e->gateways;
		t->exits |= e->exits;
		t->relays |= e->relays;
	}
}

/* How many groups share the pool shows on every gateway. */
static void begin_group(
	struct plan_change *pc, const struct fleet *f, const void *before, const void *after)
{
	const struct group *sides[] = {before, after};

	for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
		struct touched *t;

		if (sides[i] == NULL)
			continue;
		t = touch(pc, sides[i]->network);
		t->gateways = PART_WHOLE;
		t->exits = PART_SHELL;
		t->by_relays = true;
		if (before == NULL || after == NULL)
			t->all = PART_DEVICES;
		add_gateways(f, t, NULL);
	}
}

static void begin_policy(
	struct plan_change *pc, const struct fleet *f, const void *before, const void *after)
{
	const struct policy *sides[] = {before, after};

	for (size_t i = 0; i < ARRAY_LEN(sides); i++)
		if (sides[i] != NULL) {
			struct touched *t = touch(pc, sides[i]->network);

			t->all = PART_SHELL | PART_DEVICES;
			t->by_policy = true;
		}
}

/* A device is a part of its own; where groups share the pool, it is also behind its group's home,
 * for everybody else. */
static void begin_device(struct plan_change *pc, const struct fleet *f, const struct device *d)
{
	const struct fleet_network *fn = d != NULL ? fleet_network(f, d->network) : NULL;
	struct touched *t;

	if (fn == NULL || fn->groups.n <= 1)
		return;
	t = touch(pc, d->network);
	t->gateways = PART_SHELL;
	add_gateways(f, t, d->group);
}

/* Devices are not in the shadow: what is behind the gateways is looked up now. */
static void see_devices(struct touched *t)
{
	for (size_t i = 0; t->before != NULL && i < t->before->n_members; i++)
		if (t->before->members[i].home)
			view_see(t->before, i);
}

struct plan_change *plan_change_begin(
	const struct fleet *f, const struct fleet_change *c, const struct plan_keys *keys)
{
	static const struct {
		const struct schema *schema;
		void (*begin)(struct plan_change *pc, const struct fleet *f, const void *before,
			const void *after);
	} kinds[] = {{&schema_network, begin_network}, {&schema_node, begin_node},
		{&schema_member, begin_member}, {&schema_group, begin_group},
		{&schema_policy, begin_policy}};
	struct plan_change *pc = NEW(struct plan_change);
	const void *old = in_fleet(f, c->schema, c->before ? c->before : c->after);

	pc->keys = keys;
	pc->schema = c->schema;
	pc->object = old != NULL ? schema_dup(c->schema, old) : NULL;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].schema == c->schema)
			kinds[i].begin(pc, f, pc->object, c->after);
	if (c->schema == &schema_device) {
		pc->gone = c->before;
		pc->come = c->after;
		begin_device(pc, f, pc->gone);
		begin_device(pc, f, pc->come);
	}
	VEC_FOREACH (t, &pc->touched) {
		keep(t, f, old, pc->object);
		if (c->schema == &schema_device)
			see_devices(t);
	}
	return pc;
}

/* --- after it --------------------------------------------------------------------------------- */

/* Once, when the fleet is there: do the sets differ at all? */
static void compare_lists(struct touched *t, struct view *after)
{
	if (!t->by_lists || t->before == NULL || after == NULL)
		return;
	t->by_lists = false;
	if (!policy_rules_equal(view_rules(t->before), view_rules(after)))
		t->all |= PART_SHELL | PART_DEVICES;
}

/* Once, too. Another set of relays, or of gateways that share devices, is another plan for
 * everyone. */
static void compare_relays(struct touched *t, const struct view *after)
{
	if (!t->by_relays || t->before == NULL || after == NULL)
		return;
	t->by_relays = false;
	if (!view_relays_equal(t->before, after) || !view_ways_equal(t->before, after))
		t->all = PART_WHOLE;
	else
		t->relays = !prefix_vec_equal(&t->before->beyond, &after->beyond);
}

static unsigned parts_of(const struct touched *t, const struct view_member *vm, bool own)
{
	unsigned what = own ? PART_WHOLE : t->all;

	if (vm->member->roles & ROLE_GATEWAY) {
		what |= t->gateways;
		/* without links and group, a gateway has no firewall and no sets either */
		if (t->relinks && vm->group == NULL)
			what |= PART_DEVICES;
	}
	if (vm->member->roles & ROLE_EXIT)
		what |= t->exits;
	return what;
}

static void push_parts(const struct plan_change *pc, const struct touched *t, struct view *v,
	size_t i, bool own, struct item_vec *ret)
{
	unsigned what;

	if (v == NULL || i == VIEW_NONE)
		return;
	what = parts_of(t, &v->members[i], own);
	part_member(v, i, pc->keys, what, ret);
	if (what & PART_LINKS)
		return;
	VEC_FOREACH (m, &t->members) {
		size_t other = view_index(v, m->id);

		if (other != VIEW_NONE)
			link_peer(v, i, other, ret);
	}
	for (size_t k = 0; t->relays && k < v->n_members; k++)
		if ((v->members[k].relay || v->members[k].shares) &&
			!id_vec_has(&t->members, v->members[k].member->id))
			link_peer(v, i, k, ret);
}

/* What a peer looks like does not depend on policies: only links one side has differ. */
static void push_relinked(const struct touched *t, struct view *after, size_t i,
	struct item_vec *ret_before, struct item_vec *ret_after)
{
	struct view_places near = view_neighbours(after, i);

	VEC_FOREACH (k, &near) {
		int was = view_related(t->before, i, *k);

		if (was != view_related(after, i, *k))
			link_peer(was ? t->before : after, i, *k, was ? ret_before : ret_after);
	}
}

/* The node's place in a view: by its member's id, if that was its member. */
static size_t place_of(const struct view *v, const char *member, const char *node)
{
	size_t i = v == NULL || member == NULL ? VIEW_NONE : view_index(v, member);

	return i != VIEW_NONE && strcmp(v->members[i].member->node, node) == 0 ? i : VIEW_NONE;
}

static const char *member_of(
	const struct plan_change *pc, const struct fleet *f, const char *network, const char *node)
{
	const struct member *m = fleet_member(f, node, network);
	const struct member *was = pc->schema == &schema_member ? pc->object : NULL;

	if (m == NULL && was != NULL && strcmp(was->node, node) == 0)
		m = was; /* it left */
	return m != NULL ? m->id : NULL;
}

/* The view after the change; what both together say about everyone is known then. */
static struct view *look_after(struct plan_change *pc, struct touched *t, const struct fleet *f)
{
	struct view *after;

	pc->after.fleet = f;
	after = views_get(&pc->after, t->network);
	if (after != NULL)
		after->kinds = t->kinds;
	compare_lists(t, after);
	compare_relays(t, after);
	return after;
}

size_t plan_change_links(struct plan_change *pc, const struct fleet *f)
{
	size_t links = 0;

	VEC_FOREACH (t, &pc->touched) {
		const struct view *after = look_after(pc, t, f);

		for (size_t i = 0; after != NULL && i < after->n_members; i++)
			links += (t->all & PART_LINKS) || t->by_policy ? view_neighbours(after, i).n
								       : 0;
	}
	return links;
}

void plan_change_networks(const struct plan_change *pc, struct id_vec *ret)
{
	VEC_FOREACH (t, &pc->touched)
		id_vec_add(ret, t->network);
}

const void *plan_change_before(const struct plan_change *pc)
{
	return pc->object;
}

static void end_touched(struct plan_change *pc, struct touched *t, const struct fleet *f,
	const char *node, struct item_vec *ret_before, struct item_vec *ret_after)
{
	bool own = id_vec_has(&pc->own, node);
	const char *member = member_of(pc, f, t->network, node);
	struct view *after = look_after(pc, t, f);
	size_t was = place_of(t->before, member, node), is = place_of(after, member, node);

	push_parts(pc, t, t->before, was, own, ret_before);
	push_parts(pc, t, after, is, own, ret_after);
	if (t->by_policy && was != VIEW_NONE && is != VIEW_NONE)
		push_relinked(t, after, is, ret_before, ret_after);
}

static void diff_parts(struct state *before, struct state *after, struct delta *ret)
{
	state_sort(before);
	state_sort(after);
	item_vec_diff_take(&before->items, &after->items, ret);
	ret->previous = ret->revision = 0;
	state_done(before);
	state_done(after);
}

void plan_change_end(
	struct plan_change *pc, const struct fleet *f, const char *node, struct delta *ret)
{
	struct state before = {0}, after = {0};

	pc->after.fleet = f; /* of devices */
	if (pc->gone != NULL)
		part_device(&pc->after, node, pc->gone, &before.items);
	if (pc->come != NULL)
		part_device(&pc->after, node, pc->come, &after.items);
	VEC_FOREACH (t, &pc->touched)
		end_touched(pc, t, f, node, &before.items, &after.items);
	diff_parts(&before, &after, ret);
	feature_require(&ret->put, &ret->requires);
}

static void touched_done(struct touched *t)
{
	view_free(t->before);
	VEC_DONE(&t->members);
	VEC_DONE(&t->shadow.members);
	VEC_DONE(&t->shadow.groups);
	VEC_DONE(&t->shadow.policies);
	secret_wipe(&t->shadow.psk_root);
}

struct plan_change *plan_change_free(struct plan_change *pc)
{
	if (pc == NULL)
		return NULL;
	VEC_FOREACH (t, &pc->touched)
		touched_done(t);
	VEC_DONE(&pc->touched);
	VEC_DONE(&pc->own);
	views_done(&pc->after);
	schema_free(pc->schema, pc->object);
	mem_free(pc);
	return NULL;
}
