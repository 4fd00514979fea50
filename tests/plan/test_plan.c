/* DOC: invariants 1-5 and 7 of spec 0 on random fleets, and what the first gateway's plan holds. */
#include "plan/plan.h"
#include "plan/view.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define WORLDS 300

static unsigned near_relays; /* that came before another by their region */

/* Invariant 1: exact prefixes are unique per interface; no peer holds an address of the node. */
static void check_prefixes(const struct state *s)
{
	VEC_FOREACH (i, &s->items) {
		if ((*i)->kind != ITEM_PEER)
			continue;
		VEC_FOREACH (p, &(*i)->peer.allowed_ips)
			VEC_FOREACH (j, &s->items) {
				if ((*j)->kind == ITEM_ADDRESS)
					assert_int_not_equal(
						addr_compare(p->addr, (*j)->address.addr), 0);
				if (j <= i || (*j)->kind != ITEM_PEER ||
					strcmp((*i)->peer.interface, (*j)->peer.interface) != 0)
					continue;
				VEC_FOREACH (q, &(*j)->peer.allowed_ips)
					assert_int_not_equal(prefix_compare(*p, *q), 0);
			}
	}
}

static const struct peer_item *find_peer(const struct state *s, const struct public_key *key)
{
	VEC_FOREACH (i, &s->items)
		if ((*i)->kind == ITEM_PEER && public_key_equal(&(*i)->peer.public_key, key))
			return &(*i)->peer;
	return NULL;
}

static const struct member *member_with_key(const struct fleet *f, const struct public_key *key)
{
	MAP_FOREACH (slot, &f->members) {
		const struct member *m = slot->value;

		if (public_key_equal(&m->public_key, key))
			return m;
	}
	return NULL;
}

/* Where a device is a peer, its limit is: one, with all its addresses. */
static void check_limit(const struct state *s, const char *network, const struct device *d)
{
	struct item *want = item_new(ITEM_LIMIT, network);

	id_copy(want->limit.device, d->id);
	want->limit.addr = d->ipv4;
	want->limit.addr6 = d->ipv6;
	want->limit.rate = d->rate_limit;
	assert_int_equal(state_find(s, want) != NULL, d->rate_limit != 0);
	item_free(want);
}

/* Invariants 2 and 4 for one planned peer. */
static void check_peer(const struct fleet *f, const struct state *s, const struct item *i)
{
	const struct member *other = member_with_key(f, &i->peer.public_key);
	const struct member *self = fleet_member(f, s->node, i->network);
	const struct device *d = map_get(&f->devices, i->peer.id);
	struct state theirs = {0};
	const struct peer_item *back;

	assert_non_null(self);
	if (d != NULL) {
		assert_true(d->enabled);
		assert_int_equal(i->peer.not_after, d->expires_at);
		check_limit(s, i->network, d);
		return;
	}
	assert_non_null(other);
	assert_true(((const struct node *)map_get(&f->nodes, other->node))->enabled);
	assert_int_equal(plan_node(f, other->node, &world_keys, &theirs, NULL), 0);
	back = find_peer(&theirs, &self->public_key);
	assert_non_null(back);
	assert_memory_equal(back->psk.bytes, i->peer.psk.bytes, KEY_LEN);
	state_done(&theirs);
}

/* Invariants 3 and 5: addresses are one member's or device's, shared only by gateways as anycast;
 * every id in the plan is of the node's project. */
static void check_project(const struct fleet *f, const struct state *s)
{
	const struct node *n = map_get(&f->nodes, s->node);

	VEC_FOREACH (i, &s->items) {
		const struct fleet_network *fn = fleet_network(f, (*i)->network);
		const struct device *d = NULL;

		assert_non_null(fn);
		assert_string_equal(fn->network->project, n->project);
		if ((*i)->kind == ITEM_PEER)
			d = map_get(&f->devices, (*i)->peer.id);
		if (d != NULL)
			assert_string_equal(d->project, n->project);
	}
}

static void invariants_hold(void **state)
{
	size_t peers = 0;

	for (uint64_t seed = 1000; seed < 1000 + WORLDS; seed++) {
		struct world w;

		world_make(&w, seed);
		MAP_FOREACH (slot, &w.fleet->nodes) {
			struct state s = {0};

			assert_int_equal(plan_node(w.fleet, slot->key, &world_keys, &s, NULL), 0);
			check_prefixes(&s);
			check_project(w.fleet, &s);
			VEC_FOREACH (i, &s.items)
				if ((*i)->kind == ITEM_PEER) {
					check_peer(w.fleet, &s, *i);
					peers++;
				}
			state_done(&s);
		}
		world_done(&w);
	}
	assert_true(peers > 1000); /* the worlds are not empty */
}

