/*
 * DOC: the store. Objects of the model go in and out by their schema; addresses are leased; every
 * change leaves outbox rows in the same transaction. Writes are closures run one after another on
 * the writer thread, many per commit (group commit, synchronous=FULL): a job sees its own
 * transaction only, and is told done after the commit is on disk. Readers run beside it on
 * snapshots. The engine below is a table of functions, so that a second one can take its place;
 * one conformance suite runs on every engine.
 */
#ifndef WARREN_STORE_STORE_H
#define WARREN_STORE_STORE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "model/schema.h"

struct store;
struct tx; /* a transaction; valid only inside the function it was given to */

struct store_engine; /* engine.h */
extern const struct store_engine store_sqlite;

/* Open (creating and migrating) the store at path. ERR_CORRUPT / ERR_SYSTEM name the file; a
 * schema newer than this program is refused. The clock outlives the store. */
int store_open(const struct store_engine *engine, const char *path, const struct clock *clock,
	struct store **ret, struct err *e);
struct store *store_close(struct store *s); /* finishes queued jobs first */

/* Run fn on a read snapshot, on the calling thread. Returns what fn returned. */
typedef int (*store_fn)(struct tx *tx, void *arg, struct err *e);
int store_read(struct store *s, store_fn fn, void *arg, struct err *e);

/* Queue fn for the writer thread. When fn returns < 0 its changes are undone, alone. done is
 * called on the writer thread after the commit (or the failure) with fn's result. */
void store_write(struct store *s, store_fn fn, void *arg,
	void (*done)(void *arg, int result, const struct err *e));
/* The same and wait; not from the writer thread. */
int store_write_wait(struct store *s, store_fn fn, void *arg, struct err *e);

/* Called on the writer thread after each commit that wrote outbox rows, in commit order, before
 * the jobs' done. Rows are borrowed. */
struct outbox_row {
	uint64_t seq;
	id_text project, network; /* network "" for project-wide changes */
	char table[32];           /* schema name */
	id_text object;
	const void *before, *after; /* objects of that schema; NULL = created / deleted */
	struct outbox_node {
		id_text node;
		uint64_t previous, revision;
	} * nodes; /* whose desired state this may change */
	size_t n_nodes;
};
void store_on_commit(
	struct store *s, void (*fn)(void *arg, const struct outbox_row *rows, size_t n), void *arg);

/* --- inside a transaction ------------------------------------------------------------------- */

/* Load one object. ret must be {0}; the caller frees it with schema_done. ERR_NOT_FOUND. */
int tx_get(struct tx *tx, const struct schema *s, const char *id, void *ret, struct err *e);
/* The one object whose columns equal the values (all of them text forms as stored). */
int tx_find(struct tx *tx, const struct schema *s, void *ret, struct err *e, ...)
	__attribute__((sentinel)); /* "column", "value", ..., NULL */

/* Insert, replace by id, delete by id. A broken unique constraint is ERR_EXISTS naming the field
 * ("name", "public_key", ...). Update and delete of an absent row are ERR_NOT_FOUND. */
int tx_insert(struct tx *tx, const struct schema *s, const void *object, struct err *e);
int tx_update(struct tx *tx, const struct schema *s, const void *object, struct err *e);
int tx_delete(struct tx *tx, const struct schema *s, const char *id, struct err *e);

/* Lists: equality filters, a search in name-like columns, sorting by one column, keyset paging. */
struct tx_filter {
	const char *column;
	const char *value; /* text form; NULL = not filtered */
};
/* A condition on who may see rows: those one of whose ids (all but the project's) is in ids, which
 * have one of the tags, or whose owner it is. A node also has the ids of its members. */
struct tx_scope {
	struct strs ids, tags;
	const char *owner; /* borrowed; "" = nobody */
};
void tx_scope_done(struct tx_scope *s);
struct tx_query {
	struct tx_filter filters[6];
	const struct tx_scope *scope; /* or NULL */
	const char *search; /* substring of "name" or "description", case-insensitive; or NULL */
	const char *order;  /* a column of the schema; NULL = id */
	bool descending;
	const char *after; /* opaque cursor from the previous page; NULL = start */
	size_t limit;      /* 0 = all */
};
/* fn gets each object (borrowed) and may return non-zero to stop. ret_next, when not NULL, gets
 * the cursor of the next page ("" at the end); ret_total the number without paging. */
