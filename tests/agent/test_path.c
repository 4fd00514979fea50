/* DOC: paths: the moves of one, and the routes that follow them on a machine in memory. */
#include "agent/path.h"
#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define T0 1000000 /* monotonic */
#define WALL0 1700000000000

/* What the device shows at a time; the path's state afterwards. */
struct step {
	msec at; /* after T0 */
	uint64_t rx, tx;
	msec handshake; /* its number; 0 = none yet */
	enum path_state want;
	bool answer; /* the peer is owed one */
};

static void walk(const char *name, uint16_t keepalive, const struct step *steps, size_t n)
{
	struct path s = {0};

	for (size_t i = 0; i < n; i++) {
		struct wg_peer p = {.keepalive = keepalive, .rx = steps[i].rx, .tx = steps[i].tx};
		bool answer;

		if (steps[i].handshake != 0)
			p.last_handshake = WALL0 + steps[i].handshake;
		answer = path_step(&s, &p, T0 + steps[i].at, WALL0 + steps[i].at);
		if (s.state != steps[i].want || answer != steps[i].answer)
			fail_msg("%s, step %zu: state %d, answer %d", name, i, s.state, answer);
	}
}

#define WALK(name, keepalive, ...)                                \
	do {                                                      \
		static const struct step steps[] = {__VA_ARGS__}; \
		walk(name, keepalive, steps, ARRAY_LEN(steps));   \
	} while (0)

static void moves(void **state)
{
	WALK("never heard", 25, {0, 0, 0, 0, PATH_PROBING, false},
		{5000, 0, 148, 0, PATH_PROBING, false}, {60000, 0, 1480, 0, PATH_PROBING, false});
	WALK("comes up, idles", 25, {0, 0, 148, 0, PATH_PROBING, false},
		{1000, 92, 180, 900, PATH_ALIVE, false}, {25000, 124, 212, 900, PATH_ALIVE, false},
		{50000, 156, 244, 900, PATH_ALIVE, false},
		{100000, 188, 276, 900, PATH_ALIVE, false});
	WALK("sends into silence, then a new handshake", 25, {0, 92, 180, 1, PATH_ALIVE, false},
		{1000, 92, 1180, 1, PATH_ALIVE, false}, {6999, 92, 9180, 1, PATH_ALIVE, false},
		{7000, 92, 10180, 1, PATH_DEAD, false},
		/* what still trickles in is no proof that we are heard */
		{18000, 192, 10180, 1, PATH_DEAD, false},
		{20000, 284, 10360, 19500, PATH_ALIVE, false});
	WALK("answered late, once", 25, {0, 92, 180, 1, PATH_ALIVE, false},
		{1000, 92, 1180, 1, PATH_ALIVE, false}, {7000, 92, 2180, 1, PATH_DEAD, false},
		{11000, 124, 2180, 1, PATH_ALIVE, false}, {12000, 124, 3180, 1, PATH_ALIVE, false},
		{18000, 124, 4180, 1, PATH_DEAD, false}, {20000, 156, 4180, 1, PATH_DEAD, false});
	WALK("keepalives want no answer", 25, {0, 92, 180, 1, PATH_ALIVE, false},
		{1000, 92, 212, 1, PATH_ALIVE, false}, {20000, 92, 244, 1, PATH_ALIVE, false});
	WALK("silent for three keepalives", 25, {0, 92, 180, 1, PATH_ALIVE, false},
		{74000, 92, 212, 1, PATH_ALIVE, false}, {75000, 92, 212, 1, PATH_DEAD, false});
	WALK("no session", 0, {0, 92, 180, 1, PATH_ALIVE, false},
		{190000, 92, 180, 1, PATH_ALIVE, false}, {195000, 92, 180, 1, PATH_DEAD, false});
	WALK("one way only: somebody must answer", 25, {0, 92, 180, 1, PATH_ALIVE, false},
		{1000, 1092, 180, 1, PATH_ALIVE, false}, {2000, 2092, 180, 1, PATH_ALIVE, true},
		{3000, 3092, 212, 1, PATH_ALIVE, false}, {4000, 4092, 212, 1, PATH_ALIVE, false},
		{5000, 5092, 212, 1, PATH_ALIVE, true});
	WALK("an old handshake, found at start", 25, {400000, 92, 180, 1, PATH_PROBING, false},
		{401000, 184, 180, 1, PATH_PROBING, false},
		{402000, 184, 360, 401900, PATH_ALIVE, false});
}

