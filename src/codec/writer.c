/*
 * DOC: the writing half of json.h: text goes straight into the buffer, so an answer costs its
 * length and no tree. Only runs of bytes that need no escape are copied, in one piece.
 */
#include "codec/json.h"

#include "base/mem.h"

#include <string.h>

/* Length of the well-formed UTF-8 sequence at s (RFC 3629), or 0. Stops at the NUL by itself. */
static size_t sequence(const unsigned char *s)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		n = 2;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		n = 3;
		low = s[0] == 0xe0 ? 0xa0 : 0x80;  /* overlong */
		high = s[0] == 0xed ? 0x9f : 0xbf; /* surrogates */
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		n = 4;
		low = s[0] == 0xf0 ? 0x90 : 0x80;
		high = s[0] == 0xf4 ? 0x8f : 0xbf; /* above U+10FFFF */
	} else {
		return 0;
	}
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static void escape(struct buf *out, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	const char unicode[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};

	switch (c) {
	case '"':
		buf_add(out, "\\\"", 2);
		break;
	case '\\':
		buf_add(out, "\\\\", 2);
		break;
	case '\n':
		buf_add(out, "\\n", 2);
		break;
	case '\r':
		buf_add(out, "\\r", 2);
		break;
	case '\t':
		buf_add(out, "\\t", 2);
		break;
	default:
		buf_add(out, unicode, sizeof(unicode));
	}
}

/* Bytes from s on that stand for themselves. */
static size_t plain(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return (size_t)((const char *)p - s);
}

/* With this behind it ('\0': nothing), in one piece; false, and nothing, where that does not do. */
static bool quote_plain(struct buf *out, const char *s, char behind)
{
	size_t n = plain(s);
	char *at;

	if (s[n] != '\0')
		return false;
	at = buf_room(out, n + 3);
	*at++ = '"';
	memcpy(at, s, n);
	at += n;
	*at++ = '"';
	if (behind != '\0')
		*at++ = behind;
	*at = '\0';
	out->len = (size_t)(at - out->data);
	return true;
}

void json_quote(struct buf *out, const char *s)
{
	const unsigned char *p = (const unsigned char *)s, *run = p;

	if (quote_plain(out, s, '\0'))
		return;

	buf_addc(out, '"');
	for (;;) {
		size_t n = 1;

		if (*p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
			p++;
			continue;
		}
		if (*p >= 0x80 && (n = sequence(p)) > 0) {
			p += n;
			continue;
		}
		if (p > run)
			buf_add(out, run, (size_t)(p - run));
		if (*p == '\0')
			break;
		if (*p >= 0x80)
			buf_add(out, "\xef\xbf\xbd", 3);
		else
			escape(out, *p);
		run = ++p;
	}
	buf_addc(out, '"');
}

/* What comes before a value: the comma of its neighbour and its key. */
static void lead(struct json_writer *w, const char *key)
{
	if (w->comma)
		buf_addc(w->out, ',');
	w->comma = true;
	if (key && !quote_plain(w->out, key, ':')) {
		json_quote(w->out, key);
		buf_addc(w->out, ':');
	}
}

static void begin(struct json_writer *w, const char *key, char c)
{
	lead(w, key);
	buf_addc(w->out, c);
	w->depth++;
	w->comma = false;
}

static void end(struct json_writer *w, char c)
{
	buf_addc(w->out, c);
	w->depth--;
	w->comma = true;
}

void json_begin_object(struct json_writer *w, const char *key)
{
	begin(w, key, '{');
}

void json_end_object(struct json_writer *w)
{
	end(w, '}');
}

void json_begin_array(struct json_writer *w, const char *key)
{
	begin(w, key, '[');
}

void json_end_array(struct json_writer *w)
{
	end(w, ']');
}

void json_put_str(struct json_writer *w, const char *key, const char *value)
{
	lead(w, key);
	if (value)
		json_quote(w->out, value);
	else
		buf_add(w->out, "null", 4);
}

/* printf would cost more than all the rest of a peer. */
static void digits(struct buf *out, uint64_t v)
{
	char text[20];
	size_t at = sizeof(text);

	do
		text[--at] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	buf_add(out, text + at, sizeof(text) - at);
}

void json_put_int(struct json_writer *w, const char *key, int64_t value)
{
	lead(w, key);
	if (value < 0)
		buf_addc(w->out, '-');
	digits(w->out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void json_put_u64(struct json_writer *w, const char *key, uint64_t value)
{
	lead(w, key);
	digits(w->out, value > INT64_MAX ? INT64_MAX : value);
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
	lead(w, key);
	buf_adds(w->out, value ? "true" : "false");
}

void json_put_null(struct json_writer *w, const char *key)
{
	json_put_str(w, key, NULL);
}

void json_put_time(struct json_writer *w, const char *key, msec t)
{
	char text[CLOCK_TEXT_LEN];

	json_put_str(w, key, t == 0 ? NULL : clock_format(t, text));
}

void json_put_raw(struct json_writer *w, const char *key, const char *json, size_t n)
{
	lead(w, key);
	buf_add(w->out, json, n);
}
