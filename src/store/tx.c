/*
 * DOC: one object at a time: get, find, insert, update, delete, touch. The statements follow from
 * the schema's table of fields, so a field is added in the model and in a migration, not here.
 */
#include "store/tx.h"

#include "base/mem.h"

#include <stdarg.h>
#include <string.h>

int tx_run(struct tx *tx, const char *sql, const struct cell *args, size_t n, engine_row_fn fn,
	void *arg, struct err *e)
{
	return tx->engine->run(tx->conn, sql, args, n, fn, arg, e);
}

int tx_writable(const struct tx *tx, struct err *e)
{
	if (tx->outbox == NULL)
		return err_set(e, ERR_INTERNAL, "a read transaction cannot change anything");
	return 0;
}

int tx_change(struct tx *tx, const char *sql, const struct cell *args, size_t n, struct err *e)
{
	int code = tx_writable(tx, e);

	return code < 0 ? code : tx_run(tx, sql, args, n, NULL, NULL, e);
}

msec tx_now(const struct tx *tx)
{
	return tx->now;
}

unsigned long tx_job(const struct tx *tx, unsigned long *ret_batch)
{
	*ret_batch = tx->batch;
	return tx->job;
}

void tx_columns(const struct schema *s, struct buf *out)
{
	for (size_t i = 0; i < s->n; i++)
		buf_addf(out, "%s\"%s\"", i == 0 ? "" : ", ", s->fields[i].name);
}

int tx_field(const struct schema *s, const char *name, const struct field **ret, struct err *e)
{
	const struct field *f = schema_field(s, name);

	if (f == NULL)
		return err_field(
			e, ERR_INVALID, name, "a %s has no field \"%.64s\"", s->name, name);
	*ret = f;
	return 0;
}

void tx_equals(const struct field *f, struct cell value, struct buf *sql, struct row *args)
{
	buf_addf(sql, "\"%s\" = ?", f->name);
	if (value.type == CELL_TEXT && value.n > 0)
		buf_addf(sql, " AND \"%s\" <> ''", f->name);
	row_add_cell(args, value);
}

int tx_decode(
	const struct schema *s, const struct cell *cells, size_t n, void *object, struct err *e)
{
	for (size_t i = 0; i < s->n && i < n; i++) {
		int code = column_decode(&s->fields[i], &cells[i], object, e);

		if (code < 0) {
			const char *id = cells[0].type == CELL_TEXT ? cells[0].p : "";

			schema_done(s, object);
			err_prefix(e, "%s %.40s", s->name, id);
			return code;
		}
	}
	return 0;
}

/* --- reading one ------------------------------------------------------------------------------ */

struct load {
	const struct schema *s;
	void *object;
	bool found;
	struct err *e;
};

static int load_row(void *arg, const struct cell *cells, size_t n)
{
	struct load *l = arg;
	int code = tx_decode(l->s, cells, n, l->object, l->e);

	l->found = code == 0;
	return code < 0 ? code : 1;
}

static void select_from(const struct schema *s, struct buf *sql)
{
	buf_adds(sql, "SELECT ");
	tx_columns(s, sql);
	buf_addf(sql, " FROM \"%s\" WHERE ", s->name);
}

int tx_get(struct tx *tx, const struct schema *s, const char *id, void *ret, struct err *e)
{
	CLEANUP(buf_done) struct buf sql = {0};
	struct load l = {.s = s, .object = ret, .e = e};
	struct cell arg = cell_text(id);
	int code;

	select_from(s, &sql);
	buf_adds(&sql, "\"id\" = ?");
	code = tx_run(tx, buf_str(&sql), &arg, 1, load_row, &l, e);
	if (code < 0)
		return code;
	if (!l.found)
		return err_set(e, ERR_NOT_FOUND, "there is no %s \"%.64s\"", s->name, id);
	return 0;
}

int tx_find(struct tx *tx, const struct schema *s, void *ret, struct err *e, ...)
{
	CLEANUP(buf_done) struct buf sql = {0};
	CLEANUP(row_done) struct row args = {0};
	struct load l = {.s = s, .object = ret, .e = e};
	const char *column;
	va_list ap;
	int code = 0;

	select_from(s, &sql);
	va_start(ap, e);
	while (code == 0 && (column = va_arg(ap, const char *)) != NULL) {
		const char *value = va_arg(ap, const char *);
		const struct field *f;
		struct cell c;

		code = tx_field(s, column, &f, e);
		if (code == 0)
			code = column_parse(f, value == NULL ? "" : value, &c, e);
		if (code < 0)
			break;
		if (args.n > 0)
			buf_adds(&sql, " AND ");
		tx_equals(f, c, &sql, &args);
	}
	va_end(ap);
	if (code == 0)
		code = tx_run(tx, buf_str(&sql), row_cells(&args), args.n, load_row, &l, e);
	if (code < 0)
		return code;
	if (!l.found)
		return err_set(e, ERR_NOT_FOUND, "there is no such %s", s->name);
	return 0;
}

