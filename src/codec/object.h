/* DOC: objects of the model as JSON, driven by their schemas. */
#ifndef WARREN_CODEC_OBJECT_H
#define WARREN_CODEC_OBJECT_H

#include "codec/json.h"
#include "model/schema.h"

/* Write all fields that are not hidden, in schema order, into the object that is open. */
void object_write(struct json_writer *w, const struct schema *s, const void *object);

/*
 * Read a request body into object. need is FIELD_SET (creation: required fields must be there) or
 * FIELD_CHANGE (PATCH). Unknown fields, fields the caller may not set, wrong types and broken
 * limits are ERR_INVALID naming the field; then object is untouched. null clears a field that can
 * be unset. also[] names extra top-level fields that the caller reads itself (NULL-terminated, or
 * NULL).
 */
int object_read(const struct json *j, const struct schema *s, unsigned need,
	const char *const also[], void *object, struct err *e);

/* One field's value as JSON text and back: the form lists and rules take in SQL columns. */
void field_write(struct json_writer *w, const char *key, const struct field *f, const void *object);
int field_read(const struct json *j, const struct field *f, void *object, struct err *e);

#endif
