/* DOC: see conformance.h. Prefixes are compared as sets: order inside a peer is the backend's. */
#include "conformance.h"

#include "base/map.h"
#include "base/rand.h"
#include "base/text.h"
#include "crypto/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct wg_backend *(*conformance_new)(void);
const char *conformance_prefix;

struct fixture {
	struct wg_backend *b;
	char ifname[16];
};

static void assert_ok(int r, const struct err *e)
{
	if (r < 0)
		fail_msg("%s: %s", err_name(r), e->text);
}

static void assert_op(struct fixture *f, const struct wg_peer_op *ops, size_t n)
{
	const struct wg_change c = {.peers = ops, .n_peers = n};
	struct err e = {0};

	assert_ok(f->b->ops->change(f->b, f->ifname, &c, &e), &e);
}

static void read_device(struct fixture *f, struct wg_device *d)
{
	struct err e = {0};

	wg_device_done(d);
	assert_ok(f->b->ops->read(f->b, f->ifname, d, &e), &e);
}

static const struct wg_peer *peer_of(const struct wg_device *d, const struct public_key *k)
{
	VEC_FOREACH (p, &d->peers)
		if (public_key_equal(&p->public_key, k))
			return p;
	return NULL;
}

/* Key number n; any 32 bytes are a public key to WireGuard. Clamped, so that every engine prints
 * them as they were set. */
static struct public_key key_number(unsigned n)
{
	struct rand r = {.state = n};
	struct public_key k;

	for (size_t i = 0; i < KEY_LEN; i++)
		k.bytes[i] = (uint8_t)rand_next(&r);
	k.bytes[31] &= 127;
	return k;
}

static struct prefix pfx(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, "p", &p, NULL), 0);
	return p;
}

static void set_of(struct prefix_vec *v, const char *a, const char *b)
{
	if (a != NULL)
		VEC_PUSH(v, pfx(a));
	if (b != NULL)
		VEC_PUSH(v, pfx(b));
}

static void assert_prefixes(const struct wg_peer *p, const char *a, const char *b)
{
	struct prefix_vec want = {0};

	assert_non_null(p);
	set_of(&want, a, b);
	assert_true(prefix_vec_equal(&p->allowed_ips, &want));
	VEC_DONE(&want);
}

static int setup(void **state)
{
	static unsigned counter;
	struct fixture *f = NEW(struct fixture);
	struct err e = {0};
	bool adopted = true;

	f->b = conformance_new();
	snprintf(f->ifname, sizeof(f->ifname), "%s%u", conformance_prefix, counter++);
	assert_ok(f->b->ops->create(f->b, f->ifname, &adopted, &e), &e);
	assert_false(adopted);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	int r = f->b->ops->destroy(f->b, f->ifname, &e);

	if (r < 0)
		print_error("# destroy: %s\n", e.text);
	f->b->ops->free(f->b);
	mem_free(f);
	return r;
}

static void fresh_device_is_empty(void **state)
{
	struct fixture *f = *state;
	CLEANUP(wg_device_done) struct wg_device d = {0};

	read_device(f, &d);
	assert_int_equal(d.peers.n, 0);
	assert_true(public_key_is_zero(&d.public_key));
	assert_int_equal(d.fwmark, 0);
}

static void create_adopts_and_keeps_peers(void **state)
{
	struct fixture *f = *state;
	CLEANUP(wg_device_done) struct wg_device d = {0};
	struct wg_peer_op op = {.public_key = key_number(1)};
	struct wg_backend *second = conformance_new();
	struct err e = {0};
	bool adopted = false;

	assert_op(f, &op, 1);
	assert_ok(f->b->ops->create(f->b, f->ifname, &adopted, &e), &e);
	assert_true(adopted);
	read_device(f, &d);
	assert_int_equal(d.peers.n, 1);
	/* a restarted agent: another instance finds it too (memory has no outside) */
	if (strcmp(f->b->ops->name, "memory") != 0) {
		CLEANUP(strs_done) struct strs names = {0};

		assert_ok(second->ops->list(second, &names, &e), &e);
		assert_true(strs_has(&names, f->ifname));
		adopted = false;
		assert_ok(second->ops->create(second, f->ifname, &adopted, &e), &e);
		assert_true(adopted);
	}
	second->ops->free(second);
}

static void list_names_what_is_there(void **state)
{
	struct fixture *f = *state;
	CLEANUP(strs_done) struct strs names = {0};
	struct err e = {0};

	assert_ok(f->b->ops->list(f->b, &names, &e), &e);
	assert_true(strs_has(&names, f->ifname));
}

