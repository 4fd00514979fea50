/* DOC: what items need, and what a part that is closed keeps. */
#include "model/feature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void needs_are_found_once(void **state)
{
	struct state s = {0};
	struct strs r = {0};
	static const char *const want[] = {"exits@net_1", "exits@net_2", "limits@net_1",
		"paths@net_1", "paths@net_2", "names@net_1:dns,name"};
	static const struct {
		enum item_kind kind;
		const char *network;
		const char *key;
	} items[] = {{ITEM_EXIT, "net_1", ""}, {ITEM_EXIT, "net_2", ""}, {ITEM_LIMIT, "net_1", "a"},
		{ITEM_LIMIT, "net_1", "b"}, {ITEM_NAME, "net_1", "a"}, {ITEM_NAME, "net_1", "b"},
		{ITEM_DNS, "net_1", ""}, {ITEM_PEER, "net_3", "a"}, {ITEM_ADDRESS, "net_3", ""}};

	for (size_t k = 0; k < ARRAY_LEN(items); k++) {
		struct item *i = item_new(items[k].kind, items[k].network);

		if (i->kind == ITEM_LIMIT)
			id_copy(i->limit.device, items[k].key);
		else if (i->kind == ITEM_NAME)
			id_copy(i->name.id, items[k].key);
		else if (i->kind == ITEM_PEER)
			id_copy(i->peer.id, items[k].key);
		else if (i->kind == ITEM_EXIT)
			i->exit.mark = EXIT_MARK + (uint32_t)k;
		VEC_PUSH(&s.items, i);
	}
	struct item *route = item_new(ITEM_ROUTE, "net_1");
	id_copy(route->route.peer, "mem_1");
	VEC_PUSH(&s.items, route);
	VEC_PUSH(&s.items, item_new(ITEM_ROUTE, "net_3")); /* depends on nobody */
	struct item *hub = item_new(ITEM_INTERFACE, "net_2");
	hub->interface.role = IFACE_HUB;
	VEC_PUSH(&s.items, hub);
	VEC_PUSH(&s.items, item_new(ITEM_INTERFACE, "net_3")); /* direct */
	item_vec_sort(&s.items);
	feature_require(&s.items, &r);
	assert_int_equal(r.n, ARRAY_LEN(want));
	for (size_t k = 0; k < r.n; k++) {
		assert_true(strs_has(&r, want[k]));
		assert_true(feature_known(r.v[k]));
	}
	feature_require(&s.items, &r);
	assert_int_equal(r.n, ARRAY_LEN(want));
	strs_done(&r);
	state_done(&s);
}

static void features_are_whole_words(void **state)
{
	assert_true(feature_known("exits"));
	assert_true(feature_known("exits@net_1"));
	assert_false(feature_known("exit"));
	assert_false(feature_known("exits2@net_1"));
	assert_false(feature_known(""));
	assert_false(feature_known("@net_1"));
}

static void a_closed_part_is_shut(void **state)
{
	static const struct {
		const char *entry;
		enum item_kind kind;
		const char *network;
		bool closed;
	} rows[] = {
		{"x", ITEM_PEER, "net_1", true},
		{"x", ITEM_ROUTE, "net_1", true},
		{"x", ITEM_HOST, "net_1", true},
		{"x", ITEM_FIREWALL, "net_1", false},
		{"x", ITEM_SET, "net_1", false},
		{"x", ITEM_EXIT, "net_1", false},
		{"x", ITEM_INTERFACE, "net_1", false},
		{"x@net_1", ITEM_PEER, "net_1", true},
		{"x@net_1", ITEM_PEER, "net_10", false},
		{"x@net_10", ITEM_PEER, "net_1", false},
		{"x@", ITEM_PEER, "net_1", false},
		{"x@net_1:dns,name", ITEM_NAME, "net_1", true},
		{"x@net_1:dns,name", ITEM_DNS, "net_1", true},
		{"x@net_1:dns,name", ITEM_PEER, "net_1", false},
		{"x@net_1:dns,name", ITEM_NAME, "net_2", false},
		{"x@net_1:names", ITEM_NAME, "net_1", false},
		{"x@net_1:", ITEM_NAME, "net_1", false},
		{"x@net_1:firewall", ITEM_FIREWALL, "net_1", false}, /* nobody can ask for that */
		{"x@net_1:gates,peer", ITEM_PEER, "net_1", true},
	};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct strs entries = {0};
		struct item *i = item_new(rows[k].kind, rows[k].network);

		strs_push(&entries, rows[k].entry);
		if (feature_closes(&entries, i) != rows[k].closed)
			fail_msg("%s and %s of %s", rows[k].entry, item_kind_words[rows[k].kind],
				rows[k].network);
		item_free(i);
		strs_done(&entries);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(needs_are_found_once),
		cmocka_unit_test(features_are_whole_words),
		cmocka_unit_test(a_closed_part_is_shut),
	};

	return cmocka_run_group_tests_name("feature", tests, NULL, NULL);
}
