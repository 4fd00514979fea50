/*
 * DOC: the responder's core, pure: a zone, who asks, a packet; out comes a packet, or that the
 * question is for an upstream, or silence. What the asker may not reach does not exist for it.
 */
#ifndef WARREN_DNS_ANSWER_H
#define WARREN_DNS_ANSWER_H

#include "dns/query.h"
#include "dns/zone.h"

enum dns_verdict {
	DNS_DROP,    /* not of the overlay, or not a question */
	DNS_REPLY,   /* ret holds what to send */
	DNS_FORWARD, /* q holds the question to put to an upstream */
};

/* Room for what the responder itself says: the longest question and four names. */
#define DNS_REPLY_MAX 2048

struct dns_reply {
	uint8_t data[DNS_REPLY_MAX];
	size_t n;
};

/* stream: the question came over TCP, so that only the 16 bits of its length bound the answer. */
enum dns_verdict dns_answer(const struct dns_zone *z, struct addr asker, const uint8_t *packet,
	size_t n, bool stream, struct dns_query *q, struct dns_reply *ret);

/* An answer without records, for a question that was parsed. rcode: DNS_SERVFAIL, ... */
void dns_answer_empty(
	const struct dns_query *q, const uint8_t *packet, unsigned rcode, struct dns_reply *ret);

/* Turn an upstream's checked answer of n bytes into the asker's: its id, and its spelling of the
 * question. One that is longer than the asker takes is cut down to "truncated". Returns the length
 * to send. */
size_t dns_answer_relay(
	const struct dns_query *q, const uint8_t *packet, bool stream, uint8_t *answer, size_t n);

#endif
