/*
 * DOC: questions put to upstreams. Each over a socket of its own, so with a random port, and under
 * a random id, spelled at random; the first valid answer counts. An upstream that does not repeat
 * the spelling is asked over TCP, where nobody else can answer. An upstream that is silent is
 * followed by the next; one that says "truncated" to somebody who can take more is asked again over
 * TCP. The table of open questions is bounded, in all and for each client.
 */
#ifndef WARREN_DNS_FORWARD_H
#define WARREN_DNS_FORWARD_H

#include "base/loop.h"
#include "dns/query.h"
#include "model/prefix.h"

#include <sys/socket.h>

#define FORWARD_MAX 512       /* open questions */
#define FORWARD_CLIENT_MAX 64 /* of one client */
#define FORWARD_UPSTREAMS_MAX 4
#define FORWARD_TIMEOUT 2000 /* ms, for each upstream */

struct forwarder;

/* Who waits. owner's callback gets the answer: n bytes, ready to be sent; never none. */
struct forward_ask {
	void *owner;
	void (*done)(const struct forward_ask *ask, const uint8_t *answer, size_t n);
	struct sockaddr_storage client; /* UDP: where to */
	socklen_t client_len;
	struct addr asker;
	bool stream;
	uint32_t tag; /* the owner's own use */
};

/* port: of upstreams. timeout: for each, ms. */
struct forwarder *forwarder_new(struct loop *l, uint16_t port, msec timeout);
struct forwarder *forwarder_free(struct forwarder *f); /* nobody is told */

/* Ask the upstreams in turn. packet is the asker's, q what was read in it; both are copied. done
 * may be called before this returns, when there is no room or no upstream (then with SERVFAIL). */
void forwarder_ask(struct forwarder *f, const struct addr *upstreams, size_t n_upstreams,
	const struct dns_query *q, const uint8_t *packet, const struct forward_ask *ask);

/* Forget what this owner asked. */
void forwarder_forget(struct forwarder *f, const void *owner);

size_t forwarder_open(const struct forwarder *f); /* open questions */

#endif
