/*
 * DOC: the pure core, with ldns reading what it says: records, codes, EDNS, truncation, what is
 * forwarded and what is dropped; then hostile packets.
 */
#include "dns/answer.h"
#include "base/rand.h"
#include "town.h"

#include <ldns/ldns.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define PHONE "172.30.100.2"
#define LAPTOP "172.30.100.3"

/* The sections of an answer as text: "code flags | name type data, ... | ..." without TTLs. */
static void add_records(struct buf *out, const ldns_rr_list *l)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(l); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(l, i);
		char *type = ldns_rr_type2str(ldns_rr_get_type(rr));
		char *owner = ldns_rdf2str(ldns_rr_owner(rr));

		buf_addf(out, "%s%s %s", i > 0 ? ", " : " ", owner, type);
		for (size_t k = 0; k < ldns_rr_rd_count(rr); k++) {
			char *data = ldns_rdf2str(ldns_rr_rdf(rr, k));

			buf_addf(out, " %s", data);
			free(data);
			if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA && k == 1)
				break;
		}
		free(type);
		free(owner);
	}
}

static void describe(const uint8_t *p, size_t n, struct buf *out)
{
	ldns_pkt *pkt = NULL;
	char *code;

	if (ldns_wire2pkt(&pkt, p, n) != LDNS_STATUS_OK) {
		buf_adds(out, "malformed");
		return;
	}
	code = ldns_pkt_rcode2str(ldns_pkt_get_rcode(pkt));
	buf_addf(out, "%s%s%s%s |", code, ldns_pkt_aa(pkt) ? " aa" : "",
		ldns_pkt_tc(pkt) ? " tc" : "", ldns_pkt_ra(pkt) ? " ra" : "");
	add_records(out, ldns_pkt_answer(pkt));
	buf_adds(out, " |");
	add_records(out, ldns_pkt_authority(pkt));
	if (ldns_pkt_edns(pkt))
		buf_addf(out, " | edns %u %u", ldns_pkt_edns_udp_size(pkt),
			ldns_pkt_edns_extended_rcode(pkt));
	free(code);
	ldns_pkt_free(pkt);
}

#define SOA "town.example. SOA gw.town.example. hostmaster.town.example."
#define NO " | " SOA

