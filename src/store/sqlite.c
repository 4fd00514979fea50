/*
 * DOC: the SQLite engine. One file in WAL mode with synchronous=FULL: a commit returns after its
 * log is on disk, and readers go on beside the writer on snapshots. Erased rows are overwritten
 * (secure_delete). Prepared statements are kept by their text. <sqlite3.h> stays in this file.
 */
#include "store/engine.h"
#include "store/migrations.h"
#include "store/store.h"

#include "base/map.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x5741524e /* "WARN" in the file's header */
#define BUSY_MS 5000              /* another process holds the write lock, e.g. a backup */
#define STATEMENTS_MAX 256        /* kept per connection; more are dropped together */
#define COLUMNS_MAX 64            /* of a result row */
#define TEXT_OF(x) TEXT_OF_(x)
#define TEXT_OF_(x) #x

struct engine_db {
	char *path;
};

struct statement {
	sqlite3_stmt *stmt;
	bool busy;
	bool kept; /* in the cache */
};

struct engine_conn {
	sqlite3 *db;
	const char *path; /* the engine_db's */
	bool writer;
	struct map statements; /* text -> struct statement */
};

/* "UNIQUE constraint failed: device.network, device.name" -> "name". */
static int unique_error(const char *message, struct err *e)
{
	const char *dot = strrchr(message, '.');

	return err_field(e, ERR_EXISTS, dot == NULL ? "" : dot + 1, "%s is taken",
		dot == NULL ? "the value" : dot + 1);
}

static int sqlite_error(const struct engine_conn *c, struct err *e)
{
	int rc = sqlite3_extended_errcode(c->db);
	int sys = sqlite3_system_errno(c->db);
	const char *message = sqlite3_errmsg(c->db);
	static const struct {
		int rc, code;
	} codes[] = {
		{SQLITE_BUSY, ERR_UNAVAILABLE},
		{SQLITE_LOCKED, ERR_UNAVAILABLE},
		{SQLITE_CORRUPT, ERR_CORRUPT},
		{SQLITE_NOTADB, ERR_CORRUPT},
		{SQLITE_IOERR, ERR_SYSTEM},
		{SQLITE_READONLY, ERR_SYSTEM},
		{SQLITE_CANTOPEN, ERR_SYSTEM},
		{SQLITE_PERM, ERR_SYSTEM},
		{SQLITE_AUTH, ERR_SYSTEM},
	};

	/* Not a fault of ours: somebody must make room, then the same call works. */
	if ((rc & 0xff) == SQLITE_FULL ||
		((rc & 0xff) == SQLITE_IOERR && (sys == ENOSPC || sys == EDQUOT)))
		return err_set(e, ERR_UNAVAILABLE,
			"the disk of the control plane is full: nothing was changed");
	if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY)
		return unique_error(message, e);
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if ((rc & 0xff) != codes[i].rc)
			continue;
		if (codes[i].code == ERR_SYSTEM && sys != 0)
			return err_errno(e, sys, "%s: %s", c->path, message);
		return err_set(e, codes[i].code, "%s: %s", c->path, message);
	}
	return err_set(e, ERR_INTERNAL, "%s: %s", c->path, message);
}

static void *statement_free(struct statement *s)
{
	if (s != NULL)
		sqlite3_finalize(s->stmt);
	return mem_free(s);
}

static void statement_drop(void *s)
{
	statement_free(s);
}

/* Lists make texts of many shapes; when they have filled the cache, start it afresh. */
static void cache_trim(struct engine_conn *c)
{
	struct map old = c->statements;

	if (old.n < STATEMENTS_MAX)
		return;
	c->statements = (struct map){0};
	MAP_FOREACH (slot, &old) {
		struct statement *s = slot->value;

		if (s->busy) {
			map_set(&c->statements, slot->key, s);
			slot->value = NULL;
		}
	}
	map_done(&old, statement_drop);
}

static int statement_take(
	struct engine_conn *c, const char *sql, struct statement **ret, struct err *e)
{
	struct statement *s = map_get(&c->statements, sql);
	bool keep = s == NULL; /* when it is busy further up the stack, a second one is made */

	if (s == NULL || s->busy) {
		sqlite3_stmt *stmt = NULL;

		if (sqlite3_prepare_v3(c->db, sql, -1, keep ? SQLITE_PREPARE_PERSISTENT : 0, &stmt,
			    NULL) != SQLITE_OK)
			return sqlite_error(c, e);
		s = NEW(struct statement);
		s->stmt = stmt;
		s->kept = keep;
		if (keep) {
			cache_trim(c);
			map_set(&c->statements, sql, s);
		}
	}
	s->busy = true;
	*ret = s;
	return 0;
}

static void statement_give(struct statement **ps)
{
	struct statement *s = *ps;

	if (s == NULL)
		return;
	s->busy = false;
	sqlite3_reset(s->stmt);
	sqlite3_clear_bindings(s->stmt);
	if (!s->kept)
		statement_free(s);
}

