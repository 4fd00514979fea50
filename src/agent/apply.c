/* DOC: kinds of items in their order; see apply.h. */
#include "agent/apply.h"

#include "agent/adopt.h"
#include "agent/apply_firewall.h"
#include "agent/apply_peers.h"
#include "agent/apply_run.h"
#include "base/fault.h"
#include "base/log.h"

#include <stdio.h>

/* --- the result ------------------------------------------------------------------------------ */

void apply_failed(struct apply_result *r, const struct item *i, const struct err *e)
{
	r->failures++;
	if (r->errors.n < APPLY_ERRORS_MAX) {
		CLEANUP(buf_done) struct buf text = {0};

		item_describe(i, &text);
		buf_addf(&text, ": %s", e->text);
		strs_push(&r->errors, buf_str(&text));
	}
}

void apply_summary(const struct apply_result *r, struct buf *out)
{
	if (r->failures == 0)
		return;
	buf_addf(out, "%u of the changes failed", r->failures);
	VEC_FOREACH (s, &r->errors)
		buf_addf(out, "%s %s", s == r->errors.v ? ":" : ";", *s);
}

void apply_result_done(struct apply_result *r)
{
	strs_done(&r->errors);
	*r = (struct apply_result){0};
}

void run_put_done(struct run *run, const struct item *i, int rc, const struct err *e)
{
	if (rc < 0)
		apply_failed(run->r, i, e);
	else
		run->r->put[i->kind]++;
}

void run_drop_done(struct run *run, const struct item *i, int rc, const struct err *e)
{
	if (rc < 0)
		apply_failed(run->r, i, e);
	else
		run->r->dropped[i->kind]++;
}

struct item_vec run_slice_to(const struct item_vec *v, enum item_kind kind, enum item_kind last)
{
	struct item_vec s = {0};
	size_t lo = 0, hi = v->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v->v[mid]->kind < kind)
			lo = mid + 1;
		else
			hi = mid;
	}
	s.v = v->v == NULL ? NULL : v->v + lo;
	while (lo + s.n < v->n && v->v[lo + s.n]->kind <= last)
		s.n++;
	return s;
}

struct item_vec run_slice(const struct item_vec *v, enum item_kind kind)
{
	return run_slice_to(v, kind, kind);
}

const struct item *run_find(const struct item_vec *v, const struct item *key)
{
	const struct state s = {.items = *v};

	return state_find(&s, key);
}

static bool ours(const struct run *run, const char *ifname)
{
	return ledger_link(&run->m->ledger, ifname) != NULL;
}

/* --- interfaces ------------------------------------------------------------------------------ */

/* Make it or adopt our own; somebody else's of that name is refused (P-10 without theft). */
static int make_link(struct run *run, const struct item *i, bool *ret_adopted, struct err *e)
{
	struct machine *m = run->m;
	const char *name = i->interface.name;
	struct net_link link;
	int rc;

	if (!ours(run, name)) {
		rc = m->ops->link_get(m->ctx, name, &link, e);
		if (rc == 0)
			return err_set(e, ERR_EXISTS,
				"an interface %s is there already and was not made by this "
				"agent: rename or remove it",
				name);
		if (rc != ERR_NOT_FOUND)
			return rc;
	}
	rc = ledger_add_link(&m->ledger, name, i->network, e);
	if (rc < 0)
		return rc;
	FAULT("link.noted");
	rc = m->wg->ops->create(m->wg, name, ret_adopted, e);
	/* an engine whose link somebody renamed or moved away still answers */
	if (rc == 0 && *ret_adopted &&
		m->ops->link_get(m->ctx, name, &link, NULL) == ERR_NOT_FOUND) {
		rc = m->wg->ops->destroy(m->wg, name, e);
		if (rc == 0)
			rc = m->wg->ops->create(m->wg, name, ret_adopted, e);
	}
	if (rc < 0)
		return rc;
	if (!*ret_adopted) {
		FAULT("link.made");
		run->r->links_made = true;
		rc = ledger_new_epoch(&m->ledger, e);
	}
	return rc;
}

VEC_TYPE(psk_ops, struct wg_peer_op);

