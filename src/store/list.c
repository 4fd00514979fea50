/*
 * DOC: lists: equality filters, a search, one order, and pages that stay put while rows come and
 * go. A page starts behind the (order value, id) of the last one, which the cursor carries with
 * the name of the order, so that a cursor of another list is refused instead of misread.
 */
#include "store/tx.h"

#include "base/mem.h"
#include "crypto/hash.h"

#include <ctype.h>
#include <string.h>

struct list {
	const struct schema *s;
	const struct field *order;
	bool descending;
	size_t limit; /* 0 = all */
	int (*fn)(void *arg, const void *object);
	void *arg;
	struct err *e;

	bool keep; /* gather first: fn may change the table */
	VEC(void *) kept;
	size_t given;
	bool more;       /* there was a row behind the page, or fn stopped */
	int stopped;     /* what fn returned */
	struct buf last; /* order value of the last row given */
	id_text last_id;
};

/* --- what is asked for ------------------------------------------------------------------------ */

/* %, _ and \ of the search stand for themselves. */
static char *like_pattern(const char *search)
{
	struct buf out = {0};

	buf_addc(&out, '%');
	for (; *search != '\0'; search++) {
		if (strchr("%_\\", *search) != NULL)
			buf_addc(&out, '\\');
		buf_addc(&out, (char)tolower((unsigned char)*search));
	}
	buf_addc(&out, '%');
	return buf_take(&out);
}

static void and_where(struct buf *sql, const struct row *args)
{
	buf_adds(sql, args->n == 0 ? " WHERE " : " AND ");
}

static int add_filters(const struct schema *s, const struct tx_filter filters[6], struct buf *sql,
	struct row *args, struct err *e)
{
	for (size_t i = 0; i < 6; i++) {
		const struct tx_filter *t = &filters[i];
		const struct field *f;
		struct cell c;
		int code;

		if (t->column == NULL || t->value == NULL)
			continue;
		code = tx_field(s, t->column, &f, e);
		if (code == 0 && column_is_list(f))
			code = err_field(e, ERR_INVALID, f->name, "a list cannot be filtered by %s",
				f->name);
		if (code == 0)
			code = column_parse(f, t->value, &c, e);
		if (code < 0)
			return code;
		and_where(sql, args);
		tx_equals(f, c, sql, args);
	}
	return 0;
}

static void add_search(
	const struct schema *s, const char *pattern, struct buf *sql, struct row *args)
{
	/* addresses last: digits alone are looked for in names */
	static const char *const columns[] = {
		"name", "description", "dns_name", "action", "detail", "ipv4", "ipv6"};
	size_t before = args->n, n = ARRAY_LEN(columns) - (strpbrk(pattern, ".:") ? 0 : 2);
	const char *join = "(";

	for (size_t i = 0; i < n; i++) {
		if (schema_field(s, columns[i]) == NULL)
			continue;
		if (args->n == before)
			and_where(sql, args);
		buf_addf(sql, "%slower(\"%s\") LIKE ? ESCAPE '\\'", join, columns[i]);
		row_add_text(args, pattern);
		join = " OR ";
	}
	if (args->n != before)
		buf_addc(sql, ')');
}

/* A list as one text in which "\nITEM\n" is looked for. */
static void add_in(const char *column, struct cell list, struct buf *sql, struct row *args)
{
	buf_addf(sql, "instr(?, char(10) || %s || char(10)) > 0 OR ", column);
	row_add_cell(args, list);
}

static bool leads(const struct field *f)
{
	return (f->type == FIELD_ID && strcmp(f->name, "project") != 0) ||
		strcmp(f->name, "object") == 0;
}

