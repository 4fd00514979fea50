/*
 * DOC: filters of the list of clients that no column answers: by link state, which is in memory,
 * and by tag, which is in a list. Rows are looked at one by one, in the list's own order.
 */
#ifndef WARREN_CONTROL_CLIENT_FILTER_H
#define WARREN_CONTROL_CLIENT_FILTER_H

#include "control/api.h"

struct client_filter {
	int state;       /* enum link_state, -1 = any */
	const char *tag; /* the call's; NULL = any */
};

/* ?link_state= and ?tag= of the call. ERR_INVALID names the parameter. */
int client_filter_read(const struct call *c, struct client_filter *ret, struct err *e);
bool client_filter_any(const struct client_filter *f);

/* tx_list with the filter: a page of q (its limit and cursor), how many match in all. A page may be
 * the last although ret_next is set; then the next one is empty. */
int client_filter_list(struct tx *tx, struct call *c, const struct client_filter *f,
	const struct tx_query *q, int (*fn)(void *arg, const void *object), void *arg,
	struct buf *ret_next, uint64_t *ret_total, struct err *e);

#endif
