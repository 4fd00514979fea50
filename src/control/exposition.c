/* DOC: see exposition.h. */
#include "control/exposition.h"

#include <string.h>

bool exposition_is_asked_for(const char *accept)
{
	return accept != NULL && strstr(accept, "application/openmetrics-text") != NULL;
}

const char *exposition_type(bool openmetrics)
{
	return openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
			   : "text/plain; version=0.0.4; charset=utf-8";
}

static const char *suffix(const char *type)
{
	return strcmp(type, "counter") == 0 ? "_total" : "";
}

void exposition_head(
	const struct exposition *x, const char *name, const char *type, const char *help)
{
	const char *more = x->openmetrics ? "" : suffix(type);

	buf_addf(x->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, more, help, name, more, type);
}

void exposition_one(const struct exposition *x, const char *name, const char *type,
	const char *help, double value)
{
	exposition_head(x, name, type, help);
	buf_addf(x->out, "%s%s %.15g\n", name, suffix(type), value);
}

void exposition_label(struct buf *out, const char *value)
{
	for (const char *p = value; *p; p++)
		switch (*p) {
		case '\n':
			buf_adds(out, "\\n");
			break;
		case '"':
		case '\\':
			buf_addc(out, '\\');
			/* fall through */
		default:
			buf_addc(out, *p);
		}
}

void exposition_end(const struct exposition *x)
{
	if (x->openmetrics)
		buf_adds(x->out, "# EOF\n");
}
