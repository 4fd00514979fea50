/* DOC: see panel_links.h. */
#include "control/panel_links.h"

#include "codec/json.h"
#include "control/hub_state.h"

#define DISABLED 4 /* beside the link states: a client that may not connect */

struct client_seen {
	int state;
	unsigned sample; /* when it was seen last, to find what is gone */
};

struct sums {
	uint64_t states[DISABLED + 1], rx, tx;
	struct map gateways; /* node -> uint64_t *: clients online there */
	struct buf told;     /* the last event */
};

struct panel_links {
	struct map clients;  /* device -> struct client_seen * */
	struct map projects; /* project -> struct sums * */
	unsigned sample;
};

static void free_value(void *p)
{
	mem_free(p);
}

static void sums_free(void *p)
{
	struct sums *s = p;

	map_done(&s->gateways, free_value);
	buf_done(&s->told);
	mem_free(s);
}

struct panel_links *panel_links_new(void)
{
	return NEW(struct panel_links);
}

struct panel_links *panel_links_free(struct panel_links *p)
{
	if (p != NULL) {
		map_done(&p->clients, free_value);
		map_done(&p->projects, sums_free);
	}
	return mem_free(p);
}

/* --- one client ------------------------------------------------------------------------------- */

static struct sums *sums_of(struct panel_links *p, const char *project)
{
	struct sums *s = map_get(&p->projects, project);

	if (s == NULL) {
		s = NEW(struct sums);
		map_set(&p->projects, project, s);
	}
	return s;
}

static void add(struct sums *s, int state, const struct link *link)
{
	uint64_t *n;

	s->states[state]++;
	s->rx += link->rx;
	s->tx += link->tx;
	if (state != LINK_ONLINE || link->gateway[0] == '\0')
		return;
	n = map_get(&s->gateways, link->gateway);
	if (n == NULL) {
		n = NEW(uint64_t);
		map_set(&s->gateways, link->gateway, n);
	}
	++*n;
}

static void write_link(struct buf *out, const struct device *d, const struct link *link)
{
	struct json_writer w = {.out = out};

	json_begin_object(&w, NULL);
	json_put_str(&w, "id", d->id);
	json_put_str(&w, "project", d->project);
	json_put_str(&w, "link_state", link_state_words[link->state]);
	json_put_time(&w, "last_seen", link->last_seen);
	json_put_u64(&w, "rx", link->rx);
	json_put_u64(&w, "tx", link->tx);
	json_put_str(&w, "gateway", link->gateway[0] ? link->gateway : NULL);
	json_put_str(&w, "endpoint", link->endpoint[0] ? link->endpoint : NULL);
	json_end_object(&w);
}

/* Is its state another than at the last sample? One that was made and connected since then was
 * never seen before; what is found by the first sample of all is no change. */
static bool changed(struct panel_links *p, const char *id, int state)
{
	struct client_seen *seen = map_get(&p->clients, id);
	bool is = seen != NULL ? seen->state != state : state != LINK_NEVER && p->sample > 1;

	if (seen == NULL) {
		seen = NEW(struct client_seen);
		map_set(&p->clients, id, seen);
	}
	seen->state = state;
	seen->sample = p->sample;
	return is;
}

/* --- all of them ------------------------------------------------------------------------------ */

static void reset_sums(struct panel_links *p)
{
	MAP_FOREACH (slot, &p->projects) {
		struct sums *s = slot->value;

		memset(s->states, 0, sizeof(s->states));
		s->rx = s->tx = 0;
		map_done(&s->gateways, free_value);
		s->gateways = (struct map){0};
	}
}

static void write_sums(struct buf *out, const char *project, const struct sums *s)
{
	struct json_writer w = {.out = out};

	json_begin_object(&w, NULL);
	json_put_str(&w, "project", project);
	for (int i = 0; i < DISABLED; i++)
		json_put_u64(&w, link_state_words[i], s->states[i]);
	json_put_u64(&w, "disabled", s->states[DISABLED]);
	json_put_u64(&w, "rx", s->rx);
	json_put_u64(&w, "tx", s->tx);
	json_begin_object(&w, "gateways");
	MAP_FOREACH (slot, &s->gateways)
		json_put_u64(&w, slot->key, *(uint64_t *)slot->value);
	json_end_object(&w);
	json_end_object(&w);
}

static void forget_projects(struct panel_links *p, const struct fleet *f)
{
	CLEANUP(strs_done) struct strs gone = {0};

	MAP_FOREACH (slot, &p->projects)
		if (map_get(&f->projects, slot->key) == NULL)
			strs_push(&gone, slot->key);
	VEC_FOREACH (id, &gone)
		sums_free(map_remove(&p->projects, *id));
}

/* Clients that were deleted; their number is small beside that of those that stay. */
static void forget_gone(struct panel_links *p)
{
	VEC(char *) gone = {0};

	MAP_FOREACH (slot, &p->clients)
		if (((struct client_seen *)slot->value)->sample != p->sample)
			VEC_PUSH(&gone, mem_strdup(slot->key));
	VEC_FOREACH (id, &gone) {
		mem_free(map_remove(&p->clients, *id));
		mem_free(*id);
	}
	VEC_DONE(&gone);
}

void panel_links_sample(struct panel_links *p, struct hub *h, bool everything,
	void (*tell)(void *arg, const char *project, const struct device *device, const char *type,
		const char *json),
	void *arg)
{
	CLEANUP(buf_done) struct buf text = {0};

	p->sample++;
	forget_projects(p, h->fleet);
	reset_sums(p);
	MAP_FOREACH (slot, &h->fleet->projects)
		sums_of(p, slot->key);
	MAP_FOREACH (slot, &h->fleet->devices) {
		const struct device *d = slot->value;
		const struct fleet_network *fn = fleet_network(h->fleet, d->network);
		struct link link;
		uint16_t keepalive = d->keepalive >= 0 ? (uint16_t)d->keepalive
			: fn != NULL                   ? fn->network->keepalive
						       : 0;

		if (d->kind != DEVICE_CLIENT)
			continue;
		hub_link(h, d->id, keepalive, &link);
		add(sums_of(p, d->project), d->enabled ? link.state : DISABLED, &link);
		if (!changed(p, d->id, link.state))
			continue;
		buf_reset(&text);
		write_link(&text, d, &link);
		tell(arg, d->project, d, "link", buf_str(&text));
	}
	forget_gone(p);
	MAP_FOREACH (slot, &p->projects) {
		struct sums *s = slot->value;

		buf_reset(&text);
		write_sums(&text, slot->key, s);
		if (!everything && strcmp(buf_str(&text), buf_str(&s->told)) == 0)
			continue;
		buf_reset(&s->told);
		buf_adds(&s->told, buf_str(&text));
		tell(arg, slot->key, NULL, "links", buf_str(&text));
	}
}
