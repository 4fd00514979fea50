/*
 * DOC: what-if against the planner's own answer: in random fleets, each pair of ends and what a
 * changed policy does to it.
 */
#include "plan/plan.h"
#include "plan/whatif.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct {
	const char *protocol;
	uint16_t port;
} kinds[] = {{"icmp", 0}, {"tcp", 443}, {"tcp", 22}, {"udp", 450}, {"udp", 53}, {"any", 0}};

struct spot {
	struct addr addr, shared; /* shared: what gateways answer at, too */
	const char *id;
};
VEC_TYPE(spot_vec, struct spot);

static struct addr either(struct addr ipv4, struct addr ipv6)
{
	return addr_is_set(ipv4) ? ipv4 : ipv6;
}

/* Nodes and enabled devices, by their IPv4 addresses, or where the network has none by IPv6. */
static void spots_of(const struct fleet *f, const struct fleet_network *fn, struct spot_vec *ret)
{
	VEC_FOREACH (m, &fn->members) {
		struct spot s = {.addr = either((*m)->ipv4, (*m)->ipv6), .id = (*m)->id};

		if (((*m)->roles & ROLE_GATEWAY) && (*m)->group[0] != '\0')
			s.shared = fn->network->gateway_addr;
		VEC_PUSH(ret, s);
	}
	VEC_FOREACH (g, &fn->groups) {
		const struct device_refs *devices = fleet_devices(f, fn->network->id, (*g)->id);

		VEC_FOREACH (d, devices) {
			struct spot s = {.addr = either((*d)->ipv4, (*d)->ipv6), .id = (*d)->id};

			if ((*d)->enabled)
				VEC_PUSH(ret, s);
		}
	}
}

static bool planned(const struct fleet *f, const char *network, const struct spot *a,
	const struct spot *b, size_t kind)
{
	const char *protocol = kinds[kind].protocol;
	uint16_t port = kinds[kind].port;

	return plan_policy_allows(f, network, a->addr, b->addr, protocol, port) ||
		(addr_is_set(b->shared) &&
			plan_policy_allows(f, network, a->addr, b->shared, protocol, port));
}

static unsigned yes, no;

static void check_pair(
	const struct fleet *f, const char *network, const struct spot *a, const struct spot *b)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct whatif_answer got = {0};
		bool want = planned(f, network, a, b, k);

		assert_int_equal(whatif_reach(f, network, a->id, b->id, kinds[k].protocol,
					 kinds[k].port, &got, NULL),
			0);
		if (got.allowed != want)
			fail_msg("%s -> %s %s/%u: the plan says %d, what-if says %d", a->id, b->id,
				kinds[k].protocol, kinds[k].port, want, got.allowed);
		yes += want;
		no += !want;
		whatif_answer_done(&got);
	}
}

static void reach_is_what_the_plan_allows(void **state)
{
	for (uint64_t seed = 31000; seed < 31040; seed++) {
		struct world w;

		world_make(&w, seed);
		MAP_FOREACH (slot, &w.fleet->networks) {
			struct spot_vec spots = {0};

			spots_of(w.fleet, fleet_network(w.fleet, slot->key), &spots);
			VEC_FOREACH (a, &spots)
				VEC_FOREACH (b, &spots)
					if (a != b)
						check_pair(w.fleet, slot->key, a, b);
			VEC_DONE(&spots);
		}
		world_done(&w);
	}
	print_message("# %u allowed, %u not\n", yes, no);
	assert_true(yes > 1000 && no > 1000);
}

/* All that plan_policy_allows says, one bit for each pair and kind of traffic. */
struct matrix {
	VEC(bool) v;
};

static void ask_all(const struct fleet *f, const char *network, struct matrix *ret)
{
	struct spot_vec spots = {0};

	spots_of(f, fleet_network(f, network), &spots);
	VEC_FOREACH (a, &spots)
		VEC_FOREACH (b, &spots)
			for (size_t k = 0; a != b && k < sizeof(kinds) / sizeof(kinds[0]); k++) {
				bool is = planned(f, network, a, b, k);

				VEC_PUSH(&ret->v, is);
			}
	VEC_DONE(&spots);
}

