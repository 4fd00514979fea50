/* DOC: finding the route for a method and path in a table of routes. Pure. */
#ifndef WARREN_HTTP_ROUTE_H
#define WARREN_HTTP_ROUTE_H

#include "http/server.h"
#include "http/target.h"

/*
 * 200 and the route, with its path parameters appended to params; 404; 405, with the methods that
 * the path does have appended to allow ("GET, HEAD, POST"); 501 for a method nobody knows. Where
 * several paths fit, the one with a literal at the first difference wins.
 */
int http_route_find(const struct http_route *routes, size_t n, const char *method,
	const struct strs *segments, const struct http_route **ret_route, struct http_pairs *params,
	struct buf *allow);

#endif
