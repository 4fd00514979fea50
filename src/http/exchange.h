/* DOC: inside the server: the conversation with libmicrohttpd over one connection. */
#ifndef WARREN_HTTP_EXCHANGE_H
#define WARREN_HTTP_EXCHANGE_H

#include "http/worker.h"

/* Start the daemon of a shard, ready for MHD_add_connection. */
int http_shard_start(struct http_shard *shard, struct err *e);
/* All its connections must be awake (http_shard_drop). */
void http_shard_stop(struct http_shard *shard);
/* Let it work; sets dirty and due. */
void http_shard_run(struct http_shard *shard, msec now);
void http_shard_add(struct http_shard *shard, int fd, const struct sockaddr *addr, socklen_t len);

/* Wake a suspended connection. */
void http_connection_resume(struct http_shard *shard, struct MHD_Connection *c);
/* Make it fail at its next move. */
void http_connection_break(struct MHD_Connection *c);
/* Give up the requests of w that nobody has replied to. */
void http_requests_drop(struct http_worker *w);

#endif