/* ids: "\nID\nID\n"; tags: one text each. Both outlive the statement. */
static void add_scope(const struct schema *s, const struct tx_scope *scope, const struct buf *ids,
	const struct strs *tags, struct buf *sql, struct row *args)
{
	struct cell list = {.type = CELL_TEXT, .p = buf_str(ids), .n = ids->len};

	and_where(sql, args);
	buf_addc(sql, '(');
	for (size_t i = 0; i < s->n; i++) {
		AUTOFREE char *column = mem_printf("\"%s\"", s->fields[i].name);

		if (leads(&s->fields[i]))
			add_in(column, list, sql, args);
	}
	if (s == &schema_node) {
		buf_adds(sql, "\"id\" IN (SELECT node FROM member WHERE ");
		add_in("network", list, sql, args);
		add_in("\"group\"", list, sql, args);
		buf_adds(sql, "FALSE) OR ");
	}
	if (schema_field(s, "tags") != NULL)
		VEC_FOREACH (t, tags) {
			buf_adds(sql, "instr(char(10) || \"tags\", ?) > 0 OR ");
			row_add_text(args, *t);
		}
	if (schema_field(s, "owner") != NULL && scope->owner[0] != '\0') {
		buf_adds(sql, "\"owner\" = ? OR ");
		row_add_text(args, scope->owner);
	}
	buf_adds(sql, "FALSE)");
}

/* The texts add_scope looks for. */
static void spell_scope(const struct tx_scope *scope, struct buf *ids, struct strs *tags)
{
	VEC_FOREACH (id, &scope->ids)
		buf_addf(ids, "\n%s", *id);
	buf_addc(ids, '\n');
	VEC_FOREACH (t, &scope->tags) {
		CLEANUP(buf_done) struct buf item = {0};

		buf_addc(&item, '\n');
		column_item(&item, *t);
		strs_push(tags, buf_str(&item));
	}
}

void tx_scope_done(struct tx_scope *s)
{
	strs_done(&s->ids);
	strs_done(&s->tags);
}

/* --- the cursor: base64url of "+order\nid\nvalue" -----------------------------------------------
 */

static void cursor_write(const struct list *l, struct buf *out)
{
	CLEANUP(buf_done) struct buf plain = {0};

	buf_addf(&plain, "%c%s\n%s\n", l->descending ? '-' : '+', l->order->name, l->last_id);
	buf_add(&plain, buf_str(&l->last), l->last.len);
	base64url_encode(plain.data, plain.len, out);
}

/* Into plain, of which id and value become parts. */
static int cursor_read(const struct list *l, const char *text, struct buf *plain,
	const char **ret_id, struct cell *ret_value, struct err *e)
{
	size_t n = strlen(l->order->name);
	char *id, *value;

	if (base64url_decode(text, plain) < 0 || plain->len < n + 2 ||
		plain->data[0] != (l->descending ? '-' : '+') ||
		memcmp(plain->data + 1, l->order->name, n) != 0 || plain->data[n + 1] != '\n')
		return err_field(e, ERR_INVALID, "after", "this cursor is of another list");
	id = plain->data + n + 2;
	value = strchr(id, '\n');
	if (value == NULL || strlen(id) != plain->len - n - 2)
		return err_field(e, ERR_INVALID, "after", "this cursor is damaged");
	*value++ = '\0';
	if (column_parse(l->order, value, ret_value, NULL) < 0)
		return err_field(e, ERR_INVALID, "after", "this cursor is damaged");
	*ret_id = id;
	return 0;
}

static void add_after(
	const struct list *l, const char *id, struct cell value, struct buf *sql, struct row *args)
{
	const char *than = l->descending ? "<" : ">";

	and_where(sql, args);
	if (l->order == &l->s->fields[0]) {
		buf_addf(sql, "\"id\" %s ?", than);
	} else {
		buf_addf(sql, "(\"%s\", \"id\") %s (?, ?)", l->order->name, than);
		row_add_cell(args, value);
	}
	row_add_text(args, id);
}

/* --- giving rows ------------------------------------------------------------------------------ */

static void remember(struct list *l, const struct cell *cells)
{
	const struct cell *value = &cells[l->order - l->s->fields];

	id_copy(l->last_id, cells[0].p);
	buf_reset(&l->last);
	if (value->type == CELL_INT)
		buf_addf(&l->last, "%lld", (long long)value->num);
	else
		buf_add(&l->last, value->p, value->n);
}

static int list_row(void *arg, const struct cell *cells, size_t n)
{
	struct list *l = arg;
	void *object;
	int code;

	if (l->limit != 0 && l->given == l->limit) {
		l->more = true;
		return 1;
	}
	object = mem_zalloc(l->s->size);
	code = tx_decode(l->s, cells, n, object, l->e);
	if (code < 0) {
		schema_free(l->s, object);
		return code;
	}
	remember(l, cells);
	l->given++;
	if (l->keep) {
		VEC_PUSH(&l->kept, object);
		return 0;
	}
	l->stopped = l->fn(l->arg, object);
	l->more = l->stopped > 0;
	schema_free(l->s, object);
	return l->stopped;
}

