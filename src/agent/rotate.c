/* DOC: moving peers to their next key; see rotate.h. */
#include "agent/rotate.h"

#include "base/fault.h"
#include "base/log.h"

#include <stdio.h>

static bool is_rotating(const struct item *i)
{
	return i->kind == ITEM_PEER && !public_key_is_zero(&i->peer.next_public_key);
}

bool rotate_pending(const struct core *c)
{
	VEC_FOREACH (i, &c->desired.items)
		if (is_rotating(*i))
			return true;
	return false;
}

/* The peer has its next key. */
static void take_next(struct peer_item *p)
{
	p->public_key = p->next_public_key;
	p->psk = p->next_psk;
	p->next_public_key = (struct public_key){0};
	secret_wipe(&p->next_psk);
}

/* The peer that waits for i's next key, as a key. */
static struct item waiting(const struct item *i)
{
	struct item w = {.kind = ITEM_PEER};

	id_copy(w.network, i->network);
	memcpy(w.peer.interface, i->peer.interface, IFNAME_LEN);
	peer_next_id(i->peer.id, w.peer.id);
	return w;
}

static const struct wg_peer *find(const struct wg_device *d, const struct public_key *key)
{
	VEC_FOREACH (p, &d->peers)
		if (public_key_equal(&p->public_key, key))
			return p;
	return NULL;
}

/* A first message is enough: it shows that who sent it has the private key. Bytes are counted from
 * it on, a handshake only with the session, which is not to come about yet. */
static bool is_heard(const struct wg_peer *next)
{
	return next != NULL && (next->rx > 0 || next->last_handshake != 0);
}

/* Has the old key sent nothing since the next one was heard, or since the look before? */
static bool has_ended(struct core *c, const struct peer_item *i, const struct wg_device *d)
{
	const struct wg_peer *old = find(d, &i->public_key);
	uint64_t rx = old != NULL ? old->rx : 0;
	char key[KEY_TEXT_LEN];
	struct rotate_heard *h;

	h = map_get(&c->heard, key_format_public(&i->next_public_key, key));
	if (h == NULL) {
		h = NEW(struct rotate_heard);
		h->rx = rx;
		map_set(&c->heard, key, h);
		return false;
	}
	if (h->rx == rx || ++h->looks == ROTATE_LAST) {
		mem_free(map_remove(&c->heard, key));
		return true;
	}
	h->rx = rx;
	return false;
}

static void move(struct core *c, const struct item *i, const struct wg_peer *p, struct delta *d)
{
	struct item w = waiting(i), *moved = item_dup(i);

	take_next(&moved->peer);
	roam_keep(&c->machine->roam, i->peer.interface, &p->public_key, p->endpoint_addr,
		p->endpoint_port);
	VEC_PUSH(&d->put, moved);
	VEC_PUSH(&d->drop, item_key(&w));
	log_info("peer speaks with its new key", LOG_KV_STR("peer_id", i->peer.id),
		LOG_KV_STR("interface", i->peer.interface));
}

size_t rotate_look(struct core *c)
{
	struct machine *m = c->machine;
	struct delta d = {0};
	size_t moved;

	core_flush(c);
	d.previous = d.revision = c->desired.revision;
	VEC_FOREACH (link, &m->ledger.links) {
		struct wg_device device = {0};
		bool known = false;

		VEC_FOREACH (i, &c->desired.items) {
			const struct wg_peer *p;

			if (!is_rotating(*i) || strcmp((*i)->peer.interface, link->name) != 0)
				continue;
			if (!known && machine_device(m, link->name, &device, NULL) < 0)
				break;
			known = true;
			p = find(&device, &(*i)->peer.next_public_key);
			if (is_heard(p) && has_ended(c, &(*i)->peer, &device))
				move(c, *i, p, &d);
		}
		wg_device_done(&device);
	}
	moved = d.put.n;
	if (moved > 0) {
		item_vec_sort(&d.put);
		item_vec_sort(&d.drop);
		FAULT("move.heard");
		core_move(c, &d);
	}
	delta_done(&d);
	return moved;
}

static void drop_waiting(struct item_vec *v, const struct item *i)
{
	struct state s = {.items = *v};
	struct item w = waiting(i);

	state_drop(&s, &w);
	*v = s.items;
}

void rotate_keep(const struct state *now, struct item_vec *puts)
{
	for (size_t k = 0; k < puts->n; k++) {
		struct item *i = puts->v[k];
		const struct item *have = is_rotating(i) ? state_find(now, i) : NULL;

		if (have == NULL ||
			!public_key_equal(&have->peer.public_key, &i->peer.next_public_key))
			continue;
		drop_waiting(puts, i);
		while (puts->v[k] != i)
			k--; /* the waiting one was before it */
		take_next(&i->peer);
	}
}
