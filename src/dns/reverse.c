/* DOC: see reverse.h. */
#include "dns/reverse.h"

#include "base/text.h"

#include <string.h>

#define LABELS_MAX 128 /* of a name of 255 bytes */

static const struct tree {
	const char *suffix; /* on the wire */
	size_t len;
	enum family family;
	unsigned bits; /* of a label */
} trees[] = {
	{"\7in-addr\4arpa", 14, FAMILY_IPV4, 8},
	{"\3ip6\4arpa", 10, FAMILY_IPV6, 4},
};

/* The number a label stands for, or -1. */
static int part_of(const struct tree *t, const uint8_t *label)
{
	char text[4];
	uint64_t v;

	if (label[0] == 0 || label[0] > (t->family == FAMILY_IPV4 ? 3 : 1))
		return -1;
	memcpy(text, label + 1, label[0]);
	text[label[0]] = '\0';
	if (t->family == FAMILY_IPV6)
		return text_hex_digit(text[0]);
	if (text_u64(text, 255, &v) < 0 || (text[0] == '0' && text[1] != '\0'))
		return -1;
	return (int)v;
}

int dns_reverse_parse(const struct dns_query *q, struct dns_reverse *ret)
{
	size_t labels[LABELS_MAX], n = 0, at = 0;
	const struct tree *t = NULL;
	struct dns_reverse r = {.clean = true};
	unsigned width;

	for (; q->name[at] != 0 && n < LABELS_MAX; at += q->name[at] + 1u)
		labels[n++] = at;
	for (size_t i = 0; i < ARRAY_LEN(trees); i++)
		if (n >= 2 && q->name_len - labels[n - 2] == trees[i].len &&
			memcmp(q->name + labels[n - 2], trees[i].suffix, trees[i].len) == 0)
			t = &trees[i];
	if (t == NULL)
		return ERR_NOT_FOUND;
	r.part_bits = t->bits;
	r.known.addr.family = (uint8_t)t->family;
	width = addr_width(r.known.addr);
	n -= 2;
	r.at[0] = labels[n];
	for (; n > 0; n--) {
		int part = r.known.len < width ? part_of(t, q->name + labels[n - 1]) : -1;

		if (part < 0) {
			r.clean = false;
			break;
		}
		r.known.len = (uint8_t)(r.known.len + t->bits);
		r.known.addr.bits |= (u128)(unsigned)part << (width - r.known.len);
		r.at[++r.parts] = labels[n - 1];
	}
	*ret = r;
	return 0;
}

size_t dns_reverse_apex(const struct dns_reverse *r, struct prefix pool)
{
	unsigned parts = pool.len / r->part_bits;

	if (!prefix_contains(pool, r->known))
		/* the zone itself, when the pool ends inside a part */
		return DNS_REVERSE_OUTSIDE;
	return r->at[parts];
}