/* The PSKs that the interface's peers are to have. */
static void add_psks(const struct run *run, const char *ifname, struct psk_ops *ret)
{
	struct item_vec peers = run_slice(run->target, ITEM_PEER);

	VEC_FOREACH (i, &peers) {
		struct wg_peer_op op = {.flags = WG_PEER_PSK | WG_PEER_UPDATE_ONLY,
			.public_key = (*i)->peer.public_key,
			.psk = (*i)->peer.psk};

		if (strcmp((*i)->peer.interface, ifname) == 0)
			VEC_PUSH(ret, op);
		secret_wipe(&op.psk);
	}
}

/* "... : dnsmasq (process 712) has it". */
static void name_holder(uint16_t port, struct err *e)
{
	CLEANUP(buf_done) struct buf holder = {0};
	size_t used;

	if (e == NULL || strcmp(e->field, "listen_port") != 0 ||
		net_port_holder(false, port, (struct addr){0}, &holder) < 0)
		return;
	used = strlen(e->text);
	snprintf(e->text + used, sizeof(e->text) - used, ": %s has it", buf_str(&holder));
}

/* Key, port and mark: only what differs, for a port that is set again interrupts an engine. */
static int set_device(struct run *run, const struct item *i, bool adopted, struct err *e)
{
	struct machine *m = run->m;
	const struct interface_item *want = &i->interface;
	CLEANUP(secret_wipe) struct secret key = {0};
	struct public_key public;
	struct wg_device d = {0};
	struct psk_ops ops = {0};
	struct wg_change c = {
		.private_key = &key, .listen_port = want->listen_port, .fwmark = want->fwmark};
	bool announce;
	int rc = keyring_get(m->identity, i->network, want, &key, &public, &announce, e);

	if (announce && m->announce != NULL)
		m->announce(m->announce_arg, i->network, &public);
	if (rc < 0)
		return rc;
	if (adopted) {
		rc = m->wg->ops->read(m->wg, want->name, &d, e);
		if (rc < 0)
			return rc;
	}
	c.flags =
		(adopted && public_key_equal(&d.public_key, &public) ? 0 : WG_DEVICE_PRIVATE_KEY) |
		(adopted && (d.listen_port == want->listen_port || want->listen_port == 0)
				? 0
				: WG_DEVICE_LISTEN_PORT) |
		(adopted && d.fwmark == want->fwmark ? 0 : WG_DEVICE_FWMARK);
	wg_device_done(&d);
	if (c.flags == 0)
		return 0;
	/* a handshake between a new key and its PSKs would fail, and is not tried again for 5 s */
	if (adopted && (c.flags & WG_DEVICE_PRIVATE_KEY) != 0)
		add_psks(run, want->name, &ops);
	c.peers = ops.v;
	c.n_peers = ops.n;
	rc = m->wg->ops->change(m->wg, want->name, &c, e);
	if (ops.n > 0)
		mem_wipe(ops.v, ops.n * sizeof(*ops.v));
	VEC_DONE(&ops);
	FAULT("key.in-device");
	if (rc == ERR_EXISTS)
		name_holder(want->listen_port, e);
	if (rc == 0 && adopted && (c.flags & WG_DEVICE_PRIVATE_KEY) != 0)
		strs_push(&run->rekeyed, want->name);
	return rc;
}

/* P-10: what a failed call made is taken back, so that the next try starts clean. */
static void roll_back(struct run *run, const struct item *i)
{
	struct machine *m = run->m;

	if (m->wg->ops->destroy(m->wg, i->interface.name, NULL) == 0)
		ledger_remove_link(&m->ledger, i->interface.name, NULL);
}

static int put_address(struct run *run, const struct item *i, struct err *e)
{
	return run->m->ops->address_add(run->m->ctx, &i->address, e);
}