static void questions(void **state)
{
	static const struct {
		const char *asker, *name;
		unsigned type, edns;
		const char *want;
	} rows[] = {
		{PHONE, "web.town.example", DNS_TYPE_A, 0,
			"NOERROR aa ra | web.town.example. A 172.30.0.2 |"},
		{PHONE, "WeB.Town.Example", DNS_TYPE_AAAA, 0,
			"NOERROR aa ra | WeB.Town.Example. AAAA fd00::ac1e:2 |"},
		{LAPTOP, "web.town.example", DNS_TYPE_ANY, 4096,
			"NOERROR aa | web.town.example. A 172.30.0.2, web.town.example. AAAA "
			"fd00::ac1e:2 | | edns 1232 0"},
		/* there, but not of that type */
		{PHONE, "web.town.example", 16, 0, "NOERROR aa ra |" NO},
		{"172.30.100.4", "printer.town.example", DNS_TYPE_AAAA, 0, "NOERROR aa |" NO},
		/* not there, or not for this asker: the same */
		{LAPTOP, "nobody.town.example", DNS_TYPE_A, 0, "NXDOMAIN aa |" NO},
		{LAPTOP, "phone.town.example", DNS_TYPE_A, 0, "NXDOMAIN aa |" NO},
		{LAPTOP, "a.web.town.example", DNS_TYPE_A, 0, "NXDOMAIN aa |" NO},
		{LAPTOP, "town.example", DNS_TYPE_SOA, 0, "NOERROR aa | " SOA " |"},
		{LAPTOP, "town.example", DNS_TYPE_NS, 0,
			"NOERROR aa | town.example. NS gw.town.example. |"},
		{LAPTOP, "town.example", DNS_TYPE_A, 0, "NOERROR aa |" NO},
		{LAPTOP, "town.example", DNS_TYPE_AXFR, 0, "REFUSED | |"},
		/* addresses */
		{LAPTOP, "2.0.30.172.in-addr.arpa", DNS_TYPE_PTR, 0,
			"NOERROR aa | 2.0.30.172.in-addr.arpa. PTR web.town.example. |"},
		{LAPTOP, "1.100.30.172.in-addr.arpa", DNS_TYPE_PTR, 0,
			"NOERROR aa | 1.100.30.172.in-addr.arpa. PTR gw.town.example. |"},
		{LAPTOP, "2.100.30.172.in-addr.arpa", DNS_TYPE_PTR, 0,
			"NXDOMAIN aa | | 30.172.in-addr.arpa. SOA gw.town.example. "
			"hostmaster.town.example."},
		{LAPTOP, "x.2.0.30.172.in-addr.arpa", DNS_TYPE_PTR, 0,
			"NXDOMAIN aa | | 30.172.in-addr.arpa. SOA gw.town.example. "
			"hostmaster.town.example."},
		{LAPTOP, "0.30.172.in-addr.arpa", DNS_TYPE_PTR, 0,
			"NOERROR aa | | 30.172.in-addr.arpa. SOA gw.town.example. "
			"hostmaster.town.example."},
		{LAPTOP, "30.172.in-addr.arpa", DNS_TYPE_SOA, 0,
			"NOERROR aa | 30.172.in-addr.arpa. SOA gw.town.example. "
			"hostmaster.town.example. |"},
		{LAPTOP, "2.0.0.0.e.1.c.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa",
			DNS_TYPE_PTR, 0,
			"NOERROR aa | "
			"2.0.0.0.e.1.c.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. "
			"PTR web.town.example. |"},
		/* not ours */
		{LAPTOP, "example.com", DNS_TYPE_A, 0, "REFUSED | |"},
		{LAPTOP, "nottown.example", DNS_TYPE_A, 512, "REFUSED | | | edns 1232 0"},
		{LAPTOP, "31.172.in-addr.arpa", DNS_TYPE_PTR, 0, "REFUSED | |"},
		{LAPTOP, "172.in-addr.arpa", DNS_TYPE_PTR, 0, "REFUSED | |"},
		{PHONE, "example.com", DNS_TYPE_A, 0, "forward"},
		{PHONE, "", DNS_TYPE_NS, 0, "forward"},
		{PHONE, "8.8.8.8.in-addr.arpa", DNS_TYPE_PTR, 0, "forward"},
		/* strangers */
		{"192.0.2.7", "web.town.example", DNS_TYPE_A, 0, "drop"},
		{"172.31.0.1", "web.town.example", DNS_TYPE_A, 0, "drop"},
	};
	struct dns_zone *z = town_zone();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_done) struct buf got = {0};
		uint8_t packet[DNS_PLAIN_MAX];
		size_t n = town_ask(packet, 0x1234, rows[i].name, rows[i].type, rows[i].edns);
		struct dns_reply r;
		struct dns_query q;

		switch (dns_answer(z, town_addr(rows[i].asker), packet, n, false, &q, &r)) {
		case DNS_REPLY:
			assert_int_equal(dns_get16(r.data), 0x1234);
			describe(r.data, r.n, &got);
			break;
		case DNS_FORWARD:
			buf_adds(&got, "forward");
			break;
		case DNS_DROP:
			buf_adds(&got, "drop");
			break;
		}
		if (strcmp(buf_str(&got), rows[i].want) != 0)
			fail_msg("%s %u of %s\nwant: %s\n got: %s", rows[i].name, rows[i].type,
				rows[i].asker, rows[i].want, buf_str(&got));
	}
	dns_zone_free(z);
}