static struct map plans_of(const struct fleet *f)
{
	struct map plans = {0};

	MAP_FOREACH (slot, &f->nodes) {
		struct state *s = NEW(struct state);

		assert_int_equal(plan_node(f, slot->key, &world_keys, s, NULL), 0);
		map_set(&plans, slot->key, s);
	}
	return plans;
}

static void free_plan(void *p)
{
	state_done(p);
	mem_free(p);
}

static int states_equal(const struct state *a, const struct state *b)
{
	struct delta d = {0};
	int equal;

	state_diff(a, b, &d);
	equal = delta_is_empty(&d);
	delta_done(&d);
	return equal;
}

static void apply_to_fleet(struct fleet *f, const struct schema *s, void *before, void *after)
{
	const struct field *id = schema_field(s, "id");

	if (after != NULL)
		fleet_put(f, s, after);
	else
		fleet_remove(f, s, field_at(id, before));
}

/* Invariant 7 for one change: plan_change's deltas turn every old plan into the new one, and nobody
 * outside plan_affected changes. Returns how many nodes changed. */
static unsigned check_change(struct world *w)
{
	void *before, *after;
	const struct schema *s = world_change(w, &before, &after);
	struct fleet_change c = {s, before, after};
	struct id_vec affected = {0};
	struct map old, new;
	struct plan_change *pc;
	unsigned changed = 0;

	if (s == NULL)
		return 0;
	old = plans_of(w->fleet);
	plan_affected(w->fleet, &c, &affected);
	pc = plan_change_begin(w->fleet, &c, &world_keys);
	apply_to_fleet(w->fleet, s, before, after);
	plan_affected(w->fleet, &c, &affected); /* before and after may name different nodes */
	new = plans_of(w->fleet);
	MAP_FOREACH (slot, &new) {
		struct state *was = map_get(&old, slot->key);
		struct delta d = {0};

		if (!id_vec_has(&affected, slot->key)) {
			assert_true(states_equal(was, slot->value));
			continue;
		}
		changed += !states_equal(was, slot->value);
		plan_change_end(pc, w->fleet, slot->key, &d);
		d.previous = was->revision;
		d.revision = was->revision + 1;
		assert_int_equal(state_apply(was, &d, NULL), 0);
		assert_true(states_equal(was, slot->value));
		delta_done(&d);
	}
	plan_change_free(pc);
	schema_free(s, before);
	map_done(&old, free_plan);
	map_done(&new, free_plan);
	VEC_DONE(&affected);
	return changed;
}

static void plan_is_deterministic(void **state)
{
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct world a, b;

		world_make(&a, seed);
		world_make(&b, seed);
		MAP_FOREACH (slot, &a.fleet->nodes) {
			struct state one = {0}, two = {0};

			assert_int_equal(plan_node(a.fleet, slot->key, &world_keys, &one, NULL), 0);
			assert_int_equal(plan_node(b.fleet, slot->key, &world_keys, &two, NULL), 0);
			assert_int_equal(one.items.n, two.items.n);
			assert_true(states_equal(&one, &two));
			state_done(&one);
			state_done(&two);
		}
		world_done(&a);
		world_done(&b);
	}
}

static void changes_touch_only_the_affected(void **state)
{
	unsigned changed = 0;

	for (uint64_t seed = 5000; seed < 5000 + WORLDS / 3; seed++) {
		struct world w;

		world_make(&w, seed);
		for (int i = 0; i < 25; i++)
			changed += check_change(&w);
		world_done(&w);
	}
	assert_true(changed > 500);
}

static void a_client_costs_one_part(void **state)
{
	struct world w;
	const char *network = world_gateway(&w, 20);
	struct fleet_network *fn = fleet_network(w.fleet, network);
	struct device *d = world_device(&w, fn->network, fn->groups.v[0]);
	struct fleet_change c = {&schema_device, NULL, d};
	struct id_vec nodes = {0};
	struct delta delta = {0};
	struct plan_change *pc;

	d->enabled = true;
	d->full_tunnel = false;
	plan_affected(w.fleet, &c, &nodes);
	assert_int_equal(nodes.n, 1);
	pc = plan_change_begin(w.fleet, &c, &world_keys);
	fleet_put(w.fleet, &schema_device, d);
	plan_change_end(pc, w.fleet, nodes.v[0].id, &delta);
	assert_int_equal(delta.put.n, 2);
	assert_int_equal(delta.drop.n, 0);
	assert_int_equal(delta.put.v[0]->kind, ITEM_PEER);
	assert_string_equal(delta.put.v[0]->peer.id, d->id);
	assert_int_equal(delta.put.v[1]->kind, ITEM_NAME);
	assert_string_equal(delta.put.v[1]->name.name, d->dns_name);
	plan_change_free(pc);
	delta_done(&delta);
	VEC_DONE(&nodes);
	world_done(&w);
}

