/* DOC: see answer.h. Names in answers point back into the question (RFC 1035, 4.1.4). */
#include "dns/answer.h"

#include "dns/reverse.h"

#include <string.h>

#define TTL 30          /* seconds: names move with their devices */
#define NEGATIVE_TTL 10 /* and what is not there may come */
#define REFRESH 3600
#define RETRY 600
#define EXPIRE 86400
#define POINTER 0xc000

struct answer {
	const struct dns_zone *zone;
	const struct dns_query *q;
	struct addr asker;
	uint8_t *p;
	size_t n;
	bool cut; /* something did not fit */
	unsigned answers, authorities;
	size_t domain_at; /* where the question holds the domain; 0 = nowhere */
	size_t apex_at;   /* and the zone's top, for SOA */
	bool may_forward;
};

/* --- writing --------------------------------------------------------------------------------- */

static void put(struct answer *a, const void *bytes, size_t n)
{
	if (n > DNS_REPLY_MAX - a->n) {
		a->cut = true;
		return;
	}
	memcpy(a->p + a->n, bytes, n);
	a->n += n;
}

static void put16(struct answer *a, unsigned v)
{
	uint8_t b[2];

	dns_put16(b, v);
	put(a, b, sizeof(b));
}

static void put32(struct answer *a, uint32_t v)
{
	put16(a, v >> 16);
	put16(a, v & 0xffff);
}

static void put_label(struct answer *a, const char *label, size_t len)
{
	uint8_t n = (uint8_t)len;

	put(a, &n, 1);
	put(a, label, len);
}

/* A name below the domain (label NULL: the domain itself). */
static void put_name(struct answer *a, const char *label)
{
	if (label != NULL)
		put_label(a, label, strlen(label));
	if (a->domain_at != 0) {
		put16(a, POINTER | (unsigned)a->domain_at);
		return;
	}
	for (const char *d = dns_zone_domain(a->zone); *d != '\0';) {
		size_t len = strcspn(d, ".");

		put_label(a, d, len);
		d += len + (d[len] == '.');
	}
	put(a, "", 1);
}

/* A record's fixed part; where its length goes is returned. */
static size_t begin_record(struct answer *a, size_t owner_at, unsigned type, uint32_t ttl)
{
	put16(a, POINTER | (unsigned)owner_at);
	put16(a, type);
	put16(a, DNS_CLASS_IN);
	put32(a, ttl);
	put16(a, 0);
	return a->n;
}

static void end_record(struct answer *a, size_t from, unsigned *count)
{
	if (!a->cut)
		dns_put16(a->p + from - 2, (unsigned)(a->n - from));
	(*count)++;
}

static void put_address(struct answer *a, struct addr addr)
{
	uint8_t bytes[16];
	bool v4 = addr.family == FAMILY_IPV4;
	size_t from = begin_record(a, DNS_HEADER, v4 ? DNS_TYPE_A : DNS_TYPE_AAAA, TTL);

	addr_to_bytes(addr, bytes);
	put(a, bytes, v4 ? 4 : 16);
	end_record(a, from, &a->answers);
}

static const char *own_label(const struct answer *a)
{
	const struct name_item *self = dns_zone_self(a->zone);

	return self == NULL ? NULL : self->name;
}

static void put_soa(struct answer *a, uint32_t ttl, unsigned *count)
{
	size_t from = begin_record(a, a->apex_at, DNS_TYPE_SOA, ttl);

	put_name(a, own_label(a));
	put_name(a, "hostmaster");
	put32(a, dns_zone_serial(a->zone));
	put32(a, REFRESH);
	put32(a, RETRY);
	put32(a, EXPIRE);
	put32(a, NEGATIVE_TTL);
	end_record(a, from, count);
}

static void put_ns(struct answer *a)
{
	size_t from = begin_record(a, DNS_HEADER, DNS_TYPE_NS, TTL);

	put_name(a, own_label(a));
	end_record(a, from, &a->answers);
}

static void put_ptr(struct answer *a, const char *label)
{
	size_t from = begin_record(a, DNS_HEADER, DNS_TYPE_PTR, TTL);

	put_name(a, label);
	end_record(a, from, &a->answers);
}

