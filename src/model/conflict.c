/*
 * DOC: rules between objects (validate.h, fleet_check_*). Overlaps are found on sorted lists of
 * claims: a claim is a prefix and who holds it. Prefixes nest or are disjoint, so walking two
 * sorted lists together needs to remember only the widest open prefix of each side.
 */
#include "model/names.h"
#include "model/ports.h"
#include "model/validate.h"

#include <stdio.h>
#include <stdlib.h>

struct claim {
	struct prefix prefix;
	const char *what; /* "network", "node" */
	const char *name; /* of the holder; borrowed */
	int side;
};
VEC_TYPE(claims, struct claim);

static void claims_done(struct claims *v)
{
	VEC_DONE(v);
}

static void id_vec_done(struct id_vec *v)
{
	VEC_DONE(v);
}

static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int c = prefix_compare(x->prefix, y->prefix);

	return c != 0 ? c : x->side - y->side;
}

static void claim(struct claims *v, struct prefix p, const char *what, const char *name, int side)
{
	struct claim c = {p, what, name == NULL ? "" : name, side};

	if (addr_is_set(p.addr))
		VEC_PUSH(v, c);
}

/* Refuse a claim of side 0 (the new ones, under field) that overlaps one of side 1. */
static int claims_check(struct claims *v, const char *field, struct err *e)
{
	const struct claim *open[2] = {NULL, NULL};

	if (v->n > 1)
		qsort(v->v, v->n, sizeof(*v->v), compare_claims);
	VEC_FOREACH (c, v) {
		const struct claim *other = open[!c->side];
		char mine[PREFIX_TEXT_LEN], theirs[PREFIX_TEXT_LEN];

		if (other != NULL && prefix_contains(other->prefix, c->prefix)) {
			const struct claim *held = c->side == 0 ? other : c;
			const struct claim *new = c->side == 0 ? c : other;

			return err_field(e, ERR_EXISTS, field,
				"%s overlaps %s of the %s \"%.100s\"",
				prefix_format(new->prefix, mine),
				prefix_format(held->prefix, theirs), held->what, held->name);
		}
		if (open[c->side] == NULL || !prefix_contains(open[c->side]->prefix, c->prefix))
			open[c->side] = c;
	}
	return 0;
}

static const char *node_name(const struct fleet *f, const char *id)
{
	const struct node *n = map_get(&f->nodes, id);

	return n != NULL && n->name != NULL ? n->name : id;
}

static void claim_pools(struct claims *v, const struct network *n, int side)
{
	claim(v, n->ipv4, "network", n->name, side);
	claim(v, n->ipv6, "network", n->name, side);
}

static void claim_subnets(struct claims *v, const struct fleet *f, const struct member *m, int side)
{
	VEC_FOREACH (p, &m->local_subnets)
		claim(v, *p, "node", node_name(f, m->node), side);
}

/* What a network's members hold, but for one member. */
static void claim_members(struct claims *v, const struct fleet *f, const struct fleet_network *fn,
	const char *but, int side)
{
	VEC_FOREACH (m, &fn->members)
		if (strcmp((*m)->id, but) != 0)
			claim_subnets(v, f, *m, side);
}

static void claim_network(struct claims *v, const struct fleet *f, const char *id, int side)
{
	const struct fleet_network *fn = fleet_network(f, id);

	if (fn == NULL)
		return;
	claim_pools(v, fn->network, side);
	claim_members(v, f, fn, "", side);
}

/* Networks that have a node in common with this one, without it; and those of one more node. */
static void joined_networks(
	const struct fleet *f, const char *network, const char *node, struct id_vec *ret)
{
	const struct fleet_network *fn = map_get(&f->by_network, network);

	if (fn != NULL)
		VEC_FOREACH (m, &fn->members)
			VEC_FOREACH (other, fleet_memberships(f, (*m)->node))
				if (strcmp((*other)->network, network) != 0)
					id_vec_add(ret, (*other)->network);
	if (node != NULL)
		VEC_FOREACH (other, fleet_memberships(f, node))
			if (strcmp((*other)->network, network) != 0)
				id_vec_add(ret, (*other)->network);
}

