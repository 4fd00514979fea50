/* DOC: a peer gets a new key, step by step, with the agent stopped and the control plane repeating
 * itself in between. */
#include "fake.h"

#include "agent/rotate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define OLD 2
#define NEXT 52

/* Peer 2 with its next key announced, and the one that waits for it. */
static struct item *rotating_peer(void)
{
	struct item *i = peer_make(OLD, OLD);

	memset(i->peer.psk.bytes, 7, KEY_LEN);
	key_of(NEXT, &i->peer.next_public_key);
	memset(i->peer.next_psk.bytes, 8, KEY_LEN);
	return i;
}

static struct item *waiting_peer(void)
{
	struct item *p = peer_make(OLD, OLD), *i = item_new(ITEM_PEER, NET);

	memcpy(i->peer.interface, p->peer.interface, IFNAME_LEN);
	peer_next_id(p->peer.id, i->peer.id);
	key_of(NEXT, &i->peer.public_key);
	memcpy(i->peer.psk.bytes, i->peer.public_key.bytes, KEY_LEN);
	item_free(p);
	return i;
}

static struct item *rotated_peer(void)
{
	struct item *i = peer_make(OLD, NEXT);

	memset(i->peer.psk.bytes, 8, KEY_LEN);
	return i;
}

static void fetch(struct world *w, uint64_t revision, struct item *peer, struct item *waits)
{
	struct state s;

	state_base(&s, revision);
	state_put(&s, peer_make(1, 1));
	state_put(&s, route_make(1));
	state_put(&s, peer);
	state_put(&s, route_make(OLD));
	if (waits != NULL)
		state_put(&s, waits);
	core_replace(&w->core, &s);
}

/* Up with peers 1 and 2, and 2 has announced its next key. */
static void announce(struct world *w)
{
	struct core_corrections none = {0};
	struct err e = {0};

	fetch(w, 1, peer_make(OLD, OLD), NULL);
	if (core_reconcile(&w->core, &none, &e) < 0)
		fail_msg("%s", e.text);
	assert_false(rotate_pending(&w->core));
	fetch(w, 2, rotating_peer(), waiting_peer());
	assert_null(w->core.error);
	assert_true(rotate_pending(&w->core));
	assert_converged(w);
}

static void hear(struct world *w)
{
	struct public_key key;

	key_of(NEXT, &key);
	wg_memory_observe(w->fake.wg, "warren0", &key, 0, 148, 0); /* no session comes about */
}

/* At the first look something of the old key may still be under way. */
static void looks_twice(struct world *w)
{
	assert_int_equal(rotate_look(&w->core), 0);
	assert_int_equal(rotate_look(&w->core), 1);
}

/* The prefixes are at exactly one of the two keys; returns which. */
static unsigned holder(struct world *w, bool *ret_both)
{
	struct wg_device d = {0};
	const struct wg_peer *p;
	struct public_key key;
	unsigned at = 0, there = 0;
	static const unsigned keys[] = {OLD, NEXT};

	assert_int_equal(w->fake.wg->ops->read(w->fake.wg, "warren0", &d, NULL), 0);
	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		key_of(keys[k], &key);
		p = NULL;
		VEC_FOREACH (q, &d.peers)
			if (public_key_equal(&q->public_key, &key))
				p = q;
		there += p != NULL;
		if (p == NULL || p->allowed_ips.n == 0)
			continue;
		assert_int_equal(at, 0);
		at = keys[k];
		assert_int_equal(p->psk.bytes[0], keys[k] == OLD ? 7 : 8);
	}
	*ret_both = there == 2;
	wg_device_done(&d);
	return at;
}

static void expect(struct world *w, unsigned key, bool both)
{
	bool has_both;

	assert_int_equal(holder(w, &has_both), key);
	assert_int_equal(has_both, both);
	assert_null(w->core.error);
	assert_converged(w);
	assert_int_equal(holder(w, &has_both), key);
}

static void started(struct world *w)
{
	struct core_corrections none = {0};
	struct err e = {0};

	if (core_reconcile(&w->core, &none, &e) < 0)
		fail_msg("%s", e.text);
}

