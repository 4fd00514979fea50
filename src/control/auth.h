/*
 * DOC: who is calling: by bearer token, by session cookie, or over the unix socket by uid; and what
 * the request must look like to be believed (Host, Origin, content type). What the caller may do is
 * the route table's business (api.h).
 */
#ifndef WARREN_CONTROL_AUTH_H
#define WARREN_CONTROL_AUTH_H

#include "control/control.h"
#include "control/rights.h"
#include "model/objects.h"

struct http_request;

#define SESSION_COOKIE "warren_session"

#define NAME_BYTES 257 /* 64 characters of UTF-8 and NUL */

enum principal_kind { PRINCIPAL_NOBODY, PRINCIPAL_LOCAL, PRINCIPAL_USER, PRINCIPAL_TOKEN };

struct principal {
	int kind;              /* enum principal_kind */
	id_text id;            /* user or token id, "local" */
	char name[NAME_BYTES]; /* for answers */
	id_text project;       /* "" = all projects */
	char role[NAME_BYTES]; /* for answers */
	struct rights rights;
	id_text behind;  /* the user it comes from: itself, who made the token, or "local" */
	id_text session; /* of a user that came by cookie, or "" */
	bool must_change_password;
	bool totp; /* has a second step */
};

/* What a user is, but for the session. */
void auth_user(struct tx *tx, const struct user *u, struct principal *ret);

/* 0, ERR_UNAUTHORIZED (no or bad credentials) or ERR_DENIED (Host, Origin). */
int auth_principal(
	struct control *c, const struct http_request *rq, struct principal *ret, struct err *e);

/* Is somebody who was let in earlier still who they were, with no fewer rights? For what outlives
 * its call, as event streams do. */
bool auth_still(struct control *c, const struct principal *was);

/* Host and Origin of a call that a browser may have been tricked into: ERR_DENIED. */
int auth_browser_check(const struct control *c, const struct http_request *rq, struct err *e);

/* May a browser talk to us under this Host header? */
bool auth_host_allowed(const struct control *c, const char *host);

/* Host of "host:port" or "[v6]:port" or "host", without brackets. */
void auth_host_only(const char *host, char *ret, size_t size);

#endif
