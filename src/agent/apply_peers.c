/*
 * DOC: peers of an interface as one batch. When a batch is refused it is halved until the peers
 * that are at fault stand alone; they are named and skipped, the others go in.
 */
#include "agent/apply_peers.h"

#include "agent/seek.h"
#include "base/fault.h"
#include "base/log.h"

#include <stdio.h>

#define GIVE_UP 16 /* single refusals after which the interface itself is taken to be at fault */

struct op {
	struct wg_peer_op op;
	const struct item *item; /* for messages */
	bool counts;             /* false for the removal of an old key */
};
VEC_TYPE(op_vec, struct op);

/* Changes of one interface. */
struct batch {
	struct machine *m;
	struct apply_result *r;
	char ifname[IFNAME_LEN];
	struct op_vec removes, updates, adds;
	struct op_vec olds; /* keys that were changed go last: their prefixes have moved by then */
	VEC(struct wg_peer_op) woken; /* went in with a keepalive that only wakes them */
	unsigned refused;
};

static void add_remove(
	struct op_vec *v, const struct item *i, const struct public_key *key, bool counts)
{
	struct op o = {.item = i, .counts = counts};

	o.op.flags = WG_PEER_REMOVE;
	o.op.public_key = *key;
	VEC_PUSH(v, o);
}

static void set_endpoint(struct batch *b, const struct peer_item *p, struct wg_peer_op *op)
{
	if (seek_first(b->m->resolver, p, &op->endpoint_addr, &op->endpoint_port) == 0)
		op->flags |= WG_PEER_ENDPOINT;
	/* a name without an answer yet: apply_endpoints writes it when there is one */
}

/* An agent that was stopped in the middle of a move finds the peer that waits for the next key
 * (rotate.h) where the one that has it should be. The device has answered it with the PSK that
 * nobody else has, and may not speak first for as long as it remembers: it is put in anew. */
static bool has_waited(const struct peer_item *was, const struct peer_item *p)
{
	return public_key_equal(&was->public_key, &p->public_key) && was->allowed_ips.n == 0 &&
		p->allowed_ips.n > 0 && !secret_equal(&was->psk, &p->psk);
}

/* Bring the peer from what it is (old, NULL = absent) to what it should be. */
static void add_put(struct batch *b, const struct item *i, const struct item *old)
{
	const struct peer_item *p = &i->peer, *was = old == NULL ? NULL : &old->peer;
	struct op o = {.item = i, .counts = true};
	bool rekeyed = false, left = was != NULL && !was->away && p->away;
	bool came = was != NULL && was->away && !p->away;

	if (was != NULL && !public_key_equal(&was->public_key, &p->public_key)) {
		/* P-2: a changed key never leaves the old one behind */
		add_remove(&b->olds, i, &was->public_key, false);
		was = NULL;
		rekeyed = true;
	} else if (was != NULL && has_waited(was, p)) {
		roam_note(&b->m->roam, b->m->wg, b->ifname, &p->public_key, 1);
		add_remove(&b->removes, i, &p->public_key, false);
		was = NULL;
		rekeyed = true;
	} else if (left) {
		/* It is at another gateway. What is sent by the old session would draw it back, and
		 * nothing but a new peer forgets one. */
		add_remove(&b->removes, i, &was->public_key, false);
		was = NULL;
	}
	o.op.public_key = p->public_key;
	o.op.psk = p->psk;
	o.op.keepalive = p->keepalive;
	o.op.allowed_ips = &p->allowed_ips;
	if (was == NULL)
		o.op.flags = WG_PEER_PSK | WG_PEER_KEEPALIVE | WG_PEER_ALLOWED_IPS;
	else
		o.op.flags = (secret_equal(&was->psk, &p->psk) ? 0 : WG_PEER_PSK) |
			(was->keepalive == p->keepalive ? 0 : WG_PEER_KEEPALIVE) |
			(prefix_vec_equal(&was->allowed_ips, &p->allowed_ips)
					? 0
					: WG_PEER_ALLOWED_IPS);
	/* a hint may be wrong; what is alive needs none, and when it dies the hint is tried */
	if (!rekeyed &&
		(was == NULL ||
			(was->generation != p->generation &&
				!paths_heard(b->m->paths, b->ifname, p->id))))
		set_endpoint(b, p, &o.op);
	/* where the new key was heard is better than a hint (rotate.h) */
	if (was == NULL && !left && !(o.op.flags & WG_PEER_ENDPOINT) &&
		roam_recall(&b->m->roam, b->ifname, &o.op)) {
		struct wg_peer_op calm = {.flags = WG_PEER_KEEPALIVE | WG_PEER_UPDATE_ONLY,
			.public_key = p->public_key,
			.keepalive = p->keepalive};

		VEC_PUSH(&b->woken, calm);
	} else if (rekeyed) {
		set_endpoint(b, p, &o.op);
	}
	/* it may have heard the other gateway since it came: it hears this one now */
	if (came && was != NULL) {
		struct wg_peer_op calm = {.flags = WG_PEER_KEEPALIVE | WG_PEER_UPDATE_ONLY,
			.public_key = p->public_key,
			.keepalive = p->keepalive};

		o.op.flags |= WG_PEER_KEEPALIVE;
		o.op.keepalive = p->keepalive != 0 ? p->keepalive : WAKE_KEEPALIVE;
		VEC_PUSH(&b->woken, calm);
	}
	if (rekeyed)
		cross_note(b->m, b->ifname, &p->public_key, clock_wall(b->m->clock));
	if (was == NULL)
		VEC_PUSH(&b->adds, o);
	else
		VEC_PUSH(&b->updates, o);
	secret_wipe(&o.op.psk);
}

