/* DOC: inside the agent protocol: a call of a node that has shown its bearer, and its answers. */
#ifndef WARREN_CONTROL_AGENT_CALL_H
#define WARREN_CONTROL_AGENT_CALL_H

#include "base/buf.h"
#include "control/hub_state.h"

struct json;
struct json_writer;

struct agent_call {
	struct hub *hub;
	struct http_request *rq;
	id_text node;
	/* for calls that change the node, on the writer's thread */
	int (*change)(struct tx *tx, struct agent_call *c, struct err *e);
	/* what the answer has when it is stored, on the hub's thread; NULL = nothing: {} */
	void (*answer)(const struct fleet *f, const struct agent_call *c, struct json_writer *w);
	id_text network;
	const char *field; /* what the caller calls what it says; for errors */
	struct public_key public_key;
	struct secret proof; /* that the node itself announces that key */
	char *endpoint, *region;
	uint16_t listen_port; /* 0 = says nothing of it */
};

/* The call of the node in the path, or, where that names none, of the one whose bearer it is; NULL
 * when it has been refused (401). Whatever replies frees it. */
struct agent_call *agent_call_new(struct http_request *rq, void *ctx);
void agent_call_free(struct agent_call *c);

void agent_reply(struct agent_call *c, int status, struct buf *json);
void agent_refuse(struct agent_call *c, const struct err *e);
/* Without a call. */
void agent_refuse_request(struct http_request *rq, const struct err *e);

/* The same with a small body that read has taken; NULL also when that refused it. */
struct agent_call *agent_call_read(struct http_request *rq, void *ctx,
	int (*read)(const struct json *j, struct agent_call *c, struct err *e));
/* Run fn in a writing transaction, wait for the commit and the hub, answer. c NULL: nothing. */
void agent_call_change(
	struct agent_call *c, int (*fn)(struct tx *tx, struct agent_call *c, struct err *e));

/* Handlers in agent_report.c, agent_member.c and agent_gateway.c. */
struct http_route;
void agent_heartbeat(struct http_request *rq, const struct http_route *route, void *ctx);
void agent_arrivals(struct http_request *rq, const struct http_route *route, void *ctx);
void agent_keys(struct http_request *rq, const struct http_route *route, void *ctx);
void agent_rotate(struct http_request *rq, const struct http_route *route, void *ctx);
void agent_endpoint(struct http_request *rq, const struct http_route *route, void *ctx);
void agent_gateway(struct http_request *rq, const struct http_route *route, void *ctx);
void agent_drift(struct http_request *rq, const struct http_route *route, void *ctx);
void agent_deregister(struct http_request *rq, const struct http_route *route, void *ctx);

#endif
