/*
 * DOC: a control plane without its API half, in this process: store in a temporary directory, hub,
 * agent listener on plain loopback HTTP; and fake agents that join it, read their signed state and
 * apply the signed events they are sent, checking each.
 */
#ifndef WARREN_TESTS_CONTROL_RIG_H
#define WARREN_TESTS_CONTROL_RIG_H

#include "base/buf.h"
#include "codec/state.h"
#include "control/hub.h"
#include "http/client.h"
#include "http/server.h"
#include "http/sse.h"
#include "model/objects.h"

struct rig {
	struct control control;
	struct clock clock; /* fake, unless real */
	char dir[32];
	id_text project, network;
	id_text second; /* the other network that tokens admit to, if any */
	struct http_target target;
};

void rig_start(struct rig *r, bool real_clock);
/* End hub and store and start them again on what is on disk. */
void rig_restart(struct rig *r);
void rig_stop(struct rig *r);
void rig_advance(struct rig *r, msec by);

/* Change the fleet as the API would: in a write transaction of its own; waits for the hub. Fails
 * the test on error. */
void rig_change(struct rig *r, const struct schema *s, const void *before, const void *after);
/* A join token; its text in ret. */
void rig_token(struct rig *r, unsigned roles, unsigned uses, msec expires_at, struct buf *ret);
/* One that puts a machine in the place of a node. */
void rig_token_for(struct rig *r, const char *node, struct buf *ret);
/* A second network, without pre-shared keys, that tokens admit to from now on. */
void rig_second(struct rig *r);
/* Fill a client that can be stored; the caller frees it with schema_done. */
void rig_client(struct rig *r, const char *name, const char *group, struct device *ret);
/* The group gateways made. */
void rig_group(struct rig *r, struct group *ret);
void rig_get(struct rig *r, const struct schema *s, const char *id, void *ret);
uint64_t rig_revision(struct rig *r, const char *node);

/* One call; returns the status. header may be NULL; ret may be NULL. */
int rig_call(struct rig *r, const char *method, const char *path, const char *bearer,
	const char *header, const char *body, struct http_response *ret);
/* Its body is a problem that names this field; "" = whatever field. */
void rig_expect_field(const struct http_response *response, const char *field);

struct agent {
	struct rig *rig;
	id_text id;
	char name[32];
	struct secret key, secret;
	struct public_key public_key;
	struct public_key signing; /* what it checks events with; follows announcements */
	char bearer[64];
	struct state state;
	int status; /* of the registration */
	/* the stream */
	int fd;
	bool headers_done, ended;
	struct buf raw;
	struct sse_parser sse;
	unsigned events, refetches;
	char last_type[40];
	uint64_t last_id;
};

/* Join with the token (registration only); a->key may be set before. Returns the status. */
int agent_join(struct agent *a, struct rig *r, const char *name, const char *token);
/* The same with a token of its own for these roles; it must succeed. */
void rig_join(struct rig *r, unsigned roles, const char *name, struct agent *a);
int agent_call(struct agent *a, const char *method, const char *tail, const char *header,
	const char *body, struct http_response *ret);
/* PUT keys: a announces its new key, with the proof of its node secret. Returns the status. */
int agent_announce(struct agent *a, const struct public_key *key);
/* Fetch the state, check its head, and put it in ret. */
void agent_fetch(struct agent *a, struct state *ret);
void agent_listen(struct agent *a, const char *last_event_id);
/* Read events until the one with this id has come, applying all. */
void agent_wait(struct agent *a, uint64_t revision);
/* Read until an event of this type is the last that came. */
void agent_wait_type(struct agent *a, const char *type);
/* Read until the stream ends. */
void agent_wait_end(struct agent *a);
void agent_hang_up(struct agent *a);
/* What was applied event by event is what the control plane would send now. */
void agent_check(struct agent *a);
void agent_done(struct agent *a);

#endif
