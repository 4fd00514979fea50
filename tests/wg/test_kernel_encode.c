/*
 * DOC: changes as netlink messages. A small reader written with libmnl plays the kernel: what it
 * was told, over however many messages, must be the change.
 */
#include "base/rand.h"
#include "wg/kernel_encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>

#define FAMILY 0x1234

/* libmnl's own loops do not compile without warnings. */
#define EACH(a, first, end)                                                                   \
	for ((a) = (first); mnl_attr_ok((a), (int)((const char *)(end) - (const char *)(a))); \
		(a) = mnl_attr_next(a))
#define EACH_NESTED(a, nest) \
	EACH(a, mnl_attr_get_payload(nest), (const char *)(nest) + (nest)->nla_len)

/* What the kernel was told. */
struct heard {
	struct wg_change device; /* without peers */
	struct secret private_key;
	VEC(struct wg_peer_op) ops;
	VEC(struct prefix_vec *) ips; /* of each op */
	size_t messages, splits;
};

static void heard_done(struct heard *k)
{
	VEC_FOREACH (v, &k->ips) {
		VEC_DONE(*v);
		mem_free(*v);
	}
	VEC_DONE(&k->ips);
	VEC_DONE(&k->ops);
}

/* The attributes of a nest by type; strict about what is left over. */
static void table(const struct nlattr *nest, const struct nlattr **ret, uint16_t max)
{
	const struct nlattr *a;
	size_t sum = 0;

	assert_true(nest->nla_type & NLA_F_NESTED);
	memset(ret, 0, ((size_t)max + 1) * sizeof(*ret));
	EACH_NESTED(a, nest)
	{
		assert_true(mnl_attr_get_type(a) <= max);
		assert_null(ret[mnl_attr_get_type(a)]);
		ret[mnl_attr_get_type(a)] = a;
		sum += (a->nla_len + 3U) & ~3U;
	}
	assert_int_equal(sum, mnl_attr_get_payload_len(nest));
}

static void hear_prefixes(const struct nlattr *list, struct prefix_vec *to)
{
	const struct nlattr *item;

	EACH_NESTED(item, list)
	{
		const struct nlattr *a[WGALLOWEDIP_A_MAX + 1];
		struct prefix p;
		bool four;

		table(item, a, WGALLOWEDIP_A_MAX);
		four = mnl_attr_get_u16(a[WGALLOWEDIP_A_FAMILY]) == AF_INET;
		if (!four)
			assert_int_equal(mnl_attr_get_u16(a[WGALLOWEDIP_A_FAMILY]), AF_INET6);
		assert_int_equal(mnl_attr_get_payload_len(a[WGALLOWEDIP_A_IPADDR]), four ? 4 : 16);
		p.addr = addr_from_bytes(four ? FAMILY_IPV4 : FAMILY_IPV6,
			mnl_attr_get_payload(a[WGALLOWEDIP_A_IPADDR]));
		p.len = mnl_attr_get_u8(a[WGALLOWEDIP_A_CIDR_MASK]);
		VEC_PUSH(to, p);
	}
}

static void hear_endpoint(const struct nlattr *a, struct wg_peer_op *op)
{
	const struct sockaddr_in *four = mnl_attr_get_payload(a);
	const struct sockaddr_in6 *six = mnl_attr_get_payload(a);

	op->flags |= WG_PEER_ENDPOINT;
	if (four->sin_family == AF_INET) {
		assert_int_equal(mnl_attr_get_payload_len(a), sizeof(*four));
		op->endpoint_addr = addr_from_bytes(FAMILY_IPV4, (const uint8_t *)&four->sin_addr);
		op->endpoint_port = ntohs(four->sin_port);
		return;
	}
	assert_int_equal(six->sin6_family, AF_INET6);
	assert_int_equal(mnl_attr_get_payload_len(a), sizeof(*six));
	op->endpoint_addr = addr_from_bytes(FAMILY_IPV6, (const uint8_t *)&six->sin6_addr);
	op->endpoint_port = ntohs(six->sin6_port);
}

