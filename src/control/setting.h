/*
 * DOC: settings of the server that its system-admins change while it runs: numbers with a name, a
 * default and bounds, kept in the store, read from memory by any thread.
 */
#ifndef WARREN_CONTROL_SETTING_H
#define WARREN_CONTROL_SETTING_H

#include "codec/json.h"
#include "store/store.h"

enum setting {
	SETTING_SESSION_IDLE,   /* minutes without a call after which a session ends */
	SETTING_SESSION_LIFE,   /* hours after which it ends anyway */
	SETTING_AUDIT_KEEP,     /* days; 0 = for ever */
	SETTING_SIGNON_PRIVATE, /* 1: issuers may be at loopback, private and link-local addresses
				 */
	SETTING_COUNT,
};

struct settings_live;
struct settings_live *settings_live_new(void); /* defaults */
struct settings_live *settings_live_free(struct settings_live *s);
int64_t setting_get(const struct settings_live *s, enum setting which);

/* store_fn: fill `arg` (a struct settings_live) from the store. */
int settings_load(struct tx *tx, void *arg, struct err *e);
/* Store what a body names. ERR_INVALID names an unknown one or one out of bounds; then nothing is
 * changed. settings_load after the commit makes it count. */
int settings_change(struct tx *tx, const struct json *body, struct err *e);
/* Append {"name":value,...}. */
void settings_write(const struct settings_live *s, struct buf *out);

#endif
