/* DOC: watching peers; see path.h. */
#include "agent/path.h"

#include "agent/seek.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_LEN (IFNAME_LEN + ID_LEN + 1)
#define KEEPALIVE_BYTES 32  /* an empty packet, which wants no answer */
#define HANDSHAKE_BYTES 148 /* its longest message */

typedef char path_name[NAME_LEN];

static const char *name_of(const char *ifname, const char *peer, path_name name)
{
	snprintf(name, sizeof(path_name), "%s/%s", ifname, peer);
	return name;
}

static void free_value(void *p)
{
	mem_free(p);
}

void paths_done(struct paths *p)
{
	map_done(&p->by_peer, free_value);
	VEC_DONE(&p->bringers);
	*p = (struct paths){0};
}

/* --- one path --------------------------------------------------------------------------------- */

enum sign { SIGN_NONE, SIGN_HEARD, SIGN_SILENT, SIGNS };

static const enum path_state moves[][SIGNS] = {
	[PATH_PROBING] = {PATH_PROBING, PATH_ALIVE, PATH_PROBING},
	[PATH_ALIVE] = {PATH_ALIVE, PATH_ALIVE, PATH_DEAD},
	[PATH_DEAD] = {PATH_DEAD, PATH_ALIVE, PATH_DEAD},
};

static msec some(msec mono)
{
	return mono > 0 ? mono : 1;
}

/* Take note of the counters. */
static void take(struct path *s, const struct wg_peer *p, const struct path_look *now)
{
	bool heard = p->rx > s->rx;
	bool first = s->session_at == 0 && s->rx == 0 && s->tx == 0;
	msec mono = some(now->mono), before = s->looked_at != 0 ? s->looked_at : mono;

	s->sent = p->tx > s->tx ? p->tx - s->tx : 0;
	s->got = p->rx > s->rx ? p->rx - s->rx : 0;
	if (p->last_handshake != 0 && p->last_handshake != s->handshake) {
		msec age =
			first && now->wall > p->last_handshake ? now->wall - p->last_handshake : 0;

		s->session_at = age < PATH_SESSION ? some(mono - age) : 0;
		s->sent -= s->sent < HANDSHAKE_BYTES ? s->sent : HANDSHAKE_BYTES;
		s->got -= s->got < HANDSHAKE_BYTES ? s->got : HANDSHAKE_BYTES;
	}
	if (p->last_handshake == 0)
		s->session_at = 0; /* it was taken out and put in again */
	s->handshake = p->last_handshake;
	s->rx = p->rx;
	s->tx = p->tx;
	s->looked_at = mono;
	if (s->sent > 0)
		s->owed_at = 0;
	else if (s->got > KEEPALIVE_BYTES && s->owed_at == 0)
		s->owed_at = before;
	if (heard)
		s->rx_at = mono;
	if (s->got > KEEPALIVE_BYTES) {
		s->spoke_at = mono;
		s->hushed = false;
		if (s->content_at == 0 || mono - s->content_at > PATH_PAUSE)
			s->content_since = mono;
		s->content_at = mono;
	}
	if (heard && s->state != PATH_DEAD) {
		s->sent_at = 0;
		return;
	}
	if (s->sent > KEEPALIVE_BYTES && s->sent_at == 0) {
		s->sent_at = mono;
		s->sends = s->detours = 0;
	}
	if (s->sent_at != 0) {
		s->sends += s->sent > KEEPALIVE_BYTES;
		s->detours += now->detour;
	}
}

/* How long what is sent may stay without an answer. */
static msec patience(const struct path *s, msec mono)
{
	msec since = s->spoke_at != 0 ? s->sent_at - s->spoke_at : PATH_SPOKE;

	if (s->sends < PATH_SENDS || mono < s->patient_until)
		return PATH_UNANSWERED;
	if (since < PATH_SPOKE && s->detours >= PATH_DETOURS)
		return PATH_PASSED_BY;
	return since < PATH_TALK ? PATH_BROKEN_OFF : PATH_UNANSWERED_3;
}

