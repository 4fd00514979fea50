/*
 * DOC: nodes, and what they are members of, with the three states beside each other (spec 0): admin
 * (enabled), deploy (what the node's agent did), link (whether it is there).
 */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "codec/state.h"
#include "control/heartbeat.h"
#include "control/labels.h"
#include "control/register.h"
#include "control/rotation.h"
#include "control/world.h"
#include "model/validate.h"
#include "plan/plan.h"

#include <string.h>

VEC_TYPE(node_vec, struct node *);
VEC_TYPE(member_vec, struct member *);

static int take_node(void *arg, const void *object)
{
	struct node_vec *v = arg;
	VEC_PUSH(v, schema_dup(&schema_node, object));
	return 0;
}

static int take_member(void *arg, const void *object)
{
	struct member_vec *v = arg;
	VEC_PUSH(v, schema_dup(&schema_member, object));
	return 0;
}

static int members_of(struct tx *tx, const char *node, struct member_vec *ret, struct err *e)
{
	struct tx_query q = {.filters = {{"node", node}}};
	return tx_list(tx, &schema_member, &q, take_member, ret, NULL, NULL, e);
}

static void member_vec_done(struct member_vec *v)
{
	VEC_FOREACH (m, v)
		schema_free(&schema_member, *m);
	VEC_DONE(v);
}

static void put_roles(struct json_writer *w, unsigned roles)
{
	json_begin_array(w, "roles");
	for (unsigned i = 0; role_words[i]; i++)
		if (roles & 1u << i)
			json_put_str(w, NULL, role_words[i]);
	json_end_array(w);
}

/* Another member as part of an answer; nothing when it has left or is none of the caller's
 * business.
 */
static int put_other(struct tx *tx, struct call *c, struct json_writer *w, const char *key,
	const char *member, struct err *e)
{
	struct member m = {0};
	struct node n = {0};
	int r = tx_get(tx, &schema_member, member, &m, e);
	if (r == 0)
		r = api_reaches(tx, c, &schema_member, &m, e);
	if (r > 0)
		r = tx_get(tx, &schema_node, m.node, &n, e);
	else if (r == 0)
		r = ERR_NOT_FOUND;
	if (r == 0) {
		json_begin_object(w, key);
		json_put_str(w, "member", m.id);
		json_put_str(w, "node", n.id);
		json_put_str(w, "name", n.name);
		json_end_object(w);
	}
	schema_done(&schema_member, &m);
	schema_done(&schema_node, &n);
	return r == ERR_NOT_FOUND ? 0 : r;
}

/* Which ways its packets to the others take, as the node said last. names: by whom, and to whom
 * they go round. */
static int put_ways(struct tx *tx, struct call *c, struct json_writer *w, const char *member,
	bool names, struct err *e)
{
	struct heartbeat_ways ways = {0};
	int r = 0;
	if (!hub_member_ways(c->control->hub, member, &ways)) {
		json_put_null(w, "ways");
		return 0;
	}
	json_begin_object(w, "ways");
	json_put_int(w, "direct", ways.direct);
	json_put_int(w, "relayed", ways.relayed);
	if (names && ways.relay[0] != '\0')
		r = put_other(tx, c, w, "relay", ways.relay, e);
	if (names) {
		json_begin_array(w, "relayed_to");
		VEC_FOREACH (i, &ways.relayed_to)
			if (r == 0)
				r = put_other(tx, c, w, NULL, i->id, e);
		json_end_array(w);
	}
	json_end_object(w);
	VEC_DONE(&ways.relayed_to);
	return r;
}

