/* DOC: relay and hub interfaces, their peers and routes; see relay.h. */
#include "plan/relay.h"

#include "plan/hint.h"
#include "plan/link.h"
#include "plan/way.h"

#include <stdio.h>

void relay_hub_name(const struct network *n, char ret[static IFNAME_LEN])
{
	ifname_make(n->name, "-r", ret);
}

/* Does the member have any of these interfaces? One whose key is not known cannot be relayed. */
static bool takes_part(const struct view *v, size_t i)
{
	const struct view_member *vm = &v->members[i];

	return v->n_relays > 0 && vm->keyed;
}

void relay_names(const struct view *v, size_t i, struct strs *ret)
{
	char hub[IFNAME_LEN];

	if (!takes_part(v, i))
		return;
	if (v->members[i].relay) {
		relay_hub_name(v->fn->network, hub);
		strs_push(ret, hub);
		return;
	}
	for (size_t k = 0; k < v->n_relays; k++)
		strs_push(ret, v->relays[k].ifname);
}

const char *relay_ifname(const struct view *v, size_t i)
{
	for (size_t k = 0; k < v->n_relays; k++)
		if (v->relays[k].member == i)
			return v->relays[k].ifname;
	return NULL;
}

/* A hub sends packets back out where they came in; who sent them shall not be told of a shorter
 * way, for there is none on that interface. */
static void push_no_redirects(const struct network *n, const char *hub, struct item_vec *ret)
{
	const char *const where[] = {"all", hub};

	for (size_t i = 0; i < ARRAY_LEN(where); i++) {
		struct item *it = item_new(ITEM_SYSCTL, n->id);

		it->sysctl.name = mem_printf("net.ipv4.conf.%s.send_redirects", where[i]);
		it->sysctl.value = mem_strdup("0");
		VEC_PUSH(ret, it);
	}
}

void relay_interfaces(const struct view *v, size_t i, struct item_vec *ret)
{
	const struct network *n = v->fn->network;
	const struct view_member *vm = &v->members[i];
	const struct member *m = vm->member;
	struct member_ports ports;
	struct strs names = {0};

	view_ports(v, i, &ports);
	relay_names(v, i, &names);
	VEC_FOREACH (name, &names) {
		/* a node speaks first: any port does, and none can be in its way */
		link_push_interface(n, *name, vm->relay ? IFACE_HUB : IFACE_RELAY, link_own_key(m),
			NULL, vm->relay ? ports.hub : 0, ret);
		link_addresses(n, m, *name, ret);
		link_push_rp_filter(n, *name, ret);
		if (vm->relay)
			push_no_redirects(n, *name, ret);
	}
	strs_done(&names);
}

/* --- peers and routes ------------------------------------------------------------------------- */

/* The last one's route stays whatever happens, so that the overlay's packets never leave by another
 * way. */
void relay_routes(const struct view *v, size_t viewer, struct prefix dst, struct item_vec *ret)
{
	size_t order[VIEW_RELAYS_MAX], n = view_relays_for(v, viewer, order);

	for (size_t k = 0; k < n; k++) {
		const struct view_relay *r = &v->relays[order[k]];

		link_push_route(v->fn->network, r->ifname, dst, RELAY_METRIC + (uint32_t)k,
			k + 1 == n ? "" : v->members[r->member].member->id, ret);
	}
}

/* On a relay: what a member sends to its hub, and the way to that member. */
static void push_on_hub(struct view *v, size_t viewer, size_t i, struct item_vec *ret)
{
	const struct network *n = v->fn->network;
	char hub[IFNAME_LEN];
	struct item *it;

	relay_hub_name(n, hub);
	it = link_peer_item(v, viewer, i, hub, ret);
	/* the other end watches this one (push_relay): it is to hear it where nothing is relayed,
	 * too */
	it->peer.keepalive = n->keepalive != 0 ? n->keepalive : LINK_KEEPALIVE;
	prefix_vec_copy(&it->peer.allowed_ips, view_prefixes(v, viewer, i));
	if (view_wants(v, ITEM_ROUTE))
		VEC_FOREACH (p, &it->peer.allowed_ips)
			link_push_route(n, hub, *p, 0, "", ret);
	VEC_PUSH(ret, it);
}

