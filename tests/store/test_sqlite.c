/* DOC: the suite on SQLite, and what is SQLite's alone: the file, its mode, its schema, damage. */
#include "conformance.h"
#include "fixture.h"

#include "base/file.h"
#include "store/engine.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct place place;

static const char *fresh(void)
{
	place_make(&place);
	return place.path;
}

static void gone(void)
{
	place_remove(&place);
}

static int setup(void **state)
{
	place_make(&place);
	return 0;
}

static int teardown(void **state)
{
	place_remove(&place);
	return 0;
}

static struct store *open_ok(void)
{
	struct store *s = NULL;
	struct err e = {0};

	if (store_open(&store_sqlite, place.path, &clock_real, &s, &e) < 0)
		fail_msg("%s", e.text);
	return s;
}

static void expect_refused(int code, const char *word)
{
	struct store *s = NULL;
	struct err e = {0};

	assert_int_equal(store_open(&store_sqlite, place.path, &clock_real, &s, &e), code);
	assert_null(s);
	if (strstr(e.text, place.path) == NULL || strstr(e.text, word) == NULL)
		fail_msg("the error does not name file or reason: %s", e.text);
}

static void script(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(place.path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void expect_mode(const char *tail, mode_t mode)
{
	AUTOFREE char *path = mem_printf("%s%s", place.path, tail);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, mode);
}

static int put_node(struct tx *tx, void *arg, struct err *e)
{
	return tx_insert(tx, &schema_node, arg, e);
}

static int put_membership(struct tx *tx, void *arg, struct err *e)
{
	const struct member m = {.id = "mem_1",
		.project = "prj_1",
		.network = "net_1",
		.node = "node_busy",
		.roles = ROLE_PEER | ROLE_GATEWAY};

	return tx_insert(tx, &schema_member, &m, e);
}

struct asked {
	const char *node;
	unsigned roles;
};

static int get_roles(struct tx *tx, void *arg, struct err *e)
{
	struct asked *a = arg;
	struct node n = {0};
	int r = tx_get(tx, &schema_node, a->node, &n, e);

	a->roles = n.granted_roles;
	schema_done(&schema_node, &n);
	return r;
}

static unsigned roles_of(struct store *s, const char *node)
{
	struct asked a = {.node = node};
	struct err e = {0};

	if (store_read(s, get_roles, &a, &e) < 0)
		fail_msg("%s", e.text);
	return a.roles;
}

static void test_private(void **state)
{
	mode_t old = umask(0);
	struct store *s = open_ok();

	world_make(s);
	expect_mode("", 0600);
	expect_mode("-wal", 0600);
	expect_mode("-shm", 0600);
	store_close(s);
	assert_int_equal(chmod(place.path, 0644), 0);
	store_close(open_ok());
	expect_mode("", 0600);
	umask(old);
}

static void test_newer(void **state)
{
	store_close(open_ok());
	script("PRAGMA user_version = 1000");
	expect_refused(ERR_UNSUPPORTED, "newer");
}

/* What one migration does to rows that are there already: a node is granted the roles it has. */
static void test_granted_roles(void **state)
{
	const char *const *migration = store_sqlite.migrations;
	struct node busy = {.id = "node_busy", .project = "prj_1"};
	struct node idle = {.id = "node_idle", .project = "prj_1"};
	struct store *s = open_ok();
	struct err e = {0};

	store_close(s);
	while (*migration != NULL && strstr(*migration, "granted_roles") == NULL)
		migration++;
	assert_non_null(*migration);
	busy.name = (char[]){"busy"};
	idle.name = (char[]){"idle"};
	s = open_ok();
	assert_int_equal(store_write_wait(s, put_node, &busy, &e), 0);
	assert_int_equal(store_write_wait(s, put_node, &idle, &e), 0);
	assert_int_equal(store_write_wait(s, put_membership, NULL, &e), 0);
	store_close(s);
	script("ALTER TABLE node DROP COLUMN granted_roles");
	script(*migration);
	s = open_ok();
	assert_int_equal(roles_of(s, "node_busy"), ROLE_PEER | ROLE_GATEWAY);
	assert_int_equal(roles_of(s, "node_idle"), 0);
	store_close(s);
}

static void test_foreign(void **state)
{
	script("CREATE TABLE music (title TEXT)");
	expect_refused(ERR_CORRUPT, "not a store");
}

static void test_not_a_database(void **state)
{
	char junk[4096];

	memset(junk, 'x', sizeof(junk));
	assert_int_equal(file_write(place.path, junk, sizeof(junk), 0600, NULL), 0);
	expect_refused(ERR_CORRUPT, "not a database");
}

/* One page in the middle of the file is overwritten. */
static void test_damaged(void **state)
{
	struct store *s = open_ok();
	FILE *f;

	world_make(s);
	for (int i = 0; i < 300; i++) {
		struct create c = create_named("device number %d", i);

		assert_int_equal(store_write_wait(s, create_device, &c, NULL), 0);
		create_done(&c);
	}
	store_close(s);
	f = fopen(place.path, "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	assert_int_equal(fseek(f, ftell(f) / 2 / 4096 * 4096, SEEK_SET), 0);
	for (int i = 0; i < 4096; i++)
		fputc(0xa5, f);
	fclose(f);
	expect_refused(ERR_CORRUPT, "");
}

static void test_not_writable(void **state)
{
	struct place other = place;

	snprintf(place.path, sizeof(place.path), "%s/no/such/folder.db", place.dir);
	expect_refused(ERR_SYSTEM, "No such file");
	snprintf(place.path, sizeof(place.path), "%s", place.dir);
	expect_refused(ERR_SYSTEM, "directory");
	place = other;
	if (geteuid() == 0) {
		assert_int_equal(chmod(place.dir, 0755), 0);
		assert_int_equal(seteuid(65534), 0);
		expect_refused(ERR_SYSTEM, "Permission denied");
		assert_int_equal(seteuid(0), 0);
	} else {
		assert_int_equal(chmod(place.dir, 0500), 0);
		expect_refused(ERR_SYSTEM, "Permission denied");
		assert_int_equal(chmod(place.dir, 0700), 0);
	}
}

/* The columns are the fields, in the schema's own table, with the right kind of value. */
static void test_schema(void **state)
{
	sqlite3 *db;

	store_close(open_ok());
	assert_int_equal(sqlite3_open(place.path, &db), SQLITE_OK);
	for (size_t i = 0; schemas[i] != NULL; i++) {
		const struct schema *s = schemas[i];

		for (size_t f = 0; f < s->n; f++) {
			const char *type = NULL, *want = "TEXT";
			int not_null = 0;

			switch (s->fields[f].type) {
			case FIELD_BOOL:
			case FIELD_U16:
			case FIELD_U32:
			case FIELD_I32:
			case FIELD_U64:
			case FIELD_TIME:
				want = "INTEGER";
				break;
			default:
				break;
			}
			if (sqlite3_table_column_metadata(db, NULL, s->name, s->fields[f].name,
				    &type, NULL, &not_null, NULL, NULL) != SQLITE_OK)
				fail_msg("no column %s.%s", s->name, s->fields[f].name);
			assert_string_equal(type, want);
			assert_true(not_null);
		}
	}
	sqlite3_close(db);
}

static bool file_has(const char *tail, const char *text)
{
	AUTOFREE char *path = mem_printf("%s%s", place.path, tail);
	CLEANUP(buf_done) struct buf b = {0};

	if (file_read(path, 1 << 24, &b, NULL) < 0)
		return false;
	return b.len > 0 && memmem(b.data, b.len, text, strlen(text)) != NULL;
}

static int put(struct tx *tx, void *arg, struct err *e)
{
	return tx_secret_put(tx, "cl_1", "private", arg, strlen(arg), e);
}

static int erase(struct tx *tx, void *arg, struct err *e)
{
	return tx_secret_delete(tx, "cl_1", e);
}

static int nothing(struct tx *tx, void *arg, struct err *e)
{
	return 0;
}

/* An erased secret is neither in the file nor in its log, while the store goes on. */
static void test_erased(void **state)
{
	static char sealed[] = "sealed-4b1d-bytes-to-look-for";
	struct store *s = open_ok();

	assert_int_equal(store_write_wait(s, put, sealed, NULL), 0);
	assert_true(file_has("", sealed) || file_has("-wal", sealed));
	assert_int_equal(store_write_wait(s, erase, NULL, NULL), 0);
	/* the log is scrubbed by the writer when nothing else waits for it: behind this job or,
	 * when the job came before it looked, behind the next */
	for (int i = 0; i < 1000 && file_has("-wal", sealed); i++)
		assert_int_equal(store_write_wait(s, nothing, NULL, NULL), 0);
	assert_false(file_has("", sealed));
	assert_false(file_has("-wal", sealed));
	store_close(s);
}

/* Lookups that every create or registration makes must not walk a table. */
static void test_indexed(void **state)
{
	static const char *const lookups[] = {
		"SELECT * FROM device WHERE \"network\" = ? AND \"network\" <> ''"
		" AND \"dns_name\" = ? AND \"dns_name\" <> ''",
		"SELECT * FROM device WHERE \"network\" = ? AND \"network\" <> ''"
		" AND \"public_key\" = ? AND \"public_key\" <> ''",
		"SELECT * FROM member WHERE \"project\" = ? AND \"project\" <> ''"
		" AND \"public_key\" = ? AND \"public_key\" <> ''",
		"UPDATE lease SET owner = '', freed_at = ? WHERE owner = ? AND owner <> ''",
		"SELECT addr FROM lease WHERE network = ? AND pool = ? AND freed_at > 0"
		" AND freed_at <= ? AND addr BETWEEN ? AND ? ORDER BY freed_at, addr LIMIT 1",
	};
	static const char *const indexes[] = {
		"device_dns", "device_key", "member_by_key", "lease_owner", "lease_rest"};
	sqlite3 *db;

	store_close(open_ok());
	assert_int_equal(sqlite3_open(place.path, &db), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(lookups); i++) {
		AUTOFREE char *sql = mem_printf("EXPLAIN QUERY PLAN %s", lookups[i]);
		sqlite3_stmt *stmt;
		const char *plan;

		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		plan = (const char *)sqlite3_column_text(stmt, 3);
		if (strstr(plan, indexes[i]) == NULL)
			fail_msg("%s: %s", lookups[i], plan);
		sqlite3_finalize(stmt);
	}
	sqlite3_close(db);
}

/* One TAP document a run: the conformance suite, or with the word "file" what is SQLite's own. */
int main(int argc, char **argv)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_private),
		T(test_newer),
		T(test_granted_roles),
		T(test_foreign),
		T(test_not_a_database),
		T(test_damaged),
		T(test_not_writable),
		T(test_schema),
		T(test_erased),
		T(test_indexed),
	};

	if (argc < 2)
		return conformance(&store_sqlite, fresh, gone);
	return cmocka_run_group_tests_name("sqlite file", tests, NULL, NULL);
}