static void device_fields(void **state)
{
	struct fixture *f = *state;
	CLEANUP(wg_device_done) struct wg_device d = {0};
	CLEANUP(secret_wipe) struct secret key;
	struct public_key public;
	struct wg_change c = {
		.flags = WG_DEVICE_PRIVATE_KEY | WG_DEVICE_LISTEN_PORT | WG_DEVICE_FWMARK,
		.private_key = &key,
		.listen_port = 47811,
		.fwmark = 0xca6c};
	struct err e = {0};

	key_generate(&key);
	key_public(&key, &public);
	assert_ok(f->b->ops->change(f->b, f->ifname, &c, &e), &e);
	read_device(f, &d);
	assert_true(public_key_equal(&d.public_key, &public));
	assert_int_equal(d.listen_port, 47811);
	assert_int_equal(d.fwmark, 0xca6c);
	c = (struct wg_change){.flags = WG_DEVICE_FWMARK};
	assert_ok(f->b->ops->change(f->b, f->ifname, &c, &e), &e);
	read_device(f, &d);
	assert_int_equal(d.fwmark, 0);
	assert_int_equal(d.listen_port, 47811);
	/* an all-zero key takes the identity away */
	key = (struct secret){{0}};
	c = (struct wg_change){.flags = WG_DEVICE_PRIVATE_KEY, .private_key = &key};
	assert_ok(f->b->ops->change(f->b, f->ifname, &c, &e), &e);
	read_device(f, &d);
	assert_true(public_key_is_zero(&d.public_key));
}

static void private_key_change_keeps_peers(void **state)
{
	struct fixture *f = *state;
	CLEANUP(wg_device_done) struct wg_device d = {0};
	CLEANUP(secret_wipe) struct secret key;
	struct prefix_vec ips = {0};
	struct wg_peer_op op = {.flags = WG_PEER_ALLOWED_IPS | WG_PEER_KEEPALIVE,
		.public_key = key_number(1),
		.keepalive = 25,
		.allowed_ips = &ips};
	struct err e = {0};

	set_of(&ips, "10.1.0.0/24", "fd00::/64");
	assert_op(f, &op, 1);
	for (int i = 0; i < 2; i++) {
		struct public_key public;
		struct wg_change c = {.flags = WG_DEVICE_PRIVATE_KEY, .private_key = &key};

		key_generate(&key);
		key_public(&key, &public);
		assert_ok(f->b->ops->change(f->b, f->ifname, &c, &e), &e);
		read_device(f, &d);
		assert_true(public_key_equal(&d.public_key, &public));
		assert_int_equal(d.peers.n, 1);
		assert_int_equal(d.peers.v[0].keepalive, 25);
		assert_prefixes(peer_of(&d, &op.public_key), "10.1.0.0/24", "fd00::/64");
	}
	VEC_DONE(&ips);
}

static void device_is_not_its_own_peer(void **state)
{
	struct fixture *f = *state;
	CLEANUP(wg_device_done) struct wg_device d = {0};
	CLEANUP(secret_wipe) struct secret key;
	struct wg_peer_op ops[2] = {{.public_key = key_number(1)}};
	struct wg_change c = {.flags = WG_DEVICE_PRIVATE_KEY, .private_key = &key};
	struct err e = {0};

	key_generate(&key);
	key_public(&key, &ops[1].public_key);
	/* as a peer before the identity is set, and afterwards */
	assert_op(f, ops, 2);
	assert_ok(f->b->ops->change(f->b, f->ifname, &c, &e), &e);
	read_device(f, &d);
	assert_int_equal(d.peers.n, 1);
	assert_op(f, ops, 2);
	read_device(f, &d);
	assert_int_equal(d.peers.n, 1);
	assert_true(public_key_equal(&d.peers.v[0].public_key, &ops[0].public_key));
}

