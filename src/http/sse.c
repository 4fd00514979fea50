/*
 * DOC: server-sent events by the letter of WHATWG HTML 9.2.6. Bytes are gathered into lines, so a
 * piece may end anywhere, even inside CRLF or the byte order mark; see sse.h.
 */
#include "http/sse.h"

#include <string.h>

/* Buffers that one huge event has grown are given back after it. */
#define KEEP_MAX (64u * 1024)
#define RETRY_MAX ((msec)24 * 3600 * 1000)

static void empty(struct buf *b)
{
	if (b->cap > KEEP_MAX)
		buf_done(b);
	else
		buf_reset(b);
}

static void dispatch(struct sse_parser *p)
{
	/* No data field at all: not an event. data holds a newline per field. */
	if (p->data.len > 0) {
		p->data.data[--p->data.len] = '\0';
		if (p->on_event != NULL)
			p->on_event(p->arg, p->type.len > 0 ? buf_str(&p->type) : "message",
				buf_str(&p->id), buf_str(&p->data), p->data.len);
	}
	empty(&p->data);
	empty(&p->type);
}

static void field_event(struct sse_parser *p, const char *v, size_t n)
{
	buf_reset(&p->type);
	buf_add(&p->type, v, n);
}

static void field_data(struct sse_parser *p, const char *v, size_t n)
{
	buf_add(&p->data, v, n);
	buf_addc(&p->data, '\n');
}

static void field_id(struct sse_parser *p, const char *v, size_t n)
{
	if (memchr(v, '\0', n) != NULL)
		return;
	buf_reset(&p->id);
	buf_add(&p->id, v, n);
}

static void field_retry(struct sse_parser *p, const char *v, size_t n)
{
	msec t = 0;

	for (size_t i = 0; i < n; i++) {
		if (v[i] < '0' || v[i] > '9')
			return;
		if (t < RETRY_MAX)
			t = t * 10 + (v[i] - '0');
	}
	if (n > 0 && p->on_retry != NULL)
		p->on_retry(p->arg, t < RETRY_MAX ? t : RETRY_MAX);
}

static const struct {
	const char *name;
	void (*set)(struct sse_parser *p, const char *v, size_t n);
} fields[] = {
	{"event", field_event},
	{"data", field_data},
	{"id", field_id},
	{"retry", field_retry},
};

/* One whole line, without its end. */
static void take_line(struct sse_parser *p)
{
	const char *line = buf_str(&p->line), *colon, *value;
	size_t n = p->line.len, name_len, value_len;

	if (!p->started && n >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		n -= 3;
	}
	p->started = true;
	if (n == 0) {
		dispatch(p);
		return;
	}
	colon = memchr(line, ':', n);
	name_len = colon != NULL ? (size_t)(colon - line) : n;
	value = colon != NULL ? colon + 1 : line + n;
	value_len = (size_t)(line + n - value);
	if (value_len > 0 && value[0] == ' ') {
		value++;
		value_len--;
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strlen(fields[i].name) == name_len &&
			memcmp(fields[i].name, line, name_len) == 0)
			fields[i].set(p, value, value_len);
}

/* How many bytes come before the next CR or LF. */
static size_t line_part(const char *bytes, size_t n)
{
	size_t i = 0;

	while (i < n && bytes[i] != '\r' && bytes[i] != '\n')
		i++;
	return i;
}

int sse_feed(struct sse_parser *p, const char *bytes, size_t n, struct err *e)
{
	while (n > 0) {
		size_t part;

		if (p->cr && *bytes == '\n') {
			p->cr = false;
			bytes++;
			n--;
			continue;
		}
		p->cr = false;
		part = line_part(bytes, n);
		if (p->line.len + p->data.len + part > SSE_EVENT_MAX)
			return err_set(
				e, ERR_INVALID, "event is larger than %u bytes", SSE_EVENT_MAX);
		buf_add(&p->line, bytes, part);
		bytes += part;
		n -= part;
		if (n == 0)
			break;
		p->cr = *bytes == '\r';
		bytes++;
		n--;
		take_line(p);
		empty(&p->line);
	}
	return 0;
}

void sse_done(struct sse_parser *p)
{
	buf_done(&p->line);
	buf_done(&p->data);
	buf_done(&p->type);
	buf_done(&p->id);
}
