/* DOC: names of endpoints; see resolve.h. One thread a lookup, one lookup at a time. What thread
 * and resolver share is counted, because getaddrinfo cannot be called off. */
#include "agent/resolve.h"

#include "base/loop.h"
#include "base/map.h"
#include "model/names.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>

struct answer {
	struct addr addr; /* unset = none yet */
	msec asked;       /* monotonic; 0 = never */
};

/* Shared between the resolver and its thread; the last one frees it. */
struct lookup {
	pthread_mutex_t lock;
	struct resolver *owner; /* NULL once the resolver is gone */
	struct loop *loop;
	char host[256];
	struct addr found;
};

struct resolver {
	struct loop *loop;
	const struct clock *clock;
	void (*changed)(void *arg);
	void *arg;
	struct map names; /* host -> struct answer */
	struct strs queue;
	struct lookup *running;
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

static void lookup_free(struct lookup *k)
{
	pthread_mutex_destroy(&k->lock);
	mem_free(k);
}

static void free_answer(void *p)
{
	mem_free(p);
}

struct resolver *resolver_free(struct resolver *r)
{
	if (r == NULL)
		return NULL;
	if (r->running != NULL) {
		pthread_mutex_lock(&r->running->lock);
		r->running->owner = NULL; /* the thread frees it */
		pthread_mutex_unlock(&r->running->lock);
	}
	strs_done(&r->queue);
	map_done(&r->names, free_answer);
	return mem_free(r);
}

/* On the loop's thread, with a lookup that is over. */
static void finished(void *arg)
{
	struct lookup *k = arg;
	struct resolver *r = k->owner;
	struct answer *a;

	if (r == NULL) { /* the resolver went while this was posted */
		lookup_free(k);
		return;
	}
	r->running = NULL;
	a = map_get(&r->names, k->host);
	if (a != NULL && addr_is_set(k->found) && addr_compare(a->addr, k->found) != 0) {
		a->addr = k->found;
		r->changed(r->arg);
	}
	lookup_free(k);
	start_next(r);
}

static struct addr addr_of(const struct addrinfo *i)
{
	if (i->ai_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, i->ai_addr, sizeof(in));
		return addr_from_bytes(FAMILY_IPV4, (const uint8_t *)&in.sin_addr);
	}
	if (i->ai_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, i->ai_addr, sizeof(in6));
		return addr_from_bytes(FAMILY_IPV6, in6.sin6_addr.s6_addr);
	}
	return (struct addr){0};
}

static void *look_up(void *arg)
{
	struct lookup *k = arg;
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG},
			*list = NULL;
	bool gone;

	if (getaddrinfo(k->host, NULL, &hints, &list) == 0) {
		for (struct addrinfo *i = list; i != NULL && !addr_is_set(k->found); i = i->ai_next)
			k->found = addr_of(i);
		freeaddrinfo(list);
	}
	pthread_mutex_lock(&k->lock);
	gone = k->owner == NULL;
	if (!gone)
		loop_post(k->loop, finished, k); /* the loop outlives the resolver */
	pthread_mutex_unlock(&k->lock);
	if (gone)
		lookup_free(k);
	return NULL;
}

static void start_next(struct resolver *r)
{
	pthread_attr_t attr;
	pthread_t thread;
	struct lookup *k;

	if (r->running != NULL || r->queue.n == 0 || r->loop == NULL)
		return;
	k = NEW(struct lookup);
	pthread_mutex_init(&k->lock, NULL);
	k->owner = r;
	k->loop = r->loop;
	snprintf(k->host, sizeof(k->host), "%s", r->queue.v[0]);
	mem_free(r->queue.v[0]);
	VEC_REMOVE(&r->queue, 0);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, look_up, k) == 0)
		r->running = k;
	else
		lookup_free(k); /* asked for again after the TTL */
	pthread_attr_destroy(&attr);
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
		strs_push(&r->queue, host);
		start_next(r);
	}
	if (!addr_is_set(a->addr))
		return ERR_UNAVAILABLE;
	*ret_addr = a->addr;
	*ret_port = port;
	return 0;
}
