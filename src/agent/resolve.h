/*
 * DOC: endpoints given as names. A literal address answers at once; a name answers from a cache or
 * not yet, and is looked up on a thread of its own (lookup.h) or by another process, so that no
 * packet path waits for a resolver.
 * Names are looked up again when asked for after RESOLVE_TTL; the old answer serves meanwhile.
 */
#ifndef WARREN_AGENT_RESOLVE_H
#define WARREN_AGENT_RESOLVE_H

#include "base/clock.h"
#include "base/err.h"
#include "model/prefix.h"

#include <stdbool.h>

#define RESOLVE_TTL (60 * 1000)
#define RESOLVE_NAMES_MAX 4096

struct loop;
struct resolver;

/* changed(arg) is called on the loop's thread when a name has a new answer. loop NULL: names are
 * never looked up (tests; literal addresses work). */
struct resolver *resolver_new(
	struct loop *l, const struct clock *clock, void (*changed)(void *arg), void *arg);
struct resolver *resolver_free(struct resolver *r);

/* Let somebody else look names up: ask(arg, host) is called instead, and resolver_answer takes what
 * came of it (addr unset: nothing). False when nobody asked for that name. NULL = ourselves. */
void resolver_delegate(struct resolver *r, void (*ask)(void *arg, const char *host), void *arg);
bool resolver_answer(struct resolver *r, const char *host, struct addr addr);

/* "host:port" -> address. ERR_UNAVAILABLE when the name has no answer yet. */
int resolver_endpoint(
	struct resolver *r, const char *endpoint, struct addr *ret_addr, uint16_t *ret_port);

#endif