/* The rows are all read; now the caller may do what it likes to the table. */
static int give_kept(struct list *l)
{
	size_t i = 0;

	while (i < l->kept.n && l->stopped == 0) {
		l->stopped = l->fn(l->arg, l->kept.v[i]);
		i++;
	}
	if (l->stopped > 0 && i < l->kept.n) {
		CLEANUP(row_done) struct row r = {0};

		/* The cursor goes back to the last one it saw. */
		row_add(&r, &l->s->fields[0], l->kept.v[i - 1], NULL);
		row_add(&r, l->order, l->kept.v[i - 1], NULL);
		id_copy(l->last_id, r.cells[0].p);
		buf_reset(&l->last);
		if (r.cells[1].type == CELL_INT)
			buf_addf(&l->last, "%lld", (long long)r.cells[1].num);
		else
			buf_add(&l->last, row_cells(&r)[1].p, r.cells[1].n);
		l->more = true;
	}
	return l->stopped < 0 ? l->stopped : 0;
}

static void list_done(struct list *l)
{
	VEC_FOREACH (object, &l->kept)
		schema_free(l->s, *object);
	VEC_DONE(&l->kept);
	buf_done(&l->last);
}

static int take_count(void *arg, const struct cell *cells, size_t n)
{
	*(uint64_t *)arg = (uint64_t)cells[0].num;
	return 1;
}

static int count(struct tx *tx, const struct schema *s, const struct buf *where, struct row *args,
	uint64_t *ret, struct err *e)
{
	CLEANUP(buf_done) struct buf sql = {0};
	uint64_t n = 0;
	int code;

	buf_addf(&sql, "SELECT count(*) FROM \"%s\"%s", s->name, buf_str(where));
	code = tx_run(tx, buf_str(&sql), row_cells(args), args->n, take_count, &n, e);
	if (code < 0)
		return code;
	*ret = n;
	return 0;
}

static int run_list(
	struct tx *tx, struct list *l, const struct buf *where, struct row *args, struct err *e)
{
	CLEANUP(buf_done) struct buf sql = {0};
	const char *way = l->descending ? " DESC" : "";
	int code;

	buf_adds(&sql, "SELECT ");
	tx_columns(l->s, &sql);
	buf_addf(&sql, " FROM \"%s\"%s ORDER BY ", l->s->name, buf_str(where));
	if (l->order != &l->s->fields[0])
		buf_addf(&sql, "\"%s\"%s, ", l->order->name, way);
	buf_addf(&sql, "\"id\"%s", way);
	if (l->limit != 0) {
		buf_adds(&sql, " LIMIT ?");
		row_add_int(args, (int64_t)l->limit + 1);
	}
	code = tx_run(tx, buf_str(&sql), row_cells(args), args->n, list_row, l, e);
	return code < 0 ? code : give_kept(l);
}

int tx_list(struct tx *tx, const struct schema *s, const struct tx_query *q,
	int (*fn)(void *arg, const void *object), void *arg, struct buf *ret_next,
	uint64_t *ret_total, struct err *e)
{
	CLEANUP(list_done)
	struct list l = {.s = s,
		.order = &s->fields[0],
		.descending = q->descending,
		.limit = q->limit,
		.fn = fn,
		.arg = arg,
		.e = e,
		.keep = tx->outbox != NULL};
	CLEANUP(buf_done) struct buf where = {0}, cursor = {0};
	CLEANUP(buf_done) struct buf ids = {0};
	CLEANUP(strs_done) struct strs tags = {0};
	CLEANUP(row_done) struct row args = {0};
	AUTOFREE char *pattern = NULL;
	uint64_t total = 0;
	int code = add_filters(s, q->filters, &where, &args, e);

	if (code == 0 && q->order != NULL)
		code = tx_field(s, q->order, &l.order, e);
	if (code == 0 && column_is_list(l.order))
		code = err_field(
			e, ERR_INVALID, l.order->name, "a list has no order by %s", l.order->name);
	if (code < 0)
		return code;
	if (q->scope != NULL) {
		spell_scope(q->scope, &ids, &tags);
		add_scope(s, q->scope, &ids, &tags, &where, &args);
	}
	if (q->search != NULL && *q->search != '\0') {
		pattern = like_pattern(q->search);
		add_search(s, pattern, &where, &args);
	}
	if (ret_total != NULL)
		code = count(tx, s, &where, &args, &total, e);
	if (code == 0 && q->after != NULL && *q->after != '\0') {
		const char *id = NULL;
		struct cell value;

		code = cursor_read(&l, q->after, &cursor, &id, &value, e);
		if (code == 0)
			add_after(&l, id, value, &where, &args);
	}
	if (code == 0)
		code = run_list(tx, &l, &where, &args, e);
	if (code < 0)
		return code;
	if (ret_total != NULL)
		*ret_total = total;
	if (ret_next != NULL && l.more)
		cursor_write(&l, ret_next);
	return 0;
}

