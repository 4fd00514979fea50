/* DOC: see way.h. */
#include "plan/way.h"

#include "plan/hint.h"
#include "plan/link.h"
#include "plan/relay.h"

#define WAY_PORTS 2000 /* from a member's port up: one a slot */

bool way_by_relay(const struct view *v, size_t viewer, size_t i)
{
	const struct view_member *a = &v->members[viewer], *b = &v->members[i];

	return view_relayed(v, viewer, i) && (a->relay ? b : a)->shares;
}

const char *way_ifname(const struct view *v, size_t viewer, size_t i)
{
	/* the relay's end of the two is an ordinary way */
	return way_by_relay(v, viewer, i) && v->members[i].relay ? relay_ifname(v, i)
								 : v->members[i].way;
}

void way_names(const struct view *v, size_t i, struct strs *ret)
{
	for (size_t k = 0; k < v->n_members; k++)
		if (k != i && v->members[k].shares &&
			!(way_by_relay(v, i, k) && v->members[k].relay))
			strs_push(ret, v->members[k].way);
}

/* --- links ------------------------------------------------------------------------------------ */

uint16_t way_port(const struct view *v, size_t i, size_t to)
{
	struct member_ports p;
	unsigned port;

	view_ports(v, i, &p);
	port = p.direct + WAY_PORTS + 256 < UINT16_MAX ? p.direct + WAY_PORTS
						       : p.direct - 2 * WAY_PORTS;
	return (uint16_t)(port + v->members[to].slot);
}

/* What the gateway sends: for its devices; and, to who shares them, for everybody. */
static void add_allowed(struct view *v, size_t viewer, size_t i, struct prefix_vec *ret)
{
	const struct network *n = v->fn->network;
	const struct member *self = v->members[viewer].member;

	VEC_FOREACH (p, &view_see(v, i)->own)
		VEC_PUSH(ret, *p);
	policy_device_range(n, ret);
	if (v->members[viewer].shares || v->members[viewer].relay) {
		policy_pools(n, ret);
		VEC_FOREACH (p, &v->beyond)
			if (!prefix_vec_covers(&self->local_subnets, *p))
				VEC_PUSH(ret, *p);
	}
	prefix_vec_aggregate(ret);
}

/* Where relays are, a way is watched like a direct link, but for the one a relay sends by. */
static const char *watched(const struct view *v, size_t viewer, size_t i)
{
	return v->n_relays > 0 && !v->members[viewer].relay ? v->members[i].member->id : "";
}

static void push_routes(struct view *v, size_t viewer, size_t i, struct item_vec *ret)
{
	const struct view_member *seen = view_see(v, i);
	const char *peer = watched(v, viewer, i), *name = v->members[i].way;

	VEC_FOREACH (p, &seen->own)
		link_push_route(v->fn->network, name, *p, 0, peer, ret);
	VEC_FOREACH (p, &seen->devices)
		link_push_route(v->fn->network, name, *p, WAY_METRIC, peer, ret);
}

void way_link(struct view *v, size_t viewer, size_t i, struct item_vec *ret)
{
	const struct network *n = v->fn->network;
	const struct member *m = v->members[viewer].member;
	const struct view_member *seen = view_see(v, i);
	bool by_relay = way_by_relay(v, viewer, i);
	struct item *it;

	if (view_wants(v, ITEM_INTERFACE)) {
		link_push_interface(n, seen->way, IFACE_RELAY, link_own_key(m), NULL,
			way_port(v, viewer, i), ret);
		link_addresses(n, m, seen->way, ret);
		link_push_rp_filter(n, seen->way, ret);
	}
	it = link_peer_item(v, viewer, i, seen->way, ret);
	if (v->members[viewer].shares && !by_relay)
		hint_put(m, seen->member, way_port(v, i, viewer), &it->peer);
	else if (!by_relay)
		link_hint(v, viewer, i, &it->peer);
	it->peer.keepalive = n->keepalive != 0 ? n->keepalive : LINK_KEEPALIVE;
	add_allowed(v, viewer, i, &it->peer.allowed_ips);
	if (view_wants(v, ITEM_ROUTE))
		push_routes(v, viewer, i, ret);
	VEC_PUSH(ret, it);
}

/* --- devices ---------------------------------------------------------------------------------- */

/* Where the device is: its gateway's place, or that of its group's home; VIEW_NONE = neither. */
static size_t place_of(
	const struct view *v, const struct device *d, size_t *ret_home, bool *ret_away)
{
	size_t at = d->at[0] != '\0' ? view_index(v, d->at) : VIEW_NONE, home = 0;

	*ret_away = false;
	*ret_home = VIEW_NONE;
	while (home < v->n_members &&
		!(v->members[home].home && strcmp(v->members[home].group->id, d->group) == 0))
		home++;
	if (home == v->n_members)
		return VIEW_NONE;
	*ret_home = home;
	if (at == VIEW_NONE || at == home || !v->members[at].shares || !v->members[at].usable ||
		v->members[at].group != v->members[home].group)
		return home;
	*ret_away = true;
	return at;
}

static void push_host_routes(const struct view *v, const struct device *d, const char *ifname,
	uint32_t metric, const char *peer, struct item_vec *ret)
{
	const struct addr own[] = {d->ipv4, d->ipv6};

	for (size_t k = 0; k < ARRAY_LEN(own); k++)
		if (addr_is_set(own[k]))
			link_push_route(
				v->fn->network, ifname, prefix_host(own[k]), metric, peer, ret);
}

/* A gateway takes the devices' range for its own, so it needs to be told the way round to a device
 * of another group, too; where its home is known, that one's part does (relay_link). */
static void push_way_round(
	struct view *v, size_t i, size_t home, const struct device *d, struct item_vec *ret)
{
	const struct addr own[] = {d->ipv4, d->ipv6};

	if (v->members[i].group == NULL || v->members[i].relay || v->n_relays == 0 ||
		view_related(v, i, home))
		return;
	for (size_t k = 0; k < ARRAY_LEN(own); k++)
		if (addr_is_set(own[k]))
			relay_routes(v, i, prefix_host(own[k]), ret);
}

bool way_device(struct view *v, size_t i, const struct device *d, struct item_vec *ret)
{
	char name[IFNAME_LEN];
	bool away;
	size_t home, at = place_of(v, d, &home, &away);

	if (away && at == i) {
		link_devices_name(v->fn->network, name);
		push_host_routes(v, d, name, 0, "", ret);
	} else if (away && view_linked(v, i, at)) {
		const char *ifname = way_ifname(v, i, at);
		bool own = ifname == v->members[at].way;
		bool at_relay = v->members[at].relay && view_relayed(v, i, at);

		push_host_routes(v, d, ifname, 0, own ? watched(v, i, at) : "", ret);
		if (own && at_relay) /* no other relay knows the way: before them */
			push_host_routes(v, d, relay_ifname(v, at), RELAY_METRIC - 1, "", ret);
		else if (own)
			push_way_round(v, i, home, d, ret);
	}
	return at != VIEW_NONE && at != i;
}