static void headers(void **state)
{
	/* word of the header (16 bits each), value, what comes of it */
	static const struct {
		unsigned word, value;
		const char *want;
	} rows[] = {
		{1, DNS_QR, "drop"}, {1, DNS_TC, "drop"}, {1, 4 << 11, "NOTIMPL | |"}, /* NOTIFY */
		{2, 0, "drop"}, {2, 2, "drop"}, {3, 1, "drop"}, {4, 1, "drop"},
		{5, 1, "drop"}, /* a record that is not there */
	};
	struct dns_zone *z = town_zone();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_done) struct buf got = {0};
		uint8_t packet[DNS_PLAIN_MAX];
		size_t n = town_ask(packet, 1, "web.town.example", DNS_TYPE_A, 0);
		struct dns_reply r;
		struct dns_query q;

		dns_put16(packet + 2 * rows[i].word, rows[i].value);
		if (dns_answer(z, town_addr(LAPTOP), packet, n, false, &q, &r) == DNS_REPLY)
			describe(r.data, r.n, &got);
		else
			buf_adds(&got, "drop");
		if (strcmp(buf_str(&got), rows[i].want) != 0)
			fail_msg("row %zu: %s, not %s", i, buf_str(&got), rows[i].want);
	}
	dns_zone_free(z);
}

static enum dns_verdict answer(const struct dns_zone *z, const uint8_t *p, size_t n,
	struct dns_query *q, struct dns_reply *r)
{
	return dns_answer(z, town_addr(PHONE), p, n, false, q, r);
}

static void malformed(void **state)
{
	struct dns_zone *z = town_zone();
	uint8_t p[DNS_PLAIN_MAX], long_name[400];
	size_t n = town_ask(p, 1, "web.town.example", DNS_TYPE_A, 1232), at = DNS_HEADER;
	struct dns_reply r;
	struct dns_query q;

	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(answer(z, p, cut, &q, &r), DNS_DROP);
	p[n] = 0;
	assert_int_equal(answer(z, p, n + 1, &q, &r), DNS_DROP); /* bytes behind it */
	p[DNS_HEADER] = 0xc0;                                    /* a pointer, to itself */
	p[DNS_HEADER + 1] = DNS_HEADER;
	assert_int_equal(answer(z, p, n, &q, &r), DNS_DROP);
	memcpy(long_name, p, DNS_HEADER);
	for (int i = 0; i < 5; i++) { /* 5 labels of 63: more than a name may have */
		long_name[at] = 63;
		memset(long_name + at + 1, 'a', 63);
		at += 64;
	}
	memset(long_name + at, 0, 5);
	assert_int_equal(answer(z, long_name, at + 5, &q, &r), DNS_DROP);
	n = town_ask(p, 1, "web.town.example", DNS_TYPE_A, 1232);
	dns_put16(p + 10, 2); /* two OPT */
	memcpy(p + n, p + n - 11, 11);
	assert_int_equal(answer(z, p, n + 11, &q, &r), DNS_DROP);
	dns_zone_free(z);
}

static void edns_version(void **state)
{
	CLEANUP(buf_done) struct buf got = {0};
	struct dns_zone *z = town_zone();
	uint8_t p[DNS_PLAIN_MAX];
	size_t n = town_ask(p, 1, "web.town.example", DNS_TYPE_A, 1232);
	struct dns_reply r;
	struct dns_query q;

	p[n - 5] = 1;
	assert_int_equal(answer(z, p, n, &q, &r), DNS_REPLY);
	describe(r.data, r.n, &got);
	assert_string_equal(buf_str(&got), "NOERROR ra | | | edns 1232 1"); /* BADVERS is 16 */
	dns_zone_free(z);
}

/* RFC 1995: the serial that the asker has stands in the authority section. Zones are not given
 * away, whole or in parts; but who asks is told so. Such a record belongs to no other question. */
