/*
 * DOC: what nodes report (doc/protocol.md): heartbeats, drift, leaving; keys and endpoints are in
 * agent_member.c. A report is believed only about the node itself and the peers its own plan can
 * hold.
 */
#include "control/agent_call.h"

#include "base/log.h"
#include "base/text.h"
#include "codec/json.h"
#include "control/address.h"
#include "control/change.h"
#include "control/endpoint.h"
#include "control/latency.h"
#include "control/panel_events.h"
#include "control/register.h"
#include "control/quota.h"
#include "control/roaming.h"
#include "control/rotation.h"
#include "control/telemetry.h"
#include "model/names.h"

#define DRIFT_MAX 4096 /* corrections in one report */
#define DRIFT_TYPE_MAX 64
#define WATCHED_EVERY 4      /* seconds between heartbeats of a gateway while a panel is open */
#define WATCHED_A_SECOND 100 /* heartbeats of all of them, at most */

/* --- heartbeat -------------------------------------------------------------------------------- */

struct beat_call {
	struct agent_call *call;
	struct heartbeat beat;
	struct addr peer; /* where it came from; unset = of no use */
	struct heartbeat_answer answer;
	struct id_vec rotate; /* networks whose key is to be a new one */
	unsigned every;       /* seconds to the next one; 0 = as usual */
};

static void beat_free(struct beat_call *b)
{
	heartbeat_done(&b->beat);
	VEC_DONE(&b->rotate);
	mem_free(b);
}

static void answer_heartbeat(struct beat_call *b)
{
	struct buf body = {0};
	struct json_writer w = {.out = &body};

	json_begin_object(&w, NULL);
	json_put_bool(&w, "reconcile", b->answer.reconcile);
	json_put_bool(&w, "rotate_keys", b->rotate.n > 0);
	if (b->rotate.n > 0) {
		json_begin_array(&w, "rotate_networks");
		VEC_FOREACH (network, &b->rotate)
			json_put_str(&w, NULL, network->id);
		json_end_array(&w);
	}
	if (b->every > 0)
		json_put_int(&w, "every", (int64_t)b->every);
	json_put_time(&w, "time", clock_wall(b->call->hub->clock));
	json_end_object(&w);
	agent_reply(b->call, 200, &body);
	beat_free(b);
}

/* Can this node have such a peer? A device of its own group, a member of its own networks. */
static bool may_report(const struct fleet *f, const char *node, const char *peer)
{
	const struct device *d = map_get(&f->devices, peer);
	const struct member *other, *m;

	if (d != NULL) {
		m = fleet_member(f, node, d->network);
		return m != NULL && (m->roles & ROLE_GATEWAY) && strcmp(m->group, d->group) == 0;
	}
	other = map_get(&f->members, peer);
	return other != NULL && strcmp(other->node, node) != 0 &&
		fleet_member(f, node, other->network) != NULL;
}

static void drop_foreign_links(const struct fleet *f, struct beat_call *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->beat.links.n; i++)
		if (may_report(f, b->call->node, b->beat.links.v[i].peer))
			b->beat.links.v[kept++] = b->beat.links.v[i];
	b->beat.links.n = kept;
}

static bool is_member_of(const struct fleet *f, const char *member, const char *network)
{
	const struct member *m = map_get(&f->members, member);

	return m != NULL && strcmp(m->network, network) == 0;
}

static struct heartbeat_ways *ways_in(struct heartbeat *b, const char *network)
{
	VEC_FOREACH (w, &b->ways)
		if (strcmp(w->network, network) == 0)
			return w;
	return NULL;
}

/* Which ways it sends by, in its own networks, to members of them; nothing said is nothing known.
 */
static void note_ways(const struct fleet *f, struct beat_call *b)
{
	VEC_FOREACH (m, fleet_memberships(f, b->call->node)) {
		struct heartbeat_ways *w = ways_in(&b->beat, (*m)->network);

		for (size_t i = w == NULL ? 0 : w->relayed_to.n; i-- > 0;)
			if (!is_member_of(f, w->relayed_to.v[i].id, w->network))
				VEC_REMOVE(&w->relayed_to, i);
		if (w != NULL && !is_member_of(f, w->relay, w->network))
			w->relay[0] = '\0';
		telemetry_ways(b->call->hub->telemetry, (*m)->id, w);
	}
}

static void note_rotations(const struct fleet *f, struct beat_call *b)
{
	const struct member_refs *memberships = fleet_memberships(f, b->call->node);

	if (memberships != NULL)
		VEC_FOREACH (m, memberships)
			if ((*m)->rotating)
				id_vec_add(&b->rotate, (*m)->network);
}

static void note_latency(struct hub *h, const struct fleet *f, const struct beat_call *b)
{
	const struct member_refs *memberships = fleet_memberships(f, b->call->node);

	if (memberships != NULL && b->answer.applied_after >= 0)
		VEC_FOREACH (m, memberships)
			latency_note(&h->latencies, (*m)->network, b->answer.applied_after);
}

/* From now on the registration is not replayed. */
static int confirm(struct tx *tx, void *arg, struct err *e)
{
	static const char *const column[] = {"confirmed_at", NULL};
	const struct beat_call *b = arg;
	struct node n = {0};
	int r = tx_get(tx, &schema_node, b->call->node, &n, e);

	if (r >= 0 && n.confirmed_at == 0) {
		n.confirmed_at = tx_now(tx);
		r = tx_touch(tx, &schema_node, &n, column, e);
	}
	schema_done(&schema_node, &n);
	return r;
}