static void unknown_and_disabled_nodes(void **state)
{
	struct world w;
	struct state s = {0};
	struct err e = {0};
	struct node *n;

	world_gateway(&w, 3);
	assert_int_equal(plan_node(w.fleet, "node_none", &world_keys, &s, &e), ERR_NOT_FOUND);
	assert_non_null(strstr(e.text, "node_none"));
	MAP_FOREACH (slot, &w.fleet->nodes) {
		n = slot->value;
		n->enabled = false;
		assert_int_equal(plan_node(w.fleet, slot->key, &world_keys, &s, NULL), 0);
		assert_int_equal(s.items.n, 0);
		state_done(&s);
	}
	world_done(&w);
}

/* Its direct interface is what makes an agent announce its key, and without keys there are no
 * links: a gateway's further networks, whose keys did not come with its registration, need one to
 * begin with. A single gateway with a key has nobody to link with, and none. */
static void a_gateway_without_key_is_asked_for_it(void **state)
{
	for (int keyed = 0; keyed < 2; keyed++) {
		struct world w;
		struct state s = {0};
		struct member *m;
		unsigned found = 0;

		world_gateway(&w, 1);
		m = world_pick(&w, &w.fleet->members);
		if (!keyed)
			m->public_key = (struct public_key){0};
		assert_int_equal(plan_node(w.fleet, m->node, &world_keys, &s, NULL), 0);
		VEC_FOREACH (i, &s.items)
			found += (*i)->kind == ITEM_INTERFACE &&
				(*i)->interface.role == IFACE_DIRECT &&
				public_key_is_zero(&(*i)->interface.public_key);
		assert_int_equal(found, !keyed);
		state_done(&s);
		world_done(&w);
	}
}

static void device_routes(void **state)
{
	struct world w;
	const char *network = world_gateway(&w, 1);
	struct fleet_network *fn = fleet_network(w.fleet, network);
	struct device *d = (*fleet_devices(w.fleet, network, fn->groups.v[0]->id)).v[0];
	struct prefix_vec routes = {0};
	struct prefix lan;

	plan_device_routes(w.fleet, d, &routes);
	assert_int_equal(routes.n, 2); /* the pools */
	VEC_DONE(&routes);
	assert_int_equal(prefix_parse("10.9.0.0/24", "x", &lan, NULL), 0);
	VEC_PUSH(&d->allowed_ips, lan);
	plan_device_routes(w.fleet, d, &routes);
	assert_int_equal(routes.n, 1);
	assert_int_equal(prefix_compare(routes.v[0], lan), 0);
	VEC_DONE(&routes);
	d->full_tunnel = true;
	plan_device_routes(w.fleet, d, &routes);
	assert_int_equal(routes.n, 2);
	assert_int_equal(routes.v[0].len, 0);
	assert_int_equal(routes.v[1].addr.family, FAMILY_IPV6); /* always with ::/0 */
	VEC_DONE(&routes);
	world_done(&w);
}

/* One end's view of the other: with prefixes, and one that waits. */
struct end {
	struct public_key own;
	const struct peer_item *has, *waits;
};

static void look_at(const struct state *s, const struct member *other, struct end *ret)
{
	id_text next;

	*ret = (struct end){0};
	peer_next_id(other->id, next);
	VEC_FOREACH (i, &s->items) {
		if ((*i)->kind == ITEM_INTERFACE)
			ret->own = (*i)->interface.public_key;
		if ((*i)->kind != ITEM_PEER)
			continue;
		if (strcmp((*i)->peer.id, other->id) == 0)
			ret->has = &(*i)->peer;
		if (strcmp((*i)->peer.id, next) == 0)
			ret->waits = &(*i)->peer;
	}
	assert_non_null(ret->has);
}

/* Two members at steps 0 (at rest), 1 (announced), 2 (told): each end knows the key the other has,
 * or waits for it, with the PSK both compute; and never has a session with one that waits. */
