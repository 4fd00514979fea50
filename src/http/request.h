/*
 * DOC: inside the server: one request, which owns copies of all it shows, so a handler may keep
 * it while the connection is already gone. Its moves, all under the worker's lock:
 *
 *	RUNNING --handler returns--> KEPT --http_reply--> READY --> answered, freed
 *	   \---------http_reply-----------------------------^
 *	                              KEPT --server stops--> ABANDONED --http_reply--> freed
 */
#ifndef WARREN_HTTP_REQUEST_H
#define WARREN_HTTP_REQUEST_H

#include "http/target.h"
#include "http/worker.h"

#include <netinet/in.h>

enum request_state { RQ_RUNNING, RQ_KEPT, RQ_READY, RQ_ABANDONED };

struct http_request {
	struct http_server *server; /* a reference */
	struct http_shard *shard;
	struct MHD_Connection *connection;
	enum request_state state;
	struct http_post post; /* wakes the worker when READY after KEPT */
	LIST_ENTRY(http_request) link;
	bool linked;
	bool begun;      /* headers were looked at */
	bool dropped;    /* the server stops: close, do not answer */
	int64_t started; /* microseconds, monotonic */

	char *raw_target, *method;
	struct http_target_parts target;
	struct http_pairs params, headers, cookies;
	bool cookies_parsed, is_unix, is_tls, has_uid;
	uid_t uid;
	char peer[INET6_ADDRSTRLEN];
	struct buf body;
	size_t body_max, body_dropped;
	bool body_read;      /* handed out, unpacked */
	bool pack;           /* the reply, when the client takes it */
	size_t body_counted; /* of it in the server's bodies */
	const struct http_route *route;
	/* Set when the server itself refuses; then no handler is called. */
	int refusal;
	struct err why;

	int status;
	char *type;
	struct buf reply;
	const void *lasting; /* instead of reply */
	size_t lasting_n;
	struct http_pairs reply_headers;
	struct http_stream *stream;
};

struct http_request *http_request_new(struct http_shard *shard, const char *raw_target);
void http_request_free(struct http_request *rq);
/* Append what the server itself says when it refuses; returns the type of that. */
const char *http_error_body(
	const struct http_request *rq, int status, const struct err *why, struct buf *out);

/* The request holds a body of n bytes now, beside what others hold; false when that is too much
 * for the server, and nothing is counted. */
bool http_body_count(struct http_request *rq, size_t n);

#endif
