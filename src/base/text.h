/* DOC: bounded parsing and encoding of short texts: numbers, hex, base64. */
#ifndef WARREN_BASE_TEXT_H
#define WARREN_BASE_TEXT_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

/* Decimal only, no sign, no space, whole text, at most max. 0 or ERR_INVALID. */
int text_u64(const char *s, uint64_t max, uint64_t *ret);

/* Lower-case hex of n bytes; out holds 2 n + 1. Decoding wants exactly 2 n digits. */
void text_hex(const uint8_t *p, size_t n, char *out);
int text_unhex(const char *s, uint8_t *out, size_t n);
int text_hex_digit(char c); /* 0-15, or -1 */

/* The character at s: its length in bytes, 1 to 4, or 0 where that is no UTF-8. */
int text_character(const char *s, uint32_t *ret);

/* Is s valid UTF-8 without control characters (C0, DEL, C1)? Returns its length in characters,
 * or ERR_INVALID. */
int text_printable(const char *s);
/* Put a '?' in the place of whatever is not, in place: what was cut in the middle of a character
 * can be shown then. */
void text_make_printable(char *s);

int text_starts(const char *s, const char *prefix);

#endif
