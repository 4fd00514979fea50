/*
 * DOC: what the store's tests share: a place on disk, a small world (project, network, node), the
 * job "create a device" as the control plane does it (two leases, the row, an outbox row, an audit
 * line, in one transaction), and the judge that says whether a database holds whole devices only.
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include "base/mem.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define WORLD_POOL 2000 /* IPv4 addresses for devices: 10.0.0.1 and up */

struct place {
	char dir[64];
	char path[96];
};
void place_make(struct place *p);
void place_remove(struct place *p);

/* Ids are fixed, so a world can be met again after the store was closed. */
struct world {
	id_text project, network, node;
	struct addr v4_first, v4_last, v6_first, v6_last;
};
extern const struct world world;
void world_make(struct store *s); /* writes the rows, waits */

struct create {
	char name[64];
	int fail;          /* return this after everything was done */
	struct device out; /* filled in */
};
int create_device(struct tx *tx, void *create, struct err *e);
struct create create_named(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void create_done(struct create *c);

/* Fails the test unless the database at path opens, is sound, has each of the named devices once
 * and, beside them, only whole devices: with both leases, an outbox row and an audit line each,
 * unique addresses, and the node's revision counting them. Returns how many devices there are. */
size_t judge(const char *path, const struct strs *acknowledged);

#endif