static const char *const done_words[] = {"peer added", "peer removed", "peer updated"};

static void succeeded(struct batch *b, const struct op *o)
{
	bool removed = (o->op.flags & WG_PEER_REMOVE) != 0;
	bool added = !removed && o >= b->adds.v && o < b->adds.v + b->adds.n;

	if (added)
		b->m->n_peers++;
	else if (removed && b->m->n_peers > 0)
		b->m->n_peers--;
	if (!o->counts)
		return;
	if (removed)
		b->r->dropped[ITEM_PEER]++;
	else
		b->r->put[ITEM_PEER]++;
	log_debug(done_words[removed      ? 1
				  : added ? 0
					  : 2],
		LOG_KV_STR("peer_id", o->item->peer.id), LOG_KV_STR("interface", b->ifname));
}

static int send_ops(struct batch *b, const struct op *ops, size_t n, struct err *e)
{
	struct wg_peer_op *list = mem_alloc(n * sizeof(*list));
	struct wg_change c = {.peers = list, .n_peers = n};
	int rc;

	for (size_t i = 0; i < n; i++)
		list[i] = ops[i].op;
	rc = b->m->wg->ops->change(b->m->wg, b->ifname, &c, e);
	mem_wipe(list, n * sizeof(*list)); /* pre-shared keys */
	mem_free(list);
	return rc;
}

static void refuse(struct batch *b, const struct op *o, const struct err *e)
{
	b->refused++;
	apply_failed(b->r, o->item, e);
	log_error("peer failed", LOG_KV_STR("peer_id", o->item->peer.id),
		LOG_KV_STR("interface", b->ifname), LOG_KV_STR("error", e->text));
}

static void send_halving(struct batch *b, const struct op *ops, size_t n)
{
	struct err e = {0};
	int rc;

	if (n == 0)
		return;
	if (b->refused >= GIVE_UP) {
		b->r->failures += (unsigned)n;
		return;
	}
	rc = send_ops(b, ops, n, &e);
	if (rc == 0) {
		for (size_t i = 0; i < n; i++)
			succeeded(b, &ops[i]);
	} else if (n == 1) {
		refuse(b, ops, &e);
	} else if (rc == ERR_NOT_FOUND) { /* the interface is gone: no peer is at fault */
		refuse(b, ops, &e);
		b->r->failures += (unsigned)n - 1;
	} else {
		send_halving(b, ops, n / 2);
		send_halving(b, ops + n / 2, n - n / 2);
	}
}

/* Removed, then updated, then added, in one change when nothing is refused. Engines make such a
 * change step by step: a packet that finds a prefix without a peer would be lost. */
