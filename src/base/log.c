/* DOC: one atomic write per line; see log.h. */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *component = "warren";
static enum log_level lowest = LOG_INFO;

void log_init(const char *name, enum log_level level)
{
	component = name;
	lowest = level;
}

int log_level_parse(const char *name, enum log_level *ret_level)
{
	for (int i = 0; i < 4; i++)
		if (strcmp(name, level_names[i]) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	return ERR_INVALID;
}

static void add_quoted(struct buf *b, const char *s)
{
	int plain = s[0] != '\0';

	for (const char *p = s; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == '"' || *p == '=' || *p == '\\' || *p == 127)
			plain = 0;
	if (plain) {
		buf_adds(b, s);
		return;
	}
	buf_addc(b, '"');
	for (const char *p = s; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			buf_addf(b, "\\%c", *p);
		else if ((unsigned char)*p < ' ' || *p == 127)
			buf_addf(b, "\\x%02x", (unsigned char)*p);
		else
			buf_addc(b, *p);
	}
	buf_addc(b, '"');
}

void log_write(enum log_level level, const char *message, const struct log_value *values, int n)
{
	CLEANUP(buf_done) struct buf b = {0};
	char when[CLOCK_TEXT_LEN];
	ssize_t written;

	if (level < lowest)
		return;
	buf_addf(&b, "%s %-5s %s", clock_format(clock_wall(&clock_real), when), level_names[level],
		message);
	buf_adds(&b, " component=");
	add_quoted(&b, component);
	for (int i = 0; i < n; i++) {
		buf_addf(&b, " %s=", values[i].key);
		if (values[i].str != NULL)
			add_quoted(&b, values[i].str);
		else
			buf_addf(&b, "%lld", (long long)values[i].num);
	}
	buf_addc(&b, '\n');
	written = write(STDERR_FILENO, b.data, b.len);
	(void)written; /* nowhere left to report to */
}