/* --- networks -------------------------------------------------------------------------------- */

static int network_names_check(const struct network *n, const struct network *o, struct err *e)
{
	char mine[IFNAME_LEN], theirs[IFNAME_LEN];

	if (strcmp(n->name, o->name) == 0)
		return err_field(
			e, ERR_EXISTS, "name", "there is a network named \"%.100s\"", n->name);
	if (n->domain != NULL && o->domain != NULL && strcmp(n->domain, o->domain) == 0)
		return err_field(e, ERR_EXISTS, "domain",
			"the domain \"%.100s\" belongs to the network \"%.100s\"", n->domain,
			o->name);
	network_ifname(n, "", mine);
	network_ifname(o, "", theirs);
	if (strcmp(mine, theirs) == 0)
		return err_field(e, ERR_EXISTS, "name",
			"the interface of \"%.100s\" would be named %s like that of \"%.100s\"",
			n->name, mine, o->name);
	return 0;
}

int fleet_check_network(const struct fleet *f, const struct network *n, struct err *e)
{
	const struct fleet_network *fn = map_get(&f->by_network, n->id);
	CLEANUP(id_vec_done) struct id_vec joined = {0};
	CLEANUP(claims_done) struct claims claims = {0};

	MAP_FOREACH (slot, &f->networks) {
		const struct network *o = slot->value;
		int r;

		if (strcmp(o->id, n->id) == 0 || strcmp(o->project, n->project) != 0)
			continue;
		if ((r = network_names_check(n, o, e)) < 0)
			return r;
	}
	claim_pools(&claims, n, 0);
	if (fn != NULL)
		claim_members(&claims, f, fn, "", 1);
	joined_networks(f, n->id, NULL, &joined);
	VEC_FOREACH (id, &joined)
		claim_network(&claims, f, id->id, 1);
	return claims_check(&claims, "ipv4", e);
}

/* --- keys and addresses of a network ---------------------------------------------------------- */

/* Who else holds this key? Members, groups and devices share one interface or another. */
static int key_check(const struct fleet *f, const struct fleet_network *fn,
	const struct public_key *key, const char *but, struct err *e)
{
	const char *what = NULL, *name = NULL;

	if (public_key_is_zero(key))
		return 0;
	VEC_FOREACH (m, &fn->members)
		if (strcmp((*m)->id, but) != 0 && public_key_equal(&(*m)->public_key, key)) {
			what = "node";
			name = node_name(f, (*m)->node);
		}
	VEC_FOREACH (g, &fn->groups)
		if (strcmp((*g)->id, but) != 0 && public_key_equal(&(*g)->public_key, key)) {
			what = "gateway group";
			name = (*g)->name;
		}
	MAP_FOREACH (slot, &fn->devices_by_group) {
		const struct device_refs *refs = slot->value;

		VEC_FOREACH (d, refs)
			if (strcmp((*d)->id, but) != 0 &&
				public_key_equal(&(*d)->public_key, key)) {
				what = "device";
				name = (*d)->name;
			}
	}
	if (what == NULL)
		return 0;
	return err_field(e, ERR_EXISTS, "public_key", "this key belongs to the %s \"%.100s\"", what,
		name == NULL ? "" : name);
}

static int same_addr(struct addr a, struct addr b)
{
	return addr_is_set(a) && addr_compare(a, b) == 0;
}

