/* DOC: see names.h. */
#include "agent/names.h"

#include "agent/splitdns.h"
#include "base/log.h"
#include "base/map.h"
#include "dns/server.h"
#include "net/net.h"

#include <stdio.h>

struct names {
	struct dns_server *server;
	struct map served; /* network -> struct splitdns */
};

struct names *names_new(struct loop *l, const struct clock *c)
{
	const struct dns_server_options o = {0};
	struct names *n = NEW(struct names);

	n->server = dns_server_new(l, c, &o);
	return n;
}

static void free_split(void *s)
{
	splitdns_free(s);
}

struct names *names_free(struct names *n)
{
	if (n == NULL)
		return NULL;
	dns_server_free(n->server);
	map_done(&n->served, free_split);
	return mem_free(n);
}

static bool is_served(const struct state *desired, const char *network)
{
	struct item key = {.kind = ITEM_DNS};

	id_copy(key.network, network);
	return state_find(desired, &key) != NULL;
}

static void drop_gone(struct names *n, const struct state *desired)
{
	struct strs gone = {0};

	MAP_FOREACH (slot, &n->served)
		if (!is_served(desired, slot->key))
			strs_push(&gone, slot->key);
	VEC_FOREACH (network, &gone) {
		dns_server_drop_zone(n->server, *network);
		splitdns_free(map_remove(&n->served, *network));
	}
	strs_done(&gone);
}

/* "... : dnsmasq (process 712) has the port". */
static void name_holder(struct addr at, struct err *e)
{
	CLEANUP(buf_done) struct buf holder = {0};
	size_t used = strlen(e->text);

	if (net_port_holder(false, 53, at, &holder) < 0 &&
		net_port_holder(true, 53, at, &holder) < 0)
		return;
	snprintf(e->text + used, sizeof(e->text) - used, ": %s has the port", buf_str(&holder));
}

static int serve(struct names *n, const struct state *desired, const char *network, bool stale,
	struct err *e)
{
	struct splitdns *split = map_get(&n->served, network);
	struct addr failed = {0};
	int r;

	if (stale || split == NULL) {
		struct dns_zone *z =
			dns_zone_new(&desired->items, network, (uint32_t)desired->revision);

		if (z == NULL)
			return err_set(e, ERR_INVALID, "the DNS domain of %s is unusable", network);
		dns_server_set_zone(n->server, z);
	}
	if (split == NULL) {
		split = splitdns_new();
		map_set(&n->served, network, split);
	}
	r = dns_server_listen(n->server, network, &failed, e);
	if (r == ERR_EXISTS)
		name_holder(failed, e);
	/* a machine that does not answer itself may still know who does */
	splitdns_update(split, &desired->items, network);
	return r;
}

int names_update(struct names *n, const struct state *desired, bool stale, struct err *e)
{
	int first = 0;

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
	return first;
}
