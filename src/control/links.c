/* DOC: see links.h. */
#include "control/links.h"

#include <stdlib.h>
#include <inttypes.h>
#include <stdio.h>

struct reporter {
	id_text id;
	msec as_of;
	bool dirty;      /* counters changed since they were saved */
	struct buf text; /* while saving */
};

struct report {
	struct reporter *by;
	uint64_t epoch, rx, tx; /* counters as last reported */
	msec handshake, rx_at, sent_since;
	char endpoint[64];
};

struct peer_links {
	id_text id;
	bool device, dirty;
	uint64_t rx, tx;
	msec last_seen;
	VEC(struct report) reports;
};

static msec later(msec a, msec b)
{
	return a > b ? a : b;
}

enum link_state link_judge(msec now, uint16_t keepalive, const struct link_seen *s)
{
	msec patience = (msec)3000 * keepalive;

	if (s->handshake == 0 && s->rx_at == 0)
		return LINK_NEVER;
	if (s->sent_since > 0 && s->sent_since >= s->rx_at &&
		s->as_of - s->sent_since >= LINK_UNANSWERED)
		return LINK_OFFLINE;
	if (keepalive == 0)
		return now - later(s->handshake, s->rx_at) < LINK_FRESH ? LINK_ONLINE : LINK_IDLE;
	if (s->rx_at > 0 && now - s->rx_at <= patience)
		return LINK_ONLINE;
	/* Silence is only known for as long as somebody measured it. */
	return s->as_of - later(s->handshake, s->rx_at) > patience ? LINK_OFFLINE : LINK_IDLE;
}

static void not_after(msec *t, msec now)
{
	if (*t > now)
		*t = now;
}

void links_clock_back(struct links *l, msec now)
{
	MAP_FOREACH (slot, &l->reporters)
		not_after(&((struct reporter *)slot->value)->as_of, now);
	MAP_FOREACH (slot, &l->peers) {
		struct peer_links *p = slot->value;

		p->dirty |= p->device && p->last_seen > now;
		not_after(&p->last_seen, now);
		VEC_FOREACH (r, &p->reports) {
			not_after(&r->handshake, now);
			not_after(&r->rx_at, now);
			not_after(&r->sent_since, now);
		}
	}
}

static void peer_free(void *p)
{
	struct peer_links *peer = p;

	VEC_DONE(&peer->reports);
	mem_free(peer);
}

void links_done(struct links *l)
{
	map_done(&l->peers, peer_free);
	map_done(&l->reporters, free);
}

static struct reporter *reporter_get(struct links *l, const char *id)
{
	struct reporter *r = map_get(&l->reporters, id);

	if (r == NULL) {
		r = NEW(struct reporter);
		id_copy(r->id, id);
		map_set(&l->reporters, id, r);
	}
	return r;
}

static struct peer_links *peer_get(struct links *l, const char *id)
{
	struct peer_links *p = map_get(&l->peers, id);

	if (p == NULL) {
		p = NEW(struct peer_links);
		id_copy(p->id, id);
		p->device = !id_valid(id, "mem") && !id_valid(id, "node");
		map_set(&l->peers, id, p);
	}
	return p;
}

static msec report_newest(const struct report *r)
{
	return later(r->handshake, r->rx_at);
}

/* The reporter's entry at this peer, made when it is missing; *ret_new says which. */
static struct report *report_get(struct peer_links *p, struct reporter *by, bool *ret_new)
{
	size_t max = p->device ? LINK_REPORTERS_DEVICE : LINK_REPORTERS_NODE, oldest = 0;
	struct report fresh = {.by = by};

	*ret_new = false;
	for (size_t i = 0; i < p->reports.n; i++) {
		if (p->reports.v[i].by == by)
			return &p->reports.v[i];
		if (report_newest(&p->reports.v[i]) < report_newest(&p->reports.v[oldest]))
			oldest = i;
	}
	*ret_new = true;
	if (p->reports.n < max) {
		VEC_PUSH(&p->reports, fresh);
		return &p->reports.v[p->reports.n - 1];
	}
	p->reports.v[oldest] = fresh;
	return &p->reports.v[oldest];
}

