/* DOC: after a change of a key the end with the greater one sees to it that there is a session. */
#include "fake.h"

#include "agent/cross.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define LOW 1  /* a key below nearly any */
#define HIGH 2 /* and one above */

static struct item *with_key(unsigned n, uint8_t byte)
{
	struct item *i = peer_make(n, n);

	memset(i->peer.public_key.bytes, byte, KEY_LEN);
	return i;
}

static void fetch(struct world *w, uint64_t revision, struct item *low, struct item *high)
{
	struct state s;

	state_base(&s, revision);
	state_put(&s, low);
	state_put(&s, high);
	core_replace(&w->core, &s);
	assert_null(w->core.error);
}

/* Both have got a handshake that came to nothing. */
static void messages(struct world *w)
{
	static const uint8_t bytes[] = {1, 254};

	for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
		struct public_key key;

		memset(key.bytes, bytes[i], KEY_LEN);
		wg_memory_observe(w->fake.wg, "warren0", &key, 0, 148, 92);
	}
}

static uint64_t heard(struct world *w, uint8_t byte)
{
	struct wg_device d = {0};
	uint64_t rx = UINT64_MAX;

	assert_int_equal(w->fake.wg->ops->read(w->fake.wg, "warren0", &d, NULL), 0);
	VEC_FOREACH (p, &d.peers)
		if (p->public_key.bytes[0] == byte) {
			assert_int_equal(p->allowed_ips.n, 1);
			assert_int_equal(p->keepalive, 25);
			rx = p->rx;
		}
	wg_device_done(&d);
	return rx;
}

static bool look(struct world *w)
{
	return cross_look(&w->machine, &w->core.desired.items);
}

static void rekey(struct world *w)
{
	struct core_corrections none = {0};

	fetch(w, 1, peer_make(LOW, LOW), peer_make(HIGH, HIGH));
	assert_int_equal(core_reconcile(&w->core, &none, NULL), 0);
	assert_int_equal(w->machine.crosses.n, 0); /* new peers have no old session to wait for */
	fetch(w, 2, with_key(LOW, 1), with_key(HIGH, 254));
	assert_int_equal(w->machine.crosses.n, 2);
	messages(w);
}

static void who_has_the_greater_key_begins_anew(void **state)
{
	struct world *w = *state;

	rekey(w);
	for (unsigned looks = 1; looks < CROSS_PATIENCE; looks++) {
		assert_true(look(w));
		assert_int_equal(heard(w, 1), 148); /* the other end may be about to follow */
	}
	assert_true(look(w));
	assert_int_equal(heard(w, 1), 0); /* put in anew */
	assert_int_equal(heard(w, 254), 148);
	assert_converged(w);
}

static void a_session_ends_it(void **state)
{
	struct world *w = *state;
	struct public_key low, high;

	rekey(w);
	memset(low.bytes, 1, KEY_LEN);
	memset(high.bytes, 254, KEY_LEN);
	wg_memory_observe(w->fake.wg, "warren0", &low, clock_wall(w->machine.clock), 148, 92);
	wg_memory_observe(w->fake.wg, "warren0", &high, clock_wall(w->machine.clock), 148, 92);
	assert_true(look(w));
	wg_memory_observe(w->fake.wg, "warren0", &low, clock_wall(w->machine.clock), 180, 92);
	wg_memory_observe(w->fake.wg, "warren0", &high, clock_wall(w->machine.clock), 180, 92);
	assert_false(look(w));
	assert_int_equal(heard(w, 1), 180);
	assert_int_equal(w->machine.crosses.n, 0);
}

/* An engine lost the half of a session in which it hears. */
static void a_session_without_a_packet_is_made_anew_once(void **state)
{
	struct world *w = *state;
	struct public_key low, high;
	unsigned looks = 0;

	rekey(w);
	memset(low.bytes, 1, KEY_LEN);
	memset(high.bytes, 254, KEY_LEN);
	wg_memory_observe(w->fake.wg, "warren0", &low, clock_wall(w->machine.clock), 148, 92);
	wg_memory_observe(w->fake.wg, "warren0", &high, clock_wall(w->machine.clock), 148, 92);
	for (; heard(w, 1) == 148; looks++)
		assert_true(look(w));
	assert_int_equal(looks, CROSS_LOOKS + 1);
	assert_int_equal(heard(w, 254), 148); /* the other end may be quicker */
	assert_true(look(w));
	assert_int_equal(heard(w, 254), 0);
	assert_converged(w);
	wg_memory_observe(w->fake.wg, "warren0", &low, clock_wall(w->machine.clock), 148, 92);
	wg_memory_observe(w->fake.wg, "warren0", &high, clock_wall(w->machine.clock), 148, 92);
	assert_true(look(w));
	assert_false(look(w));
	assert_int_equal(heard(w, 1), 148);
	assert_int_equal(heard(w, 254), 148);
}

static void who_is_away_is_left_alone_after_a_while(void **state)
{
	struct world *w = *state;
	unsigned looks = 1;

	rekey(w);
	while (look(w))
		assert_in_range(++looks, 2, CROSS_LOOKS + 1);
	assert_int_equal(looks, CROSS_LOOKS + 1);
	assert_int_equal(w->machine.crosses.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
		T(who_has_the_greater_key_begins_anew),
		T(a_session_ends_it),
		T(a_session_without_a_packet_is_made_anew_once),
		T(who_is_away_is_left_alone_after_a_while),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