/* The OPT record; the upper bits of the response code are in it. */
static void put_opt(struct answer *a, unsigned rcode)
{
	uint8_t opt[11] = {0};

	dns_put16(opt + 1, DNS_TYPE_OPT);
	dns_put16(opt + 3, DNS_EDNS_MAX);
	opt[5] = (uint8_t)(rcode >> 4);
	put(a, opt, sizeof(opt));
}

static void begin(struct answer *a, const uint8_t *packet)
{
	a->n = 0;
	a->cut = false;
	a->answers = a->authorities = 0;
	put(a, packet, a->q->question_end);
}

static void finish(struct answer *a, unsigned flags, unsigned rcode)
{
	if (a->q->edns)
		put_opt(a, rcode);
	dns_put16(a->p + 2,
		DNS_QR | flags | (a->q->flags & (DNS_OPCODE | DNS_RD | DNS_CD)) | (rcode & 15) |
			(a->may_forward ? DNS_RA : 0));
	dns_put16(a->p + 4, 1);
	dns_put16(a->p + 6, a->answers);
	dns_put16(a->p + 8, a->authorities);
	dns_put16(a->p + 10, a->q->edns);
}

static size_t limit_of(const struct dns_query *q, bool stream)
{
	if (stream)
		return DNS_PACKET_MAX;
	return q->udp_size < DNS_EDNS_MAX ? q->udp_size : DNS_EDNS_MAX;
}

/* --- deciding -------------------------------------------------------------------------------- */

static bool wants(const struct dns_query *q, unsigned type)
{
	return q->type == type || q->type == DNS_TYPE_ANY;
}

/* What the zone says about a name: nothing at all (NXDOMAIN), or some records, maybe none. */
static unsigned say_apex(struct answer *a)
{
	if (wants(a->q, DNS_TYPE_SOA))
		put_soa(a, TTL, &a->answers);
	if (wants(a->q, DNS_TYPE_NS))
		put_ns(a);
	return DNS_NOERROR;
}

static unsigned say_name(struct answer *a, const char *label)
{
	const struct name_item *n = dns_zone_find(a->zone, label);

	if (n == NULL || !dns_zone_may_learn(a->zone, a->asker, n))
		return DNS_NXDOMAIN;
	if (wants(a->q, DNS_TYPE_A) && n->addr.family == FAMILY_IPV4)
		put_address(a, n->addr);
	if (wants(a->q, DNS_TYPE_AAAA) && n->addr6.family == FAMILY_IPV6)
		put_address(a, n->addr6);
	return DNS_NOERROR;
}

static unsigned say_address(struct answer *a, struct addr addr)
{
	const struct name_item *n = dns_zone_at(a->zone, addr);

	/* the gateways' shared address has no owner; who answers there is this node */
	if (n == NULL && dns_zone_is_own(a->zone, addr))
		n = dns_zone_self(a->zone);
	if (n == NULL || !dns_zone_may_learn(a->zone, a->asker, n))
		return DNS_NXDOMAIN;
	if (wants(a->q, DNS_TYPE_PTR))
		put_ptr(a, n->name);
	return DNS_NOERROR;
}

/* Does the name end in the domain? Then *ret_at is where the domain begins in it. */
static bool in_domain(const struct dns_query *q, const char *domain, size_t *ret_at)
{
	size_t len = strlen(domain) + 2, from, at = 0;

	if (q->name_len < len)
		return false;
	from = q->name_len - len;
	while (at < from)
		at += q->name[at] + 1u; /* labels end where labels end */
	if (at != from)
		return false;
	for (const char *d = domain; *d != '\0';) {
		size_t n = strcspn(d, ".");

		if (q->name[at] != n || memcmp(q->name + at + 1, d, n) != 0)
			return false;
		at += n + 1;
		d += n + (d[n] == '.');
	}
	*ret_at = from;
	return true;
}

/* A question in the domain. */
static unsigned say_domain(struct answer *a, size_t domain_at)
{
	const uint8_t *name = a->q->name;
	char label[LABEL_MAX + 1];

	a->domain_at = a->apex_at = DNS_HEADER + domain_at;
	if (domain_at == 0)
		return say_apex(a);
	if (name[0] + 1u != domain_at || memchr(name + 1, '\0', name[0]) != NULL)
		return DNS_NXDOMAIN; /* deeper than names are */
	memcpy(label, name + 1, name[0]);
	label[name[0]] = '\0';
	return say_name(a, label);
}

