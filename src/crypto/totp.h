/*
 * DOC: the second step of signing in: time-based one-time passwords (RFC 6238: SHA-1, 30 s, six
 * digits, what every authenticator speaks) by liboath, and the recovery codes beside them.
 */
#ifndef WARREN_CRYPTO_TOTP_H
#define WARREN_CRYPTO_TOTP_H

#include "base/buf.h"
#include "base/clock.h"
#include "crypto/secret.h"

#define TOTP_SECRET_LEN 20 /* of the 32 bytes of a struct secret; the rest is zero */
#define TOTP_DIGITS 6
#define TOTP_STEP 30  /* seconds */
#define TOTP_WINDOW 1 /* steps before and after now that are taken */
#define RECOVERY_CODES 10
#define RECOVERY_LEN 20 /* with NUL: three groups of five, base32, 75 bits */

void totp_generate(struct secret *ret);
/* Base32 as people type it; appended. The caller wipes out. */
void totp_text(const struct secret *s, struct buf *out);
/* otpauth://totp/ISSUER:NAME?secret=...; appended. The caller wipes out. */
void totp_uri(const struct secret *s, const char *issuer, const char *name, struct buf *out);
/* The time step a code is of, when it is one of now's (wall ms) and after `last`; else 0. */
uint64_t totp_check(const struct secret *s, const char *code, msec now, uint64_t last);
void recovery_make(char ret[static RECOVERY_LEN]);

#endif