/* What died too soon: WireGuard answers data late, but it does, by an empty packet. Data may answer
 * what went round; but who hears nothing here goes round himself, so that after a while it counts,
 * too. A path that works one way only would be believed in again and again, so each session has one
 * pardon. */
static bool is_late_answer(struct path *s, msec mono)
{
	if (s->got == 0 || s->state != PATH_DEAD || s->sent_at == 0 || s->session_at == 0 ||
		mono - s->sent_at >= PATH_LATE)
		return false;
	s->patient_until = mono + PATH_PATIENT;
	if ((s->got > KEEPALIVE_BYTES && mono - s->silent_at < PATH_STILL) ||
		s->pardoned == s->handshake)
		return false;
	s->pardoned = s->handshake;
	return true;
}

static enum sign sign_of(const struct path *s, const struct wg_peer *p, msec mono)
{
	bool session = s->session_at != 0 && mono - s->session_at < PATH_SESSION;

	if (s->state == PATH_ALIVE) {
		if (!session || (s->sent_at != 0 && mono - s->sent_at >= patience(s, mono)) ||
			(p->keepalive != 0 && mono - s->rx_at >= (msec)3000 * p->keepalive))
			return SIGN_SILENT;
		return SIGN_HEARD;
	}
	/* what has died is believed in again with a handshake, which takes both directions, */
	if (session && s->rx_at != 0 && s->handshake != s->dead_handshake)
		return SIGN_HEARD;
	/* or when the other end stays with it */
	if (session && s->state == PATH_DEAD && s->content_at == mono &&
		mono - s->content_since >= PATH_CONTENT)
		return SIGN_HEARD;
	return SIGN_NONE;
}

bool path_step(struct path *s, const struct wg_peer *p, const struct path_look *now)
{
	enum path_state was = s->state;

	take(s, p, now);
	s->state = moves[was][is_late_answer(s, now->mono) ? SIGN_HEARD : sign_of(s, p, now->mono)];
	s->turned = (was == PATH_ALIVE) != (s->state == PATH_ALIVE);
	if (s->turned && s->state == PATH_ALIVE)
		s->sent_at = 0;
	if (s->turned && s->state == PATH_DEAD) {
		s->dead_handshake = s->handshake;
		s->silent_at = now->mono;
		s->rx_at = 0;
		s->content_at = 0;
	}
	return s->session_at != 0 && s->owed_at != 0 && now->mono - s->owed_at >= PATH_OWED;
}

bool path_renews(const struct path *s, const struct wg_peer *p, msec mono, bool second)
{
	msec wait = second ? PATH_RENEW + PATH_RENEW_SECOND : PATH_RENEW;

	return s->state == PATH_DEAD && s->session_at != 0 && mono - s->session_at < PATH_SESSION &&
		s->renewed != p->last_handshake && mono - s->silent_at >= wait &&
		(s->content_at == 0 || mono - s->content_at >= wait);
}

/* --- looking ---------------------------------------------------------------------------------- */

struct look {
	struct paths *paths;
	struct machine *m;
	const struct item_vec *desired;
	struct path_look now;
	const struct interface_item *interface; /* that is being looked at */
	bool observer;                          /* a controller or gateway */
	bool turned;
};

static int by_key(const void *a, const void *b)
{
	return memcmp((*(struct item *const *)a)->peer.public_key.bytes,
		(*(struct item *const *)b)->peer.public_key.bytes, KEY_LEN);
}

/* The interface's peers by key. Borrowed. */
static void gather_peers(const struct item_vec *desired, const char *ifname, struct item_vec *ret)
{
	VEC_FOREACH (i, desired)
		if ((*i)->kind == ITEM_PEER && strcmp((*i)->peer.interface, ifname) == 0)
			VEC_PUSH(ret, *i);
	if (ret->n > 0)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_key);
}

