/* DOC: reading the machine; see machine.h. */
#include "agent/machine.h"

#include "base/log.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define ONLINE_AGE (180 * 1000) /* a handshake this young means the link is up */

int machine_init(struct machine *m, struct wg_backend *wg, const struct machine_ops *ops, void *ctx,
	const struct clock *clock, const struct identity *identity, struct resolver *resolver,
	struct err *e)
{
	*m = (struct machine){.wg = wg,
		.ops = ops,
		.ctx = ctx,
		.clock = clock,
		.identity = identity,
		.resolver = resolver};
	return ledger_load(&m->ledger, identity->dir, e);
}

static void free_value(void *p)
{
	mem_free(p);
}

void machine_done(struct machine *m)
{
	ledger_done(&m->ledger);
	map_done(&m->firewalls, free_value);
	roam_done(&m->roam);
	VEC_DONE(&m->crosses);
	map_done(&m->seen, free_value);
	mem_free(m->hosts_stamp);
	strs_done(&m->hung);
	*m = (struct machine){0};
}

int machine_device(struct machine *m, const char *ifname, struct wg_device *ret, struct err *e)
{
	int rc;

	if (strs_has(&m->hung, ifname))
		return err_set(
			e, ERR_TIMEOUT, "the WireGuard engine of %s does not answer", ifname);
	rc = m->wg->ops->read(m->wg, ifname, ret, e);
	if (rc != ERR_TIMEOUT)
		return rc;
	log_warn("WireGuard engine does not answer: its interface is made anew",
		LOG_KV_STR("interface", ifname));
	strs_push(&m->hung, ifname);
	if (m->on_hung != NULL)
		m->on_hung(m->hung_arg);
	return rc;
}

struct machine_firewall *machine_firewall(struct machine *m, const char *network)
{
	struct machine_firewall *f = map_get(&m->firewalls, network);

	if (f == NULL) {
		f = NEW(struct machine_firewall);
		map_set(&m->firewalls, network, f);
	}
	return f;
}

/* --- reading --------------------------------------------------------------------------------- */

/* A wanted peer by its key, to find what a device's peer is meant to be. */
struct wanted_peer {
	const struct item *item;
	size_t at; /* in wanted */
};
struct reader {
	struct machine *m;
	const struct item_vec *wanted;
	bool *there; /* one a wanted item: the machine has it just so */
	struct machine_reading *out;
	VEC(struct wanted_peer) peers; /* sorted by interface, key */
	struct strs gone; /* links whose engine hangs: to be made anew, with all on them */
};

static int compare_wanted(const void *a, const void *b)
{
	const struct peer_item *x = &((const struct wanted_peer *)a)->item->peer;
	const struct peer_item *y = &((const struct wanted_peer *)b)->item->peer;
	int c = strcmp(x->interface, y->interface);

	return c != 0 ? c : memcmp(x->public_key.bytes, y->public_key.bytes, KEY_LEN);
}

static int compare_items(const void *a, const void *b)
{
	return item_compare(*(struct item *const *)a, *(struct item *const *)b);
}

/* Index in wanted of the item with this key; wanted->n when it is not wanted. */
static size_t find_wanted(const struct reader *r, const struct item *key)
{
	struct item *const *at = NULL;

	if (r->wanted->n > 0)
		at = bsearch(&key, r->wanted->v, r->wanted->n, sizeof(key), compare_items);
	return at == NULL ? r->wanted->n : (size_t)(at - r->wanted->v);
}

/* What the machine has is `found`, taken over: note that it is as wanted, or keep it. */
static void note(struct reader *r, struct item *found)
{
	size_t at = find_wanted(r, found);

	if (at < r->wanted->n && item_equal(r->wanted->v[at], found)) {
		r->there[at] = true;
		item_free(found);
		return;
	}
	VEC_PUSH(&r->out->have, found);
}

static const struct wanted_peer *wanted_by_key(
	const struct reader *r, const char *ifname, const struct public_key *key)
{
	struct item probe = {.kind = ITEM_PEER};
	struct wanted_peer k = {&probe, 0};

	if (r->peers.n == 0)
		return NULL;
	snprintf(probe.peer.interface, IFNAME_LEN, "%s", ifname);
	probe.peer.public_key = *key;
	return bsearch(&k, r->peers.v, r->peers.n, sizeof(k), compare_wanted);
}

static bool peer_as_wanted(const struct peer_item *want, const struct wg_peer *p)
{
	return want->keepalive == p->keepalive && secret_equal(&want->psk, &p->psk) &&
		prefix_vec_equal(&want->allowed_ips, &p->allowed_ips);
}

