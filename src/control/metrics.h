/*
 * DOC: numbers for /metrics in OpenMetrics text. Counters of requests are kept here, lock-free;
 * what others count is asked from them when somebody looks.
 */
#ifndef WARREN_CONTROL_METRICS_H
#define WARREN_CONTROL_METRICS_H

#include "base/buf.h"
#include "control/control.h"

#include <stdint.h>

struct metrics;
struct metrics *metrics_new(void);
struct metrics *metrics_free(struct metrics *m);

/* For http_options.done; ctx is the struct control. path is a pattern or NULL (no such route). */
void metrics_request(void *ctx, const char *method, const char *path, int status, int64_t micros);

/* Everything; project "" = the whole fleet, with the server's own numbers. */
int metrics_write(struct control *c, const char *project, struct buf *out, struct err *e);

/* A label's value with \ " and newline escaped. */
void metrics_label(struct buf *out, const char *value);

#endif