static void hear_peer(struct heard *k, const struct nlattr *nest, bool first)
{
	const struct nlattr *a[WGPEER_A_MAX + 1];
	struct wg_peer_op op = {0};
	uint32_t flags;

	table(nest, a, WGPEER_A_MAX);
	assert_non_null(a[WGPEER_A_PUBLIC_KEY]);
	memcpy(op.public_key.bytes, mnl_attr_get_payload(a[WGPEER_A_PUBLIC_KEY]), KEY_LEN);
	flags = a[WGPEER_A_FLAGS] ? mnl_attr_get_u32(a[WGPEER_A_FLAGS]) : 0;
	if (a[WGPEER_A_ALLOWEDIPS] != NULL && !(flags & WGPEER_F_REPLACE_ALLOWEDIPS)) {
		/* The last peer goes on: only at the start of a message, and nothing but prefixes.
		 */
		assert_true(first && k->ops.n > 0);
		assert_true(public_key_equal(&op.public_key, &k->ops.v[k->ops.n - 1].public_key));
		assert_int_equal(flags, WGPEER_F_UPDATE_ONLY);
		assert_null(a[WGPEER_A_PRESHARED_KEY]);
		assert_null(a[WGPEER_A_ENDPOINT]);
		assert_null(a[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL]);
		hear_prefixes(a[WGPEER_A_ALLOWEDIPS], k->ips.v[k->ips.n - 1]);
		k->splits++;
		return;
	}
	VEC_PUSH(&k->ips, NEW(struct prefix_vec));
	if (a[WGPEER_A_ALLOWEDIPS] != NULL)
		hear_prefixes(a[WGPEER_A_ALLOWEDIPS], k->ips.v[k->ips.n - 1]);
	op.flags = (flags & WGPEER_F_REMOVE_ME ? WG_PEER_REMOVE : 0) |
		(flags & WGPEER_F_REPLACE_ALLOWEDIPS ? WG_PEER_ALLOWED_IPS : 0) |
		(flags & WGPEER_F_UPDATE_ONLY ? WG_PEER_UPDATE_ONLY : 0);
	if (a[WGPEER_A_PRESHARED_KEY] != NULL) {
		op.flags |= WG_PEER_PSK;
		memcpy(op.psk.bytes, mnl_attr_get_payload(a[WGPEER_A_PRESHARED_KEY]), KEY_LEN);
	}
	if (a[WGPEER_A_ENDPOINT] != NULL)
		hear_endpoint(a[WGPEER_A_ENDPOINT], &op);
	if (a[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL] != NULL) {
		op.flags |= WG_PEER_KEEPALIVE;
		op.keepalive = mnl_attr_get_u16(a[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL]);
	}
	VEC_PUSH(&k->ops, op);
}

static void hear(struct heard *k, const struct nlmsghdr *nlh, const char *ifname)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a, *peer;
	bool first = true;

	assert_int_equal(nlh->nlmsg_type, FAMILY);
	assert_int_equal(nlh->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	assert_int_equal(genl->cmd, WG_CMD_SET_DEVICE);
	a = mnl_nlmsg_get_payload_offset(nlh, sizeof(*genl));
	assert_int_equal(mnl_attr_get_type(a), WGDEVICE_A_IFNAME);
	EACH(a, mnl_nlmsg_get_payload_offset(nlh, sizeof(*genl)), mnl_nlmsg_get_payload_tail(nlh))
	{
		switch (mnl_attr_get_type(a)) {
		case WGDEVICE_A_IFNAME:
			assert_string_equal(mnl_attr_get_str(a), ifname);
			continue;
		case WGDEVICE_A_PEERS:
			EACH_NESTED(peer, a)
			{
				hear_peer(k, peer, first);
				first = false;
			}
			continue;
		}
		/* What the device is told, it is told once, before any peer. */
		assert_int_equal(k->messages, 0);
		assert_int_equal(k->ops.n, 0);
		switch (mnl_attr_get_type(a)) {
		case WGDEVICE_A_FLAGS:
			assert_int_equal(mnl_attr_get_u32(a), WGDEVICE_F_REPLACE_PEERS);
			k->device.flags |= WG_DEVICE_REPLACE_PEERS;
			break;
		case WGDEVICE_A_PRIVATE_KEY:
			assert_int_equal(mnl_attr_get_payload_len(a), KEY_LEN);
			memcpy(k->private_key.bytes, mnl_attr_get_payload(a), KEY_LEN);
			k->device.flags |= WG_DEVICE_PRIVATE_KEY;
			break;
		case WGDEVICE_A_LISTEN_PORT:
			k->device.listen_port = mnl_attr_get_u16(a);
			k->device.flags |= WG_DEVICE_LISTEN_PORT;
			break;
		case WGDEVICE_A_FWMARK:
			k->device.fwmark = mnl_attr_get_u32(a);
			k->device.flags |= WG_DEVICE_FWMARK;
			break;
		default:
			fail_msg("attribute %u", mnl_attr_get_type(a));
		}
	}
	k->messages++;
}

