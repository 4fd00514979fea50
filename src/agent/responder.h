/*
 * DOC: the side that answers DNS: takes messages about zones and sockets, and runs the responder of
 * the dns room with them. It lives in the net process, as it reads what anybody sends; with an
 * agent in one process the messages go from hand to hand. It opens nothing: sockets are handed to
 * it bound, and the host's resolvers are told.
 */
#ifndef WARREN_AGENT_RESPONDER_H
#define WARREN_AGENT_RESPONDER_H

#include "base/buf.h"
#include "base/err.h"
#include "model/names.h"
#include "model/prefix.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct clock;

/* The way there. */
struct responder_link {
	/* descriptors are copied */
	void (*send)(
		void *ctx, uint32_t type, const struct buf *payload, const int fds[], size_t n_fds);
	/* May something be sent now? Not while no process is there, or it is behind. */
	bool (*ready)(void *ctx);
	void *ctx;
};

#define RESPONDER_FDS 2 /* of MESSAGE_LISTEN: UDP, TCP */

struct responder;
struct responder *responder_new(struct loop *l, const struct clock *c);
struct responder *responder_free(struct responder *r);
/* A link to it in the same process. */
struct responder_link responder_link(struct responder *r);

/* One message of type MESSAGE_ZONE to MESSAGE_UPSTREAMS; a zero byte follows data. fds are taken
 * over: RESPONDER_FDS of them with MESSAGE_LISTEN, else not looked at. */
int responder_take(struct responder *r, uint32_t type, const char *data, size_t n, const int fds[],
	struct err *e);

/* Payloads of the small ones; of ZONE_GONE addr is not set. */
void responder_put_socket(struct buf *out, const char *network, struct addr addr);
void responder_put_upstreams(struct buf *out, const struct addr *list, size_t n);

#endif
