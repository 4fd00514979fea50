/* DOC: see fixture.h. */
#include "fixture.h"

#include "base/rand.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void place_make(struct place *p)
{
	/* What these tests say does not hang on the disk: power cuts have a disk of their own. */
	snprintf(p->dir, sizeof(p->dir), "%s/warren-store-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/warren.db", p->dir);
}

void place_remove(struct place *p)
{
	static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		snprintf(path, sizeof(path), "%s%s", p->path, tails[i]);
		unlink(path);
	}
	rmdir(p->dir);
}

#define V6 ((u128)0xfd00000000000001ull << 64)
const struct world world = {
	.project = "prj_0",
	.network = "net_0",
	.node = "node_0",
	.v4_first = {FAMILY_IPV4, 0x0a000001},
	.v4_last = {FAMILY_IPV4, 0x0a000001 + WORLD_POOL - 1},
	.v6_first = {FAMILY_IPV6, V6 + 1},
	.v6_last = {FAMILY_IPV6, V6 + UINT64_MAX},
};

static int make(struct tx *tx, void *arg, struct err *e)
{
	struct project p = {.name = (char *)"home", .created_at = tx_now(tx)};
	struct network n = {.name = (char *)"default", .domain = (char *)"home.example"};
	struct node node = {.name = (char *)"gateway", .enabled = true, .revision = 1};
	int code;

	id_copy(p.id, world.project);
	id_copy(n.id, world.network);
	id_copy(n.project, world.project);
	id_copy(node.id, world.node);
	id_copy(node.project, world.project);
	code = tx_insert(tx, &schema_project, &p, e);
	if (code == 0)
		code = tx_insert(tx, &schema_network, &n, e);
	if (code == 0)
		code = tx_insert(tx, &schema_node, &node, e);
	return code;
}

void world_make(struct store *s)
{
	struct err e = {0};

	if (store_write_wait(s, make, NULL, &e) < 0)
		fail_msg("world: %s", e.text);
}

struct create create_named(const char *fmt, ...)
{
	struct create c = {0};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c.name, sizeof(c.name), fmt, ap);
	va_end(ap);
	return c;
}

void create_done(struct create *c)
{
	schema_done(&schema_device, &c->out);
}

int create_device(struct tx *tx, void *arg, struct err *e)
{
	struct create *c = arg;
	struct device *d = &c->out;
	struct id_vec nodes = {0};
	int code;

	create_done(c);
	id_make("cl", tx_now(tx), d->id);
	id_copy(d->project, world.project);
	id_copy(d->network, world.network);
	d->name = mem_strdup(c->name);
	d->dns_name = mem_strdup(c->name);
	d->enabled = true;
	d->created_at = tx_now(tx);
	rand_bytes(d->public_key.bytes, KEY_LEN);
	id_vec_add(&nodes, world.node);
	code = tx_lease(tx, world.network, world.v4_first, world.v4_last, d->id, 1000, &d->ipv4, e);
	if (code == 0)
		code = tx_lease(
			tx, world.network, world.v6_first, world.v6_last, d->id, 1000, &d->ipv6, e);
	if (code == 0)
		code = tx_insert(tx, &schema_device, d, e);
	if (code == 0)
		code = tx_outbox(
			tx, &schema_device, world.project, world.network, NULL, d, &nodes, e);
	if (code == 0)
		code = tx_audit(tx, world.project, "usr_0", "client.create", d->id, d->name, e);
	VEC_DONE(&nodes);
	return code < 0 ? code : c->fail;
}

/* --- the judge -------------------------------------------------------------------------------- */

static int64_t ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t n;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	if (sqlite3_step(stmt) != SQLITE_ROW)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

static void judge_sound(sqlite3 *db)
{
	sqlite3_stmt *stmt = NULL;

	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), 0);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
	sqlite3_finalize(stmt);
}

static void judge_names(sqlite3 *db, const struct strs *names)
{
	sqlite3_stmt *stmt = NULL;

	assert_int_equal(sqlite3_prepare_v2(
				 db, "SELECT count(*) FROM device WHERE name = ?", -1, &stmt, NULL),
		0);
	VEC_FOREACH (name, names) {
		sqlite3_bind_text(stmt, 1, *name, -1, SQLITE_STATIC);
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		if (sqlite3_column_int(stmt, 0) != 1)
			fail_msg("%s was acknowledged and is there %d times", *name,
				sqlite3_column_int(stmt, 0));
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
}

static int verify_audit(struct tx *tx, void *arg, struct err *e)
{
	return tx_audit_verify(tx, world.project, e);
}

size_t judge(const char *path, const struct strs *acknowledged)
{
	struct store *s = NULL;
	struct err e = {0};
	sqlite3 *db = NULL;
	int64_t n;

	if (store_open(&store_sqlite, path, &clock_real, &s, &e) < 0)
		fail_msg("the store does not open: %s", e.text);
	if (store_read(s, verify_audit, NULL, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	judge_sound(db);
	judge_names(db, acknowledged);
	n = ask(db, "SELECT count(*) FROM device");
	assert_int_equal(ask(db, "SELECT count(DISTINCT ipv4) FROM device"), n);
	assert_int_equal(ask(db, "SELECT count(DISTINCT ipv6) FROM device"), n);
	assert_int_equal(ask(db, "SELECT count(*) FROM lease WHERE freed_at = 0"), 2 * n);
	assert_int_equal(
		ask(db, "SELECT count(*) FROM lease JOIN device ON lease.owner = device.id"),
		2 * n);
	assert_int_equal(
		ask(db, "SELECT count(*) FROM outbox JOIN device ON object = device.id"), n);
	assert_int_equal(
		ask(db, "SELECT count(*) FROM audit JOIN device ON object = device.id"), n);
	assert_int_equal(ask(db, "SELECT count(*) FROM audit"), n);
	if (ask(db, "SELECT count(*) FROM node") == 1)
		assert_int_equal(ask(db, "SELECT revision FROM node"), n + 1);
	else
		assert_int_equal(n, 0);
	sqlite3_close(db);
	store_close(s);
	return (size_t)n;
}
