/* DOC: see attr.h. Everything is copied out by memcpy: no alignment is taken for granted. */
#include "wg/attr.h"

#include "base/mem.h"

#include <linux/netlink.h>
#include <string.h>

/* Without the flags; NLA_TYPE_MASK is a negative int. */
#define ATTR_TYPE_MASK 0x3fff

/* Step over n bytes and the padding behind them, which the last one may lack. */
static void advance(struct span *s, size_t n)
{
	size_t padded = (n + 3) & ~(size_t)3;

	if (padded > s->n)
		padded = s->n;
	s->p += padded;
	s->n -= padded;
}

int attr_next(struct span *s, uint16_t *ret_type, struct span *ret_payload)
{
	struct nlattr a;

	if (s->n == 0)
		return 0;
	if (s->n < sizeof(a))
		return ERR_CORRUPT;
	memcpy(&a, s->p, sizeof(a));
	if (a.nla_len < sizeof(a) || a.nla_len > s->n)
		return ERR_CORRUPT;
	*ret_type = a.nla_type & ATTR_TYPE_MASK;
	*ret_payload = (struct span){s->p + sizeof(a), a.nla_len - sizeof(a)};
	advance(s, a.nla_len);
	return 1;
}

int attr_table(struct span s, const struct attr_policy *policy, size_t n_types, struct span *ret)
{
	struct span payload;
	uint16_t type = 0;
	int r;

	memset(ret, 0, n_types * sizeof(*ret));
	while ((r = attr_next(&s, &type, &payload)) > 0) {
		if (type >= n_types || policy[type].max == 0)
			continue;
		if (ret[type].p != NULL || payload.n < policy[type].min ||
			payload.n > policy[type].max)
			return ERR_CORRUPT;
		ret[type] = payload;
	}
	return r;
}

/* The size was checked by the policy. */
#define READ_AS(type, s)                                \
	({                                              \
		type value_;                            \
		memcpy(&value_, (s).p, sizeof(value_)); \
		value_;                                 \
	})

uint16_t attr_u16(struct span s)
{
	return READ_AS(uint16_t, s);
}

uint32_t attr_u32(struct span s)
{
	return READ_AS(uint32_t, s);
}

uint64_t attr_u64(struct span s)
{
	return READ_AS(uint64_t, s);
}

int message_next(struct span *s, struct nlmsghdr *ret_header, struct span *ret_payload)
{
	struct nlmsghdr h;

	if (s->n == 0)
		return 0;
	if (s->n < sizeof(h))
		return ERR_CORRUPT;
	memcpy(&h, s->p, sizeof(h));
	if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > s->n)
		return ERR_CORRUPT;
	*ret_header = h;
	*ret_payload = (struct span){s->p + sizeof(h), h.nlmsg_len - sizeof(h)};
	advance(s, h.nlmsg_len);
	return 1;
}

/* The kernel's sentence, as printable ASCII: it ends up in terminals and logs. */
static void explain(struct span text, struct nl_refusal *ret)
{
	size_t n = 2;

	memcpy(ret->text, ": ", 2);
	for (size_t i = 0; i < text.n && text.p[i] != 0 && n < sizeof(ret->text) - 1; i++)
		ret->text[n++] = (char)(text.p[i] >= ' ' && text.p[i] < 127 ? text.p[i] : '?');
	ret->text[n > 2 ? n : 0] = 0;
}

int refusal_read(const struct nlmsghdr *header, struct span payload, struct nl_refusal *ret)
{
	static const struct attr_policy policy[] = {[NLMSGERR_ATTR_MSG] = {1, UINT16_MAX}};
	struct span table[NLMSGERR_ATTR_MSG + 1];
	struct nl_refusal found = {0};
	int32_t code;

	if (payload.n < sizeof(code))
		return ERR_CORRUPT;
	memcpy(&code, payload.p, sizeof(code));
	if (code > 0 || code < -4095)
		return ERR_CORRUPT;
	found.errnum = -code;
	advance(&payload, sizeof(code));
	if (header->nlmsg_type == NLMSG_ERROR) {
		struct nlmsghdr echo;

		if (payload.n < sizeof(echo))
			return ERR_CORRUPT;
		memcpy(&echo, payload.p, sizeof(echo));
		/* Only the header of our request comes back, unless the kernel says otherwise. */
		if (header->nlmsg_flags & NLM_F_CAPPED || code == 0)
			echo.nlmsg_len = sizeof(echo);
		if (echo.nlmsg_len < sizeof(echo) || echo.nlmsg_len > payload.n)
			return ERR_CORRUPT;
		advance(&payload, echo.nlmsg_len);
	}
	if (header->nlmsg_flags & NLM_F_ACK_TLVS) {
		if (attr_table(payload, policy, ARRAY_LEN(table), table) < 0)
			return ERR_CORRUPT;
		if (table[NLMSGERR_ATTR_MSG].p != NULL)
			explain(table[NLMSGERR_ATTR_MSG], &found);
	}
	*ret = found;
	return 0;
}
