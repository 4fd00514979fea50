/* DOC: parser of server-sent events (WHATWG HTML, 9.2), fed in pieces of any size. Pure. */
#ifndef WARREN_HTTP_SSE_H
#define WARREN_HTTP_SSE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>

#define SSE_EVENT_MAX (8u * 1024 * 1024)

struct sse_parser {
	struct buf line, data, type, id;
	bool cr; /* the last byte was CR */
	bool started;
	void (*on_event)(void *arg, const char *type, const char *id, const char *data, size_t n);
	void (*on_retry)(void *arg, msec base);
	void *arg;
};

/* Feed bytes; ERR_INVALID when one event grows past SSE_EVENT_MAX. */
int sse_feed(struct sse_parser *p, const char *bytes, size_t n, struct err *e);
void sse_done(struct sse_parser *p);

#endif
