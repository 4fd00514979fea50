/*
 * DOC: what the kernel says about a device, put together again. The test writes the messages as
 * the kernel does, cut wherever it likes; then it breaks them.
 */
#include "base/buf.h"
#include "base/rand.h"
#include "wg/device.h"
#include "wg/kernel_decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>

#define FAMILY 31
#define SEQ 5
#define PORTID 77

/* --- writing as the kernel ----------------------------------------------------------------------
 */

static void put(struct buf *b, uint16_t type, const void *p, size_t n)
{
	const struct nlattr a = {.nla_len = (uint16_t)(sizeof(a) + n), .nla_type = type};

	assert_true(n + sizeof(a) <= UINT16_MAX);
	buf_add(b, &a, sizeof(a));
	buf_add(b, p, n);
	buf_add(b, "\0\0\0", (size_t) - (ssize_t)n & 3);
}

static size_t open_nest(struct buf *b, uint16_t type)
{
	put(b, type | NLA_F_NESTED, NULL, 0);
	return b->len - sizeof(struct nlattr);
}

static void close_nest(struct buf *b, size_t at)
{
	uint16_t n = (uint16_t)(b->len - at);

	assert_true(b->len - at <= UINT16_MAX);
	memcpy(b->data + at, &n, sizeof(n));
}

static size_t open_message(struct buf *b, uint16_t type)
{
	const struct nlmsghdr h = {.nlmsg_type = type,
		.nlmsg_flags = NLM_F_MULTI,
		.nlmsg_seq = SEQ,
		.nlmsg_pid = PORTID};
	const struct genlmsghdr g = {.cmd = WG_CMD_GET_DEVICE, .version = 1};
	size_t at = b->len;

	buf_add(b, &h, sizeof(h));
	if (type == FAMILY)
		buf_add(b, &g, sizeof(g));
	return at;
}

static void close_message(struct buf *b, size_t at)
{
	uint32_t n = (uint32_t)(b->len - at);

	memcpy(b->data + at, &n, sizeof(n));
}

static void put_done(struct buf *b, int code)
{
	size_t at = open_message(b, NLMSG_DONE);

	buf_add(b, &code, sizeof(code));
	close_message(b, at);
}

static void put_prefix(struct buf *b, struct prefix p)
{
	size_t at = open_nest(b, 0);
	uint16_t family = p.addr.family == FAMILY_IPV4 ? AF_INET : AF_INET6;
	uint8_t bytes[16];

	addr_to_bytes(p.addr, bytes);
	put(b, WGALLOWEDIP_A_CIDR_MASK, &p.len, 1);
	put(b, WGALLOWEDIP_A_FAMILY, &family, 2);
	put(b, WGALLOWEDIP_A_IPADDR, bytes, family == AF_INET ? 4 : 16);
	close_nest(b, at);
}

static void put_endpoint(struct buf *b, const struct wg_peer *p)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(p->endpoint_port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(p->endpoint_port)};

	if (p->endpoint_addr.family == FAMILY_IPV4) {
		addr_to_bytes(p->endpoint_addr, (uint8_t *)&four.sin_addr);
		put(b, WGPEER_A_ENDPOINT, &four, sizeof(four));
	} else if (p->endpoint_addr.family == FAMILY_IPV6) {
		addr_to_bytes(p->endpoint_addr, (uint8_t *)&six.sin6_addr);
		put(b, WGPEER_A_ENDPOINT, &six, sizeof(six));
	}
}

static void put_peer_fields(struct buf *b, const struct wg_peer *p)
{
	const int64_t handshake[2] = {
		p->last_handshake / 1000, p->last_handshake % 1000 * 1000000 + 999};
	uint32_t version = 1;

	put(b, WGPEER_A_LAST_HANDSHAKE_TIME, handshake, sizeof(handshake));
	put(b, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, &p->keepalive, 2);
	put(b, WGPEER_A_UNSPEC, NULL, 0); /* padding, where 64 bits must be aligned */
	put(b, WGPEER_A_TX_BYTES, &p->tx, 8);
	put(b, WGPEER_A_RX_BYTES, &p->rx, 8);
	put(b, WGPEER_A_PRESHARED_KEY, p->psk.bytes, KEY_LEN);
	put(b, WGPEER_A_PROTOCOL_VERSION, &version, 4);
	put(b, 200, "of a later kernel", 17);
	put_endpoint(b, p);
}

