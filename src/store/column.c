/*
 * DOC: the text form of columns; see column.h. Lists end every item with a newline, so that no
 * item and one empty item differ. In a rule, one line is
 *
 *	from SP from SP TAB to SP TAB protocol TAB port SP
 *
 * again with each list item ended, by a space. Inside an item backslash, newline, tab and
 * space are written \\ \n \t \s; any other use of a backslash is damage.
 */
#include "store/column.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/key.h"

#include <string.h>

bool column_is_number(const struct field *f)
{
	switch (f->type) {
	case FIELD_BOOL:
	case FIELD_U16:
	case FIELD_U32:
	case FIELD_I32:
	case FIELD_U64:
	case FIELD_TIME:
		return true;
	default:
		return false;
	}
}

bool column_is_list(const struct field *f)
{
	switch (f->type) {
	case FIELD_BITS:
	case FIELD_PREFIXES:
	case FIELD_STRS:
	case FIELD_RULES:
		return true;
	default:
		return false;
	}
}

/* --- out -------------------------------------------------------------------------------------- */

static void escape(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '\\':
			buf_adds(out, "\\\\");
			break;
		case '\n':
			buf_adds(out, "\\n");
			break;
		case '\t':
			buf_adds(out, "\\t");
			break;
		case ' ':
			buf_adds(out, "\\s");
			break;
		default:
			buf_addc(out, *s);
		}
	}
}

void column_item(struct buf *out, const char *s)
{
	escape(out, s);
	buf_addc(out, '\n');
}

static void items(struct buf *out, const struct strs *l, char end)
{
	VEC_FOREACH (s, l) {
		escape(out, *s);
		buf_addc(out, end);
	}
}

static void prefixes(struct buf *out, const struct prefix_vec *l)
{
	char text[PREFIX_TEXT_LEN];

	VEC_FOREACH (p, l) {
		buf_adds(out, prefix_format(*p, text));
		buf_addc(out, '\n');
	}
}

static void rules(struct buf *out, const struct rule_vec *l)
{
	VEC_FOREACH (r, l) {
		items(out, &r->from, ' ');
		buf_addc(out, '\t');
		items(out, &r->to, ' ');
		buf_addc(out, '\t');
		escape(out, r->protocol == NULL ? "" : r->protocol);
		buf_addc(out, '\t');
		items(out, &r->ports, ' ');
		buf_addc(out, '\n');
	}
}

static size_t words_count(const struct field *f)
{
	size_t n = 0;

	while (f->words[n] != NULL)
		n++;
	return n;
}

static int bits(struct buf *out, const struct field *f, unsigned set, struct err *e)
{
	size_t n = words_count(f);

	if (n < 32 && set >> n != 0)
		return err_field(e, ERR_INVALID, f->name, "%s has unknown bits: %u", f->name, set);
	for (size_t i = 0, some = 0; i < n; i++) {
		if ((set >> i & 1) == 0)
			continue;
		if (some++ > 0)
			buf_addc(out, ',');
		buf_adds(out, f->words[i]);
	}
	return 0;
}

static int64_t number(const struct field *f, const void *p)
{
	switch (f->type) {
	case FIELD_BOOL:
		return *(const bool *)p;
	case FIELD_U16:
		return *(const uint16_t *)p;
	case FIELD_U32:
		return *(const uint32_t *)p;
	case FIELD_I32:
		return *(const int32_t *)p;
	case FIELD_U64:
		return (int64_t) * (const uint64_t *)p;
	default:
		return *(const msec *)p;
	}
}

/* Spell out a field that is neither a number nor a string of its own. */
static int spell(const struct field *f, const void *p, struct buf *out, struct err *e)
{
	char text[PREFIX_TEXT_LEN];
	char key[KEY_TEXT_LEN];
	int word;

	switch (f->type) {
	case FIELD_ENUM:
		word = *(const int *)p;
		if (word < 0 || (size_t)word >= words_count(f))
			return err_field(
				e, ERR_INVALID, f->name, "%s has no value %d", f->name, word);
		buf_adds(out, f->words[word]);
		return 0;
	case FIELD_BITS:
		return bits(out, f, *(const unsigned *)p, e);
	case FIELD_KEY:
		if (!public_key_is_zero(p))
			buf_adds(out, key_format_public(p, key));
		return 0;
	case FIELD_ADDR:
		if (addr_is_set(*(const struct addr *)p))
			buf_adds(out, addr_format(*(const struct addr *)p, text));
		return 0;
	case FIELD_PREFIX:
		if (addr_is_set(((const struct prefix *)p)->addr))
			buf_adds(out, prefix_format(*(const struct prefix *)p, text));
		return 0;
	case FIELD_PREFIXES:
		prefixes(out, p);
		return 0;
	case FIELD_STRS:
		items(out, p, '\n');
		return 0;
	case FIELD_RULES:
		rules(out, p);
		return 0;
	default:
		return err_field(e, ERR_INTERNAL, f->name, "%s has no text form", f->name);
	}
}

