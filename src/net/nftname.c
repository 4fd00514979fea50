/* DOC: see nftname.h. */
#include "net/nftname.h"

#include "crypto/hash.h"

#include <stdio.h>
#include <string.h>

#define KEPT_MAX 48
#define DIGEST_SHOWN 12

const char *nft_name(const char *prefix, const char *text, char ret[static NFT_NAME_LEN])
{
	char kept[KEPT_MAX + 1], digest[HASH_HEX_LEN];
	size_t n = strlen(text), k = 0;
	int changed = n > KEPT_MAX || n == 0;

	for (; k < n && k < KEPT_MAX; k++) {
		char c = text[k];
		int plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';

		kept[k] = c;
		if (!plain)
			kept[k] = '_';
		changed |= !plain;
	}
	kept[k] = '\0';
	if (changed)
		snprintf(ret, NFT_NAME_LEN, "%s_%s_%.*s", prefix, kept, DIGEST_SHOWN,
			hash_sha256_hex(text, n, digest));
	else
		snprintf(ret, NFT_NAME_LEN, "%s_%s", prefix, kept);
	return ret;
}

const char *nft_table(const char *network, char ret[static NFT_NAME_LEN])
{
	return nft_name("warren", network, ret);
}

enum nft_kind nft_kind_of(struct prefix p)
{
	return p.len == addr_width(p.addr) ? NFT_HOSTS : NFT_RANGES;
}

const char *nft_set(
	const char *set, enum nft_kind kind, enum family f, char ret[static NFT_NAME_LEN])
{
	size_t n = strlen(nft_name(kind == NFT_HOSTS ? "s" : "r", set, ret));

	snprintf(ret + n, NFT_NAME_LEN - n, "_%d", f == FAMILY_IPV4 ? 4 : 6);
	return ret;
}
