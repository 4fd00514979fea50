/* DOC: real and fake clocks, RFC 3339 text; see clock.h. */
#include "base/clock.h"

#include "base/err.h"
#include "base/fault.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static msec read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (msec)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static msec real_wall(const struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_REALTIME) + (msec)fault_ahead() * 1000;
}

static msec real_mono(const struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_MONOTONIC);
}

static msec fake_wall(const struct clock *c)
{
	return c->fake_wall;
}

static msec fake_mono(const struct clock *c)
{
	return c->fake_mono;
}

const struct clock clock_real = {.wall = real_wall, .mono = real_mono};

struct clock clock_fake(msec wall, msec mono)
{
	return (struct clock){
		.wall = fake_wall, .mono = fake_mono, .fake_wall = wall, .fake_mono = mono};
}

/* n digits and what follows; lists are full of times, and strftime looks at the locale for each. */
static char *put(char *p, int v, int n, char then)
{
	for (int i = n; i-- > 0; v /= 10)
		p[i] = (char)('0' + v % 10);
	p[n] = then;
	return p + n + 1;
}

const char *clock_format(msec t, char text[static CLOCK_TEXT_LEN])
{
	msec ms = ((t % 1000) + 1000) % 1000;
	time_t s = (time_t)((t - ms) / 1000);
	struct tm tm;
	char *p = text;

	if (gmtime_r(&s, &tm) == NULL || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900) {
		snprintf(text, CLOCK_TEXT_LEN, "1970-01-01T00:00:00Z");
		return text;
	}
	p = put(p, tm.tm_year + 1900, 4, '-');
	p = put(p, tm.tm_mon + 1, 2, '-');
	p = put(p, tm.tm_mday, 2, 'T');
	p = put(p, tm.tm_hour, 2, ':');
	p = put(p, tm.tm_min, 2, ':');
	p = put(p, tm.tm_sec, 2, ms != 0 ? '.' : 'Z');
	if (ms != 0)
		p = put(p, (int)ms, 3, 'Z');
	*p = '\0';
	return text;
}

/* Read exactly n digits. */
static int digits(const char **p, int n, int *ret)
{
	int v = 0;

	for (int i = 0; i < n; i++, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return -1;
		v = v * 10 + (**p - '0');
	}
	*ret = v;
	return 0;
}

static int literal(const char **p, char c)
{
	if (**p != c)
		return -1;
	(*p)++;
	return 0;
}

static int offset_minutes(const char **p, int *ret)
{
	int sign, h, m;

	if (**p == 'Z' || **p == 'z') {
		(*p)++;
		*ret = 0;
		return 0;
	}
	if (**p != '+' && **p != '-')
		return -1;
	sign = *(*p)++ == '-' ? -1 : 1;
	if (digits(p, 2, &h) || literal(p, ':') || digits(p, 2, &m) || h > 23 || m > 59)
		return -1;
	*ret = sign * (h * 60 + m);
	return 0;
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

int clock_parse(const char *text, msec *ret_t)
{
	const char *p = text;
	struct tm tm = {0};
	int y, mo, d, h, mi, s, off, ms = 0, scale = 100;

	if (digits(&p, 4, &y) || literal(&p, '-') || digits(&p, 2, &mo) || literal(&p, '-') ||
		digits(&p, 2, &d))
		return ERR_INVALID;
	if (*p != 'T' && *p != 't')
		return ERR_INVALID;
	p++;
	if (digits(&p, 2, &h) || literal(&p, ':') || digits(&p, 2, &mi) || literal(&p, ':') ||
		digits(&p, 2, &s))
		return ERR_INVALID;
	if (y < 1970 || mo < 1 || mo > 12 || d < 1 || d > days_in(y, mo) || h > 23 || mi > 59 ||
		s > 60)
		return ERR_INVALID;
	if (*p == '.') {
		p++;
		if (!isdigit((unsigned char)*p))
			return ERR_INVALID;
		for (; isdigit((unsigned char)*p); p++, scale /= 10)
			ms += (*p - '0') * scale;
	}
	if (offset_minutes(&p, &off) || *p != '\0')
		return ERR_INVALID;
	tm.tm_year = y - 1900;
	tm.tm_mon = mo - 1;
	tm.tm_mday = d;
	tm.tm_hour = h;
	tm.tm_min = mi;
	tm.tm_sec = s;
	*ret_t = ((msec)timegm(&tm) - off * 60) * 1000 + ms;
	return 0;
}
