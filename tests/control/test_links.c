/* DOC: link states by table, totals over epochs, gateways and restarts, what is kept bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/links.h"
#include "control/telemetry.h"

#include <stdio.h>

#define T0 ((msec)1800000000000)
#define S ((msec)1000)

static void test_judge(void **state)
{
	static const struct {
		const char *what;
		uint16_t keepalive;
		struct link_seen seen; /* relative to now, in seconds; 0 = never */
		enum link_state want;
	} rows[] = {
		{"nothing was ever seen", 25, {0, 0, 0, 0}, LINK_NEVER},
		{"sent, but never an answer", 0, {0, 0, -60, 0}, LINK_NEVER},
		{"keepalive: bytes a moment ago", 25, {-100, -10, 0, -1}, LINK_ONLINE},
		{"keepalive: at the limit", 25, {-200, -75, 0, -1}, LINK_ONLINE},
		{"keepalive: just past it", 25, {-200, -76, 0, 0}, LINK_OFFLINE},
		{"a shorter keepalive is less patient", 5, {-200, -20, 0, -1}, LINK_OFFLINE},
		{"nobody has measured the silence", 25, {-200, -120, 0, -119}, LINK_IDLE},
		{"no keepalive: fresh handshake", 0, {-179, 0, 0, -1}, LINK_ONLINE},
		{"no keepalive: 180 s", 0, {-180, 0, 0, -1}, LINK_IDLE},
		{"no keepalive: bytes count too", 0, {-900, -30, 0, -1}, LINK_ONLINE},
		{"no keepalive: old", 0, {-900, -800, 0, -1}, LINK_IDLE},
		{"sent into silence for 15 s", 0, {-100, -40, -20, -5}, LINK_OFFLINE},
		{"for less", 0, {-100, -40, -19, -5}, LINK_ONLINE},
		{"answered since", 0, {-100, -10, -40, -1}, LINK_ONLINE},
	};
	msec now = T0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct link_seen *r = &rows[i].seen;
		struct link_seen s = {
			.handshake = r->handshake ? now + r->handshake * S : 0,
			.rx_at = r->rx_at ? now + r->rx_at * S : 0,
			.sent_since = r->sent_since ? now + r->sent_since * S : 0,
			.as_of = now + r->as_of * S,
		};
		enum link_state got = link_judge(now, rows[i].keepalive, &s);

		if (got != rows[i].want)
			fail_msg("%s: %s, not %s", rows[i].what, link_state_words[got],
				link_state_words[rows[i].want]);
	}
}

