/*
 * DOC: rules between objects, asked inside the transaction that would break them: a small fleet of
 * one project is read from the store, without its devices, and given to the model's checks. For
 * rare changes (networks, groups, members); what happens often is held by unique constraints.
 */
#ifndef WARREN_CONTROL_WORLD_H
#define WARREN_CONTROL_WORLD_H

#include "model/fleet.h"
#include "model/objects.h"
#include "store/store.h"

/* That small fleet; ret is made, and the caller's to free, also on error. */
int world_load(struct tx *tx, const char *project, struct fleet **ret, struct err *e);
/* Will all nodes of the network have ports for what they come to listen on (plan_check_ports), once
 * members that have not announced a key yet have done so? They get a stand-in for it in f. */
int world_check_ports(struct fleet *f, const char *network, struct err *e);

/* object is a network, a group, a member or a node as it would become. */
int world_check(struct tx *tx, const char *project, const struct schema *s, const void *object,
	struct err *e);

/* May the network, as it is or would become, hold so many members more than it has? Only meshes are
 * limited, to PLAN_MESH_MAX. ERR_EXHAUSTED names the network; field is what asked for it. */
int world_mesh_fits(
	struct tx *tx, const struct network *n, uint64_t more, const char *field, struct err *e);

#endif