static void waits_until_it_is_heard(void **state)
{
	struct world *w = *state;

	announce(w);
	expect(w, OLD, true);
	assert_int_equal(rotate_look(&w->core), 0);
	expect(w, OLD, true);
	hear(w);
	looks_twice(w);
	expect(w, NEXT, false); /* P-2 */
	assert_false(rotate_pending(&w->core));
	assert_int_equal(rotate_look(&w->core), 0);
}

static void the_last_of_the_old_key_is_let_in(void **state)
{
	struct world *w = *state;
	struct public_key key;

	announce(w);
	hear(w);
	key_of(OLD, &key);
	for (unsigned i = 0; i < 3; i++) {
		wg_memory_observe(w->fake.wg, "warren0", &key, 0, 128 * (i + 1), 0);
		assert_int_equal(rotate_look(&w->core), 0);
		expect(w, OLD, true);
	}
	assert_int_equal(rotate_look(&w->core), 1);
	expect(w, NEXT, false);
}

/* Whoever has the old key, too, and goes on with it does not keep the next one out. */
static void an_old_key_that_goes_on_is_not_waited_for(void **state)
{
	struct world *w = *state;
	struct public_key key;
	unsigned looks = 1;

	announce(w);
	hear(w);
	key_of(OLD, &key);
	while (rotate_look(&w->core) == 0) {
		assert_in_range(++looks, 2, ROTATE_LAST + 1);
		wg_memory_observe(w->fake.wg, "warren0", &key, 0, 128 * looks, 0);
	}
	assert_int_equal(looks, ROTATE_LAST + 1);
	expect(w, NEXT, false);
}

static void what_moved_stays_moved(void **state)
{
	struct world *w = *state;
	struct delta d = {.previous = 2, .revision = 3};
	struct item *elsewhere = rotating_peer();
	struct wg_device device;

	announce(w);
	hear(w);
	looks_twice(w);
	fetch(w, 2, rotating_peer(), waiting_peer()); /* the control plane does not know yet */
	expect(w, NEXT, false);
	world_restart(w);
	started(w);
	expect(w, NEXT, false);
	elsewhere->peer.keepalive = 7;
	VEC_PUSH(&d.put, elsewhere);
	core_queue(&w->core, &d);
	core_flush(&w->core);
	delta_done(&d);
	expect(w, NEXT, false);
	assert_int_equal(device_peer(w, &device, NEXT)->keepalive, 7);
	wg_device_done(&device);
	fetch(w, 4, rotated_peer(), NULL); /* now it does */
	expect(w, NEXT, false);
}

/* The grace is over, or --now: whoever has not heard the new key swaps at once. */
static const struct wg_backend_ops *engine;
static unsigned moves;

/* An engine takes a change step by step, and packets come in between. */
static int in_order(
	struct wg_backend *b, const char *ifname, const struct wg_change *c, struct err *e)
{
	size_t put = SIZE_MAX, gone = SIZE_MAX;
	struct public_key old, next;

	key_of(OLD, &old);
	key_of(NEXT, &next);
	for (size_t i = 0; i < c->n_peers; i++) {
		const struct wg_peer_op *op = &c->peers[i];

		if ((op->flags & WG_PEER_ALLOWED_IPS) && public_key_equal(&op->public_key, &next))
			put = i;
		if ((op->flags & WG_PEER_REMOVE) && public_key_equal(&op->public_key, &old))
			gone = i;
	}
	if (gone != SIZE_MAX) {
		assert_true(put < gone);
		moves++;
	}
	return engine->change(b, ifname, c, e);
}

static void prefixes_are_never_without_a_peer(void **state)
{
	struct world *w = *state;
	struct wg_backend_ops watched = *w->fake.wg->ops;

	announce(w);
	hear(w);
	engine = w->fake.wg->ops;
	watched.change = in_order;
	w->fake.wg->ops = &watched;
	moves = 0;
	looks_twice(w);
	w->fake.wg->ops = engine;
	assert_int_equal(moves, 1);
	expect(w, NEXT, false);
}

static void ends_anyway(void **state)
{
	struct world *w = *state;

	announce(w);
	fetch(w, 3, rotated_peer(), NULL);
	expect(w, NEXT, false);
}

