/* DOC: see second.h. */
#include "control/second.h"

#include "codec/json.h"
#include "control/secrets.h"
#include "crypto/token.h"
#include "crypto/totp.h"

#include <ctype.h>
#include <string.h>

#define SECRET_TOTP "totp" /* owner: user */

int second_begin(struct tx *tx, const struct control *c, const struct user *u, struct secret *ret,
	struct err *e)
{
	if (u->totp)
		return err_set(e, ERR_EXISTS, "a second step is set up already: take it off first");
	totp_generate(ret);
	return secrets_put(tx, &c->keys, u->id, SECRET_TOTP, ret, e);
}

static int check_totp(
	struct tx *tx, const struct control *c, struct user *u, const char *code, struct err *e)
{
	struct secret s;
	int r = secrets_get(tx, &c->keys, u->id, SECRET_TOTP, &s, e);
	uint64_t step;

	if (r < 0)
		return r == ERR_NOT_FOUND ? err_set(e, r, "begin first: POST /api/v1/me/totp") : r;
	step = totp_check(&s, code, tx_now(tx), u->totp_step);
	secret_wipe(&s);
	if (step == 0)
		return err_field(e, ERR_UNAUTHORIZED, "code", "this code is not valid");
	u->totp_step = step;
	return 0;
}

int second_confirm(struct tx *tx, const struct control *c, struct user *u, const char *code,
	struct buf *codes, struct err *e)
{
	struct json_writer w = {.out = codes};
	int r = u->totp ? err_set(e, ERR_EXISTS, "the second step is set up already")
			: check_totp(tx, c, u, code, e);

	if (r == ERR_UNAUTHORIZED)
		return err_field(e, ERR_DENIED, "code", "this code is not valid");
	if (r < 0)
		return r;
	u->totp = true;
	strs_done(&u->recovery);
	json_begin_array(&w, NULL);
	for (int i = 0; i < RECOVERY_CODES; i++) {
		char text[RECOVERY_LEN], hex[HASH_HEX_LEN];

		recovery_make(text);
		strs_push(&u->recovery, token_hash_hex(text, hex));
		json_put_str(&w, NULL, text);
		mem_wipe(text, sizeof(text));
	}
	json_end_array(&w);
	return 0;
}

/* Recovery codes have 75 random bits: a plain hash of one cannot be searched. */
static bool use_recovery(struct user *u, const char *code)
{
	char text[CODE_MAX + 1], hex[HASH_HEX_LEN];
	size_t n = 0;

	for (; *code != '\0' && n < CODE_MAX; code++)
		if (!isspace((unsigned char)*code))
			text[n++] = (char)tolower((unsigned char)*code);
	text[n] = '\0';
	token_hash_hex(text, hex);
	for (size_t i = 0; i < u->recovery.n; i++)
		if (strcmp(u->recovery.v[i], hex) == 0) {
			mem_free(u->recovery.v[i]);
			VEC_REMOVE(&u->recovery, i);
			return true;
		}
	return false;
}

int second_check(
	struct tx *tx, const struct control *c, struct user *u, const char *code, struct err *e)
{
	return use_recovery(u, code) ? 0 : check_totp(tx, c, u, code, e);
}

int second_drop(struct tx *tx, struct user *u, struct err *e)
{
	u->totp = false;
	u->totp_step = 0;
	strs_done(&u->recovery);
	return tx_secret_delete(tx, u->id, e);
}
