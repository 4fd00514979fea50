/* DOC: is the audit log whole? Of one project, or of the server (what belongs to no project). */
#include "control/api_handlers.h"

static int verify(struct tx *tx, struct call *c, struct err *e)
{
	struct json_writer w = {.out = &c->out};
	struct err broken = {0};
	int64_t first = 0, last = 0;
	int r = tx_audit_range(tx, c->project, &first, &last, e);
	if (r < 0)
		return r;
	r = tx_audit_verify(tx, c->project, &broken);
	if (r < 0 && r != ERR_CORRUPT) {
		*e = broken;
		return r;
	}
	json_begin_object(&w, NULL);
	json_put_bool(&w, "whole", r == 0);
	json_put_int(&w, "first", first);
	json_put_int(&w, "last", last);
	json_put_str(&w, "fault", r == 0 ? NULL : broken.text);
	json_end_object(&w);
	return 0;
}

void api_audit_verify(struct call *c)
{
	api_read(c, verify);
}
