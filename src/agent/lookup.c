/* DOC: getaddrinfo on a thread; see lookup.h. What thread and owner share is freed by the last. */
#include "agent/lookup.h"

#include "base/loop.h"
#include "base/mem.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct lookup {
	pthread_mutex_t lock;
	bool cancelled; /* under lock: its owner is gone */
	struct loop *loop;
	void (*done)(void *arg, const char *host, struct addr addr);
	void *arg;
	char host[256];
	struct addr found;
};

static void lookup_free(struct lookup *k)
{
	pthread_mutex_destroy(&k->lock);
	mem_free(k);
}

/* On the loop's thread. */
static void finished(void *arg)
{
	struct lookup *k = arg;

	if (!k->cancelled) /* between the post and now */
		k->done(k->arg, k->host, k->found);
	lookup_free(k);
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
	gone = k->cancelled;
	if (!gone)
		loop_post(k->loop, finished, k);
	pthread_mutex_unlock(&k->lock);
	if (gone)
		lookup_free(k);
	return NULL;
}

struct lookup *lookup_start(struct loop *l, const char *host,
	void (*done)(void *arg, const char *host, struct addr addr), void *arg)
{
	struct lookup *k = NEW(struct lookup);
	pthread_attr_t attr;
	pthread_t thread;
	int failed;

	pthread_mutex_init(&k->lock, NULL);
	k->loop = l;
	k->done = done;
	k->arg = arg;
	snprintf(k->host, sizeof(k->host), "%s", host);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	failed = pthread_create(&thread, &attr, look_up, k);
	pthread_attr_destroy(&attr);
	if (failed == 0)
		return k;
	lookup_free(k);
	return NULL;
}

void lookup_cancel(struct lookup *k)
{
	if (k == NULL)
		return;
	pthread_mutex_lock(&k->lock);
	k->cancelled = true; /* the thread, or the post, frees it */
	pthread_mutex_unlock(&k->lock);
}
