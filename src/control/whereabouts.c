/* DOC: see whereabouts.h. */
#include "control/whereabouts.h"

#include "model/names.h"

#include <stdio.h>
#include <string.h>

#define LAN6_LEN 64

static void set(char to[static WHEREABOUTS_TEXT], const char *from)
{
	snprintf(to, WHEREABOUTS_TEXT, "%s", from != NULL ? from : "");
}

/* A name has no address: false. */
static bool address_of(const char *endpoint, struct addr *ret)
{
	char host[256];
	uint16_t port;

	return endpoint != NULL && endpoint_split(endpoint, host, sizeof(host), &port) == 0 &&
		addr_parse(host, ret) == 0;
}

static bool is_private(const char *endpoint)
{
	struct addr a;

	return address_of(endpoint, &a) && addr_is_private(a);
}

static bool is_at(const char *endpoint, struct addr a)
{
	struct addr b;

	return address_of(endpoint, &b) && addr_compare(a, b) == 0;
}

static bool in_pools(const struct network *n, struct addr a)
{
	return prefix_has(n->ipv4, a) || prefix_has(n->ipv6, a);
}

struct prefix whereabouts_from(struct addr called)
{
	struct prefix p = prefix_host(called);

	if (called.family != FAMILY_IPV6)
		return p;
	p.addr.bits = p.addr.bits >> LAN6_LEN << LAN6_LEN;
	p.len = LAN6_LEN;
	return p;
}

void whereabouts_of(const struct member *m, struct whereabouts *ret)
{
	set(ret->observed, m->observed_endpoint);
	set(ret->near, m->near_endpoint);
	ret->from = m->calls_from;
}

/* Its own address that others can use, or NULL. One of another family than its calls is not
 * everybody's, unless those come from a private address themselves. */
static const char *own_endpoint(const struct witness *w, struct addr called)
{
	bool any = !addr_is_set(called) || addr_is_private(called);
	const char *found = NULL;

	for (const char *const *e = w->reported; *e != NULL; e++) {
		struct addr a;

		if (!address_of(*e, &a))
			continue;
		if (addr_is_set(called) && addr_compare(a, called) == 0)
			return *e;
		if (found == NULL && !addr_is_private(a) && (any || a.family == called.family))
			found = *e;
	}
	return found;
}

static const char *near_endpoint(const struct witness *w, struct addr called)
{
	for (const char *const *e = w->reported; *e != NULL; e++)
		if (is_private(*e) && !is_at(*e, called))
			return *e;
	return NULL;
}

static void tell_observed(
	const struct member *m, const struct witness *w, struct addr called, char *to)
{
	const char *own = own_endpoint(w, called);
	CLEANUP(buf_done) struct buf guess = {0};
	char host[ADDR_TEXT_LEN];

	if (w->seen != NULL) {
		set(to, w->seen);
	} else if (own != NULL) {
		set(to, own);
	} else if (addr_is_set(called)) {
		if (is_at(m->observed_endpoint, called))
			return; /* its port may be known better */
		endpoint_join(addr_format(called, host), w->port, &guess);
		set(to, buf_str(&guess));
	} else if (w->reported[0] != NULL &&
		(m->observed_endpoint == NULL || is_private(m->observed_endpoint))) {
		set(to, w->reported[0]); /* better than nothing */
	}
}

void whereabouts_tell(const struct member *m, const struct witness *w, struct whereabouts *ret)
{
	struct addr called = w->called;

	whereabouts_of(m, ret);
	/* A node that calls through its own tunnel is not to be found at its far end. */
	if (addr_is_set(called) && in_pools(w->network, called))
		called = (struct addr){0};
	if (m->endpoint == NULL) /* configured: nobody asks */
		tell_observed(m, w, called, ret->observed);
	if (!addr_is_set(called))
		return;
	ret->from = whereabouts_from(called);
	if (w->reported[0] != NULL)
		set(ret->near, near_endpoint(w, called));
}

void whereabouts_ask(const struct member *m, const char *endpoint, struct whereabouts *ret)
{
	whereabouts_of(m, ret);
	if (m->endpoint != NULL)
		return;
	if (is_private(endpoint) && m->observed_endpoint != NULL &&
		!is_private(m->observed_endpoint))
		set(ret->near, endpoint);
	else
		set(ret->observed, endpoint);
}

bool whereabouts_equal(const struct whereabouts *a, const struct whereabouts *b)
{
	return strcmp(a->observed, b->observed) == 0 && strcmp(a->near, b->near) == 0 &&
		prefix_compare(a->from, b->from) == 0;
}

static void replace(char **to, const char *from)
{
	mem_free(*to);
	*to = from[0] != '\0' ? mem_strdup(from) : NULL;
}

void whereabouts_put(struct member *m, const struct whereabouts *w)
{
	replace(&m->observed_endpoint, w->observed);
	replace(&m->near_endpoint, w->near);
	m->calls_from = w->from;
}
