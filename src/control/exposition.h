/*
 * DOC: numbers as text for scrapers: OpenMetrics 1.0, or the older format that promtool's linter
 * and simple scrapers read. They differ in the names of counters' families and in the end.
 */
#ifndef WARREN_CONTROL_EXPOSITION_H
#define WARREN_CONTROL_EXPOSITION_H

#include "base/buf.h"

#include <stdbool.h>

struct exposition {
	struct buf *out;
	bool openmetrics;
};

/* Does this Accept header (may be NULL) ask for OpenMetrics? Prometheus does. */
bool exposition_is_asked_for(const char *accept);
const char *exposition_type(bool openmetrics); /* Content-Type */

/* Begin a family. type: "counter", "gauge" or "histogram"; samples of a counter end in "_total". */
void exposition_head(
	const struct exposition *x, const char *name, const char *type, const char *help);
/* A whole family of one sample. */
void exposition_one(const struct exposition *x, const char *name, const char *type,
	const char *help, double value);
/* A label's value with \ " and newline escaped. */
void exposition_label(struct buf *out, const char *value);
void exposition_end(const struct exposition *x);

#endif