static void assert_same_op(
	const struct wg_peer_op *want, const struct wg_peer_op *got, const struct prefix_vec *ips)
{
	assert_true(public_key_equal(&want->public_key, &got->public_key));
	if (want->flags & WG_PEER_REMOVE) {
		assert_int_equal(got->flags, WG_PEER_REMOVE);
		assert_int_equal(ips->n, 0);
		return;
	}
	assert_int_equal(want->flags, got->flags);
	assert_true(secret_equal(&want->psk, &got->psk));
	assert_int_equal(addr_compare(want->endpoint_addr, got->endpoint_addr), 0);
	assert_int_equal(want->endpoint_port, got->endpoint_port);
	assert_int_equal(want->keepalive, got->keepalive);
	assert_int_equal(ips->n, want->allowed_ips ? want->allowed_ips->n : 0);
	for (size_t i = 0; i < ips->n; i++)
		assert_int_equal(prefix_compare(ips->v[i], want->allowed_ips->v[i]), 0);
}

/* Encode with messages of that size, hear them, compare. Returns how often a peer was split. */
static size_t round_trip(const struct wg_change *c, size_t size)
{
	CLEANUP(heard_done) struct heard k = {0};
	uint8_t *buf = mem_alloc(size);
	struct wg_encoder w;
	size_t n, last = size;

	wg_encoder_init(&w, FAMILY, "warren0", c);
	while ((n = wg_encoder_next(&w, buf, size)) > 0) {
		assert_true(n <= size && n % 4 == 0);
		assert_int_equal(n, ((struct nlmsghdr *)(void *)buf)->nlmsg_len);
		/* As few as possible: all but the last are full but for one peer's worth. */
		assert_true(last + 180 > size);
		last = n;
		hear(&k, (const struct nlmsghdr *)(const void *)buf, "warren0");
	}
	mem_free(buf);
	assert_true(k.messages > 0);
	assert_int_equal(k.device.flags, c->flags);
	if (c->flags & WG_DEVICE_PRIVATE_KEY)
		assert_true(secret_equal(&k.private_key, c->private_key));
	assert_int_equal(k.device.listen_port, c->listen_port);
	assert_int_equal(k.device.fwmark, c->fwmark);
	assert_int_equal(k.ops.n, c->n_peers);
	for (size_t i = 0; i < k.ops.n; i++)
		assert_same_op(&c->peers[i], &k.ops.v[i], k.ips.v[i]);
	return k.splits;
}

static void random_bytes(struct rand *r, void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)rand_next(r);
}

static struct prefix random_prefix(struct rand *r)
{
	bool four = rand_below(r, 2);
	struct prefix p = {.len = (uint8_t)rand_below(r, four ? 33 : 129)};
	uint8_t bytes[16];

	random_bytes(r, bytes, sizeof(bytes));
	p.addr = addr_from_bytes(four ? FAMILY_IPV4 : FAMILY_IPV6, bytes);
	p.addr = prefix_first(p);
	return p;
}

static struct wg_peer_op random_op(struct rand *r, struct prefix_vec *ips, size_t max_ips)
{
	struct wg_peer_op op = {.flags = (unsigned)rand_below(r, 64)};