static int address_check(const struct fleet *f, const struct fleet_network *fn, struct addr a,
	const char *field, const char *but, struct err *e)
{
	const char *what = NULL, *name = NULL;
	char text[ADDR_TEXT_LEN];

	if (!addr_is_set(a))
		return 0;
	if (!prefix_has(a.family == FAMILY_IPV4 ? fn->network->ipv4 : fn->network->ipv6, a))
		return err_field(e, ERR_INVALID, field, "%s is not in the network \"%.100s\"",
			addr_format(a, text), fn->network->name);
	if (same_addr(a, fn->network->gateway_addr)) {
		what = "gateways of";
		name = fn->network->name;
	}
	VEC_FOREACH (m, &fn->members)
		if (strcmp((*m)->id, but) != 0 &&
			(same_addr(a, (*m)->ipv4) || same_addr(a, (*m)->ipv6))) {
			what = "node";
			name = node_name(f, (*m)->node);
		}
	MAP_FOREACH (slot, &fn->devices_by_group) {
		const struct device_refs *refs = slot->value;

		VEC_FOREACH (d, refs)
			if (strcmp((*d)->id, but) != 0 &&
				(same_addr(a, (*d)->ipv4) || same_addr(a, (*d)->ipv6))) {
				what = "device";
				name = (*d)->name;
			}
	}
	if (what == NULL)
		return 0;
	return err_field(e, ERR_EXISTS, field, "%s belongs to the %s \"%.100s\"",
		addr_format(a, text), what, name == NULL ? "" : name);
}

static const struct fleet_network *need_network(
	const struct fleet *f, const char *id, const char *project, struct err *e)
{
	const struct fleet_network *fn = fleet_network(f, id);

	if (fn == NULL || strcmp(fn->network->project, project) != 0) {
		err_field(e, ERR_INVALID, "network", "there is no network \"%.60s\"", id);
		return NULL;
	}
	return fn;
}

/* --- members --------------------------------------------------------------------------------- */

static void ports_of(const struct fleet *f, const struct member *m, uint16_t ret[static 3])
{
	struct member_ports p;

	member_ports(map_get(&f->networks, m->network), m,
		m->group[0] ? map_get(&f->groups, m->group) : NULL, &p);
	ret[0] = p.devices;
	ret[1] = p.direct;
	ret[2] = p.hub;
}

static int ports_clash(
	const struct fleet *f, const struct member *m, const struct member *o, struct err *e)
{
	uint16_t mine[3], theirs[3];

	ports_of(f, m, mine);
	ports_of(f, o, theirs);
	for (size_t i = 0; i < ARRAY_LEN(mine); i++)
		for (size_t j = 0; j < ARRAY_LEN(theirs); j++)
			if (mine[i] != 0 && mine[i] == theirs[j]) {
				const struct network *net = map_get(&f->networks, o->network);

				return err_field(e, ERR_EXISTS, "listen_port",
					"port %u of the node \"%.100s\" is held by the network "
					"\"%.100s\"",
					mine[i], node_name(f, m->node),
					net != NULL ? net->name : o->network);
			}
	return 0;
}

static int granted_check(const struct fleet *f, const struct member *m, struct err *e)
{
	const struct project *p = map_get(&f->projects, m->project);
	struct prefix_vec granted = {0};
	int r = 0;

	if (p != NULL)
		prefix_vec_copy(&granted, &p->granted_ranges);
	prefix_vec_aggregate(&granted); /* a subnet may span two neighbouring grants */
	VEC_FOREACH (s, &m->local_subnets) {
		char text[PREFIX_TEXT_LEN];

		if (!prefix_vec_covers(&granted, *s)) {
			r = err_field(e, ERR_DENIED, "local_subnets",
				"%s is outside the ranges granted to the project \"%.100s\"",
				prefix_format(*s, text), p != NULL ? p->name : m->project);
			break;
		}
	}
	VEC_DONE(&granted);
	return r;
}

/* What m's subnets, and its network as a whole, must keep clear of. */
static int member_overlaps(const struct fleet *f, const struct fleet_network *fn,
	const struct member *m, struct err *e)
{
	CLEANUP(id_vec_done) struct id_vec joined = {0};
	CLEANUP(claims_done) struct claims claims = {0};
	int r;

	claim_subnets(&claims, f, m, 0);
	claim_pools(&claims, fn->network, 1);
	claim_members(&claims, f, fn, m->id, 1);
	joined_networks(f, m->network, m->node, &joined);
	VEC_FOREACH (id, &joined)
		claim_network(&claims, f, id->id, 1);
	if ((r = claims_check(&claims, "local_subnets", e)) < 0)
		return r;

	/* the node brings its networks together: they must be apart as wholes */
	claims.n = 0;
	claim_pools(&claims, fn->network, 0);
	claim_members(&claims, f, fn, m->id, 0);
	VEC_FOREACH (other, fleet_memberships(f, m->node))
		if (strcmp((*other)->network, m->network) != 0)
			claim_network(&claims, f, (*other)->network, 1);
	return claims_check(&claims, "network", e);
}

