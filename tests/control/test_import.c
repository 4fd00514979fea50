/* DOC: a server's file as a network: what is kept, what is refused by line, where there is room. */
#include "control/import.h"

#include "crypto/key.h"
#include "model/validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define PRIVATE "6BbVPUSqnMjzYZQDWHQHKxAjoVjVzYvzCxPnmzvBkV0="
#define KEY_1 "aPxGwq8zERHQ3Q1cOZFdJ+cvJX5Ka4mLN38AyYKYF10="
#define KEY_2 "bPxGwq8zERHQ3Q1cOZFdJ+cvJX5Ka4mLN38AyYKYF10="
#define PSK "cPxGwq8zERHQ3Q1cOZFdJ+cvJX5Ka4mLN38AyYKYF10="
#define OWN "[Interface]\nPrivateKey = " PRIVATE "\n"
#define LOW_ORDER "4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA="
#define PEER(key, ips) "[Peer]\nPublicKey = " key "\nAllowedIPs = " ips "\n"

static void read_ok(const char *text, bool skip, struct import *i)
{
	struct err e = {0};

	if (import_read(text, strlen(text), "wg0", skip, i, &e) < 0)
		fail_msg("%s", e.text);
	i->network.domain = mem_strdup("wg0.internal"); /* the API's default */
	if (network_check(&i->network, NULL, &e) < 0)
		fail_msg("%s", e.text);
}

static void assert_addr(struct addr a, const char *want)
{
	char text[ADDR_TEXT_LEN];

	assert_string_equal(addr_format(a, text), want);
}

static bool noted(const struct import *i, unsigned line, const char *words)
{
	VEC_FOREACH (n, &i->notes)
		if (n->line == line && strstr(n->text, words) != NULL)
			return true;
	return false;
}

static void keeps_what_clients_have(void **state)
{
	CLEANUP(import_done) struct import i = {0};
	char text[KEY_TEXT_LEN];
	struct public_key key;

	read_ok("[Interface]\n"
		"Address = 10.8.0.1/24, fd00:8::1/64\n"
		"ListenPort = 4500\n"
		"MTU = 1380\n"
		"PrivateKey = " PRIVATE "\n"
		"PostUp = touch /tmp/x\n"
		"\n"
		"# Name = Ann's phone\n" PEER(
			KEY_1, "10.8.0.7/32, fd00:8::2/128") "PresharedKey = " PSK
							     "\n\n" PEER(KEY_2, "10.8.0.9/32"),
		false, &i);
	assert_string_equal(i.network.name, "wg0");
	assert_int_equal(i.network.listen_port, 4500);
	assert_int_equal(i.network.mtu, 1380);
	assert_addr(i.network.gateway_addr, "10.8.0.1");
	assert_int_equal(i.clients.n, 2);
	assert_string_equal(i.clients.v[0].name, "Ann's phone");
	assert_addr(i.clients.v[0].ipv4, "10.8.0.7");
	assert_addr(i.clients.v[0].ipv6, "fd00:8::2");
	assert_false(secret_is_zero(&i.clients.v[0].psk));
	assert_string_equal(key_format_public(&i.clients.v[0].public_key, text), KEY_1);
	assert_string_equal(i.clients.v[1].name, "client 10.8.0.9");
	assert_true(secret_is_zero(&i.clients.v[1].psk));
	key_public(&i.private_key, &key);
	assert_false(public_key_is_zero(&key));
	assert_true(noted(&i, 6, "PostUp is not run and not kept: touch /tmp/x"));
	assert_true(noted(&i, 2, "fd00:8::1 goes"));
	assert_int_equal(i.notes.n, 2);
}

static void takes_a_file_without_ipv4(void **state)
{
	CLEANUP(import_done) struct import i = {0};

	read_ok(OWN "Address = fd00:8::1/64\n" PEER(KEY_1, "fd00:8::2/128")
			PEER(KEY_2, "fd00:8::3/128, 10.8.0.3/32"),
		true, &i);
	assert_false(addr_is_set(i.network.ipv4.addr));
	assert_addr(i.network.gateway_addr, "fd00:8::1");
	assert_addr(i.clients.v[0].ipv6, "fd00:8::2");
	assert_false(addr_is_set(i.clients.v[0].ipv4));
	assert_string_equal(i.clients.v[0].name, "client fd00:8::2");
	assert_true(noted(&i, 9, "10.8.0.3/32 is left out"));
	assert_int_equal(i.notes.n, 2); /* and the port */
}

