/*
 * DOC: netlink attributes read strictly: a length that lies, bytes left over, a wrong size or the
 * same attribute twice is an error, never a guess. What a newer kernel adds is skipped.
 */
#ifndef WARREN_WG_ATTR_H
#define WARREN_WG_ATTR_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;

/* A run of bytes; p is NULL when the attribute was absent. Borrowed, unaligned. */
struct span {
	const uint8_t *p;
	size_t n;
};

/* What an attribute must look like; max 0 = not read here, skipped. */
struct attr_policy {
	uint16_t min, max; /* bytes of payload */
};

/* Take the attribute at the front of s. 1, 0 at the end, or ERR_CORRUPT. */
int attr_next(struct span *s, uint16_t *ret_type, struct span *ret_payload);

/* Sort the attributes of s into ret[0 .. n_types), by type. 0 or ERR_CORRUPT. */
int attr_table(struct span s, const struct attr_policy *policy, size_t n_types, struct span *ret);

uint16_t attr_u16(struct span s);
uint32_t attr_u32(struct span s);
uint64_t attr_u64(struct span s);

/* What the kernel answered to a request. */
struct nl_refusal {
	int errnum;    /* 0 = done as asked */
	char text[96]; /* ": " and its own explanation (extended ACK), or "" */
};

/* The message at the front of s, with its payload; as attr_next. */
int message_next(struct span *s, struct nlmsghdr *ret_header, struct span *ret_payload);

/* Read the payload of an NLMSG_ERROR, or NLMSG_DONE (which has no echo). 0 or ERR_CORRUPT. */
int refusal_read(const struct nlmsghdr *header, struct span payload, struct nl_refusal *ret);

#endif
