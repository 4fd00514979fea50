/* DOC: the UAPI text both ways: what is written byte for byte, what is read, what is refused. */
#include "base/buf.h"
#include "crypto/key.h"
#include "wg/uapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define HEX_1 "0101010101010101010101010101010101010101010101010101010101010101"
#define HEX_2 "0202020202020202020202020202020202020202020202020202020202020202"
#define HEX_0 "0000000000000000000000000000000000000000000000000000000000000000"

static struct public_key key_of(uint8_t byte)
{
	struct public_key k;

	memset(k.bytes, byte, KEY_LEN);
	return k;
}

static void writes_every_field(void **state)
{
	CLEANUP(buf_done) struct buf out = {0};
	struct prefix_vec ips = {0};
	struct prefix p;
	struct secret key;
	struct wg_peer_op ops[3] = {
		{.flags = WG_PEER_PSK | WG_PEER_ENDPOINT | WG_PEER_KEEPALIVE | WG_PEER_ALLOWED_IPS |
				WG_PEER_UPDATE_ONLY,
			.public_key = key_of(1),
			.endpoint_port = 51820,
			.keepalive = 25,
			.allowed_ips = &ips},
		{.flags = WG_PEER_REMOVE | WG_PEER_KEEPALIVE, .public_key = key_of(2)},
		{.flags = WG_PEER_ENDPOINT, .public_key = key_of(1), .endpoint_port = 1},
	};
	const struct wg_change c = {.flags = WG_DEVICE_PRIVATE_KEY | WG_DEVICE_LISTEN_PORT |
			WG_DEVICE_FWMARK | WG_DEVICE_REPLACE_PEERS,
		.private_key = &key,
		.listen_port = 7,
		.fwmark = 51820,
		.peers = ops,
		.n_peers = 3};

	memset(key.bytes, 2, KEY_LEN);
	assert_int_equal(addr_parse("2001:db8::1", &ops[0].endpoint_addr), 0);
	assert_int_equal(addr_parse("192.0.2.1", &ops[2].endpoint_addr), 0);
	assert_int_equal(prefix_parse("10.0.0.0/8", "p", &p, NULL), 0);
	VEC_PUSH(&ips, p);
	assert_int_equal(uapi_set_text(&c, true, 0, 100000, &out), 3);
	assert_string_equal(buf_str(&out),
		"set=1\nprivate_key=" HEX_2 "\nlisten_port=7\nfwmark=51820\nreplace_peers=true\n"
		"public_key=" HEX_1 "\nupdate_only=true\npreshared_key=" HEX_0
		"\nendpoint=[2001:db8::1]:51820\npersistent_keepalive_interval=25\n"
		"replace_allowed_ips=true\nallowed_ip=10.0.0.0/8\n"
		"public_key=" HEX_2 "\nremove=true\n"
		"public_key=" HEX_1 "\nendpoint=192.0.2.1:1\n\n");
	VEC_DONE(&ips);
}

static void large_changes_are_cut(void **state)
{
	struct wg_peer_op ops[100] = {0};
	const struct wg_change c = {.flags = WG_DEVICE_REPLACE_PEERS, .peers = ops, .n_peers = 100};
	size_t next = 0, sets = 0, replaces = 0, peers = 0;

	for (size_t i = 0; i < 100; i++)
		ops[i].public_key = key_of((uint8_t)(i + 1));
	do {
		CLEANUP(buf_done) struct buf out = {0};
		size_t cap;

		buf_room(&out, 0);
		next = uapi_set_text(&c, next == 0, next, 4000, &out);
		cap = out.cap;
		assert_true(out.len < cap);
		for (const char *at = out.data; (at = strstr(at, "public_key=")) != NULL; at++)
			peers++;
		replaces += strstr(out.data, "replace_peers") != NULL;
		sets++;
	} while (next < 100);
	assert_int_equal(peers, 100);
	assert_int_equal(replaces, 1); /* the second set must not undo the first */
	assert_true(sets > 5);
	/* progress even when one peer is larger than the limit */
	{
		CLEANUP(buf_done) struct buf out = {0};

		assert_int_equal(uapi_set_text(&c, false, 0, 1, &out), 1);
	}
}

static const char answer[] =
	"private_key=" HEX_2 "\nlisten_port=51820\nfwmark=7\npublic_key=" HEX_1
	"\npreshared_key=" HEX_2 "\nprotocol_version=1\nendpoint=192.0.2.1:51820\n"
	"last_handshake_time_sec=1700000000\nlast_handshake_time_nsec=123456789\n"
	"tx_bytes=18446744073709551615\nrx_bytes=6\npersistent_keepalive_interval=25\n"
	"allowed_ip=10.0.0.0/8\nallowed_ip=fd00::/64\npublic_key=" HEX_2
	"\nendpoint=[fe80::1%3]:9\nsome_later_key=1\nerrno=0\n\n";

static void check_answer(const struct wg_device *d)
{
	struct public_key public;
	struct secret key;
	char text[ADDR_TEXT_LEN];

	memset(key.bytes, 2, KEY_LEN);
	key_public(&key, &public);
	assert_true(public_key_equal(&d->public_key, &public));
	assert_int_equal(d->listen_port, 51820);
	assert_int_equal(d->fwmark, 7);
	assert_int_equal(d->peers.n, 2);
	assert_int_equal(d->peers.v[0].psk.bytes[31], 2);
	assert_int_equal(d->peers.v[0].keepalive, 25);
	assert_true(d->peers.v[0].last_handshake == 1700000000123);
	assert_true(d->peers.v[0].tx == UINT64_MAX && d->peers.v[0].rx == 6);
	assert_int_equal(d->peers.v[0].allowed_ips.n, 2);
	assert_string_equal(addr_format(d->peers.v[1].endpoint_addr, text), "fe80::1");
	assert_int_equal(d->peers.v[1].endpoint_port, 9);
	assert_true(secret_is_zero(&d->peers.v[1].psk));
}

