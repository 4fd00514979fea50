/* DOC: names of endpoints; see resolve.h. One lookup at a time. */
#include "agent/resolve.h"

#include "agent/lookup.h"
#include "base/loop.h"
#include "base/map.h"
#include "model/names.h"

struct answer {
	struct addr addr; /* unset = none yet */
	msec asked;       /* monotonic; 0 = never */
	bool waiting;     /* for an answer */
};

struct resolver {
	struct loop *loop;
	const struct clock *clock;
	void (*changed)(void *arg);
	void *arg;
	struct map names; /* host -> struct answer */
	struct strs queue;
	struct lookup *running;
	void (*ask)(void *arg, const char *host); /* who looks names up instead; or NULL */
	void *ask_arg;
};

static void start_next(struct resolver *r);

struct resolver *resolver_new(
	struct loop *l, const struct clock *clock, void (*changed)(void *arg), void *arg)
{
	struct resolver *r = NEW(struct resolver);

	r->loop = l;
	r->clock = clock;
	r->changed = changed;
	r->arg = arg;
	return r;
}

static void free_answer(void *p)
{
	mem_free(p);
}

struct resolver *resolver_free(struct resolver *r)
{
	if (r == NULL)
		return NULL;
	lookup_cancel(r->running);
	strs_done(&r->queue);
	map_done(&r->names, free_answer);
	return mem_free(r);
}

bool resolver_answer(struct resolver *r, const char *host, struct addr addr)
{
	struct answer *a = map_get(&r->names, host);

	if (a == NULL || !a->waiting)
		return false;
	a->waiting = false;
	if (addr_is_set(addr) && addr_compare(a->addr, addr) != 0) {
		a->addr = addr;
		r->changed(r->arg);
	}
	return true;
}

static void finished(void *arg, const char *host, struct addr addr)
{
	struct resolver *r = arg;

	r->running = NULL;
	resolver_answer(r, host, addr);
	start_next(r);
}

static void start_next(struct resolver *r)
{
	if (r->running != NULL || r->queue.n == 0)
		return;
	/* when it does not start, it is asked for again after the TTL */
	r->running = lookup_start(r->loop, r->queue.v[0], finished, r);
	mem_free(r->queue.v[0]);
	VEC_REMOVE(&r->queue, 0);
}

void resolver_delegate(struct resolver *r, void (*ask)(void *arg, const char *host), void *arg)
{
	r->ask = ask;
	r->ask_arg = arg;
}

int resolver_endpoint(
	struct resolver *r, const char *endpoint, struct addr *ret_addr, uint16_t *ret_port)
{
	char host[256];
	uint16_t port;
	struct addr literal;
	struct answer *a;
	msec now = clock_mono(r->clock);

	if (endpoint_split(endpoint, host, sizeof(host), &port) < 0)
		return ERR_INVALID;
	if (addr_parse(host, &literal) == 0) {
		*ret_addr = literal;
		*ret_port = port;
		return 0;
	}
	a = map_get(&r->names, host);
	if (a == NULL) {
		if (r->names.n >= RESOLVE_NAMES_MAX)
			return ERR_EXHAUSTED;
		a = NEW(struct answer);
		map_set(&r->names, host, a);
	}
	if (r->loop != NULL && (a->asked == 0 || now - a->asked >= RESOLVE_TTL)) {
		a->asked = now == 0 ? 1 : now;
		a->waiting = true;
		if (r->ask != NULL) {
			r->ask(r->ask_arg, host);
		} else {
			strs_push(&r->queue, host);
			start_next(r);
		}
	}
	if (!addr_is_set(a->addr))
		return ERR_UNAVAILABLE;
	*ret_addr = a->addr;
	*ret_port = port;
	return 0;
}
