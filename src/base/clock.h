/*
 * DOC: time is injected. Code that looks at the clock takes a struct clock; tests hand in a fake
 * one and move it by hand, so nothing sleeps. Wall times are milliseconds since 1970 (0 = unset).
 */
#ifndef WARREN_BASE_CLOCK_H
#define WARREN_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

typedef int64_t msec; /* wall time or a span, in milliseconds */

struct clock {
	msec (*wall)(const struct clock *c); /* since 1970-01-01T00:00:00Z */
	msec (*mono)(const struct clock *c); /* monotonic, arbitrary zero */
	msec fake_wall, fake_mono;           /* used by fake clocks only */
};

/* A machine's clock that is farther off than this from the control plane's is worth saying. */
#define CLOCK_OFFSET_SAID ((msec)30 * 1000)

extern const struct clock clock_real;
struct clock clock_fake(msec wall, msec mono);

static inline msec clock_wall(const struct clock *c)
{
	return c->wall(c);
}

static inline msec clock_mono(const struct clock *c)
{
	return c->mono(c);
}

/* RFC 3339 in UTC, with milliseconds when they are not zero: 2026-01-02T03:04:05.678Z */
#define CLOCK_TEXT_LEN 32
const char *clock_format(msec t, char text[static CLOCK_TEXT_LEN]);

/* Parse RFC 3339 (any offset, fraction cut to milliseconds). 0 or ERR_INVALID. */
int clock_parse(const char *text, msec *ret_t);

#endif
