/* DOC: the server's settings over REST (setting.c holds the table), and its signing key. */
#include "control/api_handlers.h"

#include "control/keys.h"
#include "control/setting.h"
#include "crypto/key.h"
#include "crypto/sign.h"

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

/* --- the signing key -------------------------------------------------------------------------- */

static void free_seed(void *data)
{
	secret_wipe(data);
	mem_free(data);
}

static int rotate_signing(struct tx *tx, struct call *c, struct err *e)
{
	int r = keys_new_signing(tx, &c->control->keys, c->data, e);
	struct public_key public;
	char key[KEY_TEXT_LEN];
	if (r < 0)
		return r;
	sign_public(c->data, &public);
	key_format_public(&public, key);
	buf_addf(&c->out, "{\"signing_public_key\":\"%s\"}", key);
	return tx_audit(tx, "", c->who.id, "signing_key.rotate", "", key, e);
}

static void signing_rotated(struct call *c)
{
	hub_new_signing_key(c->control->hub, c->data);
	api_reply(c, 200);
}

void api_signing_rotate(struct call *c)
{
	c->data = NEW(struct secret);
	c->free_data = free_seed;
	api_write(c, rotate_signing, signing_rotated);
}