static int put_members(struct tx *tx, struct call *c, struct json_writer *w,
	const struct member_vec *members, bool names, struct err *e)
{
	int r = 0;
	bool behind;
	json_begin_array(w, "members");
	VEC_FOREACH (m, members) {
		struct network n = {0};
		r = api_reaches(tx, c, &schema_member, *m, e);
		if (r == 0)
			continue;
		r = r < 0 ? r : tx_get(tx, &schema_network, (*m)->network, &n, e);
		if (r < 0)
			break;
		json_begin_object(w, NULL);
		object_write(w, &schema_member, *m);
		json_put_str(w, "network_name", n.name);
		json_put_str(w, "nat_type", hub_member_nat(c->control->hub, (*m)->id, &behind));
		r = put_ways(tx, c, w, (*m)->id, names, e);
		json_end_object(w);
		schema_done(&schema_network, &n);
		if (r < 0)
			break;
	}
	json_end_array(w);
	return r;
}

/* names: also by whom others are reached that are not directly (a list has counts). */
static int put_node(struct tx *tx, struct call *c, struct json_writer *w, const struct node *n,
	bool names, struct err *e)
{
	CLEANUP(member_vec_done) struct member_vec members = {0};
	struct node_status status = {0};
	int r = members_of(tx, n->id, &members, e);
	if (r < 0)
		return r;
	hub_node_status(c->control->hub, n->id, &status);
	struct node shown = *n; /* borrowed; what the hub measured is newer */
	shown.revision = status.revision > n->revision ? status.revision : n->revision;
	if (status.applied_revision > n->applied_revision)
		shown.applied_revision = status.applied_revision;
	if (status.last_heartbeat > n->last_heartbeat)
		shown.last_heartbeat = status.last_heartbeat;
	shown.deploy_error = status.error[0] ? status.error : NULL;
	unsigned roles = 0;
	VEC_FOREACH (m, &members)
		roles |= (*m)->roles;
	json_begin_object(w, NULL);
	object_write(w, &schema_node, &shown);
	json_put_str(w, "deploy", status.deploy ? status.deploy : "pending");
	json_put_str(w, "liveness", status.liveness ? status.liveness : "never");
	json_put_bool(w, "connected", status.connected);
	if (status.timed)
		json_put_int(w, "clock_offset_ms", status.clock_offset);
	else
		json_put_null(w, "clock_offset_ms");
	put_roles(w, roles);
	r = put_members(tx, c, w, &members, names, e);
	json_end_object(w);
	return r;
}

static int list_job(struct tx *tx, struct call *c, struct err *e)
{
	struct page page = {0};
	struct node_vec nodes = {0};
	CLEANUP(buf_done) struct buf next = {0};
	uint64_t total = 0;
	int r = page_read(c, &schema_node, &page, e);
	if (r == 0)
		r = tx_list(tx, &schema_node, &page.query, take_node, &nodes, &next, &total, e);
	struct json_writer w = {.out = &c->out};
	size_t items = page_begin(&w);
	VEC_FOREACH (n, &nodes) {
		if (r == 0)
			r = put_node(tx, c, &w, *n, false, e);
		schema_free(&schema_node, *n);
	}
	VEC_DONE(&nodes);
	if (r == 0)
		page_end(&w, items, NULL, buf_str(&next), total);
	return r;
}

void api_node_list(struct call *c)
{
	api_read(c, list_job);
}

static int show_job(struct tx *tx, struct call *c, struct err *e)
{
	struct node n = {0};
	struct json_writer w = {.out = &c->out};
	int r = api_get(tx, c, &schema_node, c->id, &n, e);
	if (r == 0)
		r = put_node(tx, c, &w, &n, true, e);
	schema_done(&schema_node, &n);
	return r;
}

void api_node_show(struct call *c)
{
	api_read(c, show_job);
}

/* A node's new label must be nobody else's, in each of its networks. */
static int check_label(struct tx *tx, struct call *c, const struct node *n, struct err *e)
{
	CLEANUP(member_vec_done) struct member_vec members = {0};
	int r = labels_node_name(n->name, "name", e);
	if (r == 0)
		r = members_of(tx, n->id, &members, e);
	for (size_t i = 0; r == 0 && i < members.n; i++)
		r = labels_node_fits(
			c->control->labels, tx, members.v[i]->network, n->name, n->id, "name", e);
	return r;
}