static void ixfr(void **state)
{
	/* its name a pointer to the question's; class, ttl, length; two root names, five numbers */
	static const uint8_t soa[] = {0xc0, DNS_HEADER, 0, DNS_TYPE_SOA, 0, DNS_CLASS_IN, 0, 0, 0,
		0, 0, 22, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	static const struct {
		unsigned type, edns, count, record; /* how many times it is there; its type */
		const char *want;
	} rows[] = {
		{DNS_TYPE_IXFR, 0, 1, DNS_TYPE_SOA, "REFUSED ra | |"},
		{DNS_TYPE_IXFR, 1232, 1, DNS_TYPE_SOA, "REFUSED ra | | | edns 1232 0"},
		{DNS_TYPE_IXFR, 0, 0, DNS_TYPE_SOA, "REFUSED ra | |"},
		{DNS_TYPE_IXFR, 0, 2, DNS_TYPE_SOA, "drop"},
		{DNS_TYPE_IXFR, 0, 1, DNS_TYPE_A, "drop"},
		{DNS_TYPE_IXFR, 0, 1, DNS_TYPE_OPT, "drop"},
		{DNS_TYPE_AXFR, 0, 1, DNS_TYPE_SOA, "drop"},
		{DNS_TYPE_A, 0, 1, DNS_TYPE_SOA, "drop"},
	};
	struct dns_zone *z = town_zone();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_done) struct buf got = {0};
		uint8_t p[DNS_PLAIN_MAX], opt[11];
		size_t n = town_ask(p, 1, "town.example", rows[i].type, rows[i].edns);
		struct dns_reply r;
		struct dns_query q;

		n -= rows[i].edns ? sizeof(opt) : 0; /* authority comes before it */
		memcpy(opt, p + n, sizeof(opt));
		for (unsigned k = 0; k < rows[i].count; k++, n += sizeof(soa)) {
			memcpy(p + n, soa, sizeof(soa));
			dns_put16(p + n + 2, rows[i].record);
		}
		dns_put16(p + 8, rows[i].count);
		memcpy(p + n, opt, rows[i].edns ? sizeof(opt) : 0);
		n += rows[i].edns ? sizeof(opt) : 0;
		if (answer(z, p, n, &q, &r) == DNS_REPLY)
			describe(r.data, r.n, &got);
		else
			buf_adds(&got, "drop");
		if (strcmp(buf_str(&got), rows[i].want) != 0)
			fail_msg("row %zu: %s, not %s", i, buf_str(&got), rows[i].want);
		for (size_t cut = DNS_HEADER; cut < n; cut++)
			assert_int_equal(answer(z, p, cut, &q, &r), DNS_DROP);
	}
	dns_zone_free(z);
}

/* A domain so long that its SOA does not fit 512 bytes. */
static void an_answer_that_does_not_fit(void **state)
{
	char domain[254];
	struct item_vec items = {0};
	CLEANUP(buf_done) struct buf small = {0}, big = {0};
	struct dns_zone *z;
	uint8_t p[DNS_PLAIN_MAX];
	struct dns_reply r;
	struct dns_query q;
	size_t n;

	memset(domain, 'a', sizeof(domain));
	for (int i = 63; i < 240; i += 64)
		domain[i] = '.';
	domain[220] = '\0';
	town_items(&items);
	mem_free(items.v[0]->dns.domain);
	items.v[0]->dns.domain = mem_strdup(domain);
	z = dns_zone_new(&items, "net_1", 1);
	assert_non_null(z);
	n = town_ask(p, 1, "9.9.30.172.in-addr.arpa", DNS_TYPE_PTR, 0);
	assert_int_equal(answer(z, p, n, &q, &r), DNS_REPLY);
	describe(r.data, r.n, &small);
	assert_string_equal(buf_str(&small), "NOERROR aa tc ra | |");
	assert_int_equal(dns_answer(z, town_addr(PHONE), p, n, true, &q, &r), DNS_REPLY);
	describe(r.data, r.n, &big);
	assert_non_null(strstr(buf_str(&big), "NXDOMAIN aa ra | | 30.172.in-addr.arpa. SOA"));
	dns_zone_free(z);
	item_vec_done(&items);
}

/* --- what goes to upstreams and comes back --------------------------------------------------- */

