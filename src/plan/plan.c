/* DOC: the plan of one node, and questions to policies about addresses; see plan.h. */
#include "plan/plan.h"

#include "plan/domain.h"
#include "plan/link.h"
#include "plan/part.h"

#include <stdio.h>

int plan_node(const struct fleet *f, const char *node, const struct plan_keys *keys,
	struct state *ret, struct err *e)
{
	struct views vs = {.fleet = f};
	int r = part_node(&vs, node, keys, ret, e);

	views_done(&vs);
	return r;
}

const struct member *plan_home(const struct fleet *f, const char *network, const char *group)
{
	const struct fleet_network *fn = fleet_network(f, network);

	if (fn != NULL)
		VEC_FOREACH (m, &fn->members) {
			const struct group *g = link_group(fn, *m);

			if (g != NULL && strcmp(g->id, group) == 0 && link_usable(f, *m))
				return *m;
		}
	return NULL;
}

/* --- may src reach dst ------------------------------------------------------------------------ */

static int rule_covers(const struct rule *r, const char *protocol, uint16_t port)
{
	const char *wants = r->protocol != NULL ? r->protocol : "any";

	if (strcmp(wants, "any") != 0 && strcmp(wants, protocol) != 0)
		return 0;
	if (r->ports.n == 0 || port == 0)
		return 1;
	VEC_FOREACH (p, &r->ports) {
		unsigned first, last;

		/* checked by policy_check when the policy was stored */
		if (sscanf(*p, "%u-%u", &first, &last) == 1)
			last = first;
		if (port >= first && port <= last)
			return 1;
	}
	return 0;
}

static int list_has(const struct fleet_network *fn, const struct strs *list, struct addr a,
	const struct device *owner)
{
	struct prefix_vec fixed = {0};
	int hit;

	policy_fixed(fn, list, &fixed);
	hit = prefix_vec_has(&fixed, a);
	VEC_DONE(&fixed);
	return hit || (owner != NULL && policy_picks_device(list, owner));
}

static const struct device *device_at(
	const struct fleet *f, const struct fleet_network *fn, struct addr a)
{
	VEC_FOREACH (g, &fn->groups) {
		const struct device_refs *devices = fleet_devices(f, fn->network->id, (*g)->id);

		if (devices == NULL)
			continue;
		VEC_FOREACH (d, devices)
			if (addr_compare((*d)->ipv4, a) == 0 || addr_compare((*d)->ipv6, a) == 0)
				return *d;
	}
	return NULL;
}

static const struct member *gateway_at(const struct fleet_network *fn, struct addr a)
{
	VEC_FOREACH (m, &fn->members) {
		struct prefix_vec self = {0};
		int hit;

		policy_self(fn, *m, &self);
		hit = prefix_vec_has(&self, a);
		VEC_DONE(&self);
		if (hit)
			return ((*m)->roles & ROLE_GATEWAY) ? *m : NULL;
	}
	return NULL;
}

/* The exception of policy.c's compile_input: who reaches a gateway itself only as one of "nodes".
 */
static int gateway_lets_in(const struct fleet_network *fn, const struct rule *r, struct addr src,
	struct addr dst, const char *protocol, uint16_t port)
{
	struct strs named = {0}, peers = {0};
	struct prefix_vec fixed = {0};
	int ok, from_node;

	VEC_FOREACH (s, &r->to)
		if (strcmp(*s, "nodes") != 0)
			strs_push(&named, *s);
	VEC_FOREACH (s, &r->from)
		if (strcmp(*s, "nodes") == 0 || strncmp(*s, "node_", 5) == 0 ||
			strncmp(*s, "mem_", 4) == 0)
			strs_push(&peers, *s);
	policy_fixed(fn, &named, &fixed);
	from_node = list_has(fn, &peers, src, NULL);
	ok = prefix_vec_has(&fixed, dst);
	if (ok || (strs_has(&r->to, "nodes") && from_node))
		ok = rule_covers(r, protocol, port);
	else
		ok = strs_has(&r->to, "nodes") && strcmp(protocol, "icmp") == 0 &&
			rule_covers(r, "icmp", 0);
	VEC_DONE(&fixed);
	strs_done(&named);
	strs_done(&peers);
	return ok;
}