bool network_holds_endpoint(const struct network *n, const char *endpoint)
{
	char host[256];
	uint16_t port;
	struct addr a;

	if (endpoint == NULL || endpoint_split(endpoint, host, sizeof(host), &port) < 0 ||
		addr_parse(host, &a) < 0)
		return false;
	return prefix_has(n->ipv4, a) || prefix_has(n->ipv6, a);
}

int fleet_check_member(const struct fleet *f, const struct member *m, struct err *e)
{
	const struct fleet_network *fn = need_network(f, m->network, m->project, e);
	const struct node *node = map_get(&f->nodes, m->node);
	const struct group *g;
	int r;

	if (fn == NULL)
		return ERR_INVALID;
	if (node == NULL || strcmp(node->project, m->project) != 0)
		return err_field(e, ERR_INVALID, "node", "there is no node \"%.60s\"", m->node);
	g = m->group[0] ? map_get(&f->groups, m->group) : NULL;
	if (m->group[0] && (g == NULL || strcmp(g->network, m->network) != 0))
		return err_field(e, ERR_INVALID, "group",
			"there is no gateway group \"%.60s\" in the network \"%.100s\"", m->group,
			fn->network->name);
	if (network_holds_endpoint(fn->network, m->endpoint))
		return err_field(e, ERR_INVALID, "endpoint",
			"the endpoint %.60s lies inside the network \"%.100s\", which is reached "
			"through it",
			m->endpoint, fn->network->name);
	VEC_FOREACH (other, fleet_memberships(f, m->node)) {
		if (strcmp((*other)->id, m->id) == 0)
			continue;
		if (strcmp((*other)->network, m->network) == 0)
			return err_field(e, ERR_EXISTS, "network",
				"the node \"%.100s\" is in the network \"%.100s\" already",
				node_name(f, m->node), fn->network->name);
		if ((r = ports_clash(f, m, *other, e)) < 0)
			return r;
	}
	if ((r = key_check(f, fn, &m->public_key, m->id, e)) < 0 ||
		(r = address_check(f, fn, m->ipv4, "ipv4", m->id, e)) < 0 ||
		(r = address_check(f, fn, m->ipv6, "ipv6", m->id, e)) < 0 ||
		(r = granted_check(f, m, e)) < 0)
		return r;
	return member_overlaps(f, fn, m, e);
}

/* --- devices and policies -------------------------------------------------------------------- */

static int device_names_check(const struct fleet *f, const struct fleet_network *fn,
	const struct device *d, struct err *e)
{
	char label[LABEL_MAX + 1], taken[LABEL_MAX + 1];

	MAP_FOREACH (slot, &fn->devices_by_group) {
		const struct device_refs *refs = slot->value;

		VEC_FOREACH (it, refs) {
			const struct device *o = *it;

			if (strcmp(o->id, d->id) == 0)
				continue;
			if (o->name != NULL && strcmp(o->name, d->name) == 0)
				return err_field(e, ERR_EXISTS, "name",
					"there is a device named \"%.100s\" in the network \"%.100s\"",
					d->name, fn->network->name);
			if (d->dns_name != NULL && o->dns_name != NULL &&
				strcmp(o->dns_name, d->dns_name) == 0)
				return err_field(e, ERR_EXISTS, "dns_name",
					"the DNS name %s belongs to the device \"%.100s\"",
					d->dns_name, o->name);
		}
	}
	if (d->dns_name == NULL)
		return 0;
	snprintf(label, sizeof(label), "%s", d->dns_name);
	VEC_FOREACH (m, &fn->members) {
		label_from_name(node_name(f, (*m)->node), taken);
		if (strcmp(taken, label) == 0)
			return err_field(e, ERR_EXISTS, "dns_name",
				"the DNS name %s belongs to the node \"%.100s\"", label,
				node_name(f, (*m)->node));
	}
	return 0;
}

