/*
 * DOC: ID tokens of an issuer (OpenID Connect Core 1.0): a JSON Web Token in its compact form,
 * signed by one of the keys the issuer publishes. All of it is foreign bytes, bounded here.
 */
#ifndef WARREN_CONTROL_JWT_H
#define WARREN_CONTROL_JWT_H

#include "codec/json.h"

#define JWT_MAX (64 * 1024)
#define JWKS_MAX (256 * 1024)
#define JWKS_KEYS_MAX 64
#define JWT_SKEW ((msec)60 * 1000) /* how far the issuer's clock and ours may differ */
#define JWT_TEXT_MAX 255           /* of "sub", in bytes */

/*
 * The claims of a token whose signature fits a key of the set. RS256, ES256 and EdDSA only: "none"
 * and everything with a shared secret is refused, whatever the token says of itself. ERR_NOT_FOUND:
 * the set has no such key (it may be time to fetch it again). ERR_UNAUTHORIZED: anything else.
 */
int jwt_verify(const struct json *jwks, const char *token, struct json_doc **ret, struct err *e);

/* Is this the issuer's word, to us, in this sign-in, now? ERR_UNAUTHORIZED says what is wrong. */
int jwt_check(const struct json *claims, const char *issuer, const char *client, const char *nonce,
	msec now, struct err *e);

#endif
