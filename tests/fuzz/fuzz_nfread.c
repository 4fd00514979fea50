/*
 * DOC: dumps of nftables as the reader of tables gets them. The input is one dump after the other,
 * each a count of messages, each message two bytes of length and its payload; the room's own
 * sockets are replaced here. What was read must compare with itself.
 */
#include "net/firewall.h"
#include "net/nfnl.h"
#include "net/rtnl.h"

#include <assert.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const uint8_t *at, *end;

static size_t take(size_t n)
{
	return n < (size_t)(end - at) ? n : (size_t)(end - at);
}

struct nlmsghdr *nfnl_request(struct nfnl *n, uint16_t type, uint16_t flags)
{
	static _Alignas(struct nlmsghdr) char request[1024];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	return nlh;
}

/* Keeps the rest of the room, which has the real sockets, out of this program. */
struct net_tables *net_tables_free(struct net_tables *t)
{
	return NULL;
}

int nfnl_generation(struct nfnl *n, uint32_t *ret, struct err *e)
{
	*ret = 1;
	return 0;
}

int nfnl_collect(struct nfnl *n, struct nlmsghdr *nlh, const struct rtnl_sink *sink)
{
	unsigned count;

	sink->reset(sink->arg);
	if (at == end)
		return 0;
	count = *at++;
	if (count == 255)
		return ENOENT;
	for (; count > 0 && end - at >= 2; count--) {
		size_t len = take((size_t)(at[0] << 8 | at[1]));
		struct nlmsghdr *h;

		at += 2;
		len = take(len);
		/* of its own size, so that reading behind it is seen */
		h = mem_zalloc(NLMSG_ALIGN(sizeof(*h) + len));
		h->nlmsg_len = (uint32_t)(sizeof(*h) + len);
		h->nlmsg_type = nlh->nlmsg_type;
		memcpy(h + 1, at, len);
		at += len;
		sink->each(h, sink->arg);
		mem_free(h);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct nf_table t = {0};
	struct nf_changes none = {0};
	struct err e = {0};
	char digest[65];

	at = data;
	end = data + n;
	if (nfnl_read(NULL, "t", &t, &e) < 0) {
		assert(e.text[0] != '\0');
		return 0;
	}
	VEC_FOREACH (s, &t.content.sets) {
		assert(firewall_is_content(s->name));
		VEC_FOREACH (x, &s->elems)
			assert(x->len == 4 || x->len == 16);
	}
	nf_table_digest(&t, digest);
	assert(strlen(digest) == 64);
	if (nf_changes_between(&t.content, &t.content, &none) == 0)
		assert(nf_changes_are_none(&none));
	nf_changes_done(&none);
	nf_table_done(&t);
	return 0;
}
