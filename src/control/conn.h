/*
 * DOC: one open event stream as the hub sees it. HTTP ends streams on threads of its own at any
 * moment; a conn makes sending and ending safe against that, and tells the hub's thread.
 */
#ifndef WARREN_CONTROL_CONN_H
#define WARREN_CONTROL_CONN_H

#include "control/hub.h"

struct conn;

/* Turn rq into a stream; on the hub's thread. closed comes once, later, on the hub's thread; after
 * it the conn is freed. name is whom it is for: a node, a project, or "". */
struct conn *conn_open(struct hub *h, struct http_request *rq, const char *name,
	void (*closed)(void *arg, struct conn *c), void *arg);
const char *conn_name(const struct conn *c);
void conn_send(struct conn *c, const void *p, size_t n); /* nothing once it has ended */
void conn_close(struct conn *c);                         /* closed still comes */

#endif
