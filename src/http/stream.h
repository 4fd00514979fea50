/* DOC: inside the server: a stream of server-sent events and the bytes that wait in it. */
#ifndef WARREN_HTTP_STREAM_H
#define WARREN_HTTP_STREAM_H

#include "http/worker.h"

#define HTTP_STREAM_BEHIND_MAX (4u * 1024 * 1024)

struct http_stream {
	struct http_shard *shard;
	struct MHD_Connection *connection; /* NULL until the response is queued */
	struct http_post post;
	void (*closed)(void *arg);
	void *arg;
	/* Under the worker's lock: */
	struct buf waiting;
	size_t sent;    /* of waiting */
	bool suspended; /* its connection sleeps until the post runs */
	bool closing;   /* end once waiting is sent */
	bool cut;       /* end at once */
	/* The worker's thread only: */
	TAILQ_ENTRY(http_stream) link;
	bool linked;
	msec last; /* when bytes went out last */
};

struct http_stream *http_stream_new(struct http_shard *shard, void (*closed)(void *), void *arg);
/* The connection is gone: call closed and free. */
void http_stream_end(struct http_stream *s);

/* The response is queued on this connection. */
void http_stream_attach(struct http_stream *s, struct MHD_Connection *c);
/* Copy what waits, at most max: a count, 0 = nothing now and the caller must suspend the
 * connection, HTTP_STREAM_ENDED or HTTP_STREAM_CUT. */
enum { HTTP_STREAM_ENDED = -1, HTTP_STREAM_CUT = -2 };
ssize_t http_stream_read(struct http_stream *s, char *to, size_t max);

/* Write comments on the streams of w that were silent; and when the next one is due, or -1. */
void http_streams_keepalive(struct http_worker *w, msec now);
msec http_streams_due(const struct http_worker *w);
void http_streams_cut(struct http_worker *w);

#endif
