/* DOC: watching peers; see path.h. */
#include "agent/path.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_LEN (IFNAME_LEN + ID_LEN + 1)
#define KEEPALIVE_BYTES 32 /* an empty packet, which wants no answer */

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

/* Take note of the counters. True when something was received. */
static bool take(struct path *s, const struct wg_peer *p, msec mono, msec wall)
{
	bool first = s->session_at == 0 && s->rx == 0 && s->tx == 0;
	uint64_t sent = p->tx > s->tx ? p->tx - s->tx : 0, got = p->rx > s->rx ? p->rx - s->rx : 0;

	if (p->last_handshake != 0 && p->last_handshake != s->handshake) {
		msec age = first && wall > p->last_handshake ? wall - p->last_handshake : 0;

		s->session_at = age < PATH_SESSION ? some(mono - age) : 0;
	}
	s->handshake = p->last_handshake;
	if (sent > 0)
		s->owed_at = 0;
	else if (got > KEEPALIVE_BYTES && s->owed_at == 0)
		s->owed_at = some(mono);
	if (got > 0)
		s->rx_at = some(mono);
	if (got > 0 && s->state != PATH_DEAD)
		s->sent_at = 0;
	else if (sent > KEEPALIVE_BYTES && s->sent_at == 0) {
		s->sent_at = some(mono);
	}
	s->rx = p->rx;
	s->tx = p->tx;
	return got > 0;
}

/* What died too soon: WireGuard answers data late, but it does. A path that works one way only
 * would be believed in again and again by the other side's keepalives, so each session has one
 * pardon. */
static bool is_late_answer(const struct path *s, bool got, msec mono)
{
	return got && s->state == PATH_DEAD && s->sent_at != 0 && mono - s->sent_at < PATH_LATE &&
		s->pardoned != s->handshake;
}

static enum sign sign_of(const struct path *s, const struct wg_peer *p, msec mono)
{
	bool session = s->session_at != 0 && mono - s->session_at < PATH_SESSION;

	if (s->state == PATH_ALIVE) {
		if (!session || (s->sent_at != 0 && mono - s->sent_at >= PATH_UNANSWERED) ||
			(p->keepalive != 0 && mono - s->rx_at >= (msec)3000 * p->keepalive))
			return SIGN_SILENT;
		return SIGN_HEARD;
	}
	/* what has died is believed in again with a handshake, which takes both directions */
	if (session && s->rx_at != 0 && s->handshake != s->dead_handshake)
		return SIGN_HEARD;
	return SIGN_NONE;
}

bool path_step(struct path *s, const struct wg_peer *p, msec mono, msec wall)
{
	enum path_state was = s->state;
	enum sign sign;
	bool got;

	got = take(s, p, mono, wall);
	if (is_late_answer(s, got, mono)) {
		s->pardoned = s->handshake;
		sign = SIGN_HEARD;
	} else {
		sign = sign_of(s, p, mono);
	}
	s->state = moves[was][sign];
	s->turned = (was == PATH_ALIVE) != (s->state == PATH_ALIVE);
	if (s->turned && s->state == PATH_ALIVE)
		s->sent_at = 0;
	if (s->turned && s->state == PATH_DEAD) {
		s->dead_handshake = s->handshake;
		s->rx_at = 0;
	}
	return s->session_at != 0 && s->owed_at != 0 && s->owed_at < mono;
}

/* --- looking ---------------------------------------------------------------------------------- */

struct look {
	struct paths *paths;
	struct machine *m;
	const struct item_vec *desired;
	msec mono, wall;
	bool observer; /* a controller or gateway */
	bool hub; /* looking at one: nothing depends on its paths, but its peers want answers */
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

static const struct peer_item *find_peer(const struct item_vec *peers, const struct public_key *key)
{
	struct item probe = {.kind = ITEM_PEER};
	struct item *k = &probe, **found = NULL;

	probe.peer.public_key = *key;
	if (peers->n > 0)
		found = bsearch(&k, peers->v, peers->n, sizeof(k), by_key);
	return found == NULL ? NULL : &(*found)->peer;
}

static void say(const struct peer_item *p, const struct path *s)
{
	log_info(s->state == PATH_ALIVE ? "path alive" : "path dead", LOG_KV_STR("peer_id", p->id),
		LOG_KV_STR("interface", p->interface));
}

/* The endpoint that was told is tried once by each silent path. */
static bool try_hint(struct look *l, const struct peer_item *want, struct path *s,
	const struct wg_peer *p, struct wg_peer_op *op)
{
	if (s->state == PATH_ALIVE || s->generation == want->generation)
		return false;
	if (want->endpoint == NULL || want->endpoint[0] == '\0' ||
		resolver_endpoint(
			l->m->resolver, want->endpoint, &op->endpoint_addr, &op->endpoint_port) < 0)
		return false;
	s->generation = want->generation;
	if (p->endpoint_port != op->endpoint_port ||
		addr_compare(p->endpoint_addr, op->endpoint_addr) != 0)
		op->flags |= WG_PEER_ENDPOINT;
	return true;
}

/* True when something is to be sent to the peer, by op: it waits for an answer, or is silent and
 * there is another endpoint to try. */
static bool look_at_peer(struct look *l, const struct peer_item *want, const struct wg_peer *p,
	struct wg_peer_op *op)
{
	path_name name;
	struct path *s = map_get(&l->paths->by_peer, name_of(want->interface, want->id, name));
	bool known = s != NULL, moved, waits;