int fleet_check_device(const struct fleet *f, const struct device *d, struct err *e)
{
	const struct fleet_network *fn = need_network(f, d->network, d->project, e);
	const struct group *g = map_get(&f->groups, d->group);
	int r;

	if (fn == NULL)
		return ERR_INVALID;
	if (g == NULL || strcmp(g->network, d->network) != 0)
		return err_field(e, ERR_INVALID, "group",
			"there is no gateway group \"%.60s\" in the network \"%.100s\"", d->group,
			fn->network->name);
	if ((r = device_names_check(f, fn, d, e)) < 0 ||
		(r = key_check(f, fn, &d->public_key, d->id, e)) < 0 ||
		(r = address_check(f, fn, d->ipv4, "ipv4", d->id, e)) < 0 ||
		(r = address_check(f, fn, d->ipv6, "ipv6", d->id, e)) < 0)
		return r;
	return mtu_check(d->mtu, addr_is_set(fn->network->ipv6.addr), "mtu", e);
}

static int names_already(const struct policy *p, const char *selector)
{
	VEC_FOREACH (r, &p->rules) {
		VEC_FOREACH (s, &r->from)
			if (strcmp(*s, selector) == 0)
				return 1;
		VEC_FOREACH (s, &r->to)
			if (strcmp(*s, selector) == 0)
				return 1;
	}
	return 0;
}

/* Ids in selectors must name something of this network, or be in the policy as it was (NULL: new)
 * already: what was deleted since must not keep anybody from disabling or narrowing it. */
static int selector_ids_check(const struct fleet *f, const struct fleet_network *fn,
	const struct policy *was, const struct strs *selectors, const char *field, struct err *e)
{
	VEC_FOREACH (s, selectors) {
		const struct device *d = map_get(&f->devices, *s);
		const struct member *m = map_get(&f->members, *s);
		int is_device = id_valid(*s, "cl") || id_valid(*s, "site") || id_valid(*s, "conn");
		int ok = 1;

		if (is_device)
			ok = d != NULL && strcmp(d->network, fn->network->id) == 0;
		else if (id_valid(*s, "node"))
			ok = fleet_member(f, *s, fn->network->id) != NULL;
		else if (id_valid(*s, "mem"))
			ok = m != NULL && strcmp(m->network, fn->network->id) == 0;
		if (!ok && (was == NULL || !names_already(was, *s)))
			return err_field(e, ERR_INVALID, field,
				"there is no \"%.60s\" in the network \"%.100s\"", *s,
				fn->network->name);
	}
	return 0;
}

int fleet_check_policy(const struct fleet *f, const struct policy *p, struct err *e)
{
	const struct fleet_network *fn = need_network(f, p->network, p->project, e);
	const struct policy *was = NULL;

	if (fn == NULL)
		return ERR_INVALID;
	VEC_FOREACH (o, &fn->policies)
		if (strcmp((*o)->id, p->id) == 0)
			was = *o;
		else if ((*o)->name != NULL && strcmp((*o)->name, p->name) == 0)
			return err_field(e, ERR_EXISTS, "name",
				"there is a policy named \"%.100s\" in the network \"%.100s\"",
				p->name, fn->network->name);
	for (size_t i = 0; i < p->rules.n; i++) {
		char field[32];
		int r;

		snprintf(field, sizeof(field), "rules[%zu].from", i);
		if ((r = selector_ids_check(f, fn, was, &p->rules.v[i].from, field, e)) < 0)
			return r;
		snprintf(field, sizeof(field), "rules[%zu].to", i);
		if ((r = selector_ids_check(f, fn, was, &p->rules.v[i].to, field, e)) < 0)
			return r;
	}
	return 0;
}
