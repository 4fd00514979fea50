/*
 * DOC: configuration files: names in comments as programs write them, and a table of files with one
 * fault each: line, level and a part of the sentence. No finding may repeat a key.
 */
#include "codec/wglint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define KEY "6BbVPUSqnMjzYZQDWHQHKxAjoVjVzYvzCxPnmzvBkV0="
#define PUB "aPxGwq8zERHQ3Q1cOZFdJ+cvJX5Ka4mLN38AyYKYF10="
#define PUB2 "bPxGwq8zERHQ3Q1cOZFdJ+cvJX5Ka4mLN38AyYKYF10="
#define PSK "cPxGwq8zERHQ3Q1cOZFdJ+cvJX5Ka4mLN38AyYKYF10="
/* private key and the public key that belongs to it (RFC 7748, 6.1, Alice) */
#define OWN "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
#define OWN_PUB "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="

#define HEAD "[Interface]\nPrivateKey = " KEY "\nAddress = 10.8.0.2/24\n"
#define PEER \
	"[Peer]\nPublicKey = " PUB "\nAllowedIPs = 10.8.0.0/24\nEndpoint = vpn.example.com:51820\n"

static void lint(const char *text, unsigned mode, struct wglint *l)
{
	CLEANUP(wgconf_done) struct wgconf c = {0};
	struct err e = {0};

	if (wgconf_parse(text, strlen(text), &c, &e) < 0)
		fail_msg("%s: %s", e.text, text);
	*l = (struct wglint){.interface = "wg0", .mode = mode};
	wglint_check(l, &c);
	VEC_FOREACH (f, &l->findings) {
		assert_null(strstr(f->text, KEY));
		assert_null(strstr(f->text, PSK));
		assert_null(strstr(f->advice, KEY));
	}
}