	if (!known) {
		s = NEW(struct path);
		map_set(&l->paths->by_peer, name, s);
	}
	waits = path_step(s, p, l->mono, l->wall);
	s->look = l->paths->look;
	l->turned |= s->turned;
	if (s->turned && !l->hub)
		say(want, s);
	moved = p->endpoint_port != s->port || addr_compare(p->endpoint_addr, s->addr) != 0;
	s->addr = p->endpoint_addr;
	s->port = p->endpoint_port;
	if (moved && p->last_handshake != 0 && l->observer && !l->hub)
		l->paths->moved = true;
	if (try_hint(l, want, s, p, op))
		return known && p->keepalive != 0;
	return waits && addr_is_set(p->endpoint_addr);
}

/* A keepalive that is switched on is sent at once, and nothing is sent without a handshake. */
static void knock(struct machine *m, const char *ifname, struct wg_peer_op *ops, size_t n)
{
	struct wg_change c = {.peers = ops, .n_peers = n};
	uint16_t *planned = mem_alloc(n * sizeof(*planned) + 1);
	struct err e = {0};

	for (size_t i = 0; i < n; i++) {
		planned[i] = ops[i].keepalive;
		ops[i].keepalive = planned[i] != 0 ? 0 : WAKE_KEEPALIVE;
	}
	if (m->wg->ops->change(m->wg, ifname, &c, &e) == 0) {
		for (size_t i = 0; i < n; i++) {
			ops[i].flags &= ~(unsigned)WG_PEER_ENDPOINT;
			ops[i].keepalive = planned[i];
		}
		m->wg->ops->change(m->wg, ifname, &c, &e);
	}
	if (e.code != 0) /* the next reconcile puts right what this left */
		log_debug("peers not probed", LOG_KV_STR("interface", ifname),
			LOG_KV_STR("error", e.text));
	mem_free(planned);
}

static void look_at_device(struct look *l, const char *ifname)
{
	struct machine *m = l->m;
	VEC(struct wg_peer_op) ops = {0};
	struct item_vec peers = {0};
	struct wg_device d = {0};

	if (m->wg->ops->read(m->wg, ifname, &d, NULL) < 0)
		return; /* what is not there is not alive: see sweep */
	gather_peers(l->desired, ifname, &peers);
	VEC_FOREACH (p, &d.peers) {
		const struct peer_item *want = find_peer(&peers, &p->public_key);
		struct wg_peer_op op = {.flags = WG_PEER_KEEPALIVE | WG_PEER_UPDATE_ONLY,
			.public_key = p->public_key,
			.keepalive = p->keepalive};

		if (want != NULL && look_at_peer(l, want, p, &op))
			VEC_PUSH(&ops, op);
	}
	if (ops.n > 0)
		knock(m, ifname, ops.v, ops.n);
	VEC_DONE(&ops);
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

static int role_of(const struct item_vec *desired, const char *ifname)
{
	VEC_FOREACH (i, desired)
		if ((*i)->kind == ITEM_INTERFACE && strcmp((*i)->interface.name, ifname) == 0)
			return (*i)->interface.role;
	return -1;
}

/* Interfaces that carry watched routes, and hubs; on a controller or gateway, the direct ones. */
static void choose_devices(struct look *l, struct strs *ret)
{
	VEC_FOREACH (i, l->desired) {
		const struct interface_item *n = &(*i)->interface;

		if ((*i)->kind == ITEM_INTERFACE)
			l->observer |= n->role == IFACE_HUB || n->role == IFACE_DEVICES;
		if ((*i)->kind == ITEM_ROUTE && (*i)->route.peer[0] != '\0' &&
			!strs_has(ret, (*i)->route.interface))
			strs_push(ret, (*i)->route.interface);
	}
	VEC_FOREACH (i, l->desired)
		if ((*i)->kind == ITEM_INTERFACE && l->observer &&
			((*i)->interface.role == IFACE_DIRECT ||
				(*i)->interface.role == IFACE_HUB) &&
			!strs_has(ret, (*i)->interface.name))
			strs_push(ret, (*i)->interface.name);
}

int paths_look(struct paths *p, struct machine *m, const struct item_vec *desired)
{
	struct look l = {.paths = p,
		.m = m,
		.desired = desired,
		.mono = clock_mono(m->clock),
		.wall = clock_wall(m->clock)};
	struct strs devices = {0};
	int found = 0;

	p->look++;
	choose_devices(&l, &devices);
	p->watching = devices.n > 0;
	VEC_FOREACH (name, &devices) {
		l.hub = role_of(desired, *name) == IFACE_HUB;
		look_at_device(&l, *name);
	}
	strs_done(&devices);
	sweep(&l);
	if (l.turned)
		found |= PATHS_TURNED;
	if (p->moved && (p->told_at == 0 || l.mono - p->told_at >= PATH_TELL)) {
		p->moved = false;
		p->told_at = some(l.mono);
		found |= PATHS_MOVED;
	}
	p->took = clock_mono(m->clock) - l.mono;
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
	if (!p->watching)
		return 0;
	if (p->took * PATH_LOOK_SHARE < PATH_LOOK)
		return PATH_LOOK;
	return p->took * PATH_LOOK_SHARE < PATH_LOOK_MAX ? p->took * PATH_LOOK_SHARE
							 : PATH_LOOK_MAX;
}
