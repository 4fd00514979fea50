/* DOC: inside of a transaction, for the files of this room. */
#ifndef WARREN_STORE_TX_H
#define WARREN_STORE_TX_H

#include "store/column.h"
#include "store/store.h"

/* Rows that wait for their commit; v is what store_on_commit gets. */
struct outbox {
	VEC(struct outbox_row) rows;
	VEC(const struct schema *) schemas; /* of rows[i].before and after */
	uint64_t unpruned;                  /* rows written since old ones were deleted */
};

struct tx {
	const struct store_engine *engine;
	struct engine_conn *conn;
	struct outbox *outbox; /* NULL: a read transaction */
	bool erased;           /* something was deleted that should leave the disk */
	msec now;
	unsigned long job, batch; /* see tx_job */
};

/* engine->run on the transaction's connection. */
int tx_run(struct tx *tx, const char *sql, const struct cell *args, size_t n, engine_row_fn fn,
	void *arg, struct err *e);
/* The same for statements that change something; refused in a read transaction. */
int tx_change(struct tx *tx, const char *sql, const struct cell *args, size_t n, struct err *e);
int tx_writable(const struct tx *tx, struct err *e);

/* "id", "project", ...: the columns of a schema in the order of its fields. */
void tx_columns(const struct schema *s, struct buf *out);
/* Cells in that order into an empty object. On failure the object is left empty. */
int tx_decode(
	const struct schema *s, const struct cell *cells, size_t n, void *object, struct err *e);
/* schema_field, or ERR_INVALID naming it. */
int tx_field(const struct schema *s, const char *name, const struct field **ret, struct err *e);

/* Add "column" = value. A text that is not empty says so in words too: SQLite uses an index that
 * leaves unset texts out only when the statement itself does. */
void tx_equals(const struct field *f, struct cell value, struct buf *sql, struct row *args);

/* Drop rows from index keep on. */
void outbox_cut(struct outbox *o, size_t keep);
void outbox_done(struct outbox *o);
/* Delete what is older than OUTBOX_KEEP_MS, but never the newest OUTBOX_KEEP_ROWS. */
int outbox_prune(struct tx *tx, struct err *e);

#define OUTBOX_KEEP_MS ((msec)15 * 60 * 1000)
#define OUTBOX_KEEP_ROWS 10000
#define OUTBOX_PRUNE_EVERY 512 /* rows written between two looks */

#endif