static void peer_fields_set_and_clear(void **state)
{
	struct fixture *f = *state;
	CLEANUP(wg_device_done) struct wg_device d = {0};
	struct wg_peer_op op = {.flags = WG_PEER_PSK | WG_PEER_KEEPALIVE,
		.public_key = key_number(7),
		.keepalive = 25};
	const struct wg_peer *p;

	memset(op.psk.bytes, 0x5a, KEY_LEN);
	assert_op(f, &op, 1);
	read_device(f, &d);
	p = peer_of(&d, &op.public_key);
	assert_non_null(p);
	assert_true(secret_equal(&p->psk, &op.psk));
	assert_int_equal(p->keepalive, 25);
	assert_int_equal(p->allowed_ips.n, 0);
	assert_false(addr_is_set(p->endpoint_addr));
	assert_true(p->last_handshake == 0 && p->rx == 0);
	/* a change without flags touches nothing */
	op.flags = 0;
	assert_op(f, &op, 1);
	read_device(f, &d);
	assert_int_equal(d.peers.n, 1);
	assert_int_equal(d.peers.v[0].keepalive, 25);
	assert_true(secret_equal(&d.peers.v[0].psk, &op.psk));
	op.flags = WG_PEER_PSK | WG_PEER_KEEPALIVE;
	op.psk = (struct secret){{0}};
	op.keepalive = 0;
	assert_op(f, &op, 1);
	read_device(f, &d);
	assert_int_equal(d.peers.n, 1);
	assert_true(secret_is_zero(&d.peers.v[0].psk));
	assert_int_equal(d.peers.v[0].keepalive, 0);
}

static void endpoints_of_both_families(void **state)
{
	struct fixture *f = *state;
	CLEANUP(wg_device_done) struct wg_device d = {0};
	static const char *const texts[] = {"192.0.2.7", "2001:db8::7", "10.0.0.1"};
	struct wg_peer_op op = {.flags = WG_PEER_ENDPOINT, .public_key = key_number(9)};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(addr_parse(texts[i], &op.endpoint_addr), 0);
		op.endpoint_port = (uint16_t)(51820 + i);
		assert_op(f, &op, 1);
		read_device(f, &d);
		assert_int_equal(d.peers.n, 1);
		assert_int_equal(addr_compare(d.peers.v[0].endpoint_addr, op.endpoint_addr), 0);
		assert_int_equal(d.peers.v[0].endpoint_port, 51820 + i);
	}
	/* an empty hint leaves what is known */
	op.endpoint_addr = (struct addr){0};
	assert_op(f, &op, 1);
	read_device(f, &d);
	assert_int_equal(d.peers.v[0].endpoint_port, 51822);
}

static void allowed_ips_are_replaced_whole(void **state)
{
	struct fixture *f = *state;
	CLEANUP(wg_device_done) struct wg_device d = {0};
	struct prefix_vec ips = {0};
	struct wg_peer_op op = {
		.flags = WG_PEER_ALLOWED_IPS, .public_key = key_number(3), .allowed_ips = &ips};

	set_of(&ips, "10.0.0.1/32", "fd00::1/128");
	assert_op(f, &op, 1);
	read_device(f, &d);
	assert_prefixes(peer_of(&d, &op.public_key), "10.0.0.1/32", "fd00::1/128");
	ips.n = 0;
	set_of(&ips, "0.0.0.0/0", "::/0");
	assert_op(f, &op, 1);
	read_device(f, &d);
	assert_prefixes(peer_of(&d, &op.public_key), "0.0.0.0/0", "::/0");
	/* the same prefix twice is one */
	ips.n = 0;
	set_of(&ips, "10.9.0.0/16", "10.9.0.0/16");
	assert_op(f, &op, 1);
	read_device(f, &d);
	assert_prefixes(peer_of(&d, &op.public_key), "10.9.0.0/16", NULL);
	ips.n = 0;
	assert_op(f, &op, 1);
	read_device(f, &d);
	assert_prefixes(peer_of(&d, &op.public_key), NULL, NULL);
	VEC_DONE(&ips);
}

static void prefix_moves_between_peers(void **state)
{
	struct fixture *f = *state;
	CLEANUP(wg_device_done) struct wg_device d = {0};
	struct prefix_vec first = {0}, second = {0};
	struct wg_peer_op ops[2] = {
		{.flags = WG_PEER_ALLOWED_IPS, .public_key = key_number(1), .allowed_ips = &first},
		{.flags = WG_PEER_ALLOWED_IPS,
			.public_key = key_number(2),
			.allowed_ips = &second}};

	set_of(&first, "10.1.0.0/16", "10.2.0.0/16");
	set_of(&second, "10.3.0.0/16", NULL);
	assert_op(f, ops, 2);
	/* the last to claim it has it; a nested prefix is another one */
	second.n = 0;
	set_of(&second, "10.2.0.0/16", "10.1.7.0/24");
	assert_op(f, &ops[1], 1);
	read_device(f, &d);
	assert_prefixes(peer_of(&d, &ops[0].public_key), "10.1.0.0/16", NULL);
	assert_prefixes(peer_of(&d, &ops[1].public_key), "10.2.0.0/16", "10.1.7.0/24");
	/* and back, in one batch with the removal of the thief */
	ops[1].flags = WG_PEER_REMOVE;
	assert_op(f, (struct wg_peer_op[]){ops[1], ops[0]}, 2);
	read_device(f, &d);
	assert_int_equal(d.peers.n, 1);
	assert_prefixes(peer_of(&d, &ops[0].public_key), "10.1.0.0/16", "10.2.0.0/16");
	VEC_DONE(&first);
	VEC_DONE(&second);
}