static unsigned differing, same;

/* A pair that gained by the plan is counted; what-if may know more pairs: other ports, places. */
static void check_change(
	struct world *w, const char *network, const char *before, const struct policy *after)
{
	struct whatif found = {0};
	struct matrix was = {0}, is = {0};
	size_t gained = 0, lost = 0;

	ask_all(w->fleet, network, &was);
	assert_int_equal(whatif_policy(w->fleet, network, before, after, &found, NULL), 0);
	if (after != NULL)
		fleet_put(w->fleet, &schema_policy, schema_dup(&schema_policy, after));
	else
		fleet_remove(w->fleet, &schema_policy, before);
	ask_all(w->fleet, network, &is);
	for (size_t i = 0; i < was.v.n; i += sizeof(kinds) / sizeof(kinds[0])) {
		bool more = false, less = false;

		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			more |= is.v.v[i + k] && !was.v.v[i + k];
			less |= !is.v.v[i + k] && was.v.v[i + k];
		}
		gained += more;
		lost += less;
	}
	assert_true(found.complete);
	assert_true(found.gained >= gained && found.lost >= lost);
	assert_int_equal(found.changes.n > 0, found.gained + found.lost > 0);
	differing += gained + lost > 0;
	same += gained + lost == 0;
	whatif_done(&found);
	VEC_DONE(&was.v);
	VEC_DONE(&is.v);
}

static void changes_are_counted(void **state)
{
	for (uint64_t seed = 32000; seed < 32040; seed++) {
		struct world w;
		VEC(char *) ids = {0};

		world_make(&w, seed);
		MAP_FOREACH (slot, &w.fleet->networks)
			VEC_PUSH(&ids, slot->key);
		VEC_FOREACH (id, &ids) {
			const struct network *n = map_get(&w.fleet->networks, *id);
			struct policy *fresh = world_policy(&w, n), *other = world_policy(&w, n);

			check_change(&w, *id, NULL, fresh);
			id_copy(other->id, fresh->id);
			check_change(&w, *id, fresh->id, other);
			check_change(&w, *id, fresh->id, NULL);
			schema_free(&schema_policy, fresh);
			schema_free(&schema_policy, other);
		}
		VEC_DONE(&ids);
		world_done(&w);
	}
	print_message("# %u changes changed something, %u did not\n", differing, same);
	assert_true(differing > 50 && same > 5);
}

static struct policy *policy_of(const char *network, const char *from, const char *to,
	const char *protocol, const char *port)
{
	struct policy *p = NEW(struct policy);
	struct rule r = {.protocol = mem_strdup(protocol)};

	id_copy(p->id, "pol_x");
	id_copy(p->network, network);
	p->name = mem_strdup("x");
	p->enabled = true;
	strs_push(&r.from, from);
	strs_push(&r.to, to);
	if (port != NULL)
		strs_push(&r.ports, port);
	VEC_PUSH(&p->rules, r);
	return p;
}

/* Ten thousand phones are one line. */
static void many_are_one_line(void **state)
{
	struct world w = {0};
	const char *network = world_gateway(&w, 10000);
	struct policy *p = policy_of(network, "clients", "10.9.0.0/24", "tcp", "443");
	struct whatif found = {0};

	assert_int_equal(whatif_policy(w.fleet, network, NULL, p, &found, NULL), 0);
	assert_int_equal(found.changes.n, 1);
	assert_int_equal(found.gained, 10000);
	assert_int_equal(found.lost, 0);
	assert_int_equal(found.changes.v[0].from.count, 10000);
	assert_int_equal(found.changes.v[0].from.names.n, WHATIF_NAMES);
	assert_string_equal(found.changes.v[0].to.names.v[0], "10.9.0.0/24");
	assert_string_equal(found.changes.v[0].after.v[0], "tcp 443");
	assert_int_equal(found.changes.v[0].before.n, 0);
	whatif_done(&found);
	schema_free(&schema_policy, p);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reach_is_what_the_plan_allows),
		cmocka_unit_test(changes_are_counted),
		cmocka_unit_test(many_are_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
