/*
 * DOC: what a change in meshes of 100, 1,000 and 2,000 nodes costs the planner: the deltas for all
 * nodes, and in many networks at once. Prints a table; nothing here passes or fails. An argument is
 * the largest mesh to measure.
 */
#include "plan/plan.h"
#include "plan/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* Make the change and everybody's delta; returns the microseconds. */
static double change(struct world *w, const struct schema *s, void *before, void *after,
	size_t *ret_nodes, size_t *ret_items)
{
	struct fleet_change c = {s, before, after};
	struct id_vec nodes = {0};
	struct plan_change *pc;
	double began = now_us();

	plan_affected(w->fleet, &c, &nodes);
	pc = plan_change_begin(w->fleet, &c, &world_keys);
	fleet_put(w->fleet, s, after);
	*ret_nodes = nodes.n;
	*ret_items = 0;
	VEC_FOREACH (n, &nodes) {
		struct delta d = {0};

		plan_change_end(pc, w->fleet, n->id, &d);
		*ret_items += d.put.n + d.drop.n;
		delta_done(&d);
	}
	plan_change_free(pc);
	began = now_us() - began;
	VEC_DONE(&nodes);
	schema_free(s, before);
	return began;
}

static struct member *some_member(struct world *w, const struct fleet_network *fn)
{
	return fn->members.v[world_below(w, (unsigned)fn->members.n)];
}

static double endpoint(struct world *w, struct fleet_network *fn, size_t *nodes, size_t *items)
{
	struct member *was = some_member(w, fn), *is = schema_dup(&schema_member, was);

	mem_free(is->endpoint);
	is->endpoint = mem_printf("203.0.113.%u:%u", world_below(w, 250), world_below(w, 60000));
	return change(w, &schema_member, schema_dup(&schema_member, was), is, nodes, items);
}

static double join(struct world *w, struct fleet_network *fn, size_t *nodes, size_t *items)
{
	/* leaving first, outside the measurement, keeps the mesh's size */
	struct member *is = schema_dup(&schema_member, some_member(w, fn));

	fleet_remove(w->fleet, &schema_member, is->id);
	return change(w, &schema_member, NULL, is, nodes, items);
}

static double policy(struct world *w, struct fleet_network *fn, size_t *nodes, size_t *items)
{
	struct policy *was = fn->policies.v[0], *is = schema_dup(&schema_policy, was);
	struct rule r = {.protocol = mem_strdup("tcp")};

	strs_push(&r.from, "tag:admin");
	strs_push(&r.to, "*");
	VEC_PUSH(&is->rules, r);
	return change(w, &schema_policy, schema_dup(&schema_policy, was), is, nodes, items);
}

static double toggle(struct world *w, struct fleet_network *fn, size_t *nodes, size_t *items)
{
	struct node *was = map_get(&w->fleet->nodes, some_member(w, fn)->node);
	struct node *is = schema_dup(&schema_node, was);

	is->enabled = !is->enabled;
	return change(w, &schema_node, schema_dup(&schema_node, was), is, nodes, items);
}

static double epoch(struct world *w, struct fleet_network *fn, size_t *nodes, size_t *items)
{
	struct network *is = schema_dup(&schema_network, fn->network);

	is->psk_epoch++;
	return change(
		w, &schema_network, schema_dup(&schema_network, fn->network), is, nodes, items);
}

static double mtu(struct world *w, struct fleet_network *fn, size_t *nodes, size_t *items)
{
	struct network *is = schema_dup(&schema_network, fn->network);

	is->mtu = is->mtu == 1300 ? 1400 : 1300;
	return change(
		w, &schema_network, schema_dup(&schema_network, fn->network), is, nodes, items);
}

static double keepalive(struct world *w, struct fleet_network *fn, size_t *nodes, size_t *items)
{
	struct network *is = schema_dup(&schema_network, fn->network);

	is->keepalive = is->keepalive == 30 ? 20 : 30;
	return change(
		w, &schema_network, schema_dup(&schema_network, fn->network), is, nodes, items);
}

static void measure(struct world *w, const char *what, const char *network, int runs,
	double (*one)(struct world *w, struct fleet_network *fn, size_t *nodes, size_t *items))
{
	double best = 0;
	size_t nodes = 0, items = 0;
	id_text id;

	id_copy(id, network); /* the network's own may be freed */
	for (int i = 0; i < runs; i++) {
		double us = one(w, fleet_network(w->fleet, id), &nodes, &items);

		if (i == 0 || us < best)
			best = us;
	}
	printf("%-28s %8zu %10zu %12.2f %12.2f\n", what, nodes, items, best / 1e3,
		best / (double)nodes);
	fflush(stdout);
}

static void one_plan(struct world *w, const char *network)
{
	const struct fleet_network *fn = fleet_network(w->fleet, network);
	struct state s = {0};
	double began = now_us();

	plan_node(w->fleet, fn->members.v[0]->node, &world_keys, &s, NULL);
	began = now_us() - began;
	printf("%-28s %8d %10zu %12.2f %12.2f\n", "  one node's whole plan", 1, s.items.n,
		began / 1e3, began);
	state_done(&s);
}

int main(int argc, char **argv)
{
	static const unsigned sizes[] = {100, 1000, 2000};
	unsigned most = argc > 1 ? (unsigned)atoi(argv[1]) : 2000;
	struct world w;
	id_text network;

	printf("%-28s %8s %10s %12s %12s\n", "change (best run)", "nodes", "items", "all (ms)",
		"a node (us)");
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		if (sizes[i] > most)
			continue;
		w = (struct world){.rand = {i}, .fleet = fleet_new()};
		id_copy(network, world_mesh(&w, 40, sizes[i]));
		printf("mesh of %u\n", sizes[i]);
		one_plan(&w, network);
		measure(&w, "  a member's endpoint", network, 5, endpoint);
		measure(&w, "  a member joins", network, 5, join);
		measure(&w, "  a node on or off", network, 5, toggle);
		measure(&w, "  a policy", network, 3, policy);
		measure(&w, "  the MTU", network, 3, mtu);
		measure(&w, "  the keepalive", network, 1, keepalive);
		measure(&w, "  the PSK epoch", network, 1, epoch);
		world_done(&w);
	}
	w = (struct world){.rand = {9}, .fleet = fleet_new()};
	for (unsigned i = 0; i < 100; i++) {
		const char *id = world_mesh(&w, 40 + i, 100);

		if (i == 50)
			id_copy(network, id);
	}
	printf("10,000 nodes in 100 meshes\n");
	measure(&w, "  a member's endpoint", network, 20, endpoint);
	measure(&w, "  a member joins", network, 20, join);
	measure(&w, "  a policy", network, 5, policy);
	world_done(&w);
	return 0;
}
