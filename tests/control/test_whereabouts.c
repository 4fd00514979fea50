/* DOC: what a node's own word is worth on where it is: a table of places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/whereabouts.h"

#include "model/schema.h"

#include <stdio.h>

#define MAX_REPORTS 4

struct row {
	const char *what;
	/* known: as stored; configured: by people */
	const char *known, *known_near, *known_from, *configured;
	const char *seen, *called;
	const char *reported[MAX_REPORTS];
	/* NULL: as it was */
	const char *observed, *near, *from;
};

static const char *or_none(const char *text)
{
	return text != NULL ? text : "";
}

static void play(const struct row *row)
{
	struct network n = {0};
	struct member m = {.listen_port = 51820,
		.endpoint = mem_strdup(row->configured),
		.observed_endpoint = mem_strdup(row->known),
		.near_endpoint = mem_strdup(row->known_near)};
	struct witness w = {
		.network = &n, .seen = row->seen, .reported = row->reported, .port = 51820};
	const char *observed = or_none(row->observed != NULL ? row->observed : row->known);
	const char *near = or_none(row->near != NULL ? row->near : row->known_near);
	const char *from = or_none(row->from != NULL ? row->from : row->known_from);
	struct whereabouts at;
	char text[PREFIX_TEXT_LEN] = "";

	assert_int_equal(prefix_parse("172.30.0.0/16", "", &n.ipv4, NULL), 0);
	if (row->known_from != NULL)
		assert_int_equal(prefix_parse(row->known_from, "", &m.calls_from, NULL), 0);
	if (row->called != NULL)
		assert_int_equal(addr_parse(row->called, &w.called), 0);
	whereabouts_tell(&m, &w, &at);
	if (addr_is_set(at.from.addr))
		prefix_format(at.from, text);
	if (strcmp(at.observed, observed) != 0 || strcmp(at.near, near) != 0 ||
		strcmp(text, from) != 0)
		fail_msg("%s: observed \"%s\", near \"%s\", from \"%s\"", row->what, at.observed,
			at.near, text);
	/* said again it is no news */
	whereabouts_put(&m, &at);
	whereabouts_tell(&m, &w, &at);
	whereabouts_put(&m, &at);
	assert_string_equal(or_none(m.observed_endpoint), observed);
	assert_string_equal(or_none(m.near_endpoint), near);
	schema_done(&schema_member, &m);
}

#define PUBLIC "203.0.113.7:51820"
#define BEHIND "203.0.113.7" /* the NAT */
#define SEEN "203.0.113.7:4711"
#define OWN "192.168.1.5:51820"