/* create (key, port) -> addresses -> MTU -> up. */
static int put_interface(struct run *run, const struct item *i, struct err *e)
{
	struct machine *m = run->m;
	const struct interface_item *want = &i->interface;
	struct item_vec addresses = run_slice(run->target, ITEM_ADDRESS);
	uint32_t mtu = want->mtu == 0 ? WG_MTU_DEFAULT : want->mtu;
	const char *mesh_ip = NULL;
	char text[ADDR_TEXT_LEN];
	bool adopted = true;
	struct net_link link;
	int rc = make_link(run, i, &adopted, e);

	if (rc == ERR_EXISTS)
		return rc;
	if (rc == 0)
		rc = set_device(run, i, adopted, e);
	VEC_FOREACH (a, &addresses)
		if (rc == 0 && strcmp((*a)->address.interface, want->name) == 0) {
			rc = put_address(run, *a, e);
			if (mesh_ip == NULL)
				mesh_ip = addr_format((*a)->address.addr, text);
		}
	FAULT("link.addressed");
	if (rc == 0)
		rc = m->ops->link_get(m->ctx, want->name, &link, e);
	if (rc == 0 && link.mtu != mtu)
		rc = m->ops->link_set_mtu(m->ctx, want->name, mtu, e);
	if (rc == 0 && !link.up)
		rc = m->ops->link_set_up(m->ctx, want->name, true, e);
	if (rc < 0) {
		if (!adopted)
			roll_back(run, i);
		return rc;
	}
	FAULT("link.up");
	log_info("interface configured", LOG_KV_STR("interface", want->name),
		LOG_KV_INT("listen_port", want->listen_port), LOG_KV_STR("mesh_ip", mesh_ip));
	return 0;
}

static int drop_interface(struct run *run, const struct item *i, struct err *e)
{
	struct machine *m = run->m;
	int rc = 0;

	if (!ours(run, i->interface.name))
		return 0;
	rc = m->wg->ops->destroy(m->wg, i->interface.name, e);
	FAULT("link.gone");
	if (rc == 0)
		rc = ledger_remove_link(&m->ledger, i->interface.name, e);
	return rc;
}

static int put_own_address(struct run *run, const struct item *i, struct err *e)
{
	if (!ours(run, i->address.interface))
		return err_set(e, ERR_UNAVAILABLE, "its interface could not be made");
	return put_address(run, i, e);
}

static int drop_address(struct run *run, const struct item *i, struct err *e)
{
	struct net_link link;
	int rc;

	if (!ours(run, i->address.interface))
		return 0;
	rc = run->m->ops->link_get(run->m->ctx, i->address.interface, &link, e);
	if (rc == ERR_NOT_FOUND)
		return 0;
	return rc < 0 ? rc : run->m->ops->address_delete(run->m->ctx, &i->address, e);
}

/* --- sysctls --------------------------------------------------------------------------------- */

static int put_sysctl(struct run *run, const struct item *i, struct err *e)
{
	struct machine *m = run->m;
	CLEANUP(buf_done) struct buf now = {0};
	int rc = m->ops->sysctl_get(m->ctx, i->sysctl.name, &now, e);

	if (rc == 0)
		rc = ledger_add_sysctl(&m->ledger, i->sysctl.name, buf_str(&now), i->network, e);
	FAULT("sysctl.noted");
	if (rc == 0 && strcmp(buf_str(&now), i->sysctl.value) != 0)
		rc = m->ops->sysctl_set(m->ctx, i->sysctl.name, i->sysctl.value, e);
	return rc;
}

static int drop_sysctl(struct run *run, const struct item *i, struct err *e)
{
	struct machine *m = run->m;
	const struct ledger_sysctl *s = ledger_sysctl(&m->ledger, i->sysctl.name);
	CLEANUP(buf_done) struct buf now = {0};
	int rc = 0;

	if (s == NULL || !id_vec_has(&s->networks, i->network))
		return 0;
	/* restored when nobody wants it any more; gone with its interface is restored, too */
	if (s->networks.n == 1 && m->ops->sysctl_get(m->ctx, s->name, &now, NULL) == 0)
		rc = m->ops->sysctl_set(m->ctx, s->name, s->previous, e);
	return rc < 0 ? rc : ledger_remove_sysctl(&m->ledger, i->sysctl.name, i->network, e);
}

/* --- routes and hosts ------------------------------------------------------------------------ */

