/*
 * DOC: what signing in by password, signing in by an issuer and changing one's own account share:
 * a login under way, the session it ends in, the answer that says who one is.
 */
#ifndef WARREN_CONTROL_ME_H
#define WARREN_CONTROL_ME_H

#include "control/api_handlers.h"

/* c->data of such a call. */
struct login {
	char *name, *password, *fresh, *code; /* fresh: the new password; what is not given: NULL */
	char address[64];
	struct user user; /* id "" = nobody by that name */
	struct buf cookie;
	char fresh_hash[128];
	char *made; /* recovery codes as JSON */
	struct secret secret;
};
struct login *login_new(struct call *c, const char *name);
/* Count an attempt, load the user by l->name, and run fn(c) on a worker; or answer. */
void login_check(struct call *c, void (*fn)(void *arg));
/* A failure for the audit log. */
void login_refused(struct call *c, const char *what);

/* In the writer: a session for l->user, whose used-up codes are stored too; c->who becomes them. */
int session_open(struct tx *tx, struct call *c, const char *how, struct err *e);
void session_cookie(struct call *c, const char *value, long age);
void session_cookie_new(struct call *c); /* the one session_open made */

/* Who c->who is and what they may do, appended to c->out. */
void me_write(struct call *c);

/* A text member of the body within bounds; NULL and the error set otherwise. */
const char *want_text(struct call *c, const char *field, size_t min, size_t max);
void text_forget(char *text); /* wipe and free */

#endif