/* A device as a run of units: for each peer itself, then each of its prefixes. Each message holds
 * the units up to the next cut; cuts ascend. One datagram per message when ends is given. */
static void put_device(struct buf *b, const struct wg_device *d, const size_t *cuts, size_t n_cuts)
{
	size_t unit = 0, message, peers, cut = 0;

	message = open_message(b, FAMILY);
	put(b, WGDEVICE_A_LISTEN_PORT, &d->listen_port, 2);
	put(b, WGDEVICE_A_FWMARK, &d->fwmark, 4);
	put(b, WGDEVICE_A_IFNAME, "warren0", 8);
	put(b, WGDEVICE_A_PRIVATE_KEY, (uint8_t[KEY_LEN]){1}, KEY_LEN);
	put(b, WGDEVICE_A_PUBLIC_KEY, d->public_key.bytes, KEY_LEN);
	peers = open_nest(b, WGDEVICE_A_PEERS);
	VEC_FOREACH (p, &d->peers) {
		size_t peer, ips = 0;

		for (size_t i = 0; i <= p->allowed_ips.n; i++, unit++) {
			bool cut_here = cut < n_cuts && cuts[cut] == unit;

			if (cut_here) {
				cut++;
				if (i > 0) {
					close_nest(b, ips);
					close_nest(b, peer);
				}
				close_nest(b, peers);
				close_message(b, message);
				message = open_message(b, FAMILY);
				put(b, WGDEVICE_A_IFNAME, "warren0", 8);
				peers = open_nest(b, WGDEVICE_A_PEERS);
			}
			if (i == 0 || cut_here) {
				peer = open_nest(b, 0);
				put(b, WGPEER_A_PUBLIC_KEY, p->public_key.bytes, KEY_LEN);
				if (i == 0)
					put_peer_fields(b, p);
				ips = open_nest(b, WGPEER_A_ALLOWEDIPS);
			}
			if (i > 0)
				put_prefix(b, p->allowed_ips.v[i - 1]);
		}
		close_nest(b, ips);
		close_nest(b, peer);
	}
	close_nest(b, peers);
	close_message(b, message);
}

/* --- reading
 * ---------------------------------------------------------------------------------------- */

static struct span span_of(const struct buf *b)
{
	return (struct span){(const uint8_t *)b->data, b->len};
}

/* All in one datagram, or each message in its own. */
static void decode(struct wg_dump *d, struct wg_device *to, const struct buf *b, bool apart)
{
	struct span s = span_of(b);

	wg_dump_init(d, to, FAMILY, SEQ, PORTID);
	if (!apart) {
		wg_dump_feed(d, s);
		return;
	}
	while (s.n > 0) {
		struct nlmsghdr h;
		uint8_t *own; /* so that reading past the message is seen */

		memcpy(&h, s.p, sizeof(h));
		own = mem_dup(s.p, h.nlmsg_len);
		wg_dump_feed(d, (struct span){own, h.nlmsg_len});
		mem_free(own);
		s.p += NLMSG_ALIGN(h.nlmsg_len);
		s.n -= NLMSG_ALIGN(h.nlmsg_len);
	}
}

