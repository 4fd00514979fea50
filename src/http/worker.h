/*
 * DOC: inside the server: worker threads, each with a few libmicrohttpd daemons ("shards").
 *
 *	acceptor --fd--> worker inbox --> shard (MHD_add_connection)
 *	any thread: http_reply, http_stream_send --> worker inbox --> MHD_resume_connection, MHD_run
 *
 * A shard is touched by its worker only. Other threads leave a post in the worker's inbox and
 * ring its eventfd; so libmicrohttpd's own thread safety is never relied upon, and the trap that
 * a resumed connection sleeps until the next MHD_run cannot bite. Many small shards rather than
 * one, because waking one stream makes the library walk all suspended streams of its daemon.
 */
#ifndef WARREN_HTTP_WORKER_H
#define WARREN_HTTP_WORKER_H

#include "base/clock.h"
#include "http/awaited.h"
#include "http/listen.h"
#include "http/server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define HTTP_SHARDS 64 /* per server */
#define HTTP_THREADS_MAX 16
/* A connection without progress. Also how long one lingers whose client sent half a request and
 * its end in one breath: libmicrohttpd does not see that end. */
#define HTTP_IDLE_SECONDS 60
#define HTTP_STOP_GRACE ((msec)2000)

struct MHD_Connection;
struct MHD_Daemon;
struct http_worker;
struct http_handshake;

struct http_post {
	TAILQ_ENTRY(http_post) link;
	bool queued; /* under the worker's lock */
	void (*run)(struct http_post *p);
};

/* What the worker's epoll knows: told on the worker's thread that its descriptor is ready. */
struct http_watch {
	void (*ready)(struct http_watch *w);
};

struct http_shard {
	struct http_watch watch; /* of epfd */
	struct http_worker *worker;
	struct MHD_Daemon *daemon;
	int epfd;
	TAILQ_HEAD(, http_handshake) handshakes; /* that wait; see handshake.h */
	bool dirty;                              /* wants MHD_run */
	msec due;                                /* wants it at this time too; -1 = no */
};

struct http_worker {
	struct http_server *server;
	pthread_t thread;
	bool started;
	int epfd, wakefd;
	struct http_shard shards[HTTP_SHARDS];
	unsigned n_shards;
	pthread_mutex_t lock; /* inbox, stop; states of requests; buffers of streams */
	TAILQ_HEAD(, http_post) inbox;
	bool stop;
	/* The worker's own thread only: */
	bool stopping;
	msec stop_by;
	LIST_HEAD(, http_request) requests; /* with a handler, until completed */
	struct http_awaited_list awaited;
	TAILQ_HEAD(, http_stream) streams; /* longest silent first */
};

struct http_server {
	struct http_options o;
	atomic_uint refs; /* the owner, and requests that handlers hold */
	atomic_uint connections, streams;
	atomic_size_t bodies;          /* bytes of bodies held beyond HTTP_BODY_FREE each */
	struct http_listener listener; /* the acceptor's; gone when it stops */
	bool is_unix, is_tls;
	pthread_t acceptor;
	bool accepting;
	int stopfd;
	unsigned n_workers;
	struct http_worker workers[HTTP_THREADS_MAX];
};

/* The interval of comments on streams; a variable for tests. */
extern msec http_keepalive;

int http_worker_start(struct http_worker *w, struct http_server *s, unsigned shards, struct err *e);
void http_worker_stop(struct http_worker *w); /* returns when its thread has begun to end */
void http_worker_join(struct http_worker *w); /* also after a failed start */

/* Hand a new connection to a shard. */
void http_worker_add(struct http_shard *shard, int fd, const void *addr, socklen_t len);

/* Leave a post; the worker's lock must be held. */
void http_worker_post(struct http_worker *w, struct http_post *p);
void http_worker_unpost(struct http_worker *w, struct http_post *p);

void http_server_unref(struct http_server *s);

#endif
