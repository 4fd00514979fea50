/*
 * DOC: the server's own numbers for /metrics; its networks' are fleet_metrics.h. Counters of
 * requests are kept here, lock-free; what others count is asked from them when somebody looks.
 */
#ifndef WARREN_CONTROL_METRICS_H
#define WARREN_CONTROL_METRICS_H

#include "control/control.h"
#include "control/exposition.h"

#include <stdint.h>

struct metrics;
struct metrics *metrics_new(void);
struct metrics *metrics_free(struct metrics *m);

/* For http_options.done; ctx is the struct control. path is a pattern or NULL (no such route). */
void metrics_request(void *ctx, const char *method, const char *path, int status, int64_t micros);

/* project "" = of all, with what is counted of the server itself. */
int metrics_write(
	struct control *c, const char *project, const struct exposition *x, struct err *e);

#endif
