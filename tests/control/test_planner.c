/*
 * DOC: after an upgrade. Another planner is noticed by the plans it makes of fleets that stay the
 * same; a server that has one raises the revision of every node, once.
 */
#include "../plan/world.h"
#include "serve.h"

#include "codec/state.h"
#include "crypto/hash.h"
#include "plan/plan.h"

#define WORLDS 40

/* What the planner of this version makes of those worlds. Where tests/plan/world.c makes others,
 * only this is new; else PLAN_VERSION is, too. */
#define PLANS "b30c877fed969dda1bf279209f91631e13ba072a5a008e6f570db6a337b14df9"

static void another_planner_has_another_version(void **state)
{
	char all[HASH_HEX_LEN] = "";
	unsigned plans = 0;

	for (uint64_t seed = 70000; seed < 70000 + WORLDS; seed++) {
		struct world w;

		world_make(&w, seed);
		for (uint64_t n = 1; n <= w.serial; n++) {
			CLEANUP(buf_wipe) struct buf text = {0};
			struct state s = {0};
			char id[ID_LEN];

			snprintf(id, sizeof(id), "node_%032llx", (unsigned long long)n);
			if (plan_node(w.fleet, id, &world_keys, &s, NULL) < 0)
				continue; /* the number of something else */
			buf_adds(&text, all);
			state_write(&text, &s);
			state_done(&s);
			hash_sha256_hex(text.data, text.len, all);
			plans++;
		}
		world_done(&w);
	}
	assert_in_range(plans, 3 * WORLDS, 30 * WORLDS);
	if (strcmp(all, PLANS) != 0)
		fail_msg("the same fleets have other plans (%s): raise PLAN_VERSION", all);
}

static int forget(struct tx *tx, void *arg, struct err *e)
{
	return tx_meta_put(tx, "planner", "before", e);
}

static int64_t revision(struct fixture *f)
{
	ANSWER nodes = call(f, "GET", "/api/v1/nodes", NULL, NULL);

	return json_int(json_at(json_get(json_root(nodes.doc), "items"), 0), "revision", -1);
}

static void upgraded(struct fixture *f, bool is_new)
{
	struct err e = {0};

	if (is_new)
		assert_int_equal(store_write_wait(f->control->store, forget, NULL, &e), 0);
	f->control = control_stop(f->control);
	if (serve_again(f, &e) < 0)
		fail_msg("%s", e.text);
}

static void nodes_are_told_after_an_upgrade(void **state)
{
	struct fixture *f = serve();
	int64_t before;

	make_gateway(f, "", "office", "gw");
	before = revision(f);
	assert_true(before >= 0);
	upgraded(f, false);
	assert_int_equal(revision(f), before);
	upgraded(f, true);
	assert_int_equal(revision(f), before + 1);
	upgraded(f, false);
	assert_int_equal(revision(f), before + 1);
	serve_end(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_planner_has_another_version),
		cmocka_unit_test(nodes_are_told_after_an_upgrade),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
