/*
 * DOC: calls to the control plane: who it is (base and pins), our bearer, and how pins are learned.
 * Pins come from GET /healthz signed by the fleet's root; that call alone accepts any certificate
 * and sends nothing secret. Calls travel by a carrier: an HTTP client in this process (direct.h),
 * or the net process (courier.h).
 */
#ifndef WARREN_AGENT_WIRE_H
#define WARREN_AGENT_WIRE_H

#include "agent/identity.h"
#include "http/client.h"

#define STATE_HEAD "Warren-State-Head" /* the one header of answers that is looked at */

enum wire_verdict { WIRE_NEWS, WIRE_OLD, WIRE_FORGED };
struct wire_call; /* a carrier's */
typedef void (*wire_fn)(void *arg, struct http_response *r, const struct err *e);

struct wire_request {
	const char *method, *path;
	const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
	const struct buf *body;     /* or NULL */
	bool insecure;              /* accept any certificate, show no bearer */
};

/* All borrowed during the call. Answers come once, from the loop, never before the call returned;
 * a cancelled call is not heard of again. The second half of http_events' on_event is all that
 * counts: type and id are in the envelope. */
struct wire_carrier {
	void (*target)(void *ctx, const struct http_target *t, const char *bearer);
	struct wire_call *(*send)(
		void *ctx, const struct wire_request *rq, wire_fn done, void *arg);
	struct wire_call *(*events)(void *ctx, const char *path, const char *last_id,
		msec dead_after, const struct http_events *h);
	void (*cancel)(void *ctx, struct wire_call *call);
	/* what came was news that verified, or old, or did not verify */
	void (*verdict)(void *ctx, enum wire_verdict v);
	void *ctx;
};

struct wire {
	struct identity *identity;
	struct wire_carrier carrier;
	struct http_target target;
	struct buf bearer;
};

void wire_init(struct wire *w, struct identity *identity, const struct wire_carrier *carrier);
void wire_done(struct wire *w);

/* "/v1/nodes/ID" + suffix, with our bearer. body NULL = none. */
struct wire_call *wire_send(struct wire *w, const char *method, const char *suffix,
	const char *const *headers, const struct buf *body, wire_fn done, void *arg);
/* The event stream, from behind last_id. */
struct wire_call *wire_events(
	struct wire *w, const char *last_id, msec dead_after, const struct http_events *handlers);
void wire_cancel(struct wire *w, struct wire_call *call);
void wire_verdict(struct wire *w, enum wire_verdict v);

/* Ask for pins; the answer goes to wire_take_pins. */
struct wire_call *wire_ask_pins(struct wire *w, wire_fn done, void *arg);
/* Check a /healthz body against the root and save what is new, at wall time now. Older pins than
 * ours are refused. */
int wire_take_pins(struct wire *w, const struct http_response *r, msec now, struct err *e);

/* The same for a join, before there is an identity: fills url, root, signing, pins, pins_at. */
int wire_learn_pins(
	const char *url, const struct public_key *root, struct identity *ret, struct err *e);

/* One sentence about an answer that is not 2xx: the problem's detail, or the status. */
int wire_problem(const struct http_response *r, const char *what, struct err *e);

#endif
