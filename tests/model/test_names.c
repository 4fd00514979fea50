/* DOC: names, labels, interface names and endpoints; vectors where there are published ones. */
#include "model/names.h"
#include "base/rand.h"

#include "base/map.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void names(void **state)
{
	static const char *const good[] = {"a", "John's iPhone", "日本語", "\"; rm -rf /", "é",
		"1234567890123456789012345678901234567890123456789012345678901234"};
	static const char *const bad[] = {"", " ", "    ", "a\nb", "a\tb", "\x7f", "\xff",
		"\xc0\x80",
		("a\xe2\x80\xa8"
		 "b"),
		"12345678901234567890123456789012345678901234567890123456789012345"};
	struct err e = {0};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(name_check(good[i], "name", &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(name_check(bad[i], "name", &e), ERR_INVALID);
		assert_string_equal(e.field, "name");
	}
	assert_int_equal(name_check(NULL, "name", &e), ERR_INVALID);
}

/* What nobody sees is no name, and what only hides in one is refused. */
static void invisible_names(void **state)
{
	static const char *const good[] = {
		"Jos\u00e9\u00a0Mar\u00eda",     /* a space that keeps words together */
		"\u2764\ufe0f", "1\ufe0f\u20e3", /* a heart, a key cap */
		"\U0001f468\u200d\U0001f469\u200d\U0001f467", /* a family */
		"\U0001f3f3\ufe0f\u200d\U0001f308",           /* a flag: selector, joiner */
		"\U0001f469\U0001f3fd\u200d\U0001f4bb",       /* a skin tone, joiner */
		"\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", /* England
											   */
		"\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", /* Persian wants its non-joiner
								     */
		"\u0915\u094d\u200d\u0937",                         /* and Hindi its joiner */
		"e\u0301"};
	static const char *const bad[] = {"\u200b", "\u00a0", "\u3000 \u2003", "\u2800", "\ufeff",
		"\u00ad", "\u3164", "\u200d", "\ufe0f", "\u200d\u200d", "\U000e0041",
		/* among letters */
		"ad\u200bmin", "admin\u200b", "\ufeffadmin", "ad\u00admin", "ad\u2060min",
		"ad\u200dmin", "ad\u200cmin", "admin\u200d", "ad\u034fmin", "admin\u3164",
		"admin\u200e", "\u200fadmin", "\u061cadmin", "admin\U000e0041", "\U0001f468\u200d",
		"\u200d\U0001f468", "\U0001f468\u200d\u200d\U0001f469", "a\ufe0f\ufe0f",
		"\U0001f468\u200d ",
		/* what is no character: a profile with one would be no XML */
		"a\xef\xbf\xbe", "a\xef\xbf\xbf", "a\xef\xb7\x90", "a\xf0\x9f\xbf\xbe"};
	char many[64 * 4 + 1] = "";
	struct err e = {0};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (name_check(good[i], "name", &e) != 0)
			fail_msg("row %zu: %s", i, e.text);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (name_check(bad[i], "name", &e) != ERR_INVALID)
			fail_msg("row %zu is taken", i);
		assert_string_equal(e.field, "name");
	}
	for (int i = 0; i < 64; i++)
		strcat(many, "\U0001f4f1");
	assert_int_equal(name_check(many, "name", &e), 0);
	strcpy(many + 4, "\u200b");
	assert_int_equal(name_check(many, "name", &e), ERR_INVALID);
}