static void confirmed(void *arg, int result, const struct err *e)
{
	struct beat_call *b = arg;

	if (result < 0) {
		agent_refuse(b->call, e);
		beat_free(b);
	} else {
		answer_heartbeat(b);
	}
}

/* While somebody watches, gateways speak more often, so that who connects is seen at once. A large
 * fleet does it less often. */
static unsigned watched(const struct fleet *f, struct hub *h, const struct node *n)
{
	size_t each = f->nodes.n / WATCHED_A_SECOND;

	if (!panel_events_watched(h->panel, n->project))
		return 0;
	VEC_FOREACH (m, fleet_memberships(f, n->id))
		if ((*m)->roles & ROLE_GATEWAY)
			return (unsigned)(each > WATCHED_EVERY ? each : WATCHED_EVERY);
	return 0;
}

static void take_heartbeat(const struct fleet *f, void *arg)
{
	struct beat_call *b = arg;
	struct hub *h = b->call->hub;
	const struct node *n = map_get(&f->nodes, b->call->node);
	struct err e;

	if (n == NULL) {
		err_set(&e, ERR_UNAUTHORIZED, "this node has left the fleet: join again");
		agent_refuse(b->call, &e);
		beat_free(b);
		return;
	}
	drop_foreign_links(f, b);
	note_rotations(f, b);
	b->every = watched(f, h, n);
	telemetry_heartbeat(h->telemetry, n->id, &b->beat, &b->answer);
	note_latency(h, f, b);
	endpoint_note(h, f, n->id, &b->beat, b->peer);
	note_ways(f, b);
	roaming_heard(h->roaming, b->beat.links.v, b->beat.links.n);
	quotas_heard(h->quotas, b->beat.links.v, b->beat.links.n);
	rotations_look(h->rotations);
	if (b->answer.first)
		store_write(h->control->store, confirm, b, confirmed);
	else
		answer_heartbeat(b);
}

/* Devices that came to this gateway, said at once. */
static void take_arrivals(const struct fleet *f, void *arg)
{
	struct beat_call *b = arg;
	struct hub *h = b->call->hub;
	struct buf body = {0};

	drop_foreign_links(f, b);
	telemetry_arrivals(h->telemetry, b->call->node, &b->beat);
	roaming_heard(h->roaming, b->beat.links.v, b->beat.links.n);
	buf_adds(&body, "{}");
	agent_reply(b->call, 200, &body);
	beat_free(b);
}

static void read_beat(
	struct http_request *rq, void *ctx, void (*take)(const struct fleet *f, void *arg))
{
	struct agent_call *c = agent_call_new(rq, ctx);
	struct beat_call *b;
	struct err e = {0};
	const char *body;
	size_t n;

	if (c == NULL)
		return;
	body = http_body(rq, &n);
	if (body == NULL) {
		agent_call_free(c);
		return;
	}
	b = NEW(struct beat_call);
	b->call = c;
	if (heartbeat_read(body, n, clock_wall(c->hub->clock), &b->beat, &e) < 0) {
		agent_refuse(c, &e);
		beat_free(b);
		return;
	}
	if (address_of_peer(http_peer(rq), &b->peer) < 0)
		b->peer = (struct addr){0};
	hub_run(c->hub, take, b);
}

void agent_heartbeat(struct http_request *rq, const struct http_route *route, void *ctx)
{
	read_beat(rq, ctx, take_heartbeat);
}

void agent_arrivals(struct http_request *rq, const struct http_route *route, void *ctx)
{
	read_beat(rq, ctx, take_arrivals);
}

/* --- drift, leaving --------------------------------------------------------------------------- */

static int store_leave(struct tx *tx, struct agent_call *c, struct err *e)
{
	return node_leave(tx, c->node, c->node, e);
}

static int read_drift(const struct json *j, struct agent_call *c, struct err *e)
{
	const struct json *list = json_get(j, "corrections");
	size_t n = list != NULL ? json_count(list) : 0;

	if (json_kind(list) != JSON_IS_LIST || n > DRIFT_MAX)
		return err_field(e, ERR_INVALID, "corrections",
			"corrections must be a list of at most %d entries", DRIFT_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct json *one = json_at(list, i), *detail = json_get(one, "detail");
		const char *type = json_str(one, "type");
		int chars = type == NULL ? 0 : text_printable(type);

		if (chars < 1 || chars > DRIFT_TYPE_MAX)
			return err_field(e, ERR_INVALID, "corrections",
				"each correction must have a type of at most %d printable "
				"characters",
				DRIFT_TYPE_MAX);
		if (detail != NULL && json_kind(detail) != JSON_IS_STR)
			return err_field(
				e, ERR_INVALID, "corrections", "a correction's detail is a text");
	}
	log_info("a node corrected drift", LOG_KV_STR("node", c->node), LOG_KV_INT("count", n));
	return 0;
}

void agent_deregister(struct http_request *rq, const struct http_route *route, void *ctx)
{
	agent_call_change(agent_call_new(rq, ctx), store_leave);
}

void agent_drift(struct http_request *rq, const struct http_route *route, void *ctx)
{
	struct agent_call *c = agent_call_read(rq, ctx, read_drift);
	struct buf body = {0};

	if (c == NULL)
		return;
	atomic_fetch_add(&c->hub->drift_reports, 1);
	buf_adds(&body, "{}");
	agent_reply(c, 200, &body);
}
