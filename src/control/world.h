/*
 * DOC: rules between objects, asked inside the transaction that would break them: a small fleet of
 * one project is read from the store, without its devices, and given to the model's checks. For
 * rare changes (networks, members); what happens often is held by unique constraints.
 */
#ifndef WARREN_CONTROL_WORLD_H
#define WARREN_CONTROL_WORLD_H

#include "store/store.h"

/* object is a network or a member as it would become. */
int world_check(struct tx *tx, const char *project, const struct schema *s, const void *object,
	struct err *e);

#endif