static void reads_in_any_pieces(void **state)
{
	for (size_t piece = 1; piece <= sizeof(answer); piece += piece < 90 ? 1 : 97) {
		struct wg_device d = {0};
		struct uapi_reader r;
		size_t n = strlen(answer);

		uapi_reader_init(&r, &d);
		for (size_t at = 0; at < n; at += piece) {
			size_t part = n - at < piece ? n - at : piece;
			enum uapi_state want = at + part == n ? UAPI_DONE : UAPI_MORE;

			assert_int_equal(uapi_reader_feed(&r, answer + at, part), want);
		}
		assert_int_equal(r.errnum, 0);
		check_answer(&d);
		uapi_reader_done(&r);
		wg_device_done(&d);
	}
}

static const struct {
	const char *text;
	enum uapi_state state;
	int errnum;
} cases[] = {
	{"errno=0\n\n", UAPI_DONE, 0},
	{"errno=22\n\n", UAPI_DONE, 22},
	{"errno=-22\n\n", UAPI_DONE, 22},
	{"errno=0\n", UAPI_MORE, 0},
	{"", UAPI_MORE, 0},
	{"\n", UAPI_BAD, 0},
	{"errno=0\n\nx", UAPI_BAD, 0},
	{"errno=0\nerrno=0\n\n", UAPI_BAD, 0},
	{"errno=\n\n", UAPI_BAD, 0},
	{"errno=1 \n\n", UAPI_BAD, 0},
	{"errno=99999999999\n\n", UAPI_BAD, 0},
	{"listen_port=65536\n", UAPI_BAD, 0},
	{"listen_port=+1\n", UAPI_BAD, 0},
	{"listen_port=0x10\n", UAPI_BAD, 0},
	{"fwmark=4294967296\n", UAPI_BAD, 0},
	{"nonsense\n", UAPI_BAD, 0},
	{"private_key=00\n", UAPI_BAD, 0},
	{"public_key=" HEX_1 "00\n", UAPI_BAD, 0},
	{"public_key=" HEX_1 "\nallowed_ip=10.0.0.1/8\n", UAPI_BAD, 0},
	{"public_key=" HEX_1 "\nallowed_ip=10.0.0.0/33\n", UAPI_BAD, 0},
	{"public_key=" HEX_1 "\nendpoint=2001:db8::1:51820\n", UAPI_BAD, 0},
	{"public_key=" HEX_1 "\nendpoint=[192.0.2.1]:51820\n", UAPI_BAD, 0},
	{"public_key=" HEX_1 "\nendpoint=[]:1\n", UAPI_BAD, 0},
	{"public_key=" HEX_1 "\nendpoint=[:1\n", UAPI_BAD, 0},
	{"public_key=" HEX_1 "\nendpoint=:1\n", UAPI_BAD, 0},
	{"public_key=" HEX_1 "\nendpoint=192.0.2.1\n", UAPI_BAD, 0},
	{"public_key=" HEX_1 "\nendpoint=192.0.2.1:65536\n", UAPI_BAD, 0},
	{"public_key=" HEX_1 "\nlast_handshake_time_nsec=1000000000\n", UAPI_BAD, 0},
	{"public_key=" HEX_1 "\nlast_handshake_time_sec=18446744073709551615\n", UAPI_BAD, 0},
	{"public_key=" HEX_1 "\npersistent_keepalive_interval=65536\n", UAPI_BAD, 0},
	{"allowed_ip=10.0.0.0/8\n", UAPI_BAD, 0},
};

static void refuses_nonsense(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct wg_device d = {0};
		struct uapi_reader r;

		uapi_reader_init(&r, &d);
		if (uapi_reader_feed(&r, cases[i].text, strlen(cases[i].text)) != cases[i].state)
			fail_msg("state %d after \"%s\"", r.state, cases[i].text);
		assert_int_equal(r.errnum, cases[i].errnum);
		uapi_reader_done(&r);
		wg_device_done(&d);
	}
}

static void the_answer_to_set_is_only_errno(void **state)
{
	struct uapi_reader r;

	uapi_reader_init(&r, NULL);
	assert_int_equal(uapi_reader_feed(&r, "listen_port=1\n", 14), UAPI_BAD);
	uapi_reader_done(&r);
}

static void lines_and_binary_are_bounded(void **state)
{
	struct wg_device d = {0};
	struct uapi_reader r;
	char endless[UAPI_LINE_MAX];

	memset(endless, 'a', sizeof(endless));
	uapi_reader_init(&r, &d);
	assert_int_equal(uapi_reader_feed(&r, endless, sizeof(endless)), UAPI_BAD);
	uapi_reader_init(&r, &d);
	assert_int_equal(uapi_reader_feed(&r, endless, 300), UAPI_MORE);
	assert_int_equal(uapi_reader_feed(&r, endless, 300), UAPI_BAD);
	uapi_reader_init(&r, &d);
	assert_int_equal(uapi_reader_feed(&r, "fwmark=1\0\n", 10), UAPI_BAD);
	uapi_reader_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_every_field),
		cmocka_unit_test(large_changes_are_cut),
		cmocka_unit_test(reads_in_any_pieces),
		cmocka_unit_test(refuses_nonsense),
		cmocka_unit_test(the_answer_to_set_is_only_errno),
		cmocka_unit_test(lines_and_binary_are_bounded),
	};

	crypto_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