static void relayed(void **state)
{
	struct dns_zone *z = town_zone();
	uint8_t p[DNS_PLAIN_MAX], out[DNS_PLAIN_MAX], in[DNS_QUERY_MAX] = {0};
	size_t n = town_ask(p, 77, "WWW.example.COM", DNS_TYPE_A, 4096), sent;
	struct dns_reply r;
	struct dns_query q;

	assert_int_equal(answer(z, p, n, &q, &r), DNS_FORWARD);
	sent = dns_query_relay(&q, p, 4711, out);
	assert_int_equal(dns_get16(out), 4711);
	assert_int_equal(dns_get16(out + sent - 8), DNS_EDNS_MAX);
	assert_memory_equal(out + DNS_HEADER, p + DNS_HEADER, q.question_end - DNS_HEADER);
	/* the answer: the question in another spelling, and something */
	memcpy(in, out, q.question_end);
	in[DNS_HEADER + 1] = 'w';
	dns_put16(in + 2, DNS_QR | DNS_RD | DNS_AA);
	assert_true(dns_response_check(&q, in, 300, 4711));
	assert_false(dns_response_check(&q, in, 300, 4712));
	assert_false(dns_response_check(&q, in, q.question_end - 1, 4711));
	in[DNS_HEADER + 1] = 'x';
	assert_false(dns_response_check(&q, in, 300, 4711));
	in[DNS_HEADER + 1] = 'w';
	in[2] = 0; /* a question */
	assert_false(dns_response_check(&q, in, 300, 4711));
	dns_put16(in + 2, DNS_QR | DNS_AA);
	assert_int_equal(dns_answer_relay(&q, p, false, in, 300), 300);
	assert_int_equal(dns_get16(in), 77);
	assert_int_equal(dns_get16(in + 2), DNS_QR | DNS_RD | DNS_RA);
	assert_int_equal(in[DNS_HEADER + 1], 'W');
	/* more than fits: only over TCP */
	assert_int_equal(dns_answer_relay(&q, p, true, in, 3000), 3000);
	n = dns_answer_relay(&q, p, false, in, 3000);
	assert_int_equal(n, q.question_end + 11);
	assert_true((dns_get16(in + 2) & DNS_TC) != 0);
	dns_zone_free(z);
}

/* Random damage: never more than a drop, and what is said can be read. */
static void hostile(void **state)
{
	static const char *const names[] = {"web.town.example", "town.example", "example.com",
		"2.0.30.172.in-addr.arpa", "a.b.c.town.example"};
	struct dns_zone *z = town_zone();
	struct rand rnd = {11};
	unsigned replies = 0;

	for (int i = 0; i < 200000; i++) {
		uint8_t p[DNS_PLAIN_MAX];
		size_t n = town_ask(p, (uint16_t)i, names[rand_below(&rnd, 5)],
			(unsigned)rand_below(&rnd, 40), rand_below(&rnd, 2) ? 1232 : 0);
		struct dns_reply r;
		struct dns_query q;

		for (uint64_t k = rand_below(&rnd, 4); k > 0; k--)
			p[rand_below(&rnd, n)] = (uint8_t)rand_next(&rnd);
		if (answer(z, p, n - rand_below(&rnd, 2) * rand_below(&rnd, 3), &q, &r) !=
			DNS_REPLY)
			continue;
		replies++;
		if (i % 50 == 0) {
			CLEANUP(buf_done) struct buf got = {0};

			describe(r.data, r.n, &got);
			assert_string_not_equal(buf_str(&got), "malformed");
		}
	}
	assert_true(replies > 10000);
	dns_zone_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions),
		cmocka_unit_test(headers),
		cmocka_unit_test(malformed),
		cmocka_unit_test(ixfr),
		cmocka_unit_test(edns_version),
		cmocka_unit_test(an_answer_that_does_not_fit),
		cmocka_unit_test(relayed),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests_name("dns_answer", tests, NULL, NULL);
}