static void read_peer(struct reader *r, const struct ledger_link *link, const struct wg_peer *p)
{
	const struct wanted_peer *w = wanted_by_key(r, link->name, &p->public_key);
	struct item *i;

	if (w != NULL && peer_as_wanted(&w->item->peer, p)) {
		r->there[w->at] = true;
		return;
	}
	if (w != NULL) {
		i = item_dup(w->item); /* id and what a device does not know */
		VEC_DONE(&i->peer.allowed_ips);
	} else {
		char hex[33];

		i = item_new(ITEM_PEER, link->network);
		snprintf(i->peer.interface, IFNAME_LEN, "%s", link->name);
		text_hex(p->public_key.bytes, 16, hex);
		snprintf(i->peer.id, ID_LEN, "key_%s", hex);
		i->peer.public_key = p->public_key;
	}
	prefix_vec_copy(&i->peer.allowed_ips, &p->allowed_ips);
	i->peer.psk = p->psk;
	i->peer.keepalive = p->keepalive;
	VEC_PUSH(&r->out->have, i);
}

/* The interface as an item: what the device has where it has it, the rest as wanted. */
static void read_interface(struct reader *r, const struct ledger_link *link,
	const struct wg_device *d, const struct net_link *l)
{
	struct item key = {.kind = ITEM_INTERFACE};
	struct item *i;
	size_t at;

	id_copy(key.network, link->network);
	snprintf(key.interface.name, IFNAME_LEN, "%s", link->name);
	at = find_wanted(r, &key);
	if (at == r->wanted->n) {
		i = item_new(ITEM_INTERFACE, link->network);
		snprintf(i->interface.name, IFNAME_LEN, "%s", link->name);
		VEC_PUSH(&r->out->have, i);
		return;
	}
	if (!l->up)
		return; /* as good as absent: putting it adopts it and brings it up */
	i = item_dup(r->wanted->v[at]);
	/* a key that is still to be announced is wanted as zero */
	if (!public_key_is_zero(&i->interface.public_key) || public_key_is_zero(&d->public_key))
		i->interface.public_key = d->public_key;
	if (public_key_is_zero(&d->public_key)) {
		item_free(i);
		return;
	}
	if (i->interface.listen_port != 0)
		i->interface.listen_port = d->listen_port;
	i->interface.fwmark = d->fwmark;
	if (i->interface.mtu != 0 || l->mtu != WG_MTU_DEFAULT)
		i->interface.mtu = l->mtu;
	note(r, i);
}