static void assert_same_device(const struct wg_device *want, const struct wg_device *got)
{
	assert_true(public_key_equal(&want->public_key, &got->public_key));
	assert_int_equal(want->listen_port, got->listen_port);
	assert_int_equal(want->fwmark, got->fwmark);
	assert_int_equal(want->peers.n, got->peers.n);
	for (size_t i = 0; i < want->peers.n; i++) {
		const struct wg_peer *a = &want->peers.v[i], *b = &got->peers.v[i];

		assert_true(public_key_equal(&a->public_key, &b->public_key));
		assert_true(secret_equal(&a->psk, &b->psk));
		assert_int_equal(addr_compare(a->endpoint_addr, b->endpoint_addr), 0);
		assert_int_equal(a->endpoint_port, b->endpoint_port);
		assert_int_equal(a->keepalive, b->keepalive);
		assert_int_equal(a->last_handshake, b->last_handshake);
		assert_true(a->rx == b->rx && a->tx == b->tx);
		assert_int_equal(a->allowed_ips.n, b->allowed_ips.n);
		for (size_t k = 0; k < a->allowed_ips.n; k++)
			assert_int_equal(
				prefix_compare(a->allowed_ips.v[k], b->allowed_ips.v[k]), 0);
	}
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

/* Returns its number of units. */
static size_t random_device(struct rand *r, size_t n, size_t max_ips, struct wg_device *d)
{
	size_t units = n;

	random_bytes(r, d->public_key.bytes, KEY_LEN);
	d->listen_port = (uint16_t)rand_next(r);
	d->fwmark = (uint32_t)rand_next(r);
	for (size_t i = 0; i < n; i++) {
		struct wg_peer *p = wg_peer_add(&d->peers);

		random_bytes(r, p->public_key.bytes, KEY_LEN);
		random_bytes(r, p->psk.bytes, KEY_LEN);
		if (rand_below(r, 3) != 0) {
			p->endpoint_addr = random_prefix(r).addr;
			p->endpoint_port = (uint16_t)rand_next(r);
		}
		p->keepalive = (uint16_t)rand_next(r);
		p->last_handshake = (msec)rand_below(r, 1LL << 45);
		p->rx = rand_next(r);
		p->tx = rand_next(r);
		for (size_t k = rand_below(r, max_ips + 1); k > 0; k--, units++)
			VEC_PUSH(&p->allowed_ips, random_prefix(r));
	}
	return units;
}

static void split_and_compare(const struct wg_device *want, const size_t *cuts, size_t n_cuts)
{
	for (int apart = 0; apart < 2; apart++) {
		CLEANUP(wg_device_done) struct wg_device got = {0};
		CLEANUP(buf_done) struct buf b = {0};
		struct wg_dump d;

		put_device(&b, want, cuts, n_cuts);
		put_done(&b, 0);
		decode(&d, &got, &b, apart);
		if (d.state != WG_DUMP_DONE)
			fail_msg("%s", d.problem ? d.problem : "no end");
		assert_int_equal(d.refusal.errnum, 0);
		assert_false(d.interrupted);
		assert_same_device(want, &got);
	}
}

static void split_at_every_point(void **state)
{
	static const struct {
		size_t peers, max_ips;
	} shapes[] = {{0, 0}, {1, 0}, {1, 300}, {20, 9}, {21, 9}, {100, 3}};

	for (size_t s = 0; s < ARRAY_LEN(shapes); s++) {
		CLEANUP(wg_device_done) struct wg_device want = {0};
		struct rand r = {s};
		size_t units = random_device(&r, shapes[s].peers, shapes[s].max_ips, &want);

		split_and_compare(&want, NULL, 0);
		for (size_t at = 0; at < units; at++)
			split_and_compare(&want, &at, 1);
	}
}

static void split_everywhere_at_once(void **state)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		CLEANUP(wg_device_done) struct wg_device want = {0};
		struct rand r = {seed};
		size_t units = random_device(&r, 30, 20, &want), n = 0;
		size_t *cuts = mem_resize(NULL, units, sizeof(*cuts));

		for (size_t u = 0; u < units; u++)
			if (seed == 1 || rand_below(&r, 1 + seed % 7) == 0)
				cuts[n++] = u;
		split_and_compare(&want, cuts, n);
		mem_free(cuts);
	}
}

static void five_thousand_peers_with_many_prefixes(void **state)
{
	CLEANUP(wg_device_done) struct wg_device want = {0};
	struct rand r = {3};
	size_t units = random_device(&r, 5000, 60, &want), n = 0;
	size_t *cuts = mem_resize(NULL, units, sizeof(*cuts));

	for (size_t u = 100; u < units; u += 100)
		cuts[n++] = u;
	split_and_compare(&want, cuts, n);
	mem_free(cuts);
}