static const struct item *find_peer(const struct item_vec *peers, const struct public_key *key)
{
	struct item probe = {.kind = ITEM_PEER};
	struct item *k = &probe, **found = NULL;

	probe.peer.public_key = *key;
	if (peers->n > 0)
		found = bsearch(&k, peers->v, peers->n, sizeof(k), by_key);
	return found == NULL ? NULL : *found;
}

static void say(const struct peer_item *p, const struct path *s)
{
	if (s->state == PATH_ALIVE)
		log_info("path alive", LOG_KV_STR("peer_id", p->id),
			LOG_KV_STR("interface", p->interface));
	else
		log_info("path dead", LOG_KV_STR("peer_id", p->id),
			LOG_KV_STR("interface", p->interface),
			LOG_KV_INT(
				"unanswered_ms", s->sent_at != 0 ? s->looked_at - s->sent_at : 0),
			LOG_KV_INT("looks_with_relayed_packets", s->detours));
}

/* Do packets pass, other than those that keep the path? */
static bool flows(const struct path *s, const struct wg_peer *p, msec handshake)
{
	return (s->got > KEEPALIVE_BYTES || s->sent > KEEPALIVE_BYTES) && s->state == PATH_ALIVE &&
		p->last_handshake == handshake;
}

static void note_bringer(struct look *l, const struct item *peer)
{
	struct path_bringer b = {.look = l->paths->look};

	VEC_FOREACH (known, &l->paths->bringers)
		if (strcmp(known->interface, peer->peer.interface) == 0) {
			known->look = l->paths->look;
			return;
		}
	id_copy(b.network, peer->network);
	memcpy(b.interface, peer->peer.interface, IFNAME_LEN);
	VEC_PUSH(&l->paths->bringers, b);
}

/* Do packets of the network come by another way, a relay? One look back counts, too: a relay's path
 * may be looked at before the relay that took its place. */
static bool by_other_way(const struct look *l, const struct item *peer)
{
	VEC_FOREACH (b, &l->paths->bringers)
		if (b->look + 1 >= l->paths->look && strcmp(b->network, peer->network) == 0 &&
			strcmp(b->interface, peer->peer.interface) != 0)
			return true;
	return false;
}

static void forget_bringers(struct paths *p)
{
	for (size_t i = p->bringers.n; i-- > 0;)
		if (p->bringers.v[i].look + 1 < p->look)
			VEC_REMOVE(&p->bringers, i);
}

/* Has it just stopped speaking, or died? */
static bool hushes(struct path *s, msec mono)
{
	if (s->turned && s->state == PATH_DEAD)
		return true;
	if (s->hushed || s->spoke_at == 0 || mono - s->spoke_at < PATH_HUSH)
		return false;
	s->hushed = true;
	return true;
}

/* Is this path to have a new session? One that a hub or a peer without an endpoint has is the other
 * end's to renew; where a key is being changed, that brings one. */
static bool wants_session(const struct look *l, const struct peer_item *want, const struct path *s,
	const struct wg_peer *p)
{
	bool second = memcmp(l->interface->public_key.bytes, p->public_key.bytes, KEY_LEN) > 0;

	return l->interface->role != IFACE_HUB && want->keepalive != 0 &&
		addr_is_set(p->endpoint_addr) && public_key_is_zero(&want->next_public_key) &&
		path_renews(s, p, l->now.mono, second);
}

/* True when something is to be sent to the peer, by op: it waits for an answer, or is silent and
 * there is another endpoint to try. anew: who is to have a new session. */
static bool look_at_peer(struct look *l, const struct item *it, const struct wg_peer *p,
	struct wg_peer_op *op, struct seek_ops *anew)
{
	const struct peer_item *want = &it->peer;
	path_name name;
	struct path *s = map_get(&l->paths->by_peer, name_of(want->interface, want->id, name));
	bool known = s != NULL, hub = l->interface->role == IFACE_HUB, moved, waits, seeks;
	msec handshake;