/* The port by which the relay hears viewer. */
static uint16_t hub_port(struct view *v, size_t viewer, size_t relay)
{
	struct member_ports ports;

	if (v->members[viewer].shares)
		return way_port(v, relay, viewer);
	view_ports(v, relay, &ports);
	return ports.hub;
}

static void add_allowed(const struct view *v, const struct member *self, struct prefix_vec *ret)
{
	prefix_vec_copy(ret, &v->pools);
	VEC_FOREACH (p, &v->beyond)
		if (!prefix_vec_covers(&self->local_subnets, *p))
			VEC_PUSH(ret, *p);
	prefix_vec_aggregate(ret);
}

/* The pools by way of the relay; the way to the relay itself, which no other relay knows, nor what
 * is behind it: where it is the home of devices that viewer shares, they are not among its prefixes
 * as viewer sees them. */
static void push_relay_routes(struct view *v, size_t viewer, size_t relay, const char *name,
	uint32_t metric, const char *peer, struct item_vec *ret)
{
	const struct prefix_vec *own = view_prefixes(v, viewer, relay);

	if (own == &view_see(v, relay)->own)
		VEC_FOREACH (p, &view_see(v, relay)->devices)
			link_push_route(v->fn->network, name, *p, WAY_METRIC, "", ret);
	VEC_FOREACH (p, own)
		link_push_route(v->fn->network, name, *p, RELAY_METRIC, "", ret);
	VEC_FOREACH (p, &v->pools)
		link_push_route(v->fn->network, name, *p, metric, peer, ret);
}

/* The relay as the one peer of viewer's interface to it, and the routes by it. */
static void push_relay(struct view *v, size_t viewer, size_t relay, struct item_vec *ret)
{
	const struct network *n = v->fn->network;
	const struct member *self = v->members[viewer].member;
	size_t order[VIEW_RELAYS_MAX], last = view_relays_for(v, viewer, order) - 1, k = 0;
	const char *name;
	struct item *it;

	while (v->relays[order[k]].member != relay)
		k++;
	name = v->relays[order[k]].ifname;
	it = link_peer_item(v, viewer, relay, name, ret);
	hint_put(self, v->members[relay].member, hub_port(v, viewer, relay), &it->peer);
	it->peer.keepalive = n->keepalive != 0 ? n->keepalive : LINK_KEEPALIVE;
	add_allowed(v, self, &it->peer.allowed_ips);
	if (view_wants(v, ITEM_ROUTE))
		push_relay_routes(v, viewer, relay, name, RELAY_METRIC + (uint32_t)k,
			k == last ? "" : it->peer.id, ret);
	VEC_PUSH(ret, it);
}

/* What the routes to the pools do not lead to has routes of its own: what lies behind a member and
 * outside the pools, and, on a gateway, other groups' devices, whose range it takes for its own. */
static void push_beyond(struct view *v, size_t viewer, size_t i, struct item_vec *ret)
{
	struct prefix_vec devices = {0};
	bool gateway = v->members[viewer].group != NULL;

	if (!view_wants(v, ITEM_ROUTE) || !(gateway || view_see(v, i)->outside))
		return;
	if (gateway)
		policy_device_range(v->fn->network, &devices);
	VEC_FOREACH (p, view_prefixes(v, viewer, i))
		if (!prefix_vec_covers(&v->pools, *p) || prefix_vec_covers(&devices, *p))
			relay_routes(v, viewer, *p, ret);
	VEC_DONE(&devices);
}

void relay_link(struct view *v, size_t viewer, size_t i, struct item_vec *ret)
{
	if (v->n_relays == 0 || !view_related(v, viewer, i))
		return;
	if (way_by_relay(v, viewer, i) && v->members[viewer].relay)
		return; /* it has a way to that gateway instead */
	if (v->members[viewer].relay && !v->members[i].relay)
		push_on_hub(v, viewer, i, ret);
	else if (v->members[i].relay && !v->members[viewer].relay)
		push_relay(v, viewer, i, ret);
	else if (!v->members[i].relay)
		push_beyond(v, viewer, i, ret);
}
