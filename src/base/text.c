/* DOC: numbers, hex, UTF-8; see text.h. */
#include "base/text.h"

#include "base/err.h"

#include <string.h>

int text_u64(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (*s == '\0')
		return ERR_INVALID;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return ERR_INVALID;
		if (__builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(v, (uint64_t)(*s - '0'), &v) || v > max)
			return ERR_INVALID;
	}
	*ret = v;
	return 0;
}

void text_hex(const uint8_t *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}

#define NOT_HEX 0x100u

/* Without branches or tables: digits of keys are random, so that a branch on one costs more than
 * all else and tells an observer about it. The masks are all ones below bit 24, or zero. */
static unsigned nibble(char c)
{
	unsigned digit = (unsigned char)c ^ 0x30u;
	unsigned letter = ((unsigned char)c & 0xdfu) - ('A' - 10u);
	unsigned is_digit = (digit - 10u) >> 8;
	unsigned is_letter = ((letter - 10u) ^ (letter - 16u)) >> 8;

	return (is_digit & digit) | (is_letter & letter) | (~(is_digit | is_letter) & NOT_HEX);
}

int text_hex_digit(char c)
{
	unsigned v = nibble(c);

	return v & NOT_HEX ? -1 : (int)v;
}

int text_unhex(const char *s, uint8_t *out, size_t n)
{
	unsigned wrong = 0;

	if (strlen(s) != 2 * n)
		return ERR_INVALID;
	for (size_t i = 0; i < n; i++) {
		unsigned hi = nibble(s[2 * i]), lo = nibble(s[2 * i + 1]);

		wrong |= hi | lo;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return wrong & NOT_HEX ? ERR_INVALID : 0;
}

/* Decode one UTF-8 character; its length in bytes, or 0 when malformed (RFC 3629). */
static int decode(const unsigned char *s, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	int n = s[0] < 0x80                   ? 1
		: s[0] >= 0xf0 && s[0] < 0xf5 ? 4
		: s[0] >= 0xe0 && s[0] < 0xf0 ? 3
		: s[0] >= 0xc2 && s[0] < 0xe0 ? 2
					      : 0;
	uint32_t c;

	if (n == 0)
		return 0;
	c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	for (int i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

/* Line and paragraph separators break lines in some readers, and what turns the direction of
 * writing makes one name look like another: refused with controls. */
static int is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
		(c >= 0x2066 && c <= 0x2069);
}

int text_character(const char *s, uint32_t *ret)
{
	return decode((const unsigned char *)s, ret);
}

int text_printable(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	int chars = 0;

	while (*p != '\0') {
		uint32_t c = 0;
		int n = decode(p, &c);

		if (n == 0 || is_control(c))
			return ERR_INVALID;
		p += n;
		chars++;
	}
	return chars;
}

void text_make_printable(char *s)
{
	char *to = s;

	while (*s != '\0') {
		uint32_t c = 0;
		int n = decode((const unsigned char *)s, &c), bad = n == 0 || is_control(c);

		if (bad)
			*to++ = '?';
		else
			for (int i = 0; i < n; i++)
				*to++ = s[i];
		s += n == 0 ? 1 : n;
	}
	*to = '\0';
}

int text_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}
