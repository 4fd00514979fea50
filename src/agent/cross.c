/* DOC: see cross.h. */
#include "agent/cross.h"

#include "agent/machine.h"
#include "agent/seek.h"

#include <stdio.h>
#include <string.h>

static void forget(struct machine *m, const char *ifname, const struct public_key *key)
{
	for (size_t i = m->crosses.n; i-- > 0;)
		if (strcmp(m->crosses.v[i].interface, ifname) == 0 &&
			(key == NULL || public_key_equal(&m->crosses.v[i].key, key)))
			VEC_REMOVE(&m->crosses, i);
}

static void note(struct machine *m, const char *ifname, const struct public_key *key, msec since)
{
	struct cross x = {.key = *key, .since = since};

	snprintf(x.interface, sizeof(x.interface), "%s", ifname);
	VEC_PUSH(&m->crosses, x);
}

void cross_note(struct machine *m, const char *ifname, const struct public_key *key, msec since)
{
	forget(m, ifname, key);
	note(m, ifname, key, since);
}

void cross_note_all(
	struct machine *m, const char *ifname, const struct item_vec *target, msec since)
{
	forget(m, ifname, NULL);
	VEC_FOREACH (i, target)
		if ((*i)->kind == ITEM_PEER && strcmp((*i)->peer.interface, ifname) == 0)
			note(m, ifname, &(*i)->peer.public_key, since);
}

static const struct peer_item *wanted(
	const struct item_vec *desired, const char *ifname, const struct public_key *key)
{
	VEC_FOREACH (i, desired)
		if ((*i)->kind == ITEM_PEER && strcmp((*i)->peer.interface, ifname) == 0 &&
			public_key_equal(&(*i)->peer.public_key, key))
			return &(*i)->peer;
	return NULL;
}

static const struct wg_peer *peer_of(const struct wg_device *d, const struct public_key *key)
{
	VEC_FOREACH (p, &d->peers)
		if (public_key_equal(&p->public_key, key))
			return p;
	return NULL;
}

static bool is_greater(const struct wg_device *d, const struct wg_peer *p)
{
	return memcmp(d->public_key.bytes, p->public_key.bytes, KEY_LEN) > 0;
}

/* Is it for this end to begin anew, by now? */
static bool is_ours(const struct cross *x, bool has_session, bool greater)
{
	if (has_session) /* the greater key a look earlier: else both would cross again */
		return x->looks >= CROSS_LOOKS + (greater ? 0 : 1);
	return x->looks >= CROSS_PATIENCE && (greater || x->renewed);
}

/* Is there something left to look at? Whom to put in anew, and whom to send an empty packet, is
 * added to the lists. */
static bool look_at(struct cross *x, const struct wg_device *d, const struct item_vec *desired,
	struct seek_ops *anew, struct seek_ops *wake)
{
	const struct wg_peer *p = peer_of(d, &x->key);
	const struct peer_item *want = wanted(desired, x->interface, &x->key);
	struct wg_peer_op op = {.flags = WG_PEER_KEEPALIVE | WG_PEER_UPDATE_ONLY};
	bool has_session = p != NULL && p->last_handshake >= x->since;

	if (p == NULL || want == NULL)
		return false;
	op.public_key = p->public_key;
	op.keepalive = want->keepalive;
	if (has_session && !x->met) {
		x->met = true;
		x->rx = p->rx;
		x->looks = 0;
		VEC_PUSH(wake, op);
		return true;
	}
	if (++x->looks > (has_session ? CROSS_LOOKS_MET : CROSS_LOOKS) ||
		(has_session && (p->rx != x->rx || x->renewed)))
		return false;
	if (!is_ours(x, has_session, is_greater(d, p)) || !addr_is_set(p->endpoint_addr) ||
		!public_key_is_zero(&want->next_public_key) || anew->n == 2 * SEEK_ANEW_MAX)
		return true;
	if (has_session) {
		x->met = false;
		x->renewed = true;
		x->looks = 0;
	}
	seek_anew(want, p, &op, anew);
	VEC_PUSH(wake, op);
	return true;
}

/* Clients begin by themselves, and by the thousand. */
static bool is_between_nodes(const struct interface_item *i)
{
	return i->role == IFACE_DIRECT || i->role == IFACE_RELAY;
}

static void look_at_device(
	struct machine *m, const struct interface_item *i, const struct item_vec *desired)
{
	struct seek_ops anew = {0}, wake = {0};
	struct wg_device d = {0};
	bool read = is_between_nodes(i) && machine_device(m, i->name, &d, NULL) == 0;

	for (size_t k = m->crosses.n; k-- > 0;) {
		struct cross *x = &m->crosses.v[k];

		if (strcmp(x->interface, i->name) == 0 &&
			!(read && look_at(x, &d, desired, &anew, &wake)))
			VEC_REMOVE(&m->crosses, k);
	}
	seek_renew(m, i->name, &anew);
	if (wake.n > 0)
		seek_knock(m, i->name, wake.v, wake.n);
	seek_ops_done(&anew);
	seek_ops_done(&wake);
	wg_device_done(&d);
}

static bool is_noted(const struct machine *m, const char *ifname)
{
	VEC_FOREACH (x, &m->crosses)
		if (strcmp(x->interface, ifname) == 0)
			return true;
	return false;
}

static bool is_there(const struct item_vec *desired, const char *ifname)
{
	VEC_FOREACH (i, desired)
		if ((*i)->kind == ITEM_INTERFACE && strcmp((*i)->interface.name, ifname) == 0)
			return true;
	return false;
}

bool cross_look(struct machine *m, const struct item_vec *desired)
{
	for (size_t k = m->crosses.n; k-- > 0;)
		if (!is_there(desired, m->crosses.v[k].interface))
			VEC_REMOVE(&m->crosses, k);
	VEC_FOREACH (i, desired)
		if ((*i)->kind == ITEM_INTERFACE && is_noted(m, (*i)->interface.name))
			look_at_device(m, &(*i)->interface, desired);
	return m->crosses.n > 0;
}
