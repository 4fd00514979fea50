/* DOC: wiping and comparing key material; see secret.h. */
#include "crypto/secret.h"

#include "base/mem.h"

#include <sodium.h>
#include <string.h>

void secret_wipe(struct secret *s)
{
	mem_wipe(s, sizeof(*s));
}

int secret_is_zero(const struct secret *s)
{
	return sodium_is_zero(s->bytes, KEY_LEN);
}

int secret_equal(const struct secret *a, const struct secret *b)
{
	return sodium_memcmp(a->bytes, b->bytes, KEY_LEN) == 0;
}

int public_key_is_zero(const struct public_key *k)
{
	static const struct public_key zero;

	return public_key_equal(k, &zero); /* no secret: how long it takes may tell */
}

int public_key_equal(const struct public_key *a, const struct public_key *b)
{
	return memcmp(a->bytes, b->bytes, KEY_LEN) == 0;
}
