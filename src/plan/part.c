/* DOC: see part.h. */
#include "plan/part.h"

#include "model/feature.h"
#include "plan/domain.h"
#include "plan/exit.h"
#include "plan/link.h"
#include "plan/relay.h"
#include "plan/way.h"

/* What changes when a packet of one interface may leave by another. */
static void push_forwarding(const struct network *n, struct item_vec *ret)
{
	static const char *const names[] = {"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct item *it = item_new(ITEM_SYSCTL, n->id);

		it->sysctl.name = mem_strdup(names[i]);
		it->sysctl.value = mem_strdup("1");
		VEC_PUSH(ret, it);
	}
}

static void push_firewall(struct view *v, size_t i, int direct, struct item_vec *ret)
{
	const struct network *n = v->fn->network;
	const struct member *m = v->members[i].member;
	struct item *it = item_new(ITEM_FIREWALL, n->id);
	struct firewall_item *fw = &it->firewall;
	char name[IFNAME_LEN];

	if (v->members[i].group != NULL) {
		link_devices_name(n, name);
		strs_push(&fw->interfaces, name);
		if (v->members[i].shares)
			memcpy(fw->shared, name, IFNAME_LEN);
	}
	if (direct)
		strs_push(&fw->interfaces, v->members[i].direct);
	policy_pools(n, &fw->overlay);
	relay_names(v, i, &fw->interfaces);
	way_names(v, i, &fw->interfaces);
	if (v->members[i].relay) {
		relay_hub_name(n, name);
		strs_push(&fw->hubs, name);
	}
	if (m->masquerade)
		prefix_vec_copy(&fw->masquerade, &m->local_subnets);
	policy_compile(v->fn, view_rules(v), m, fw, ret);
	domain_firewall(v->fn, m, fw, ret);
	exit_shell(v, i, fw, ret);
	VEC_PUSH(ret, it);
}

static void push_shell(
	struct view *v, size_t i, int direct, const struct plan_keys *keys, struct item_vec *ret)
{
	const struct member *m = v->members[i].member;
	const struct group *g = v->members[i].group;
	const char *sealed = NULL;

	if (direct)
		link_direct(v, i, ret);
	if (g != NULL) {
		if (keys != NULL)
			sealed = keys->group_key(keys->ctx, g->id, m->node);
		link_devices(v, i, sealed, ret);
	}
	relay_interfaces(v, i, ret);
	if (m->roles & (ROLE_GATEWAY | ROLE_CONTROLLER | ROLE_EXIT) || m->local_subnets.n > 0)
		push_forwarding(v->fn->network, ret);
	push_firewall(v, i, direct, ret);
	domain_member(v, i, ret);
}

/* Who a device is planned for. */
struct host {
	const struct exits *exits; /* of the network */
	const struct fleet_network *fn;
	const struct policy_rule_vec *rules; /* see policy_device_sets */
	const struct member *member;
	const struct group *own; /* that it terminates devices for, or NULL */
};

/* away: the device is at another gateway. */
static void push_device(
	const struct host *h, const struct device *d, bool away, struct item_vec *ret)
{
	if (!link_admits(d))
		return;
	if (h->own != NULL && strcmp(h->own->id, d->group) == 0) {
		link_device_peer(h->fn, h->own, d, away, ret);
		link_device_limit(h->fn, d, ret);
		exit_device(h->exits, h->member, d, ret);
	}
	policy_device_sets(h->fn, h->rules, d, ret);
	if (h->own != NULL)
		domain_device(h->fn, d, ret);
}

static void push_devices(struct view *v, size_t i, struct item_vec *ret)
{
	const struct host h = {
		view_exits(v), v->fn, view_rules(v), v->members[i].member, v->members[i].group};

	VEC_FOREACH (g, &v->fn->groups) {
		const struct device_refs *devices =
			fleet_devices(v->fleet, v->fn->network->id, (*g)->id);

		VEC_FOREACH (d, devices)
			push_device(&h, *d, link_admits(*d) && way_device(v, i, *d, ret), ret);
	}
}

void part_member(
	struct view *v, size_t i, const struct plan_keys *keys, unsigned what, struct item_vec *ret)
{
	int direct;

	if (!v->members[i].usable)
		return;
	direct = link_is_direct(v, i);
	if (!direct && v->members[i].group == NULL)
		return;
	if (what & PART_SHELL)
		push_shell(v, i, direct, keys, ret);
	if (what & PART_LINKS)
		link_peers(v, i, ret);
	if (what & PART_DEVICES)
		push_devices(v, i, ret);
}

int part_node(struct views *vs, const char *node, const struct plan_keys *keys, struct state *ret,
	struct err *e)
{
	const struct node *n = map_get(&vs->fleet->nodes, node);
	const struct member_refs *memberships;

	if (n == NULL)
		return err_set(e, ERR_NOT_FOUND, "there is no node %s", node);
	id_copy(ret->node, n->id);
	id_copy(ret->project, n->project);
	ret->revision = n->revision;
	memberships = fleet_memberships(vs->fleet, node);
	if (!n->enabled)
		return 0;
	VEC_FOREACH (m, memberships) {
		struct view *v = views_get(vs, (*m)->network);

		if (v != NULL)
			part_member(v, view_index(v, (*m)->id), keys, PART_WHOLE, &ret->items);
	}
	state_sort(ret);
	feature_require(&ret->items, &ret->requires);
	return 0;
}

/* A gateway with neither group nor direct interface has no firewall, so nothing of devices either.
 */
static int has_shell(struct views *vs, const struct fleet_network *fn, const struct member *m)
{
	const struct view *v;

	if (!(m->roles & ROLE_GATEWAY) || link_group(fn, m) != NULL)
		return 1; /* all but always; the view is not needed */
	v = views_get(vs, m->network);
	return link_is_direct(v, view_index(v, m->id));
}

/* Push the device's own routes; is it at another gateway? Only one that is not at home takes a
 * view. */
static bool is_away(struct views *vs, const struct fleet_network *fn, const struct member *m,
	const struct device *d, struct item_vec *ret)
{
	const struct member *home;
	struct view *v;

	if (!link_admits(d))
		return false;
	if (d->at[0] != '\0') {
		v = views_get(vs, fn->network->id);
		return way_device(v, view_index(v, m->id), d, ret);
	}
	home = plan_home(vs->fleet, fn->network->id, d->group);
	return home != NULL && home != m;
}

static bool group_is_there(const struct fleet_network *fn, const char *group)
{
	VEC_FOREACH (g, &fn->groups)
		if (strcmp((*g)->id, group) == 0)
			return true;
	return false;
}

void part_device(
	struct views *vs, const char *node, const struct device *device, struct item_vec *ret)
{
	const struct fleet_network *fn = fleet_network(vs->fleet, device->network);
	const struct member *m = fleet_member(vs->fleet, node, device->network);
	struct exits exits = {0};
	struct host h;

	if (fn != NULL && device->full_tunnel)
		VEC_FOREACH (x, &fn->members)
			exits_add(&exits, *x, link_usable(vs->fleet, *x));
	if (fn == NULL || m == NULL || !group_is_there(fn, device->group) ||
		!link_usable(vs->fleet, m) || !has_shell(vs, fn, m))
		return;
	h = (struct host){&exits, fn, NULL, m, link_group(fn, m)};
	push_device(&h, device, is_away(vs, fn, m, device, ret), ret);
}

void plan_device_part(
	const struct fleet *f, const char *node, const struct device *device, struct item_vec *ret)
{
	struct views vs = {.fleet = f};

	part_device(&vs, node, device, ret);
	views_done(&vs);
}