/* A question in the reverse zone of a pool. */
static unsigned say_reverse(struct answer *a, const struct dns_reverse *r, struct prefix pool)
{
	a->apex_at = DNS_HEADER + dns_reverse_apex(r, pool);
	if (!r->clean)
		return DNS_NXDOMAIN;
	if (a->apex_at == DNS_HEADER)
		return say_apex(a);
	if (r->known.len < addr_width(r->known.addr))
		return DNS_NOERROR; /* addresses are below it */
	return say_address(a, r->known.addr);
}

/* -1: not ours to say. */
static int say(struct answer *a)
{
	struct dns_reverse r;
	size_t at;

	if (in_domain(a->q, dns_zone_domain(a->zone), &at))
		return (int)say_domain(a, at);
	if (dns_reverse_parse(a->q, &r) < 0)
		return -1;
	VEC_FOREACH (pool, dns_zone_pools(a->zone))
		if (dns_reverse_apex(&r, *pool) != DNS_REVERSE_OUTSIDE)
			return (int)say_reverse(a, &r, *pool);
	return -1;
}

static bool is_transfer(const struct dns_query *q)
{
	return q->type == DNS_TYPE_AXFR || q->type == DNS_TYPE_IXFR;
}

/* Reasons to say no before looking at the name. */
static unsigned refusal(const struct dns_query *q)
{
	if ((q->flags & DNS_OPCODE) != 0)
		return DNS_NOTIMP;
	if (q->edns && q->edns_version != 0)
		return DNS_BADVERS;
	if (q->class != DNS_CLASS_IN || is_transfer(q))
		return DNS_REFUSED;
	return DNS_NOERROR;
}

enum dns_verdict dns_answer(const struct dns_zone *z, struct addr asker, const uint8_t *packet,
	size_t n, bool stream, struct dns_query *q, struct dns_reply *ret)
{
	struct answer a = {.zone = z, .q = q, .asker = asker, .p = ret->data};
	const struct name_item *who;
	int rcode;

	if (!dns_zone_is_inside(z, asker) || dns_query_parse(packet, n, q) < 0)
		return DNS_DROP;
	who = dns_zone_at(z, asker);
	a.may_forward = who != NULL && who->forward;
	begin(&a, packet);
	rcode = (int)refusal(q);
	if (rcode != DNS_NOERROR) {
		finish(&a, 0, (unsigned)rcode);
	} else {
		rcode = say(&a);
		if (rcode < 0 && a.may_forward)
			return DNS_FORWARD;
		if (rcode >= 0 && a.answers == 0)
			put_soa(&a, NEGATIVE_TTL, &a.authorities);
		finish(&a, rcode < 0 ? 0 : DNS_AA, rcode < 0 ? DNS_REFUSED : (unsigned)rcode);
	}
	if (a.cut || a.n > limit_of(q, stream)) {
		begin(&a, packet);
		finish(&a, DNS_AA | DNS_TC, DNS_NOERROR);
	}
	ret->n = a.n;
	return DNS_REPLY;
}

void dns_answer_empty(
	const struct dns_query *q, const uint8_t *packet, unsigned rcode, struct dns_reply *ret)
{
	struct answer a = {.q = q, .p = ret->data, .may_forward = true};

	begin(&a, packet);
	finish(&a, 0, rcode);
	ret->n = a.n;
}

size_t dns_answer_relay(
	const struct dns_query *q, const uint8_t *packet, bool stream, uint8_t *answer, size_t n)
{
	struct answer a = {.q = q, .p = answer, .may_forward = true};
	unsigned rcode = dns_get16(answer + 2) & 15;

	if (n > limit_of(q, stream)) {
		begin(&a, packet);
		finish(&a, DNS_TC, rcode);
		return a.n;
	}
	dns_put16(answer, q->id);
	memcpy(answer + DNS_HEADER, packet + DNS_HEADER, q->question_end - DNS_HEADER);
	/* it is not our authority, and the asker may ask us again */
	dns_put16(answer + 2,
		((unsigned)dns_get16(answer + 2) & ~(unsigned)(DNS_AA | DNS_RD)) | DNS_RA |
			(q->flags & DNS_RD));
	return n;
}
