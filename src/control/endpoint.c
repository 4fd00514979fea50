/* DOC: see endpoint.h. */
#include "control/endpoint.h"

#include "base/log.h"
#include "control/change.h"
#include "control/hub_state.h"
#include "control/telemetry.h"
#include "control/whereabouts.h"
#include "model/names.h"
#include "model/ports.h"
#include "model/validate.h"

#include <string.h>

/* --- to the store ----------------------------------------------------------------------------- */

/* Where members of one node are, on the way to the store. */
struct place {
	id_text network;
	struct whereabouts at;
};

struct move {
	id_text node, by;
	VEC(struct place) places;
};

static int store_move(struct tx *tx, void *arg, struct err *e)
{
	struct move *mv = arg;
	int r = 0;

	VEC_FOREACH (p, &mv->places) {
		struct member before = {0}, after = {0};

		r = tx_find(tx, &schema_member, &before, e, "node", mv->node, "network", p->network,
			NULL);
		if (r == ERR_NOT_FOUND) {
			r = 0; /* it has left meanwhile */
			continue;
		}
		if (r >= 0) {
			schema_copy(&schema_member, &after, &before);
			whereabouts_put(&after, &p->at);
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
	VEC_DONE(&mv->places);
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
	if (mv->places.n == 0) {
		mem_free(mv);
		return;
	}
	telemetry_moved(h->telemetry, mv->node);
	store_write(h->control->store, store_move, mv, moved);
}

/* A change of where m is, when it is one. */
static void add_change(const struct member *m, const struct whereabouts *at, struct move *mv)
{
	struct place p = {.at = *at};
	struct whereabouts now;

	whereabouts_of(m, &now);
	if (whereabouts_equal(&now, at))
		return;
	id_copy(p.network, m->network);
	VEC_PUSH(&mv->places, p);
}

/* --- what a heartbeat says of its own node ---------------------------------------------------- */

VEC_TYPE(reports, const char *);

/* What it says of one of its members, NULL-terminated; not what lies in the network itself, where
 * packets would go in circles. Borrowed. */
static void reported_of(const struct heartbeat *beat, const struct network *n, struct reports *ret)
{
	VEC_FOREACH (ep, &beat->endpoints)
		if (strcmp(ep->network, n->id) == 0 && !network_holds_endpoint(n, ep->address))
			VEC_PUSH(ret, ep->address);
	VEC_PUSH(ret, NULL);
}

static uint16_t direct_port(const struct fleet *f, const struct member *m)
{
	struct member_ports p;

	member_ports(map_get(&f->networks, m->network), m,
		m->group[0] != '\0' ? map_get(&f->groups, m->group) : NULL, &p);
	return p.direct;
}

static void note_own(struct hub *h, const struct fleet *f, const char *node,
	const struct heartbeat *beat, struct addr peer)
{
	struct move *mv = move_new(node, node);
	bool may_move = telemetry_may_move(h->telemetry, node);

	VEC_FOREACH (m, fleet_memberships(f, node)) {
		const struct network *n = fleet_network(f, (*m)->network)->network;
		struct reports reported = {0};
		struct whereabouts at;
		char seen[SIGHT_TEXT];

		reported_of(beat, n, &reported);
		telemetry_said(h->telemetry, (*m)->id, reported.v[0], peer);
		if (may_move) {
			bool known = telemetry_seen_at(h->telemetry, (*m)->id, seen) &&
				!network_holds_endpoint(n, seen);

			whereabouts_tell(*m,
				&(struct witness){.network = n,
					.seen = known ? seen : NULL,
					.reported = reported.v,
					.called = peer,
					.port = direct_port(f, *m)},
				&at);
			add_change(*m, &at, mv);
		}
		VEC_DONE(&reported);
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
	struct whereabouts at;
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
	if (network_holds_endpoint(fleet_network(f, m->network)->network, seen))
		return; /* by way of the tunnel itself */
	whereabouts_of(m, &at);
	memcpy(at.observed, seen, sizeof(seen));
	mv = move_new(m->node, node);
	add_change(m, &at, mv);
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
