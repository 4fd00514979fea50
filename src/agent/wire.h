/*
 * DOC: calls to the control plane: who it is (base and pins), our bearer, and how pins are learned.
 * Pins come from GET /healthz signed by the fleet's root; that call alone accepts any certificate
 * and sends nothing secret.
 */
#ifndef WARREN_AGENT_WIRE_H
#define WARREN_AGENT_WIRE_H

#include "agent/identity.h"
#include "http/client.h"

struct wire {
	struct identity *identity;
	struct http_client *client;
	struct http_target target;
	struct buf bearer;
};

void wire_init(struct wire *w, struct identity *identity, struct http_client *client);
void wire_done(struct wire *w);

typedef void (*wire_fn)(void *arg, struct http_response *r, const struct err *e);

/* "/v1/nodes/ID" + suffix, with our bearer. body NULL = none. */
struct http_call *wire_send(struct wire *w, const char *method, const char *suffix,
	const char *const *headers, const struct buf *body, wire_fn done, void *arg);
/* Path of the event stream; the caller frees it. */
char *wire_path(const struct wire *w, const char *suffix);

/* Ask for pins; the answer goes to wire_take_pins. */
struct http_call *wire_ask_pins(struct wire *w, wire_fn done, void *arg);
/* Check a /healthz body against the root and save what is new, at wall time now. Older pins than
 * ours are refused. */
int wire_take_pins(struct wire *w, const struct http_response *r, msec now, struct err *e);

/* The same for a join, before there is an identity: fills url, root, signing, pins, pins_at. */
int wire_learn_pins(
	const char *url, const struct public_key *root, struct identity *ret, struct err *e);

/* One sentence about an answer that is not 2xx: the problem's detail, or the status. */
int wire_problem(const struct http_response *r, const char *what, struct err *e);

#endif
