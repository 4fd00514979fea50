/* DOC: times as signed text; see stamp.h. */
#include "codec/stamp.h"

#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>
#include <string.h>

#define SECONDS_END 19 /* 2026-01-02T03:04:05 */
#define FRACTION_MAX 9

int stamp_normal(const char *text, char ret[static STAMP_LEN])
{
	const char *zone;
	size_t digits = 0;
	msec t;

	/* the calendar is the clock's business; here it is only the form */
	if (!text || strnlen(text, STAMP_LEN) >= STAMP_LEN || clock_parse(text, &t) != 0)
		return ERR_INVALID;
	if (text[10] != 'T' || strncmp(text + 17, "60", 2) == 0)
		return ERR_INVALID;
	zone = text + SECONDS_END;
	if (*zone == '.') {
		digits = strspn(++zone, "0123456789");
		zone += digits;
		if (digits > FRACTION_MAX)
			return ERR_INVALID;
		while (digits > 0 && text[SECONDS_END + digits] == '0')
			digits--;
	}
	if (*zone == 'z')
		return ERR_INVALID;
	if (strcmp(zone, "+00:00") == 0 || strcmp(zone, "-00:00") == 0)
		zone = "Z";
	snprintf(ret, STAMP_LEN, "%.*s%s", (int)(SECONDS_END + (digits > 0 ? digits + 1 : 0)), text,
		zone);
	return 0;
}
