/*
 * DOC: what one client's change costs the planner with 100, 1,000 and 10,000 clients on a gateway,
 * beside a plan of the whole node. Prints a table; nothing here passes or fails.
 */
#include "plan/plan.h"
#include "plan/world.h"

#include <stdio.h>
#include <time.h>

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static double one_change(struct world *w, const char *network)
{
	struct fleet_network *fn = fleet_network(w->fleet, network);
	struct device *d = world_device(w, fn->network, fn->groups.v[0]);
	struct fleet_change c = {&schema_device, NULL, d};
	struct id_vec nodes = {0};
	struct delta delta = {0};
	struct plan_change *pc;
	double began;

	d->enabled = true;
	strs_done(&d->tags);
	began = now_us();
	plan_affected(w->fleet, &c, &nodes);
	pc = plan_change_begin(w->fleet, &c, &world_keys);
	fleet_put(w->fleet, &schema_device, d);
	plan_change_end(pc, w->fleet, nodes.v[0].id, &delta);
	plan_change_free(pc);
	delta_done(&delta);
	VEC_DONE(&nodes);
	return now_us() - began;
}

static double whole_plan(const struct fleet *f)
{
	struct state s = {0};
	double began = now_us();

	MAP_FOREACH (slot, &f->nodes)
		plan_node(f, slot->key, &world_keys, &s, NULL);
	began = now_us() - began;
	state_done(&s);
	return began;
}

int main(void)
{
	static const unsigned sizes[] = {100, 1000, 10000};

	printf("%8s  %22s  %22s\n", "clients", "one client added (us)", "whole node's plan (us)");
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct world w;
		const char *network = world_gateway(&w, sizes[i]);
		double sum = 0;

		for (int k = 0; k < 200; k++)
			sum += one_change(&w, network);
		printf("%8u  %22.1f  %22.0f\n", sizes[i], sum / 200, whole_plan(w.fleet));
		world_done(&w);
	}
	return 0;
}