static void labels(void **state)
{
	static const struct {
		const char *name, *label;
	} t[] = {
		{"iPhone", "iphone"}, /* the published vectors */
		{"My Android Phone", "my-android-phone"},
		{"LAPTOP-ABC123", "laptop-abc123"},
		{"Device #1", "device-1"},
		{"  Spaces  ", "spaces"},
		{"", "client"},
		{"---", "client"},
		{"日本", "client"},
		{"a__b..c", "a-b-c"},
		{"Müller", "m-ller"},
		{"123456789012345678901234567890123456789012345678901234567890123",
			"123456789012345678901234567890123456789012345678901234567890123"},
		{"1234567890123456789012345678901234567890123456789012345678901234",
			"123456789012345678901234567890123456789012345678901234567890123"},
		{"12345678901234567890123456789012345678901234567890123456789012-x",
			"12345678901234567890123456789012345678901234567890123456789012"},
	};
	char label[LABEL_MAX + 1];

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		label_from_name(t[i].name, label);
		assert_string_equal(label, t[i].label);
	}
	label_from_name("iPhone", label);
	label_number(label, 2);
	assert_string_equal(label, "iphone-2");
	memset(label, 'a', LABEL_MAX);
	label[LABEL_MAX] = '\0';
	label_number(label, 4294967295u);
	assert_int_equal(strlen(label), LABEL_MAX);
	assert_string_equal(label + 50, "aa-4294967295");
	assert_true(label_is_reserved("wpad"));
	assert_true(label_is_reserved("isatap"));
	assert_true(label_is_reserved("localhost"));
	assert_false(label_is_reserved("laptop"));
}