	random_bytes(r, op.public_key.bytes, KEY_LEN);
	/* Mostly peers that are set, else there is little to split. */
	if (rand_below(r, 4) != 0)
		op.flags &= ~(unsigned)WG_PEER_REMOVE;
	if ((op.flags & WG_PEER_PSK) && rand_below(r, 4) != 0)
		random_bytes(r, op.psk.bytes, KEY_LEN);
	if (op.flags & WG_PEER_ENDPOINT) {
		op.endpoint_addr = random_prefix(r).addr;
		op.endpoint_port = (uint16_t)(1 + rand_below(r, 65535));
	}
	if (op.flags & WG_PEER_KEEPALIVE)
		op.keepalive = (uint16_t)rand_below(r, 65536);
	if (op.flags & WG_PEER_ALLOWED_IPS) {
		for (size_t n = rand_below(r, max_ips + 1); n > 0; n--)
			VEC_PUSH(ips, random_prefix(r));
		op.allowed_ips = ips;
	}
	return op;
}

/* A random change of n peers, in messages of all the sizes. */
static void random_change(uint64_t seed, size_t n, size_t max_ips, const size_t *sizes)
{
	struct rand r = {seed};
	struct wg_peer_op *ops = mem_zalloc((n + 1) * sizeof(*ops));
	struct prefix_vec *ips = mem_zalloc((n + 1) * sizeof(*ips));
	struct secret key;
	struct wg_change c = {.flags = (unsigned)rand_below(&r, 16), .peers = ops, .n_peers = n};

	random_bytes(&r, key.bytes, KEY_LEN);
	c.private_key = &key;
	if (c.flags & WG_DEVICE_LISTEN_PORT)
		c.listen_port = (uint16_t)rand_below(&r, 65536);
	if (c.flags & WG_DEVICE_FWMARK)
		c.fwmark = (uint32_t)rand_next(&r);
	for (size_t i = 0; i < n; i++)
		ops[i] = random_op(&r, &ips[i], max_ips);
	for (; *sizes != 0; sizes++)
		round_trip(&c, *sizes);
	for (size_t i = 0; i < n; i++)
		VEC_DONE(&ips[i]);
	mem_free(ips);
	mem_free(ops);
}

static void random_changes_of_all_sizes(void **state)
{
	static const size_t counts[] = {0, 1, 2, 20, 21, 100},
			    all[] = {WG_MESSAGE_MIN, WG_MESSAGE_MIN + 4, 700, 4096, 8192,
				    WG_MESSAGE_MAX, 0};

	for (uint64_t seed = 1; seed <= 40; seed++)
		for (size_t i = 0; i < ARRAY_LEN(counts); i++)
			random_change(seed * 1000 + i, counts[i], 1 + seed, all);
}

static void five_thousand_peers_with_many_prefixes(void **state)
{
	static const size_t sizes[] = {8192, WG_MESSAGE_MAX, 0};

	random_change(7, 5000, 60, sizes);
}

/* One peer, any number of prefixes: the cut comes at every place there is. */
static void a_peer_is_cut_at_every_prefix(void **state)
{
	struct rand r = {1};
	struct prefix_vec ips = {0};
	struct wg_peer_op op = {.flags = WG_PEER_ALLOWED_IPS | WG_PEER_PSK,
		.public_key = {{1}},
		.allowed_ips = &ips};
	const struct wg_change c = {.peers = &op, .n_peers = 1};
	size_t splits = 0;

	for (size_t n = 0; n < 200; n++) {
		for (size_t size = WG_MESSAGE_MIN; size < WG_MESSAGE_MIN + 44; size += 4)
			splits = round_trip(&c, size);
		VEC_PUSH(&ips, random_prefix(&r));
	}
	assert_true(splits > 10);
	VEC_DONE(&ips);
}

