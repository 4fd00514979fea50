/* DOC: see escape.h. */
#include "render/escape.h"

#include "base/mem.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <string.h>

static const char *xml_entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	default:
		return NULL;
	}
}

void escape_xml(struct buf *out, const char *text)
{
	for (; *text; text++) {
		const char *entity = xml_entity(*text);

		if (entity != NULL)
			buf_adds(out, entity);
		else
			buf_addc(out, *text);
	}
}

void escape_string(struct buf *out, const char *text)
{
	buf_addc(out, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			buf_addc(out, '\\');
		if (c == '\n')
			buf_adds(out, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_addf(out, "\\u%04x", c);
		else
			buf_addc(out, *text);
	}
	buf_addc(out, '"');
}

void escape_keyfile(struct buf *out, const char *text)
{
	if (*text == ' ') {
		buf_adds(out, "\\s"); /* else it would be trimmed */
		text++;
	}
	for (; *text; text++)
		if (*text == '\\')
			buf_adds(out, "\\\\");
		else
			buf_addc(out, *text);
}

void escape_shell(struct buf *out, const char *text)
{
	buf_addc(out, '\'');
	for (; *text; text++)
		if (*text == '\'')
			buf_adds(out, "'\\''");
		else
			buf_addc(out, *text);
	buf_addc(out, '\'');
}

const char *uuid_of(const char *space, const char *name, char text[static UUID_TEXT_LEN])
{
	CLEANUP(buf_done) struct buf b = {0};
	uint8_t h[HASH_LEN];

	buf_adds(&b, space);
	buf_addc(&b, '\n');
	buf_adds(&b, name);
	hash_sha256(b.data, b.len, h);
	h[6] = (uint8_t)((h[6] & 0x0f) | 0x80);
	h[8] = (uint8_t)((h[8] & 0x3f) | 0x80);
	snprintf(text, UUID_TEXT_LEN,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", h[0], h[1],
		h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12], h[13], h[14],
		h[15]);
	return text;
}