static void flush(struct batch *b)
{
	struct op_vec *const parts[] = {&b->removes, &b->updates, &b->adds, &b->olds};
	struct op_vec all = {0};
	unsigned before = b->r->put[ITEM_PEER];
	size_t adds_at = b->removes.n + b->updates.n, adds_n = b->adds.n;

	if (adds_at + adds_n + b->olds.n == 0)
		return; /* all of it was for an interface that is not ours, or not there */
	VEC_RESERVE(&all, adds_at + adds_n + b->olds.n);
	for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
		VEC_FOREACH (o, parts[k])
			VEC_PUSH(&all, *o);
		if (parts[k]->n > 0)
			mem_wipe(parts[k]->v, parts[k]->n * sizeof(struct op));
		VEC_DONE(parts[k]);
	}
	b->adds.v = all.v + adds_at; /* to tell adds from updates in `succeeded` */
	b->adds.n = adds_n;
	send_halving(b, all.v, all.n);
	FAULT("peers.changed");
	if (b->r->put[ITEM_PEER] > before)
		log_info("peers configured", LOG_KV_STR("interface", b->ifname),
			LOG_KV_INT("count", b->r->put[ITEM_PEER] - before));
	if (all.n > 0)
		mem_wipe(all.v, all.n * sizeof(struct op));
	VEC_DONE(&all);
}

/* Before peers go out: where do they speak from? They may come back. */
static void note_endpoints(struct batch *b)
{
	VEC(struct public_key) keys = {0};
	bool many = b->m->n_peers > ROAM_READ_MAX;

	VEC_FOREACH (o, &b->removes) {
		const struct machine_seen *s;

		if (!o->counts)
			continue;
		s = many ? machine_peer_seen(b->m, b->ifname, &o->op.public_key) : NULL;
		if (s != NULL)
			roam_keep(&b->m->roam, b->ifname, &o->op.public_key, s->addr, s->port);
		else if (!many)
			VEC_PUSH(&keys, o->op.public_key);
	}
	roam_note(&b->m->roam, b->m->wg, b->ifname, keys.v, keys.n);
	VEC_DONE(&keys);
}

/* Those that were woken get the keepalive of the plan; their handshakes are under way. */
static void calm(struct batch *b)
{
	struct wg_change c = {.peers = b->woken.v, .n_peers = b->woken.n};
	struct err e = {0};

	if (b->woken.n > 0 && b->m->wg->ops->change(b->m->wg, b->ifname, &c, &e) < 0)
		log_warn("woken peers keep their keepalive until the next reconcile",
			LOG_KV_STR("interface", b->ifname), LOG_KV_STR("error", e.text));
	VEC_DONE(&b->woken);
}

static int order(const struct item *a, const struct item *b)
{
	int c = strcmp(a->network, b->network);

	return c != 0 ? c : strcmp(a->peer.interface, b->peer.interface);
}

void apply_peers(struct machine *m, struct item_vec puts, struct item_vec drops,
	const struct item_vec *old, bool (*may_put)(void *arg, const struct item *i), void *arg,
	struct apply_result *r)
{
	size_t p = 0, d = 0;

	/* both are sorted by network, interface, id: walk them interface by interface */
	while (p < puts.n || d < drops.n) {
		const struct item *first = p == puts.n      ? drops.v[d]
			: d == drops.n                      ? puts.v[p]
			: order(puts.v[p], drops.v[d]) <= 0 ? puts.v[p]
							    : drops.v[d];
		struct batch b = {.m = m, .r = r};
		const struct state was = {.items = *old};
		bool ours = ledger_link(&m->ledger, first->peer.interface) != NULL;

		snprintf(b.ifname, sizeof(b.ifname), "%s", first->peer.interface);
		for (; d < drops.n && order(drops.v[d], first) == 0; d++) {
			const struct item *o = state_find(&was, drops.v[d]);

			if (ours && o != NULL)
				add_remove(&b.removes, drops.v[d], &o->peer.public_key, true);
		}
		for (; p < puts.n && order(puts.v[p], first) == 0; p++)
			if (ours && may_put(arg, puts.v[p]))
				add_put(&b, puts.v[p], state_find(&was, puts.v[p]));
			else
				r->failures++; /* its interface or firewall has said why */
		note_endpoints(&b);
		flush(&b);
		calm(&b);
	}
}