static void rotations_meet(void **state)
{
	struct world w = {.rand = {1}, .fleet = fleet_new()};
	const struct fleet_network *fn = fleet_network(w.fleet, world_mesh(&w, 16, 2));
	struct member *m[2] = {fn->members.v[0], fn->members.v[1]};
	struct public_key old[2] = {m[0]->public_key, m[1]->public_key}, next[2];

	((struct network *)(uintptr_t)fn->network)->psk = true;
	memset(((struct fleet_network *)(uintptr_t)fn)->psk_root.bytes, 9, KEY_LEN);
	world_key(&w, &next[0]);
	world_key(&w, &next[1]);
	for (int step = 0; step < 9; step++) {
		const int steps[2] = {step / 3, step % 3};
		struct state plans[2] = {0};
		struct end ends[2];

		for (int k = 0; k < 2; k++) {
			m[k]->next_public_key = steps[k] > 0 ? next[k] : (struct public_key){0};
			m[k]->switching = steps[k] == 2;
		}
		for (int k = 0; k < 2; k++) {
			assert_int_equal(
				plan_node(w.fleet, m[k]->node, &world_keys, &plans[k], NULL), 0);
			look_at(&plans[k], m[1 - k], &ends[k]);
		}
		for (int k = 0; k < 2; k++) {
			const struct end *here = &ends[k], *there = &ends[1 - k];
			bool swaps = steps[1 - k] == 2;

			assert_true(
				public_key_equal(&there->own, swaps ? &next[1 - k] : &old[1 - k]));
			assert_true(public_key_equal(&here->has->public_key, &old[1 - k]));
			assert_true(here->has->allowed_ips.n > 0);
			assert_int_equal(here->waits != NULL, steps[1 - k] > 0);
			if (here->waits == NULL)
				continue;
			assert_true(public_key_equal(&here->waits->public_key, &next[1 - k]));
			assert_int_equal(here->waits->allowed_ips.n, 0);
			assert_false(secret_equal(&here->waits->psk, &here->has->next_psk));
			/* what the other end computes for the key it has told us about */
			if (swaps)
				assert_true(secret_equal(&here->has->next_psk,
					steps[k] == 2 ? &there->has->next_psk : &there->has->psk));
		}
		state_done(&plans[0]);
		state_done(&plans[1]);
	}
	fleet_free(w.fleet);
}

/* Whatever a member's and its group's ports are: no two interfaces of it share one. */
static void ports_never_clash(void **state)
{
	static const unsigned edges[] = {1, 2, 1024, 2023, 3000, 51820, 63000, 64278, 65533, 65535};
	struct network n = {.listen_port = 51820};
	struct rand r = {.state = 7};

	for (unsigned i = 0; i < 200000; i++) {
		unsigned port = i % 2 ? 1 + (unsigned)rand_below(&r, 65535)
				      : edges[rand_below(&r, ARRAY_LEN(edges))];
		int other = (int)port - 4000 + (int)rand_below(&r, 8000);
		struct group g = {.listen_port = (uint16_t)(other < 1  ? 1
						  : other > UINT16_MAX ? UINT16_MAX
								       : other)};
		struct member m = {.listen_port = (uint16_t)port,
			.roles = ROLE_GATEWAY | ROLE_EXIT |
				(rand_below(&r, 2) ? ROLE_CONTROLLER : 0u)};
		struct member_ports p;
		uint16_t first, last;

		if (i % 5 == 0)
			g.listen_port = m.listen_port;
		member_ports(&n, &m, &g, &p);
		first = member_exit_port(&n, &m, &g, 0);
		last = member_exit_port(&n, &m, &g, EXIT_OFFSETS - 1);
		assert_true(first >= 1024 && last == first + EXIT_OFFSETS - 1);
		assert_true(p.devices != p.direct && p.direct != p.hub && p.devices != p.hub);
		assert_true(p.devices < first || p.devices > last);
		assert_true(p.direct < first || p.direct > last);
		assert_true(p.hub < first || p.hub > last);
	}
}

/* The one port that two interfaces of a plan share, or 0. */
static uint16_t shared_port(const struct fleet *f, const char *node)
{
	uint16_t ports[1024], found = 0;
	struct state s = {0};
	size_t n = 0;

	assert_int_equal(plan_node(f, node, &world_keys, &s, NULL), 0);
	VEC_FOREACH (i, &s.items) {
		if ((*i)->kind != ITEM_INTERFACE || (*i)->interface.listen_port == 0)
			continue;
		for (size_t k = 0; k < n; k++)
			if (ports[k] == (*i)->interface.listen_port)
				found = ports[k];
		assert_true(n < ARRAY_LEN(ports));
		ports[n++] = (*i)->interface.listen_port;
	}
	state_done(&s);
	return found;
}

