/* DOC: any body of a device or a policy: what is taken writes and reads to the same object. */
#include "base/mem.h"
#include "codec/object.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_schema(const struct schema *s, const struct json *j, unsigned need)
{
	void *object = mem_zalloc(s->size), *again = mem_zalloc(s->size);

	if (object_read(j, s, need, NULL, object, NULL) == 0) {
		for (size_t i = 0; i < s->n; i++) {
			CLEANUP(buf_done) struct buf b = {0};
			struct json_writer w = {.out = &b};
			struct json_doc *d;

			if (!(s->fields[i].flags & need))
				continue;
			json_begin_array(&w, NULL);
			field_write(&w, NULL, &s->fields[i], object);
			json_end_array(&w);
			d = json_parse(b.data, b.len, JSON_MAX * 8, NULL);
			if (!d)
				abort();
			/* an unset required field (PATCH) or port writes what is no input */
			field_read(json_at(json_root(d), 0), &s->fields[i], again, NULL);
			json_free(d);
		}
		if (!schema_equal(s, object, again))
			abort();
	}
	schema_free(s, object);
	schema_free(s, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_doc *d = json_parse((const char *)data, size, JSON_MAX, NULL);

	if (!d)
		return 0;
	for (const struct schema *const *s = schemas; *s; s++) {
		try_schema(*s, json_root(d), FIELD_SET);
		try_schema(*s, json_root(d), FIELD_CHANGE);
	}
	json_free(d);
	return 0;
}