void links_heard(struct links *l, const char *reporter, msec now)
{
	reporter_get(l, reporter)->as_of = now;
}

static uint64_t grown(uint64_t before, uint64_t after)
{
	return after >= before ? after - before : after; /* smaller: it started anew */
}

void links_add(
	struct links *l, const char *reporter, uint64_t epoch, const struct link_row *row, msec now)
{
	struct reporter *by = reporter_get(l, reporter);
	struct peer_links *p = peer_get(l, row->peer);
	msec handshake = row->handshake < now ? row->handshake : now;
	uint64_t rx, tx;
	struct report *r;
	bool first;

	r = report_get(p, by, &first);
	if (first || r->epoch != epoch)
		r->rx = r->tx = 0;
	rx = grown(r->rx, row->rx);
	tx = grown(r->tx, row->tx);
	if (p->device) {
		p->rx += rx;
		p->tx += tx;
	} else {
		p->rx = row->rx;
		p->tx = row->tx;
	}
	/* The first sight of a counter tells nothing about when it grew; the handshake does. */
	if (rx > 0)
		r->rx_at = first && now - handshake >= LINK_FRESH ? handshake : now;
	if (rx > 0 || handshake > r->handshake)
		r->sent_since = 0;
	else if (tx > 0 && r->sent_since == 0)
		r->sent_since = now;
	r->handshake = later(r->handshake, handshake);
	r->epoch = epoch;
	r->rx = row->rx;
	r->tx = row->tx;
	snprintf(r->endpoint, sizeof(r->endpoint), "%s", row->endpoint);
	p->last_seen = later(p->last_seen, handshake);
	p->dirty = p->device;
	by->dirty |= p->device;
}

void links_arrived(struct links *l, const char *reporter, const struct link_row *row, msec now)
{
	struct peer_links *p = peer_get(l, row->peer);
	msec handshake = row->handshake < now ? row->handshake : now;
	struct report *r;
	bool first;

	r = report_get(p, reporter_get(l, reporter), &first);
	r->handshake = later(r->handshake, handshake);
	r->sent_since = 0;
	snprintf(r->endpoint, sizeof(r->endpoint), "%s", row->endpoint);
	p->last_seen = later(p->last_seen, handshake);
	p->dirty = p->device;
}

/* Where a peer is, its newest handshake says. What was received may have been reported late. */
static bool is_nearer(const struct report *a, const struct report *b)
{
	if (a->handshake != b->handshake)
		return a->handshake > b->handshake;
	return a->rx_at > b->rx_at;
}

static const struct report *nearest(const struct peer_links *p)
{
	const struct report *best = NULL;

	VEC_FOREACH (r, &p->reports)
		if (best == NULL || is_nearer(r, best))
			best = r;
	return best;
}

bool links_newest(const struct links *l, const char *peer, id_text ret_node, msec *ret_handshake)
{
	const struct peer_links *p = map_get(&l->peers, peer);
	const struct report *best = p != NULL ? nearest(p) : NULL;

	if (p == NULL || p->last_seen == 0)
		return false;
	/* after a restart of the control plane the newest one's reporter is not known */
	id_copy(ret_node, best != NULL && best->handshake >= p->last_seen ? best->by->id : "");
	*ret_handshake = p->last_seen;
	return true;
}

