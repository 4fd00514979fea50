/* DOC: filling struct err; see err.h for the idiom. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int fill(struct err *e, int code, const char *field, const char *fmt, va_list ap)
{
	if (e == NULL)
		return code;
	e->code = code;
	snprintf(e->field, sizeof(e->field), "%s", field);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	return code;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, code, "", fmt, ap);
	va_end(ap);
	return code;
}

int err_field(struct err *e, int code, const char *field, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, code, field, fmt, ap);
	va_end(ap);
	return code;
}

int err_errno(struct err *e, int errnum, const char *fmt, ...)
{
	va_list ap;
	size_t used;

	va_start(ap, fmt);
	fill(e, ERR_SYSTEM, "", fmt, ap);
	va_end(ap);
	if (e != NULL) {
		used = strlen(e->text);
		snprintf(e->text + used, sizeof(e->text) - used, ": %s", strerror(errnum));
	}
	return ERR_SYSTEM;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	va_list ap;
	char old[sizeof(e->text)];
	size_t used;

	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	used = strlen(e->text);
	snprintf(e->text + used, sizeof(e->text) - used, ": %.*s", (int)sizeof(old) - 1, old);
	return e->code;
}

const char *err_name(int code)
{
	static const char *const names[] = {
		"invalid",
		"not_found",
		"exists",
		"exhausted",
		"denied",
		"unauthorized",
		"gone",
		"corrupt",
		"unsupported",
		"unavailable",
		"timeout",
		"system",
		"internal",
		"stale",
	};
	int i = ERR_INVALID - code;

	if (code == 0)
		return "ok";
	if (i < 0 || i >= (int)(sizeof(names) / sizeof(names[0])))
		return "unknown";
	return names[i];
}
