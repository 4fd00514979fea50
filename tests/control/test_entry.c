/* DOC: which gateway of a group a configuration names, as a table; who is near which region. */
#include "control/entry.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct group office = {.id = "grp_1", .name = "office"};

/* One gateway in a word: letter = its name; then flags: u usable, d disabled, o online, c
 * configured; then its region. */
struct row {
	const char *name, *flags;
	char *region;
};

static struct member members[4];
static struct node nodes[4];

static void build(const struct row *rows, struct entry_vec *ret)
{
	for (size_t i = 0; i < 4 && rows[i].name != NULL; i++) {
		struct entry x = {.member = &members[i], .node = &nodes[i]};
		const char *f = rows[i].flags;

		members[i] = (struct member){.region = rows[i].region};
		nodes[i] = (struct node){
			.name = (char *)(uintptr_t)rows[i].name, .enabled = strchr(f, 'd') == NULL};
		snprintf(nodes[i].id, sizeof(nodes[i].id), "node_%s", rows[i].name);
		x.usable = strchr(f, 'u') != NULL;
		x.online = strchr(f, 'o') != NULL;
		x.configured = strchr(f, 'c') != NULL;
		if (x.usable || strchr(f, 'd') != NULL)
			strcpy(x.endpoint, "192.0.2.1:51820");
		VEC_PUSH(ret, x);
	}
}

static void the_best_one(void **state)
{
	static char north[] = "north", south[] = "south";
	static const struct {
		struct row rows[4];
		struct entry_wish wish;
		const char *best;  /* or */
		const char *field; /* of the refusal */
	} table[] = {
		/* nothing said: the oldest; but configured before observed, */
		{{{"a", "uo", NULL}, {"b", "uo", NULL}}, {0}, "a", NULL},
		{{{"a", "uo", NULL}, {"b", "uoc", NULL}}, {0}, "b", NULL},
		/* near before far, and who is there before all that */
		{{{"a", "uoc", south}, {"b", "uo", north}}, {.near = "north"}, "b", NULL},
		{{{"a", "uo", south}, {"b", "uc", north}}, {.near = "north"}, "a", NULL},
		{{{"a", "u", south}, {"b", "uo", NULL}}, {0}, "b", NULL},
		/* all away: better one of them than none */
		{{{"a", "u", south}, {"b", "u", north}}, {.near = "north"}, "b", NULL},
		/* what cannot be used is not taken, */
		{{{"a", "do", NULL}, {"b", "u", NULL}}, {0}, "b", NULL},
		{{{"a", "o", NULL}, {"b", "u", NULL}}, {0}, "b", NULL},
		/* and when there is no other the reason is said */
		{{{"a", "o", NULL}}, {0}, NULL, "group"},
		{{{"a", "d", NULL}}, {0}, NULL, "group"},
		{{{0}}, {0}, NULL, "group"},
		/* who asks for a gateway gets it, there or not; by name or id */
		{{{"a", "uo", NULL}, {"b", "u", NULL}}, {.gateway = "b"}, "b", NULL},
		{{{"a", "uo", NULL}, {"b", "u", NULL}}, {.gateway = "node_b"}, "b", NULL},
		{{{"a", "uo", NULL}, {"b", "u", NULL}}, {.gateway = "c"}, NULL, "gateway"},
		{{{"a", "uo", NULL}, {"b", "d", NULL}}, {.gateway = "b"}, NULL, "gateway"},
		/* a region: one that is there, before one that is not */
		{{{"a", "uo", NULL}, {"b", "uc", north}, {"c", "uo", north}}, {.region = "north"},
			"c", NULL},
		{{{"a", "uo", NULL}, {"b", "u", north}}, {.region = "north"}, "b", NULL},
		{{{"a", "uo", NULL}, {"b", "d", north}}, {.region = "north"}, NULL, "region"},
		{{{"a", "uo", NULL}, {"b", "u", north}}, {.region = "east"}, NULL, "region"},
		/* both only where they agree */
		{{{"a", "uo", south}, {"b", "u", north}}, {.gateway = "b", .region = "north"}, "b",
			NULL},
		{{{"a", "uo", south}, {"b", "u", north}}, {.gateway = "a", .region = "north"}, NULL,
			"region"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct entry_vec v = {0};
		const struct entry *got = NULL;
		struct err e = {0};
		int r;

		build(table[i].rows, &v);
		r = entry_choose(&v, &office, &table[i].wish, &got, &e);
		if (table[i].best != NULL) {
			assert_int_equal(r, 0);
			assert_string_equal(got->node->name, table[i].best);
		} else {
			assert_true(r < 0);
			assert_string_equal(e.field, table[i].field);
			assert_null(got);
		}
		VEC_DONE(&v);
	}
}

/* What is in a row stays, also when its gateway is away; goes on in its region when it is gone. */
static void what_was_chosen_stays(void **state)
{
	static char north[] = "north", south[] = "south";
	static const struct row rows[] = {
		{"a", "uc", south}, {"b", "d", north}, {"c", "u", north}, {"d", "u", south}};
	struct entry_vec v = {0};

	build(rows, &v);
	assert_string_equal(entry_best(&v, "node_d", NULL)->node->name, "d");
	assert_string_equal(entry_best(&v, "node_b", NULL)->node->name, "c");
	assert_string_equal(entry_best(&v, "node_gone", NULL)->node->name, "a");
	assert_string_equal(entry_best(&v, "", NULL)->node->name, "a");
	VEC_DONE(&v);
}

static void near_by_the_longest_prefix(void **state)
{
	static const struct {
		const char *address, *region;
	} table[] = {
		{"10.1.2.3", "north"},
		{"10.1.128.1", "attic"},
		{"10.2.0.1", NULL},
		{"2001:db8::5", "south"},
		{"2001:db9::5", NULL},
		{"unix", NULL},
		{NULL, NULL},
	};
	struct network n = {0};

	strs_push(&n.region_ranges, "10.1.128.0/17=attic");
	strs_push(&n.region_ranges, "10.1.0.0/16=north");
	strs_push(&n.region_ranges, "2001:db8::/32=south");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *region = entry_region_near(&n, table[i].address);

		if (table[i].region == NULL)
			assert_null(region);
		else
			assert_string_equal(region, table[i].region);
	}
	strs_done(&n.region_ranges);
}

