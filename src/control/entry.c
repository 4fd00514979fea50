/* DOC: see entry.h. */
#include "control/entry.h"

#include "base/text.h"
#include "model/names.h"
#include "model/validate.h"

#include <stdio.h>
#include <string.h>

/* Host and port of a member's endpoint text, which may lack a port (0) when it was observed. */
static bool usable_host(const char *text, char *host, size_t size, uint16_t *ret_port)
{
	struct addr a;

	*ret_port = 0;
	if (text == NULL || *text == '\0')
		return false;
	if (endpoint_split(text, host, size, ret_port) < 0) {
		if (strlen(text) >= size)
			return false;
		strcpy(host, text);
	}
	return addr_parse(host, &a) < 0 || !addr_is_special(a);
}

/* What is configured is said of the member's first port, which may be another one on the router
 * that forwards it. It is the devices' port, too, unless the group has one of its own. */
static bool speaks_of_devices(const struct fleet *f, const struct group *g, const struct member *m)
{
	const struct network *n = map_get(&f->networks, m->network);
	unsigned first = m->listen_port != 0 ? m->listen_port : n != NULL ? n->listen_port : 0;

	return first == g->listen_port;
}

static void add(const struct fleet *f, const struct group *g, const struct member *m, struct hub *h,
	struct entry_vec *ret)
{
	struct entry entry = {.member = m, .node = map_get(&f->nodes, m->node)};
	CLEANUP(buf_done) struct buf endpoint = {0};
	char host[256];
	uint16_t port;

	if (entry.node == NULL)
		return;
	entry.configured = usable_host(m->endpoint, host, sizeof(host), &port);
	if (entry.configured && (port == 0 || !speaks_of_devices(f, g, m)))
		port = g->listen_port;
	if (entry.configured)
		endpoint_join(host, port, &endpoint);
	else if (usable_host(m->observed_endpoint, host, sizeof(host), &port))
		endpoint_join(host, g->listen_port, &endpoint);
	snprintf(entry.endpoint, sizeof(entry.endpoint), "%s", buf_str(&endpoint));
	entry.usable = entry.node->enabled && endpoint.len > 0;
	if (h != NULL) {
		struct node_status status = {0};

		hub_node_status(h, m->node, &status);
		entry.online = status.liveness != NULL && strcmp(status.liveness, "online") == 0;
	}
	VEC_PUSH(ret, entry);
}

void entries_of(const struct fleet *f, const struct group *g, struct hub *h, struct entry_vec *ret)
{
	const struct fleet_network *fn = fleet_network(f, g->network);

	for (size_t i = 0; fn != NULL && i < fn->members.n; i++) {
		const struct member *m = fn->members.v[i];

		if ((m->roles & ROLE_GATEWAY) && strcmp(m->group, g->id) == 0)
			add(f, g, m, h, ret);
	}
}

static bool in_region(const struct entry *x, const char *region)
{
	return region != NULL && region[0] != '\0' && x->member->region != NULL &&
		strcmp(x->member->region, region) == 0;
}

static bool is_node(const struct entry *x, const char *node)
{
	return node != NULL && strcmp(x->node->id, node) == 0;
}

const struct entry *entry_best(const struct entry_vec *v, const char *node, const char *region)
{
	const struct entry *best = NULL;
	int most = -1;

	VEC_FOREACH (x, v)
		if (is_node(x, node) && (region == NULL || region[0] == '\0'))
			region = x->member->region;
	VEC_FOREACH (x, v) {
		int marks = is_node(x, node) << 3 | x->online << 2 | in_region(x, region) << 1 |
			x->configured;

		if (x->usable && marks > most) {
			best = x;
			most = marks;
		}
	}
	return best;
}

/* The reason why a device of this group could reach nothing. */
static int none(const struct entry_vec *v, const struct group *g, struct err *e)
{
	bool known = false;

	VEC_FOREACH (x, v)
		known = known || x->endpoint[0] != '\0';
	return err_field(e, ERR_UNSUPPORTED, "group",
		v->n == 0       ? "group %s has no gateway yet: join a node to it"
			: known ? "every gateway of group %s is disabled"
				: "no gateway of group %s has a known endpoint: set one",
		g->name);
}

