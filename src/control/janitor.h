/*
 * DOC: what time does to the store: once a minute expired sessions go, clients whose time has come
 * are written down (and shown to open panels), and audit lines older than audit_keep_days are
 * pruned. The hub's tick calls it; the work is the writer's, some rows at a time.
 */
#ifndef WARREN_CONTROL_JANITOR_H
#define WARREN_CONTROL_JANITOR_H

#include "control/control.h"
#include "store/store.h"

#define JANITOR_EVERY ((msec)60 * 1000)
#define JANITOR_ROWS 500 /* of a kind in one transaction */

struct janitor;
struct janitor *janitor_new(struct control *c);
struct janitor *janitor_free(struct janitor *j); /* after the store's last job */
/* now: monotonic. Queues a round when it is time and the last one has ended. */
void janitor_tick(struct janitor *j, msec now);
/* store_fn of one round, for tests: arg is a struct control. */
int janitor_round(struct tx *tx, void *arg, struct err *e);

#endif