	if (!known) {
		s = NEW(struct path);
		s->silent_at = some(l->now.mono);
		map_set(&l->paths->by_peer, name, s);
	}
	handshake = s->handshake;
	l->now.detour = !hub && by_other_way(l, it);
	waits = path_step(s, p, &l->now);
	s->look = l->paths->look;
	l->turned |= s->turned;
	if (s->turned && !hub)
		say(want, s);
	if (known && flows(s, p, handshake)) {
		l->paths->flowed_at = some(l->now.mono);
		if (l->interface->role == IFACE_RELAY && s->got > KEEPALIVE_BYTES)
			note_bringer(l, it);
	}
	l->paths->hush |= known && l->interface->role == IFACE_DIRECT && hushes(s, l->now.mono);
	moved = p->endpoint_port != s->port || addr_compare(p->endpoint_addr, s->addr) != 0;
	s->addr = p->endpoint_addr;
	s->port = p->endpoint_port;
	if (moved && p->last_handshake != 0 && l->observer && !hub)
		l->paths->moved = true;
	seeks = seek_hint(l->m->resolver, want, s, p, &l->now, op);
	if (anew->n < 2 * SEEK_ANEW_MAX && wants_session(l, want, s, p)) {
		seek_anew(want, p, op, anew);
		s->renewed = p->last_handshake;
		return false;
	}
	if (seeks)
		return known && p->keepalive != 0;
	return waits && addr_is_set(p->endpoint_addr);
}

static void look_at_device(struct look *l)
{
	const char *ifname = l->interface->name;
	struct machine *m = l->m;
	struct seek_ops ops = {0}, anew = {0};
	struct item_vec peers = {0};
	struct wg_device d = {0};

	if (machine_device(m, ifname, &d, NULL) < 0)
		return; /* what is not there is not alive: see sweep */
	gather_peers(l->desired, ifname, &peers);
	VEC_FOREACH (p, &d.peers) {
		const struct item *want = find_peer(&peers, &p->public_key);
		struct wg_peer_op op = {.flags = WG_PEER_KEEPALIVE | WG_PEER_UPDATE_ONLY,
			.public_key = p->public_key,
			.keepalive = p->keepalive};

		if (want != NULL && look_at_peer(l, want, p, &op, &anew))
			VEC_PUSH(&ops, op);
	}
	if (ops.n > 0)
		seek_knock(m, ifname, ops.v, ops.n);
	seek_renew(m, ifname, &anew);
	seek_ops_done(&ops);
	seek_ops_done(&anew);
	VEC_DONE(&peers);
	wg_device_done(&d);
}

/* Paths whose peer was not seen are forgotten. */
static void sweep(struct look *l)
{
	struct strs gone = {0};

	MAP_FOREACH (slot, &l->paths->by_peer) {
		const struct path *s = slot->value;

		if (s->look == l->paths->look)
			continue;
		l->turned |= s->state == PATH_ALIVE;
		strs_push(&gone, slot->key);
	}
	VEC_FOREACH (name, &gone)
		mem_free(map_remove(&l->paths->by_peer, *name));
	strs_done(&gone);
}

VEC_TYPE(devices, const struct interface_item *);

static bool has_routes(const struct item_vec *desired, const char *ifname)
{
	VEC_FOREACH (i, desired)
		if ((*i)->kind == ITEM_ROUTE && (*i)->route.peer[0] != '\0' &&
			strcmp((*i)->route.interface, ifname) == 0)
			return true;
	return false;
}

/* Interfaces that carry watched routes, relays (first: what they bring tells about the others) and
 * hubs; on a controller or gateway, the direct ones. Borrowed. */
static void choose_devices(struct look *l, struct devices *ret)
{
	size_t relays = 0;

	VEC_FOREACH (i, l->desired)
		if ((*i)->kind == ITEM_INTERFACE)
			l->observer |= (*i)->interface.role == IFACE_HUB ||
				(*i)->interface.role == IFACE_DEVICES;
	VEC_FOREACH (i, l->desired) {
		const struct interface_item *n = &(*i)->interface;

		if ((*i)->kind != ITEM_INTERFACE)
			continue;
		if (n->role == IFACE_RELAY) {
			VEC_PUSH(ret, n);
			ret->v[ret->n - 1] = ret->v[relays];
			ret->v[relays++] = n;
		} else if (n->role == IFACE_HUB || (n->role == IFACE_DIRECT && l->observer) ||
			has_routes(l->desired, n->name)) {
			VEC_PUSH(ret, n);
		}
	}
}

