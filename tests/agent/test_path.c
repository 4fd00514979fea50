/* DOC: paths: the moves of one, and the routes that follow them on a machine in memory. */
#include "agent/seek.h"
#include "fake.h"
#include "model/names.h"

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
	unsigned is;
};
enum { OWED = 1, DETOUR = 2 }; /* the peer is owed an answer; relays have brought packets */

static void walk(const char *name, uint16_t keepalive, const struct step *steps, size_t n)
{
	struct path s = {0};

	for (size_t i = 0; i < n; i++) {
		struct wg_peer p = {.keepalive = keepalive, .rx = steps[i].rx, .tx = steps[i].tx};
		bool answer;

		if (steps[i].handshake != 0)
			p.last_handshake = WALL0 + steps[i].handshake;
		answer = path_step(&s, &p,
			&(struct path_look){.mono = T0 + steps[i].at,
				.wall = WALL0 + steps[i].at,
				.detour = (steps[i].is & DETOUR) != 0});
		if (s.state != steps[i].want || answer != ((steps[i].is & OWED) != 0))
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
	WALK("never heard", 25, {0, 0, 0, 0, PATH_PROBING, 0}, {5000, 0, 148, 0, PATH_PROBING, 0},
		{60000, 0, 1480, 0, PATH_PROBING, 0});
	WALK("comes up, idles", 25, {0, 0, 148, 0, PATH_PROBING, 0},
		{1000, 92, 180, 900, PATH_ALIVE, 0}, {25000, 124, 212, 900, PATH_ALIVE, 0},
		{50000, 156, 244, 900, PATH_ALIVE, 0}, {100000, 188, 276, 900, PATH_ALIVE, 0});
	WALK("sends into silence, then a new handshake", 25, {0, 92, 180, 1, PATH_ALIVE, 0},
		{1000, 92, 1180, 1, PATH_ALIVE, 0}, {6999, 92, 9180, 1, PATH_ALIVE, 0},
		{7000, 92, 10180, 1, PATH_DEAD, 0},
		/* what still trickles in is no proof that we are heard */
		{18000, 192, 10180, 1, PATH_DEAD, OWED}, {20000, 284, 10360, 19500, PATH_ALIVE, 0});
	WALK("answered late, once", 25, {0, 92, 180, 1, PATH_ALIVE, 0},
		{1000, 92, 1180, 1, PATH_ALIVE, 0}, {7000, 92, 2180, 1, PATH_DEAD, 0},
		{11000, 124, 2180, 1, PATH_ALIVE, 0}, {12000, 124, 3180, 1, PATH_ALIVE, 0},
		{18000, 124, 4180, 1, PATH_DEAD, 0}, {20000, 156, 4180, 1, PATH_DEAD, 0});
	WALK("keepalives want no answer", 25, {0, 92, 180, 1, PATH_ALIVE, 0},
		{1000, 92, 212, 1, PATH_ALIVE, 0}, {20000, 92, 244, 1, PATH_ALIVE, 0});
	WALK("silent for three keepalives", 25, {0, 92, 180, 1, PATH_ALIVE, 0},
		{74000, 92, 212, 1, PATH_ALIVE, 0}, {75000, 92, 212, 1, PATH_DEAD, 0});
	WALK("no session", 0, {0, 92, 180, 1, PATH_ALIVE, 0}, {190000, 92, 180, 1, PATH_ALIVE, 0},
		{195000, 92, 180, 1, PATH_DEAD, 0});
	WALK("one way only: somebody must answer", 25, {0, 92, 180, 1, PATH_ALIVE, 0},
		{200, 1092, 180, 1, PATH_ALIVE, 0}, {400, 2092, 180, 1, PATH_ALIVE, OWED},
		{600, 3092, 212, 1, PATH_ALIVE, 0}, {800, 4092, 212, 1, PATH_ALIVE, 0},
		{1000, 5092, 212, 1, PATH_ALIVE, OWED});
	WALK("likewise, when looks are far between", 25, {0, 92, 180, 1, PATH_ALIVE, 0},
		{1000, 1092, 180, 1, PATH_ALIVE, OWED});
	WALK("an old handshake, found at start", 25, {400000, 92, 180, 1, PATH_PROBING, 0},
		{401000, 184, 180, 1, PATH_PROBING, 0}, {402000, 184, 360, 401900, PATH_ALIVE, 0});
}

static void failures(void **state)
{
	WALK("a conversation breaks off", 25, {0, 92, 180, 1, PATH_ALIVE, 0},
		{200, 292, 380, 1, PATH_ALIVE, 0}, {400, 292, 580, 1, PATH_ALIVE, 0},
		{600, 292, 780, 1, PATH_ALIVE, 0}, {800, 292, 980, 1, PATH_ALIVE, 0},
		{1399, 292, 1180, 1, PATH_ALIVE, 0}, {1400, 292, 1180, 1, PATH_DEAD, 0},
		{5000, 292, 1328, 1, PATH_DEAD, 0}, {9000, 384, 1500, 8900, PATH_ALIVE, 0});
	WALK("the other end goes by a relay", 25, {0, 92, 180, 1, PATH_ALIVE, 0},
		{200, 292, 380, 1, PATH_ALIVE, 0}, {400, 292, 380, 1, PATH_ALIVE, 0},
		{1600, 292, 580, 1, PATH_ALIVE, DETOUR}, {1800, 292, 780, 1, PATH_ALIVE, DETOUR},
		{1999, 292, 980, 1, PATH_ALIVE, DETOUR}, {2000, 292, 980, 1, PATH_DEAD, DETOUR});
	WALK("likewise, after a long silence", 25, {0, 292, 380, 1, PATH_ALIVE, 0},
		{14000, 292, 580, 1, PATH_ALIVE, DETOUR}, {14200, 292, 780, 1, PATH_ALIVE, DETOUR},
		{14400, 292, 980, 1, PATH_DEAD, DETOUR});
	WALK("relays bring packets of others", 25, {0, 92, 180, 1, PATH_ALIVE, 0},
		{200, 292, 380, 1, PATH_ALIVE, DETOUR}, {400, 292, 580, 1, PATH_ALIVE, DETOUR},
		{600, 492, 780, 1, PATH_ALIVE, DETOUR}, {800, 492, 980, 1, PATH_ALIVE, DETOUR},
		{1000, 692, 1180, 1, PATH_ALIVE, DETOUR});
	WALK("relays bring packets, and one is sent to a peer that has not spoken", 25,
		{0, 32, 180, 1, PATH_ALIVE, 0}, {20000, 64, 380, 1, PATH_ALIVE, DETOUR},
		{20200, 64, 580, 1, PATH_ALIVE, DETOUR}, {20400, 64, 780, 1, PATH_ALIVE, DETOUR},
		{21200, 96, 980, 1, PATH_ALIVE, DETOUR}, {22000, 96, 1180, 1, PATH_ALIVE, DETOUR});
	WALK("sent to one that has not spoken", 25, {0, 32, 180, 1, PATH_ALIVE, 0},
		{20000, 64, 212, 1, PATH_ALIVE, 0}, {20200, 64, 580, 1, PATH_ALIVE, 0},
		{20400, 64, 780, 1, PATH_ALIVE, 0}, {20600, 64, 980, 1, PATH_ALIVE, 0},
		{24199, 64, 980, 1, PATH_ALIVE, 0}, {24200, 64, 980, 1, PATH_DEAD, 0});
	WALK("the first looks after idling are far between", 25, {0, 292, 380, 1, PATH_ALIVE, 0},
		{20000, 324, 412, 1, PATH_ALIVE, 0}, {21000, 324, 1412, 1, PATH_ALIVE, 0},
		{22000, 324, 2412, 1, PATH_ALIVE, 0}, {22900, 356, 3412, 1, PATH_ALIVE, 0});
	WALK("one packet was lost", 25, {0, 92, 180, 1, PATH_ALIVE, 0},
		{200, 292, 380, 1, PATH_ALIVE, 0}, {400, 292, 580, 1, PATH_ALIVE, DETOUR},
		{600, 292, 580, 1, PATH_ALIVE, DETOUR}, {6399, 292, 580, 1, PATH_ALIVE, DETOUR},
		{6400, 292, 580, 1, PATH_DEAD, DETOUR});
	WALK("a false alarm is made good by an empty packet, and makes patient", 25,
		{0, 292, 380, 1, PATH_ALIVE, 0}, {200, 292, 580, 1, PATH_ALIVE, 0},
		{400, 292, 780, 1, PATH_ALIVE, 0}, {600, 292, 980, 1, PATH_ALIVE, 0},
		{1200, 292, 980, 1, PATH_DEAD, 0}, {1400, 324, 980, 1, PATH_ALIVE, 0},
		{1600, 524, 1180, 1, PATH_ALIVE, 0}, {1800, 524, 1380, 1, PATH_ALIVE, 0},
		{2000, 524, 1580, 1, PATH_ALIVE, 0}, {2200, 524, 1780, 1, PATH_ALIVE, 0},
		{7799, 524, 1980, 1, PATH_ALIVE, 0}, {7800, 524, 1980, 1, PATH_DEAD, 0},
		{8000, 556, 1980, 1, PATH_DEAD, 0});
	WALK("cut one way only: what arrives answers what went round", 25,
		{0, 292, 380, 1, PATH_ALIVE, 0}, {200, 292, 580, 1, PATH_ALIVE, 0},
		{400, 292, 780, 1, PATH_ALIVE, 0}, {600, 292, 980, 1, PATH_ALIVE, 0},
		{1200, 292, 980, 1, PATH_DEAD, 0}, {1400, 492, 980, 1, PATH_DEAD, 0},
		{1600, 692, 980, 1, PATH_DEAD, OWED});
	WALK("the other end is content with this path", 25, {0, 292, 380, 1, PATH_ALIVE, 0},
		{200, 292, 580, 1, PATH_ALIVE, 0}, {400, 292, 780, 1, PATH_ALIVE, 0},
		{600, 292, 980, 1, PATH_ALIVE, 0}, {1200, 292, 980, 1, PATH_DEAD, 0},
		{2400, 492, 1012, 1, PATH_DEAD, 0}, {3200, 692, 1044, 1, PATH_ALIVE, 0});
	/* the session's pardon is used up */
	WALK("the other end stays with this path", 25, {0, 92, 180, 1, PATH_ALIVE, 0},
		{1000, 92, 1180, 1, PATH_ALIVE, 0}, {7000, 92, 2180, 1, PATH_DEAD, 0},
		{11000, 124, 2180, 1, PATH_ALIVE, 0}, {12000, 124, 3180, 1, PATH_ALIVE, 0},
		{18000, 124, 4180, 1, PATH_DEAD, 0}, {20000, 324, 4212, 1, PATH_DEAD, 0},
		{22000, 524, 4244, 1, PATH_DEAD, 0}, {24000, 724, 4276, 1, PATH_DEAD, 0},
		{26000, 924, 4308, 1, PATH_DEAD, 0}, {27999, 1124, 4340, 1, PATH_DEAD, 0},
		{29000, 1324, 4372, 1, PATH_ALIVE, 0});
	WALK("it pauses, and may have turned", 25, {0, 92, 180, 1, PATH_ALIVE, 0},
		{1000, 92, 1180, 1, PATH_ALIVE, 0}, {7000, 92, 2180, 1, PATH_DEAD, 0},
		{11000, 124, 2180, 1, PATH_ALIVE, 0}, {12000, 124, 3180, 1, PATH_ALIVE, 0},
		{18000, 124, 4180, 1, PATH_DEAD, 0}, {20000, 324, 4212, 1, PATH_DEAD, 0},
		{22000, 524, 4244, 1, PATH_DEAD, 0}, {24001, 724, 4276, 1, PATH_DEAD, 0},
		{26000, 924, 4308, 1, PATH_DEAD, 0}, {28000, 1124, 4340, 1, PATH_DEAD, 0},
		{29000, 1156, 4372, 1, PATH_DEAD, 0});
	WALK("a packet right behind the handshake wants an answer, too", 0,
		{0, 0, 0, 0, PATH_PROBING, 0}, {1000, 276, 92, 900, PATH_ALIVE, OWED},
		{2000, 276, 124, 900, PATH_ALIVE, 0});
	WALK("a handshake is no speech", 25, {0, 0, 0, 0, PATH_PROBING, 0},
		{1000, 92, 180, 900, PATH_ALIVE, 0}, {1200, 92, 380, 900, PATH_ALIVE, 0},
		{1400, 92, 580, 900, PATH_ALIVE, 0}, {1600, 92, 780, 900, PATH_ALIVE, 0},
		{5199, 92, 780, 900, PATH_ALIVE, 0}, {5200, 92, 780, 900, PATH_DEAD, 0});
}

/* One-way traffic for a minute, which the other agent answers, and nothing at all for another: no
 * look finds it dead, however the looks of the two ends lie. */
static void no_false_alarms(void **state)
{
	for (msec shift = 0; shift < PATH_LOOK; shift += 50) {
		struct path here = {0}, there = {0};
		struct wg_peer a = {.keepalive = 25, .last_handshake = WALL0, .rx = 92, .tx = 180};
		struct wg_peer b = {.keepalive = 25, .last_handshake = WALL0, .rx = 180, .tx = 92};
		msec look_a = 0, look_b = shift;

		for (msec t = 0; t < 120000; t += 10) {
			struct path_look now = {.mono = T0 + t, .wall = WALL0 + t, .detour = true};
			bool sends = t > 2000 && t < 60000;

			if (sends && t % 100 == 0)
				b.rx += 128, a.tx += 128;
			if (t % 25000 == 0) {
				a.rx += 32, a.tx += 32;
				b.rx += 32, b.tx += 32;
			}
			if (t >= look_a) {
				path_step(&here, &a, &now);
				look_a = t + (sends && t > 3000 ? PATH_LOOK_FLOW : PATH_LOOK);
			}
			if (t >= look_b) {
				if (path_step(&there, &b, &now))
					b.tx += 32, a.rx += 32;
				look_b = t + (sends && t > 3000 ? PATH_LOOK_FLOW : PATH_LOOK);
			}
			if (here.state != PATH_ALIVE || there.state == PATH_DEAD)
				fail_msg("dead after %d ms, shift %d", (int)t, (int)shift);
		}
	}
}

/* --- sessions that are made anew -------------------------------------------------------------- */

/* A path dies after 7 s; then a look each second. When is its session made anew? */
static void sessions_are_made_anew(void **state)
{
	static const struct {
		const char *name;
		msec data_until; /* the other end goes on sending until then */
		msec session;    /* age of the session at its death */
		bool second;
		msec want; /* after the death; 0 = never */
	} rows[] = {
		{"nothing comes", 0, 0, false, PATH_RENEW},
		{"the other end begins", 0, 0, true, PATH_RENEW + PATH_RENEW_SECOND},
		/* what comes is taken by the session that there is */
		{"data goes on for a while", 5000, 0, false, 5000 + PATH_RENEW},
		{"WireGuard makes a new one by itself", 0, PATH_SESSION - 2000, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wg_peer p = {.keepalive = 25, .rx = 92, .tx = 180, .last_handshake = WALL0};
		struct path s = {0};
		msec asked = 0, died = T0 + 7000;

		for (msec t = T0; t < T0 + 60000; t += 1000) {
			struct path_look now = {.mono = t,
				.wall = WALL0 + (t - T0) +
					(rows[i].session > 0 ? rows[i].session - 7000 : 0)};

			s.pardoned = s.handshake;
			if (t == T0 + 1000)
				p.tx += 1000;
			if (t > died && t <= died + rows[i].data_until)
				p.rx += 1000;
			path_step(&s, &p, &now);
			if (t >= died && t > died + rows[i].data_until)
				assert_int_equal(s.state, PATH_DEAD);
			if (path_renews(&s, &p, t, rows[i].second)) {
				assert_int_equal(asked, 0); /* once */
				asked = t;
				s.renewed = p.last_handshake;
			}
		}
		if (asked != (rows[i].want == 0 ? 0 : died + rows[i].want))
			fail_msg("%s: after %d ms", rows[i].name, (int)(asked - died));
	}
}

/* What comes after it was taken out: others' attempts prove nothing, a handshake does. */
static void a_renewed_path_waits_for_a_handshake(void **state)
{
	(void)state;
	WALK("renewed", 25, {0, 92, 180, 1, PATH_ALIVE, 0}, {1000, 92, 1180, 1, PATH_ALIVE, 0},
		{7000, 92, 2180, 1, PATH_DEAD, 0}, {17000, 0, 148, 0, PATH_DEAD, 0},
		{18000, 148, 148, 0, PATH_DEAD, 0}, {19000, 296, 240, 0, PATH_DEAD, 0},
		{20000, 388, 400, 19900, PATH_ALIVE, 0});
}

/* --- routes ----------------------------------------------------------------------------------- */

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

/* --- hints ------------------------------------------------------------------------------------ */

#define FAR "203.0.113.7:4711"
#define NEAR "192.168.1.5:51820"

static struct item *hinted_peer(const char *endpoint, const char *near, uint32_t generation)
{
	struct item *i = peer_make(1, 1);

	mem_free(i->peer.endpoint);
	mem_free(i->peer.near_endpoint);
	i->peer.endpoint = mem_strdup(endpoint);
	i->peer.near_endpoint = mem_strdup(near);
	i->peer.generation = generation;
	i->peer.keepalive = 25;
	return i;
}

static void tell(struct world *w, struct item *peer)
{
	struct delta d = {
		.previous = w->core.desired.revision, .revision = w->core.desired.revision + 1};

	VEC_PUSH(&d.put, peer);
	core_queue(&w->core, &d);
	core_flush(&w->core);
}

static void bring_up_hinted(struct world *w, struct item *peer)
{
	struct core_corrections none = {0};
	struct state s;
	struct err e = {0};

	w->clock.fake_wall = WALL0; /* the beginning of an even turn */
	state_base(&s, 1);
	state_put(&s, peer);
	state_put(&s, watched_route());
	state_put(&s, relay_route());
	core_replace(&w->core, &s);
	if (core_reconcile(&w->core, &none, &e) < 0)
		fail_msg("%s", e.text);
}

/* The one peer that there is. */
static struct wg_peer peer_now(struct world *w)
{
	struct wg_device d = {0};
	struct wg_peer p;

	assert_int_equal(w->fake.wg->ops->read(w->fake.wg, "warren0", &d, NULL), 0);
	assert_int_equal(d.peers.n, 1);
	p = d.peers.v[0];
	p.allowed_ips = (struct prefix_vec){0};
	wg_device_done(&d);
	return p;
}

static struct addr endpoint_of(struct world *w)
{
	return peer_now(w).endpoint_addr;
}

static void expect_at(struct world *w, const char *want)
{
	struct wg_peer p = peer_now(w);
	CLEANUP(buf_done) struct buf at = {0};
	char host[ADDR_TEXT_LEN];

	endpoint_join(addr_format(p.endpoint_addr, host), p.endpoint_port, &at);
	assert_string_equal(buf_str(&at), want);
}

static void pass(struct world *w, msec time)
{
	struct core_corrections none = {0};
	struct err e = {0};

	w->clock.fake_mono += time;
	w->clock.fake_wall += time;
	core_choose(&w->core);
	/* a reconcile in between changes nothing of it */
	assert_int_equal(core_reconcile(&w->core, &none, &e), 0);
	core_corrections_done(&none);
}

static void two_hints_are_tried_by_turns(void **state)
{
	struct world *w = *state;
	unsigned changes = 0;

	bring_up_hinted(w, hinted_peer(FAR, NEAR, 1));
	expect_at(w, NEAR);
	pass(w, SEEK_TURN - 1);
	expect_at(w, NEAR);
	pass(w, 1);
	expect_at(w, FAR);
	pass(w, SEEK_TURN / 2);
	expect_at(w, FAR);
	pass(w, SEEK_TURN / 2);
	expect_at(w, NEAR);
	/* seldom, when it has been in vain for long */
	pass(w, SEEK_LONG);
	for (msec t = 0; t < 10 * SEEK_TURN_LONG; t += SEEK_TURN) {
		struct addr before = endpoint_of(w);

		pass(w, SEEK_TURN);
		changes += addr_compare(before, endpoint_of(w)) != 0;
	}
	assert_int_equal(changes, 10);
}

static void a_live_path_keeps_its_endpoint(void **state)
{
	struct world *w = *state;

	bring_up_hinted(w, hinted_peer(FAR, NULL, 1));
	hear(w, 92, 180, clock_wall(&w->clock));
	core_choose(&w->core);
	tell(w, hinted_peer("198.51.100.1:1", NEAR, 2));
	pass(w, SEEK_TURN);
	expect_at(w, FAR);
	/* when it dies, what was told last is tried at once */
	hear(w, 92, 1180, w->clock.fake_wall - SEEK_TURN);
	pass(w, PATH_LOOK);
	pass(w, PATH_UNANSWERED);
	pass(w, PATH_LOOK);
	expect_at(w, NEAR);
}

static void one_hint_is_tried_once(void **state)
{
	struct world *w = *state;

	bring_up_hinted(w, hinted_peer(FAR, NULL, 1));
	expect_at(w, FAR);
	tell(w, hinted_peer("198.51.100.1:1", NULL, 2));
	core_choose(&w->core);
	expect_at(w, "198.51.100.1:1");
	tell(w, hinted_peer(NULL, NEAR, 3));
	core_choose(&w->core);
	expect_at(w, NEAR);
}

/* The peer goes in as it was, but for its session. */
static void a_dead_session_is_made_anew(void **state)
{
	struct world *w = *state;
	msec shaken;

	bring_up_hinted(w, hinted_peer(FAR, NULL, 1));
	shaken = clock_wall(&w->clock);
	hear(w, 92, 180, shaken);
	core_choose(&w->core);
	hear(w, 92, 1180, shaken);
	pass(w, PATH_LOOK);
	pass(w, PATH_UNANSWERED);
	assert_false(routed(w, 0));
	pass(w, PATH_RENEW - PATH_LOOK);
	assert_int_equal(peer_now(w).last_handshake, shaken);
	pass(w, PATH_LOOK + PATH_RENEW_SECOND);
	assert_int_equal(peer_now(w).last_handshake, 0);
	assert_int_equal(peer_now(w).keepalive, 25);
	expect_at(w, FAR);
	assert_converged(w);
	hear(w, 184, 240, clock_wall(&w->clock));
	assert_true(core_choose(&w->core) & PATHS_TURNED);
	assert_true(routed(w, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves),
		cmocka_unit_test(failures),
		cmocka_unit_test(no_false_alarms),
		cmocka_unit_test(sessions_are_made_anew),
		cmocka_unit_test(a_renewed_path_waits_for_a_handshake),
		cmocka_unit_test_setup_teardown(routes_follow_paths, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			a_restart_keeps_live_paths, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			a_live_path_stays_when_it_is_watched, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			two_hints_are_tried_by_turns, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			a_live_path_keeps_its_endpoint, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			one_hint_is_tried_once, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			a_dead_session_is_made_anew, world_setup, world_teardown),
	};

	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