static const struct {
	const char *text;
	unsigned line;
	enum wglint_level level;
	const char *says;
} faults[] = {
	{"PrivateKey = " KEY "\n", 1, WGLINT_ERROR, "before the first section"},
	{HEAD "[Pear]\n", 4, WGLINT_ERROR, "no section [Pear]"},
	{HEAD "[Interface]\n" PEER, 4, WGLINT_ERROR, "second [Interface]"},
	{PEER, 1, WGLINT_ERROR, "there is no [Interface]"},
	{HEAD, 1, WGLINT_WARNING, "nobody is at the other end"},
	{HEAD "Adress = 10.0.0.1/24\n" PEER, 4, WGLINT_ERROR, "no key \"Adress\""},
	{HEAD "Endpoint = a.example:1\n" PEER, 4, WGLINT_ERROR, "Endpoint does not belong"},
	{HEAD "hello\n" PEER, 4, WGLINT_ERROR, "no setting"},
	{HEAD "MTU = 1400\nMTU = 1380\n" PEER, 5, WGLINT_WARNING, "MTU is there twice"},
	{"[Interface]\nAddress = 10.8.0.2/24\n" PEER, 1, WGLINT_ERROR, "no PrivateKey"},
	{"[Interface]\nPrivateKey = " PUB "x\nAddress = 10.8.0.2/24\n" PEER, 2, WGLINT_ERROR,
		"PrivateKey is not a key"},
	{HEAD "[Peer]\nPublicKey = 4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=\nAllowedIPs = 10.8.0.1/32\n",
		5, WGLINT_ERROR, "PublicKey is a point of low order"},
	{"[Interface]\nPrivateKey = " KEY "\n" PEER, 1, WGLINT_WARNING, "has no address"},
	{HEAD "[Peer]\nPublicKey = " KEY "\nAllowedIPs = 10.8.0.1/32\n", 5, WGLINT_ERROR,
		"own private key"},
	{"[Interface]\nPrivateKey = " OWN "\nAddress = 10.8.0.2/24\n[Peer]\nPublicKey = " OWN_PUB
	 "\nAllowedIPs = 10.8.0.1/32\n",
		5, WGLINT_ERROR, "belongs to this file's own private key"},
	{HEAD "[Peer]\nAllowedIPs = 10.8.0.1/32\n", 4, WGLINT_ERROR, "without PublicKey"},
	{HEAD "[Peer]\nPublicKey = " PUB "\nPresharedKey = " PUB "\nAllowedIPs = 10.8.0.1/32\n", 6,
		WGLINT_ERROR, "PresharedKey is one of the other keys"},
	{HEAD PEER "[Peer]\nPublicKey = " PUB "\nAllowedIPs = 10.9.0.1/32\n", 9, WGLINT_ERROR,
		"peer of line 5 has the same PublicKey"},
	{HEAD PEER "[Peer]\nPublicKey = " PUB2 "\nAllowedIPs = 10.8.0.0/24\n", 10, WGLINT_ERROR,
		"also at the peer of line 4"},
	{HEAD PEER "[Peer]\nPublicKey = " PUB2 "\nAllowedIPs = 10.8.0.7/32\n", 10, WGLINT_NOTE,
		"taken out of 10.8.0.0/24"},
	{HEAD "[Peer]\nPublicKey = " PUB "\nAllowedIPs = 10.8.0.2/32\n", 6, WGLINT_ERROR,
		"own Address"},
	{HEAD "[Peer]\nPublicKey = " PUB "\nAllowedIPs = 10.8.0.1/24\n", 6, WGLINT_WARNING,
		"it means 10.8.0.0/24"},
	{HEAD "[Peer]\nPublicKey = " PUB "\nAllowedIPs = 10.8.0/24\n", 6, WGLINT_ERROR,
		"is no prefix"},
	{HEAD "[Peer]\nPublicKey = " PUB "\nAllowedIPs =\n", 6, WGLINT_WARNING, "is empty"},
	{HEAD "[Peer]\nPublicKey = " PUB "\nAllowedIPs = 10.1.0.0/16\nEndpoint = vpn.example.com\n",
		7, WGLINT_ERROR, "Endpoint has no port"},
	{HEAD "[Peer]\nPublicKey = " PUB "\nAllowedIPs = 10.1.0.0/16\nEndpoint = 2001:db8::1\n", 7,
		WGLINT_ERROR, "brackets"},
	{HEAD "[Peer]\nPublicKey = " PUB "\nAllowedIPs = 10.1.0.0/16\nEndpoint = 127.0.0.1:5\n", 7,
		WGLINT_WARNING, "something else"},
	{HEAD "[Peer]\nPublicKey = " PUB
	      "\nAllowedIPs = 192.0.2.0/24\nEndpoint = 192.0.2.1:51820\n",
		6, WGLINT_WARNING, "go in circles"},
	{HEAD "[Peer]\nPublicKey = " PUB "\nAllowedIPs = 0.0.0.0/0\nEndpoint = a.example:51820\n",
		6, WGLINT_WARNING, "IPv6 goes past it"},
	{HEAD "[Peer]\nPublicKey = " PUB "\nAllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = a.example:5\n",
		6, WGLINT_WARNING, "local network's resolver"},
	{HEAD PEER "PersistentKeepalive = 70000\n", 8, WGLINT_ERROR, "from 0 to 65535"},
	{HEAD PEER "PersistentKeepalive = 3\n", 8, WGLINT_NOTE, "battery"},
	{HEAD PEER "PersistentKeepalive = 600\n", 8, WGLINT_WARNING, "forgotten"},
	{HEAD PEER, 4, WGLINT_NOTE, "behind NAT"},
	{HEAD "[Peer]\nPublicKey = " PUB "\nAllowedIPs = 10.8.0.1/32\n", 1, WGLINT_WARNING,
		"nobody knows where to call"},
	{HEAD "MTU = 9000\n" PEER, 4, WGLINT_WARNING, "do not fit"},
	{HEAD "MTU = 100\n" PEER, 4, WGLINT_ERROR, "from 576 to 65535"},
	{HEAD "MTU = 1000\n" PEER, 4, WGLINT_WARNING, "too small for IPv6"},
	{HEAD "ListenPort = 66000\n" PEER, 4, WGLINT_ERROR, "not a port"},
	{HEAD "DNS = 1.1.1.300\n" PEER, 4, WGLINT_ERROR, "neither an address nor a domain"},
	{HEAD "PostUp = iptables -A FORWARD -i %i -j ACCEPT\n" PEER, 4, WGLINT_NOTE,
		"runs as root: iptables -A FORWARD -i wg0 -j ACCEPT"},
	{HEAD "SaveConfig = true\n" PEER, 4, WGLINT_NOTE, "overwritten"},
	{"[Interface]\nPrivateKey = " KEY "\nAddress = 10.8.0.0/24\n" PEER, 3, WGLINT_ERROR,
		"network address"},
	{"[Interface]\nPrivateKey = " KEY "\nAddress = 10.8.0/24\n" PEER, 3, WGLINT_ERROR,
		"no address"},
	{"[Interface]\r\nPrivateKey = " KEY "\r\nAddress = 10.8.0.2/24\r\n" PEER, 1, WGLINT_WARNING,
		"Windows"},
	{"\xef\xbb\xbf" HEAD PEER, 1, WGLINT_ERROR, "byte order mark"},
};

static void each_fault_is_found(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		struct wglint l;
		bool found = false;

		lint(faults[i].text, 0600, &l);
		VEC_FOREACH (f, &l.findings)
			found = found ||
				(f->line == faults[i].line && f->level == faults[i].level &&
					strstr(f->text, faults[i].says) != NULL);
		if (!found) {
			VEC_FOREACH (f, &l.findings)
				print_message("%u %s: %s\n", f->line, wglint_level_words[f->level],
					f->text);
			fail_msg("line %u \"%s\" was not found in:\n%s", faults[i].line,
				faults[i].says, faults[i].text);
		}
		wglint_done(&l);
	}
}

