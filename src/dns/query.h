/*
 * DOC: DNS packets as they come: a client's question and an upstream's answer. Pure. Everything is
 * checked against the packet's length; names in questions may not be compressed (RFC 1035, 4.1.4
 * needs an earlier name to point at, and there is none).
 */
#ifndef WARREN_DNS_QUERY_H
#define WARREN_DNS_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_PORT 53
#define DNS_HEADER 12
#define DNS_NAME_MAX 255   /* of a name on the wire */
#define DNS_PLAIN_MAX 512  /* of an answer over UDP without EDNS */
#define DNS_EDNS_MAX 1232  /* and with it, whatever the asker says: never a fragment */
#define DNS_QUERY_MAX 4096 /* of a question; more is not read */
#define DNS_PACKET_MAX 65535

enum {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_PTR = 12,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_OPT = 41,
	DNS_TYPE_IXFR = 251,
	DNS_TYPE_AXFR = 252,
	DNS_TYPE_ANY = 255
};
enum { DNS_CLASS_IN = 1 };
enum {
	DNS_NOERROR = 0,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_BADVERS = 16
};

/* Bits of the header's second word. */
enum {
	DNS_QR = 0x8000,
	DNS_OPCODE = 0x7800,
	DNS_AA = 0x0400,
	DNS_TC = 0x0200,
	DNS_RD = 0x0100,
	DNS_RA = 0x0080,
	DNS_CD = 0x0010
};

struct dns_query {
	uint16_t id, flags;
	uint8_t name[DNS_NAME_MAX]; /* on the wire, lower-case, with the root at its end */
	size_t name_len;
	uint16_t type, class;
	size_t question_end; /* offset behind the question */
	bool edns, dnssec_ok;
	uint8_t edns_version;
	uint16_t udp_size; /* that the asker takes; DNS_PLAIN_MAX without EDNS */
};

/* Read a question. ERR_INVALID when it is not one: an answer, no or more than one question, records
 * where none belong, cut short, or with bytes behind it. Such packets are dropped. */
int dns_query_parse(const uint8_t *p, size_t n, struct dns_query *ret);

/* The question as it is put to an upstream: our id and EDNS size, nothing else of the asker's but
 * the question and what it wants of DNSSEC. Returns its length; out has DNS_PLAIN_MAX bytes. */
size_t dns_query_relay(const struct dns_query *q, const uint8_t *packet, uint16_t id, uint8_t *out);

/* Spell the relayed question of q in out anew: its letters big or small by the bits of random, in
 * turn. Whoever forges an answer has to guess them, too (draft-vixie-dnsext-dns0x20). */
void dns_query_spell(const struct dns_query *q, uint8_t *out, const uint8_t random[static 32]);
/* Does the checked answer p repeat the question letter by letter, as asked spells it? */
bool dns_response_spelled(const struct dns_query *q, const uint8_t *p, const uint8_t *asked);

/* Is p an upstream's answer to that question under that id? Reads no further than the question. */
bool dns_response_check(const struct dns_query *q, const uint8_t *p, size_t n, uint16_t id);

static inline uint16_t dns_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}
static inline void dns_put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

#endif