static void test_liveness(void **state)
{
	static const struct {
		msec silent;
		const char *want;
	} rows[] = {{0, "online"}, {89, "online"}, {90, "unreachable"}, {299, "unreachable"},
		{300, "offline"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(liveness_word(T0, T0 - rows[i].silent * S), rows[i].want);
	assert_string_equal(liveness_word(T0, 0), "never");
}

static const char *const dev = "cl_00000000000000000000000000000001";
static const char *const gw1 = "node_00000000000000000000000000000001";
static const char *const gw2 = "node_00000000000000000000000000000002";

static void beat(struct links *l, const char *by, uint64_t epoch, const char *peer, uint64_t rx,
	uint64_t tx, msec handshake, msec now)
{
	struct link_row row = {.handshake = handshake, .rx = rx, .tx = tx};

	id_copy(row.peer, peer);
	snprintf(row.endpoint, sizeof(row.endpoint), "198.51.100.7:%d", by == gw1 ? 1 : 2);
	links_heard(l, by, now);
	links_add(l, by, epoch, &row, now);
}

static void expect(struct links *l, const char *peer, uint64_t rx, uint64_t tx)
{
	struct link got;

	links_get(l, peer, T0, 0, &got);
	assert_int_equal(got.rx, rx);
	assert_int_equal(got.tx, tx);
}

static void test_totals(void **state)
{
	struct links l = {0};
	struct link got;

	beat(&l, gw1, 1, dev, 100, 10, T0, T0);
	expect(&l, dev, 100, 10);
	beat(&l, gw1, 1, dev, 150, 15, T0, T0 + 30 * S);
	expect(&l, dev, 150, 15);
	beat(&l, gw1, 1, dev, 150, 15, T0, T0 + 60 * S); /* said twice, counted once */
	expect(&l, dev, 150, 15);
	beat(&l, gw1, 2, dev, 160, 20, T0, T0 + 90 * S); /* counters began anew, and grew past */
	expect(&l, dev, 310, 35);
	beat(&l, gw1, 2, dev, 5, 1, T0,
		T0 + 120 * S); /* smaller in the same epoch: peer re-added */
	expect(&l, dev, 315, 36);
	beat(&l, gw2, 7, dev, 40, 4, T0 + 125 * S, T0 + 125 * S); /* roamed */
	expect(&l, dev, 355, 40);
	links_get(&l, dev, T0 + 126 * S, 0, &got);
	assert_string_equal(got.gateway, gw2);
	assert_string_equal(got.endpoint, "198.51.100.7:2");
	assert_int_equal(got.last_seen, T0 + 125 * S);
	assert_int_equal(got.as_of, T0 + 125 * S);
	assert_int_equal(got.state, LINK_ONLINE);
	beat(&l, gw1, 2, dev, 6, 1, T0, T0 + 130 * S); /* a straggler at the first one */
	expect(&l, dev, 356, 40);
	links_done(&l);
}

/* Who had the newest handshake says where a device is, whoever reported bytes last; what is said of
 * a handshake between heartbeats counts no bytes. */
static void test_place(void **state)
{
	struct links l = {0};
	struct link_row row = {.handshake = T0 + 10 * S};
	struct link got;
	id_text node;
	msec handshake;

	assert_false(links_newest(&l, dev, node, &handshake));
	beat(&l, gw1, 1, dev, 100, 10, T0, T0);
	id_copy(row.peer, dev);
	links_arrived(&l, gw2, &row, T0 + 11 * S);
	expect(&l, dev, 100, 10);
	assert_true(links_newest(&l, dev, node, &handshake));
	assert_string_equal(node, gw2);
	assert_int_equal(handshake, T0 + 10 * S);
	beat(&l, gw1, 1, dev, 150, 20, T0, T0 + 20 * S); /* of before it left */
	links_get(&l, dev, T0 + 21 * S, 0, &got);
	assert_string_equal(got.gateway, gw2);
	beat(&l, gw2, 7, dev, 40, 4, T0 + 10 * S, T0 + 30 * S);
	expect(&l, dev, 190, 24);
	/* closed and begun anew: what it came to, nothing, and then more than that */
	beat(&l, gw2, 7, dev, 50, 5, T0 + 10 * S, T0 + 40 * S);
	beat(&l, gw2, 7, dev, 0, 0, T0 + 10 * S, T0 + 40 * S);
	beat(&l, gw2, 7, dev, 70, 7, T0 + 10 * S, T0 + 50 * S);
	expect(&l, dev, 270, 32);
	/* the reporter of the newest one is not known after a restart: nobody is taken for it */
	struct links again = {0};
	struct device d = {.last_seen = T0 + 10 * S};
	id_copy(d.id, dev);
	links_load_device(&again, &d, T0 + 400 * S);
	beat(&again, gw1, 1, dev, 150, 20, T0, T0 + 60 * S);
	assert_true(links_newest(&again, dev, node, &handshake));
	assert_string_equal(node, "");
	links_done(&again);
	links_done(&l);
}

struct kept {
	char *text[2];
};

static void keep(void *arg, const char *reporter, const char *text)
{
	struct kept *k = arg;
	char **to = &k->text[strcmp(reporter, gw2) == 0];

	mem_free(*to);
	*to = mem_strdup(text);
}

/* What is flushed and what comes after a restart add up to exactly what was moved. */
static void test_totals_over_restart(void **state)
{
	struct links l = {0};
	struct device d = {0}, more;
	struct kept k = {0};

	beat(&l, gw1, 1, dev, 100, 10, T0, T0);
	beat(&l, gw2, 9, dev, 50, 5, T0, T0);
	assert_int_equal(links_take_devices(&l, &d, 1), 1);
	assert_int_equal(links_take_devices(&l, &more, 1), 0);
	assert_string_equal(d.id, dev);
	links_save_counters(&l, keep, &k);
	links_done(&l);

	struct links again = {0};
	links_load_device(&again, &d, T0 + 400 * S);
	links_load_counters(&again, gw1, k.text[0]);
	links_load_counters(&again, gw2, k.text[1]);
	expect(&again, dev, 150, 15);
	beat(&again, gw1, 1, dev, 130, 10, T0, T0 + 60 * S); /* same counters, grown */
	beat(&again, gw2, 10, dev, 5, 5, T0, T0 + 60 * S);   /* this gateway started anew */
	expect(&again, dev, 185, 20);
	/* a device nobody knows any more is not brought back by its counters */
	links_forget_peer(&again, dev);
	links_load_counters(&again, gw1, k.text[0]);
	expect(&again, dev, 0, 0);
	/* nor does damage do harm */
	links_load_counters(&again, gw1, "cl_1 2\nnonsense");
	links_done(&again);
	mem_free(k.text[0]);
	mem_free(k.text[1]);
}

static void test_presence(void **state)
{
	struct links l = {0};
	struct link got;

	beat(&l, gw1, 1, dev, 100, 10, T0 - 10 * S, T0);
	links_get(&l, dev, T0, 25, &got);
	assert_int_equal(got.state, LINK_ONLINE);
	/* heartbeats that do not mention it: nothing has changed */
	links_heard(&l, gw1, T0 + 60 * S);
	links_get(&l, dev, T0 + 60 * S, 25, &got);
	assert_int_equal(got.state, LINK_ONLINE);
	links_heard(&l, gw1, T0 + 90 * S);
	links_get(&l, dev, T0 + 90 * S, 25, &got);
	assert_int_equal(got.state, LINK_OFFLINE);
	assert_int_equal(got.as_of, T0 + 90 * S);
	/* without keepalive: bytes sent, none received, seen by a later heartbeat */
	beat(&l, gw1, 1, dev, 100, 90, T0 - 10 * S, T0 + 100 * S);
	links_get(&l, dev, T0 + 100 * S, 0, &got);
	assert_int_equal(got.state, LINK_ONLINE);
	links_heard(&l, gw1, T0 + 130 * S);
	links_get(&l, dev, T0 + 130 * S, 0, &got);
	assert_int_equal(got.state, LINK_OFFLINE);
	beat(&l, gw1, 1, dev, 101, 90, T0 - 10 * S, T0 + 140 * S);
	links_get(&l, dev, T0 + 140 * S, 0, &got);
	assert_int_equal(got.state, LINK_ONLINE);
	/* a handshake from the future is one from now */
	beat(&l, gw1, 1, dev, 102, 90, T0 + 999 * S, T0 + 150 * S);
	links_get(&l, dev, T0 + 150 * S, 0, &got);
	assert_int_equal(got.last_seen, T0 + 150 * S);
	links_done(&l);
}

static void test_bounds(void **state)
{
	static const char *const mem = "mem_00000000000000000000000000000001";
	struct links l = {0};
	struct device d;
	char text[64];

	for (int i = 0; i < 100; i++) {
		id_text by;

		snprintf(text, sizeof(text), "node_%032d", i);
		id_copy(by, text);
		beat(&l, by, 1, mem, 10, 10, T0 + i, T0 + i);
		beat(&l, by, 1, dev, 10, 10, T0 + i, T0 + i);
	}
	expect(&l, mem, 10, 10); /* the mesh's links are not added up */
	expect(&l, dev, 1000, 1000);
	assert_int_equal(links_take_devices(&l, &d, 1), 1);
	assert_string_equal(d.id, dev);
	/* one of those that were forgotten says the same again: it must be known to be among the
	 * newest 32 to be exact, and the newest are */
	snprintf(text, sizeof(text), "node_%032d", 99);
	beat(&l, text, 1, dev, 10, 10, T0 + 99, T0 + 200);
	expect(&l, dev, 1000, 1000);
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "node_%032d", i);
		links_forget_reporter(&l, text);
	}
	assert_int_equal(l.reporters.n, 0);
	links_done(&l);
}

