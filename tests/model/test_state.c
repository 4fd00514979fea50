/* DOC: states and deltas: a diff applied gives the other state, whatever the two states are. */
#include "model/state.h"

#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct rand rng = {11};

static char *word(const char *stem, uint64_t bound)
{
	return mem_printf("%s%u", stem, (unsigned)rand_below(&rng, bound));
}

static void ifname(char name[static IFNAME_LEN])
{
	snprintf(name, IFNAME_LEN, "warren%u", (unsigned)rand_below(&rng, 3));
}

static struct prefix random_prefix(void)
{
	struct prefix p = {{FAMILY_IPV4, 0x0a000000 + rand_below(&rng, 16)}, 32};

	if (rand_below(&rng, 2))
		p = (struct prefix){{FAMILY_IPV6, (u128)rand_below(&rng, 8) << 64}, 64};
	return p;
}

static void random_rules(struct fw_rule_vec *v)
{
	for (uint64_t n = rand_below(&rng, 3); n > 0; n--) {
		struct fw_rule r = {word("set", 2), word("set", 2), word("tcp", 1), {0}};

		strs_push(&r.ports, "443");
		VEC_PUSH(v, r);
	}
}

/* Few keys and few contents, so that states overlap in every way. */
static struct item *random_item(void)
{
	struct item *i = item_new((enum item_kind)rand_below(&rng, ITEM_KINDS),
		rand_below(&rng, 2) ? "net_1" : "net_2");

	switch (i->kind) {
	case ITEM_INTERFACE:
		ifname(i->interface.name);
		i->interface.role = (int)rand_below(&rng, 4);
		i->interface.mtu = (uint32_t)rand_below(&rng, 2) * 1400;
		i->interface.sealed_key = rand_below(&rng, 2) ? word("sealed", 2) : NULL;
		break;
	case ITEM_ADDRESS:
		ifname(i->address.interface);
		i->address.addr = random_prefix().addr;
		i->address.len = addr_width(i->address.addr);
		break;
	case ITEM_SYSCTL:
		i->sysctl.name = word("net.ipv4.", 4);
		i->sysctl.value = word("", 2);
		break;
	case ITEM_FIREWALL:
		strs_push(&i->firewall.interfaces, "warren0");
		random_rules(&i->firewall.input);
		random_rules(&i->firewall.forward);
		VEC_PUSH(&i->firewall.overlay, random_prefix());
		VEC_PUSH(&i->firewall.masquerade, random_prefix());
		strs_push(&i->firewall.sets, "a");
		if (rand_below(&rng, 2))
			VEC_PUSH(&i->firewall.exits,
				((struct fw_exit){.set = word("x_", 2), .mark = EXIT_MARK}));
		break;
	case ITEM_SET:
		i->set.set = word("set", 3);
		i->set.prefix = random_prefix();
		break;
	case ITEM_LIMIT:
		snprintf(i->limit.device, ID_LEN, "cl_%u", (unsigned)rand_below(&rng, 20));
		i->limit.addr = random_prefix().addr;
		i->limit.rate = rand_below(&rng, 2);
		break;
	case ITEM_PEER:
		ifname(i->peer.interface);
		snprintf(i->peer.id, ID_LEN, "cl_%u", (unsigned)rand_below(&rng, 20));
		memset(&i->peer.public_key, (int)rand_below(&rng, 2), KEY_LEN);
		memset(&i->peer.psk, (int)rand_below(&rng, 2), KEY_LEN);
		i->peer.endpoint = rand_below(&rng, 2) ? word("gw:", 2) : NULL;
		for (uint64_t n = rand_below(&rng, 3); n > 0; n--)
			VEC_PUSH(&i->peer.allowed_ips, random_prefix());
		i->peer.not_after = (msec)rand_below(&rng, 2);
		break;
	case ITEM_ROUTE:
		i->route.dst = random_prefix();
		ifname(i->route.interface);
		break;
	case ITEM_EXIT:
		i->exit.mark = EXIT_MARK | (uint32_t)rand_below(&rng, 4);
		ifname(i->exit.interface);
		VEC_PUSH(&i->exit.inside, random_prefix());
		break;
	case ITEM_HOST:
		i->host.name = word("host", 8);
		i->host.addr = random_prefix().addr;
		break;
	case ITEM_DNS:
		i->dns.domain = word("net", 2);
		VEC_PUSH(&i->dns.listen, random_prefix());
		strs_push(&i->dns.upstreams, "192.0.2.1");
		break;
	case ITEM_NAME:
		snprintf(i->name.id, ID_LEN, "mem_%u", (unsigned)rand_below(&rng, 20));
		i->name.name = word("host", 4);
		i->name.addr = random_prefix().addr;
		i->name.forward = rand_below(&rng, 2);
		break;
	case ITEM_KINDS:
		fail();
	}
	return i;
}