int tx_between(struct tx *tx, const struct schema *s, const char *column, int64_t from, int64_t *to,
	size_t limit, int (*fn)(void *arg, const void *object), void *arg, struct err *e)
{
	CLEANUP(list_done)
	struct list l = {
		.s = s, .order = &s->fields[0], .fn = fn, .arg = arg, .e = e, .keep = true};
	CLEANUP(buf_done) struct buf sql = {0};
	const struct field *f;
	int64_t end = *to;
	struct cell args[] = {cell_int(from), cell_int(end), cell_int((int64_t)limit)};
	int code = tx_field(s, column, &f, e);

	if (code < 0)
		return code;
	if (!column_is_number(f))
		return err_set(e, ERR_INTERNAL, "%s is no number", column);
	/* The value of the limit-th row, if there are that many. */
	buf_addf(&sql,
		"SELECT max(v) FROM (SELECT \"%s\" AS v FROM \"%s\" WHERE \"%s\" > 0 AND"
		" \"%s\" BETWEEN ? AND ? ORDER BY \"%s\" LIMIT ?) HAVING count(*) = %zu",
		column, s->name, column, column, column, limit);
	code = tx_run(tx, buf_str(&sql), args, 3, take_count, &end, e);
	if (code < 0)
		return code;
	buf_reset(&sql);
	buf_adds(&sql, "SELECT ");
	tx_columns(s, &sql);
	buf_addf(&sql, " FROM \"%s\" WHERE \"%s\" > 0 AND \"%s\" BETWEEN ? AND ? ORDER BY \"%s\"",
		s->name, column, column, column);
	args[1] = cell_int(end);
	code = tx_run(tx, buf_str(&sql), args, 2, list_row, &l, e);
	if (code >= 0)
		code = give_kept(&l);
	if (code >= 0)
		*to = end;
	return code < 0 ? code : 0;
}

int tx_count(struct tx *tx, const struct schema *s, const struct tx_filter filters[6],
	uint64_t *ret, struct err *e)
{
	static const struct tx_filter none[6];
	CLEANUP(buf_done) struct buf where = {0};
	CLEANUP(row_done) struct row args = {0};
	int code = add_filters(s, filters == NULL ? none : filters, &where, &args, e);

	return code < 0 ? code : count(tx, s, &where, &args, ret, e);
}

struct values {
	void (*fn)(void *arg, const char *value);
	void *arg;
};

static int give_value(void *arg, const struct cell *cells, size_t n)
{
	const struct values *v = arg;

	v->fn(v->arg, cells[0].p);
	return 0;
}

int tx_column(struct tx *tx, const struct schema *s, const char *column,
	const struct tx_filter filters[6], void (*fn)(void *arg, const char *value), void *arg,
	struct err *e)
{
	CLEANUP(buf_done) struct buf where = {0}, sql = {0};
	CLEANUP(row_done) struct row args = {0};
	struct values v = {fn, arg};
	const struct field *f;
	int code = tx_field(s, column, &f, e);

	if (code == 0 && column_is_number(f))
		code = err_set(e, ERR_INTERNAL, "%s is no text", column);
	if (code == 0)
		code = add_filters(s, filters, &where, &args, e);
	if (code < 0)
		return code;
	buf_addf(&sql, "SELECT \"%s\" FROM \"%s\"%s", f->name, s->name, buf_str(&where));
	code = tx_run(tx, buf_str(&sql), row_cells(&args), args.n, give_value, &v, e);
	return code < 0 ? code : 0;
}