/* The ports a node's plan has in a network. */
static size_t ports_in(const struct fleet *f, const struct member *m, uint16_t *ret, size_t max)
{
	struct state s = {0};
	size_t n = 0;

	assert_int_equal(plan_node(f, m->node, &world_keys, &s, NULL), 0);
	VEC_FOREACH (i, &s.items)
		if ((*i)->kind == ITEM_INTERFACE && strcmp((*i)->network, m->network) == 0 &&
			(*i)->interface.listen_port != 0 && n < max)
			ret[n++] = (*i)->interface.listen_port;
	state_done(&s);
	return n;
}

/* Members are moved so that one of their ports is one of the machine's other network, links to
 * exits and ways to gateways included. Whenever two interfaces of a plan share a port, the check
 * says so. */
static void networks_of_a_machine_share_no_port(void **state)
{
	unsigned far = 0;

	for (uint64_t seed = 0; seed < WORLDS; seed++) {
		struct world w;

		world_make(&w, seed);
		MAP_FOREACH (slot, &w.fleet->nodes) {
			const struct member_refs *in = fleet_memberships(w.fleet, slot->key);
			uint16_t mine[64], theirs[64];
			size_t n, k;
			struct member *moved;

			if (in->n < 2 || !((const struct node *)slot->value)->enabled)
				continue;
			n = ports_in(w.fleet, in->v[0], mine, ARRAY_LEN(mine));
			k = ports_in(w.fleet, in->v[1], theirs, ARRAY_LEN(theirs));
			if (n == 0 || k == 0)
				continue;
			n = world_below(&w, (unsigned)n);
			k = world_below(&w, (unsigned)k);
			moved = schema_dup(&schema_member, in->v[1]);
			moved->listen_port =
				(uint16_t)((moved->listen_port != 0
							   ? moved->listen_port
							   : fleet_network(w.fleet, moved->network)
								     ->network->listen_port) +
					mine[n] - theirs[k]);
			if (moved->listen_port == 0) {
				schema_free(&schema_member, moved);
				continue;
			}
			fleet_put(w.fleet, &schema_member, moved);
			if (shared_port(w.fleet, slot->key) == 0)
				continue;
			assert_int_equal(
				plan_check_ports(w.fleet, moved->network, NULL), ERR_EXISTS);
			far += mine[n] > 52500 || theirs[k] > 52500;
		}
		world_done(&w);
	}
	assert_true(far > 0); /* also by links that came from who else is there */
}

/* Who has a relay in its region goes by that first; the last route always stays. */
static void relays_of_the_region_come_first(void **state)
{
	for (uint64_t seed = 0; seed < WORLDS; seed++) {
		struct world w;

		world_make(&w, seed);
		MAP_FOREACH (slot, &w.fleet->networks) {
			struct view *v = view_new(w.fleet, fleet_network(w.fleet, slot->key));

			for (size_t i = 0; i < v->n_members; i++) {
				size_t order[VIEW_RELAYS_MAX], n = view_relays_for(v, i, order);
				const char *own = v->members[i].member->region;
				bool far = false, seen[VIEW_RELAYS_MAX] = {0};

				assert_int_equal(n, v->n_relays);
				for (size_t k = 0; k < n; k++) {
					size_t at = v->relays[order[k]].member;
					const char *its = v->members[at].member->region;
					bool near =
						own != NULL && its != NULL && strcmp(own, its) == 0;

					assert_false(seen[order[k]]);
					seen[order[k]] = true;
					assert_false(near && far);
					far |= !near;
					near_relays += near && order[k] != k;
				}
			}
			view_free(v);
		}
		world_done(&w);
	}
	assert_true(near_relays > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_is_deterministic),
		cmocka_unit_test(invariants_hold),
		cmocka_unit_test(changes_touch_only_the_affected),
		cmocka_unit_test(a_client_costs_one_part),
		cmocka_unit_test(unknown_and_disabled_nodes),
		cmocka_unit_test(a_gateway_without_key_is_asked_for_it),
		cmocka_unit_test(device_routes),
		cmocka_unit_test(rotations_meet),
		cmocka_unit_test(ports_never_clash),
		cmocka_unit_test(networks_of_a_machine_share_no_port),
		cmocka_unit_test(relays_of_the_region_come_first),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
