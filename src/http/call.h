/*
 * DOC: inside the client: one call, a curl easy handle with what it asks and what it gathers. It
 * knows no loop; client.c drives many of them, http_call_wait one.
 */
#ifndef WARREN_HTTP_CALL_H
#define WARREN_HTTP_CALL_H

#include "http/client.h"
#include "http/sse.h"

#include <sys/queue.h>

#include <curl/curl.h>

struct http_call {
	struct http_client *client; /* NULL for http_call_wait */
	TAILQ_ENTRY(http_call) link, fed_link;
	CURL *easy;
	bool added; /* to the multi handle */
	struct curl_slist *headers;
	struct buf body;
	char *base; /* for errors */
	size_t answer_max;
	char detail[CURL_ERROR_SIZE];
	struct http_response resp;
	struct err failure; /* found by ourselves */
	void (*done)(void *arg, struct http_response *r, const struct err *e);
	void *arg;
	bool busy, cancelled;     /* being told; must not be told any more */
	struct loop_timer *timer; /* silence of streams; failures before the start */

	bool is_stream, is_fed, opened, told_open;
	void (*heard)(struct http_call *call); /* a stream: bytes came, perhaps into in */
	struct http_events events;
	msec dead_after;
	struct buf in; /* received, not parsed yet */
	struct sse_parser sse;
};

/* curl_global_init, once. */
void http_call_library(void);

struct http_call *http_call_new(struct http_client *c, const struct http_target *t);
void http_call_free(struct http_call *call);

/* Fill in the request; the timeout and compression are for calls that are no streams. */
int http_call_prepare(struct http_call *call, const struct http_target *t,
	const struct http_send *send, struct err *e);
void http_call_set_timeout(struct http_call *call, const struct http_send *send);

/* The status so far, or 0. */
int http_call_status(struct http_call *call);
/* The transfer is over: complete the response, and fill e when it failed. */
void http_call_judge(struct http_call *call, CURLcode c, struct err *e);

#endif