int tx_list(struct tx *tx, const struct schema *s, const struct tx_query *q,
	int (*fn)(void *arg, const void *object), void *arg, struct buf *ret_next,
	uint64_t *ret_total, struct err *e);
/* Objects whose number or time in column is from..*to, in that order, at most limit; when that
 * cuts, *to becomes the last one's value (rows that share it are all given). For columns with an
 * index. */
int tx_between(struct tx *tx, const struct schema *s, const char *column, int64_t from, int64_t *to,
	size_t limit, int (*fn)(void *arg, const void *object), void *arg, struct err *e);
int tx_count(struct tx *tx, const struct schema *s, const struct tx_filter filters[6],
	uint64_t *ret, struct err *e);
/* One text column of the objects, in no order: far cheaper than objects where an index has it. fn
 * gets each value (borrowed, as stored) and must not use the transaction. */
int tx_column(struct tx *tx, const struct schema *s, const char *column,
	const struct tx_filter filters[6], void (*fn)(void *arg, const char *value), void *arg,
	struct err *e);

/* Address leases, unique in a network. Take the next free address of first..last for owner, in
 * ascending order; a freed one rests for rest ms before it is given again, and only when no fresh
 * one is left. ERR_EXHAUSTED names the range. */
int tx_lease(struct tx *tx, const char *network, struct addr first, struct addr last,
	const char *owner, msec rest, struct addr *ret, struct err *e);
/* Take this very address. ERR_EXISTS names the holder's id. */
int tx_lease_exact(
	struct tx *tx, const char *network, struct addr a, const char *owner, struct err *e);
/* Free all of an owner's leases; they rest from now on. */
int tx_lease_free(struct tx *tx, const char *owner, struct err *e);
/* The network is gone, and what it ever gave with it. */
int tx_lease_forget(struct tx *tx, const char *network, struct err *e);

/* Sealed secrets by owner and kind ("group_key", "psk_root", ...). Bytes are already sealed. */
int tx_secret_put(
	struct tx *tx, const char *owner, const char *kind, const void *p, size_t n, struct err *e);
int tx_secret_get(
	struct tx *tx, const char *owner, const char *kind, struct buf *out, struct err *e);
int tx_secret_delete(struct tx *tx, const char *owner, struct err *e); /* all kinds */

/* Small settings: "meta" rows. tx_meta_get: ERR_NOT_FOUND; deleting what is not there succeeds. */
int tx_meta_get(struct tx *tx, const char *key, struct buf *out, struct err *e);
int tx_meta_put(struct tx *tx, const char *key, const char *value, struct err *e);
int tx_meta_delete(struct tx *tx, const char *key, struct err *e);

/* Record a change: raises the revision of each node, writes the outbox row, and hands it with
 * copies of before and after to store_on_commit. nodes may be empty. */
int tx_outbox(struct tx *tx, const struct schema *s, const char *project, const char *network,
	const void *before, const void *after, const struct id_vec *nodes, struct err *e);

/* Raise the revision of every node, for a reason that is no change of an object; nobody listens
 * yet, so nobody is told. */
int tx_raise_all(struct tx *tx, struct err *e);

/* Telemetry columns only (applied_revision, last_seen, rx, ...): no outbox, no audit. names is
 * NULL-terminated. */
int tx_touch(struct tx *tx, const struct schema *s, const void *object, const char *const names[],
	struct err *e);

/* Append to the project's hash chain; id, hash and time are filled in. */
int tx_audit(struct tx *tx, const char *project, const char *actor, const char *action,
	const char *object, const char *detail, struct err *e);
/* Delete lines before that time from the beginning of the chain, at most `most`. The hash of the
 * last one is kept, where the chain then begins, and a line of the log says so. */
int tx_audit_prune(struct tx *tx, const char *project, msec before, int64_t most, struct err *e);
/* Number of the first line that is there, and of the last; 0 0 when there is none. */
int tx_audit_range(
	struct tx *tx, const char *project, int64_t *ret_first, int64_t *ret_last, struct err *e);
/* Walk the chain: ERR_CORRUPT names the first line that was changed, moved, put in or cut off. */
int tx_audit_verify(struct tx *tx, const char *project, struct err *e);

msec tx_now(const struct tx *tx); /* wall time, one value per transaction */

/* For those who keep what they read in a write: numbers of this process that only grow, of the job
 * and of the first job that is committed with it. Either may still be undone when the job is over.
 */
unsigned long tx_job(const struct tx *tx, unsigned long *ret_batch);

#endif