/* --- routes ----------------------------------------------------------------------------------- */

static int setup(void **state)
{
	struct world *w = NEW(struct world);

	world_init(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_done(*state);
	mem_free(*state);
	return 0;
}

static bool routed(const struct world *w, uint32_t metric)
{
	VEC_FOREACH (r, &w->fake.routes)
		if (r->metric == metric)
			return true;
	return false;
}

static struct item *relay_route(void)
{
	struct item *i = route_make(1);

	i->route.metric = 2001;
	return i;
}

static struct item *watched_route(void)
{
	struct item *i = route_make(1), *peer = peer_make(1, 1);

	id_copy(i->route.peer, peer->peer.id);
	item_free(peer);
	return i;
}

/* Peer 1 with a static route of a high metric and a watched one. */
static void bring_up(struct world *w)
{
	struct core_corrections none = {0};
	struct state s;
	struct err e = {0};

	state_base(&s, 1);
	state_put(&s, peer_make(1, 1));
	state_put(&s, watched_route());
	state_put(&s, relay_route());
	core_replace(&w->core, &s);
	if (core_reconcile(&w->core, &none, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(none.n, 0);
}

static void hear(struct world *w, uint64_t rx, uint64_t tx, msec handshake)
{
	struct public_key key;

	key_of(1, &key);
	wg_memory_observe(w->fake.wg, "warren0", &key, handshake, rx, tx);
}

static void routes_follow_paths(void **state)
{
	struct world *w = *state;
	struct core_corrections none = {0};
	struct err e = {0};

	bring_up(w);
	assert_true(routed(w, 2001));
	assert_false(routed(w, 0));
	assert_converged(w);
	hear(w, 92, 180, clock_wall(&w->clock));
	assert_true(core_choose(&w->core) & PATHS_TURNED);
	assert_true(routed(w, 0) && routed(w, 2001));
	assert_int_equal(core_choose(&w->core), 0);
	assert_converged(w);
	/* gone by itself: not drift, and nothing that a reconcile brings back */
	hear(w, 92, 1180, clock_wall(&w->clock));
	core_choose(&w->core);
	w->clock.fake_mono += PATH_UNANSWERED;
	assert_true(core_choose(&w->core) & PATHS_TURNED);
	assert_false(routed(w, 0));
	assert_true(routed(w, 2001));
	assert_int_equal(core_reconcile(&w->core, &none, &e), 0);
	assert_int_equal(none.n, 0);
	assert_false(routed(w, 0));
}

static void a_restart_keeps_live_paths(void **state)
{
	struct world *w = *state;
	struct core_corrections none = {0};
	struct err e = {0};

	bring_up(w);
	hear(w, 92, 180, clock_wall(&w->clock));
	core_choose(&w->core);
	assert_true(routed(w, 0));
	world_restart(w);
	assert_int_equal(core_reconcile(&w->core, &none, &e), 0);
	assert_true(routed(w, 0));
	core_corrections_done(&none);
}

/* The first controller of a network turns a plain route into a watched one. */
static void a_live_path_stays_when_it_is_watched(void **state)
{
	struct world *w = *state;
	struct core_corrections none = {0};
	struct delta d = {.previous = 1, .revision = 2};
	struct state s;
	struct err e = {0};

	state_base(&s, 1);
	state_put(&s, peer_make(1, 1));
	state_put(&s, route_make(1));
	core_replace(&w->core, &s);
	assert_int_equal(core_reconcile(&w->core, &none, &e), 0);
	hear(w, 92, 180, clock_wall(&w->clock));
	VEC_PUSH(&d.put, watched_route());
	core_queue(&w->core, &d);
	core_flush(&w->core);
	assert_true(routed(w, 0));
	assert_converged(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves),
		cmocka_unit_test_setup_teardown(routes_follow_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(a_restart_keeps_live_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_live_path_stays_when_it_is_watched, setup, teardown),
	};

	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
