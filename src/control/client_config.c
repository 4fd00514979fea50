/* DOC: see client_config.h. */
#include "control/client_config.h"

#include "base/mem.h"
#include "crypto/key.h"
#include "model/validate.h"
#include "plan/plan.h"
#include "render/format.h"

#include <string.h>

#define RESOLVERS_MAX 2 /* what every system takes */

/* Host of a member's endpoint text, which may lack a port when it was observed. */
static bool usable_host(const char *text, char *host, size_t size)
{
	uint16_t port;
	struct addr a;
	if (text == NULL || *text == '\0')
		return false;
	if (endpoint_split(text, host, size, &port) < 0) {
		if (strlen(text) >= size)
			return false;
		strcpy(host, text);
	}
	return addr_parse(host, &a) < 0 || !addr_is_special(a);
}

bool client_member_usable(const struct member *m)
{
	char host[256];
	return (m->roles & ROLE_GATEWAY) &&
		(usable_host(m->endpoint, host, sizeof(host)) ||
			usable_host(m->observed_endpoint, host, sizeof(host)));
}

int client_endpoint(const struct fleet *f, const struct group *g, struct buf *out, struct err *e)
{
	const struct fleet_network *fn = fleet_network(f, g->network);
	char host[256], observed[256] = "";
	bool any = false;
	for (size_t i = 0; fn && i < fn->members.n; i++) {
		const struct member *m = fn->members.v[i];
		const struct node *n = map_get(&f->nodes, m->node);
		if (!(m->roles & ROLE_GATEWAY) || strcmp(m->group, g->id) != 0)
			continue;
		if (n == NULL || !n->enabled)
			continue;
		any = true;
		if (usable_host(m->endpoint, host, sizeof(host))) {
			endpoint_join(host, g->listen_port, out);
			return 0;
		}
		if (!observed[0] && !usable_host(m->observed_endpoint, observed, sizeof(observed)))
			observed[0] = '\0';
	}
	if (observed[0]) {
		endpoint_join(observed, g->listen_port, out);
		return 0;
	}
	return any ? err_set(e, ERR_UNAVAILABLE,
			     "no gateway of group %s has a known endpoint: set one on its member",
			     g->name)
		   : err_set(e, ERR_UNAVAILABLE, "group %s has no enabled gateway", g->name);
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

static int render(const struct fleet *f, const struct device *d, const struct secret *private_key,
	const char *name, const struct config_format *format, struct buf *out, struct err *e)
{
	const struct group *g = map_get(&f->groups, d->group);
	const struct fleet_network *fn = fleet_network(f, d->network);
	CLEANUP(buf_done) struct buf endpoint = {0};
	CLEANUP(secret_wipe) struct secret psk = {0};
	if (g == NULL || fn == NULL)
		return err_set(e, ERR_UNAVAILABLE, "the gateway group of %s is gone", d->name);
	const struct network *n = fn->network;
	int r = client_endpoint(f, g, &endpoint, e);
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

int client_config(const struct fleet *f, const struct device *d, const struct secret *private_key,
	const struct config_format *format, struct buf *out, struct err *e)
{
	return render(f, d, private_key, d->name, format, out, e);
}

void client_config_hash(
	const struct fleet *f, const struct device *d, char ret[static HASH_HEX_LEN])
{
	CLEANUP(buf_wipe) struct buf text = {0};
	ret[0] = '\0';
	if (render(f, d, NULL, "device", NULL, &text, NULL) == 0)
		hash_sha256_hex(text.data, text.len, ret);
}
