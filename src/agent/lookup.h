/* DOC: one name looked up by the machine's resolver, on a thread of its own: getaddrinfo blocks,
 * and cannot be called off. */
#ifndef WARREN_AGENT_LOOKUP_H
#define WARREN_AGENT_LOOKUP_H

#include "model/prefix.h"

struct loop;
struct lookup;

/* done(arg, host, addr) comes once, on the loop's thread; addr unset = no answer. NULL when no
 * thread can be had. The loop must outlive the lookup's done or lookup_cancel. */
struct lookup *lookup_start(struct loop *l, const char *host,
	void (*done)(void *arg, const char *host, struct addr addr), void *arg);
/* done does not come. NULL is fine. */
void lookup_cancel(struct lookup *k);

#endif
