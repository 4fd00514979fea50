/* DOC: addresses and prefixes against tables, against inet_ntop and against bit-by-bit oracles. */
#include "model/prefix.h"

#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <arpa/inet.h>
#include <cmocka.h>

static struct rand rng = {42};

static struct addr A(const char *text) {
	struct addr a = {0};

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct prefix
P(const char *text) {
	struct prefix p = {0};
	struct err e = {0};

	if (prefix_parse(text, "p", &p, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return p;
}

static void
text_forms(void **state)
{
	static const char *const same[] = {"0.0.0.0", "172.30.100.1", "255.255.255.255",
		"::", "::1", "1::", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1",
		"fe80::1:0:0:1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:0", "0:2:3:4:5:6:7:8",
		"::102:304", "::ffff:1.2.3.4", "fd51:19c1:3b:f700:6987:50a0:9b93:4337",
		"0:1::", "1::1:0:0:1"};
	static const struct {
		const char *in, *out;
	} canonical[] = {
		{"2001:DB8::0001", "2001:db8::1"},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"0:0:0:0:0:0:0:0", "::"},
		{"1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"},
		{"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
		{"::1.2.3.4", "::102:304"},
	};
	static const char *const bad[] = {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256",
		" 1.2.3.4", "1.2.3.4 ", "::g", "1::2::3", "fe80::1%eth0", "12345::", "[::1]",
		"1.2.3.4/32", "0x1.2.3.4", "1", "1:2:3:4:5:6:7"};
	char text[ADDR_TEXT_LEN];
	struct addr a = {.family = 77};

	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		assert_string_equal(addr_format(A(same[i]), text), same[i]);
	for (size_t i = 0; i < ARRAY_LEN(canonical); i++)
		assert_string_equal(addr_format(A(canonical[i].in), text), canonical[i].out);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (addr_parse(bad[i], &a) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(a.family, 77);
}

static struct addr random_addr(void)
{
	struct addr a = {.family = rand_below(&rng, 2) ? FAMILY_IPV4 : FAMILY_IPV6};
	int zeros = (int)rand_below(&rng, 8);

	for (int i = 0; i < 8; i++) {
		uint16_t group = (uint16_t)rand_next(&rng);

		if (rand_below(&rng, 8) < (uint64_t)zeros)
			group = 0;
		a.bits = a.bits << 16 | group;
	}
	if (a.family == FAMILY_IPV4)
		a.bits &= 0xffffffff;
	return a;
}

static void text_and_bytes_round_trip(void **state)
{
	for (int i = 0; i < 20000; i++) {
		struct addr a = random_addr(), b;
		char text[ADDR_TEXT_LEN], theirs[INET6_ADDRSTRLEN];
		uint8_t bytes[16];

		assert_int_equal(addr_parse(addr_format(a, text), &b), 0);
		assert_int_equal(addr_compare(a, b), 0);
		addr_to_bytes(a, bytes);
		assert_int_equal(addr_compare(a, addr_from_bytes(a.family, bytes)), 0);
		if (a.family == FAMILY_IPV6 && a.bits >> 32 == 0)
			continue; /* the C library writes these with dots */
		inet_ntop(a.family == FAMILY_IPV4 ? AF_INET : AF_INET6, bytes, theirs,
			sizeof(theirs));
		assert_string_equal(text, theirs);
	}
}

static void parse_prefixes(void **state)
{
	static const char *const bad[] = {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08",
		"10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.1/8", "fd00::1/64", "::/129", "10.0.0.0/ 8",
		"fd00::/064", "x/8", "00000000000000000000000000000000000000000000000000/8"};
	char text[PREFIX_TEXT_LEN];
	struct prefix p = {{0}, 99};
	struct err e;

	assert_string_equal(prefix_format(P("10.0.0.0/8"), text), "10.0.0.0/8");
	assert_string_equal(prefix_format(P("10.1.2.3"), text), "10.1.2.3/32");
	assert_string_equal(prefix_format(P("FD00::"), text), "fd00::/128");
	assert_string_equal(prefix_format(P("0.0.0.0/0"), text), "0.0.0.0/0");
	assert_string_equal(prefix_format(P("::/0"), text), "::/0");
	assert_string_equal(prefix_format((struct prefix){{0}, 0}, text), "");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		e = (struct err){0};
		if (prefix_parse(bad[i], "allowed_ips", &p, &e) != ERR_INVALID)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_string_equal(e.field, "allowed_ips");
		assert_true(strlen(e.text) > 10);
	}
	assert_int_equal(p.len, 99);
	prefix_parse("10.0.0.1/8", "f", &p, &e);
	assert_non_null(strstr(e.text, "10.0.0.0/8"));
}

static int bit(struct addr a, int i)
{
	return (int)(a.bits >> (addr_width(a) - 1 - i)) & 1;
}

static struct prefix random_prefix(struct addr near)
{
	uint8_t len = (uint8_t)rand_below(&rng, addr_width(near) + 1u);
	struct prefix p = {near, len};

	p.addr = prefix_first(p);
	return p;
}

static void arithmetic_bit_by_bit(void **state)
{
	for (int i = 0; i < 20000; i++) {
		struct addr a = random_addr(), b = random_addr();
		struct prefix p, q;
		int has = 1, inner, w;

		if (rand_below(&rng, 2)) { /* related addresses, or nothing ever matches */
			b = a;
			b.bits ^= (u128)1 << rand_below(&rng, addr_width(a));
		}
		p = random_prefix(a);
		q = random_prefix(b);
		w = addr_width(a);
		has = a.family == b.family;
		for (int k = 0; has && k < p.len; k++)
			has = bit(a, k) == bit(b, k);
		assert_int_equal(prefix_has(p, b), has);
		inner = q.len >= p.len && has;
		assert_int_equal(prefix_contains(p, q), inner);
		assert_int_equal(
			prefix_overlaps(p, q), prefix_contains(p, q) || prefix_contains(q, p));
		for (int k = 0; k < w; k++) {
			assert_int_equal(bit(prefix_first(p), k), k < p.len ? bit(a, k) : 0);
			assert_int_equal(bit(prefix_last(p), k), k < p.len ? bit(a, k) : 1);
		}
		assert_int_equal(prefix_compare(p, q), -prefix_compare(q, p));
	}
	assert_int_equal(addr_compare(addr_add(A("255.255.255.255"), 1), A("0.0.0.0")), 0);
	assert_int_equal(
		addr_compare(addr_add(A("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 2), A("::1")),
		0);
	assert_int_equal(
		addr_compare(addr_add(A("fd00::ffff:ffff:ffff:ffff"), 1), A("fd00:0:0:1::")), 0);
	assert_false(prefix_has(P("0.0.0.0/0"), (struct addr){0}));
	assert_false(prefix_has(P("0.0.0.0/0"), A("::1")));
}

static void special(void **state)
{
	static const char *const yes[] = {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255",
		"169.254.1.1", "224.0.0.1", "239.1.1.1", "255.255.255.255", "::", "::1", "fe80::1",
		"febf::1", "ff02::1", "::ffff:10.0.0.1"};
	static const char *const no[] = {"1.2.3.4", "128.0.0.1", "169.253.0.1", "223.255.255.255",
		"10.0.0.1", "fd00::1", "2001:db8::1", "fec0::1", "::2"};

	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(addr_is_special(A(yes[i])));
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(addr_is_special(A(no[i])));
}

static void ranges(void **state)
{
	struct prefix_vec v = {0};

	for (int i = 0; i < 3000; i++) {
		struct addr a = random_addr(), b;
		uint8_t w = addr_width(a);
		struct addr next;

		b = random_addr();
		if (b.family != a.family || rand_below(&rng, 2)) {
			b = addr_add(a, rand_below(&rng, 1000));
		}
		if (addr_compare(a, b) > 0)
			continue;
		v.n = 0;
		prefix_vec_add_range(&v, a, b);
		assert_true(v.n >= 1 && v.n <= 2u * w);
		next = a;
		VEC_FOREACH (p, &v) { /* gapless, in order, canonical, exact */
			assert_int_equal(addr_compare(prefix_first(*p), next), 0);
			assert_int_equal(addr_compare(p->addr, next), 0);
			next = addr_add(prefix_last(*p), 1);
		}
		assert_int_equal(addr_compare(prefix_last(v.v[v.n - 1]), b), 0);
		for (size_t k = 0; k + 1 < v.n; k++) { /* smallest: nothing left to join */
			struct prefix_vec two = {0};

			VEC_PUSH(&two, v.v[k]);
			VEC_PUSH(&two, v.v[k + 1]);
			prefix_vec_aggregate(&two);
			assert_int_equal(two.n, 2);
			VEC_DONE(&two);
		}
	}
	v.n = 0;
	prefix_vec_add_range(&v, A("0.0.0.0"), A("255.255.255.255"));
	assert_int_equal(v.n, 1);
	assert_int_equal(v.v[0].len, 0);
	v.n = 0;
	prefix_vec_add_range(&v, A("::"), A("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
	assert_int_equal(v.n, 1);
	assert_int_equal(v.v[0].len, 0);
	v.n = 0;
	prefix_vec_add_range(&v, A("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
		A("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
	assert_int_equal(v.n, 1);
	v.n = 0;
	prefix_vec_add_range(&v, A("10.0.0.2"), A("10.0.0.1"));
	prefix_vec_add_range(&v, A("10.0.0.2"), A("fd00::1"));
	assert_int_equal(v.n, 0);
	VEC_DONE(&v);
}

/* All addresses live in a small window, so that a set is a bitmap. */
#define WINDOW 64
static void aggregate_is_the_same_set(void **state)
{
	for (int round = 0; round < 5000; round++) {
		int v6 = (int)rand_below(&rng, 2);
		struct addr base = v6 ? A("fd00::") : A("10.0.0.0");
		struct prefix_vec v = {0}, before = {0};
		size_t n = rand_below(&rng, 12);
		struct prefix_vec smallest = {0};

		for (size_t i = 0; i < n; i++) {
			struct prefix p = {addr_add(base, rand_below(&rng, WINDOW)),
				(uint8_t)(addr_width(base) - rand_below(&rng, 7))};

			p.addr = prefix_first(p);
			VEC_PUSH(&v, p);
		}
		prefix_vec_copy(&before, &v);
		prefix_vec_aggregate(&v);
		for (u128 i = 0; i < WINDOW; i++)
			assert_int_equal(prefix_vec_has(&v, addr_add(base, i)),
				prefix_vec_has(&before, addr_add(base, i)));
		/* smallest: what the runs of the set need */
		for (u128 i = 0; i < WINDOW;) {
			u128 j = i;

			while (j < WINDOW && prefix_vec_has(&before, addr_add(base, j)))
				j++;
			if (j > i)
				prefix_vec_add_range(
					&smallest, addr_add(base, i), addr_add(base, j - 1));
			i = j + 1;
		}
		assert_int_equal(v.n, smallest.n);
		assert_true(prefix_vec_equal(&v, &smallest));
		VEC_DONE(&v);
		VEC_DONE(&before);
		VEC_DONE(&smallest);
	}
}

static void aggregate_keeps_families_apart(void **state)
{
	struct prefix_vec v = {0};

	VEC_PUSH(&v, P("::/0"));
	VEC_PUSH(&v, P("0.0.0.0/0"));
	VEC_PUSH(&v, P("::/1"));
	VEC_PUSH(&v, P("10.0.0.0/8"));
	prefix_vec_aggregate(&v);
	assert_int_equal(v.n, 2);
	v.n = 0;
	VEC_PUSH(&v, P("128.0.0.0/1"));
	VEC_PUSH(&v, P("0.0.0.0/1"));
	prefix_vec_aggregate(&v);
	assert_int_equal(v.n, 1);
	assert_int_equal(v.v[0].len, 0);
	v.n = 0;
	VEC_PUSH(&v, P("10.1.0.0/16"));
	VEC_PUSH(&v, P("10.2.0.0/16")); /* neighbours, but no two halves */
	prefix_vec_aggregate(&v);
	assert_int_equal(v.n, 2);
	VEC_DONE(&v);
}

static void vectors_as_sets(void **state)
{
	struct prefix_vec a = {0}, b = {0};

	assert_true(prefix_vec_equal(&a, &b));
	VEC_PUSH(&a, P("10.0.0.0/8"));
	assert_false(prefix_vec_equal(&a, &b));
	VEC_PUSH(&a, P("fd00::/64"));
	VEC_PUSH(&b, P("fd00::/64"));
	VEC_PUSH(&b, P("10.0.0.0/8"));
	VEC_PUSH(&b, P("10.0.0.0/8"));
	assert_true(prefix_vec_equal(&a, &b));
	assert_true(prefix_vec_covers(&a, P("10.1.0.0/16")));
	assert_false(prefix_vec_covers(&a, P("0.0.0.0/0")));
	b.v[0].len = 65;
	assert_false(prefix_vec_equal(&a, &b));
	VEC_DONE(&a);
	VEC_DONE(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_forms),
		cmocka_unit_test(text_and_bytes_round_trip),
		cmocka_unit_test(parse_prefixes),
		cmocka_unit_test(arithmetic_bit_by_bit),
		cmocka_unit_test(special),
		cmocka_unit_test(ranges),
		cmocka_unit_test(aggregate_is_the_same_set),
		cmocka_unit_test(aggregate_keeps_families_apart),
		cmocka_unit_test(vectors_as_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