/* Looking back over all peers for each would be 1.25e9 comparisons: far more than this. */
static void fifty_thousand_peers_in_linear_time(void **state)
{
	CLEANUP(wg_device_done) struct wg_device want = {0}, got = {0};
	CLEANUP(buf_done) struct buf b = {0};
	struct rand r = {4};
	size_t units = random_device(&r, 50000, 2, &want), n = 0;
	size_t *cuts = mem_resize(NULL, units, sizeof(*cuts));
	struct wg_dump d;
	clock_t began;

	for (size_t u = 100; u < units; u += 100)
		cuts[n++] = u;
	put_device(&b, &want, cuts, n);
	put_done(&b, 0);
	mem_free(cuts);
	began = clock();
	decode(&d, &got, &b, true);
	assert_true((double)(clock() - began) / CLOCKS_PER_SEC < 2);
	assert_int_equal(d.state, WG_DUMP_DONE);
	assert_same_device(&want, &got);
}

/* --- refused
 * ---------------------------------------------------------------------------------------- */

static const uint8_t zeros[64];

static void ip(struct buf *b, uint16_t family, const char *bytes, size_t n, uint8_t len)
{
	size_t ips = open_nest(b, WGPEER_A_ALLOWEDIPS), at = open_nest(b, 0);

	put(b, WGALLOWEDIP_A_FAMILY, &family, 2);
	put(b, WGALLOWEDIP_A_IPADDR, bytes, n);
	put(b, WGALLOWEDIP_A_CIDR_MASK, &len, 1);
	close_nest(b, at);
	close_nest(b, ips);
}

/* Each adds to a peer that has its key. */
static void nothing(struct buf *b)
{
}

static void good_ip(struct buf *b)
{
	ip(b, AF_INET, "\x0a\0\0\0", 4, 8);
}

static void host_bits(struct buf *b)
{
	ip(b, AF_INET, "\x0a\1\0\0", 4, 8);
}

static void mask_too_long(struct buf *b)
{
	ip(b, AF_INET, (const char *)zeros, 4, 33);
}

static void mask_of_six_too_long(struct buf *b)
{
	ip(b, AF_INET6, (const char *)zeros, 16, 129);
}

static void family_unknown(struct buf *b)
{
	ip(b, 99, "\x0a\0\0\1", 4, 32);
}

static void family_of_another_size(struct buf *b)
{
	ip(b, AF_INET6, "\x0a\0\0\1", 4, 32);
}

static void family_four_of_six(struct buf *b)
{
	ip(b, AF_INET, (const char *)zeros, 16, 0);
}

static void ip_without_mask(struct buf *b)
{
	size_t ips = open_nest(b, WGPEER_A_ALLOWEDIPS), at = open_nest(b, 0);

	put(b, WGALLOWEDIP_A_FAMILY, (uint16_t[]){AF_INET}, 2);
	put(b, WGALLOWEDIP_A_IPADDR, zeros, 4);
	close_nest(b, at);
	close_nest(b, ips);
}

static void key_twice(struct buf *b)
{
	put(b, WGPEER_A_PUBLIC_KEY, zeros, KEY_LEN);
}

static void psk_short(struct buf *b)
{
	put(b, WGPEER_A_PRESHARED_KEY, zeros, KEY_LEN - 1);
}

static void endpoint_short(struct buf *b)
{
	put(b, WGPEER_A_ENDPOINT, zeros, 2);
}

static void endpoint_of_no_family(struct buf *b)
{
	put(b, WGPEER_A_ENDPOINT, zeros, sizeof(struct sockaddr_in));
}

static void endpoint_of_another_size(struct buf *b)
{
	const struct sockaddr_in6 six = {.sin6_family = AF_INET};

	put(b, WGPEER_A_ENDPOINT, &six, sizeof(six));
}

static void handshake_nanoseconds(struct buf *b)
{
	put(b, WGPEER_A_LAST_HANDSHAKE_TIME, (int64_t[]){1, 1000000000}, 16);
}

static void handshake_before_time(struct buf *b)
{
	put(b, WGPEER_A_LAST_HANDSHAKE_TIME, (int64_t[]){-1, 0}, 16);
}

static void attribute_too_short(struct buf *b)
{
	buf_add(b, (uint16_t[]){3, 4}, 4);
}

static void attribute_too_long(struct buf *b)
{
	buf_add(b, (uint16_t[]){60000, 4}, 4);
}

static void bytes_left_over(struct buf *b)
{
	buf_add(b, "\0\0", 2);
}

