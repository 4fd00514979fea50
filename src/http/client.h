/*
 * DOC: the HTTP client: libcurl's multi interface on the event loop. Servers are known
 * by pin (agents) or by CA (others). Plain http only where a test or a unix socket asks for it.
 */
#ifndef WARREN_HTTP_CLIENT_H
#define WARREN_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/vec.h"

#include <stdbool.h>

struct http_client;
struct http_call;

struct http_target {
	char *base;        /* "https://host:port", or "http+unix:///run/warren/warren.sock" */
	struct strs pins;  /* base64 SHA-256 of acceptable SPKIs; then no CA is asked */
	char *ca_file;     /* NULL = the system's, when there are no pins */
	bool insecure;     /* accept any certificate: only to fetch the signed pins */
	bool public_only;  /* refuse addresses that are not public (public.h), as they are called */
	size_t answer_max; /* bytes; 0 = 64 MiB */
};
void http_target_done(struct http_target *t);

struct http_response {
	int status;
	struct buf body;     /* decompressed, at most 64 MiB */
	struct strs headers; /* "Name: value" */
	msec retry_after;    /* from Retry-After, or 0 */
};
const char *http_response_header(const struct http_response *r, const char *name);
void http_response_done(struct http_response *r);

struct http_client *http_client_new(struct loop *l);
struct http_client *http_client_free(struct http_client *c); /* running calls are dropped */

/* What to send. All borrowed during the call to http_client_send only. */
struct http_send {
	const char *method, *path;
	const char *bearer;       /* or NULL */
	const char *content_type; /* or NULL; JSON when there is a body */
	const void *body;
	size_t body_len; /* compressed with gzip above 1 KiB when gzip is set */
	bool gzip;
	const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
	msec timeout;               /* whole call; 0 = 30 s */
};
/* Start a call; done(arg, response or NULL, error) comes once, on the loop's thread. */
struct http_call *http_client_send(struct http_client *c, const struct http_target *t,
	const struct http_send *send,
	void (*done)(void *arg, struct http_response *r, const struct err *e), void *arg);
/* Drop it; done does not come. */
void http_call_cancel(struct http_call *call);

/* Blocking form for the command line. */
int http_call_wait(const struct http_target *t, const struct http_send *send,
	struct http_response *ret, struct err *e);

/* Server-sent events. on_event for each event (id may be ""), on_end once: when the stream ends,
 * fails, or has been silent for dead_after ms (comments count as life). No total time limit. */
struct http_events {
	void (*on_open)(void *arg);
	void (*on_event)(void *arg, const char *type, const char *id, const char *data, size_t n);
	void (*on_retry)(void *arg, msec base); /* "retry:" field */
	void (*on_end)(void *arg, int status, msec retry_after, const struct err *e);
	void *arg;
};
struct http_call *http_client_events(struct http_client *c, const struct http_target *t,
	const char *path, const char *bearer, const char *last_event_id, msec dead_after,
	const struct http_events *handlers);

#endif
