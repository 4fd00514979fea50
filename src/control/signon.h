/*
 * DOC: signing in by an issuer (OpenID Connect, authorization code with PKCE). What must be
 * remembered between leaving for the issuer and coming back travels sealed in a cookie of that
 * browser, so nobody can fill a table here; each comes back once. Discovery and keys are cached,
 * keys fetched anew when a token names one that is not among them. Calls go out on workers of
 * their own, only to public addresses unless the setting signon_private_addresses allows others,
 * without redirects, with bounds of size and time.
 */
#ifndef WARREN_CONTROL_SIGNON_H
#define WARREN_CONTROL_SIGNON_H

#include "codec/json.h"
#include "control/control.h"
#include "model/objects.h"

#define SIGNON_LIFETIME ((msec)10 * 60 * 1000) /* from leaving to coming back */
#define SIGNON_TIMEOUT ((msec)10 * 1000)       /* of a call to an issuer */
#define SIGNON_DISCOVERY_MAX (256 * 1024)
#define SIGNON_FRESH ((msec)3600 * 1000) /* how long discovery and keys are believed */
#define SIGNON_AGAIN ((msec)60 * 1000)   /* at the soonest after which keys are fetched anew */
#define SIGNON_COOKIE "warren_signon"

struct signon;
struct signon *signon_new(struct control *c);
struct signon *signon_free(struct signon *s);

/* "https://HOST...", or with private addresses allowed "http://" on loopback. ERR_INVALID "url". */
int signon_url_check(const struct control *c, const char *url, struct err *e);

/* One sign-in between leaving and coming back. */
struct trip {
	id_text issuer;
	char state[48], nonce[48], verifier[48]; /* 32 random bytes each, base64url */
	char back[300];                          /* redirect_uri */
	msec until;                              /* wall */
};
/* Where to send the browser; fills the trip, whose issuer and back are given. Calls out: on a
 * worker. secret may be empty. */
int signon_leave(struct signon *s, const struct issuer *i, struct trip *t, struct buf *ret_url,
	struct err *e);
/* The trip as the value of a cookie, and back. ERR_UNAUTHORIZED: not ours, damaged, too old. */
void signon_seal(const struct signon *s, const struct trip *t, struct buf *out);
int signon_open(const struct signon *s, const char *cookie, struct trip *ret, struct err *e);
/* Only the first gets 0; ERR_UNAUTHORIZED later. */
int signon_use(struct signon *s, const struct trip *t, struct err *e);
/* Trade the code for the issuer's word on who that is: checked claims, owned by the caller. `said`
 * is the "iss" that came with the code, or NULL. Calls out. */
int signon_return(struct signon *s, const struct issuer *i, const struct trip *t, const char *code,
	const char *said, const struct buf *secret, struct json_doc **ret, struct err *e);
/* Forget what is cached of an issuer. */
void signon_forget(struct signon *s, const char *issuer);

#endif
