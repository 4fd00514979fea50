/*
 * DOC: names as they stand in nft text. Every name is made here from [a-z0-9_] behind
 * a prefix of ours, so no word from outside, and no word reserved by nft, reaches the text.
 */
#ifndef WARREN_NET_NFTNAME_H
#define WARREN_NET_NFTNAME_H

#include "model/prefix.h"

#define NFT_NAME_LEN 96

/* prefix and text; a text that had to be changed or cut gets a digest behind, so that two texts
 * never share a name. */
const char *nft_name(const char *prefix, const char *text, char ret[static NFT_NAME_LEN]);
const char *nft_table(const char *network, char ret[static NFT_NAME_LEN]);
/* A set of rules is four sets of nft, for each family one of single addresses ("s_NAME_4"), where
 * members come and go one by one, and one of ranges ("r_NAME_4"). */
enum nft_kind { NFT_HOSTS, NFT_RANGES };
enum nft_kind nft_kind_of(struct prefix p);
const char *nft_set(
	const char *set, enum nft_kind kind, enum family f, char ret[static NFT_NAME_LEN]);

#endif
