/*
 * DOC: nftables by netlink: batches (one transaction of the kernel each) and what a table holds.
 * The only user of libnftnl. Needs CAP_NET_ADMIN; works in the network
 * namespace in which it was made.
 */
#ifndef WARREN_NET_NFNL_H
#define WARREN_NET_NFNL_H

#include "base/err.h"
#include "net/nfcontent.h"

#include <libmnl/libmnl.h>

struct nfnl;
struct nfnl *nfnl_new(struct err *e);
struct nfnl *nfnl_free(struct nfnl *n);

/* The number of the last transaction of anybody in this namespace: as long as it stays the same,
 * no rule, set or element changed. */
int nfnl_generation(struct nfnl *n, uint32_t *ret, struct err *e);

/* Carry out changes of a table in one transaction. generation 0 = whatever it is, else ERR_STALE
 * when somebody was faster. After any failure nothing has changed. */
int nfnl_change(struct nfnl *n, const char *table, const struct nf_changes *c, uint32_t generation,
	struct err *e);

/* What a table is in the kernel. skeleton is a digest of chains, rules, declarations of sets and
 * elements of those that are not content. Counters and the state of limits are not looked at. */
struct nf_table {
	char skeleton[65];
	struct nf_content content;
	uint32_t generation;
};
/* Is there a table of that name? 1 or 0. */
int nfnl_there(struct nfnl *n, const char *table, struct err *e);
/* ERR_NOT_FOUND when the table is not there. Call nf_table_done. */
int nfnl_read(struct nfnl *n, const char *table, struct nf_table *ret, struct err *e);
void nf_table_done(struct nf_table *t);
/* One digest of all of it. */
void nf_table_digest(const struct nf_table *t, char ret[static 65]);

/* For nfread.c: begin a request about a table family "inet"; send it and hand over all answers: 0
 * or a positive errno, as rtnl_collect. */
struct rtnl_sink;
struct nlmsghdr *nfnl_request(struct nfnl *n, uint16_t type, uint16_t flags);
int nfnl_collect(struct nfnl *n, struct nlmsghdr *nlh, const struct rtnl_sink *sink);

#endif
