/* DOC: the body of a heartbeat (doc/protocol.md): read strictly, bounded, from machines that may
 * be hostile. Times are brought to our clock here. */
#ifndef WARREN_CONTROL_HEARTBEAT_H
#define WARREN_CONTROL_HEARTBEAT_H

#include "control/links.h"

#define HEARTBEAT_BODY_MAX (16u * 1024 * 1024)
#define HEARTBEAT_LINKS_MAX 65536
#define HEARTBEAT_ENDPOINTS_MAX 64

struct heartbeat_endpoint {
	id_text network;
	char address[280]; /* "host:port", checked */
};

#define HEARTBEAT_WAYS_MAX 64 /* networks; */
#define WAYS_NAMED_MAX 64     /* and peers that are named in one */

/* Which ways a node's packets to the others of a network take. */
struct heartbeat_ways {
	id_text network;
	id_text relay;            /* the member that relays what cannot go directly; "" = none */
	uint32_t direct, relayed; /* how many others */
	struct id_vec relayed_to; /* some of them: members */
};

struct heartbeat {
	uint64_t applied_revision;
	char *error; /* NULL when what was asked for is in place; at most 255 bytes */
	char *version, *backend;
	uint64_t epoch;
	bool timed;        /* it said what time it is: */
	msec clock_offset; /* how far its clock is ahead of ours; the way here counts as behind */
	VEC(struct link_row) links;
	VEC(struct heartbeat_endpoint) endpoints;
	VEC(struct heartbeat_ways) ways;
};

/* now: our wall time when it came. ret must be {0} and is untouched on failure. */
int heartbeat_read(const char *text, size_t n, msec now, struct heartbeat *ret, struct err *e);
void heartbeat_done(struct heartbeat *b);

/* An endpoint others can use: well-formed, and no loopback, unspecified or link-local address. */
int heartbeat_endpoint_check(const char *endpoint, const char *field, struct err *e);

#endif