/* A keepalive that is switched on is sent at once, and nothing is sent without a handshake. */
void apply_wake(struct machine *m, const char *ifname, const struct item_vec *target)
{
	enum { OFF, ON, AS_PLANNED, STEPS };
	VEC(struct wg_peer_op) ops = {0};
	VEC(uint16_t) planned = {0};
	struct err e = {0};

	VEC_FOREACH (i, target) {
		struct wg_peer_op op = {.flags = WG_PEER_KEEPALIVE | WG_PEER_UPDATE_ONLY};

		if ((*i)->kind != ITEM_PEER || strcmp((*i)->peer.interface, ifname) != 0)
			continue;
		op.public_key = (*i)->peer.public_key;
		VEC_PUSH(&ops, op);
		VEC_PUSH(&planned, (*i)->peer.keepalive);
	}
	for (int step = OFF; step < STEPS && ops.n > 0; step++) {
		struct wg_change c = {.peers = ops.v, .n_peers = ops.n};
		bool differs = step != AS_PLANNED;

		for (size_t k = 0; k < ops.n; k++) {
			uint16_t now = ops.v[k].keepalive;

			ops.v[k].keepalive = step == OFF          ? 0
				: step == ON && planned.v[k] == 0 ? WAKE_KEEPALIVE
								  : planned.v[k];
			differs |= ops.v[k].keepalive != now;
		}
		if (differs && m->wg->ops->change(m->wg, ifname, &c, &e) < 0)
			log_warn("peers not woken after a new key", LOG_KV_STR("interface", ifname),
				LOG_KV_STR("error", e.text));
	}
	VEC_DONE(&ops);
	VEC_DONE(&planned);
}

/* --- endpoints ------------------------------------------------------------------------------- */

/* Is there a hint for any of the interface's peers? Clients have none. */
static bool has_hints(const struct ledger_link *link, const struct item_vec *wanted)
{
	VEC_FOREACH (i, wanted)
		if ((*i)->kind == ITEM_PEER && seek_has_hint(&(*i)->peer) &&
			strcmp((*i)->peer.interface, link->name) == 0)
			return true;
	return false;
}

static int endpoints_of(struct machine *m, const struct ledger_link *link,
	const struct item_vec *wanted, struct err *e)
{
	struct wg_device d = {0};
	struct map by_key = {0};
	VEC(struct wg_peer_op) ops = {0};
	int rc, n;

	if (!has_hints(link, wanted)) /* reading a device takes as long as it has peers */
		return 0;
	rc = machine_device(m, link->name, &d, e);
	if (rc < 0)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	VEC_FOREACH (p, &d.peers) {
		char key[KEY_TEXT_LEN];

		if (!machine_peer_online(m, link->name, p))
			map_set(&by_key, key_format_public(&p->public_key, key), p);
	}
	VEC_FOREACH (i, wanted) {
		const struct peer_item *w = &(*i)->peer;
		const struct wg_peer *p;
		char key[KEY_TEXT_LEN];
		struct wg_peer_op op = {.flags = WG_PEER_ENDPOINT | WG_PEER_UPDATE_ONLY};

		if ((*i)->kind != ITEM_PEER || strcmp(w->interface, link->name) != 0 ||
			by_key.n == 0)
			continue;
		/* a watched path has its hints tried by turns */
		if (w->near_endpoint != NULL && paths_watch(m->paths, link->name, w->id))
			continue;
		p = map_get(&by_key, key_format_public(&w->public_key, key));
		if (p == NULL ||
			seek_next(m->resolver, w, p, &op.endpoint_addr, &op.endpoint_port) < 0)
			continue;
		if (p->endpoint_port == op.endpoint_port &&
			addr_compare(p->endpoint_addr, op.endpoint_addr) == 0)
			continue;
		op.public_key = w->public_key;
		VEC_PUSH(&ops, op);
	}
	if (ops.n > 0) {
		struct wg_change c = {.peers = ops.v, .n_peers = ops.n};

		rc = m->wg->ops->change(m->wg, link->name, &c, e);
	}
	n = (int)ops.n;
	VEC_DONE(&ops);
	map_done(&by_key, NULL);
	wg_device_done(&d);
	return rc < 0 ? rc : n;
}

int apply_endpoints(struct machine *m, const struct item_vec *wanted, struct err *e)
{
	int written = 0;

	VEC_FOREACH (link, &m->ledger.links) {
		int n = endpoints_of(m, link, wanted, e);

		if (n < 0)
			return n;
		written += n;
	}
	return written;
}
