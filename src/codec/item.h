/*
 * DOC: one item of a state on the wire: a JSON object without its kind and network, which the
 * place in the document tells. What a kind looks like is a table of members; a dropped item has
 * only those that make its key.
 */
#ifndef WARREN_CODEC_ITEM_H
#define WARREN_CODEC_ITEM_H

#include "codec/json.h"
#include "model/state.h"

/* "interfaces", "addresses", ...: the section of each kind. */
extern const char *const item_sections[ITEM_KINDS];

/* Write the item as an object inside an array (key NULL). */
void item_write(struct json_writer *w, const struct item *i, bool key_only);
/* ERR_INVALID names the member at fault. Unknown members are ignored. */
int item_read(const struct json *j, enum item_kind kind, const char *network, bool key_only,
	struct item **ret, struct err *e);

#endif