/* What a configuration names when the port is the group's, forwarded from another, or not of the
 * group at all. */
static void the_port(void **state)
{
	static const struct {
		uint16_t member, group;
		const char *endpoint, *observed, *want;
	} table[] = {
		{0, 51820, "vpn.example.com:51820", NULL, "vpn.example.com:51820"},
		{51820, 51820, "vpn.example.com:4500", NULL, "vpn.example.com:4500"},
		{0, 51820, "[2001:db8::1]:443", "192.0.2.9:51820", "[2001:db8::1]:443"},
		{0, 51822, "vpn.example.com:4500", NULL, "vpn.example.com:51822"},
		{51821, 51820, "192.0.2.1:51821", NULL, "192.0.2.1:51820"},
		{0, 51820, NULL, "192.0.2.9:4500", "192.0.2.9:51820"},
		{0, 51820, NULL, "192.0.2.9", "192.0.2.9:51820"},
		{0, 51820, NULL, NULL, ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct fleet *f = fleet_new();
		const struct network n = {.id = "net_1", .name = (char *)"n", .listen_port = 51820};
		const struct node node = {.id = "node_1", .name = (char *)"gw", .enabled = true};
		const struct group g = {.id = "grp_1",
			.network = "net_1",
			.name = (char *)"g",
			.listen_port = table[i].group};
		const struct member m = {.id = "mem_1",
			.network = "net_1",
			.node = "node_1",
			.group = "grp_1",
			.roles = ROLE_GATEWAY,
			.listen_port = table[i].member,
			.endpoint = (char *)(uintptr_t)table[i].endpoint,
			.observed_endpoint = (char *)(uintptr_t)table[i].observed};
		struct entry_vec v = {0};

		fleet_put(f, &schema_network, schema_dup(&schema_network, &n));
		fleet_put(f, &schema_node, schema_dup(&schema_node, &node));
		fleet_put(f, &schema_group, schema_dup(&schema_group, &g));
		fleet_put(f, &schema_member, schema_dup(&schema_member, &m));
		entries_of(f, &g, NULL, &v);
		assert_int_equal(v.n, 1);
		assert_string_equal(v.v[0].endpoint, table[i].want);
		VEC_DONE(&v);
		fleet_free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_one),
		cmocka_unit_test(the_port),
		cmocka_unit_test(what_was_chosen_stays),
		cmocka_unit_test(near_by_the_longest_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