void links_get(
	const struct links *l, const char *peer, msec now, uint16_t keepalive, struct link *ret)
{
	const struct peer_links *p = map_get(&l->peers, peer);
	const struct report *best;
	struct link_seen seen = {0};

	memset(ret, 0, sizeof(*ret));
	if (p == NULL)
		return;
	best = nearest(p);
	ret->last_seen = p->last_seen;
	ret->rx = p->rx;
	ret->tx = p->tx;
	seen.handshake = p->last_seen;
	if (best != NULL && report_newest(best) > 0) {
		seen = (struct link_seen){.handshake = later(best->handshake, p->last_seen),
			.rx_at = best->rx_at,
			.sent_since = best->sent_since,
			.as_of = best->by->as_of};
		ret->as_of = best->by->as_of;
		id_copy(ret->gateway, best->by->id);
		snprintf(ret->endpoint, sizeof(ret->endpoint), "%s", best->endpoint);
	}
	ret->state = (int)link_judge(now, keepalive, &seen);
}

void links_load_device(struct links *l, const struct device *d, msec now)
{
	struct peer_links *p;

	if (d->last_seen == 0 && d->rx == 0 && d->tx == 0)
		return;
	p = peer_get(l, d->id);
	p->last_seen = d->last_seen;
	not_after(&p->last_seen, now);
	p->rx = d->rx;
	p->tx = d->tx;
}

size_t links_take_devices(struct links *l, struct device *ret, size_t max)
{
	size_t n = 0;

	MAP_FOREACH (slot, &l->peers) {
		struct peer_links *p = slot->value;

		if (!p->dirty)
			continue;
		if (n == max)
			break;
		p->dirty = false;
		id_copy(ret[n].id, p->id);
		ret[n].last_seen = p->last_seen;
		ret[n].rx = p->rx;
		ret[n].tx = p->tx;
		n++;
	}
	return n;
}

void links_load_counters(struct links *l, const char *reporter, const char *text)
{
	struct reporter *by = reporter_get(l, reporter);

	while (*text != '\0') {
		char peer[ID_LEN];
		uint64_t epoch, rx, tx;
		struct report *r;
		int n = 0;
		bool first;

		if (sscanf(text, "%39s %" SCNu64 " %" SCNu64 " %" SCNu64 "\n%n", peer, &epoch, &rx,
			    &tx, &n) != 4 ||
			n == 0)
			return; /* ours, but old or damaged: then counting starts at the next row */
		text += n;
		/* a device that is gone meanwhile has no totals to go on with */
		if (map_get(&l->peers, peer) == NULL)
			continue;
		r = report_get(peer_get(l, peer), by, &first);
		r->epoch = epoch;
		r->rx = rx;
		r->tx = tx;
	}
}

void links_save_counters(
	struct links *l, void (*fn)(void *arg, const char *reporter, const char *text), void *arg)
{
	bool any = false;

	MAP_FOREACH (slot, &l->reporters)
		any |= ((struct reporter *)slot->value)->dirty;
	if (!any)
		return;
	/* one pass over all links, rather than one for each reporter */
	MAP_FOREACH (slot, &l->peers) {
		struct peer_links *p = slot->value;

		if (!p->device)
			continue;
		VEC_FOREACH (r, &p->reports)
			if (r->by->dirty)
				buf_addf(&r->by->text, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
					p->id, r->epoch, r->rx, r->tx);
	}
	MAP_FOREACH (slot, &l->reporters) {
		struct reporter *r = slot->value;

		if (!r->dirty)
			continue;
		r->dirty = false;
		fn(arg, r->id, buf_str(&r->text));
		buf_done(&r->text);
	}
}

void links_forget_peer(struct links *l, const char *peer)
{
	struct peer_links *p = map_remove(&l->peers, peer);

	if (p == NULL)
		return;
	VEC_FOREACH (r, &p->reports)
		r->by->dirty |= p->device;
	peer_free(p);
}

void links_forget_reporter(struct links *l, const char *reporter)
{
	struct reporter *by = map_remove(&l->reporters, reporter);

	if (by == NULL)
		return;
	MAP_FOREACH (slot, &l->peers) {
		struct peer_links *p = slot->value;

		for (size_t i = p->reports.n; i-- > 0;)
			if (p->reports.v[i].by == by)
				VEC_REMOVE(&p->reports, i);
	}
	mem_free(by);
}
