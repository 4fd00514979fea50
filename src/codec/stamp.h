/* DOC: RFC 3339 times that are signed: their text is kept to the nanosecond, not their number. */
#ifndef WARREN_CODEC_STAMP_H
#define WARREN_CODEC_STAMP_H

#define STAMP_LEN 40 /* 2026-01-02T03:04:05.123456789+01:00 and NUL */

/*
 * The normal form: trailing zeros of the fraction dropped, an offset of zero written Z, any other
 * kept. Capital T and Z, a point, at most nine digits, no leap second: what the signer of the
 * published vectors prints, and nothing else, is taken. ERR_INVALID otherwise and for NULL.
 */
int stamp_normal(const char *text, char ret[static STAMP_LEN]);

#endif
