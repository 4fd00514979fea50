/*
 * DOC: the latest steps of one node's revision, kept so that an agent that was away for a moment
 * can go on where it stopped. Bounded by age, number and bytes; the oldest go first. Pure.
 */
#ifndef WARREN_CONTROL_RING_H
#define WARREN_CONTROL_RING_H

#include "base/clock.h"

#define RING_AGE ((msec)15 * 60 * 1000)
#define RING_RECORDS 1024
#define RING_BYTES (4u * 1024 * 1024)

struct ring_record {
	uint64_t previous, revision;
	const char *type; /* a literal */
	char *payload;    /* owned; unsigned: events are signed when they are sent */
	size_t len;
	msec at; /* monotonic */
};

struct ring {
	struct ring_record *v;
	size_t first, n, cap; /* records are v[first .. first + n) */
	size_t bytes;
};

/* Add a step (takes payload over). One that does not continue the last empties the ring first. */
void ring_push(struct ring *r, struct ring_record record);
/* Drop what is too old, and from the front until at most max bytes are left. */
void ring_trim(struct ring *r, msec now, size_t max);
/* The step that begins at revision `previous`, or NULL; those behind it follow in memory. */
const struct ring_record *ring_find(const struct ring *r, uint64_t previous, size_t *ret_n);
void ring_done(struct ring *r);

#endif