/* The control plane's clock was a month ahead, and is set right: by a restart, or under way. Who is
 * gone is not online for a month, and where a device is, the handshakes of now say. */
static void test_clock_set_back(void **state)
{
	const msec ahead = (msec)30 * 86400 * S;
	struct device d = {.last_seen = T0 + ahead};
	id_text node;
	msec handshake;
	struct link got;

	id_copy(d.id, dev);
	for (int restart = 0; restart < 2; restart++) {
		struct links l = {0};

		if (restart) {
			links_load_device(&l, &d, T0);
		} else {
			beat(&l, gw1, 1, dev, 100, 10, T0 + ahead, T0 + ahead);
			links_clock_back(&l, T0);
		}
		links_get(&l, dev, T0 + 300 * S, 0, &got);
		assert_int_equal(got.last_seen, T0);
		assert_int_not_equal(got.state, LINK_ONLINE);
		links_get(&l, dev, T0 + 300 * S, 25, &got);
		assert_int_not_equal(got.state, LINK_ONLINE);
		beat(&l, gw2, 1, dev, 7, 7, T0 + 310 * S, T0 + 310 * S);
		assert_true(links_newest(&l, dev, node, &handshake));
		assert_string_equal(node, gw2);
		assert_int_equal(handshake, T0 + 310 * S);
		links_done(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_liveness),
		cmocka_unit_test(test_totals),
		cmocka_unit_test(test_totals_over_restart),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_presence),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_clock_set_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
