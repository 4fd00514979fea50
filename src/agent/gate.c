/* DOC: see gate.h. */
#include "agent/gate.h"

#include "base/log.h"
#include "codec/json.h"

#include <stdio.h>

#define NAME_LEN (IFNAME_LEN + ID_LEN + 1)

struct visitor {
	msec handshake, offered, accepted; /* newest, on its way, known to the control plane */
	struct addr addr;
	uint16_t port;
	bool away;
	uint64_t grant, used, last; /* of the quota: bytes since grant; the counters then */
};

static void free_value(void *p)
{
	mem_free(p);
}

void gate_init(struct gate *g, struct core *core, struct observer *observer)
{
	*g = (struct gate){.core = core, .observer = observer};
}

void gate_done(struct gate *g)
{
	map_done(&g->visitors, free_value);
	*g = (struct gate){0};
}

static struct visitor *visitor_of(struct gate *g, const struct peer_item *p)
{
	char name[NAME_LEN];
	struct visitor *v;

	snprintf(name, sizeof(name), "%s/%s", p->interface, p->id);
	v = map_get(&g->visitors, name);
	if (v == NULL) {
		v = NEW(struct visitor);
		map_set(&g->visitors, name, v);
	}
	return v;
}

/* Has it used up what is left? What it used before we began to look is not ours to know: the
 * control plane counted it before it said how much is left. */
static bool is_spent(
	struct visitor *v, const struct peer_item *want, const struct wg_peer *p, bool *ret_near)
{
	uint64_t now = p->rx + p->tx, before = v->used;

	if (v->grant != want->quota_grant) {
		v->grant = want->quota_grant;
		v->used = before = 0;
	} else {
		v->used += now >= v->last ? now - v->last : now; /* smaller: it was put in anew */
	}
	/* as much again until the next look would be too much */
	*ret_near |= want->quota_grant != 0 && v->used + 2 * (v->used - before) >= want->quota_left;
	v->last = now;
	return want->quota_grant != 0 && v->used >= want->quota_left;
}

static void see(
	struct gate *g, const struct item *i, const struct wg_peer *p, struct item_vec *spent)
{
	const struct peer_item *want = &i->peer;
	struct visitor *v = visitor_of(g, want);

	v->away = want->away;
	v->handshake = p->last_handshake;
	v->addr = p->endpoint_addr;
	v->port = p->endpoint_port;
	g->news |= v->away && v->handshake != 0 && v->handshake != v->accepted;
	if (is_spent(v, want, p, &g->near))
		VEC_PUSH(spent, (struct item *)(uintptr_t)i);
}

static void look_at(struct gate *g, const char *ifname, struct item_vec *spent)
{
	struct item_vec known = {0};
	struct wg_device d = {0};

	if (machine_device(g->core->machine, ifname, &d, NULL) < 0)
		return;
	observe_peers(g->core, ifname, &known);
	VEC_FOREACH (p, &d.peers) {
		const struct item *i = observe_find(&known, &p->public_key);

		if (i == NULL)
			continue;
		observer_note(g->observer, ifname, i->peer.id, p);
		if (i->peer.away || i->peer.quota_grant != 0)
			see(g, i, p, spent);
	}
	VEC_DONE(&known);
	wg_device_done(&d);
}

bool gate_look(struct gate *g)
{
	msec before = clock_mono(g->core->clock);
	struct strs devices = {0};
	struct item_vec spent = {0};
	bool any;

	VEC_FOREACH (i, &g->core->desired.items) {
		const struct peer_item *p = &(*i)->peer;

		if ((*i)->kind == ITEM_PEER && (p->away || p->quota_grant != 0) &&
			!strs_has(&devices, p->interface))
			strs_push(&devices, p->interface);
	}
	g->watching = devices.n > 0;
	g->news = g->near = false;
	VEC_FOREACH (name, &devices)
		look_at(g, *name, &spent);
	if (spent.n > 0)
		core_spent(g->core, &spent);
	any = spent.n > 0;
	VEC_DONE(&spent);
	strs_done(&devices);
	g->took = clock_mono(g->core->clock) - before;
	return any;
}

msec gate_wait(const struct gate *g)
{
	msec wait = g->took * GATE_LOOK_SHARE, least = g->near ? GATE_LOOK_NEAR : GATE_LOOK;

	if (!g->watching)
		return 0;
	return wait < least ? least : wait > GATE_LOOK_MAX ? GATE_LOOK_MAX : wait;
}

/* --- telling ---------------------------------------------------------------------------------- */

bool gate_report(struct gate *g, struct buf *out)
{
	struct json_writer w = {.out = out};
	bool any = false;

	if (!g->news)
		return false;
	json_begin_object(&w, NULL);
	json_put_time(&w, "timestamp", clock_wall(g->core->clock));
	json_begin_array(&w, "links");
	MAP_FOREACH (slot, &g->visitors) {
		struct visitor *v = slot->value;

		v->offered = 0;
		if (!v->away || v->handshake == 0 || v->handshake == v->accepted)
			continue;
		v->offered = v->handshake;
		json_begin_object(&w, NULL);
		json_put_str(&w, "peer", strchr(slot->key, '/') + 1);
		json_put_time(&w, "last_handshake", v->handshake);
		observe_endpoint(&w, "endpoint", v->addr, v->port);
		json_end_object(&w);
		any = true;
	}
	json_end_array(&w);
	json_end_object(&w);
	return any;
}

/* Is there still such a peer? */
static bool still_known(const struct gate *g, const char *name)
{
	struct item key = {.kind = ITEM_PEER};
	const char *slash = strchr(name, '/');

	VEC_FOREACH (i, &g->core->machine->ledger.links) {
		snprintf(key.peer.interface, IFNAME_LEN, "%s", i->name);
		if (strncmp(i->name, name, (size_t)(slash - name)) != 0 ||
			i->name[slash - name] != '\0')
			continue;
		id_copy(key.peer.id, slash + 1);
		id_copy(key.network, i->network);
		return state_find(&g->core->desired, &key) != NULL;
	}
	return false;
}

void gate_accepted(struct gate *g)
{
	struct strs gone = {0};

	MAP_FOREACH (slot, &g->visitors) {
		struct visitor *v = slot->value;

		if (v->offered != 0)
			v->accepted = v->offered;
		v->offered = 0;
		if (!still_known(g, slot->key))
			strs_push(&gone, slot->key);
	}
	VEC_FOREACH (name, &gone)
		mem_free(map_remove(&g->visitors, *name));
	strs_done(&gone);
}