void row_add_cell(struct row *r, struct cell c)
{
	if (r->n >= ROW_MAX)
		__builtin_trap(); /* a table of ours has outgrown its limit */
	r->cells[r->n] = c;
	r->owned[r->n] = false;
	r->n++;
}

void row_add_text(struct row *r, const char *s)
{
	row_add_cell(r, cell_text(s));
}

void row_add_int(struct row *r, int64_t n)
{
	row_add_cell(r, cell_int(n));
}

int row_add(struct row *r, const struct field *f, const void *object, struct err *e)
{
	const void *p = field_at(f, object);
	size_t at = r->text.len;
	int code;

	if (column_is_number(f)) {
		row_add_int(r, number(f, p));
		return 0;
	}
	if (f->type == FIELD_ID || f->type == FIELD_STR) {
		row_add_text(r, f->type == FIELD_ID ? p : *(char *const *)p);
		return 0;
	}
	code = spell(f, p, &r->text, e);
	if (code < 0)
		return code;
	row_add_cell(r, (struct cell){.type = CELL_TEXT, .n = r->text.len - at});
	r->owned[r->n - 1] = true;
	r->at[r->n - 1] = at;
	return 0;
}

const struct cell *row_cells(struct row *r)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->owned[i])
			r->cells[i].p = buf_str(&r->text) + r->at[i];
	}
	return r->cells;
}

void row_done(struct row *r)
{
	buf_done(&r->text);
	r->n = 0;
}

/* --- in --------------------------------------------------------------------------------------- */

/* Up to the unescaped end character, which is swallowed. NULL on damage. */
static char *item(const char **at, const char *stop, char end)
{
	CLEANUP(buf_done) struct buf out = {0};
	static const char codes[] = "\\\\n\nt\ts ";

	for (const char *p = *at; p < stop; p++) {
		if (*p == end) {
			*at = p + 1;
			return buf_take(&out);
		}
		if (*p == '\n' || *p == '\t' || *p == ' ' || *p == '\0')
			return NULL;
		if (*p == '\\') {
			size_t i = 0;

			if (++p == stop)
				return NULL;
			while (codes[i] != '\0' && codes[i] != *p)
				i += 2;
			if (codes[i] == '\0')
				return NULL;
			buf_addc(&out, codes[i + 1]);
			continue;
		}
		buf_addc(&out, *p);
	}
	return NULL;
}

/* Items each ended by end, until last (swallowed) or, when last is 0, the end of the text. */
static int read_items(const char **at, const char *stop, char end, char last, struct strs *ret)
{
	while (*at < stop) {
		char *s;

		if (last != 0 && **at == last) {
			(*at)++;
			return 0;
		}
		s = item(at, stop, end);
		if (s == NULL)
			return ERR_CORRUPT;
		VEC_PUSH(ret, s);
	}
	return last == 0 ? 0 : ERR_CORRUPT;
}

static int read_prefixes(const char *at, const char *stop, struct prefix_vec *ret)
{
	while (at < stop) {
		AUTOFREE char *s = item(&at, stop, '\n');
		struct prefix p;

		if (s == NULL || prefix_parse(s, "", &p, NULL) < 0)
			return ERR_CORRUPT;
		VEC_PUSH(ret, p);
	}
	return 0;
}

static int read_rules(const char *at, const char *stop, struct rule_vec *ret)
{
	while (at < stop) {
		struct rule *r;

		/* Pushed first: what is read of a damaged rule is freed with the object. */
		VEC_PUSH(ret, (struct rule){0});
		r = &ret->v[ret->n - 1];
		if (read_items(&at, stop, ' ', '\t', &r->from) < 0 ||
			read_items(&at, stop, ' ', '\t', &r->to) < 0)
			return ERR_CORRUPT;
		r->protocol = item(&at, stop, '\t');
		if (r->protocol == NULL)
			return ERR_CORRUPT;
		if (*r->protocol == '\0')
			r->protocol = mem_free(r->protocol);
		if (read_items(&at, stop, ' ', '\n', &r->ports) < 0)
			return ERR_CORRUPT;
	}
	return 0;
}

