/* DOC: see ways.h. */
#include "agent/ways.h"

#include "agent/path.h"

static const struct interface_item *interface_of(
	struct core *c, const char *network, const char *name)
{
	VEC_FOREACH (i, &c->desired.items)
		if ((*i)->kind == ITEM_INTERFACE && strcmp((*i)->network, network) == 0 &&
			strcmp((*i)->interface.name, name) == 0)
			return &(*i)->interface;
	return NULL;
}

/* Whoever has no better route is reached by the widest one, by the first relay that is heard. */
static bool is_better(const struct route_item *r, const struct route_item *best)
{
	int bits, least;

	if (best == NULL)
		return true;
	bits = addr_width(r->dst.addr) - r->dst.len;
	least = addr_width(best->dst.addr) - best->dst.len;
	return bits != least ? bits > least : r->metric < best->metric;
}

/* The id of the relay in use; NULL = there is none. */
static const char *relay_of(struct core *c, const char *network)
{
	const struct route_item *best = NULL;

	VEC_FOREACH (i, &c->desired.items) {
		const struct interface_item *n;

		if ((*i)->kind != ITEM_ROUTE || strcmp((*i)->network, network) != 0 ||
			(*i)->route.dst.len == addr_width((*i)->route.dst.addr) ||
			!core_in_force(c, *i) || !is_better(&(*i)->route, best))
			continue;
		n = interface_of(c, network, (*i)->route.interface);
		if (n != NULL && n->role == IFACE_RELAY)
			best = &(*i)->route;
	}
	if (best != NULL)
		VEC_FOREACH (i, &c->desired.items)
			if ((*i)->kind == ITEM_PEER &&
				strcmp((*i)->peer.interface, best->interface) == 0 &&
				strncmp((*i)->peer.id, PEER_NEXT_PREFIX,
					strlen(PEER_NEXT_PREFIX)) != 0)
				return (*i)->peer.id;
	return NULL;
}

/* Peers that have a route of their own by the interface while they are heard. */
static void gather_watched(struct core *c, const char *ifname, struct map *ret)
{
	VEC_FOREACH (i, &c->desired.items)
		if ((*i)->kind == ITEM_ROUTE && (*i)->route.peer[0] != '\0' &&
			strcmp((*i)->route.interface, ifname) == 0)
			map_set(ret, (*i)->route.peer, *i);
}

static void write_network(struct core *c, const struct item *direct, struct json_writer *w)
{
	const char *ifname = direct->interface.name, *relay = relay_of(c, direct->network);
	struct map watched = {0};
	size_t heard = 0, named = 0;

	gather_watched(c, ifname, &watched);
	if (watched.n == 0)
		return;
	json_begin_object(w, NULL);
	json_put_str(w, "network", direct->network);
	json_put_str(w, "relay", relay);
	json_begin_array(w, "relayed_to");
	MAP_FOREACH (slot, &watched) {
		if (paths_heard(&c->paths, ifname, slot->key))
			heard++;
		else if (named++ < WAYS_NAMED_MAX)
			json_put_str(w, NULL, slot->key);
	}
	json_end_array(w);
	json_put_int(w, "direct", (int64_t)heard);
	json_put_int(w, "relayed", (int64_t)(watched.n - heard));
	json_end_object(w);
	map_done(&watched, NULL);
}

void ways_write(struct core *c, struct json_writer *w)
{
	json_begin_array(w, "ways");
	VEC_FOREACH (i, &c->desired.items)
		if ((*i)->kind == ITEM_INTERFACE && (*i)->interface.role == IFACE_DIRECT)
			write_network(c, *i, w);
	json_end_array(w);
}
