/* DOC: see secrets.h. The context "kind/owner" ties a sealed blob to its row. */
#include "control/secrets.h"

#include "base/mem.h"
#include "crypto/key.h"
#include "crypto/seal.h"

#include <string.h>

int secrets_put_bytes(struct tx *tx, const struct control_keys *k, const char *owner,
	const char *kind, const void *p, size_t n, struct err *e)
{
	AUTOFREE char *context = mem_printf("%s/%s", kind, owner);
	CLEANUP(buf_done) struct buf sealed = {0};
	seal_with_secret(&k->master, context, p, n, &sealed);
	return tx_secret_put(tx, owner, kind, sealed.data, sealed.len, e);
}

int secrets_get_bytes(struct tx *tx, const struct control_keys *k, const char *owner,
	const char *kind, struct buf *out, struct err *e)
{
	AUTOFREE char *context = mem_printf("%s/%s", kind, owner);
	CLEANUP(buf_done) struct buf sealed = {0};
	int r = tx_secret_get(tx, owner, kind, &sealed, e);
	return r < 0 ? r
		     : seal_open_with_secret(&k->master, context, sealed.data, sealed.len, out, e);
}

int secrets_put(struct tx *tx, const struct control_keys *k, const char *owner, const char *kind,
	const struct secret *s, struct err *e)
{
	return secrets_put_bytes(tx, k, owner, kind, s->bytes, sizeof(s->bytes), e);
}

int secrets_get(struct tx *tx, const struct control_keys *k, const char *owner, const char *kind,
	struct secret *ret, struct err *e)
{
	CLEANUP(buf_wipe) struct buf plain = {0};
	int r = secrets_get_bytes(tx, k, owner, kind, &plain, e);
	if (r < 0)
		return r;
	if (plain.len != sizeof(ret->bytes))
		return err_set(e, ERR_CORRUPT, "the secret %s of %s is damaged", kind, owner);
	memcpy(ret->bytes, plain.data, plain.len);
	return 0;
}

void secrets_node(
	const struct control_keys *k, const char *node, uint32_t generation, struct secret *ret)
{
	AUTOFREE char *label = mem_printf("node/%s/%u", node, generation);
	key_derive(&k->master, label, ret);
}
