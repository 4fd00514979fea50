/*
 * DOC: the item of a firewall by itself, for it is longer than all the others: rules and exits are
 * lists of their own. item.c has it in its table of kinds; nobody else needs it.
 */
#ifndef WARREN_MODEL_FIREWALL_ITEM_H
#define WARREN_MODEL_FIREWALL_ITEM_H

#include "model/state.h"

int firewall_item_equal(const struct item *a, const struct item *b);
void firewall_item_own(struct item *i); /* what it borrows becomes its own copy */
void firewall_item_done(struct item *i);

#endif
