/* DOC: see vigil.h. */
#include "agent/vigil.h"

#include "base/log.h"

#include <unistd.h>

#define LOOK_FIRST 100        /* ms: what changes it may change it again */
#define LOOK_LAST (60 * 1000) /* by then the reconcile does it anyway */
#define CALM (2 * 60 * 1000)  /* so long without a loss and it begins anew */
#define TABLES_EACH 1000

static bool table_missing(struct machine *m)
{
	VEC_FOREACH (network, &m->ledger.firewalls) {
		const struct machine_firewall *f = machine_firewall(m, network->id);

		/* one that never was is the reconcile's to make, and to speak of */
		if (f->loaded && m->ops->firewall_there(m->ctx, network->id, NULL) == 0)
			return true;
	}
	return false;
}

static bool missing(struct machine *m)
{
	VEC_FOREACH (link, &m->ledger.links) {
		struct net_link l = {0};
		int rc = m->ops->link_get(m->ctx, link->name, &l, NULL);

		if (rc == ERR_NOT_FOUND || (rc == 0 && !l.up))
			return true;
	}
	return table_missing(m);
}

static void look_soon(struct vigil *v)
{
	if (v->due)
		return;
	v->due = true;
	loop_timer_set(v->timer, v->wait, 0);
}

static void on_timer(void *arg)
{
	struct vigil *v = arg;
	msec now = clock_mono(v->machine->clock);
	bool taken = v->taken;

	v->due = v->taken = false;
	if (!taken && !missing(v->machine))
		return;
	if (v->lost_at != 0 && now - v->lost_at < CALM)
		v->wait = v->wait * 2 < LOOK_LAST ? v->wait * 2 : LOOK_LAST;
	else
		v->wait = LOOK_FIRST;
	v->lost_at = now;
	v->repair(v->arg);
	look_soon(v); /* whether it is there now: of a repair that failed nobody else tells */
}

static void on_change(void *arg, const char *ifname, bool taken)
{
	struct vigil *v = arg;

	if (ifname != NULL && ledger_link(&v->machine->ledger, ifname) == NULL)
		return;
	v->taken |= taken;
	look_soon(v);
}

static void on_readable(int events, void *arg)
{
	struct vigil *v = arg;

	machine_net_watch_read(v->net, v->fd, on_change, v);
}

static void on_tables(void *arg)
{
	struct vigil *v = arg;

	if (!v->due && table_missing(v->machine))
		look_soon(v);
}

void vigil_init(struct vigil *v, struct loop *l, struct machine *m, struct machine_net *net,
	void (*repair)(void *arg), void *arg)
{
	struct err e = {0};

	*v = (struct vigil){.machine = m,
		.net = net,
		.repair = repair,
		.arg = arg,
		.fd = -1,
		.wait = LOOK_FIRST};
	v->timer = loop_timer_new(l, on_timer, v);
	v->tables = loop_timer_new(l, on_tables, v);
	loop_timer_set(v->tables, TABLES_EACH, TABLES_EACH);
	if (net_watch_open(&v->fd, &e) < 0) {
		log_warn("links are not watched", LOG_KV_STR("error", e.text));
		return;
	}
	v->watch = loop_fd_new(l, v->fd, on_readable, v);
	loop_fd_set(v->watch, LOOP_READ);
}

void vigil_done(struct vigil *v)
{
	loop_fd_free(v->watch);
	loop_timer_free(v->timer);
	loop_timer_free(v->tables);
	if (v->fd >= 0)
		close(v->fd);
}
