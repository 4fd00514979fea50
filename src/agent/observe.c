/* DOC: heartbeats; see observe.h. */
#include "agent/observe.h"

#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_LEN (IFNAME_LEN + ID_LEN + 1)

struct report {
	msec handshake;
	uint64_t rx, tx;
	struct addr addr;
	uint16_t port;
};
struct sent {
	struct report accepted, offered;
	struct report last; /* as the device showed it, newest */
	/* The counters began anew, for the peer was put in again: what they were before. */
	struct report closed;
	bool closing, closing_offered;
	bool pending; /* offered is on its way */
	uint64_t round;
};

void observer_init(struct observer *o, struct core *core)
{
	*o = (struct observer){.core = core};
}

static void free_value(void *p)
{
	mem_free(p);
}

void observer_done(struct observer *o)
{
	map_done(&o->sent, free_value);
	*o = (struct observer){0};
}

static bool same(const struct report *a, const struct report *b)
{
	return a->handshake == b->handshake && a->rx == b->rx && a->tx == b->tx &&
		a->port == b->port && addr_compare(a->addr, b->addr) == 0;
}

void observe_endpoint(struct json_writer *w, const char *key, struct addr a, uint16_t port)
{
	CLEANUP(buf_done) struct buf text = {0};
	char host[ADDR_TEXT_LEN];

	if (!addr_is_set(a)) {
		json_put_str(w, key, "");
		return;
	}
	endpoint_join(addr_format(a, host), port, &text);
	json_put_str(w, key, buf_str(&text));
}

static void put_link(struct json_writer *w, const struct ledger_link *link, const char *role,
	const char *id, const struct report *now)
{
	json_begin_object(w, NULL);
	json_put_str(w, "network", link->network);
	json_put_str(w, "interface", link->name);
	json_put_str(w, "role", role);
	json_put_str(w, "peer", id);
	json_put_time(w, "last_handshake", now->handshake);
	json_put_int(w, "rx", (int64_t)now->rx);
	json_put_int(w, "tx", (int64_t)now->tx);
	observe_endpoint(w, "endpoint", now->addr, now->port);
	json_end_object(w);
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp((*(struct item *const *)a)->peer.public_key.bytes,
		(*(struct item *const *)b)->peer.public_key.bytes, KEY_LEN);
}

void observe_peers(const struct core *c, const char *ifname, struct item_vec *ret)
{
	VEC_FOREACH (i, &c->desired.items)
		if ((*i)->kind == ITEM_PEER && strcmp((*i)->peer.interface, ifname) == 0)
			VEC_PUSH(ret, *i);
	if (ret->n > 0)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_keys);
}

/* The word for what the interface is for. */
static const char *role_of(const struct core *c, const struct ledger_link *link)
{
	VEC_FOREACH (i, &c->desired.items)
		if ((*i)->kind == ITEM_INTERFACE && strcmp((*i)->interface.name, link->name) == 0)
			return interface_role_words[(*i)->interface.role];
	return "";
}

const struct item *observe_find(const struct item_vec *known, const struct public_key *key)
{
	struct item probe = {.kind = ITEM_PEER};
	struct item *k = &probe, **found = NULL;

	probe.peer.public_key = *key;
	if (known->n > 0)
		found = bsearch(&k, known->v, known->n, sizeof(k), compare_keys);
	return found != NULL ? *found : NULL;
}

/* NULL when nothing was ever heard of it. */
static struct sent *note(
	struct observer *o, const char *ifname, const char *id, const struct wg_peer *p)
{
	struct report now = {p->last_handshake, p->rx, p->tx, p->endpoint_addr, p->endpoint_port};
	char name[NAME_LEN];
	struct sent *s;

	snprintf(name, sizeof(name), "%s/%s", ifname, id);
	s = map_get(&o->sent, name);
	if (s == NULL) {
		if (now.handshake == 0 && now.rx == 0)
			return NULL;
		s = NEW(struct sent);
		map_set(&o->sent, name, s);
	}
	if (now.rx < s->last.rx || now.tx < s->last.tx) {
		s->closed = s->last;
		s->closing = true;
	}
	s->last = now;
	return s;
}

void observer_note(struct observer *o, const char *ifname, const char *id, const struct wg_peer *p)
{
	note(o, ifname, id, p);
}

/* Counters that began anew: first what they came to, then that they are nothing. What they are now
 * is for the next time, since it may be more than they were. */
static void put_closed(struct json_writer *w, const struct ledger_link *link, const char *role,
	const char *id, struct sent *s)
{
	put_link(w, link, role, id, &s->closed);
	s->offered = s->closed;
	s->offered.rx = s->offered.tx = 0;
	put_link(w, link, role, id, &s->offered);
	s->pending = s->closing_offered = true;
	s->closing = false;
}

