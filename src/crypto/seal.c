/* DOC: sealed blobs; see seal.h. The version bytes differ by kind, so neither opens as the other.
 */
#include "crypto/seal.h"

#include "base/mem.h"
#include "base/rand.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define VERSION_SECRET 1
#define VERSION_PUBLIC 2
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN crypto_aead_xchacha20poly1305_ietf_ABYTES

static int refuse(struct err *e)
{
	return err_set(e, ERR_CORRUPT, "the sealed data does not open: damaged, or of another key");
}

void seal_with_secret(
	const struct secret *key, const char *context, const void *p, size_t n, struct buf *out)
{
	uint8_t *at = (uint8_t *)buf_room(out, 1 + NONCE_LEN + n + TAG_LEN);

	at[0] = VERSION_SECRET;
	rand_bytes(at + 1, NONCE_LEN);
	crypto_aead_xchacha20poly1305_ietf_encrypt(at + 1 + NONCE_LEN, NULL, p, n,
		(const uint8_t *)context, strlen(context), NULL, at + 1, key->bytes);
	out->len += 1 + NONCE_LEN + n + TAG_LEN;
	out->data[out->len] = '\0';
}

int seal_open_with_secret(const struct secret *key, const char *context, const void *p, size_t n,
	struct buf *out, struct err *e)
{
	const uint8_t *in = p;
	uint8_t *at;
	size_t len;

	if (n < 1 + NONCE_LEN + TAG_LEN || in[0] != VERSION_SECRET)
		return refuse(e);
	len = n - 1 - NONCE_LEN - TAG_LEN;
	at = (uint8_t *)buf_room(out, len);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(at, NULL, NULL, in + 1 + NONCE_LEN,
		    len + TAG_LEN, (const uint8_t *)context, strlen(context), in + 1,
		    key->bytes) != 0) {
		at[0] = '\0'; /* the tag is checked first; nothing but zeros was written */
		return refuse(e);
	}
	out->len += len;
	out->data[out->len] = '\0';
	return 0;
}

int seal_to_public(const struct public_key *to, const void *p, size_t n, struct buf *out)
{
	uint8_t *at = (uint8_t *)buf_room(out, 1 + crypto_box_SEALBYTES + n);

	at[0] = VERSION_PUBLIC;
	/* A peer chooses its key: points of small order have no shared secret and are refused. */
	if (crypto_box_seal(at + 1, p, n, to->bytes) != 0) {
		at[0] = '\0';
		return ERR_INVALID;
	}
	out->len += 1 + crypto_box_SEALBYTES + n;
	out->data[out->len] = '\0';
	return 0;
}

int seal_open_with_private(
	const struct secret *private_key, const void *p, size_t n, struct buf *out, struct err *e)
{
	const uint8_t *in = p;
	uint8_t public_key[KEY_LEN], *at;
	size_t len;

	if (n < 1 + crypto_box_SEALBYTES || in[0] != VERSION_PUBLIC)
		return refuse(e);
	len = n - 1 - crypto_box_SEALBYTES;
	at = (uint8_t *)buf_room(out, len);
	if (crypto_scalarmult_base(public_key, private_key->bytes) != 0)
		abort();
	if (crypto_box_seal_open(at, in + 1, n - 1, public_key, private_key->bytes) != 0) {
		mem_wipe(at, len);
		at[0] = '\0';
		return refuse(e);
	}
	out->len += len;
	out->data[out->len] = '\0';
	return 0;
}
