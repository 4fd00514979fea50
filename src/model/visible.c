/*
 * DOC: see visible.h. Tables of ranges from Unicode's Default_Ignorable_Code_Point and
 * White_Space, and its noncharacters; C0, C1 and what turns the direction of a whole text are
 * refused as controls before.
 */
#include "model/visible.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define JOINING_FROM 0x590 /* below are Latin, Greek, Cyrillic: nothing there joins */
#define BLACK_FLAG 0x1f3f4
#define TAG_FIRST 0xe0020
#define TAG_LAST 0xe007f

enum sight { SEEN, SPACE, HIDDEN, JOINER, SELECTOR, TAG };

static const struct range {
	uint32_t first, last;
	enum sight sight;
} ranges[] = {
	{0x20, 0x20, SPACE},
	{0xa0, 0xa0, SPACE},
	{0xad, 0xad, HIDDEN},
	{0x34f, 0x34f, HIDDEN},
	{0x61c, 0x61c, HIDDEN},
	{0x115f, 0x1160, HIDDEN},
	{0x1680, 0x1680, SPACE},
	{0x17b4, 0x17b5, HIDDEN},
	{0x180b, 0x180d, SELECTOR},
	{0x180e, 0x180e, HIDDEN},
	{0x180f, 0x180f, SELECTOR},
	{0x2000, 0x200a, SPACE},
	{0x200b, 0x200b, HIDDEN},
	{0x200c, 0x200d, JOINER},
	{0x200e, 0x200f, HIDDEN},
	{0x202f, 0x202f, SPACE},
	{0x205f, 0x205f, SPACE},
	{0x2060, 0x206f, HIDDEN},
	{0x2800, 0x2800, SPACE},
	{0x3000, 0x3000, SPACE},
	{0x3164, 0x3164, HIDDEN},
	{0xfdd0, 0xfdef, HIDDEN},
	{0xfe00, 0xfe0f, SELECTOR},
	{0xfeff, 0xfeff, HIDDEN},
	{0xffa0, 0xffa0, HIDDEN},
	{0xfff0, 0xfffb, HIDDEN},
	{0x1bca0, 0x1bca3, HIDDEN},
	{0x1d173, 0x1d17a, HIDDEN},
	{0xe0000, TAG_FIRST - 1, HIDDEN},
	{TAG_FIRST, TAG_LAST, TAG},
	{TAG_LAST + 1, 0xe00ff, HIDDEN},
	{0xe0100, 0xe01ef, SELECTOR},
	{0xe01f0, 0xe0fff, HIDDEN},
};

static int compare(const void *key, const void *item)
{
	const uint32_t *c = key;
	const struct range *r = item;

	return *c < r->first ? -1 : *c > r->last;
}

static enum sight sight_of(uint32_t c)
{
	const struct range *r = bsearch(&c, ranges, ARRAY_LEN(ranges), sizeof(ranges[0]), compare);

	/* the last two of each plane are no characters, and XML is refused for some of them */
	if ((c & 0xfffe) == 0xfffe)
		return HIDDEN;
	return r == NULL ? SEEN : r->sight;
}

static bool joins(uint32_t c)
{
	return c >= JOINING_FROM && sight_of(c) == SEEN;
}

/* The character after this one, 0 at the end. */
static uint32_t following(const char *at)
{
	uint32_t c = 0;

	return *at != '\0' && text_character(at, &c) > 0 ? c : 0;
}

const char *visible_fault(const char *text)
{
	static const char hides[] = "has invisible characters";
	uint32_t c = 0, before = 0, shown = 0; /* shown: before any selector */
	bool seen = false, flag = false;
	int n;

	for (; *text != '\0'; text += n, before = c) {
		enum sight sight;

		n = text_character(text, &c);
		if (n == 0)
			return hides;
		sight = sight_of(c);
		if (sight == HIDDEN ||
			(sight == JOINER && !(joins(shown) && joins(following(text + n)))) ||
			(sight == SELECTOR && sight_of(before) != SEEN) || (sight == TAG && !flag))
			return hides;
		if (sight != SELECTOR)
			shown = c;
		flag = c == BLACK_FLAG || sight == TAG;
		seen = seen || sight == SEEN;
	}
	return seen ? NULL : "must have a visible character";
}
