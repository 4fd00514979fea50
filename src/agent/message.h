/*
 * DOC: what `apply` and `net` say to each other (doc/decisions/0006-processes.md). Each message has
 * an id that names the call it belongs to. Reading borrows from the bytes and trusts none of them:
 * a text ends where it says and holds no zero byte, numbers are in range, nothing is left over.
 */
#ifndef WARREN_AGENT_MESSAGE_H
#define WARREN_AGENT_MESSAGE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/vec.h"
#include "model/prefix.h"

#include <stdbool.h>
#include <stdint.h>

#define MESSAGE_BODY_MAX (64u * 1024 * 1024) /* as the HTTP client's */
#define MESSAGE_SMALL_MAX (64u * 1024)       /* all that is no body and no event */
#define MESSAGE_HEADERS_MAX 8

enum message_type {
	/* apply to net */
	MESSAGE_TARGET = 1, /* where the control plane is and how it is known */
	MESSAGE_CALL,       /* send a request */
	MESSAGE_STREAM,     /* open the event stream */
	MESSAGE_CANCEL,     /* forget the call */
	MESSAGE_LOOKUP,     /* a name's address is wanted */
	/* net to apply */
	MESSAGE_ANSWER,  /* a request's */
	MESSAGE_FAILED,  /* a request got none */
	MESSAGE_OPEN,    /* the stream is */
	MESSAGE_EVENT,   /* one event's data */
	MESSAGE_RETRY,   /* the stream's "retry:" */
	MESSAGE_END,     /* of the stream */
	MESSAGE_ADDRESS, /* a name's, or none */
};

struct message_target {
	const char *base, *bearer;
	const char *const *pins;
	size_t n_pins;
};
struct message_call {
	const char *method, *path;
	const char *headers[MESSAGE_HEADERS_MAX + 1]; /* NULL-terminated */
	bool insecure;    /* any certificate, no bearer: only to fetch the signed pins */
	const char *body; /* NULL = none */
	size_t body_n;
};
struct message_stream {
	const char *path, *last_id;
	msec dead_after;
};
/* An ANSWER, or (without body and head) an END. */
struct message_answer {
	int status;
	msec retry_after;
	const char *head; /* Warren-State-Head, or NULL */
	const char *body;
	size_t body_n;
	int code; /* END and FAILED: 0, or an error and its sentence */
	const char *text;
};
struct message_address {
	const char *host;
	struct addr addr; /* unset = none */
};

void message_put_target(struct buf *out, const struct message_target *m);
void message_put_call(struct buf *out, const struct message_call *m);
void message_put_stream(struct buf *out, const struct message_stream *m);
void message_put_answer(struct buf *out, const struct message_answer *m);
void message_put_address(struct buf *out, const struct message_address *m);
void message_put_number(struct buf *out, int64_t n);

/* data must be followed by a zero byte. ERR_INVALID, and *ret untouched, when it is not as it
 * should be. pins goes to an array the caller frees. */
int message_get_target(const char *data, size_t n, struct message_target *ret, struct err *e);
int message_get_call(const char *data, size_t n, struct message_call *ret, struct err *e);
int message_get_stream(const char *data, size_t n, struct message_stream *ret, struct err *e);
int message_get_answer(const char *data, size_t n, struct message_answer *ret, struct err *e);
int message_get_address(const char *data, size_t n, struct message_address *ret, struct err *e);
int message_get_number(const char *data, size_t n, int64_t *ret, struct err *e);

#endif
