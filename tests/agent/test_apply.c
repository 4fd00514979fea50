/* DOC: deltas, drift, expiry and crashes against a machine in memory. P- numbers: upstream facts.
 */
#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* Revision 1 with peers 1..n, applied and reconciled. */
static void bring_up(struct world *w, unsigned n)
{
	struct core_corrections none = {0};
	struct state s;
	struct err e = {0};

	state_base(&s, 1);
	for (unsigned k = 1; k <= n; k++) {
		state_put(&s, peer_make(k, k));
		state_put(&s, route_make(k));
	}
	core_replace(&w->core, &s);
	if (core_reconcile(&w->core, &none, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(none.n, 0); /* bringing up is not drift */
	assert_converged(w);
}

static void change(struct world *w, struct item *put, struct item *drop)
{
	struct delta d = {.previous = core_revision(&w->core)};

	d.revision = d.previous + 1;
	if (put != NULL)
		VEC_PUSH(&d.put, put);
	if (drop != NULL)
		VEC_PUSH(&d.drop, drop);
	core_queue(&w->core, &d);
	core_flush(&w->core);
}

static size_t peers(struct world *w)
{
	struct wg_device d = {0};
	size_t n;

	assert_int_equal(w->fake.wg->ops->read(w->fake.wg, "warren0", &d, NULL), 0);
	n = d.peers.n;
	wg_device_done(&d);
	return n;
}

static bool has_key(struct world *w, unsigned key)
{
	struct wg_device d;
	bool there = device_peer(w, &d, key) != NULL;

	wg_device_done(&d);
	return there;
}

static void brings_up_and_takes_down(void **state)
{
	struct world *w = *state;
	struct apply_result r = {0};

	bring_up(w, 3);
	assert_int_equal(peers(w), 3);
	assert_int_equal(w->fake.routes.n, 3);
	assert_int_equal(w->fake.addresses.n, 1);
	assert_string_equal(map_get(&w->fake.sysctls, "net.ipv4.ip_forward"), "1");
	assert_int_equal(w->fake.hosts.n, 1);
	apply_teardown(&w->machine, &r);
	assert_int_equal(r.failures, 0);
	assert_string_equal(map_get(&w->fake.sysctls, "net.ipv4.ip_forward"), "0");
	assert_int_equal(w->fake.firewalls.n, 0);
	assert_int_equal(w->fake.hosts.n, 0);
	assert_int_equal(w->machine.ledger.links.n, 0);
	assert_int_equal(w->fake.wg->ops->read(w->fake.wg, "warren0", &(struct wg_device){0}, NULL),
		ERR_NOT_FOUND);
	apply_result_done(&r);
}

static void p1_removal_then_reconcile(void **state)
{
	struct world *w = *state;

	bring_up(w, 3);
	change(w, NULL, peer_make(2, 2));
	assert_int_equal(peers(w), 2);
	assert_converged(w);
	change(w, NULL, peer_make(2, 2)); /* absent: success */
	assert_null(w->core.error);
	assert_converged(w);
}

/* Less may be allowed than before: flows are put to the rules again; not when more is. */
static void flows_are_judged_when_sets_shrink(void **state)
{
	struct world *w = *state;
	struct item *member = item_new(ITEM_SET, NET);
	unsigned before;

	bring_up(w, 1);
	member->set.set = mem_strdup("nodes");
	assert_int_equal(prefix_parse("172.30.0.9/32", "", &member->set.prefix, NULL), 0);
	before = w->fake.prunes;
	change(w, item_dup(member), NULL);
	assert_int_equal(w->fake.prunes, before);
	change(w, peer_make(2, 2), NULL);
	assert_int_equal(w->fake.prunes, before);
	change(w, NULL, member);
	assert_int_equal(w->fake.prunes, before + 1);
	assert_converged(w);
}

static void p2_key_change_by_event(void **state)
{
	struct world *w = *state;

	bring_up(w, 3);
	change(w, peer_make(2, 40), NULL);
	assert_int_equal(peers(w), 3);
	assert_false(has_key(w, 2));
	assert_true(has_key(w, 40));
	assert_converged(w);
}

static void p2_key_change_by_reconcile(void **state)
{
	struct world *w = *state;
	struct core_corrections none = {0};
	struct state s;
	struct err e = {0};

	/* the device still has the old key although nobody remembers it: the agent was away */
	bring_up(w, 2);
	world_stop(w);
	{
		AUTOFREE char *cache = mem_printf("%s/state.cache", w->dir);

		assert_int_equal(remove(cache), 0);
	}
	world_start(w);
	state_base(&s, 9);
	state_put(&s, peer_make(1, 1));
	state_put(&s, peer_make(2, 41));
	core_replace(&w->core, &s);
	assert_int_equal(core_reconcile(&w->core, &none, &e), 0);
	assert_false(has_key(w, 2));
	assert_true(has_key(w, 41));
	assert_int_equal(peers(w), 2);
	assert_converged(w);
}

static void p9_empty_psk_clears(void **state)
{
	struct world *w = *state;
	struct item *with = peer_make(1, 1);
	struct wg_device d;

	memset(with->peer.psk.bytes, 3, KEY_LEN);
	bring_up(w, 1);
	change(w, with, NULL);
	assert_false(secret_is_zero(&device_peer(w, &d, 1)->psk));
	wg_device_done(&d);
	change(w, peer_make(1, 1), NULL);
	assert_true(secret_is_zero(&device_peer(w, &d, 1)->psk));
	wg_device_done(&d);
	assert_converged(w);
}

static void p10_adopts_its_own_and_refuses_others(void **state)
{
	struct world *w = *state;
	struct core_corrections none = {0};
	struct net_link *other = NEW(struct net_link);
	struct state s;
	struct err e = {0};

	bring_up(w, 2);
	world_restart(w); /* create meets an existing interface: adopted with its peers */
	assert_int_equal(core_reconcile(&w->core, &none, &e), 0);
	assert_int_equal(peers(w), 2);
	assert_converged(w);

	other->index = 99;
	map_set(&w->fake.links, "wg9", other);
	state_base(&s, 5);
	{
		struct item *i = item_new(ITEM_INTERFACE, NET);

		snprintf(i->interface.name, IFNAME_LEN, "wg9");
		i->interface.listen_port = 51821;
		state_put(&s, i);
	}
	core_replace(&w->core, &s);
	assert_non_null(w->core.error);
	assert_non_null(strstr(w->core.error, "wg9"));
	assert_null(ledger_link(&w->machine.ledger, "wg9"));
	assert_ptr_equal(map_get(&w->fake.links, "wg9"), other);
}

static void p4_prefix_and_key_are_not_stolen(void **state)
{
	struct world *w = *state;
	struct core_corrections freed = {0};
	struct item *thief = peer_make(3, 3);
	struct wg_device d;

	struct item *victim = peer_make(1, 1);

	bring_up(w, 2);
	VEC_PUSH(&thief->peer.allowed_ips, victim->peer.allowed_ips.v[0]);
	item_free(victim);
	change(w, thief, NULL);
	assert_false(has_key(w, 3));
	assert_int_equal(device_peer(w, &d, 1)->allowed_ips.n, 1);
	wg_device_done(&d);
	assert_non_null(strstr(w->core.error, "1 peers refused"));
	change(w, peer_make(4, 1), NULL); /* the key of peer 1 */
	assert_int_equal(peers(w), 2);
	change(w, NULL, peer_make(1, 1)); /* once the holder is gone, reconcile lets them in */
	assert_int_equal(core_reconcile(&w->core, &freed, NULL), 0);
	assert_true(has_key(w, 3) && has_key(w, 1));
	core_corrections_done(&freed);
	assert_converged(w);
}

static void drift_is_repaired_and_reported(void **state)
{
	struct world *w = *state;
	struct core_corrections drift = {0};
	struct wg_peer_op ops[2] = {{.flags = WG_PEER_REMOVE}, {.flags = WG_PEER_KEEPALIVE}};
	struct wg_change c = {.peers = ops, .n_peers = 2};
	struct err e = {0};
	unsigned kinds = 0;

	bring_up(w, 3);
	key_of(1, &ops[0].public_key);
	key_of(50, &ops[1].public_key); /* a stranger's */
	assert_int_equal(w->fake.wg->ops->change(w->fake.wg, "warren0", &c, &e), 0);
	VEC_REMOVE(&w->fake.routes, 0);
	mem_free(map_set(&w->fake.sysctls, "net.ipv4.ip_forward", mem_strdup("0")));
	mem_free(map_remove(&w->fake.firewalls, NET));
	w->fake.hosts_writes++;
	assert_int_equal(core_reconcile(&w->core, &drift, &e), 0);
	VEC_FOREACH (k, &drift)
		for (int i = 0; i < ITEM_KINDS; i++)
			if (strcmp(k->type, item_kind_words[i]) == 0)
				kinds |= 1u << i;
	assert_int_equal(kinds,
		1u << ITEM_PEER | 1u << ITEM_ROUTE | 1u << ITEM_SYSCTL | 1u << ITEM_FIREWALL |
			1u << ITEM_HOST);
	assert_true(has_key(w, 1));
	assert_false(has_key(w, 50));
	core_corrections_done(&drift);
	assert_converged(w);
}

static void roaming_is_not_drift(void **state)
{
	struct world *w = *state;
	struct wg_peer_op op = {.flags = WG_PEER_ENDPOINT, .endpoint_port = 7777};
	struct wg_change c = {.peers = &op, .n_peers = 1};
	struct public_key key;
	struct wg_device d;
	struct item *next;

	bring_up(w, 1);
	key_of(1, &key);
	op.public_key = key;
	assert_int_equal(addr_parse("203.0.113.5", &op.endpoint_addr), 0);
	wg_memory_observe(w->fake.wg, "warren0", &key, clock_wall(&w->clock), 100, 100);
	assert_int_equal(w->fake.wg->ops->change(w->fake.wg, "warren0", &c, NULL), 0);
	assert_converged(w); /* online: left where it roamed to */
	assert_int_equal(device_peer(w, &d, 1)->endpoint_port, 7777);
	wg_device_done(&d);
	next = peer_make(1, 1);
	next->peer.keepalive = 20;
	change(w, next, NULL); /* same generation: another field does not touch it */
	assert_int_equal(device_peer(w, &d, 1)->endpoint_port, 7777);
	wg_device_done(&d);
	next = peer_make(1, 1);
	next->peer.generation = 2;
	change(w, next, NULL);
	assert_int_equal(device_peer(w, &d, 1)->endpoint_port, 51820);
	wg_device_done(&d);
	assert_int_equal(w->fake.wg->ops->change(w->fake.wg, "warren0", &c, NULL), 0);
	w->clock.fake_wall += 600000;
	w->clock.fake_mono += 600000;
	assert_converged(w); /* offline: the hint is written again, and that is no drift */
	assert_int_equal(device_peer(w, &d, 1)->endpoint_port, 51820);
	wg_device_done(&d);
}

/* A client without a hint speaks from somewhere, is seen, goes, and comes back there. */
static void comes_back(struct world *w, unsigned others, bool reads)
{
	struct wg_peer_op op = {.flags = WG_PEER_ENDPOINT, .endpoint_port = 7777};
	struct wg_change c = {.peers = &op, .n_peers = 1};
	struct item *phone = peer_make(others + 1, others + 1), *again;
	struct wg_device d = {0};

	phone->peer.endpoint = mem_free(phone->peer.endpoint);
	again = item_dup(phone);
	bring_up(w, others);
	change(w, phone, NULL);
	key_of(others + 1, &op.public_key);
	assert_int_equal(addr_parse("203.0.113.5", &op.endpoint_addr), 0);
	wg_memory_observe(w->fake.wg, "warren0", &op.public_key, clock_wall(&w->clock), 100, 100);
	assert_int_equal(w->fake.wg->ops->change(w->fake.wg, "warren0", &c, NULL), 0);
	assert_converged(w);
	wg_memory_fail_at(w->fake.wg, reads ? 0 : 2);
	change(w, NULL, item_dup(again));
	if (!reads) { /* that was one call: the second, which fails, is ours */
		assert_null(w->core.error);
		assert_true(w->fake.wg->ops->read(w->fake.wg, "warren0", &d, NULL) < 0);
	}
	wg_memory_fail_at(w->fake.wg, 0);
	assert_converged(w);
	assert_false(has_key(w, others + 1));
	change(w, again, NULL);
	assert_int_equal(device_peer(w, &d, others + 1)->endpoint_port, 7777);
	wg_device_done(&d);
}

static void comes_back_among_few(void **state)
{
	comes_back(*state, 3, true);
}

static void comes_back_among_many(void **state)
{
	comes_back(*state, ROAM_READ_MAX + 1, false);
}

/* A gateway that filled up since its last reconcile has many, too. */
static void a_peer_that_goes_does_not_wait_for_a_look_at_many(void **state)
{
	struct world *w = *state;
	struct wg_device d = {0};

	bring_up(w, 1);
	assert_converged(w);
	for (unsigned i = 2; i <= ROAM_READ_MAX + 2; i++)
		change(w, peer_make(i, i), NULL);
	wg_memory_fail_at(w->fake.wg, 2);
	change(w, NULL, peer_make(7, 7));
	assert_null(w->core.error);
	assert_true(w->fake.wg->ops->read(w->fake.wg, "warren0", &d, NULL) < 0); /* the second */
	assert_false(has_key(w, 7));
	/* and one that got emptier has few */
	for (unsigned i = 8; i <= 20; i++)
		change(w, NULL, peer_make(i, i));
	wg_memory_fail_at(w->fake.wg, 2);
	change(w, NULL, peer_make(21, 21));
	assert_non_null(w->core.error);
	wg_memory_fail_at(w->fake.wg, 0);
}

static void expiry_needs_no_server(void **state)
{
	struct world *w = *state;
	struct item *guest = peer_make(5, 5);
	struct core_corrections none = {0};
	struct err e = {0};

	guest->peer.not_after = clock_wall(&w->clock) + 60000;
	bring_up(w, 1);
	change(w, guest, NULL);
	assert_true(has_key(w, 5));
	assert_int_equal(w->core.deadline, clock_wall(&w->clock) + 60000);
	w->clock.fake_wall += 59999;
	core_expire(&w->core);
	assert_true(has_key(w, 5));
	w->clock.fake_wall += 1;
	core_expire(&w->core);
	assert_false(has_key(w, 5));
	assert_int_equal(w->core.deadline, 0);
	assert_converged(w);
	world_restart(w); /* also from the cache */
	assert_int_equal(core_reconcile(&w->core, &none, &e), 0);
	assert_false(has_key(w, 5));
	assert_true(has_key(w, 1));
	change(w, NULL, peer_make(5, 5));
	assert_null(w->core.error);
}

static void restarts_from_the_cache(void **state)
{
	struct world *w = *state;
	struct core_corrections none = {0};
	struct err e = {0};

	bring_up(w, 2);
	change(w, peer_make(3, 3), NULL); /* in the journal */
	change(w, NULL, peer_make(1, 1));
	world_stop(w);
	/* the machine was rebooted: nothing is left of ours */
	assert_int_equal(w->fake.wg->ops->destroy(w->fake.wg, "warren0", &e), 0);
	mem_free(map_remove(&w->fake.firewalls, NET));
	w->fake.routes.n = w->fake.addresses.n = 0;
	world_start(w);
	assert_int_equal(core_revision(&w->core), 3);
	assert_int_equal(core_reconcile(&w->core, &none, &e), 0);
	assert_int_equal(none.n, 0);
	assert_true(has_key(w, 2) && has_key(w, 3) && !has_key(w, 1));
	assert_converged(w);
}

static void nothing_is_touched_before_the_first_state(void **state)
{
	struct world *w = *state;
	AUTOFREE char *cache = mem_printf("%s/state.cache", w->dir);
	struct core_corrections none = {0};
	struct err e = {0};
	FILE *f;

	bring_up(w, 2);
	world_stop(w);
	f = fopen(cache, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, 60, SEEK_SET), 0);
	assert_int_equal(fputs("damaged", f) >= 0, 1);
	fclose(f);
	world_start(w);
	assert_int_equal(core_revision(&w->core), 0);
	assert_int_equal(core_reconcile(&w->core, &none, &e), 0);
	assert_int_equal(peers(w), 2);
}

static void no_peer_without_its_firewall(void **state)
{
	struct world *w = *state;
	struct core_corrections none = {0};
	struct err e = {0};

	/* make every call of the first apply fail in turn: a peer is never up without the table */
	for (unsigned n = 1;; n++) {
		struct state copy;

		state_base(&copy, 1);
		state_put(&copy, peer_make(1, 1));
		w->fake.fail_in = n;
		core_replace(&w->core, &copy);
		core_reconcile(&w->core, &none, &e);
		core_corrections_done(&none);
		if (ledger_link(&w->machine.ledger, "warren0") != NULL &&
			map_get(&w->fake.firewalls, NET) == NULL)
			assert_int_equal(peers(w), 0);
		if (w->fake.fail_in > 0)
			break; /* nothing was left to fail */
		world_done(w);
		world_init(w);
	}
	w->fake.fail_in = 0;
	core_corrections_done(&none);
	assert_converged(w);
}

/* A change that touches every kind; returns the number of refusals met until it went through. */
static void change_all(struct world *w)
{
	struct item *route = route_make(4);
	struct state s;

	state_base(&s, 2);
	state_put(&s, peer_make(1, 1));
	state_put(&s, peer_make(2, 60)); /* new key */
	state_put(&s, peer_make(4, 4));
	state_put(&s, route);
	{
		struct item *i = item_new(ITEM_SET, NET);

		i->set.set = mem_strdup("s");
		i->set.prefix = route->route.dst;
		state_put(&s, i);
	}
	core_replace(&w->core, &s);
}

static void converges_after_a_failure_anywhere(void **state)
{
	struct world *w = *state;

	for (int which = 0; which < 2; which++)
		for (unsigned n = 1; n < 500; n++) {
			struct core_corrections none = {0};
			struct err e = {0};
			unsigned left = 0;

			bring_up(w, 3);
			if (which == 0)
				wg_memory_fail_at(w->fake.wg, n);
			else
				w->fake.fail_in = n;
			change_all(w);
			core_reconcile(&w->core, &none, &e);
			left = w->fake.fail_in;
			wg_memory_fail_at(w->fake.wg, 0);
			w->fake.fail_in = 0;
			core_reconcile(&w->core, &none, &e);
			core_corrections_done(&none);
			assert_converged(w);
			assert_int_equal(peers(w), 3);
			assert_true(has_key(w, 1) && has_key(w, 60) && has_key(w, 4));
			assert_int_equal(w->fake.routes.n, 1);
			world_done(w);
			world_init(w);
			if (which == 1 && left > 0)
				break;
			if (which == 0 && n > 60)
				break; /* more calls than a change and a reconcile make */
		}
}

/* Like the above, but the agent dies (and forgets) after the failure. */
static void converges_after_a_crash_anywhere(void **state)
{
	struct world *w = *state;

	for (unsigned n = 1; n < 40; n++) {
		struct core_corrections none = {0};
		struct err e = {0};

		bring_up(w, 3);
		w->fake.fail_in = n;
		change_all(w);
		w->fake.fail_in = 0;
		world_restart(w);
		core_reconcile(&w->core, &none, &e);
		core_reconcile(&w->core, &none, &e);
		core_corrections_done(&none);
		assert_converged(w);
		assert_int_equal(peers(w), 3);
		world_done(w);
		world_init(w);
	}
}

static void queued_deltas_are_one_change(void **state)
{
	struct world *w = *state;
	struct delta d = {.previous = 1, .revision = 2};

	bring_up(w, 1);
	VEC_PUSH(&d.put, peer_make(7, 7));
	core_queue(&w->core, &d);
	d = (struct delta){.previous = 2, .revision = 3};
	VEC_PUSH(&d.drop, peer_make(7, 7));
	VEC_PUSH(&d.put, peer_make(8, 8));
	core_queue(&w->core, &d);
	assert_int_equal(core_revision(&w->core), 3);
	assert_int_equal(peers(w), 1);
	core_flush(&w->core);
	assert_int_equal(w->core.desired.revision, 3);
	assert_true(has_key(w, 8));
	assert_false(has_key(w, 7));
	assert_converged(w);
}

static void many_peers(void **state)
{
	struct world *w = *state;

	bring_up(w, 400);
	assert_int_equal(peers(w), 400);
	assert_int_equal(peer_index_count(&w->core.peers), 400);
}

static void other_route(struct world *w, const char *prefix, const char *interface)
{
	struct route_item r = {0};

	assert_int_equal(prefix_parse(prefix, "prefix", &r.dst, NULL), 0);
	snprintf(r.interface, IFNAME_LEN, "%s", interface);
	VEC_PUSH(&w->fake.others, r);
}

/* Spec 7, behaviour 4: what the machine has of its own stays its own, and is named. */
static void a_route_in_the_way_is_refused(void **state)
{
	static const struct {
		const char *other;
		bool refused;
	} cases[] = {
		{"172.30.0.2/32", true},
		{"172.30.0.0/16", true},
		{"0.0.0.0/1", false}, /* the test's addresses are not in it */
		{"128.0.0.0/1", true},
		{"172.30.0.3/32", false},
		{"172.30.0.0/31", false},
		{"fd00::/8", false},
	};

	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		struct world *w = *state;
		struct core_corrections none = {0};
		struct err e = {0};
		struct state s;
		int rc;

		other_route(w, "10.0.0.0/8", "eth7");
		other_route(w, cases[k].other, "docker0");
		other_route(w, "172.30.0.0/24", "warren0"); /* ours: it comes with an address */
		other_route(w, "192.0.2.0/24", "eth0");
		state_base(&s, 1);
		state_put(&s, peer_make(1, 1));
		state_put(&s, route_make(1));
		core_replace(&w->core, &s);
		rc = core_reconcile(&w->core, &none, &e);
		core_corrections_done(&none);
		assert_int_equal(w->fake.routes.n, cases[k].refused ? 0 : 1);
		assert_int_equal(rc < 0, cases[k].refused);
		if (cases[k].refused) {
			assert_non_null(strstr(w->core.error, cases[k].other));
			assert_non_null(strstr(w->core.error, "docker0"));
			/* once that one has gone, nothing has to be said again */
			w->fake.others.n = 0;
			assert_int_equal(core_reconcile(&w->core, &none, &e), 0);
			core_corrections_done(&none);
			assert_int_equal(w->fake.routes.n, 1);
		}
		assert_int_equal(peers(w), 1);
		world_done(w);
		world_init(w);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
/* One that comes later is not fought: ours stays, the other stays, and it is said, with its name:
 * once as drift, and as what is wrong for as long as it is there. */
static void a_route_that_comes_in_the_way_is_told(void **state)
{
	struct world *w = *state;
	struct core_corrections said = {0};
	struct state s;

	state_base(&s, 1);
	state_put(&s, peer_make(1, 1));
	state_put(&s, route_make(1));
	core_replace(&w->core, &s);
	assert_int_equal(core_reconcile(&w->core, &said, NULL), 0);
	other_route(w, "192.0.2.0/24", "eth0");
	assert_int_equal(core_reconcile(&w->core, &said, NULL), 0);
	assert_int_equal(said.n, 0);
	assert_null(w->core.error);
	other_route(w, "172.30.0.0/16", "docker0");
	for (int k = 0; k < 2; k++) {
		assert_int_equal(core_reconcile(&w->core, &said, NULL), 0);
		assert_int_equal(said.n, 1);
		assert_int_equal(w->fake.routes.n, 1);
		assert_non_null(strstr(w->core.error, "172.30.0.0/16 by docker0"));
	}
	assert_string_equal(said.v[0].type, "route");
	assert_non_null(strstr(said.v[0].detail, "172.30.0.0/16 by docker0"));
	w->fake.others.n = 0;
	assert_int_equal(core_reconcile(&w->core, &said, NULL), 0);
	assert_null(w->core.error);
	assert_int_equal(said.n, 1);
	core_corrections_done(&said);
}

/* Two interfaces with these ports; 0 = it is not there. */
static void ports_are(struct world *w, uint64_t revision, uint16_t first, uint16_t second)
{
	const uint16_t ports[] = {first, second};
	static const char *const names[] = {"warren0", "warren0-m"};
	struct state s;

	state_base(&s, revision);
	for (size_t k = 0; k < 2; k++) {
		struct item *i = item_new(ITEM_INTERFACE, NET);

		snprintf(i->interface.name, IFNAME_LEN, "%s", names[k]);
		i->interface.listen_port = ports[k];
		if (ports[k] != 0)
			state_put(&s, item_dup(i));
		else
			state_drop(&s, i);
		item_free(i);
	}
	core_replace(&w->core, &s);
	assert_null(w->core.error);
	for (size_t k = 0; k < 2; k++) {
		struct wg_device d = {0};

		if (ports[k] == 0)
			continue;
		assert_int_equal(w->fake.wg->ops->read(w->fake.wg, names[k], &d, NULL), 0);
		assert_int_equal(d.listen_port, ports[k]);
		wg_device_done(&d);
	}
	assert_converged(w);
}

/* A gateway that is given the port of its own direct interface failed until the next reconcile. */
static void ports_pass_from_one_interface_to_another(void **state)
{
	struct world *w = *state;

	bring_up(w, 1);
	ports_are(w, 2, 51820, 51821);
	ports_are(w, 3, 51821, 51822);
	ports_are(w, 4, 51820, 51821);
	ports_are(w, 5, 51821, 51820);
	ports_are(w, 6, 51820, 0);
	ports_are(w, 7, 51821, 51820);
	ports_are(w, 8, 51820, 0); /* it goes, and its port is taken over */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(brings_up_and_takes_down),
		T(ports_pass_from_one_interface_to_another),
		T(p1_removal_then_reconcile),
		T(flows_are_judged_when_sets_shrink),
		T(p2_key_change_by_event),
		T(p2_key_change_by_reconcile),
		T(p9_empty_psk_clears),
		T(a_route_that_comes_in_the_way_is_told),
		T(p10_adopts_its_own_and_refuses_others),
		T(p4_prefix_and_key_are_not_stolen),
		T(drift_is_repaired_and_reported),
		T(roaming_is_not_drift),
		T(comes_back_among_few),
		T(comes_back_among_many),
		T(a_peer_that_goes_does_not_wait_for_a_look_at_many),
		T(expiry_needs_no_server),
		T(restarts_from_the_cache),
		T(nothing_is_touched_before_the_first_state),
		T(no_peer_without_its_firewall),
		T(converges_after_a_failure_anywhere),
		T(converges_after_a_crash_anywhere),
		T(queued_deltas_are_one_change),
		T(many_peers),
		T(a_route_in_the_way_is_refused),
	};

	return cmocka_run_group_tests_name("agent apply", tests, NULL, NULL);
}
