/*
 * DOC: a network's zone on its way to the process that answers for it: the items dns/zone.h is made
 * of, and of each only what a responder needs, in parts of a bounded size. A zone is sent whole:
 * 10,000 names are a megabyte and a few milliseconds, and there is nothing to fall out of step.
 */
#ifndef WARREN_AGENT_ZONE_MESSAGE_H
#define WARREN_AGENT_ZONE_MESSAGE_H

#include "agent/fields.h"
#include "crypto/hash.h"
#include "model/state.h"

#define ZONE_PART_SIZE (60u * 1024) /* a part ends behind the item that reaches it */

/* A network's items, written down. */
struct zone_text {
	struct buf items;
	VEC(size_t) ends; /* of each part in items */
	uint8_t hash[HASH_LEN];
};

void zone_text_write(struct zone_text *t, const struct item_vec *items, const char *network);
void zone_text_done(struct zone_text *t);
/* Part i as a message's payload, appended. Parts are sent in order, and not mixed with others'. */
void zone_text_part(
	const struct zone_text *t, size_t i, const char *network, uint32_t serial, struct buf *out);

/* A part, read. */
struct zone_part {
	id_text network;
	uint32_t serial;
	bool first, last;
	struct fields items; /* borrows from the message */
};

int zone_part_read(const char *data, size_t n, struct zone_part *ret, struct err *e);
/* The next item, the caller's; NULL at the end, or when it is not as it should be: then
 * ret->items.bad is set. */
struct item *zone_part_next(struct zone_part *p);

#endif
