/* DOC: see query.h. */
#include "dns/query.h"

#include "base/err.h"

#include <string.h>

#define LABEL_BITS 0xc0 /* set: a pointer, or nothing that is used */
#define RECORD_FIXED 10 /* type, class, ttl, length */

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* Copy the name at `at` in lower case; the offset behind it, or 0. Pointers are refused. */
static size_t read_name(
	const uint8_t *p, size_t n, size_t at, uint8_t name[static DNS_NAME_MAX], size_t *ret_len)
{
	size_t len = 0;

	while (at < n) {
		uint8_t label = p[at];

		if ((label & LABEL_BITS) != 0 || label + 1u > n - at ||
			len + label + 1u > DNS_NAME_MAX)
			return 0;
		name[len++] = label;
		for (size_t i = 1; i <= label; i++)
			name[len++] = lower(p[at + i]);
		at += label + 1u;
		if (label == 0) {
			*ret_len = len;
			return at;
		}
	}
	return 0;
}

/* The offset behind the name at `at`, or 0; one that ends in a pointer ends there. */
static size_t skip_name(const uint8_t *p, size_t n, size_t at)
{
	while (at < n) {
		uint8_t label = p[at];

		if ((label & LABEL_BITS) == LABEL_BITS)
			return n - at >= 2 ? at + 2 : 0;
		if ((label & LABEL_BITS) != 0 || label + 1u > n - at)
			return 0;
		at += label + 1u;
		if (label == 0)
			return at;
	}
	return 0;
}

static size_t read_question(const uint8_t *p, size_t n, struct dns_query *q)
{
	size_t at = read_name(p, n, DNS_HEADER, q->name, &q->name_len);

	if (at == 0 || n - at < 4)
		return 0;
	q->type = dns_get16(p + at);
	q->class = dns_get16(p + at + 2);
	return at + 4;
}

/* Where the fixed part of the record at `at` begins, which is all there with its data; or 0. */
static size_t find_record(const uint8_t *p, size_t n, size_t at)
{
	size_t fixed = skip_name(p, n, at);

	return fixed == 0 || n - fixed < RECORD_FIXED ||
			dns_get16(p + fixed + 8) > n - fixed - RECORD_FIXED
		? 0
		: fixed;
}

/* No authorities but, in a question for what changed, the asker's own version (RFC 1995, 3). The
 * offset behind them, or 0. */
static size_t read_authority(const uint8_t *p, size_t n, size_t at, const struct dns_query *q)
{
	unsigned count = dns_get16(p + 8);
	size_t fixed;

	if (count == 0 || at == 0)
		return at;
	if (count > 1 || q->type != DNS_TYPE_IXFR || (fixed = find_record(p, n, at)) == 0 ||
		dns_get16(p + fixed) != DNS_TYPE_SOA)
		return 0;
	return fixed + RECORD_FIXED + dns_get16(p + fixed + 8);
}

/* A record behind the question: only OPT means anything. The offset behind it, or 0. */
static size_t read_additional(const uint8_t *p, size_t n, size_t at, struct dns_query *q)
{
	size_t fixed = find_record(p, n, at);

	if (fixed == 0)
		return 0;
	if (dns_get16(p + fixed) == DNS_TYPE_OPT) {
		if (q->edns || p[at] != 0)
			return 0; /* a second one, or one that is not the root's */
		q->edns = true;
		q->udp_size = dns_get16(p + fixed + 2);
		q->edns_version = p[fixed + 5];
		q->dnssec_ok = (p[fixed + 6] & 0x80) != 0;
		if (q->udp_size < DNS_PLAIN_MAX)
			q->udp_size = DNS_PLAIN_MAX;
	}
	return fixed + RECORD_FIXED + dns_get16(p + fixed + 8);
}

int dns_query_parse(const uint8_t *p, size_t n, struct dns_query *ret)
{
	struct dns_query q = {.udp_size = DNS_PLAIN_MAX};
	size_t at;

	if (n < DNS_HEADER || n > DNS_QUERY_MAX)
		return ERR_INVALID;
	q.id = dns_get16(p);
	q.flags = dns_get16(p + 2);
	/* one question; no answers */
	if ((q.flags & (DNS_QR | DNS_TC)) != 0 || dns_get16(p + 4) != 1 || dns_get16(p + 6) != 0)
		return ERR_INVALID;
	at = read_question(p, n, &q);
	q.question_end = at;
	at = read_authority(p, n, at, &q);
	for (unsigned i = dns_get16(p + 10); i > 0 && at != 0; i--)
		at = read_additional(p, n, at, &q);
	if (at != n)
		return ERR_INVALID;
	*ret = q;
	return 0;
}

size_t dns_query_relay(const struct dns_query *q, const uint8_t *packet, uint16_t id, uint8_t *out)
{
	static const uint8_t opt[] = {
		0, 0, DNS_TYPE_OPT, DNS_EDNS_MAX >> 8, DNS_EDNS_MAX & 0xff, 0, 0, 0, 0, 0, 0};
	size_t n = q->question_end;

	memcpy(out, packet, n);
	dns_put16(out, id);
	dns_put16(out + 2, DNS_RD | (q->flags & DNS_CD));
	dns_put16(out + 10, q->edns);
	if (q->edns) {
		memcpy(out + n, opt, sizeof(opt));
		out[n + 7] = q->dnssec_ok ? 0x80 : 0;
		n += sizeof(opt);
	}
	return n;
}

void dns_query_spell(const struct dns_query *q, uint8_t *out, const uint8_t random[static 32])
{
	for (size_t i = 0; i < q->name_len; i++) /* lengths of labels are below any letter */
		if (q->name[i] >= 'a' && q->name[i] <= 'z')
			out[DNS_HEADER + i] = random[i / 8] >> i % 8 & 1
				? (uint8_t)(q->name[i] - 'a' + 'A')
				: q->name[i];
}

bool dns_response_spelled(const struct dns_query *q, const uint8_t *p, const uint8_t *asked)
{
	return memcmp(p + DNS_HEADER, asked + DNS_HEADER, q->name_len) == 0;
}

bool dns_response_check(const struct dns_query *q, const uint8_t *p, size_t n, uint16_t id)
{
	struct dns_query r = {0};

	if (n < q->question_end || dns_get16(p) != id || (p[2] & 0x80) == 0 ||
		(dns_get16(p + 2) & DNS_OPCODE) != 0 || dns_get16(p + 4) != 1)
		return false;
	return read_question(p, n, &r) == q->question_end && r.type == q->type &&
		r.class == q->class && r.name_len == q->name_len &&
		memcmp(r.name, q->name, q->name_len) == 0;
}