static void is_called_off(void **state)
{
	struct world *w = *state;
	struct item *peer = rotating_peer();

	announce(w);
	peer->peer.next_public_key = (struct public_key){0};
	secret_wipe(&peer->peer.next_psk);
	fetch(w, 3, peer, NULL);
	expect(w, OLD, false);
}

static void started_anew_at_each_step(void **state)
{
	struct world *w = *state;

	announce(w);
	world_restart(w);
	started(w);
	expect(w, OLD, true);
	assert_true(rotate_pending(&w->core));
	world_stop(w); /* the other end switches meanwhile */
	hear(w);
	world_start(w);
	started(w);
	looks_twice(w);
	expect(w, NEXT, false);
	world_restart(w);
	started(w);
	expect(w, NEXT, false);
}

/* Whatever call of the move fails, and the agent with it: one of the two keys works then, and after
 * the next look or reconcile it is the next one. */
static void move_that_fails(void **state)
{
	struct world *w = *state;
	bool both;

	announce(w);
	hear(w);
	for (unsigned nth = 1; nth < 6; nth++) {
		rotate_look(&w->core);
		wg_memory_fail_at(w->fake.wg, nth);
		rotate_look(&w->core);
		wg_memory_fail_at(w->fake.wg, 0);
		world_restart(w);
		core_reconcile(&w->core, &(struct core_corrections){0}, NULL);
		assert_int_not_equal(holder(w, &both), 0);
	}
	rotate_look(&w->core);
	started(w);
	expect(w, NEXT, false);
}

/* As the machine was before the move, which is saved. */
static void put_back(struct world *w)
{
	struct item *old = rotating_peer(), *waits = waiting_peer();
	struct wg_peer_op ops[] = {{.flags = WG_PEER_REMOVE},
		{.flags = WG_PEER_PSK | WG_PEER_ALLOWED_IPS},
		{.flags = WG_PEER_PSK | WG_PEER_ENDPOINT, .endpoint_port = 4711}};
	struct wg_change c = {.peers = ops, .n_peers = ARRAY_LEN(ops)};
	struct err e = {0};

	ops[0].public_key = ops[2].public_key = waits->peer.public_key;
	ops[1].public_key = old->peer.public_key;
	ops[1].psk = old->peer.psk;
	ops[1].allowed_ips = &old->peer.allowed_ips;
	ops[2].psk = waits->peer.psk;
	assert_int_equal(addr_parse("192.0.2.77", &ops[2].endpoint_addr), 0);
	if (w->fake.wg->ops->change(w->fake.wg, "warren0", &c, &e) < 0)
		fail_msg("%s", e.text);
	item_free(old);
	item_free(waits);
}

/* Who has answered with the wrong PSK may not speak for 5 s (wireguard-go counts an answer as an
 * attempt), and by then the other end may be at it, too. So nothing of the peer that waited stays
 * but where it was heard. */
static void killed_before_the_move_is_made(void **state)
{
	struct world *w = *state;
	struct item *behind_nat = rotating_peer();
	const struct wg_peer *p;
	struct wg_device d;
	char at[ADDR_TEXT_LEN];

	announce(w);
	mem_free(behind_nat->peer.endpoint);
	behind_nat->peer.endpoint = NULL;
	fetch(w, 3, behind_nat, waiting_peer());
	hear(w);
	looks_twice(w);
	world_stop(w);
	put_back(w);
	hear(w);
	world_start(w);
	started(w);
	expect(w, NEXT, false);
	p = device_peer(w, &d, NEXT);
	assert_int_equal(p->rx, 0);
	assert_string_equal(addr_format(p->endpoint_addr, at), "192.0.2.77");
	assert_int_equal(p->endpoint_port, 4711);
	assert_int_equal(p->keepalive, 25);
	wg_device_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
		T(waits_until_it_is_heard),
		T(the_last_of_the_old_key_is_let_in),
		T(an_old_key_that_goes_on_is_not_waited_for),
		T(what_moved_stays_moved),
		T(prefixes_are_never_without_a_peer),
		T(ends_anyway),
		T(is_called_off),
		T(started_anew_at_each_step),
		T(move_that_fails),
		T(killed_before_the_move_is_made),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
