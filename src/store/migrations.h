/* DOC: the steps that bring a database from any older schema to the newest. */
#ifndef WARREN_STORE_MIGRATIONS_H
#define WARREN_STORE_MIGRATIONS_H

#include "store/engine.h"

extern const char *const migrations_sqlite[]; /* NULL-terminated, see store_engine.migrations */

/* Run what is missing, all in one transaction. ERR_UNSUPPORTED when the schema is newer than this
 * program; path is for the sentence. */
int migrations_run(const struct store_engine *engine, struct engine_conn *writer, const char *path,
	struct err *e);

#endif
