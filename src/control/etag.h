/*
 * DOC: a word for what people have set of an object (RFC 9110, 8.8.3). An editor sends it back as
 * If-Match, and is refused when somebody else was quicker. Pure.
 */
#ifndef WARREN_CONTROL_ETAG_H
#define WARREN_CONTROL_ETAG_H

#include "model/schema.h"

#include <stdbool.h>

#define ETAG_LEN 35 /* 32 characters, quotes and NUL */

/* Of the fields that calls may set and of the objects it refers to. What Warren measures (counters,
 * times, endpoints) is left out: else every heartbeat would refuse every editor. */
void etag_of(const struct schema *s, const void *object, char ret[static ETAG_LEN]);

/* Does the value of an If-Match header admit this etag? "*" does; weak ones never do (13.1.1). */
bool etag_admits(const char *if_match, const char *etag);

#endif