static void removing_and_updating_the_absent(void **state)
{
	struct fixture *f = *state;
	CLEANUP(wg_device_done) struct wg_device d = {0};
	struct wg_peer_op op = {.flags = WG_PEER_REMOVE, .public_key = key_number(4)};

	assert_op(f, &op, 1);
	op.flags = WG_PEER_UPDATE_ONLY | WG_PEER_KEEPALIVE;
	op.keepalive = 9;
	assert_op(f, &op, 1);
	read_device(f, &d);
	assert_int_equal(d.peers.n, 0);
	op.flags = WG_PEER_KEEPALIVE;
	assert_op(f, &op, 1);
	op.flags = WG_PEER_UPDATE_ONLY | WG_PEER_KEEPALIVE;
	op.keepalive = 11;
	assert_op(f, &op, 1);
	read_device(f, &d);
	assert_int_equal(d.peers.n, 1);
	assert_int_equal(d.peers.v[0].keepalive, 11);
	op.flags = WG_PEER_REMOVE;
	assert_op(f, &op, 1);
	assert_op(f, &op, 1);
	read_device(f, &d);
	assert_int_equal(d.peers.n, 0);
}

static void replace_peers_leaves_only_the_new(void **state)
{
	struct fixture *f = *state;
	CLEANUP(wg_device_done) struct wg_device d = {0};
	struct wg_peer_op ops[3] = {{.public_key = key_number(1)}, {.public_key = key_number(2)},
		{.public_key = key_number(3)}};
	struct wg_change c = {.flags = WG_DEVICE_REPLACE_PEERS, .peers = &ops[1], .n_peers = 2};
	struct err e = {0};

	assert_op(f, ops, 2);
	assert_ok(f->b->ops->change(f->b, f->ifname, &c, &e), &e);
	read_device(f, &d);
	assert_int_equal(d.peers.n, 2);
	assert_null(peer_of(&d, &ops[0].public_key));
	assert_non_null(peer_of(&d, &ops[2].public_key));
}

static void the_absent_interface(void **state)
{
	struct fixture *f = *state;
	struct wg_device d = {0};
	struct err e = {0};

	assert_int_equal(f->b->ops->read(f->b, "absent0", &d, &e), ERR_NOT_FOUND);
	assert_int_equal(
		f->b->ops->change(f->b, "absent0", &(struct wg_change){0}, &e), ERR_NOT_FOUND);
	assert_ok(f->b->ops->destroy(f->b, "absent0", &e), &e);
	assert_ok(f->b->ops->destroy(f->b, f->ifname, &e), &e);
	assert_int_equal(f->b->ops->read(f->b, f->ifname, &d, &e), ERR_NOT_FOUND);
	assert_ok(f->b->ops->destroy(f->b, f->ifname, &e), &e);
}

static void nonsense_is_refused(void **state)
{
	struct fixture *f = *state;
	struct wg_device d = {0};
	struct wg_peer_op op = {.flags = 0};
	struct wg_change c = {.peers = &op, .n_peers = 1};
	struct err e = {0};
	bool adopted;

	assert_int_equal(f->b->ops->change(f->b, f->ifname, &c, &e), ERR_INVALID);
	assert_string_equal(e.field, "public_key");
	op = (struct wg_peer_op){.flags = WG_PEER_ENDPOINT, .public_key = key_number(1)};
	assert_int_equal(addr_parse("192.0.2.1", &op.endpoint_addr), 0);
	assert_int_equal(f->b->ops->change(f->b, f->ifname, &c, &e), ERR_INVALID);
	assert_int_equal(f->b->ops->create(f->b, "../etc/x", &adopted, &e), ERR_INVALID);
	assert_int_equal(f->b->ops->create(f->b, "", &adopted, &e), ERR_INVALID);
	assert_int_equal(f->b->ops->create(f->b, "sixteen-bytes-is", &adopted, &e), ERR_INVALID);
	assert_int_equal(f->b->ops->read(f->b, "a/b", &d, &e), ERR_INVALID);
}

#define PREFIXES_OF(i) (1 + (i) % 7)