static void good_files_pass(void **state)
{
	static const char *const good[] = {
		HEAD PEER "PersistentKeepalive = 25\n",
		"# mine\n" HEAD
		"ListenPort = 51820\nDNS = 10.8.0.1, home.example\nMTU = 1420 # ok\n"
		"[Peer]\npublickey=" PUB "\nPresharedKey = " PSK
		"\nAllowedIPs = 10.8.0.3/32\nAllowedIPs = fd00::3/128\n[Peer]\nPublicKey = " PUB2
		"\nAllowedIPs = 10.8.0.4\nEndpoint = [2001:db8::1]:51820\n",
		HEAD "DNS = 10.8.0.1\n[Peer]\nPublicKey = " PUB
		     "\nAllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = 192.0.2.1:51820\n"
		     "PersistentKeepalive = 25\n",
	};
	struct wglint l;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		lint(good[i], 0600, &l);
		VEC_FOREACH (f, &l.findings)
			if (f->level > WGLINT_NOTE)
				fail_msg("%zu: %u: %s", i, f->line, f->text);
		assert_false(wglint_failed(&l));
		wglint_done(&l);
	}
	lint(good[0], 0644, &l); /* the mode is told */
	assert_true(wglint_failed(&l));
	assert_non_null(strstr(l.findings.v[0].text, "0644"));
	wglint_done(&l);
}

static void names_are_read(void **state)
{
	static const struct {
		const char *peer, *name;
	} cases[] = {
		{"# Ann\n[Peer]\nPublicKey = x\n", "Ann"},
		{"[Peer]\n# Name = Ann's phone\nPublicKey = x\n", "Ann's phone"},
		{"[Peer]\nPublicKey = x\n# Name: Ann\nAllowedIPs = 10.0.0.1/32\n", "Ann"},
		{"# Client: Ann (0d6e4c1a-9a4c-4b0e-8f0a-3d1a6f9b7c21)\n[Peer]\nPublicKey = x\n",
			"Ann"},
		{"### Client ann\n[Peer]\nPublicKey = x\n", "ann"},
		{"### begin ann ###\n[Peer]\nPublicKey = x\n### end ann ###\n", "ann"},
		{"# BEGIN_PEER ann\n[Peer]\nPublicKey = x\n# END_PEER ann\n", "ann"},
		{"[Peer]\n# friendly_name = ann\nPublicKey = x\n", "ann"},
		{"#PublicKey = " PUB "\n[Peer]\nPublicKey = x\n", NULL},
		{"# Name = Ann\n# nice person\n[Peer]\nPublicKey = x\n", "Ann"},
		{"[Peer] # Ann\nPublicKey = x # of 2024\n", "Ann"},
		{"# Ann\n[Peer] # on trial\nPublicKey = x\n", "Ann"},
		{"[Peer] #PublicKey = " PUB "\nPublicKey = x\n", NULL},
		{"[Peer]\nPublicKey = x\n", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTOFREE char *text = mem_printf(HEAD "### end old ###\n\n%s", cases[i].peer);
		CLEANUP(wgconf_done) struct wgconf c = {0};
		const struct wgconf_section *s;

		assert_int_equal(wgconf_parse(text, strlen(text), &c, NULL), 0);
		s = wgconf_first(&c, WGCONF_PEER);
		assert_non_null(s);
		if (cases[i].name == NULL)
			assert_null(s->name);
		else
			assert_string_equal(s->name, cases[i].name);
	}
}

static void bounds(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct wgconf c = {0};
	struct err e = {0};

	assert_int_equal(wgconf_parse("a\0b", 3, &c, &e), ERR_INVALID);
	assert_int_equal(wgconf_parse("a=\x01", 3, &c, &e), ERR_INVALID);
	for (int i = 0; i < WGCONF_LINE_MAX + 1; i++)
		buf_addc(&b, 'x');
	assert_int_equal(wgconf_parse(b.data, b.len, &c, &e), ERR_INVALID);
	buf_reset(&b);
	for (int i = 0; i <= WGCONF_SECTIONS_MAX; i++)
		buf_adds(&b, "[Peer]\n");
	assert_int_equal(wgconf_parse(b.data, b.len, &c, &e), ERR_INVALID);
	assert_int_equal(c.sections.n, 0);
	assert_int_equal(wgconf_parse("", 0, &c, &e), 0);
	wgconf_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fault_is_found),
		cmocka_unit_test(good_files_pass),
		cmocka_unit_test(names_are_read),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