/* Room for the gateway's node on the larger side of the clients, and no range over another. */
static void finds_room(void **state)
{
	static const struct {
		const char *text;
		const char *device_first, *device_last, *node_first, *node_last;
	} cases[] = {
		{OWN "Address=10.8.0.1/24\n" PEER(KEY_1, "10.8.0.2/32"), "10.8.0.2", "10.8.0.191",
			"10.8.0.192", "10.8.0.254"},
		{OWN "Address=10.8.0.1/24\n" PEER(KEY_1, "10.8.0.254/32"), "10.8.0.65",
			"10.8.0.254", "10.8.0.2", "10.8.0.64"},
		{OWN "Address=10.8.0.254/24\n" PEER(KEY_1, "10.8.0.2/32"), "10.8.0.1", "10.8.0.191",
			"10.8.0.192", "10.8.0.253"},
		{OWN "Address=10.8.0.1/29\n" PEER(KEY_1, "10.8.0.5/32"), "10.8.0.3", "10.8.0.6",
			"10.8.0.2", "10.8.0.2"},
		{OWN "Address=10.8.0.1/24\n", NULL, NULL, NULL, NULL},
		/* IPv6 alone: no wider than its clients ask, so that ranges are few prefixes */
		{OWN "Address=fd00:8::1/64\n", "fd00:8::2", "fd00:8::1:9ffe", "fd00:8::1:9fff",
			"fd00:8::1:fffe"},
		{OWN "Address=fd00:8::1/64\n" PEER(KEY_1, "fd00:8::7/128"), "fd00:8::2",
			"fd00:8::1:9ffe", "fd00:8::1:9fff", "fd00:8::1:fffe"},
		{OWN "Address=fd00:8::1/64\n" PEER(KEY_1, "fd00:8::7:0:1/128"), "fd00:8::2",
			"fd00:8::1:ffff:ffff:9ffe", "fd00:8::1:ffff:ffff:9fff",
			"fd00:8::1:ffff:ffff:fffe"},
		{OWN "Address=fd00:8::8000:0:0:1/64\n" PEER(KEY_1, "fd00:8::7/128"), "fd00:8::1",
			"fd00:8::7fff:ffff:ffff:a000", "fd00:8::7fff:ffff:ffff:a001",
			"fd00:8:0:0:8000::"},
		/* at the edge of a smaller prefix */
		{OWN "Address=fd00:8::2:0/64\n" PEER(KEY_1, "fd00:8::2:1/128"), "fd00:8::2:1",
			"fd00:8::1:ffff:9ffe", "fd00:8::1:ffff:9fff", "fd00:8::1:ffff:fffe"},
	};

	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		CLEANUP(import_done) struct import i = {0};

		read_ok(cases[k].text, false, &i);
		if (cases[k].device_first == NULL)
			continue;
		assert_addr(i.network.device_first, cases[k].device_first);
		assert_addr(i.network.device_last, cases[k].device_last);
		assert_addr(i.network.node_first, cases[k].node_first);
		assert_addr(i.network.node_last, cases[k].node_last);
	}
}

