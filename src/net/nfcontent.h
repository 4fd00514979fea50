/*
 * DOC: what changes in a network's nft table while its rules stand: the members of its sets and the
 * rate limits of single devices. The same shape is made from items (firewall.c) and read from the
 * kernel (nfread.c); the difference of two is carried out as nft text (text of a whole load) or as
 * a netlink batch (nfnl.h). Pure.
 */
#ifndef WARREN_NET_NFCONTENT_H
#define WARREN_NET_NFCONTENT_H

#include "base/buf.h"
#include "base/vec.h"
#include "model/prefix.h"
#include "net/nftname.h"

#include <stdbool.h>

/* An element as the kernel has it: an address, or (in a set of ranges) where a range begins or the
 * first address behind it. A range up to the last address of its family has no end. */
struct nf_elem {
	uint8_t key[16]; /* network order */
	uint8_t len;     /* 4 or 16 */
	bool end;
	char *limit; /* in a map: the limit object; else NULL. Owned */
};
VEC_TYPE(nf_elem_vec, struct nf_elem);
void nf_elems_done(struct nf_elem_vec *v);
void nf_elems_sort(struct nf_elem_vec *v);
/* Of two sorted ones: the same elements with the same limits? */
bool nf_elems_equal(const struct nf_elem_vec *a, const struct nf_elem_vec *b);
/* Push a host, or the two ends of a range. Ranges come sorted and disjoint; neighbours melt. */
void nf_elems_host(struct nf_elem_vec *v, struct addr a, const char *limit);
void nf_elems_range(struct nf_elem_vec *v, struct prefix p);
/* Sort ranges that the kernel gave, drop ends that end nothing and melt neighbours. */
void nf_elems_canonical(struct nf_elem_vec *v);

struct nf_set {
	char *name;
	bool ranges;
	struct nf_elem_vec elems; /* sorted */
};

/* A token bucket; packets over the rate match. */
struct nf_limit {
	char *name;
	uint64_t rate; /* bytes a second */
};
VEC_TYPE(nf_limit_vec, struct nf_limit);
void nf_limits_push(struct nf_limit_vec *v, const char *name, uint64_t rate);
void nf_limits_done(struct nf_limit_vec *v);

struct nf_content {
	VEC(struct nf_set) sets;    /* by name */
	struct nf_limit_vec limits; /* by name */
	size_t last;                /* the set that was looked for last */
};
struct nf_set *nf_content_set(struct nf_content *c, const char *name, bool ranges); /* makes it */
void nf_content_sort(struct nf_content *c);
void nf_content_done(struct nf_content *c);

/* What turns one content into another, in one transaction: first all that goes, elements before
 * limits, then all that comes, limits before elements. */
struct nf_change {
	char *set;
	bool ranges;
	bool flush; /* empty it first: elements of a set of ranges hang together */
	bool gone;  /* the set itself goes, once no rule uses it */
	struct nf_elem_vec drop, add;
};
struct nf_changes {
	VEC(struct nf_change) sets;
	struct nf_limit_vec drop, add;
};
/* Elements of limits that are equal by name but not by rate cannot be changed in place: such two
 * contents are ERR_STALE. */
int nf_changes_between(
	const struct nf_content *from, const struct nf_content *to, struct nf_changes *ret);
bool nf_changes_are_none(const struct nf_changes *c);
void nf_changes_done(struct nf_changes *c);

struct nf_change *nf_changes_set(struct nf_changes *c, const char *set, bool ranges); /* makes it */

/* The same as nft commands: what goes, once no rule stands, and what comes, once the sets do. */
void nf_changes_drop_text(const struct nf_changes *c, const char *table, struct buf *out);
void nf_changes_add_text(const struct nf_changes *c, const char *table, struct buf *out);

/* Names of maps of limits begin so; nothing else's does. */
#define NF_LIMIT_MAPS "limit_"
/* The kernel's bucket holds a second of the rate, and the burst on top (nft_limit.c; seconds are
 * its smallest unit). So a burst is only what a slow one lacks to hold the largest packet that a
 * network card hands over in one piece. rate: bytes a second. */
uint32_t nf_limit_burst(uint64_t rate);

#endif