static void put_sent(struct json_writer *w, const struct ledger_link *link, const char *role,
	const char *id, struct sent *s)
{
	if (s->closing) {
		put_closed(w, link, role, id, s);
	} else if (!same(&s->accepted, &s->last)) {
		s->offered = s->last;
		s->pending = true;
		put_link(w, link, role, id, &s->last);
	}
}

static void observe_peer(struct observer *o, struct json_writer *w, const struct ledger_link *link,
	const char *role, const struct item_vec *known, const struct wg_peer *p)
{
	const struct item *i = observe_find(known, &p->public_key);
	struct sent *s;

	machine_peer_online(o->core->machine, link->name, p); /* takes note of counters */
	if (i == NULL)
		return; /* not ours: the next reconcile removes it */
	s = note(o, link->name, i->peer.id, p);
	if (s == NULL)
		return;
	s->round = o->round;
	put_sent(w, link, role, i->peer.id, s);
}

/* Peers that were seen and are not there any more: what they came to. */
static void put_gone(struct observer *o, struct json_writer *w)
{
	MAP_FOREACH (slot, &o->sent) {
		const char *slash = strchr(slot->key, '/');
		const struct ledger_link *link;
		struct sent *s = slot->value;
		char ifname[IFNAME_LEN];

		if (s->round == o->round)
			continue;
		snprintf(ifname, sizeof(ifname), "%.*s", (int)(slash - slot->key), slot->key);
		link = ledger_link(&o->core->machine->ledger, ifname);
		if (link != NULL)
			put_sent(w, link, role_of(o->core, link), slash + 1, s);
	}
}

static void put_links(struct observer *o, struct json_writer *w)
{
	struct machine *m = o->core->machine;

	o->round++;
	json_begin_array(w, "links");
	VEC_FOREACH (link, &m->ledger.links) {
		struct item_vec known = {0};
		struct wg_device d = {0};
		const char *role;

		if (machine_device(m, link->name, &d, NULL) < 0)
			continue;
		role = role_of(o->core, link);
		observe_peers(o->core, link->name, &known);
		VEC_FOREACH (p, &d.peers)
			observe_peer(o, w, link, role, &known, p);
		VEC_DONE(&known);
		wg_device_done(&d);
	}
	put_gone(o, w);
	json_end_array(w);
}

/* Where this machine might be reached: what the default routes would use, at the port of its
 * direct interface. */
static void put_endpoints(struct observer *o, struct json_writer *w)
{
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
	struct machine *m = o->core->machine;

	json_begin_array(w, "endpoints");
	VEC_FOREACH (i, &o->core->desired.items)
		for (size_t f = 0; f < ARRAY_LEN(families); f++) {
			struct addr a;

			if ((*i)->kind != ITEM_INTERFACE || (*i)->interface.role != IFACE_DIRECT ||
				m->ops->default_address(m->ctx, families[f], &a, NULL) < 0)
				continue;
			json_begin_object(w, NULL);
			json_put_str(w, "network", (*i)->network);
			observe_endpoint(w, "address", a, (*i)->interface.listen_port);
			json_end_object(w);
		}
	json_end_array(w);
}

void observer_heartbeat(struct observer *o, const char *version, struct buf *out)
{
	struct core *c = o->core;
	struct json_writer w = {.out = out};

	MAP_FOREACH (slot, &o->sent) {
		struct sent *s = slot->value;

		/* said, and nobody knows whether it was heard: it is said again */
		s->closing |= s->closing_offered;
		s->pending = s->closing_offered = false;
	}
	json_begin_object(&w, NULL);
	json_put_int(&w, "applied_revision", (int64_t)c->desired.revision);
	json_put_str(&w, "status", c->error == NULL ? "healthy" : "degraded");
	if (c->error != NULL)
		json_put_str(&w, "error", c->error);
	json_put_str(&w, "version", version);
	json_put_str(&w, "backend", c->machine->wg->ops->name);
	json_put_time(&w, "timestamp", clock_wall(c->clock));
	json_put_str(&w, "epoch", c->machine->ledger.epoch);
	put_links(o, &w);
	put_endpoints(o, &w);
	json_end_object(&w);
}

/* A peer that has gone is forgotten here, so that the table does not grow for ever. */
static bool still_known(struct core *c, const char *name)
{
	const char *slash = strchr(name, '/');
	struct public_key unused;
	char ifname[IFNAME_LEN];

	snprintf(ifname, sizeof(ifname), "%.*s", (int)(slash - name), name);
	return peer_index_lookup(&c->peers, ifname, slash + 1, &unused);
}

void observer_accepted(struct observer *o)
{
	struct strs gone = {0};

	MAP_FOREACH (slot, &o->sent) {
		struct sent *s = slot->value;

		if (s->pending)
			s->accepted = s->offered;
		s->pending = s->closing_offered = false;
		if (!s->closing && same(&s->accepted, &s->last) && !still_known(o->core, slot->key))
			strs_push(&gone, slot->key);
	}
	VEC_FOREACH (name, &gone)
		mem_free(map_remove(&o->sent, *name));
	strs_done(&gone);
}