static void refuses_by_line(void **state)
{
	static const struct {
		const char *text;
		const char *want;
		int code;
	} cases[] = {
		{"", "there is no [Interface]", ERR_INVALID},
		{"[Interface]\nAddress = 10.8.0.1/24\n", "line 1: PrivateKey", ERR_INVALID},
		{"[Interface]\nPrivateKey = secret\n", "line 2: PrivateKey", ERR_INVALID},
		{OWN, "line 1: [Interface] has no Address", ERR_INVALID},
		{OWN "Address = 2001:db8::1/64\n", "line 3: [Interface] has no Address",
			ERR_INVALID},
		{OWN "Address = fd00:8::1/48\n", "line 3: [Interface] has no Address", ERR_INVALID},
		{OWN "Address = fd00:8::/64\n", "line 3: Address fd00:8:: is", ERR_INVALID},
		{OWN "Address = fd00:8::1/64\n" PEER(KEY_1, "10.8.0.2/32"), "line 6: AllowedIPs",
			ERR_INVALID},
		{OWN "Address = fd00:8::1/64\n" PEER(KEY_1, "fd00:8::/128"),
			"line 4: fd00:8:: is the first or last address", ERR_INVALID},
		{OWN "Address = fd00:8::1/64\n" PEER(KEY_1, "fd00:8::1/128"), "own address",
			ERR_INVALID},
		{OWN "Address = fd00:8::1/64\n" PEER(KEY_1, "fd00:8::2/128")
				PEER(KEY_2, "fd00:8::2/128"),
			"fd00:8::2 belongs to the peer of line 4", ERR_EXISTS},
		{OWN "Address = 10.8.0.1\n", "line 3: Address is too small", ERR_INVALID},
		{OWN "Address = 10.8.0.x/24\n", "line 3: Address", ERR_INVALID},
		{OWN "Address = 10.8.0.0/24\n", "line 3: Address 10.8.0.0 is the first or last",
			ERR_INVALID},
		{OWN "Address = 10.8.0.1/24\n" PEER(KEY_1, "10.8.0.255/32"),
			"line 4: 10.8.0.255 is the first or last address", ERR_INVALID},
		{OWN "ListenPort = 70000\nAddress = 10.8.0.1/24\n", "line 3: ListenPort",
			ERR_INVALID},
		{OWN "Address = 10.8.0.1/24\n[Peer]\nAllowedIPs = 10.8.0.2/32\n",
			"line 4: PublicKey", ERR_INVALID},
		{OWN "Address = 10.8.0.1/24\n" PEER(LOW_ORDER, "10.8.0.2/32"),
			"line 5: PublicKey is a point of low order", ERR_INVALID},
		{OWN "Address = 10.8.0.1/24\n" PEER(KEY_1, "10.9.0.2/32"), "line 6: AllowedIPs",
			ERR_INVALID},
		{OWN "Address = 10.8.0.1/24\n" PEER(KEY_1, "10.8.0.2/32, 192.168.5.0/24"),
			"line 6: AllowedIPs 192.168.5.0/24", ERR_INVALID},
		{OWN "Address = 10.8.0.1/24\n" PEER(KEY_1, "10.8.0.1/32"), "own address",
			ERR_INVALID},
		{OWN "Address = 10.8.0.1/24\n" PEER(KEY_1, "10.8.0.2/32")
				PEER(KEY_1, "10.8.0.3/32"),
			"belongs to the peer of line 4", ERR_EXISTS},
		{OWN "Address = 10.8.0.1/24\n" PEER(KEY_1, "10.8.0.2/32")
				PEER(KEY_2, "10.8.0.2/32"),
			"10.8.0.2 belongs to the peer of line 4", ERR_EXISTS},
		{OWN "Address = 10.8.0.9/24\n" PEER(KEY_1, "10.8.0.2/32")
				PEER(KEY_2, "10.8.0.20/32"),
			"lies between", ERR_INVALID},
	};

	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		struct import i = {0};
		struct err e = {0};

		assert_int_equal(
			import_read(cases[k].text, strlen(cases[k].text), "wg0", false, &i, &e),
			cases[k].code);
		if (strstr(e.text, cases[k].want) == NULL)
			fail_msg("case %zu: %s", k, e.text);
		assert_string_equal(e.field, "config");
		assert_null(strstr(e.text, "secret"));
		assert_null(i.network.name);
	}
}

/* With binary in it the sentence is the parser's, under our field. */
static void refuses_what_is_no_text(void **state)
{
	struct import i = {0};
	struct err e = {0};

	assert_int_equal(import_read("[Interface]\n\0\1", 14, "wg0", false, &i, &e), ERR_INVALID);
	assert_string_equal(e.field, "config");
	assert_true(strlen(e.text) > 0);
}

static void leaves_subnets_when_told(void **state)
{
	CLEANUP(import_done) struct import i = {0};

	read_ok(OWN "Address = 10.8.0.1/24\n" PEER(KEY_1, "10.8.0.2/32, 192.168.5.0/24"), true, &i);
	assert_int_equal(i.clients.n, 1);
	assert_true(noted(&i, 6, "192.168.5.0/24 is left out"));
}

static void names_are_unique(void **state)
{
	CLEANUP(import_done) struct import i = {0};

	read_ok(OWN "Address = 10.8.0.1/24\n"
		    "# Name = Ann\n" PEER(KEY_1, "10.8.0.2/32") "\n# Name = Ann\n" PEER(
			    KEY_2, "10.8.0.3/32"),
		false, &i);
	assert_string_equal(i.clients.v[0].name, "Ann");
	assert_string_equal(i.clients.v[1].name, "Ann (10.8.0.3)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_clients_have),
		cmocka_unit_test(takes_a_file_without_ipv4),
		cmocka_unit_test(finds_room),
		cmocka_unit_test(refuses_by_line),
		cmocka_unit_test(refuses_what_is_no_text),
		cmocka_unit_test(leaves_subnets_when_told),
		cmocka_unit_test(names_are_unique),
	};

	return cmocka_run_group_tests_name("control import", tests, NULL, NULL);
}
