/* DOC: sealed secrets and small settings: rows by key that are no objects of the model. */
#include "store/tx.h"

#include "base/mem.h"

#include <string.h>

static int take_bytes(void *arg, const struct cell *cells, size_t n)
{
	struct buf **out = arg;

	buf_add(*out, cells[0].p, cells[0].n);
	*out = NULL; /* found */
	return 1;
}

int tx_secret_put(
	struct tx *tx, const char *owner, const char *kind, const void *p, size_t n, struct err *e)
{
	const struct cell args[] = {cell_text(owner), cell_text(kind), cell_blob(p, n)};
	int code = tx_change(tx,
		"INSERT INTO secret (owner, kind, sealed) VALUES (?, ?, ?)"
		" ON CONFLICT (owner, kind) DO UPDATE SET sealed = excluded.sealed",
		args, ARRAY_LEN(args), e);

	return code < 0 ? code : 0;
}

int tx_secret_get(
	struct tx *tx, const char *owner, const char *kind, struct buf *out, struct err *e)
{
	const struct cell args[] = {cell_text(owner), cell_text(kind)};
	struct buf *want = out;
	int code = tx_run(tx, "SELECT sealed FROM secret WHERE owner = ? AND kind = ?", args,
		ARRAY_LEN(args), take_bytes, &want, e);

	if (code < 0)
		return code;
	if (want != NULL)
		return err_set(e, ERR_NOT_FOUND, "there is no secret %.32s of %.64s", kind, owner);
	return 0;
}

int tx_secret_delete(struct tx *tx, const char *owner, struct err *e)
{
	const struct cell arg = cell_text(owner);
	int code = tx_change(tx, "DELETE FROM secret WHERE owner = ?", &arg, 1, e);

	if (code > 0)
		tx->erased = true;
	return code < 0 ? code : 0;
}

int tx_meta_get(struct tx *tx, const char *key, struct buf *out, struct err *e)
{
	const struct cell arg = cell_text(key);
	struct buf *want = out;
	int code =
		tx_run(tx, "SELECT value FROM meta WHERE key = ?", &arg, 1, take_bytes, &want, e);

	if (code < 0)
		return code;
	if (want != NULL)
		return err_set(e, ERR_NOT_FOUND, "there is no setting \"%.64s\"", key);
	return 0;
}

int tx_meta_put(struct tx *tx, const char *key, const char *value, struct err *e)
{
	const struct cell args[] = {cell_text(key), cell_text(value)};
	int code = tx_change(tx,
		"INSERT INTO meta (key, value) VALUES (?, ?)"
		" ON CONFLICT (key) DO UPDATE SET value = excluded.value",
		args, ARRAY_LEN(args), e);

	return code < 0 ? code : 0;
}

int tx_meta_delete(struct tx *tx, const char *key, struct err *e)
{
	const struct cell arg = cell_text(key);
	int code = tx_change(tx, "DELETE FROM meta WHERE key = ?", &arg, 1, e);

	return code < 0 ? code : 0;
}
