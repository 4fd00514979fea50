/* DOC: the server's settings over REST; setting.c holds the table. */
#include "control/api_handlers.h"

#include "control/setting.h"

static void shown(struct call *c)
{
	settings_write(c->control->settings, &c->out);
	api_reply(c, 200);
}

void api_setting_show(struct call *c)
{
	shown(c);
}

static int change(struct tx *tx, struct call *c, struct err *e)
{
	CLEANUP(buf_done) struct buf what = {0};
	int r = settings_change(tx, c->body, e);
	json_text(c->body, &what);
	return r < 0 ? r : tx_audit(tx, "", c->who.id, "setting.update", "", buf_str(&what), e);
}

static void changed(struct call *c)
{
	if (store_read(c->control->store, settings_load, c->control->settings, &c->err) < 0)
		api_fail(c);
	else
		shown(c);
}

void api_setting_change(struct call *c)
{
	api_write(c, change, changed);
}