/* Index of the word of n bytes at s, or ERR_INVALID. */
static int word_index(const struct field *f, const char *s, size_t n)
{
	for (int i = 0; f->words[i] != NULL; i++) {
		if (strlen(f->words[i]) == n && memcmp(f->words[i], s, n) == 0)
			return i;
	}
	return ERR_INVALID;
}

static int read_bits(const struct field *f, const char *at, const char *stop, unsigned *ret)
{
	while (at < stop) {
		const char *comma = memchr(at, ',', (size_t)(stop - at));
		size_t n = (size_t)((comma == NULL ? stop : comma) - at);
		int i = word_index(f, at, n);

		if (i < 0)
			return ERR_CORRUPT;
		*ret |= 1u << i;
		at += n + 1;
	}
	return 0;
}

static int read_number(const struct field *f, int64_t n, void *p)
{
	switch (f->type) {
	case FIELD_BOOL:
		*(bool *)p = n != 0;
		return n == 0 || n == 1 ? 0 : ERR_CORRUPT;
	case FIELD_U16:
		*(uint16_t *)p = (uint16_t)n;
		return n >= 0 && n <= UINT16_MAX ? 0 : ERR_CORRUPT;
	case FIELD_U32:
		*(uint32_t *)p = (uint32_t)n;
		return n >= 0 && n <= UINT32_MAX ? 0 : ERR_CORRUPT;
	case FIELD_I32:
		*(int32_t *)p = (int32_t)n;
		return n >= INT32_MIN && n <= INT32_MAX ? 0 : ERR_CORRUPT;
	case FIELD_U64:
		*(uint64_t *)p = (uint64_t)n;
		return 0;
	default:
		*(msec *)p = n;
		return 0;
	}
}

static int read_text(const struct field *f, const char *s, size_t n, void *p)
{
	switch (f->type) {
	case FIELD_ID:
		if (n >= ID_LEN)
			return ERR_CORRUPT;
		memcpy(p, s, n);
		((char *)p)[n] = '\0';
		return 0;
	case FIELD_STR:
		*(char **)p = n == 0 ? NULL : mem_strndup(s, n);
		return 0;
	case FIELD_ENUM:
		*(int *)p = word_index(f, s, n);
		return *(int *)p;
	case FIELD_BITS:
		return read_bits(f, s, s + n, p);
	case FIELD_KEY:
		return n == 0 ? 0 : key_read_public(s, f->name, p, NULL);
	case FIELD_ADDR:
		return n == 0 ? 0 : addr_parse(s, p);
	case FIELD_PREFIX:
		return n == 0 ? 0 : prefix_parse(s, f->name, p, NULL);
	case FIELD_PREFIXES:
		return read_prefixes(s, s + n, p);
	case FIELD_STRS:
		return read_items(&s, s + n, '\n', 0, p);
	case FIELD_RULES:
		return read_rules(s, s + n, p);
	default:
		return ERR_CORRUPT;
	}
}

int column_decode(const struct field *f, const struct cell *c, void *object, struct err *e)
{
	void *p = field_at(f, object);
	int code = ERR_CORRUPT;

	if (column_is_number(f) && c->type == CELL_INT)
		code = read_number(f, c->num, p);
	else if (!column_is_number(f) && c->type == CELL_TEXT)
		code = read_text(f, c->p, c->n, p);
	if (code < 0)
		return err_field(e, ERR_CORRUPT, f->name, "the stored %s is damaged", f->name);
	return 0;
}

int column_parse(const struct field *f, const char *text, struct cell *ret, struct err *e)
{
	int negative = text[0] == '-';
	uint64_t n;

	if (!column_is_number(f)) {
		if (f->type == FIELD_ENUM && *text != '\0' && word_index(f, text, strlen(text)) < 0)
			return err_field(e, ERR_INVALID, f->name, "%s has no value \"%.64s\"",
				f->name, text);
		*ret = cell_text(text);
		return 0;
	}
	if (f->type == FIELD_BOOL && (!strcmp(text, "true") || !strcmp(text, "false"))) {
		*ret = cell_int(text[0] == 't');
		return 0;
	}
	if (f->type == FIELD_TIME) {
		msec t = 0;

		/* as answers write it: nothing for a time that is not, RFC 3339 else */
		if (*text == '\0' || clock_parse(text, &t) == 0) {
			*ret = cell_int(t);
			return 0;
		}
	}
	if (text_u64(text + negative, INT64_MAX, &n) < 0)
		return err_field(e, ERR_INVALID, f->name, "%s is not a %s: \"%.64s\"", f->name,
			f->type == FIELD_BOOL           ? "boolean"
				: f->type == FIELD_TIME ? "time"
							: "number",
			text);
	*ret = cell_int(negative ? -(int64_t)n : (int64_t)n);
	return 0;
}
