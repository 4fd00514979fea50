/*
 * DOC: the HTTP server. libmicrohttpd and GnuTLS stay inside server.c. A route table maps method
 * and path to handlers; a guard refuses what smuggles (CL+TE, repeated CL or Host, odd TE, bad
 * names); bodies, headers, connections and streams are limited. Handlers run on HTTP threads and
 * either reply at once or keep the request and reply later from any thread.
 */
#ifndef WARREN_HTTP_SERVER_H
#define WARREN_HTTP_SERVER_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct http_server;
struct http_request;
struct http_stream;

struct http_route {
	const char *method; /* "GET" also answers HEAD, unless it acts */
	const char *path;   /* "/api/v1/clients/{id}"; a segment in braces matches one segment */
	void (*handler)(struct http_request *rq, const struct http_route *route, void *ctx);
	const void *data; /* the caller's: permission, documentation */
	size_t body_max;  /* 0 = HTTP_BODY_MAX */
	bool acts;        /* this GET has effects, which a HEAD must not have: 405 */
};

#define HTTP_BODY_MAX (1024 * 1024)
/* Bodies are read before anybody knows who sends them. All together, beyond the first 16 KiB of
 * each, a server holds no more than this; what is sent after that gets 503. */
#define HTTP_BODIES_MAX (64 * 1024 * 1024)
#define HTTP_BODY_FREE (16 * 1024)
#define HTTP_HEADER_MAX (16 * 1024)
#define HTTP_CONNECTIONS_MAX 16000

struct http_options {
	const char *listen;   /* "127.0.0.1:8443", "[::]:8443", or "unix:/path" (mode 0600) */
	const char *cert_pem; /* TLS when both are given */
	const char *key_pem;
	unsigned threads; /* 0 = 2 */
	/* Room for the head of a request, and of its answer; 0 = HTTP_HEADER_MAX. A stream holds it
	 * for as long as it is open. */
	size_t header_max;
	const struct http_route *routes;
	size_t n_routes;
	void *ctx; /* for handlers */
	/* Which port it is (0 for a unix socket): called once, before anybody is let in; may be
	 * NULL. */
	void (*bound)(void *ctx, uint16_t port);
	/* Called for each finished request, for logs and metrics; may be NULL. method is "OTHER"
	 * for unknown ones, path_pattern "unmatched" without a route, status 0 without a reply. A
	 * stream is finished when it has ended. */
	void (*done)(void *ctx, const char *method, const char *path_pattern, int status,
		int64_t micros);
	/* 404, 405, 413, 400...: build the body; may be NULL (plain text then). */
	void (*error_body)(int status, const char *detail, const char *field, struct buf *out,
		const char **ret_type);
};

/* Start listening; returns when the port is open. ERR_SYSTEM names the address. */
int http_server_start(const struct http_options *o, struct http_server **ret, struct err *e);
/* The port it got (for "127.0.0.1:0"); 0 for unix sockets. */
uint16_t http_server_port(const struct http_server *s);
/* Stop accepting, cut streams, wait up to 2 s for requests in flight, free. Requests that are
 * kept longer lose their connection; http_reply on them stays allowed (and required) later. Must
 * not be called from a handler. */
struct http_server *http_server_stop(struct http_server *s);
unsigned http_server_streams(const struct http_server *s);

/* The request; all borrowed until it is replied to. Header names are case-insensitive. The path
 * is as sent (without the query); parameters and query are decoded, valid UTF-8 and free of
 * control characters. */
const char *http_method(const struct http_request *rq);
const char *http_path(const struct http_request *rq);
const char *http_param(const struct http_request *rq, const char *name); /* from the path */
const char *http_query(const struct http_request *rq, const char *name); /* decoded, or NULL */
const char *http_query_name(
	const struct http_request *rq, size_t i); /* i-th; NULL behind the last */
const char *http_header(const struct http_request *rq, const char *name);
const char *http_cookie(const struct http_request *rq, const char *name);
/* The body, unpacked if it was sent packed (gzip): a handler asks after it knows who calls, so
 * nobody unknown makes the server unpack anything. NULL: it could not be unpacked (400), is more
 * than the route takes (413) or packed otherwise (415); that was replied, rq is gone. */
const char *http_body(struct http_request *rq, size_t *ret_n);
const char *http_peer(const struct http_request *rq);         /* address without port, or "unix" */
int http_peer_uid(const struct http_request *rq, uid_t *ret); /* unix sockets: SO_PEERCRED */
bool http_is_tls(const struct http_request *rq);

/* Reply exactly once. Headers first, then http_reply, which takes over the bytes in body (its
 * struct buf is left empty). After it rq is gone. May be called on any thread, during the handler
 * or later. Nothing else may touch rq from another thread while the handler still runs. */
void http_reply_header(struct http_request *rq, const char *name, const char *value);
void http_reply(struct http_request *rq, int status, const char *type, struct buf *body);
/* The same with bytes that are there as long as the program: none is copied, so who asks a thousand
 * times and never reads holds nothing. */
void http_reply_lasting(
	struct http_request *rq, int status, const char *type, const void *p, size_t n);
/* Does the client take gzip (Accept-Encoding)? */
bool http_takes_gzip(const struct http_request *rq);
/* Before http_reply: pack a body of 1 KiB or more, on an HTTP thread, when the client takes it. */
void http_reply_packed(struct http_request *rq);

/* Turn the request into a stream of server-sent events; after it rq is gone. closed(arg) is called
 * once, on some thread, when the stream has ended for whatever reason. The server writes a comment
 * each 15 s by itself, unless something else was sent. No lock of the server is held when closed
 * is called, so it may take one under which streams are sent to. NULL, after closed(), when the
 * server has stopped meanwhile; the calls below take NULL. */
struct http_stream *http_stream_open(struct http_request *rq, void (*closed)(void *arg), void *arg);
/* Queue bytes ("event: x\ndata: y\n\n"); any thread. A reader more than 4 MiB behind is cut.
 * Must not be called after closed(). */
void http_stream_send(struct http_stream *s, const void *p, size_t n);
/* End it; closed() still comes. */
void http_stream_close(struct http_stream *s);

/* Self-signed ECDSA P-256 certificate for a listener, PEM, valid 10 years; names[] are DNS names
 * or addresses. */
int http_certificate_make(
	const char *const names[], struct buf *cert_pem, struct buf *key_pem, struct err *e);
/* base64 SHA-256 of a certificate's SubjectPublicKeyInfo, as in HTTP pinning. */
int http_certificate_pin(const char *cert_pem, struct buf *out, struct err *e);

#endif