static void a_continued_peer_is_told_that_and_no_more(void **state)
{
	struct rand r = {2};
	struct prefix_vec ips = {0};
	struct wg_peer_op op = {.flags = 63 & ~WG_PEER_REMOVE,
		.public_key = {{1}},
		.psk = {{2}},
		.endpoint_port = 7,
		.keepalive = 25,
		.allowed_ips = &ips};
	const struct wg_change c = {.flags = WG_DEVICE_REPLACE_PEERS, .peers = &op, .n_peers = 1};

	assert_int_equal(addr_parse("192.0.2.1", &op.endpoint_addr), 0);
	for (size_t i = 0; i < 5000; i++)
		VEC_PUSH(&ips, random_prefix(&r));
	/* hear_peer() checks each part */
	assert_true(round_trip(&c, WG_MESSAGE_MAX) >= 4);
	VEC_DONE(&ips);
}

static void one_message_byte_for_byte(void **state)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	/* clang-format off */
	static const uint8_t want[] = {
		0x58, 0, 0, 0, 0x34, 0x12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* message */
		1, 1, 0, 0,                                              /* SET_DEVICE, version */
		8, 0, 2, 0, 'w', 'g', '0', 0,                            /* IFNAME */
		8, 0, 7, 0, 1, 2, 0, 0,                                  /* FWMARK */
		0x34, 0, 8, 0x80, 0x30, 0, 0, 0x80,                      /* PEERS, the first */
		0x24, 0, 1, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
		9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,           /* PUBLIC_KEY */
		8, 0, 3, 0, 1, 0, 0, 0,                                  /* FLAGS: REMOVE_ME */
	};
	/* clang-format on */
	struct wg_peer_op op = {.flags = WG_PEER_REMOVE | WG_PEER_PSK};
	const struct wg_change c = {
		.flags = WG_DEVICE_FWMARK, .fwmark = 513, .peers = &op, .n_peers = 1};
	_Alignas(struct nlmsghdr) uint8_t buf[WG_MESSAGE_MIN];
	struct wg_encoder w;

	memset(op.public_key.bytes, 9, KEY_LEN);
	wg_encoder_init(&w, FAMILY, "wg0", &c);
	assert_int_equal(wg_encoder_next(&w, buf, sizeof(buf)), sizeof(want));
	assert_memory_equal(buf, want, sizeof(want));
	assert_int_equal(wg_encoder_next(&w, buf, sizeof(buf)), 0);
#endif
}

static void zeroes_are_told(void **state)
{
	CLEANUP(heard_done) struct heard k = {0};
	const struct secret none = {{0}};
	struct wg_peer_op op = {
		.flags = WG_PEER_PSK | WG_PEER_KEEPALIVE | WG_PEER_ALLOWED_IPS | WG_PEER_ENDPOINT,
		.public_key = {{1}}};
	const struct wg_change c = {
		.flags = WG_DEVICE_PRIVATE_KEY | WG_DEVICE_LISTEN_PORT | WG_DEVICE_FWMARK,
		.private_key = &none,
		.peers = &op,
		.n_peers = 1};
	_Alignas(struct nlmsghdr) uint8_t buf[WG_MESSAGE_MIN];
	struct wg_encoder w;

	wg_encoder_init(&w, FAMILY, "x", &c);
	assert_true(wg_encoder_next(&w, buf, sizeof(buf)) > 0);
	hear(&k, (const struct nlmsghdr *)(const void *)buf, "x");
	assert_int_equal(k.device.flags, c.flags);
	assert_true(secret_is_zero(&k.private_key));
	/* a zero pre-shared key clears; an endpoint that is not known is not told */
	assert_int_equal(k.ops.v[0].flags, WG_PEER_PSK | WG_PEER_KEEPALIVE | WG_PEER_ALLOWED_IPS);
	assert_true(secret_is_zero(&k.ops.v[0].psk));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_message_byte_for_byte),
		cmocka_unit_test(zeroes_are_told),
		cmocka_unit_test(a_peer_is_cut_at_every_prefix),
		cmocka_unit_test(a_continued_peer_is_told_that_and_no_more),
		cmocka_unit_test(random_changes_of_all_sizes),
		cmocka_unit_test(five_thousand_peers_with_many_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