static int read_link(struct reader *r, const struct ledger_link *link, struct err *e)
{
	struct machine *m = r->m;
	struct address_vec addresses = {0};
	struct wg_device d = {0};
	struct net_link l;
	bool wanted = false;
	int rc = machine_device(m, link->name, &d, e);

	if (rc == ERR_TIMEOUT)
		strs_push(&r->gone, link->name);
	if (rc == 0)
		rc = m->ops->link_get(m->ctx, link->name, &l, e);
	if (rc == ERR_NOT_FOUND || rc == ERR_TIMEOUT) {
		wg_device_done(&d);
		return 0; /* all of it is to be made */
	}
	if (rc == 0)
		rc = m->ops->address_list(m->ctx, link->name, &addresses, e);
	if (rc == 0) {
		m->n_peers += d.peers.n;
		read_interface(r, link, &d, &l);
		VEC_FOREACH (w, r->wanted)
			if ((*w)->kind == ITEM_INTERFACE &&
				strcmp((*w)->interface.name, link->name) == 0)
				wanted = true;
	}
	/* an interface that goes takes its addresses and peers along */
	if (wanted) {
		VEC_FOREACH (a, &addresses) {
			struct item *i = item_new(ITEM_ADDRESS, link->network);

			i->address = *a;
			note(r, i);
		}
		VEC_FOREACH (p, &d.peers)
			read_peer(r, link, p);
	}
	VEC_DONE(&addresses);
	wg_device_done(&d);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int read_routes(struct reader *r, struct err *e)
{
	struct machine *m = r->m;
	struct route_vec routes = {0};
	int rc = m->ops->route_list(m->ctx, &routes, e);

	if (rc < 0)
		return rc;
	VEC_FOREACH (found, &routes) {
		const struct ledger_link *link = ledger_link(&m->ledger, found->interface);
		struct item *i;
		size_t at;

		if (link == NULL || strs_has(&r->gone, link->name))
			continue; /* another agent's; or about to go with its link */
		i = item_new(ITEM_ROUTE, link->network);
		i->route = *found;
		at = find_wanted(r, i);
		if (at < r->wanted->n) /* the kernel knows nothing of what it is there for */
			id_copy(i->route.peer, r->wanted->v[at]->route.peer);
		note(r, i);
	}
	VEC_DONE(&routes);
	return 0;
}

/* A way out is of the network that wants it; one that nobody wants belongs to none. */
static int read_exits(struct reader *r, struct err *e)
{
	struct machine *m = r->m;
	struct exit_vec exits = {0};
	int rc = m->ops->exit_list(m->ctx, &exits, e);

	VEC_FOREACH (x, &exits) {
		const struct ledger_link *link = ledger_link(&m->ledger, x->interface);
		const char *network = link != NULL ? link->network : "";
		struct item *i;

		VEC_FOREACH (w, r->wanted)
			if ((*w)->kind == ITEM_EXIT && (*w)->exit.mark == x->mark)
				network = (*w)->network;
		if (rc < 0 || (network[0] == '\0' && x->interface[0] != '\0'))
			continue; /* another agent's */
		i = item_new(ITEM_EXIT, network);
		i->exit = *x;
		x->inside = x->back = (struct prefix_vec){0}; /* moved */
		note(r, i);
	}
	net_exit_list_done(&exits);
	return rc;
}

/* Of an interface that is there now, and will be made anew? */
static bool of_gone_link(const struct reader *r, const char *sysctl)
{
	VEC_FOREACH (name, &r->gone) {
		AUTOFREE char *part = mem_printf(".conf.%s.", *name);

		if (strstr(sysctl, part) != NULL)
			return true;
	}
	return false;
}

static void read_sysctls(struct reader *r)
{
	struct machine *m = r->m;

	VEC_FOREACH (s, &m->ledger.sysctls)
		VEC_FOREACH (network, &s->networks) {
			CLEANUP(buf_done) struct buf value = {0};
			struct item *i;

			if (of_gone_link(r, s->name) ||
				m->ops->sysctl_get(m->ctx, s->name, &value, NULL) < 0)
				continue; /* gone with its interface */
			i = item_new(ITEM_SYSCTL, network->id);
			i->sysctl.name = mem_strdup(s->name);
			i->sysctl.value = buf_take(&value);
			note(r, i);
		}
}

/* Is the network's firewall in the kernel just as it is wanted? */
static bool firewall_intact(struct reader *r, const char *network)
{
	struct machine *m = r->m;
	struct item key = {.kind = ITEM_FIREWALL};
	size_t at;

	id_copy(key.network, network);
	at = find_wanted(r, &key);
	return at < r->wanted->n && machine_firewall(m, network)->loaded &&
		m->ops->firewall_intact(
			m->ctx, network, &r->wanted->v[at]->firewall, r->wanted, NULL) == 1;
}

/* Rules cannot be read back as items: the network's are all there or all to be loaded. */
static void read_firewalls(struct reader *r)
{
	struct machine *m = r->m;
	const char *network = NULL;
	bool intact = false;

	for (size_t i = 0; i < r->wanted->n; i++) {
		const struct item *w = r->wanted->v[i];

		if (w->kind != ITEM_FIREWALL && w->kind != ITEM_SET && w->kind != ITEM_LIMIT)
			continue;
		if (network == NULL || strcmp(network, w->network) != 0)
			intact = firewall_intact(r, w->network);
		network = w->network;
		r->there[i] = intact;
	}
	VEC_FOREACH (loaded, &m->ledger.firewalls) {
		struct item *i = item_new(ITEM_FIREWALL, loaded->id);

		if (find_wanted(r, i) == r->wanted->n)
			VEC_PUSH(&r->out->have, i);
		else
			item_free(i);
	}
}

int machine_read(struct machine *m, const struct item_vec *wanted, struct machine_reading *ret,
	struct err *e)
{
	struct machine_reading out = {0};
	struct reader r = {.m = m, .wanted = wanted, .out = &out};
	int rc = 0;

	m->n_peers = 0;
	r.there = mem_zalloc(wanted->n + 1);
	for (size_t i = 0; i < wanted->n; i++) {
		if (wanted->v[i]->kind == ITEM_PEER) {
			struct wanted_peer w = {wanted->v[i], i};

			VEC_PUSH(&r.peers, w);
		}
		r.there[i] = wanted->v[i]->kind == ITEM_HOST; /* machine_hosts_flush's business */
	}
	if (r.peers.n > 0)
		qsort(r.peers.v, r.peers.n, sizeof(*r.peers.v), compare_wanted);
	for (size_t i = 0; rc == 0 && i < m->ledger.links.n; i++)
		rc = read_link(&r, &m->ledger.links.v[i], e);
	if (rc == 0)
		rc = read_routes(&r, e);
	if (rc == 0)
		rc = read_exits(&r, e);
	if (rc == 0) {
		read_sysctls(&r);
		read_firewalls(&r);
		rc = item_vec_sort(&out.have);
		if (rc < 0)
			err_set(e, rc, "the machine reads back the same item twice");
	}
	for (size_t i = 0; i < wanted->n; i++)
		if (!r.there[i])
			VEC_PUSH(&out.want, wanted->v[i]);
	mem_free(r.there);
	VEC_DONE(&r.peers);
	strs_done(&r.gone);
	strs_done(&m->hung); /* asked again when they are made anew */
	if (rc < 0) {
		machine_reading_done(&out);
		return rc;
	}
	*ret = out;
	return 0;
}

void machine_reading_done(struct machine_reading *r)
{
	item_vec_done(&r->have);
	VEC_DONE(&r->want); /* borrowed items */
}

/* --- what is not read as items --------------------------------------------------------------- */

int machine_hosts_flush(
	struct machine *m, const struct item_vec *wanted, bool *ret_drift, struct err *e)
{
	CLEANUP(buf_done) struct buf before = {0}, after = {0};
	struct item_vec hosts = {0}; /* borrowed */
	int rc;

	*ret_drift = false;
	VEC_FOREACH (i, wanted)
		if ((*i)->kind == ITEM_HOST)
			VEC_PUSH(&hosts, *i);
	if (hosts.n == 0 && !m->ledger.hosts)
		return 0;
	rc = m->ops->hosts_stamp(m->ctx, &before, NULL);
	if (m->hosts_known && !m->hosts_dirty && rc == 0 &&
		strcmp(buf_str(&before), m->hosts_stamp) == 0) {
		VEC_DONE(&hosts);
		return 0;
	}
	*ret_drift = m->hosts_known && !m->hosts_dirty;
	rc = hosts.n > 0 ? ledger_set_hosts(&m->ledger, true, e) : 0;
	if (rc == 0)
		rc = m->ops->hosts_write(m->ctx, &hosts, e);
	if (rc == 0 && hosts.n == 0)
		rc = ledger_set_hosts(&m->ledger, false, e);
	VEC_DONE(&hosts);
	m->hosts_known = rc == 0 && m->ops->hosts_stamp(m->ctx, &after, NULL) == 0;
	if (rc < 0)
		return rc;
	m->hosts_dirty = false;
	mem_free(m->hosts_stamp);
	m->hosts_stamp = buf_take(&after);
	return 0;
}

typedef char seen_name[IFNAME_LEN + KEY_TEXT_LEN + 1];

static const char *seen_name_of(const char *ifname, const struct public_key *key, seen_name name)
{
	char text[KEY_TEXT_LEN];

	snprintf(name, sizeof(seen_name), "%s/%s", ifname, key_format_public(key, text));
	return name;
}

const struct machine_seen *machine_peer_seen(
	const struct machine *m, const char *ifname, const struct public_key *key)
{
	seen_name name;

	return map_get(&m->seen, seen_name_of(ifname, key, name));
}

bool machine_peer_online(struct machine *m, const char *ifname, const struct wg_peer *p)
{
	seen_name name;
	msec wall = clock_wall(m->clock), mono = clock_mono(m->clock);
	msec quiet = p->keepalive > 0 ? 3000 * (msec)p->keepalive : ONLINE_AGE;
	struct machine_seen *s;

	s = map_get(&m->seen, seen_name_of(ifname, &p->public_key, name));
	if (s == NULL) {
		if (p->last_handshake == 0)
			return false; /* nothing to remember */
		s = NEW(struct machine_seen);
		map_set(&m->seen, name, s);
		s->rx = p->rx;
	}
	if (p->rx > s->rx)
		s->rx_at = mono == 0 ? 1 : mono;
	s->rx = p->rx;
	s->addr = p->endpoint_addr;
	s->port = p->endpoint_port;
	if (s->rx_at != 0 && mono - s->rx_at < quiet)
		return true;
	return p->last_handshake != 0 && wall - p->last_handshake < ONLINE_AGE;
}