/* n peers with 1-7 prefixes each, all fields, read back exactly: batches and split answers. */
static void many(struct fixture *f, size_t n)
{
	CLEANUP(wg_device_done) struct wg_device d = {0};
	struct wg_peer_op *ops = mem_resize(NULL, n, sizeof(*ops));
	struct prefix_vec *ips = mem_resize(NULL, n, sizeof(*ips));
	struct map seen = {0};

	memset(ops, 0, n * sizeof(*ops));
	memset(ips, 0, n * sizeof(*ips));
	for (size_t i = 0; i < n; i++) {
		char text[ADDR_TEXT_LEN + 4];

		for (size_t k = 0; k < PREFIXES_OF(i); k++) {
			snprintf(text, sizeof(text),
				k % 2 ? "fd00:%zx:%zx::/48" : "%zu.%zu.%zu.0/24",
				k % 2 ? i : 11 + k, k % 2 ? k : i >> 8, i & 255);
			VEC_PUSH(&ips[i], pfx(text));
		}
		ops[i] = (struct wg_peer_op){.flags = WG_PEER_PSK | WG_PEER_ENDPOINT |
				WG_PEER_KEEPALIVE | WG_PEER_ALLOWED_IPS,
			.public_key = key_number((unsigned)i + 1),
			.endpoint_port = (uint16_t)(1 + i % 60000),
			.keepalive = (uint16_t)(i % 100),
			.allowed_ips = &ips[i]};
		ops[i].psk.bytes[0] = (uint8_t)(i + 1);
		assert_int_equal(
			addr_parse(i % 2 ? "192.0.2.1" : "2001:db8::1", &ops[i].endpoint_addr), 0);
	}
	assert_op(f, ops, n);
	read_device(f, &d);
	assert_int_equal(d.peers.n, n);
	VEC_FOREACH (p, &d.peers) {
		char hex[2 * KEY_LEN + 1];

		text_hex(p->public_key.bytes, KEY_LEN, hex);
		assert_null(map_set(&seen, hex, p));
	}
	for (size_t i = 0; i < n; i++) {
		char hex[2 * KEY_LEN + 1];
		const struct wg_peer *p;

		text_hex(ops[i].public_key.bytes, KEY_LEN, hex);
		p = map_get(&seen, hex);
		assert_non_null(p);
		assert_true(secret_equal(&p->psk, &ops[i].psk));
		assert_int_equal(addr_compare(p->endpoint_addr, ops[i].endpoint_addr), 0);
		assert_int_equal(p->endpoint_port, ops[i].endpoint_port);
		assert_int_equal(p->keepalive, ops[i].keepalive);
		assert_true(prefix_vec_equal(&p->allowed_ips, &ips[i]));
		VEC_DONE(&ips[i]);
	}
	map_done(&seen, NULL);
	mem_free(ips);
	mem_free(ops);
}

static void peers_1(void **state)
{
	many(*state, 1);
}

static void peers_20(void **state)
{
	many(*state, 20);
}

static void peers_21(void **state)
{
	many(*state, 21);
}

static void peers_100(void **state)
{
	many(*state, 100);
}

static void peers_5000(void **state)
{
	many(*state, 5000);
}

static void peers_10000(void **state)
{
	many(*state, 10000);
}

static void peers_50000(void **state)
{
	many(*state, 50000);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static int run(const char *reason, const struct CMUnitTest *tests, size_t n)
{
	if (reason != NULL) {
		printf("1..0 # SKIP %s\n", reason);
		return 0;
	}
	crypto_init();
	return _cmocka_run_group_tests("conformance", tests, n, NULL, NULL);
}

int conformance_run(const char *reason)
{
	const struct CMUnitTest tests[] = {TEST(fresh_device_is_empty),
		TEST(create_adopts_and_keeps_peers), TEST(list_names_what_is_there),
		TEST(device_fields), TEST(private_key_change_keeps_peers),
		TEST(device_is_not_its_own_peer), TEST(peer_fields_set_and_clear),
		TEST(endpoints_of_both_families), TEST(allowed_ips_are_replaced_whole),
		TEST(prefix_moves_between_peers), TEST(removing_and_updating_the_absent),
		TEST(replace_peers_leaves_only_the_new), TEST(the_absent_interface),
		TEST(nonsense_is_refused), TEST(peers_1), TEST(peers_20), TEST(peers_21),
		TEST(peers_100), TEST(peers_5000)};

	return run(reason, tests, ARRAY_LEN(tests));
}

int conformance_run_large(const char *reason)
{
	const struct CMUnitTest tests[] = {TEST(peers_10000), TEST(peers_50000)};

	return run(reason, tests, ARRAY_LEN(tests));
}
