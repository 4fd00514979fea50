/* DOC: see domain.h. */
#include "plan/domain.h"

#include "plan/link.h"

#include <stdio.h>

#define DNS_PORT 53

static bool serves(const struct fleet_network *fn)
{
	return fn->network->dns_serve && fn->network->domain != NULL;
}

static void push_name(const struct network *n, const struct name_item *name, struct item_vec *ret)
{
	struct item *i = item_new(ITEM_NAME, n->id);

	i->name = *name;
	VEC_PUSH(ret, i);
}

void domain_member(const struct view *v, size_t i, struct item_vec *ret)
{
	const struct network *n = v->fn->network;
	const struct member *m = v->members[i].member;
	struct item *dns;

	if (!serves(v->fn))
		return;
	dns = item_new(ITEM_DNS, n->id);
	dns->dns.domain = mem_strdup(n->domain);
	policy_self(v->fn, m, &dns->dns.listen);
	strs_copy(&dns->dns.upstreams, &n->dns_upstreams);
	VEC_PUSH(ret, dns);
	domain_name(v, i, ret);
}

void domain_name(const struct view *v, size_t i, struct item_vec *ret)
{
	const struct view_member *vm = &v->members[i];
	struct name_item name = {
		.addr = vm->member->ipv4, .addr6 = vm->member->ipv6, .all = vm->group != NULL};

	if (!view_wants(v, ITEM_NAME) || !serves(v->fn) || vm->label[0] == '\0')
		return;
	id_copy(name.id, vm->member->id);
	name.name = mem_strdup(vm->label);
	push_name(v->fn->network, &name, ret);
}

/* A device whose configuration names the gateway as its resolver asks it everything. */
void domain_device(const struct fleet_network *fn, const struct device *d, struct item_vec *ret)
{
	struct name_item name = {.addr = d->ipv4, .addr6 = d->ipv6};

	if (!serves(fn) || d->dns_name == NULL || label_is_reserved(d->dns_name))
		return;
	id_copy(name.id, d->id);
	name.name = mem_strdup(d->dns_name);
	name.forward = d->full_tunnel || (d->dns.n == 0 && fn->network->dns.n == 0);
	push_name(fn->network, &name, ret);
}

/* Whoever has an address of the network's ranges. */
static void members_list(const struct fleet_network *fn, struct policy_list *ret)
{
	struct strs selectors = {0};

	strs_push(&selectors, "clients");
	strs_push(&selectors, "nodes");
	policy_list_init(fn, &selectors, ret);
	strs_done(&selectors);
}

void domain_firewall(const struct fleet_network *fn, const struct member *m,
	struct firewall_item *fw, struct item_vec *ret_sets)
{
	static const char *const protocols[] = {"udp", "tcp"};
	struct policy_list members = {0};

	if (!serves(fn) || link_group(fn, m) == NULL)
		return;
	members_list(fn, &members);
	policy_use_list(fn, fw, &members, ret_sets);
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		struct fw_rule r = {.from = mem_strdup(members.name),
			.to = mem_strdup(POLICY_SELF_SET),
			.protocol = mem_strdup(protocols[i])};

		strs_push(&r.ports, "53");
		VEC_PUSH(&fw->input, r);
	}
	policy_list_done(&members);
}

bool domain_allows(const struct fleet_network *fn, const struct member *gateway, struct addr src,
	const char *protocol, uint16_t port)
{
	struct policy_list members = {0};
	bool hit;

	if (!serves(fn) || link_group(fn, gateway) == NULL || port != DNS_PORT ||
		(strcmp(protocol, "udp") != 0 && strcmp(protocol, "tcp") != 0))
		return false;
	members_list(fn, &members);
	hit = prefix_vec_has(&members.fixed, src);
	policy_list_done(&members);
	return hit;
}