static void what_a_node_says(void **state)
{
	static const struct row rows[] = {
		{"a public node", .known = PUBLIC, .called = BEHIND, .reported = {PUBLIC},
			.from = "203.0.113.7/32"},
		{"its port is its own word", .known = SEEN, .called = BEHIND,
			.reported = {"203.0.113.7:51999"}, .observed = "203.0.113.7:51999",
			.from = "203.0.113.7/32"},
		{"no NAT in a private place", .known = "10.0.0.5:51820", .called = "10.0.0.5",
			.reported = {"10.0.0.5:51821"}, .observed = "10.0.0.5:51821",
			.from = "10.0.0.5/32"},
		/* the weakness this is for */
		{"behind a NAT its own address is for its neighbours", .known = PUBLIC,
			.called = BEHIND, .reported = {OWN}, .near = OWN, .from = "203.0.113.7/32"},
		{"nor does it replace what was seen earlier", .known = SEEN, .called = BEHIND,
			.reported = {OWN}, .near = OWN, .from = "203.0.113.7/32"},
		{"a provider's NAT, too", .known = PUBLIC, .called = BEHIND,
			.reported = {"100.64.3.4:51820"}, .near = "100.64.3.4:51820",
			.from = "203.0.113.7/32"},
		{"a NAT that is in a private place itself", .known = "10.9.9.9:51820",
			.called = "10.9.9.9", .reported = {OWN}, .near = OWN,
			.from = "10.9.9.9/32"},
		{"it has moved to another NAT", .known = SEEN, .known_near = OWN,
			.known_from = "203.0.113.7/32", .called = "198.51.100.1",
			.reported = {"10.0.0.9:51820"}, .observed = "198.51.100.1:51820",
			.near = "10.0.0.9:51820", .from = "198.51.100.1/32"},
		{"and to a public place", .known = SEEN, .known_near = OWN,
			.known_from = "203.0.113.7/32", .called = "198.51.100.1",
			.reported = {"198.51.100.1:51820"}, .observed = "198.51.100.1:51820",
			.near = "", .from = "198.51.100.1/32"},
		/* others */
		{"who sees it is right", .known = PUBLIC, .seen = SEEN, .called = BEHIND,
			.reported = {OWN}, .observed = SEEN, .near = OWN, .from = "203.0.113.7/32"},
		{"also against a public word", .known = PUBLIC, .seen = SEEN, .called = BEHIND,
			.reported = {PUBLIC}, .observed = SEEN, .from = "203.0.113.7/32"},
		{"people are right, and where it calls from is noted",
			.configured = "vpn.example.com:51820", .known = PUBLIC, .called = BEHIND,
			.reported = {OWN}, .seen = SEEN, .near = OWN, .from = "203.0.113.7/32"},
		/* IPv6 */
		{"a dual-stack node that calls by IPv6", .known = "[2001:db8:1:2::5]:51820",
			.called = "2001:db8:1:2::5", .reported = {OWN, "[2001:db8:1:2::5]:51820"},
			.near = OWN, .from = "2001:db8:1:2::/64"},
		{"its address of the day", .known = "[2001:db8:1:2::5]:51820", .known_near = OWN,
			.known_from = "2001:db8:1:2::/64", .called = "2001:db8:1:2::6",
			.reported = {OWN, "[2001:db8:1:2::6]:51820"},
			.observed = "[2001:db8:1:2::6]:51820"},
		{"one that calls by IPv4 through a NAT: not everybody has IPv6", .known = PUBLIC,
			.called = BEHIND, .reported = {OWN, "[2001:db8:1:2::5]:51820"}, .near = OWN,
			.from = "203.0.113.7/32"},
		{"a ULA is private", .known = "[2001:db8:1:2::5]:51820",
			.called = "2001:db8:1:2::5", .reported = {"[fd00:1::5]:51820"},
			.near = "[fd00:1::5]:51820", .from = "2001:db8:1:2::/64"},
		{"public, but calls within its site", .known = "10.0.0.5:51820",
			.called = "10.0.0.5", .reported = {"198.51.100.5:51820"},
			.observed = "198.51.100.5:51820", .from = "10.0.0.5/32"},
		{"two public addresses", .known = PUBLIC, .called = BEHIND,
			.reported = {"198.51.100.5:51820"}, .observed = "198.51.100.5:51820",
			.from = "203.0.113.7/32"},
		/* calls that say nothing */
		{"it calls by its own tunnel", .known = SEEN, .known_near = OWN,
			.known_from = "203.0.113.7/32", .called = "172.30.0.9", .reported = {OWN}},
		{"nothing else is known", .reported = {OWN}, .observed = OWN},
		{"nor better than private", .known = "10.0.0.9:51820", .reported = {OWN},
			.observed = OWN},
		{"a public word needs no call", .known = SEEN, .reported = {PUBLIC},
			.observed = PUBLIC},
		{"a name is no address", .known = SEEN, .called = BEHIND,
			.reported = {"box.example.com:51820"}, .from = "203.0.113.7/32"},
		{"it says nothing", .known = SEEN, .known_near = OWN,
			.known_from = "203.0.113.7/32", .called = BEHIND},
		{"nothing, from elsewhere", .known = SEEN, .called = "198.51.100.1",
			.observed = "198.51.100.1:51820", .from = "198.51.100.1/32"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		play(&rows[i]);
}

/* PUT .../endpoint */
static void what_a_node_asks_for(void **state)
{
	static const struct {
		const char *known, *configured, *asked, *observed, *near;
	} rows[] = {
		{NULL, NULL, OWN, OWN, ""},
		{PUBLIC, NULL, OWN, PUBLIC, OWN},
		{PUBLIC, NULL, SEEN, SEEN, ""},
		{OWN, NULL, "10.0.0.1:1", "10.0.0.1:1", ""},
		{PUBLIC, "vpn.example.com:1", SEEN, PUBLIC, ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct member m = {.endpoint = mem_strdup(rows[i].configured),
			.observed_endpoint = mem_strdup(rows[i].known)};
		struct whereabouts at;

		whereabouts_ask(&m, rows[i].asked, &at);
		assert_string_equal(at.observed, rows[i].observed);
		assert_string_equal(at.near, rows[i].near);
		schema_done(&schema_member, &m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_node_says),
		cmocka_unit_test(what_a_node_asks_for),
	};

	return cmocka_run_group_tests_name("whereabouts", tests, NULL, NULL);
}
