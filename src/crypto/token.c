/* DOC: bearer tokens; see token.h. */
#include "crypto/token.h"

#include "base/mem.h"
#include "base/rand.h"

#include <string.h>

#define PART_CHARS 43 /* 32 bytes as base64url */
#define TOKEN_ROOM 128

void token_from_secret(const char *prefix, const struct secret *s, struct buf *out)
{
	buf_room(out, TOKEN_ROOM); /* at once: growing later would leave a copy in freed memory */
	buf_addf(out, "%s_", prefix);
	base64url_encode(s->bytes, KEY_LEN, out);
}

void token_make(const char *prefix, struct buf *out)
{
	CLEANUP(secret_wipe) struct secret s;

	rand_bytes(s.bytes, KEY_LEN);
	token_from_secret(prefix, &s, out);
}

void token_make_join(const struct public_key *root, struct buf *out)
{
	token_make(TOKEN_JOIN, out);
	buf_addc(out, '.');
	base64url_encode(root->bytes, KEY_LEN, out);
}

int token_join_root(const char *text, struct public_key *ret_root, struct err *e)
{
	static const char prefix[] = TOKEN_JOIN "_";
	const size_t dot = sizeof(prefix) - 1 + PART_CHARS, all = dot + 1 + PART_CHARS;
	CLEANUP(buf_wipe) struct buf secret = {0};
	CLEANUP(buf_done) struct buf root = {0};
	char part[PART_CHARS + 1] = "";
	int rc;

	if (!text || strnlen(text, all + 1) != all || memcmp(text, prefix, sizeof(prefix) - 1) ||
		text[dot] != '.')
		goto bad;
	memcpy(part, text + sizeof(prefix) - 1, PART_CHARS);
	rc = base64url_decode(part, &secret);
	mem_wipe(part, sizeof(part));
	if (rc != 0 || secret.len != KEY_LEN)
		goto bad;
	if (base64url_decode(text + dot + 1, &root) != 0 || root.len != KEY_LEN)
		goto bad;
	memcpy(ret_root->bytes, root.data, KEY_LEN);
	return 0;
bad:
	return err_field(
		e, ERR_INVALID, "token", "not a join token: wjt_, 43 characters, a dot, 43 more");
}

void token_hash(const char *text, uint8_t ret[static HASH_LEN])
{
	hash_sha256(text, strlen(text), ret);
}

const char *token_hash_hex(const char *text, char ret[static HASH_HEX_LEN])
{
	return hash_sha256_hex(text, strlen(text), ret);
}
