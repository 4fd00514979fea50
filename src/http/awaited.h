/*
 * DOC: connections that owe a request. The library ends those that make no progress; one that drips
 * a byte now and then makes progress for ever, so each has a time in which its request must have
 * come whole, handshake, headers and body together.
 */
#ifndef WARREN_HTTP_AWAITED_H
#define WARREN_HTTP_AWAITED_H

#include "base/clock.h"

#include <stdbool.h>
#include <sys/queue.h>

#define HTTP_REQUEST_TIME ((msec)120 * 1000)

/* A connection, while it is open. The worker's own thread only. */
struct http_awaited {
	TAILQ_ENTRY(http_awaited) link;
	int fd; /* the library's */
	msec since;
	bool listed;
};
TAILQ_HEAD(http_awaited_list, http_awaited); /* longest first */

/* The time; a variable for tests. */
extern msec http_request_time;

void http_awaited_begin(struct http_awaited_list *l, struct http_awaited *a, int fd);
/* Its request, or its end. */
void http_awaited_came(struct http_awaited_list *l, struct http_awaited *a);
void http_awaited_again(struct http_awaited_list *l, struct http_awaited *a); /* the next one */
/* Shut the connections whose time is over; when the next one's is, or -1. */
msec http_awaited_cut(struct http_awaited_list *l, msec now);

#endif
