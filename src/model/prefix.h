/*
 * DOC: IP addresses and prefixes as numbers. An address is a family and a 128-bit integer (IPv4 in
 * the low 32 bits), so ranges, masks and allocation are plain arithmetic and never text.
 */
#ifndef WARREN_MODEL_PREFIX_H
#define WARREN_MODEL_PREFIX_H

#include "base/err.h"
#include "base/vec.h"

#include <stdint.h>

__extension__ typedef unsigned __int128 u128;

enum family { FAMILY_NONE, FAMILY_IPV4 = 4, FAMILY_IPV6 = 6 };

struct addr {
	uint8_t family; /* enum family; FAMILY_NONE = unset */
	u128 bits;      /* host byte order */
};

struct prefix {
	struct addr addr; /* no host bits set */
	uint8_t len;      /* 0..32 or 0..128 */
};

VEC_TYPE(prefix_vec, struct prefix);

#define ADDR_TEXT_LEN 46
#define PREFIX_TEXT_LEN 50

/* Text forms; IPv6 as RFC 5952. Parsing is strict (inet_pton, no leading zeros or zones). */
int addr_parse(const char *text, struct addr *ret);
const char *addr_format(struct addr a, char text[static ADDR_TEXT_LEN]);
int addr_compare(struct addr a, struct addr b); /* family first, then number */
static inline int addr_is_set(struct addr a)
{
	return a.family != FAMILY_NONE;
}
static inline uint8_t addr_width(struct addr a)
{
	return a.family == FAMILY_IPV4 ? 32 : 128;
}
struct addr addr_add(struct addr a, u128 n); /* wraps within the family's width */
/* 4 or 16 bytes in network order <-> addr. */
struct addr addr_from_bytes(enum family f, const uint8_t *bytes);
void addr_to_bytes(struct addr a, uint8_t *bytes);
/* Loopback, unspecified, multicast, link-local, v4 broadcast: never a tunnel or endpoint address.
 */
int addr_is_special(struct addr a);
/* RFC 1918, RFC 6598 (a provider's NAT) and IPv6 ULA: means something in its own place only. */
int addr_is_private(struct addr a);

/* "a/len"; a bare address is a host prefix. ERR_INVALID names the field, also for host bits set. */
int prefix_parse(const char *text, const char *field, struct prefix *ret, struct err *e);
const char *prefix_format(struct prefix p, char text[static PREFIX_TEXT_LEN]);
int prefix_compare(struct prefix a, struct prefix b);
struct prefix prefix_host(struct addr a);                      /* /32 or /128 */
int prefix_contains(struct prefix outer, struct prefix inner); /* equal counts */
int prefix_has(struct prefix p, struct addr a);
int prefix_overlaps(struct prefix a, struct prefix b);
struct addr prefix_first(struct prefix p);
struct addr prefix_last(struct prefix p);

/* Sort, drop duplicates and what another one contains, join neighbours: the smallest equal set. */
void prefix_vec_aggregate(struct prefix_vec *v);
int prefix_vec_has(const struct prefix_vec *v, struct addr a);
int prefix_vec_covers(const struct prefix_vec *v, struct prefix p); /* one member contains p */
int prefix_vec_equal(const struct prefix_vec *a, const struct prefix_vec *b); /* as sets */
void prefix_vec_copy(struct prefix_vec *to, const struct prefix_vec *from);
void prefix_vec_own(struct prefix_vec *v); /* a borrowed one becomes a copy */

/* The prefixes that make up first..last exactly, appended in order. */
void prefix_vec_add_range(struct prefix_vec *v, struct addr first, struct addr last);

#endif