/* --- changing one ----------------------------------------------------------------------------- */

/* Say whose value is taken, as far as it may be shown. */
static int name_value(const struct schema *s, const void *object, struct err *e)
{
	const struct field *f = e == NULL ? NULL : schema_field(s, e->field);
	CLEANUP(row_done) struct row r = {0};

	if (f == NULL || (f->flags & FIELD_HIDDEN) != 0 || column_is_number(f) ||
		row_add(&r, f, object, NULL) < 0)
		return ERR_EXISTS;
	return err_field(e, ERR_EXISTS, f->name, "there is a %s with %s \"%.*s\" already", s->name,
		f->name, (int)(r.cells[0].n < 128 ? r.cells[0].n : 128),
		(const char *)row_cells(&r)[0].p);
}

/* The outbox alone moves a node's revision: what a caller read earlier must not set it back. */
static bool assigned_by_outbox(const struct schema *s, const struct field *f)
{
	return s == &schema_node && strcmp(f->name, "revision") == 0;
}

int tx_insert(struct tx *tx, const struct schema *s, const void *object, struct err *e)
{
	CLEANUP(buf_done) struct buf sql = {0};
	CLEANUP(row_done) struct row args = {0};
	int code;

	buf_addf(&sql, "INSERT INTO \"%s\" (", s->name);
	tx_columns(s, &sql);
	buf_adds(&sql, ") VALUES (");
	for (size_t i = 0; i < s->n; i++) {
		code = row_add(&args, &s->fields[i], object, e);
		if (code < 0)
			return code;
		buf_adds(&sql, i == 0 ? "?" : ", ?");
	}
	buf_addc(&sql, ')');
	code = tx_change(tx, buf_str(&sql), row_cells(&args), args.n, e);
	if (code == ERR_EXISTS)
		return name_value(s, object, e);
	return code < 0 ? code : 0;
}

/* names NULL: all fields. */
static int update(struct tx *tx, const struct schema *s, const void *object,
	const char *const names[], struct err *e)
{
	CLEANUP(buf_done) struct buf sql = {0};
	CLEANUP(row_done) struct row args = {0};
	const char *id = field_at(&s->fields[0], object);
	int code;

	buf_addf(&sql, "UPDATE \"%s\" SET ", s->name);
	for (size_t i = 0; names == NULL ? i < s->n : names[i] != NULL; i++) {
		const struct field *f = names == NULL ? &s->fields[i] : NULL;

		code = f == NULL ? tx_field(s, names[i], &f, e) : 0;
		if (code < 0)
			return code;
		if (assigned_by_outbox(s, f) || f == &s->fields[0])
			continue;
		code = row_add(&args, f, object, e);
		if (code < 0)
			return code;
		buf_addf(&sql, "%s\"%s\" = ?", args.n == 1 ? "" : ", ", f->name);
	}
	if (args.n == 0)
		return 0;
	buf_adds(&sql, " WHERE \"id\" = ?");
	row_add_text(&args, id);
	code = tx_change(tx, buf_str(&sql), row_cells(&args), args.n, e);
	if (code == ERR_EXISTS)
		return name_value(s, object, e);
	if (code == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no %s \"%.64s\"", s->name, id);
	return code < 0 ? code : 0;
}

int tx_update(struct tx *tx, const struct schema *s, const void *object, struct err *e)
{
	return update(tx, s, object, NULL, e);
}

int tx_touch(struct tx *tx, const struct schema *s, const void *object, const char *const names[],
	struct err *e)
{
	return update(tx, s, object, names, e);
}

int tx_delete(struct tx *tx, const struct schema *s, const char *id, struct err *e)
{
	CLEANUP(buf_done) struct buf sql = {0};
	struct cell arg = cell_text(id);
	int code;

	buf_addf(&sql, "DELETE FROM \"%s\" WHERE \"id\" = ?", s->name);
	code = tx_change(tx, buf_str(&sql), &arg, 1, e);
	if (code == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no %s \"%.64s\"", s->name, id);
	if (code > 0 && s == &schema_once)
		tx->erased = true;
	return code < 0 ? code : 0;
}
