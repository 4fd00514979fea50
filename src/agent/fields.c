/* DOC: see fields.h. */
#include "agent/fields.h"

#include <string.h>

#define ABSENT UINT32_MAX /* length of a text that is not there */
#define ADDR_BYTES 16     /* IPv4 uses the first 4 */

/* --- writing -----------------------------------------------------------------------------------
 */

void fields_put_number(struct buf *out, int64_t n)
{
	buf_add(out, (const char *)&n, sizeof(n));
}

void fields_put_bytes(struct buf *out, const char *p, size_t n)
{
	fields_put_number(out, p == NULL ? (int64_t)ABSENT : (int64_t)n);
	if (p == NULL)
		return;
	buf_add(out, p, n);
	buf_addc(out, '\0');
}

void fields_put_text(struct buf *out, const char *s)
{
	fields_put_bytes(out, s, s == NULL ? 0 : strlen(s));
}

void fields_put_texts(struct buf *out, const struct strs *l)
{
	fields_put_number(out, (int64_t)l->n);
	VEC_FOREACH (s, l)
		fields_put_text(out, *s);
}

void fields_put_addr(struct buf *out, struct addr a)
{
	uint8_t bytes[ADDR_BYTES] = {0};

	fields_put_number(out, a.family);
	if (addr_is_set(a))
		addr_to_bytes(a, bytes);
	buf_add(out, (const char *)bytes, sizeof(bytes));
}

void fields_put_prefix(struct buf *out, struct prefix p)
{
	fields_put_number(out, p.len);
	fields_put_addr(out, p.addr);
}

/* --- reading -----------------------------------------------------------------------------------
 */

int64_t fields_number(struct fields *r, int64_t low, int64_t high)
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

const char *fields_bytes(struct fields *r, size_t *ret_n)
{
	size_t n = (size_t)fields_number(r, 0, UINT32_MAX);
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

const char *fields_text_or_null(struct fields *r)
{
	size_t n;
	const char *s = fields_bytes(r, &n);

	if (s != NULL && memchr(s, '\0', n) != NULL)
		r->bad = true;
	return r->bad ? NULL : s;
}

const char *fields_text(struct fields *r)
{
	const char *s = fields_text_or_null(r);

	if (s == NULL)
		r->bad = true;
	return s;
}

void fields_texts(struct fields *r, struct strs *ret)
{
	int64_t n = fields_number(r, 0, (int64_t)(r->left / sizeof(int64_t)));

	while (n-- > 0 && !r->bad) {
		const char *s = fields_text(r);

		if (s != NULL)
			strs_push(ret, s);
	}
}

struct addr fields_addr(struct fields *r)
{
	int64_t family = fields_number(r, 0, FAMILY_IPV6);
	struct addr a = {0};

	if (r->left < ADDR_BYTES || (family != 0 && family != FAMILY_IPV4 && family != FAMILY_IPV6))
		r->bad = true;
	if (r->bad)
		return a;
	if (family != 0)
		a = addr_from_bytes((enum family)family, (const uint8_t *)r->at);
	r->at += ADDR_BYTES;
	r->left -= ADDR_BYTES;
	return a;
}

struct prefix fields_prefix(struct fields *r)
{
	uint8_t len = (uint8_t)fields_number(r, 0, 8 * ADDR_BYTES);
	struct prefix p = {fields_addr(r), len};

	if (!addr_is_set(p.addr) || p.len > addr_width(p.addr))
		r->bad = true;
	return r->bad ? (struct prefix){0} : p;
}

int fields_end(const struct fields *r, const char *what, struct err *e)
{
	if (r->bad || r->left > 0)
		return err_set(e, ERR_INVALID, "a malformed %s came from the other process", what);
	return 0;
}
