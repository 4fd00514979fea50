/* DOC: the messages' bytes; see message.h. Numbers are 64 bits as this machine has them; a text is
 * its length, its bytes and a zero byte, so that it can be borrowed. */
#include "agent/message.h"

#include <string.h>

#define ABSENT UINT32_MAX /* length of a text that is not there */

/* --- writing -----------------------------------------------------------------------------------
 */

void message_put_number(struct buf *out, int64_t n)
{
	buf_add(out, (const char *)&n, sizeof(n));
}

static void put_bytes(struct buf *out, const char *p, size_t n)
{
	message_put_number(out, p == NULL ? (int64_t)ABSENT : (int64_t)n);
	if (p == NULL)
		return;
	buf_add(out, p, n);
	buf_addc(out, '\0');
}

static void put_text(struct buf *out, const char *s)
{
	put_bytes(out, s, s == NULL ? 0 : strlen(s));
}

void message_put_target(struct buf *out, const struct message_target *m)
{
	put_text(out, m->base);
	put_text(out, m->bearer);
	message_put_number(out, (int64_t)m->n_pins);
	for (size_t i = 0; i < m->n_pins; i++)
		put_text(out, m->pins[i]);
}

void message_put_call(struct buf *out, const struct message_call *m)
{
	int64_t n = 0;

	while (m->headers[n] != NULL)
		n++;
	put_text(out, m->method);
	put_text(out, m->path);
	message_put_number(out, n);
	for (int64_t i = 0; i < n; i++)
		put_text(out, m->headers[i]);
	message_put_number(out, m->insecure);
	put_bytes(out, m->body, m->body_n);
}

void message_put_stream(struct buf *out, const struct message_stream *m)
{
	put_text(out, m->path);
	put_text(out, m->last_id);
	message_put_number(out, m->dead_after);
}

void message_put_answer(struct buf *out, const struct message_answer *m)
{
	message_put_number(out, m->status);
	message_put_number(out, m->retry_after);
	put_text(out, m->head);
	put_bytes(out, m->body, m->body_n);
	message_put_number(out, m->code);
	put_text(out, m->text);
}

void message_put_address(struct buf *out, const struct message_address *m)
{
	char text[ADDR_TEXT_LEN];

	put_text(out, m->host);
	put_text(out, addr_is_set(m->addr) ? addr_format(m->addr, text) : NULL);
}

/* --- reading -----------------------------------------------------------------------------------
 */

struct reader {
	const char *at;
	size_t left;
	bool bad;
};

static int64_t get_number(struct reader *r, int64_t low, int64_t high)
{
	int64_t n = low;

	if (r->left < sizeof(n)) {
		r->bad = true;
		return low;
	}
	memcpy(&n, r->at, sizeof(n));
	r->at += sizeof(n);
	r->left -= sizeof(n);
	if (n >= low && n <= high)
		return n;
	r->bad = true;
	return low;
}

/* NULL when it is not there, or when r is bad. */
static const char *get_bytes(struct reader *r, size_t *ret_n)
{
	size_t n = (size_t)get_number(r, 0, UINT32_MAX);
	const char *at = r->at;

	*ret_n = 0;
	if (r->bad || n == ABSENT)
		return NULL;
	if (n >= r->left || at[n] != '\0') {
		r->bad = true;
		return NULL;
	}
	r->at += n + 1;
	r->left -= n + 1;
	*ret_n = n;
	return at;
}

static const char *get_text_or_null(struct reader *r)
{
	size_t n;
	const char *s = get_bytes(r, &n);

	if (s != NULL && memchr(s, '\0', n) != NULL)
		r->bad = true;
	return r->bad ? NULL : s;
}

static const char *get_text(struct reader *r)
{
	const char *s = get_text_or_null(r);

	if (s == NULL)
		r->bad = true;
	return s;
}

static int check(const struct reader *r, const char *what, struct err *e)
{
	if (r->bad || r->left > 0)
		return err_set(e, ERR_INVALID, "a malformed %s came from the other process", what);
	return 0;
}

int message_get_target(const char *data, size_t n, struct message_target *ret, struct err *e)
{
	struct reader r = {data, n, false};
	struct message_target m = {0};
	VEC(const char *) pins = {0};
	int64_t count;

	m.base = get_text(&r);
	m.bearer = get_text(&r);
	count = get_number(&r, 0, (int64_t)(n / sizeof(int64_t)));
	while (!r.bad && count-- > 0)
		VEC_PUSH(&pins, get_text(&r));
	if (check(&r, "target", e) < 0) {
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
	struct reader r = {data, n, false};
	struct message_call m = {0};
	int64_t count;

	m.method = get_text(&r);
	m.path = get_text(&r);
	count = get_number(&r, 0, MESSAGE_HEADERS_MAX);
	for (int64_t i = 0; i < count; i++)
		m.headers[i] = get_text(&r);
	m.insecure = get_number(&r, 0, 1) != 0;
	m.body = get_bytes(&r, &m.body_n);
	if (check(&r, "call", e) < 0)
		return ERR_INVALID;
	*ret = m;
	return 0;
}

int message_get_stream(const char *data, size_t n, struct message_stream *ret, struct err *e)
{
	struct reader r = {data, n, false};
	struct message_stream m = {0};

	m.path = get_text(&r);
	m.last_id = get_text(&r);
	m.dead_after = get_number(&r, 0, INT32_MAX);
	if (check(&r, "stream", e) < 0)
		return ERR_INVALID;
	*ret = m;
	return 0;
}

int message_get_answer(const char *data, size_t n, struct message_answer *ret, struct err *e)
{
	struct reader r = {data, n, false};
	struct message_answer m = {.status = (int)get_number(&r, 0, 999)};

	m.retry_after = get_number(&r, 0, INT32_MAX);
	m.head = get_text_or_null(&r);
	m.body = get_bytes(&r, &m.body_n);
	m.code = (int)get_number(&r, ERR_STALE, 0);
	m.text = get_text_or_null(&r);
	if (check(&r, "answer", e) < 0)
		return ERR_INVALID;
	*ret = m;
	return 0;
}

int message_get_address(const char *data, size_t n, struct message_address *ret, struct err *e)
{
	struct reader r = {data, n, false};
	struct message_address m = {.host = get_text(&r)};
	const char *text = get_text_or_null(&r);

	if (text != NULL && addr_parse(text, &m.addr) < 0)
		r.bad = true;
	if (check(&r, "address", e) < 0)
		return ERR_INVALID;
	*ret = m;
	return 0;
}

int message_get_number(const char *data, size_t n, int64_t *ret, struct err *e)
{
	struct reader r = {data, n, false};
	int64_t value = get_number(&r, INT64_MIN, INT64_MAX);

	if (check(&r, "number", e) < 0)
		return ERR_INVALID;
	*ret = value;
	return 0;
}
