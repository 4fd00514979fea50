/*
 * DOC: what the store needs from a database, as a table of functions: connections, transactions
 * with one level of savepoint, and statements. Everything above (queue, group commit, leases,
 * outbox, audit, paging) is written once against this table, in SQL that SQLite and PostgreSQL
 * both speak: double-quoted names, "?" placeholders (an engine that wants $1 rewrites them when it
 * prepares), RETURNING, ON CONFLICT DO NOTHING / DO UPDATE, row values, LIKE ... ESCAPE.
 *
 * A connection belongs to one thread at a time; different connections may be used together.
 * Statements nest: a row function may run others on the same connection.
 */
#ifndef WARREN_STORE_ENGINE_H
#define WARREN_STORE_ENGINE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value on its way in or out. NULL does not exist here: unset is 0 or the empty text. */
enum cell_type { CELL_INT, CELL_TEXT, CELL_BLOB };
struct cell {
	enum cell_type type;
	int64_t num;   /* CELL_INT */
	const void *p; /* else; borrowed. Text that comes out is NUL-terminated behind n */
	size_t n;
};

struct engine_db;
struct engine_conn;

/* One row; cells live until it returns. Positive ends the statement, negative fails it. */
typedef int (*engine_row_fn)(void *arg, const struct cell *cells, size_t n);

struct store_engine {
	const char *name;
	/* Schema steps; number i brings version i to i + 1. NULL-terminated. */
	const char *const *migrations;

	/* path is a file for SQLite; every later error names it. */
	int (*open)(const char *path, struct engine_db **ret, struct err *e);
	void (*close)(struct engine_db *db); /* after all its connections; NULL is fine */
	int (*connect)(struct engine_db *db, bool writer, struct engine_conn **ret, struct err *e);
	void (*disconnect)(struct engine_conn *c); /* NULL is fine */

	/* A writer's begin takes the write lock; a reader's snapshot stands from its first read.
	 * After a failed commit nothing of the transaction is applied and none is open. */
	int (*begin)(struct engine_conn *c, struct err *e);
	int (*commit)(struct engine_conn *c, struct err *e);
	void (*rollback)(struct engine_conn *c); /* also when none is open */
	/* release keeps what was done since the savepoint, undo takes it back. When either fails
	 * the whole transaction is lost. */
	int (*savepoint)(struct engine_conn *c, struct err *e);
	int (*release)(struct engine_conn *c, struct err *e);
	int (*undo)(struct engine_conn *c, struct err *e);

	/* Run one statement; fn may be NULL. Returns the number of rows it changed. A broken unique
	 * constraint is ERR_EXISTS whose field is the constraint's last column. A failed statement
	 * changes nothing and leaves the transaction usable, unless the database itself is ill. */
	int (*run)(struct engine_conn *c, const char *sql, const struct cell *args, size_t n,
		engine_row_fn fn, void *arg, struct err *e);
	/* Several statements without arguments. */
	int (*script)(struct engine_conn *c, const char *sql, struct err *e);

	/* Schema version; inside a transaction set_version is part of it. */
	int (*version)(struct engine_conn *c, int *ret, struct err *e);
	int (*set_version)(struct engine_conn *c, int version, struct err *e);

	/* Outside a transaction: make erased bytes leave the disk as far as possible. Returns 0
	 * when done, an error when something is in the way and it should be tried again. */
	int (*scrub)(struct engine_conn *c);
};

#endif
