/* DOC: see names.h. */
#include "agent/names.h"

#include "agent/message.h"
#include "agent/splitdns.h"
#include "agent/zone_message.h"
#include "base/log.h"
#include "base/map.h"
#include "dns/socket.h"
#include "dns/upstream.h"
#include "net/net.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PORT 53
#define RESOLV_CONF "/etc/resolv.conf"
#define BEHIND 500 /* ms, when the responder does not keep up */
#define LOOK 5000  /* for another resolv.conf */

/* The sockets on one address. */
struct place {
	struct addr addr;
	int fds[RESPONDER_FDS];
	bool told;
};

/* A network. */
struct domain {
	struct splitdns *split;
	VEC(struct place) places;
	struct prefix_vec pools; /* that the sockets hear */
	bool stale, told;
	uint8_t hash[HASH_LEN]; /* of what was told */
};

struct names {
	struct responder_link link;
	struct upstream_file *resolv_conf;
	struct addr upstreams[FORWARD_UPSTREAMS_MAX];
	size_t n_upstreams;
	bool upstreams_told, behind;
	struct map domains; /* network -> struct domain */
};

struct names *names_new(const struct responder_link *l)
{
	struct names *n = NEW(struct names);

	n->link = *l;
	n->resolv_conf = upstream_file_new(RESOLV_CONF);
	return n;
}

static void place_close(struct place *p)
{
	for (size_t i = 0; i < RESPONDER_FDS; i++)
		close(p->fds[i]);
}

static void free_domain(void *arg)
{
	struct domain *d = arg;

	splitdns_free(d->split);
	VEC_FOREACH (p, &d->places)
		place_close(p);
	VEC_DONE(&d->places);
	VEC_DONE(&d->pools);
	mem_free(d);
}

static void tell_socket(struct names *n, uint32_t type, const char *network, struct addr a,
	const int fds[], size_t n_fds)
{
	CLEANUP(buf_done) struct buf payload = {0};

	responder_put_socket(&payload, network, a);
	n->link.send(n->link.ctx, type, &payload, fds, n_fds);
}

static void drop(struct names *n, const char *network)
{
	tell_socket(n, MESSAGE_ZONE_GONE, network, (struct addr){0}, NULL, 0);
	free_domain(map_remove(&n->domains, network));
}

struct names *names_free(struct names *n)
{
	if (n == NULL)
		return NULL;
	map_done(&n->domains, free_domain);
	upstream_file_free(n->resolv_conf);
	return mem_free(n);
}

static const struct dns_item *dns_of(const struct state *desired, const char *network)
{
	struct item key = {.kind = ITEM_DNS};
	const struct item *i;

	id_copy(key.network, network);
	i = state_find(desired, &key);
	return i == NULL ? NULL : &i->dns;
}

static void drop_gone(struct names *n, const struct state *desired)
{
	struct strs gone = {0};

	MAP_FOREACH (slot, &n->domains)
		if (dns_of(desired, slot->key) == NULL)
			strs_push(&gone, slot->key);
	VEC_FOREACH (network, &gone)
		drop(n, *network);
	strs_done(&gone);
}

/* --- sockets -----------------------------------------------------------------------------------
 */

/* "... : dnsmasq (process 712) has the port". */
static void name_holder(struct addr at, struct err *e)
{
	CLEANUP(buf_done) struct buf holder = {0};
	size_t used = strlen(e->text);

	if (net_port_holder(false, PORT, at, &holder) < 0 &&
		net_port_holder(true, PORT, at, &holder) < 0)
		return;
	snprintf(e->text + used, sizeof(e->text) - used, ": %s has the port", buf_str(&holder));
}

static int open_place(struct domain *d, struct addr a, struct err *e)
{
	struct place p = {.addr = a};
	int r = dns_socket_open(a, PORT, false, &d->pools, &p.fds[0], e);

	if (r < 0)
		return r;
	r = dns_socket_open(a, PORT, true, &d->pools, &p.fds[1], e);
	if (r < 0)
		close(p.fds[0]);
	else
		VEC_PUSH(&d->places, p);
	return r;
}

static bool has_place(const struct domain *d, struct addr a)
{
	VEC_FOREACH (p, &d->places)
		if (addr_compare(p->addr, a) == 0)
			return true;
	return false;
}

/* Who is heard may have changed; the filter of a socket counts for all who hold it. */
static void filter_anew(struct domain *d, const struct prefix_vec *pools)
{
	struct err e = {0};

	if (prefix_vec_equal(&d->pools, pools))
		return;
	VEC_DONE(&d->pools);
	prefix_vec_copy(&d->pools, pools);
	VEC_FOREACH (p, &d->places)
		for (size_t i = 0; i < RESPONDER_FDS; i++)
			if (dns_socket_filter(p->fds[i], p->addr, pools, &e) < 0)
				log_warn("DNS is not open to new addresses",
					LOG_KV_STR("error", e.text));
}

