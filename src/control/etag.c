/* DOC: see etag.h. */
#include "control/etag.h"

#include "base/buf.h"
#include "codec/object.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <string.h>

static bool is_set_by_people(const struct field *f)
{
	return (f->flags & (FIELD_SET | FIELD_CHANGE)) != 0 ||
		(f->type == FIELD_ID && !(f->flags & FIELD_HIDDEN));
}

void etag_of(const struct schema *s, const void *object, char ret[static ETAG_LEN])
{
	CLEANUP(buf_done) struct buf text = {0};
	struct json_writer w = {.out = &text};
	char hex[HASH_HEX_LEN];

	json_begin_object(&w, NULL);
	for (size_t i = 0; i < s->n; i++)
		if (is_set_by_people(&s->fields[i]))
			field_write(&w, s->fields[i].name, &s->fields[i], object);
	json_end_object(&w);
	snprintf(ret, ETAG_LEN, "\"%.32s\"", hash_sha256_hex(text.data, text.len, hex));
}

bool etag_admits(const char *if_match, const char *etag)
{
	static const char blank[] = ", \t";
	const char *p = if_match + strspn(if_match, blank);
	size_t n = strlen(etag);

	if (strcmp(p, "*") == 0)
		return true;
	/* a list of "..." or W/"...": commas may stand in the quotes, quotes may not */
	for (; *p != '\0'; p += strspn(p, blank)) {
		bool weak = strncmp(p, "W/", 2) == 0;
		const char *end;

		p += weak ? 2 : 0;
		if (*p != '"' || (end = strchr(p + 1, '"')) == NULL)
			return false;
		if (!weak && (size_t)(end + 1 - p) == n && memcmp(p, etag, n) == 0)
			return true;
		p = end + 1;
	}
	return false;
}
