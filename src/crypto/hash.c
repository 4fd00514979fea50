/* DOC: SHA-256 and base64 on libsodium; see hash.h. */
#include "crypto/hash.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <sodium.h>
#include <string.h>

struct hash_state {
	crypto_hash_sha256_state sha;
};

struct hash_state *hash_begin(void)
{
	struct hash_state *h = NEW(struct hash_state);

	crypto_hash_sha256_init(&h->sha);
	return h;
}

void hash_add(struct hash_state *h, const void *p, size_t n)
{
	crypto_hash_sha256_update(&h->sha, p, n);
}

void hash_end(struct hash_state *h, uint8_t ret[static HASH_LEN])
{
	crypto_hash_sha256_final(&h->sha, ret);
	mem_free(h);
}

void hash_sha256(const void *p, size_t n, uint8_t ret[static HASH_LEN])
{
	crypto_hash_sha256(ret, p, n);
}

const char *hash_sha256_hex(const void *p, size_t n, char ret[static HASH_HEX_LEN])
{
	uint8_t hash[HASH_LEN];

	hash_sha256(p, n, hash);
	text_hex(hash, HASH_LEN, ret);
	return ret;
}

static void encode(const void *p, size_t n, int variant, struct buf *out)
{
	size_t room = sodium_base64_encoded_len(n, variant); /* counts the NUL */
	char *at = buf_room(out, room - 1);

	sodium_bin2base64(at, room, p, n, variant);
	out->len += room - 1;
}

/*
 * libsodium by itself refuses non-zero pad bits, wrong padding and anything behind it. But 1.0.18
 * takes bytes above 127 for digits where char is signed, so those are sorted out here.
 */
static int decode_to(
	const char *text, size_t n, int variant, void *to, size_t room, size_t *ret_len)
{
	unsigned char high = 0;

	for (size_t i = 0; i < n; i++)
		high |= (unsigned char)text[i];
	if (high & 0x80)
		return ERR_INVALID;
	if (sodium_base642bin(to, room, text, n, NULL, ret_len, NULL, variant) != 0)
		return ERR_INVALID;
	return 0;
}

static int decode(const char *text, int variant, struct buf *out)
{
	size_t n = strlen(text), room = n / 4 * 3 + 3, len = 0;
	char *at = buf_room(out, room);

	if (decode_to(text, n, variant, at, room, &len) != 0) {
		mem_wipe(at, room + 1); /* a secret may have been half decoded */
		return ERR_INVALID;
	}
	out->len += len;
	out->data[out->len] = '\0';
	return 0;
}

int base64_decode_exact(const char *text, size_t n, void *ret)
{
	uint8_t bytes[BASE64_EXACT_MAX];
	size_t chars = (n + 2) / 3 * 4, len = 0;
	int rc = ERR_INVALID;

	if (!text || n > sizeof(bytes) || strnlen(text, chars + 1) != chars)
		return ERR_INVALID;
	if (decode_to(text, chars, sodium_base64_VARIANT_ORIGINAL, bytes, n, &len) == 0 &&
		len == n) {
		memcpy(ret, bytes, n);
		rc = 0;
	}
	mem_wipe(bytes, sizeof(bytes));
	return rc;
}

void base64_encode(const void *p, size_t n, struct buf *out)
{
	encode(p, n, sodium_base64_VARIANT_ORIGINAL, out);
}

void base64url_encode(const void *p, size_t n, struct buf *out)
{
	encode(p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING, out);
}

int base64_decode(const char *text, struct buf *out)
{
	return decode(text, sodium_base64_VARIANT_ORIGINAL, out);
}

int base64url_decode(const char *text, struct buf *out)
{
	return decode(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING, out);
}
