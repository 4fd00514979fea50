/* DOC: object ids: a typed prefix and a UUIDv7 (RFC 9562) in 32 hex digits, e.g. cl_01932f.... */
#ifndef WARREN_MODEL_ID_H
#define WARREN_MODEL_ID_H

#include "base/clock.h"
#include "base/vec.h"

#define ID_LEN 40 /* longest prefix 4 + '_' + 32 + NUL, rounded up */

typedef char id_text[ID_LEN];
VEC_TYPE(id_vec, struct id_item);
struct id_item {
	id_text id;
};

/* Make an id with this prefix ("cl", "node", ...) at wall time now. Ids made later sort later. */
void id_make(const char *prefix, msec now, id_text ret);
/* Is text an id with that prefix? */
int id_valid(const char *text, const char *prefix);
void id_copy(id_text to, const char *from);
/* A set of ids, kept sorted (fill it with id_vec_add only). */
int id_vec_has(const struct id_vec *v, const char *id);
void id_vec_add(struct id_vec *v, const char *id); /* once: a second add is ignored */

#endif
