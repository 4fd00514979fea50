/* DOC: the messages' bytes; see message.h. */
#include "agent/message.h"

#include "agent/fields.h"

#include <string.h>

/* --- writing -----------------------------------------------------------------------------------
 */

void message_put_number(struct buf *out, int64_t n)
{
	fields_put_number(out, n);
}

void message_put_target(struct buf *out, const struct message_target *m)
{
	fields_put_text(out, m->base);
	fields_put_text(out, m->bearer);
	fields_put_number(out, (int64_t)m->n_pins);
	for (size_t i = 0; i < m->n_pins; i++)
		fields_put_text(out, m->pins[i]);
}

void message_put_call(struct buf *out, const struct message_call *m)
{
	int64_t n = 0;

	while (m->headers[n] != NULL)
		n++;
	fields_put_text(out, m->method);
	fields_put_text(out, m->path);
	fields_put_number(out, n);
	for (int64_t i = 0; i < n; i++)
		fields_put_text(out, m->headers[i]);
	fields_put_number(out, m->insecure);
	fields_put_bytes(out, m->body, m->body_n);
}

void message_put_stream(struct buf *out, const struct message_stream *m)
{
	fields_put_text(out, m->path);
	fields_put_text(out, m->last_id);
	fields_put_number(out, m->dead_after);
}

void message_put_answer(struct buf *out, const struct message_answer *m)
{
	fields_put_number(out, m->status);
	fields_put_number(out, m->retry_after);
	fields_put_text(out, m->head);
	fields_put_bytes(out, m->body, m->body_n);
	fields_put_number(out, m->code);
	fields_put_text(out, m->text);
}

void message_put_address(struct buf *out, const struct message_address *m)
{
	char text[ADDR_TEXT_LEN];

	fields_put_text(out, m->host);
	fields_put_text(out, addr_is_set(m->addr) ? addr_format(m->addr, text) : NULL);
}

/* --- reading -----------------------------------------------------------------------------------
 */

int message_get_target(const char *data, size_t n, struct message_target *ret, struct err *e)
{
	struct fields r = {data, n, false};
	struct message_target m = {0};
	VEC(const char *) pins = {0};
	int64_t count;

	m.base = fields_text(&r);
	m.bearer = fields_text(&r);
	count = fields_number(&r, 0, (int64_t)(n / sizeof(int64_t)));
	while (!r.bad && count-- > 0)
		VEC_PUSH(&pins, fields_text(&r));
	if (fields_end(&r, "target", e) < 0) {
		VEC_DONE(&pins);
		return ERR_INVALID;
	}
	m.pins = pins.v;
	m.n_pins = pins.n;
	*ret = m;
	return 0;
}

int message_get_call(const char *data, size_t n, struct message_call *ret, struct err *e)
{
	struct fields r = {data, n, false};
	struct message_call m = {0};
	int64_t count;

	m.method = fields_text(&r);
	m.path = fields_text(&r);
	count = fields_number(&r, 0, MESSAGE_HEADERS_MAX);
	for (int64_t i = 0; i < count; i++)
		m.headers[i] = fields_text(&r);
	m.insecure = fields_number(&r, 0, 1) != 0;
	m.body = fields_bytes(&r, &m.body_n);
	if (fields_end(&r, "call", e) < 0)
		return ERR_INVALID;
	*ret = m;
	return 0;
}

int message_get_stream(const char *data, size_t n, struct message_stream *ret, struct err *e)
{
	struct fields r = {data, n, false};
	struct message_stream m = {0};

	m.path = fields_text(&r);
	m.last_id = fields_text(&r);
	m.dead_after = fields_number(&r, 0, INT32_MAX);
	if (fields_end(&r, "stream", e) < 0)
		return ERR_INVALID;
	*ret = m;
	return 0;
}

int message_get_answer(const char *data, size_t n, struct message_answer *ret, struct err *e)
{
	struct fields r = {data, n, false};
	struct message_answer m = {.status = (int)fields_number(&r, 0, 999)};

	m.retry_after = fields_number(&r, 0, INT32_MAX);
	m.head = fields_text_or_null(&r);
	m.body = fields_bytes(&r, &m.body_n);
	m.code = (int)fields_number(&r, ERR_STALE, 0);
	m.text = fields_text_or_null(&r);
	if (fields_end(&r, "answer", e) < 0)
		return ERR_INVALID;
	*ret = m;
	return 0;
}

int message_get_address(const char *data, size_t n, struct message_address *ret, struct err *e)
{
	struct fields r = {data, n, false};
	struct message_address m = {.host = fields_text(&r)};
	const char *text = fields_text_or_null(&r);

	if (text != NULL && addr_parse(text, &m.addr) < 0)
		r.bad = true;
	if (fields_end(&r, "address", e) < 0)
		return ERR_INVALID;
	*ret = m;
	return 0;
}

int message_get_number(const char *data, size_t n, int64_t *ret, struct err *e)
{
	struct fields r = {data, n, false};
	int64_t value = fields_number(&r, INT64_MIN, INT64_MAX);

	if (fields_end(&r, "number", e) < 0)
		return ERR_INVALID;
	*ret = value;
	return 0;
}
