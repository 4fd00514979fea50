/*
 * DOC: invariant 7 of spec 0 on meshes of 20 to 60 nodes whose members come, go and change: the
 * deltas of each change turn every node's old plan into its new one, and nobody else's differs. The
 * oracle is the whole plan; the deltas are made of parts.
 */
#include "plan/plan.h"
#include "churn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define CHANGES 60            /* of each mesh */
#define LONG_FORM "TEST_LONG" /* when set: more and larger meshes, minutes with sanitizers */

static unsigned changed_nodes[CHURN_KINDS]; /* by kind of change */

static void free_plan(void *p)
{
	state_done(p);
	mem_free(p);
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

static int states_equal(const struct state *a, const struct state *b)
{
	struct delta d = {0};
	int equal;

	state_diff(a, b, &d);
	equal = delta_is_empty(&d);
	delta_done(&d);
	return equal;
}

static void tell(const char *what, const struct item_vec *v)
{
	VEC_FOREACH (i, v) {
		struct buf text = {0};

		item_describe(*i, &text);
		print_message("# %s %s\n", what, buf_str(&text));
		buf_done(&text);
	}
}

/* Nothing is in a delta that is not in the difference of the plans. */
static void check_node(struct plan_change *pc, const struct fleet *f, struct state *was,
	const struct state *is, unsigned kind)
{
	struct delta d = {0}, exact = {0};

	state_diff(was, is, &exact);
	changed_nodes[kind] += !delta_is_empty(&exact);
	plan_change_end(pc, f, was->node, &d);
	if (d.put.n != exact.put.n || d.drop.n != exact.drop.n) {
		tell("put", &d.put);
		tell("drop", &d.drop);
		tell("should put", &exact.put);
		tell("should drop", &exact.drop);
		fail_msg("%s: %zu put and %zu dropped on %s, not %zu and %zu", churn_name(kind),
			d.put.n, d.drop.n, was->node, exact.put.n, exact.drop.n);
	}
	d.previous = was->revision;
	d.revision = was->revision;
	assert_int_equal(state_apply(was, &d, NULL), 0);
	VEC_FOREACH (entry, &is->requires)
		if (!strs_has(&was->requires, *entry))
			fail_msg("%s: %s is not told of %s", churn_name(kind), was->node, *entry);
	if (!states_equal(was, is))
		fail_msg("%s: the delta does not make %s's plan", churn_name(kind), was->node);
	delta_done(&d);
	delta_done(&exact);
}

static void one_change(struct world *w, const char *network, unsigned kind, struct map *plans)
{
	void *before, *after;
	const struct schema *s = churn(w, network, kind, &before, &after);
	struct fleet_change c = {s, before, after};
	struct id_vec affected = {0};
	struct plan_change *pc;
	struct map new;

	if (s == NULL)
		return;
	plan_affected(w->fleet, &c, &affected);
	pc = plan_change_begin(w->fleet, &c, &world_keys);
	if (after != NULL)
		fleet_put(w->fleet, s, after);
	else
		fleet_remove(w->fleet, s, field_at(schema_field(s, "id"), before));
	plan_affected(w->fleet, &c, &affected);
	new = plans_of(w->fleet);
	MAP_FOREACH (slot, &new) {
		struct state *was = map_get(plans, slot->key);

		if (!id_vec_has(&affected, slot->key) && !states_equal(was, slot->value))
			fail_msg(
				"%s: %s changes, but is not affected", churn_name(kind), slot->key);
		check_node(pc, w->fleet, was, slot->value, kind);
	}
	plan_change_free(pc);
	schema_free(s, before);
	VEC_DONE(&affected);
	map_done(plans, free_plan);
	*plans = new;
}

/* A mesh with a gateway or two of one group and a few devices. */
static void make_mesh(struct world *w, uint64_t seed, unsigned nodes, id_text ret_network)
{
	struct fleet_network *fn;
	struct group *g;

	*w = (struct world){.rand = {seed}, .fleet = fleet_new()};
	id_copy(ret_network, world_mesh(w, 40, nodes));
	fn = fleet_network(w->fleet, ret_network);
	g = world_group(w, fn->network);
	fleet_put(w->fleet, &schema_group, g);
	for (int i = 0; i < 2; i++) {
		struct member *m = world_pick(w, &w->fleet->members);

		m->roles |= ROLE_GATEWAY;
		id_copy(m->group, g->id);
	}
	for (int i = 0; i < 6; i++)
		fleet_put(w->fleet, &schema_device, world_device(w, fn->network, g));
}

static void churn_mesh(uint64_t seed, unsigned nodes)
{
	struct world w;
	id_text network;
	struct map plans;

	make_mesh(&w, seed, nodes, network);
	plans = plans_of(w.fleet);
	for (unsigned i = 0; i < CHANGES; i++)
		one_change(&w, network, world_below(&w, CHURN_KINDS), &plans);
	map_done(&plans, free_plan);
	world_done(&w);
}

/* Of all meshes together: none of the kinds was tried in vain. */
static void every_kind_changed_plans(void **state)
{
	for (unsigned i = 0; i < CHURN_KINDS; i++) {
		print_message("# %s: %u plans changed\n", churn_name(i), changed_nodes[i]);
		assert_true((changed_nodes[i] > 0) == (strcmp(churn_name(i), "heartbeat") != 0));
	}
}

static void deltas_of_meshes(void **state)
{
	unsigned meshes = getenv(LONG_FORM) == NULL ? 3 : 6, nodes = meshes == 3 ? 20 : 30;

	for (unsigned seed = 0; seed < meshes; seed++)
		churn_mesh(seed, nodes + 6 * seed);
}

/* Where one link is the first or the last of a node. */
static void deltas_of_a_few(void **state)
{
	unsigned meshes = getenv(LONG_FORM) == NULL ? 60 : 150;

	for (unsigned seed = 0; seed < meshes; seed++)
		churn_mesh(seed, 2 + seed % 4);
}

/* Links that the planner looks at when the network becomes what `change` makes of it. */
static size_t links_of(struct world *w, const char *network, void (*change)(struct network *n))
{
	struct network *was =
		schema_dup(&schema_network, fleet_network(w->fleet, network)->network);
	struct network *is = schema_dup(&schema_network, was);
	struct fleet_change c = {&schema_network, was, is};
	struct plan_change *pc;
	size_t links;

	change(is);
	pc = plan_change_begin(w->fleet, &c, &world_keys);
	fleet_put(w->fleet, &schema_network, is);
	links = plan_change_links(pc, w->fleet);
	plan_change_free(pc);
	schema_free(&schema_network, was);
	return links;
}

static void edit_mtu(struct network *n)
{
	n->mtu = 1300;
}

static void edit_epoch(struct network *n)
{
	n->psk_epoch++;
}

static void edit_to_hub(struct network *n)
{
	n->topology = TOPOLOGY_HUB;
}

static void edit_to_mesh(struct network *n)
{
	n->topology = TOPOLOGY_MESH;
}

/* An edit that shows on interfaces alone looks at no pair of nodes; one of all keys at every pair
 * of a mesh, but in a hub only at those with somebody central. */
static void work_of_network_edits(void **state)
{
	struct world w;
	id_text network;
	size_t n, central = 0;

	make_mesh(&w, 7, 60, network);
	n = fleet_network(w.fleet, network)->members.n;
	links_of(&w, network, edit_to_mesh);
	assert_int_equal(links_of(&w, network, edit_mtu), 0);
	assert_int_equal(links_of(&w, network, edit_epoch), n * n);
	links_of(&w, network, edit_to_hub);
	VEC_FOREACH (m, &fleet_network(w.fleet, network)->members)
		central += ((*m)->roles & (ROLE_GATEWAY | ROLE_CONTROLLER)) ||
			(*m)->local_subnets.n > 0;
	assert_in_range(central, 1, n - 1);
	assert_int_equal(links_of(&w, network, edit_epoch), central * n + (n - central) * central);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(work_of_network_edits),
		cmocka_unit_test(deltas_of_meshes), cmocka_unit_test(deltas_of_a_few),
		cmocka_unit_test(every_kind_changed_plans)};

	return cmocka_run_group_tests_name("churn", tests, NULL, NULL);
}