int plan_policy_allows(const struct fleet *f, const char *network, struct addr src, struct addr dst,
	const char *protocol, uint16_t port)
{
	const struct fleet_network *fn = fleet_network(f, network);
	const struct device *from, *to;
	const struct member *gateway;

	if (fn == NULL || fn->network == NULL)
		return 0;
	from = device_at(f, fn, src);
	to = device_at(f, fn, dst);
	gateway = gateway_at(fn, dst);
	if (gateway != NULL && domain_allows(fn, gateway, src, protocol, port))
		return 1;
	VEC_FOREACH (p, &fn->policies) {
		if (!(*p)->enabled)
			continue;
		VEC_FOREACH (r, &(*p)->rules) {
			if (!list_has(fn, &r->from, src, from))
				continue;
			if (gateway != NULL) {
				if (gateway_lets_in(fn, r, src, dst, protocol, port))
					return 1;
			} else if (list_has(fn, &r->to, dst, to) &&
				rule_covers(r, protocol, port)) {
				return 1;
			}
		}
	}
	return 0;
}

static int list_overlaps(
	const struct fleet_network *fn, const struct strs *list, struct prefix subnet)
{
	struct prefix_vec fixed = {0};
	int hit = 0;

	policy_fixed(fn, list, &fixed);
	VEC_FOREACH (q, &fixed)
		hit |= prefix_overlaps(*q, subnet);
	VEC_DONE(&fixed);
	return hit;
}

/* Is there a rule between this device and any part of the subnet, either way? AllowedIPs filter
 * what a device takes in, too. */
static int meets_subnet(
	const struct fleet_network *fn, const struct device *d, struct prefix subnet)
{
	struct addr own = subnet.addr.family == FAMILY_IPV4 ? d->ipv4 : d->ipv6;

	VEC_FOREACH (p, &fn->policies) {
		if (!(*p)->enabled)
			continue;
		VEC_FOREACH (r, &(*p)->rules) {
			if (list_has(fn, &r->from, own, d) && list_overlaps(fn, &r->to, subnet))
				return 1;
			if (list_has(fn, &r->to, own, d) && list_overlaps(fn, &r->from, subnet))
				return 1;
		}
	}
	return 0;
}

void plan_device_routes(const struct fleet *f, const struct device *d, struct prefix_vec *ret)
{
	const struct fleet_network *fn = fleet_network(f, d->network);

	if (d->full_tunnel) {
		struct prefix v4 = {.addr.family = FAMILY_IPV4}, v6 = {.addr.family = FAMILY_IPV6};

		VEC_PUSH(ret, v4);
		VEC_PUSH(ret, v6);
		return;
	}
	if (d->allowed_ips.n > 0) {
		prefix_vec_copy(ret, &d->allowed_ips);
	} else if (fn != NULL && fn->network != NULL) {
		if (addr_is_set(fn->network->ipv4.addr))
			VEC_PUSH(ret, fn->network->ipv4);
		if (addr_is_set(fn->network->ipv6.addr))
			VEC_PUSH(ret, fn->network->ipv6);
		VEC_FOREACH (m, &fn->members)
			VEC_FOREACH (p, &(*m)->local_subnets)
				if (meets_subnet(fn, d, *p))
					VEC_PUSH(ret, *p);
	}
	prefix_vec_aggregate(ret);
}

void plan_device_psk(const struct fleet *f, const struct device *d, struct secret *ret)
{
	const struct fleet_network *fn = fleet_network(f, d->network);
	const struct group *g = map_get(&f->groups, d->group);

	if (fn != NULL && g != NULL)
		link_device_psk(fn, g, d, ret);
}