static int put_route(struct run *run, const struct item *i, struct err *e)
{
	if (!ours(run, i->route.interface))
		return err_set(e, ERR_UNAVAILABLE, "its interface %s could not be made",
			i->route.interface);
	const struct item *old = run_find(run->old, i);
	int rc = old != NULL ? 0 : overlap_check(&run->overlap, run->m, &i->route, e);

	/* by another interface than before: replaced in one step */
	if (rc == 0)
		rc = run->m->ops->route_add(run->m->ctx, &i->route, e);
	FAULT("route.added");
	return rc;
}

/* Of an interface that carries traffic already: before its addresses become ours, for the routes
 * they bring may go with them. All routes are put once more, and counted, in their turn. */
static void put_adopted_routes(struct run *run)
{
	struct item_vec routes = run_slice(&run->d->put, ITEM_ROUTE);

	VEC_FOREACH (i, &routes)
		if (strs_has(&run->adopted, (*i)->route.interface))
			put_route(run, *i, NULL);
}

static int drop_route(struct run *run, const struct item *i, struct err *e)
{
	const struct item *old = run_find(run->old, i);

	if (old == NULL || !ours(run, old->route.interface))
		return 0;
	return run->m->ops->route_delete(run->m->ctx, &old->route, e);
}

static int put_exit(struct run *run, const struct item *i, struct err *e)
{
	return run->m->ops->exit_put(run->m->ctx, &i->exit, e);
}

static int drop_exit(struct run *run, const struct item *i, struct err *e)
{
	return run->m->ops->exit_delete(run->m->ctx, i->exit.mark, e);
}

static int touch_hosts(struct run *run, const struct item *i, struct err *e)
{
	run->m->hosts_dirty = true; /* one write for many: machine_hosts_flush */
	return 0;
}

/* --- ports ----------------------------------------------------------------------------------- */

static bool is_port_wanted(const struct run *run, const struct interface_item *holder)
{
	struct item_vec puts = run_slice(&run->d->put, ITEM_INTERFACE);

	VEC_FOREACH (i, &puts)
		if ((*i)->interface.listen_port == holder->listen_port &&
			strcmp((*i)->interface.name, holder->name) != 0)
			return true;
	return false;
}

/* A port that one of our interfaces leaves may be another's from now on. Whoever has it lets go of
 * it first, whatever the order they are brought to what they should be. */
static void let_go_of_ports(struct run *run)
{
	const struct wg_change any = {.flags = WG_DEVICE_LISTEN_PORT};

	VEC_FOREACH (i, run->old) {
		const struct interface_item *was = &(*i)->interface;
		const struct item *now;

		if ((*i)->kind != ITEM_INTERFACE || was->listen_port == 0 ||
			!ours(run, was->name) || !is_port_wanted(run, was))
			continue;
		now = run_find(run->target, *i);
		if (now == NULL || now->interface.listen_port != was->listen_port)
			run->m->wg->ops->change(run->m->wg, was->name, &any, NULL);
	}
}

/* --- order ----------------------------------------------------------------------------------- */

typedef int (*item_fn)(struct run *run, const struct item *i, struct err *e);

static void each_put(struct run *run, enum item_kind kind, item_fn fn)
{
	struct item_vec items = run_slice(&run->d->put, kind);

	VEC_FOREACH (i, &items) {
		struct err e = {0};

		run_put_done(run, *i, fn(run, *i, &e), &e);
	}
}

static void each_drop(struct run *run, enum item_kind kind, item_fn fn)
{
	struct item_vec items = run_slice(&run->d->drop, kind);

	for (size_t k = items.n; k-- > 0;) {
		struct err e = {0};

		run_drop_done(run, items.v[k], fn(run, items.v[k], &e), &e);
	}
}