static void random_state(struct state *s, uint64_t revision)
{
	s->revision = revision;
	for (uint64_t n = rand_below(&rng, 150); n > 0; n--)
		state_put(s, random_item());
}

static void assert_sorted(const struct item_vec *v)
{
	for (size_t i = 1; i < v->n; i++)
		assert_true(item_compare(v->v[i - 1], v->v[i]) < 0);
}

static int same(const struct state *a, const struct state *b)
{
	if (a->items.n != b->items.n || a->revision != b->revision)
		return 0;
	for (size_t i = 0; i < a->items.n; i++)
		if (item_compare(a->items.v[i], b->items.v[i]) != 0 ||
			!item_equal(a->items.v[i], b->items.v[i]))
			return 0;
	return 1;
}

static void shuffle(struct item_vec *v)
{
	for (size_t i = v->n; i > 1; i--) {
		size_t k = rand_below(&rng, i);
		struct item *t = v->v[i - 1];

		v->v[i - 1] = v->v[k];
		v->v[k] = t;
	}
}

static void a_diff_applied_is_the_other_state(void **state)
{
	size_t big = 0, small = 0;

	for (int round = 0; round < 600; round++) {
		struct state a = {0}, b = {0};
		struct delta d = {0}, none = {0};
		struct err e = {0};

		random_state(&a, 4);
		if (rand_below(&rng, 4) == 0)
			state_done(&a);         /* from nothing */
		if (rand_below(&rng, 3) == 0) { /* a near neighbour */
			VEC_FOREACH (i, &a.items)
				state_put(&b, item_dup(*i));
			for (int k = 0; k < 3; k++)
				state_put(&b, random_item());
			b.revision = 5;
		} else {
			random_state(&b, 5);
		}
		assert_sorted(&a.items);
		assert_sorted(&b.items);
		state_diff(&a, &b, &d);
		assert_sorted(&d.put);
		assert_sorted(&d.drop);
		*(d.put.n + d.drop.n > 64 ? &big : &small) += 1;
		VEC_FOREACH (i, &d.drop) {
			assert_null(state_find(&b, *i));
			assert_non_null(state_find(&a, *i));
		}
		VEC_FOREACH (i, &d.put) {
			const struct item *was = state_find(&a, *i);

			assert_true(was == NULL || !item_equal(was, *i));
		}
		if (rand_below(&rng, 2)) { /* as a wire might deliver it */
			shuffle(&d.put);
			shuffle(&d.drop);
		}
		assert_int_equal(state_apply(&a, &d, &e), 0);
		assert_true(same(&a, &b));
		assert_sorted(&a.items);
		state_diff(&a, &b, &none);
		assert_true(delta_is_empty(&none));
		delta_done(&none);
		delta_done(&d);
		state_done(&a);
		state_done(&b);
	}
	assert_true(big > 50 && small > 50); /* both ways of applying were taken */
}

static void stale_and_malformed_deltas(void **state)
{
	struct state s = {.revision = 7};
	struct delta d = {.previous = 6, .revision = 8};
	struct err e = {0};
	struct item *i = item_new(ITEM_HOST, "net_1");

	i->host.name = mem_strdup("a");
	state_put(&s, item_dup(i));
	VEC_PUSH(&d.put, item_dup(i));
	assert_int_equal(state_apply(&s, &d, &e), ERR_STALE);
	d.previous = 7;
	VEC_PUSH(&d.put, item_dup(i));
	assert_int_equal(state_apply(&s, &d, &e), ERR_INVALID);
	assert_int_equal(s.revision, 7);
	assert_int_equal(s.items.n, 1);
	item_vec_done(&d.put);
	VEC_PUSH(&d.drop, item_dup(i));
	assert_int_equal(state_apply(&s, &d, &e), 0);
	assert_int_equal(s.items.n, 0);
	assert_int_equal(state_apply(&s, &d, &e), ERR_STALE); /* once only */
	assert_int_equal(s.revision, 8);
	d.previous = 0; /* from nothing replaces all, the revision does not matter */
	item_vec_done(&d.drop);
	state_put(&s, i);
	assert_int_equal(state_apply(&s, &d, &e), 0);
	assert_int_equal(s.items.n, 0);
	delta_done(&d);
	state_done(&s);
}

