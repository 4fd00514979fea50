/* DOC: see panel_events.h. */
#include "control/panel_events.h"

#include "codec/json.h"
#include "control/conn.h"
#include "control/hub_state.h"
#include "control/panel_links.h"
#include "control/problem.h"
#include "model/fleet.h"

struct panel {
	struct conn *conn;
	struct principal who;
	struct buf pending;
	size_t n; /* events in it */
};

struct panel_events {
	struct hub *hub;
	VEC(struct panel) panels;
	struct panel_links *links;
	msec sample_at; /* monotonic */
	bool fresh;     /* somebody came since the last sample */
};

struct panel_events *panel_events_new(struct hub *h)
{
	struct panel_events *p = NEW(struct panel_events);

	p->hub = h;
	p->links = panel_links_new();
	return p;
}

struct panel_events *panel_events_free(struct panel_events *p)
{
	if (p != NULL) {
		VEC_FOREACH (v, &p->panels)
			buf_done(&v->pending);
		VEC_DONE(&p->panels);
		panel_links_free(p->links);
	}
	return mem_free(p);
}

static void left(void *arg, struct conn *c)
{
	struct panel_events *p = arg;

	for (size_t i = 0; i < p->panels.n; i++)
		if (p->panels.v[i].conn == c) {
			buf_done(&p->panels.v[i].pending);
			VEC_REMOVE(&p->panels, i);
			return;
		}
}

/* Who is behind a panel. Tokens made on the server's own machine have nobody: each is its own. */
static const char *account(const struct principal *who)
{
	return id_valid(who->behind, "usr") ? who->behind : who->id;
}

static size_t panels_of(const struct panel_events *p, const struct principal *who)
{
	size_t n = 0;

	VEC_FOREACH (v, &p->panels)
		n += strcmp(account(&v->who), account(who)) == 0;
	return n;
}

static void refuse(struct http_request *rq, const char *why)
{
	struct buf body = {0};

	problem_write(&body, 503, err_name(ERR_UNAVAILABLE), why, NULL);
	http_reply(rq, 503, PROBLEM_TYPE, &body);
}

void panel_events_open(struct panel_events *p, struct http_request *rq, const char *project,
	const struct principal *who)
{
	struct panel panel = {.who = *who};

	if (p->panels.n >= PANEL_STREAMS_MAX) {
		refuse(rq, "too many panels are open on this server");
		return;
	}
	if (panels_of(p, who) >= PANEL_STREAMS_EACH) {
		refuse(rq, "too many panels of this account are open");
		return;
	}
	panel.conn = conn_open(p->hub, rq, project, left, p);
	VEC_PUSH(&p->panels, panel);
	conn_send(panel.conn, "retry: 2000\n\n", 13);
	p->fresh = true;
}

/* Does the permission to look reach this object, or one of the members of a node? */
static bool may_see(struct panel_events *p, const struct principal *who, const struct schema *s,
	const void *object)
{
	const struct rights *r = &who->rights;

	if (rights_everywhere(r) & PERM_FLEET_READ)
		return true;
	if (s == NULL)
		return false;
	if (s != &schema_node)
		return rights_reach(NULL, r, PERM_FLEET_READ, who->id, s, object, false, NULL) > 0;
	struct member by_id = {0};
	id_copy(by_id.node, ((const struct node *)object)->id);
	if (rights_reach(NULL, r, PERM_FLEET_READ, "", &schema_member, &by_id, false, NULL) > 0)
		return true;
	VEC_FOREACH (m, fleet_memberships(p->hub->fleet, by_id.node))
		if (rights_reach(NULL, r, PERM_FLEET_READ, "", &schema_member, *m, false, NULL) > 0)
			return true;
	return false;
}

static void tell(struct panel_events *p, const char *project, const struct schema *s,
	const void *object, const char *type, const char *json)
{
	VEC_FOREACH (v, &p->panels) {
		const char *wants = conn_name(v->conn);

		if ((wants[0] != '\0' && strcmp(wants, project) != 0) ||
			!may_see(p, &v->who, s, object))
			continue;
		if (++v->n <= PANEL_BATCH_MAX) {
			buf_addf(&v->pending, "event: %s\ndata: %s\n\n", type, json);
			continue;
		}
		buf_reset(&v->pending);
		buf_adds(&v->pending, "event: refresh\ndata: {}\n\n");
	}
}

void panel_events_change(struct panel_events *p, const struct outbox_row *row)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct json_writer w = {.out = &text};

	if (p->panels.n == 0)
		return;
	json_begin_object(&w, NULL);
	json_put_str(&w, "table", row->table);
	json_put_str(&w, "id", row->object);
	json_put_str(&w, "project", row->project);
	json_put_str(&w, "network", row->network);
	json_put_str(&w, "action",
		row->before == NULL          ? "created"
			: row->after == NULL ? "deleted"
					     : "updated");
	json_end_object(&w);
	for (size_t i = 0; schemas[i] != NULL; i++)
		if (strcmp(schemas[i]->name, row->table) == 0)
			tell(p, row->project, schemas[i], row->after ? row->after : row->before,
				"change", buf_str(&text));
}

void panel_events_node(
	struct panel_events *p, const char *node, const char *project, bool connected)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct json_writer w = {.out = &text};
	struct node n = {0};

	if (p->panels.n == 0)
		return;
	id_copy(n.id, node);
	json_begin_object(&w, NULL);
	json_put_str(&w, "id", node);
	json_put_str(&w, "project", project);
	json_put_bool(&w, "connected", connected);
	json_end_object(&w);
	tell(p, project, &schema_node, &n, "node", buf_str(&text));
}

bool panel_events_watched(const struct panel_events *p, const char *project)
{
	VEC_FOREACH (v, &p->panels) {
		const char *wants = conn_name(v->conn);

		if (wants[0] == '\0' || strcmp(wants, project) == 0)
			return true;
	}
	return false;
}

/* Sums over a whole project are for who may look at all of it. */
static void tell_link(void *arg, const char *project, const struct device *device, const char *type,
	const char *json)
{
	tell(arg, project, device != NULL ? &schema_device : NULL, device, type, json);
}

/* A second late does not matter: the hub's next turn sends it. */
static void sample(struct panel_events *p)
{
	msec now = clock_mono(p->hub->clock);

	if (p->panels.n == 0 || (now < p->sample_at && !p->fresh))
		return;
	p->sample_at = now + PANEL_SAMPLE;
	panel_links_sample(p->links, p->hub, p->fresh, tell_link, p);
	p->fresh = false;
	panel_events_flush(p);
}

void panel_events_tick(struct panel_events *p)
{
	sample(p);
	VEC_FOREACH (v, &p->panels)
		if (!auth_still(p->hub->control, &v->who))
			conn_close(v->conn);
}

void panel_events_flush(struct panel_events *p)
{
	VEC_FOREACH (v, &p->panels) {
		if (v->n == 0)
			continue;
		conn_send(v->conn, v->pending.data, v->pending.len);
		buf_done(&v->pending);
		v->n = 0;
	}
}