static void what_is_refused(void **state)
{
	static const struct {
		void (*add)(struct buf *b);
		enum wg_dump_state want;
	} table[] = {
		{nothing, WG_DUMP_DONE},
		{good_ip, WG_DUMP_DONE},
		{host_bits, WG_DUMP_BAD},
		{mask_too_long, WG_DUMP_BAD},
		{mask_of_six_too_long, WG_DUMP_BAD},
		{family_unknown, WG_DUMP_BAD},
		{family_of_another_size, WG_DUMP_BAD},
		{family_four_of_six, WG_DUMP_BAD},
		{ip_without_mask, WG_DUMP_BAD},
		{key_twice, WG_DUMP_BAD},
		{psk_short, WG_DUMP_BAD},
		{endpoint_short, WG_DUMP_BAD},
		{endpoint_of_no_family, WG_DUMP_BAD},
		{endpoint_of_another_size, WG_DUMP_BAD},
		{handshake_nanoseconds, WG_DUMP_BAD},
		{handshake_before_time, WG_DUMP_BAD},
		{attribute_too_short, WG_DUMP_BAD},
		{attribute_too_long, WG_DUMP_BAD},
		{bytes_left_over, WG_DUMP_BAD},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		CLEANUP(wg_device_done) struct wg_device got = {0};
		CLEANUP(buf_done) struct buf b = {0};
		size_t message = open_message(&b, FAMILY), peers, peer;
		struct wg_dump d;

		peers = open_nest(&b, WGDEVICE_A_PEERS);
		peer = open_nest(&b, 0);
		put(&b, WGPEER_A_PUBLIC_KEY, (uint8_t[KEY_LEN]){1}, KEY_LEN);
		table[i].add(&b);
		close_nest(&b, peer);
		close_nest(&b, peers);
		close_message(&b, message);
		buf_add(&b, "\0\0\0", (size_t) - (ssize_t)b.len & 3);
		put_done(&b, 0);
		decode(&d, &got, &b, false);
		if (d.state != table[i].want)
			fail_msg("case %zu: state %d", i, d.state);
		assert_true(d.state != WG_DUMP_BAD || d.problem != NULL);
	}
}

static void cut_anywhere_it_is_never_whole(void **state)
{
	CLEANUP(wg_device_done) struct wg_device want = {0};
	CLEANUP(buf_done) struct buf b = {0};
	struct rand r = {9};

	random_device(&r, 3, 4, &want);
	put_device(&b, &want, (size_t[]){2}, 1);
	put_done(&b, 0);
	for (size_t n = 0; n < b.len; n++) {
		CLEANUP(wg_device_done) struct wg_device got = {0};
		uint8_t *own = mem_dup(b.data, n);
		struct wg_dump d;

		wg_dump_init(&d, &got, FAMILY, SEQ, PORTID);
		assert_int_not_equal(wg_dump_feed(&d, (struct span){own, n}), WG_DUMP_DONE);
		mem_free(own);
	}
}

static void flip_every_bit(void **state)
{
	CLEANUP(wg_device_done) struct wg_device want = {0};
	CLEANUP(buf_done) struct buf b = {0};
	struct rand r = {10};

	random_device(&r, 2, 3, &want);
	put_device(&b, &want, NULL, 0);
	put_done(&b, 0);
	for (size_t bit = 0; bit < 8 * b.len; bit++) {
		CLEANUP(wg_device_done) struct wg_device got = {0};
		uint8_t *own = mem_dup(b.data, b.len);
		struct wg_dump d;

		own[bit / 8] ^= (uint8_t)(1 << bit % 8);
		wg_dump_init(&d, &got, FAMILY, SEQ, PORTID);
		wg_dump_feed(&d, (struct span){own, b.len});
		VEC_FOREACH (p, &got.peers)
			VEC_FOREACH (prefix, &p->allowed_ips)
				assert_true(prefix->len <= addr_width(prefix->addr));
		mem_free(own);
	}
}

/* --- ends
 * ------------------------------------------------------------------------------------------- */