static int by_gateway(const struct entry_vec *v, const struct group *g, const char *gateway,
	const struct entry **ret, struct err *e)
{
	const struct entry *found = NULL;

	VEC_FOREACH (x, v)
		if (is_node(x, gateway) || strcmp(x->node->name, gateway) == 0)
			found = x;
	if (found == NULL)
		return err_field(e, ERR_NOT_FOUND, "gateway", "%.64s is no gateway of group %s",
			gateway, g->name);
	if (!found->usable)
		return err_field(e, ERR_INVALID, "gateway",
			found->node->enabled ? "gateway %s has no known endpoint: set one"
					     : "gateway %s is disabled",
			found->node->name);
	*ret = found;
	return 0;
}

static int by_region(const struct entry_vec *v, const struct group *g, const char *region,
	const struct entry **ret, struct err *e)
{
	struct entry_vec there = {0};
	const struct entry *best;
	bool any;

	VEC_FOREACH (x, v)
		if (in_region(x, region))
			VEC_PUSH(&there, *x);
	any = there.n > 0;
	best = entry_best(&there, NULL, NULL);
	VEC_FOREACH (x, v)
		if (best != NULL && x->node == best->node)
			*ret = x;
	VEC_DONE(&there);
	if (best != NULL)
		return 0;
	return any ? err_field(e, ERR_INVALID, "region",
			     "no gateway of region %.64s can be used: they are disabled or have no "
			     "known endpoint",
			     region)
		   : err_field(e, ERR_NOT_FOUND, "region",
			     "no gateway of group %s is in region %.64s", g->name, region);
}

int entry_choose(const struct entry_vec *v, const struct group *g, const struct entry_wish *w,
	const struct entry **ret, struct err *e)
{
	const struct entry *best = entry_best(v, NULL, w->near);
	bool gateway = w->gateway != NULL && w->gateway[0] != '\0';
	bool region = w->region != NULL && w->region[0] != '\0';
	int r;

	if (best == NULL)
		return none(v, g, e);
	if (gateway) {
		r = by_gateway(v, g, w->gateway, &best, e);
		if (r == 0 && region && !in_region(best, w->region))
			return err_field(e, ERR_INVALID, "region",
				"gateway %s is not in region %.64s: give one of the two",
				best->node->name, w->region);
	} else {
		r = region ? by_region(v, g, w->region, &best, e) : 0;
	}
	if (r == 0)
		*ret = best;
	return r;
}

const char *entry_region_near(const struct network *n, const char *address)
{
	const char *region = NULL;
	unsigned longest = 0;
	struct addr a;

	if (address == NULL || addr_parse(address, &a) < 0)
		return NULL;
	VEC_FOREACH (row, &n->region_ranges) {
		struct prefix p;

		if (region_range_parse(*row, &p, NULL) == 0 && p.addr.family == a.family &&
			prefix_contains(p, prefix_host(a)) &&
			(region == NULL || p.len >= longest)) {
			region = strchr(*row, '=') + 1;
			longest = p.len;
		}
	}
	return region;
}

void entries_write(struct json_writer *w, const struct entry_vec *v, const char *near,
	const struct entry *chosen, bool with_chosen)
{
	const struct entry *nearest = entry_best(v, NULL, near);

	VEC_FOREACH (x, v) {
		json_begin_object(w, NULL);
		json_put_str(w, "gateway", x->node->id);
		json_put_str(w, "name", x->node->name);
		json_put_str(w, "group", x->member->group);
		json_put_str(w, "region",
			x->member->region != NULL && x->member->region[0] ? x->member->region
									  : NULL);
		json_put_str(w, "endpoint", x->endpoint[0] ? x->endpoint : NULL);
		json_put_bool(w, "enabled", x->node->enabled);
		json_put_bool(w, "online", x->online);
		json_put_bool(w, "nearest", x == nearest);
		if (with_chosen)
			json_put_bool(w, "chosen", chosen != NULL && x->node == chosen->node);
		json_end_object(w);
	}
}
