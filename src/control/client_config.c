/* DOC: see client_config.h. */
#include "control/client_config.h"

#include "base/mem.h"
#include "control/entry.h"
#include "crypto/key.h"
#include "model/validate.h"
#include "plan/plan.h"
#include "render/format.h"

#include <string.h>

#define RESOLVERS_MAX 2 /* what every system takes */

/* Where devices of the group reach it, when they come in by that gateway if it can be. */
static int endpoint_of(const struct fleet *f, const struct group *g, const char *entry,
	struct buf *out, struct err *e)
{
	struct entry_vec v = {0};
	struct entry_wish any = {0};
	const struct entry *best = NULL;
	struct err why = {0};
	int r = 0;
	entries_of(f, g, NULL, &v);
	best = entry_best(&v, entry, NULL);
	if (best != NULL)
		buf_adds(out, best->endpoint);
	else if (entry_choose(&v, g, &any, &best, &why) < 0)
		r = err_set(e, ERR_UNAVAILABLE, "%s", why.text);
	VEC_DONE(&v);
	return r;
}

/* Where there is no address that all gateways have (no IPv4): those of the group, by their own. */
static void gateways_of(const struct fleet *f, const struct group *g, struct strs *ret)
{
	const struct fleet_network *fn = fleet_network(f, g->network);
	char text[ADDR_TEXT_LEN];
	for (size_t i = 0; i < fn->members.n && ret->n < RESOLVERS_MAX; i++) {
		const struct member *m = fn->members.v[i];
		const struct node *n = map_get(&f->nodes, m->node);
		if ((m->roles & ROLE_GATEWAY) && strcmp(m->group, g->id) == 0 && n != NULL &&
			n->enabled && addr_is_set(m->ipv6))
			strs_push(ret, addr_format(m->ipv6, text));
	}
}

/* Its own list, the network's, or the gateway, which answers for the network. */
static void resolvers(const struct fleet *f, const struct network *n, const struct group *g,
	const struct device *d, struct strs *ret)
{
	char text[ADDR_TEXT_LEN];
	if (d->dns.n > 0 || n->dns.n > 0)
		strs_copy(ret, d->dns.n > 0 ? &d->dns : &n->dns);
	else if (n->dns_serve && addr_is_set(n->gateway_addr))
		strs_push(ret, addr_format(n->gateway_addr, text));
	else if (n->dns_serve)
		gateways_of(f, g, ret);
}

static int render(const struct fleet *f, const struct device *d, const char *entry,
	const struct secret *private_key, const char *name, const struct config_format *format,
	struct buf *out, struct err *e)
{
	const struct group *g = map_get(&f->groups, d->group);
	const struct fleet_network *fn = fleet_network(f, d->network);
	CLEANUP(buf_done) struct buf endpoint = {0};
	CLEANUP(secret_wipe) struct secret psk = {0};
	if (g == NULL || fn == NULL)
		return err_set(e, ERR_UNAVAILABLE, "the gateway group of %s is gone", d->name);
	const struct network *n = fn->network;
	int r = endpoint_of(f, g, entry, &endpoint, e);
	if (r < 0)
		return r;
	plan_device_psk(f, d, &psk);
	char interface[IFNAME_LEN];
	network_ifname(n, "", interface);
	struct prefix_vec routes = {0};
	plan_device_routes(f, d, &routes);
	CLEANUP(strs_done) struct strs dns = {0};
	resolvers(f, n, g, d, &dns);
	struct device_config c = {
		.private_key = private_key,
		.ipv4 = d->ipv4,
		.ipv6 = d->ipv6,
		.dns = &dns,
		.mtu = d->mtu ? d->mtu : n->mtu,
		.peer_key = g->public_key,
		.psk = secret_is_zero(&psk) ? NULL : &psk,
		.allowed_ips = &routes,
		.endpoint = buf_str(&endpoint),
		.keepalive = d->keepalive < 0 ? n->keepalive : (uint16_t)d->keepalive,
		.name = name,
		.interface = interface,
		.id = d->id,
	};
	/* A search domain means something only to a resolver that knows the network. */
	c.search_domain = c.dns->n > 0 ? n->domain : NULL;
	r = config_render(format ? format : config_formats, &c, out, e);
	VEC_DONE(&routes);
	return r;
}

int client_config(const struct fleet *f, const struct device *d, const char *entry,
	const struct secret *private_key, const struct config_format *format, struct buf *out,
	struct err *e)
{
	return render(f, d, entry, private_key, d->name, format, out, e);
}

void client_config_hash(const struct fleet *f, const struct device *d, const char *entry,
	char ret[static HASH_HEX_LEN])
{
	CLEANUP(buf_wipe) struct buf text = {0};
	ret[0] = '\0';
	if (render(f, d, entry, NULL, "device", NULL, &text, NULL) == 0)
		hash_sha256_hex(text.data, text.len, ret);
}
