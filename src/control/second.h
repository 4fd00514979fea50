/*
 * DOC: the second step of signing in, as the store has it: a secret sealed under the master key,
 * the last time step used, and hashes of the recovery codes. Whoever starts has a secret that
 * counts only after a first code of it was given.
 */
#ifndef WARREN_CONTROL_SECOND_H
#define WARREN_CONTROL_SECOND_H

#include "control/control.h"
#include "model/objects.h"
#include "store/store.h"

#define CODE_MAX 64

/* A new secret for a user who has no second step yet (ERR_EXISTS else); ret is the caller's to
 * wipe. */
int second_begin(struct tx *tx, const struct control *c, const struct user *u, struct secret *ret,
	struct err *e);
/* The first code: u gets its second step and, in codes (a JSON array of texts), recovery codes.
 * The caller stores u. ERR_DENIED naming "code". */
int second_confirm(struct tx *tx, const struct control *c, struct user *u, const char *code,
	struct buf *codes, struct err *e);
/* A code of now or a recovery code; what is used up is noted in u, which the caller stores.
 * ERR_UNAUTHORIZED naming "code", also for a code that was used before. */
int second_check(
	struct tx *tx, const struct control *c, struct user *u, const char *code, struct err *e);
/* Take it away from u, which the caller stores. */
int second_drop(struct tx *tx, struct user *u, struct err *e);

#endif