/* The sockets be those of listen. */
static int open_places(struct names *n, struct domain *d, const char *network,
	const struct prefix_vec *listen, struct err *e)
{
	int first = 0;

	for (size_t i = d->places.n; i-- > 0;) {
		struct place *p = &d->places.v[i];

		if (prefix_vec_has(listen, p->addr))
			continue;
		tell_socket(n, MESSAGE_UNLISTEN, network, p->addr, NULL, 0);
		place_close(p);
		VEC_REMOVE(&d->places, i);
	}
	VEC_FOREACH (l, listen) {
		struct err why = {0};
		int r = has_place(d, l->addr) ? 0 : open_place(d, l->addr, &why);

		if (r == ERR_EXISTS)
			name_holder(l->addr, &why);
		if (r < 0 && first == 0) {
			first = r;
			*e = why;
		}
	}
	return first;
}

/* --- telling -----------------------------------------------------------------------------------
 */

static void tell_zone(
	struct names *n, struct domain *d, const struct state *desired, const char *network)
{
	struct zone_text t = {0};

	zone_text_write(&t, &desired->items, network);
	for (size_t i = 0; i < t.ends.n && (!d->told || memcmp(t.hash, d->hash, HASH_LEN) != 0);
		i++) {
		CLEANUP(buf_done) struct buf payload = {0};

		zone_text_part(&t, i, network, (uint32_t)desired->revision, &payload);
		n->link.send(n->link.ctx, MESSAGE_ZONE, &payload, NULL, 0);
	}
	memcpy(d->hash, t.hash, HASH_LEN);
	d->stale = false;
	d->told = true;
	zone_text_done(&t);
}

/* What the responder does not know yet, as far as it can hear it now. */
static void tell(
	struct names *n, struct domain *d, const struct state *desired, const char *network)
{
	if (!n->link.ready(n->link.ctx)) {
		n->behind = true;
		return;
	}
	if (d->stale || !d->told)
		tell_zone(n, d, desired, network);
	VEC_FOREACH (p, &d->places)
		if (!p->told) {
			tell_socket(n, MESSAGE_LISTEN, network, p->addr, p->fds, RESPONDER_FDS);
			p->told = true;
		}
}

static void tell_upstreams(struct names *n)
{
	CLEANUP(buf_done) struct buf payload = {0};
	struct addr now[FORWARD_UPSTREAMS_MAX];
	size_t count = upstream_file_list(n->resolv_conf, now);
	bool same = count == n->n_upstreams;

	for (size_t i = 0; same && i < count; i++)
		same = addr_compare(now[i], n->upstreams[i]) == 0;
	if (same && n->upstreams_told)
		return;
	if (!n->link.ready(n->link.ctx)) {
		n->behind = true;
		return;
	}
	memcpy(n->upstreams, now, sizeof(now));
	n->n_upstreams = count;
	n->upstreams_told = true;
	responder_put_upstreams(&payload, now, count);
	n->link.send(n->link.ctx, MESSAGE_UPSTREAMS, &payload, NULL, 0);
}

void names_responder_is_new(struct names *n)
{
	n->upstreams_told = false;
	MAP_FOREACH (slot, &n->domains) {
		struct domain *d = slot->value;

		d->told = false;
		VEC_FOREACH (p, &d->places)
			p->told = false;
	}
}

msec names_wait(const struct names *n)
{
	return n->behind ? BEHIND : n->domains.n > 0 ? LOOK : 0;
}

/* --- all of it ---------------------------------------------------------------------------------
 */

static const struct prefix_vec *pools_of(const struct state *desired, const char *network)
{
	static const struct prefix_vec none = {0};

	VEC_FOREACH (i, &desired->items)
		if ((*i)->kind == ITEM_FIREWALL && strcmp((*i)->network, network) == 0)
			return &(*i)->firewall.overlay;
	return &none;
}

static int serve(struct names *n, const struct state *desired, const char *network, bool stale,
	struct err *e)
{
	const struct dns_item *dns = dns_of(desired, network);
	struct domain *d = map_get(&n->domains, network);
	int r;

	if (domain_check(dns->domain, "domain", NULL) < 0) {
		if (d != NULL)
			drop(n, network);
		return err_set(e, ERR_INVALID, "the DNS domain of %s is unusable", network);
	}
	if (d == NULL) {
		d = NEW(struct domain);
		d->split = splitdns_new();
		map_set(&n->domains, network, d);
	}
	d->stale = d->stale || stale;
	filter_anew(d, pools_of(desired, network));
	r = open_places(n, d, network, &dns->listen, e);
	tell(n, d, desired, network);
	/* a machine that does not answer itself may still know who does */
	splitdns_update(d->split, &desired->items, network);
	return r;
}

int names_update(struct names *n, const struct state *desired, bool stale, struct err *e)
{
	int first = 0;

	n->behind = false;
	drop_gone(n, desired);
	VEC_FOREACH (i, &desired->items) {
		struct err why = {0};
		int r;

		if ((*i)->kind != ITEM_DNS)
			continue;
		r = serve(n, desired, (*i)->network, stale, &why);
		if (r < 0 && first == 0) {
			first = r;
			*e = why;
		}
	}
	if (n->domains.n > 0)
		tell_upstreams(n);
	return first;
}