/* Show the relays where this node is now. */
static void touch_relays(struct look *l, const struct devices *devices)
{
	VEC_FOREACH (i, l->desired) {
		const struct peer_item *p = &(*i)->peer;
		struct wg_peer_op op = {.flags = WG_PEER_KEEPALIVE | WG_PEER_UPDATE_ONLY};

		if ((*i)->kind != ITEM_PEER || p->keepalive == 0)
			continue;
		op.public_key = p->public_key;
		op.keepalive = p->keepalive;
		for (size_t k = 0; k < devices->n && devices->v[k]->role == IFACE_RELAY; k++)
			if (strcmp(p->interface, devices->v[k]->name) == 0)
				seek_knock(l->m, p->interface, &op, 1);
	}
}

int paths_look(struct paths *p, struct machine *m, const struct item_vec *desired)
{
	struct look l = {.paths = p,
		.m = m,
		.desired = desired,
		.now = {.mono = clock_mono(m->clock), .wall = clock_wall(m->clock)}};
	struct devices devices = {0};
	int found = 0;

	p->look++;
	p->looked_at = l.now.mono;
	choose_devices(&l, &devices);
	p->watching = devices.n > 0;
	VEC_FOREACH (n, &devices) {
		l.interface = *n;
		look_at_device(&l);
	}
	if (p->hush && (p->touched_at == 0 || l.now.mono - p->touched_at >= PATH_TOUCH)) {
		p->hush = false;
		p->touched_at = some(l.now.mono);
		touch_relays(&l, &devices);
	}
	VEC_DONE(&devices);
	forget_bringers(p);
	sweep(&l);
	if (l.turned)
		found |= PATHS_TURNED;
	if (p->moved && (p->told_at == 0 || l.now.mono - p->told_at >= PATH_TELL)) {
		p->moved = false;
		p->told_at = some(l.now.mono);
		found |= PATHS_MOVED;
	}
	p->took = clock_mono(m->clock) - l.now.mono;
	return found;
}

/* --- answers ---------------------------------------------------------------------------------- */

bool paths_heard(const struct paths *p, const char *ifname, const char *peer)
{
	const struct path *s;
	path_name name;

	if (p == NULL)
		return false;
	s = map_get(&p->by_peer, name_of(ifname, peer, name));
	return s != NULL && s->state == PATH_ALIVE;
}

static const struct path *path_of(const struct paths *p, const struct route_item *r)
{
	path_name name;

	return map_get(&p->by_peer, name_of(r->interface, r->peer, name));
}

bool paths_watch(const struct paths *p, const char *ifname, const char *peer)
{
	path_name name;

	return p != NULL && map_get(&p->by_peer, name_of(ifname, peer, name)) != NULL;
}

bool paths_alive(const struct paths *p, const struct route_item *r)
{
	const struct path *s;

	if (r->peer[0] == '\0')
		return true;
	s = path_of(p, r);
	return s != NULL && s->state == PATH_ALIVE;
}

bool paths_known(const struct paths *p, const struct route_item *r)
{
	return r->peer[0] == '\0' || path_of(p, r) != NULL;
}

msec paths_wait(const struct paths *p)
{
	bool flow = p->flowed_at != 0 && p->looked_at - p->flowed_at < PATH_CALM;
	msec wait = flow ? PATH_LOOK_FLOW : PATH_LOOK, least = p->took * PATH_LOOK_SHARE;

	if (!p->watching)
		return 0;
	least = least < PATH_LOOK_MAX ? least : PATH_LOOK_MAX;
	return wait > least ? wait : least;
}
