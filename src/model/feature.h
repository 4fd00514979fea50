/*
 * DOC: features of desired state that change what other items mean: an agent that lacks one must
 * not apply the part it belongs to. Unknown fields and kinds are ignored (codec/state.h); a state
 * says in requires[] where that would be wrong. An entry names a feature and its part:
 *
 *	FEATURE                     the whole state
 *	FEATURE@NETWORK             one network
 *	FEATURE@NETWORK:KIND,...    items of these kinds in one network
 *
 * A part that is refused is closed: what keeps it shut stays (interfaces, addresses, firewall,
 * tables of exits), what lets anything through goes (peers, routes, names).
 */
#ifndef WARREN_MODEL_FEATURE_H
#define WARREN_MODEL_FEATURE_H

#include "model/state.h"

/* Add what the items need to requires, each entry once. */
void feature_require(const struct item_vec *items, struct strs *requires);

/* Does this program have the feature that the entry names? */
bool feature_known(const char *entry);

/* May the item not be in force, because its part is closed by one of these entries? */
bool feature_closes(const struct strs *entries, const struct item *i);

#endif
