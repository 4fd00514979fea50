/* DOC: see endpoint.h. */
#include "control/endpoint.h"

#include "base/log.h"
#include "control/change.h"
#include "control/hub_state.h"
#include "control/telemetry.h"
#include "model/names.h"
#include "model/ports.h"
#include "model/validate.h"

#include <string.h>

/* --- to the store ----------------------------------------------------------------------------- */

/* Where members of one node were seen, on the way to the store. */
struct move {
	id_text node, by;
	VEC(struct heartbeat_endpoint) endpoints;
};

static int store_move(struct tx *tx, void *arg, struct err *e)
{
	struct move *mv = arg;
	int r = 0;

	VEC_FOREACH (ep, &mv->endpoints) {
		struct member before = {0}, after = {0};

		r = tx_find(tx, &schema_member, &before, e, "node", mv->node, "network",
			ep->network, NULL);
		if (r == ERR_NOT_FOUND) {
			r = 0; /* it has left meanwhile */
			continue;
		}
		if (r >= 0) {
			schema_copy(&schema_member, &after, &before);
			mem_free(after.observed_endpoint);
			after.observed_endpoint = mem_strdup(ep->address);
			r = change_store(
				tx, &schema_member, &before, &after, mv->by, "member.endpoint", e);
		}
		schema_done(&schema_member, &before);
		schema_done(&schema_member, &after);
		if (r < 0)
			break;
	}
	return r;
}

static void moved(void *arg, int result, const struct err *e)
{
	struct move *mv = arg;

	if (result < 0)
		log_error("an observed endpoint could not be stored", LOG_KV_STR("node", mv->node),
			LOG_KV_STR("error", e->text));
	VEC_DONE(&mv->endpoints);
	mem_free(mv);
}

static struct move *move_new(const char *node, const char *by)
{
	struct move *mv = NEW(struct move);

	id_copy(mv->node, node);
	id_copy(mv->by, by);
	return mv;
}

/* Store it, or forget it when there is nothing. */
static void move_send(struct hub *h, struct move *mv)
{
	if (mv->endpoints.n == 0) {
		mem_free(mv);
		return;
	}
	telemetry_moved(h->telemetry, mv->node);
	store_write(h->control->store, store_move, mv, moved);
}

/* A change of where m is, when it is one. */
static void add_change(
	const struct fleet *f, const struct member *m, const char *at, struct move *mv)
{
	struct heartbeat_endpoint ep = {0};

	if (at[0] == '\0' || strlen(at) >= sizeof(ep.address) ||
		(m->observed_endpoint != NULL && strcmp(m->observed_endpoint, at) == 0))
		return;
	/* A node that calls through its own tunnel is not to be found at its far end. */
	if (network_holds_endpoint(fleet_network(f, m->network)->network, at))
		return;
	id_copy(ep.network, m->network);
	memcpy(ep.address, at, strlen(at) + 1);
	VEC_PUSH(&mv->endpoints, ep);
}

/* --- what a heartbeat says of its own node ---------------------------------------------------- */

static const char *reported_endpoint(const struct heartbeat *beat, const char *network)
{
	VEC_FOREACH (ep, &beat->endpoints)
		if (strcmp(ep->network, network) == 0)
			return ep->address;
	return NULL;
}

static uint16_t direct_port(const struct fleet *f, const struct member *m)
{
	struct member_ports p;

	member_ports(map_get(&f->networks, m->network), m,
		m->group[0] != '\0' ? map_get(&f->groups, m->group) : NULL, &p);
	return p.direct;
}

/* Its calls come from that address, at a port we have to guess; kept as long as the address is. */
static void called_from(
	const struct fleet *f, const struct member *m, struct addr peer, struct buf *out)
{
	char now[ADDR_TEXT_LEN], host[256];
	uint16_t port;

	if (!addr_is_set(peer))
		return;
	addr_format(peer, now);
	if (m->observed_endpoint != NULL &&
		endpoint_split(m->observed_endpoint, host, sizeof(host), &port) == 0 &&
		strcmp(host, now) == 0)
		return;
	endpoint_join(now, direct_port(f, m), out);
}

/* Where others saw it counts most: they know what works. Then what it says itself, then where its
 * calls come from. */
static void note_own(struct hub *h, const struct fleet *f, const char *node,
	const struct heartbeat *beat, struct addr peer)
{
	struct move *mv = move_new(node, node);
	bool may_move = telemetry_may_move(h->telemetry, node);

	VEC_FOREACH (m, fleet_memberships(f, node)) {
		CLEANUP(buf_done) struct buf at = {0};
		const char *reported = reported_endpoint(beat, (*m)->network);
		char seen[SIGHT_TEXT];

		telemetry_said(h->telemetry, (*m)->id, reported, peer);
		if ((*m)->endpoint != NULL || !may_move)
			continue; /* configured: nobody asks */
		if (telemetry_seen_at(h->telemetry, (*m)->id, seen))
			buf_adds(&at, seen);
		else if (reported != NULL)
			buf_adds(&at, reported);
		else
			called_from(f, *m, peer, &at);
		add_change(f, *m, buf_str(&at), mv);
	}
	move_send(h, mv);
}

/* --- what it says of others ------------------------------------------------------------------- */

/* Whose word counts on where a member is: who can be reached from everywhere, and sees the port
 * that is good for others. To a gateway that shares its devices every member speaks from another
 * interface than to the rest (plan/way.h). */
static bool observes(const struct fleet *f, const struct member *m)
{
	return m != NULL && (m->roles & (ROLE_CONTROLLER | ROLE_GATEWAY)) != 0 &&
		!fleet_shares(fleet_network(f, m->network), m);
}

/* Where the node that reports observes: of many rows, one or two networks. */
struct observer {
	id_text network;
	bool observes;
};

static bool observes_in(
	const struct fleet *f, const char *node, const char *network, struct observer *o)
{
	if (strcmp(o->network, network) != 0) {
		id_copy(o->network, network);
		o->observes = observes(f, fleet_member(f, node, network));
	}
	return o->observes;
}

static void note_other(struct hub *h, const struct fleet *f, const char *node,
	const struct link_row *row, struct observer *o)
{
	const struct member *m = map_get(&f->members, row->peer);
	char seen[SIGHT_TEXT];
	struct move *mv;
	struct err e;

	if (m == NULL || m->endpoint != NULL || row->relayed || row->endpoint[0] == '\0' ||
		row->handshake == 0 || strlen(row->endpoint) >= SIGHT_TEXT ||
		!observes_in(f, node, m->network, o) ||
		heartbeat_endpoint_check(row->endpoint, "endpoint", &e) < 0)
		return;
	telemetry_sight(h->telemetry, m->id, node, row->endpoint, row->handshake);
	if (!telemetry_seen_at(h->telemetry, m->id, seen) ||
		!telemetry_may_move(h->telemetry, m->node))
		return;
	mv = move_new(m->node, node);
	add_change(f, m, seen, mv);
	move_send(h, mv);
}

void endpoint_note(struct hub *h, const struct fleet *f, const char *node,
	const struct heartbeat *beat, struct addr peer)
{
	struct observer o = {0};

	VEC_FOREACH (row, &beat->links)
		note_other(h, f, node, row, &o);
	note_own(h, f, node, beat, peer);
}