void apply_delta(struct machine *m, const struct item_vec *old, const struct delta *d,
	const struct item_vec *target, struct apply_result *r)
{
	struct run run = {.m = m, .old = old, .d = d, .target = target, .r = r};
	struct item_vec adopted = {0}, before = {0};
	msec began = clock_wall(m->clock);

	/* peers of an interface taken over are changed from what they are, not made anew */
	adopt_links(m, &d->put, &adopted, &run.adopted);
	if (adopted.n > 0) {
		VEC_FOREACH (i, old)
			VEC_PUSH(&before, *i);
		VEC_FOREACH (i, &adopted)
			VEC_PUSH(&before, *i);
		item_vec_sort(&before);
		old = run.old = &before;
	}
	each_drop(&run, ITEM_HOST, touch_hosts);
	each_drop(&run, ITEM_ROUTE, drop_route);
	put_adopted_routes(&run);
	let_go_of_ports(&run);
	each_put(&run, ITEM_INTERFACE, put_interface);
	each_put(&run, ITEM_ADDRESS, put_own_address);
	each_put(&run, ITEM_SYSCTL, put_sysctl);
	each_put(&run, ITEM_EXIT, put_exit); /* before the firewall makes marks */
	firewall_put_all(&run);
	firewall_change_sets(&run);
	VEC_FOREACH (network, &run.narrowed)
		firewall_prune_flows(&run, network->id);
	VEC_DONE(&run.narrowed);
	apply_peers(m, run_slice(&d->put, ITEM_PEER), run_slice(&d->drop, ITEM_PEER), old,
		firewall_may_put_peer, &run, r);
	VEC_FOREACH (name, &run.rekeyed) {
		apply_wake(m, *name, target);
		cross_note_all(m, *name, target, began);
	}
	strs_done(&run.rekeyed);
	strs_done(&run.adopted);
	each_put(&run, ITEM_ROUTE, put_route);
	each_put(&run, ITEM_HOST, touch_hosts);
	each_drop(&run, ITEM_SYSCTL, drop_sysctl);
	each_drop(&run, ITEM_ADDRESS, drop_address);
	each_drop(&run, ITEM_INTERFACE, drop_interface);
	each_drop(&run, ITEM_EXIT, drop_exit); /* after the firewall made the last mark */
	/* last: a network's filter stands for as long as one of its interfaces does */
	each_drop(&run, ITEM_FIREWALL, firewall_drop);
	overlap_done(&run.overlap);
	VEC_DONE(&before);
	item_vec_done(&adopted);
}

/* What the ledger holds, as items. */
static void ledger_items(const struct ledger *l, struct item_vec *ret)
{
	VEC_FOREACH (link, &l->links) {
		struct item *i = item_new(ITEM_INTERFACE, link->network);

		snprintf(i->interface.name, IFNAME_LEN, "%s", link->name);
		VEC_PUSH(ret, i);
	}
	VEC_FOREACH (s, &l->sysctls)
		VEC_FOREACH (network, &s->networks) {
			struct item *i = item_new(ITEM_SYSCTL, network->id);

			i->sysctl.name = mem_strdup(s->name);
			i->sysctl.value = mem_strdup("");
			VEC_PUSH(ret, i);
		}
	VEC_FOREACH (f, &l->firewalls)
		VEC_PUSH(ret, item_new(ITEM_FIREWALL, f->id));
	item_vec_sort(ret);
}

/* Ways out by interfaces of ours. */
static void exit_items(struct machine *m, struct item_vec *ret)
{
	struct exit_vec exits = {0};

	m->ops->exit_list(m->ctx, &exits, NULL);
	VEC_FOREACH (x, &exits) {
		const struct ledger_link *link = ledger_link(&m->ledger, x->interface);
		struct item *i;

		if (link == NULL)
			continue;
		i = item_new(ITEM_EXIT, link->network);
		i->exit.mark = x->mark;
		VEC_PUSH(ret, i);
	}
	net_exit_list_done(&exits);
	item_vec_sort(ret);
}

void apply_teardown(struct machine *m, struct apply_result *r)
{
	struct item_vec none = {0};
	struct delta d = {0};
	struct err e = {0};
	struct item hosts = {.kind = ITEM_HOST};
	bool drift;

	ledger_items(&m->ledger, &d.drop);
	exit_items(m, &d.drop);
	apply_delta(m, &d.drop, &d, &none, r);
	m->hosts_dirty = true;
	if (machine_hosts_flush(m, &none, &drift, &e) < 0) {
		hosts.host.name = mem_strdup("block");
		apply_failed(r, &hosts, &e);
		mem_free(hosts.host.name);
	}
	delta_done(&d);
}