static int is_label(const char *l)
{
	size_t n = strlen(l);

	return n > 0 && n <= LABEL_MAX && l[0] != '-' && l[n - 1] != '-' &&
		strspn(l, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

/* Whatever the bytes of a name are: a label, the same of itself, and numbers tell labels apart. */
static void labels_of_anything(void **state)
{
	struct rand r = {3};

	for (int i = 0; i < 50000; i++) {
		char name[200], label[LABEL_MAX + 1], again[LABEL_MAX + 1], other[LABEL_MAX + 1];
		size_t n = rand_below(&r, sizeof(name));

		for (size_t k = 0; k < n; k++)
			name[k] = (char)(1 + rand_below(&r, i % 2 ? 255 : 127));
		name[n] = '\0';
		label_from_name(name, label);
		assert_true(is_label(label));
		label_from_name(label, again);
		assert_string_equal(again, label);
		label_number(again, 2 + (unsigned)rand_below(&r, 1000));
		assert_true(is_label(again));
		memcpy(other, label, sizeof(other));
		label_number(other, 70000);
		assert_true(is_label(other));
		assert_string_not_equal(other, again);
	}
}

static void domains(void **state)
{
	static const char *const good[] = {
		"office", "mesh.example.com", "a", "x-1.y", "home.arpa", "arpa.example"};
	static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "A.b",
		"a b", "a_b", "localhost", "local", "10.0.0.1", "1", "a\n", "arpa", "in-addr.arpa",
		"30.172.in-addr.arpa", "ip6.arpa", "d.f.ip6.arpa",
		"1234567890123456789012345678901234567890123456789012345678901234"};
	struct err e = {0};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(domain_check(good[i], "domain", &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (domain_check(bad[i], "domain", &e) != ERR_INVALID)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(domain_check(NULL, "domain", &e), ERR_INVALID);
}

static void interface_names(void **state)
{
	static const struct {
		const char *name, *suffix, *want;
	} exact[] = {
		{"default", "", "warren0"},
		{"default", "-m", "warren0-m"},
		{"office", "", "office"},
		{"Office 1", "-m", "office-1-m"},
		{"elevenbytes", "-m", "elevenbytes-m"},
		{"elevenbytes", "-rab", "elevenbytes-rab"},
		{"my-road", "", "my-road"},
	};
	/* names that would be confused with the system's or with each other */
	static const char *const hashed[] = {"lo", "eth0", "all", "warren0", "enp3s0", "docker0",
		"twelve-bytes", "日本", "中国", "42", "office-m", "wg0", "office-r", "office-r7x",
		"Größe", "Graße"};
	char got[IFNAME_LEN], again[IFNAME_LEN];

	for (size_t i = 0; i < ARRAY_LEN(exact); i++) {
		ifname_make(exact[i].name, exact[i].suffix, got);
		assert_string_equal(got, exact[i].want);
	}
	for (size_t i = 0; i < ARRAY_LEN(hashed); i++) {
		ifname_make(hashed[i], "", got);
		ifname_make(hashed[i], "", again);
		assert_string_equal(got, again);
		assert_true(strlen(got) <= 11);
		assert_string_not_equal(got, hashed[i]);
		assert_int_equal(ifname_check(got), 0);
		for (size_t j = 0; j < i; j++) {
			ifname_make(hashed[j], "", again);
			assert_string_not_equal(got, again);
		}
	}
}

static void interface_names_are_distinct(void **state)
{
	struct map seen = {0};
	int here;

	for (int i = 0; i < 5000; i++)
		for (int s = 0; s < 2; s++) {
			char name[64], got[IFNAME_LEN];

			snprintf(name, sizeof(name), i % 2 ? "customer network %d" : "net%d", i);
			ifname_make(name, s ? "-m" : "", got);
			assert_int_equal(ifname_check(got), 0);
			assert_null(map_set(&seen, got, &here));
		}
	map_done(&seen, NULL);
}

static void interface_check(void **state)
{
	static const char *const bad[] = {"", ".", "..", "a/b", "a b", "a\nb", "a:b", "a\"b", "a%d",
		"0123456789abcdef", "\xc3\xa9"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(ifname_check(bad[i]), ERR_INVALID);
	assert_int_equal(ifname_check(NULL), ERR_INVALID);
	assert_int_equal(ifname_check("0123456789abcde"), 0);
	assert_int_equal(ifname_check("eth0.100"), 0);
}

static void endpoints(void **state)
{
	static const struct {
		const char *in, *host;
		uint16_t port;
	} good[] = {
		{"1.2.3.4:51820", "1.2.3.4", 51820},
		{"[2001:db8::1]:1", "2001:db8::1", 1},
		{"VPN.example.com:65535", "VPN.example.com", 65535},
		{"gw:80", "gw", 80},
	};
	static const char *const bad[] = {"", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0",
		"1.2.3.4:65536", "1.2.3.4:080", "1.2.3.4:+80", "2001:db8::1:51820", "2001:db8::1",
		"[2001:db8::1]", "[2001:db8::1:51820", "[1.2.3.4]:80", "[gw]:80", "[]:80", ":80",
		"127.0.0.1:80", "[::1]:80", "[fe80::1]:80", "localhost:80", "1.2.3:80",
		"1.2.3.4.5:80", "a b:80", "a\n:80", "gw:80\n", "-a:80", "a..b:80",
		"[2001:db8::1]x:80", "300.1.1.1:80", "x]:80", "[::ffff:1.2.3.4]:80"};
	struct err e = {0};
	struct buf b = {0};
	char host[256] = "same";
	uint16_t port = 7;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(endpoint_check(good[i].in, "endpoint", &e), 0);
		assert_int_equal(endpoint_split(good[i].in, host, sizeof(host), &port), 0);
		assert_string_equal(host, good[i].host);
		assert_int_equal(port, good[i].port);
		buf_reset(&b);
		endpoint_join(host, port, &b);
		assert_string_equal(buf_str(&b), good[i].in);
	}
	strcpy(host, "same");
	port = 7;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (endpoint_check(bad[i], "endpoint", &e) != ERR_INVALID)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_int_equal(endpoint_split(bad[i], host, sizeof(host), &port), ERR_INVALID);
	}
	assert_int_equal(endpoint_split("long.example.com:80", host, 4, &port), ERR_INVALID);
	assert_string_equal(host, "same");
	assert_int_equal(port, 7);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(invisible_names),
		cmocka_unit_test(labels),
		cmocka_unit_test(labels_of_anything),
		cmocka_unit_test(domains),
		cmocka_unit_test(interface_names),
		cmocka_unit_test(interface_names_are_distinct),
		cmocka_unit_test(interface_check),
		cmocka_unit_test(endpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
