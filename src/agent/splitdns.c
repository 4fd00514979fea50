/* DOC: see splitdns.h. */
#include "agent/splitdns.h"

#include "base/log.h"
#include "base/proc.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define RESOLVED "/run/systemd/resolve"
#define TIMEOUT 5000 /* ms */
#define SERVERS_MAX 3

struct splitdns {
	char interface[IFNAME_LEN];
	char *told;   /* what resolved was told last; NULL = nothing */
	bool failing; /* and that has been logged */
};

struct splitdns *splitdns_new(void)
{
	return NEW(struct splitdns);
}

static bool resolved_runs(void)
{
	return access(RESOLVED, F_OK) == 0;
}

struct splitdns *splitdns_free(struct splitdns *s)
{
	if (s == NULL)
		return NULL;
	if (s->told != NULL && resolved_runs()) {
		const char *const argv[] = {"resolvectl", "revert", s->interface, NULL};

		proc_run(argv, NULL, 0, NULL, NULL, TIMEOUT, NULL); /* gone with the link else */
	}
	mem_free(s->told);
	return mem_free(s);
}

static struct addr asked_at(const struct name_item *n)
{
	return addr_is_set(n->addr) ? n->addr : n->addr6;
}

/* Addresses, at most SERVERS_MAX; a gateway asks itself. */
static void choose_servers(const struct item_vec *items, const char *network,
	const struct dns_item *dns, struct strs *ret)
{
	char text[ADDR_TEXT_LEN];

	VEC_FOREACH (i, items) {
		const struct name_item *n = &(*i)->name;

		if ((*i)->kind != ITEM_NAME || strcmp((*i)->network, network) != 0 || !n->all)
			continue;
		if (prefix_vec_has(&dns->listen, asked_at(n))) {
			strs_done(ret);
			break;
		}
		if (ret->n < SERVERS_MAX)
			strs_push(ret, addr_format(asked_at(n), text));
	}
	if (ret->n == 0 && dns->listen.n > 0)
		strs_push(ret, addr_format(dns->listen.v[0].addr, text));
}

/* The link resolved is told about: of those of the network, the direct one. */
static const char *choose_link(const struct item_vec *items, const char *network)
{
	const char *link = NULL;

	VEC_FOREACH (i, items)
		if ((*i)->kind == ITEM_INTERFACE && strcmp((*i)->network, network) == 0 &&
			((*i)->interface.role == IFACE_DIRECT ||
				(link == NULL && (*i)->interface.role == IFACE_DEVICES)))
			link = (*i)->interface.name;
	return link;
}

static int tell(const char *link, const struct strs *servers, const char *domain, struct err *e)
{
	char routed[256];
	const char *dns[3 + SERVERS_MAX + 1] = {"resolvectl", "dns", link};
	const char *const domains[] = {"resolvectl", "domain", link, routed, NULL};
	int r;

	/* "~": asked here, but nothing is searched in it */
	snprintf(routed, sizeof(routed), "~%s", domain);
	for (size_t i = 0; i < servers->n; i++)
		dns[3 + i] = servers->v[i];
	r = proc_run(dns, NULL, 0, NULL, NULL, TIMEOUT, e);
	return r < 0 ? r : proc_run(domains, NULL, 0, NULL, NULL, TIMEOUT, e);
}

static const struct dns_item *dns_of(const struct item_vec *items, const char *network)
{
	VEC_FOREACH (i, items)
		if ((*i)->kind == ITEM_DNS && strcmp((*i)->network, network) == 0)
			return &(*i)->dns;
	return NULL;
}

void splitdns_update(struct splitdns *s, const struct item_vec *items, const char *network)
{
	const struct dns_item *dns = dns_of(items, network);
	const char *link = choose_link(items, network);
	CLEANUP(buf_done) struct buf wanted = {0};
	CLEANUP(strs_done) struct strs servers = {0};
	struct err e = {0};
	unsigned index;

	if (dns == NULL || link == NULL || !resolved_runs())
		return;
	index = if_nametoindex(link);
	choose_servers(items, network, dns, &servers);
	/* with the index: resolved forgets with the link, and a new one has to be told */
	buf_addf(&wanted, "%u %s %s", index, link, dns->domain);
	VEC_FOREACH (server, &servers)
		buf_addf(&wanted, " %s", *server);
	if (index == 0 || (s->told != NULL && strcmp(s->told, buf_str(&wanted)) == 0))
		return;
	snprintf(s->interface, IFNAME_LEN, "%s", link);
	if (tell(link, &servers, dns->domain, &e) < 0) {
		if (!s->failing)
			log_warn("this machine's resolver was not told of the domain",
				LOG_KV_STR("domain", dns->domain), LOG_KV_STR("error", e.text));
		s->failing = true;
		return;
	}
	s->failing = false;
	mem_free(s->told);
	s->told = buf_take(&wanted);
}