static int statement_bind(const struct engine_conn *c, const struct statement *s,
	const struct cell *args, size_t n, struct err *e)
{
	int rc = SQLITE_OK;

	if (sqlite3_bind_parameter_count(s->stmt) != (int)n)
		return err_set(e, ERR_INTERNAL, "%zu arguments for: %s", n, sqlite3_sql(s->stmt));
	for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
		const struct cell *a = &args[i];
		const void *p = a->p == NULL ? "" : a->p;

		switch (a->type) {
		case CELL_INT:
			rc = sqlite3_bind_int64(s->stmt, (int)i + 1, a->num);
			break;
		case CELL_TEXT:
			rc = sqlite3_bind_text64(
				s->stmt, (int)i + 1, p, a->n, SQLITE_STATIC, SQLITE_UTF8);
			break;
		case CELL_BLOB:
			rc = sqlite3_bind_blob64(s->stmt, (int)i + 1, p, a->n, SQLITE_STATIC);
			break;
		}
	}
	return rc == SQLITE_OK ? 0 : sqlite_error(c, e);
}

static size_t statement_row(const struct statement *s, struct cell cells[static COLUMNS_MAX])
{
	int n = sqlite3_column_count(s->stmt);

	for (int i = 0; i < n && i < COLUMNS_MAX; i++) {
		struct cell *cell = &cells[i];

		*cell = (struct cell){0};
		switch (sqlite3_column_type(s->stmt, i)) {
		case SQLITE_INTEGER:
			cell->num = sqlite3_column_int64(s->stmt, i);
			continue;
		case SQLITE_BLOB:
			cell->type = CELL_BLOB;
			cell->p = sqlite3_column_blob(s->stmt, i);
			break;
		default:
			cell->type = CELL_TEXT;
			cell->p = sqlite3_column_text(s->stmt, i);
			break;
		}
		cell->n = (size_t)sqlite3_column_bytes(s->stmt, i);
		if (cell->p == NULL)
			cell->p = "";
	}
	return n < COLUMNS_MAX ? (size_t)n : COLUMNS_MAX;
}

static int sqlite_run(struct engine_conn *c, const char *sql, const struct cell *args, size_t n,
	engine_row_fn fn, void *arg, struct err *e)
{
	CLEANUP(statement_give) struct statement *s = NULL;
	int code = statement_take(c, sql, &s, e), rc;

	if (code == 0)
		code = statement_bind(c, s, args, n, e);
	if (code < 0)
		return code;
	while ((rc = sqlite3_step(s->stmt)) == SQLITE_ROW) {
		struct cell cells[COLUMNS_MAX];

		if (fn == NULL)
			continue;
		code = fn(arg, cells, statement_row(s, cells));
		if (code != 0)
			return code < 0 ? code : 0;
	}
	if (rc != SQLITE_DONE)
		return sqlite_error(c, e);
	return sqlite3_stmt_readonly(s->stmt) ? 0 : sqlite3_changes(c->db);
}

static int sqlite_script(struct engine_conn *c, const char *sql, struct err *e)
{
	return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : sqlite_error(c, e);
}

static int command(struct engine_conn *c, const char *sql, struct err *e)
{
	int code = sqlite_run(c, sql, NULL, 0, NULL, NULL, e);

	return code < 0 ? code : 0;
}

static int sqlite_begin(struct engine_conn *c, struct err *e)
{
	return command(c, c->writer ? "BEGIN IMMEDIATE" : "BEGIN", e);
}

static void sqlite_rollback(struct engine_conn *c)
{
	/* SQLite ends a transaction by itself after some I/O errors. */
	if (!sqlite3_get_autocommit(c->db))
		command(c, "ROLLBACK", NULL);
}

static int sqlite_commit(struct engine_conn *c, struct err *e)
{
	int code = command(c, "COMMIT", e);

	if (code < 0)
		sqlite_rollback(c);
	return code;
}

static int sqlite_savepoint(struct engine_conn *c, struct err *e)
{
	if (sqlite3_get_autocommit(c->db))
		return err_set(e, ERR_SYSTEM, "%s: the transaction was lost", c->path);
	return command(c, "SAVEPOINT job", e);
}

static int sqlite_release(struct engine_conn *c, struct err *e)
{
	return command(c, "RELEASE job", e);
}

static int sqlite_undo(struct engine_conn *c, struct err *e)
{
	int code = command(c, "ROLLBACK TO job", e);

	return code < 0 ? code : command(c, "RELEASE job", e);
}

static int take_number(void *arg, const struct cell *cells, size_t n)
{
	*(int64_t *)arg = cells[0].num;
	return 1;
}

static int ask_number(struct engine_conn *c, const char *sql, int64_t *ret, struct err *e)
{
	int code = sqlite_run(c, sql, NULL, 0, take_number, ret, e);

	return code < 0 ? code : 0;
}

static int sqlite_version(struct engine_conn *c, int *ret, struct err *e)
{
	int64_t version = 0;
	int code = ask_number(c, "PRAGMA user_version", &version, e);

	if (code == 0)
		*ret = (int)version;
	return code;
}