static void every_part_of_the_content_counts(void **state)
{
	struct item *a = item_new(ITEM_PEER, "net_1"), *b;
	struct prefix p = {{FAMILY_IPV4, 0x0a000000}, 8}, q = {{FAMILY_IPV6, 0}, 0};

	a->peer.endpoint = mem_strdup("gw:1");
	VEC_PUSH(&a->peer.allowed_ips, p);
	VEC_PUSH(&a->peer.allowed_ips, q);
#define DIFFERS(change)                         \
	do {                                    \
		b = item_dup(a);                \
		assert_true(item_equal(a, b));  \
		change;                         \
		assert_false(item_equal(a, b)); \
		item_free(b);                   \
	} while (0)
	DIFFERS(b->peer.public_key.bytes[31] = 1);
	DIFFERS(b->peer.psk.bytes[31] = 1);
	DIFFERS(b->peer.endpoint[3] = '2');
	DIFFERS(b->peer.generation = 1);
	DIFFERS(b->peer.keepalive = 1);
	DIFFERS(b->peer.not_after = 1);
	DIFFERS(b->peer.mesh_ip.family = FAMILY_IPV4);
	DIFFERS(b->peer.mesh_ip6.bits = 1);
	DIFFERS(b->peer.allowed_ips.n = 1);
	b = item_dup(a); /* order of prefixes does not count: machines have their own */
	b->peer.allowed_ips.v[0] = q;
	b->peer.allowed_ips.v[1] = p;
	assert_true(item_equal(a, b));
	item_free(b);
	item_free(a);
	a = item_new(ITEM_INTERFACE, "net_1");
	DIFFERS(b->interface.role = 1);
	DIFFERS(b->interface.public_key.bytes[0] = 1);
	DIFFERS(b->interface.listen_port = 1);
	DIFFERS(b->interface.mtu = 1);
	DIFFERS(b->interface.fwmark = 1);
	DIFFERS(b->interface.sealed_key = mem_strdup("x"));
	item_free(a);
	a = item_new(ITEM_ROUTE, "net_1");
	DIFFERS(id_copy(b->route.peer, "mem_1"));
	DIFFERS(b->route.interface[0] = 'x');
	item_free(a);
	a = item_new(ITEM_FIREWALL, "net_1");
	random_rules(&a->firewall.input);
	while (a->firewall.input.n == 0)
		random_rules(&a->firewall.input);
	DIFFERS(strs_push(&b->firewall.interfaces, "x"));
	DIFFERS(strs_push(&b->firewall.hubs, "x"));
	DIFFERS(strs_push(&b->firewall.sets, "x"));
	DIFFERS(VEC_PUSH(&b->firewall.overlay, p));
	DIFFERS(VEC_PUSH(&b->firewall.masquerade, p));
	DIFFERS(strs_push(&b->firewall.input.v[0].ports, "1"));
	DIFFERS(b->firewall.input.v[0].from[0] = 'x');
	DIFFERS(b->firewall.input.v[0].protocol[0] = 'x');
	item_free(a);
}

static void keys_order_as_numbers_and_read_well(void **state)
{
	struct item *a = item_new(ITEM_ROUTE, "net_1"), *b = item_new(ITEM_ROUTE, "net_1");
	struct item *peer = item_new(ITEM_PEER, "net_1"), *set = item_new(ITEM_SET, "net_1");
	struct buf out = {0};
	struct state s = {0};

	a->route.dst = b->route.dst = (struct prefix){{FAMILY_IPV4, 0x09000000}, 8};
	b->route.metric = 1; /* another path to the same place */
	assert_true(item_compare(a, b) < 0);
	a->route.metric = 2;
	assert_true(item_compare(a, b) > 0);
	a->route.metric = b->route.metric = 0;
	b->route.dst = (struct prefix){{FAMILY_IPV4, 0x0a000000}, 8};
	assert_true(item_compare(a, b) < 0); /* 9 before 10; as text it is behind */
	strcpy(peer->peer.interface, "warren0");
	id_copy(peer->peer.id, "cl_1");
	set->set.set = mem_strdup("from0");
	set->set.prefix = b->route.dst;
	item_describe(peer, &out);
	buf_addc(&out, '|');
	item_describe(a, &out);
	buf_addc(&out, '|');
	item_describe(set, &out);
	assert_string_equal(
		buf_str(&out), "peer warren0/cl_1|route 9.0.0.0/8|set from0/10.0.0.0/8");
	buf_done(&out);
	VEC_PUSH(&s.items, b);
	VEC_PUSH(&s.items, peer);
	VEC_PUSH(&s.items, a);
	VEC_PUSH(&s.items, set);
	state_sort(&s);
	assert_sorted(&s.items);
	assert_ptr_equal(state_find(&s, peer), peer);
	assert_int_equal(state_drop(&s, peer), 1);
	assert_int_equal(s.items.n, 3);
	for (int k = 0; k < ITEM_KINDS; k++)
		assert_non_null(item_kind_words[k]);
	assert_null(item_kind_words[ITEM_KINDS]);
	state_done(&s);
	assert_null(item_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_diff_applied_is_the_other_state),
		cmocka_unit_test(stale_and_malformed_deltas),
		cmocka_unit_test(every_part_of_the_content_counts),
		cmocka_unit_test(keys_order_as_numbers_and_read_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
