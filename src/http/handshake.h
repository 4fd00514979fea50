/*
 * DOC: TLS handshakes that wait for what the peer sends next. libmicrohttpd takes a connection in
 * the middle of its handshake for ready, and tries again without end, however long the peer takes:
 * each try costs hashes, of all that wait in the shard, and the thread never sleeps. So such a
 * connection is put aside after its first vain read, and let go on when something has come:
 *
 *	RUNNING --nothing to read--> BLOCKED --http_handshakes_park--> PARKED --readable--> RUNNING
 *	   \--the peer's last message is here--> OVER
 *
 * The worker's own thread only.
 */
#ifndef WARREN_HTTP_HANDSHAKE_H
#define WARREN_HTTP_HANDSHAKE_H

#include "http/worker.h"

enum handshake_state { HANDSHAKE_OVER, HANDSHAKE_RUNNING, HANDSHAKE_BLOCKED, HANDSHAKE_PARKED };

/* A connection's, while that is open; its address stays. Zeroed is OVER. */
struct http_handshake {
	struct http_watch watch;          /* of fd, while PARKED */
	TAILQ_ENTRY(http_handshake) link; /* in the shard's list, when BLOCKED or PARKED */
	struct http_shard *shard;
	struct MHD_Connection *connection;
	int fd; /* the library's */
	enum handshake_state state;
	bool watched; /* known to the worker's epoll */
};

/* A connection has come, whose session libmicrohttpd has made and not used yet; tls_session is its
 * gnutls_session_t. */
void http_handshake_begin(struct http_handshake *h, struct http_shard *shard,
	struct MHD_Connection *c, int fd, void *tls_session);
/* Before the connection closes. */
void http_handshake_end(struct http_handshake *h);

/* After libmicrohttpd has worked on the shard: put those aside that wait. */
void http_handshakes_park(struct http_shard *shard);
/* The server stops: cut all that wait. */
void http_handshakes_cut(struct http_shard *shard);

#endif