static int sqlite_set_version(struct engine_conn *c, int version, struct err *e)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version);
	return sqlite_script(c, sql, e);
}

/* The log is copied into the file and cut to nothing, unless a reader stands in it. */
static int sqlite_scrub(struct engine_conn *c)
{
	int rc;

	sqlite3_busy_timeout(c->db, 0); /* the writer does not wait for readers */
	rc = sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(c->db, BUSY_MS);
	return rc == SQLITE_OK ? 0 : ERR_UNAVAILABLE;
}

static void sqlite_disconnect(struct engine_conn *c)
{
	if (c == NULL)
		return;
	map_done(&c->statements, statement_drop);
	sqlite3_close(c->db);
	mem_free(c);
}

static int sqlite_connect(
	struct engine_db *db, bool writer, struct engine_conn **ret, struct err *e)
{
	struct engine_conn *c = NEW(struct engine_conn);
	int code;

	c->path = db->path;
	c->writer = writer;
	if (sqlite3_open_v2(db->path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
		SQLITE_OK) {
		code = c->db == NULL ? err_set(e, ERR_SYSTEM, "%s: out of memory", db->path)
				     : sqlite_error(c, e);
		sqlite_disconnect(c);
		return code;
	}
	sqlite3_extended_result_codes(c->db, 1);
	sqlite3_busy_timeout(c->db, BUSY_MS);
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	code = sqlite_script(c,
		writer ? "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
			 "PRAGMA foreign_keys = OFF; PRAGMA wal_autocheckpoint = 2000;"
			 "PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY;"
		       : "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;",
		e);
	if (code < 0) {
		sqlite_disconnect(c);
		return code;
	}
	*ret = c;
	return 0;
}

static int check_row(void *arg, const struct cell *cells, size_t n)
{
	snprintf(arg, 128, "%.*s", (int)cells[0].n, (const char *)cells[0].p);
	return 1;
}

/* Ours, or empty; whole; in WAL mode. */
static int check_file(struct engine_conn *c, struct err *e)
{
	int64_t id = 0, tables = 0;
	char verdict[128] = "";
	int code = ask_number(c, "PRAGMA application_id", &id, e);

	if (code == 0)
		code = ask_number(c, "SELECT count(*) FROM sqlite_schema", &tables, e);
	if (code < 0)
		return code;
	if (id != APPLICATION_ID && (id != 0 || tables != 0))
		return err_set(e, ERR_CORRUPT, "%s is not a store of Warren", c->path);
	code = sqlite_run(c, "PRAGMA quick_check(1)", NULL, 0, check_row, verdict, e);
	if (code < 0)
		return code;
	if (strcmp(verdict, "ok") != 0)
		return err_set(e, ERR_CORRUPT, "%s is damaged: %s", c->path, verdict);
	return sqlite_script(c,
		"PRAGMA journal_mode = WAL; PRAGMA application_id = " TEXT_OF(APPLICATION_ID), e);
}

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Ours alone before the first byte is in it; the log files take the mode of the file. */
static int make_file(const char *path, struct err *e)
{
	AUTOFREE char *dir = mem_strdup(path);
	char *slash = strrchr(dir, '/');
	CLEANUP(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CLEANUP(closep) int dir_fd = -1;

	if (fd < 0)
		return err_errno(e, errno, "cannot open %s", path);
	if (fchmod(fd, 0600) < 0)
		return err_errno(e, errno, "cannot make %s private", path);
	if (slash != NULL)
		slash[slash == dir] = '\0';
	dir_fd = open(slash == NULL ? "." : dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 || fsync(dir_fd) < 0)
		return err_errno(e, errno, "cannot sync the folder of %s", path);
	return 0;
}

static void sqlite_close(struct engine_db *db)
{
	if (db == NULL)
		return;
	mem_free(db->path);
	mem_free(db);
}

static int sqlite_open(const char *path, struct engine_db **ret, struct err *e)
{
	struct engine_conn *c = NULL;
	struct engine_db *db;
	int code = make_file(path, e);

	if (code < 0)
		return code;
	db = NEW(struct engine_db);
	db->path = mem_strdup(path);
	code = sqlite_connect(db, true, &c, e);
	if (code == 0)
		code = check_file(c, e);
	sqlite_disconnect(c);
	if (code < 0) {
		sqlite_close(db);
		return code;
	}
	*ret = db;
	return 0;
}

const struct store_engine store_sqlite = {
	.name = "sqlite",
	.migrations = migrations_sqlite,
	.open = sqlite_open,
	.close = sqlite_close,
	.connect = sqlite_connect,
	.disconnect = sqlite_disconnect,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.savepoint = sqlite_savepoint,
	.release = sqlite_release,
	.undo = sqlite_undo,
	.run = sqlite_run,
	.script = sqlite_script,
	.version = sqlite_version,
	.set_version = sqlite_set_version,
	.scrub = sqlite_scrub,
};