static int update_node(struct tx *tx, struct call *c, struct err *e)
{
	struct node before = {0}, after = {0};
	struct json_writer w = {.out = &c->out};
	int r = api_change(tx, c, &schema_node, NULL, &before, &after, e);
	if (r == 0)
		r = node_check(&after, &before, e);
	if (r == 0 && strcmp(before.name, after.name) != 0)
		r = check_label(tx, c, &after, e);
	if (r == 0 && after.enabled && !before.enabled)
		r = world_check(tx, after.project, &schema_node, &after, e);
	if (r == 0)
		r = api_keep_reach(tx, c, before.project, &schema_node, &before, &after, e);
	if (r == 0)
		r = change_store(tx, &schema_node, &before, &after, c->who.id, "node.update", e);
	if (r == 0)
		r = put_node(tx, c, &w, &after, true, e);
	schema_done(&schema_node, &before);
	schema_done(&schema_node, &after);
	return r;
}

void api_node_change(struct call *c)
{
	c->status = 200;
	api_write(c, update_node, NULL);
}

static int delete_node(struct tx *tx, struct call *c, struct err *e)
{
	struct node n = {0};
	int r = api_get(tx, c, &schema_node, c->id, &n, e);
	if (r == 0)
		r = api_keep_reach(tx, c, n.project, &schema_node, &n, NULL, e);
	if (r == 0)
		r = node_leave(tx, n.id, c->who.id, e);
	schema_done(&schema_node, &n);
	return r;
}

void api_node_delete(struct call *c)
{
	api_write(c, delete_node, api_deleted);
}

/* --- new keys --------------------------------------------------------------------------------- */

/* Note that new keys are wanted. No plan changes by that, so nobody else's revision is raised: the
 * hub is told apart. The note goes when the node announces a key that differs (rotation.h). */
static int ask_keys(struct tx *tx, struct call *c, struct err *e)
{
	CLEANUP(member_vec_done) struct member_vec members = {0};
	struct node n = {0}, now = {0};
	struct json_writer w = {.out = &c->out};
	int r = api_get(tx, c, &schema_node, c->id, &n, e);
	if (r == 0)
		r = members_of(tx, n.id, &members, e);
	VEC_FOREACH (m, &members) {
		if (r == 0)
			r = rotation_ask(tx, *m, api_flag(c, "now"), c->who.id, e);
	}
	if (r == 0)
		r = tx_audit(tx, n.project, c->who.id, "node.rotate", n.id, n.name, e);
	if (r == 0)
		r = tx_get(tx, &schema_node, c->id, &now, e); /* of another revision, perhaps */
	if (r == 0)
		r = put_node(tx, c, &w, &now, true, e);
	schema_done(&schema_node, &n);
	schema_done(&schema_node, &now);
	return r;
}

static void keys_asked(struct call *c)
{
	hub_ask_keys(c->control->hub, c->id);
	api_reply(c, 200);
}

void api_node_rotate(struct call *c)
{
	api_write(c, ask_keys, keys_asked);
}

/* --- the plan, secrets blanked ---------------------------------------------------------------- */

static const char *no_group_key(void *ctx, const char *group, const char *node)
{
	return NULL;
}

static void blank_psks(struct peer_item *p)
{
	secret_wipe(&p->psk);
	secret_wipe(&p->next_psk);
}

static void render_state(const struct fleet *f, void *arg)
{
	static const struct plan_keys no_keys = {no_group_key, NULL};
	struct call *c = arg;
	struct state state = {0};
	if (plan_node(f, c->id, &no_keys, &state, &c->err) < 0) {
		api_fail(c);
		return;
	}
	VEC_FOREACH (i, &state.items)
		if ((*i)->kind == ITEM_PEER)
			blank_psks(&(*i)->peer);
	state_write(&c->out, &state);
	state_done(&state);
	api_reply(c, 200);
}

void api_node_state(struct call *c)
{
	api_see(c, &schema_node, render_state);
}