static void other_peoples_messages_are_skipped(void **state)
{
	struct wg_device got = {0};
	const struct nlmsghdr other[] = {{.nlmsg_len = sizeof(struct nlmsghdr),
						 .nlmsg_type = NLMSG_DONE,
						 .nlmsg_seq = SEQ + 1,
						 .nlmsg_pid = PORTID},
		{.nlmsg_len = sizeof(struct nlmsghdr),
			.nlmsg_type = NLMSG_DONE,
			.nlmsg_seq = SEQ,
			.nlmsg_pid = PORTID + 1},
		{.nlmsg_len = sizeof(struct nlmsghdr),
			.nlmsg_type = NLMSG_NOOP,
			.nlmsg_seq = SEQ,
			.nlmsg_pid = PORTID}};
	struct wg_dump d;

	wg_dump_init(&d, &got, FAMILY, SEQ, PORTID);
	assert_int_equal(wg_dump_feed(&d, (struct span){(const uint8_t *)other, sizeof(other)}),
		WG_DUMP_MORE);
}

static void an_interrupted_dump_is_marked(void **state)
{
	CLEANUP(wg_device_done) struct wg_device want = {0}, got = {0};
	CLEANUP(buf_done) struct buf b = {0};
	const uint16_t flags = NLM_F_MULTI | NLM_F_DUMP_INTR;
	struct wg_dump d;

	put_device(&b, &want, NULL, 0);
	put_done(&b, 0);
	memcpy(b.data + offsetof(struct nlmsghdr, nlmsg_flags), &flags, sizeof(flags));
	decode(&d, &got, &b, false);
	assert_int_equal(d.state, WG_DUMP_DONE);
	assert_true(d.interrupted);
}

static void the_end_carries_a_code(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct wg_device got = {0};
	struct wg_dump d;

	put_done(&b, -ENODEV);
	decode(&d, &got, &b, false);
	assert_int_equal(d.state, WG_DUMP_DONE);
	assert_int_equal(d.refusal.errnum, ENODEV);
	buf_reset(&b);
	put_done(&b, 1);
	decode(&d, &got, &b, false);
	assert_int_equal(d.state, WG_DUMP_BAD);
}

/* An error as newer kernels give it (capped, with a sentence) and older ones (the whole echo). */
static void errors_with_and_without_a_sentence(void **state)
{
	const uint8_t echo[20] = {0};
	const int32_t code = -EOPNOTSUPP;
	struct nlmsghdr request = {.nlmsg_len = sizeof(request) + sizeof(echo)};

	for (int capped = 0; capped < 2; capped++)
		for (int sentence = 0; sentence < 2; sentence++) {
			CLEANUP(buf_done) struct buf b = {0};
			const struct nlmsghdr h = {.nlmsg_type = NLMSG_ERROR,
				.nlmsg_flags = (uint16_t)((capped ? NLM_F_CAPPED : 0) |
					(sentence ? NLM_F_ACK_TLVS : 0))};
			struct nl_refusal no;

			buf_add(&b, &code, sizeof(code));
			buf_add(&b, &request, sizeof(request));
			if (!capped)
				buf_add(&b, echo, sizeof(echo));
			if (sentence)
				put(&b, NLMSGERR_ATTR_MSG, "Unknown\x1b device", 16);
			assert_int_equal(refusal_read(&h, span_of(&b), &no), 0);
			assert_int_equal(no.errnum, EOPNOTSUPP);
			assert_string_equal(no.text, sentence ? ": Unknown? device" : "");
			/* an echo longer than the message */
			if (!capped) {
				assert_int_equal(
					refusal_read(&h, (struct span){(uint8_t *)b.data, 30}, &no),
					ERR_CORRUPT);
			}
			assert_int_equal(refusal_read(&h, (struct span){(uint8_t *)b.data, 3}, &no),
				ERR_CORRUPT);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_at_every_point),
		cmocka_unit_test(split_everywhere_at_once),
		cmocka_unit_test(five_thousand_peers_with_many_prefixes),
		cmocka_unit_test(fifty_thousand_peers_in_linear_time),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(cut_anywhere_it_is_never_whole),
		cmocka_unit_test(flip_every_bit),
		cmocka_unit_test(other_peoples_messages_are_skipped),
		cmocka_unit_test(an_interrupted_dump_is_marked),
		cmocka_unit_test(the_end_carries_a_code),
		cmocka_unit_test(errors_with_and_without_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
