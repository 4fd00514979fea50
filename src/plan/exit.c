/* DOC: see exit.h. */
#include "plan/exit.h"

#include "crypto/hash.h"
#include "plan/hint.h"
#include "plan/link.h"

#include <stdio.h>

#define SET_LEN 8
#define SET_NONE "x_none"
#define SET_HERE "x_here"

/* By hash, so that an exit that goes does not rename the others; the next free one on a clash. */
static uint8_t free_slot_of(const struct exits *x, const char *member)
{
	uint8_t h[HASH_LEN], slot;
	bool taken;

	hash_sha256(member, strlen(member), h);
	slot = h[0];
	do {
		taken = false;
		for (size_t i = 0; i < x->n; i++)
			taken |= x->v[i].slot == slot;
		slot = (uint8_t)(slot + taken);
	} while (taken);
	return slot;
}

void exits_add(struct exits *x, const struct member *m, bool usable)
{
	uint8_t slot;

	if (!usable || !(m->roles & ROLE_EXIT) || public_key_is_zero(&m->public_key) ||
		x->n == EXITS_MAX)
		return;
	slot = free_slot_of(x, m->id);
	x->v[x->n++] = (struct exit_slot){m, slot};
}

static const struct exit_slot *named(const struct exits *x, const char *node)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->v[i].member->node, node) == 0)
			return &x->v[i];
	return NULL;
}

const struct exit_slot *exit_of_device(
	const struct exits *x, const struct member *gateway, const struct device *d)
{
	const struct exit_slot *here = named(x, gateway->node);

	if (d->exit != NULL && d->exit[0] != '\0')
		return named(x, d->exit);
	if (here != NULL || x->n == 0)
		return here;
	for (size_t i = 0; gateway->region != NULL && i < x->n; i++) {
		const char *region = x->v[i].member->region;

		if (region != NULL && strcmp(region, gateway->region) == 0)
			return &x->v[i];
	}
	return &x->v[0];
}

/* --- names and numbers ------------------------------------------------------------------------ */

static uint16_t exit_port(const struct fleet_network *fn, const struct member *m, unsigned offset)
{
	return member_exit_port(fn->network, m, link_group(fn, m), offset);
}

uint16_t exit_link_port(const struct view *v, size_t i, const struct exit_slot *x)
{
	const struct view_member *vm = &v->members[i];

	if (x->member == vm->member)
		return exit_port(v->fn, vm->member, 0);
	return vm->group != NULL ? exit_port(v->fn, vm->member, 1u + x->slot) : 0;
}

/* Two networks of one machine must not share a mark. */
static uint32_t exit_mark(const struct network *n, uint8_t slot)
{
	uint8_t h[HASH_LEN];

	hash_sha256(n->id, strlen(n->id), h);
	return EXIT_MARK | (uint32_t)(h[0] & 0x7f) << 16 | (uint32_t)h[1] << 8 | slot;
}

static void link_name(const struct network *n, uint8_t slot, char ret[static IFNAME_LEN])
{
	char suffix[8];

	snprintf(suffix, sizeof(suffix), "-x%02x", slot);
	ifname_make(n->name, suffix, ret);
}

static void set_name(uint8_t slot, char ret[static SET_LEN])
{
	snprintf(ret, SET_LEN, "x_%02x", slot);
}

/* --- interfaces and peers --------------------------------------------------------------------- */

static void push_interface(const struct fleet_network *fn, const struct member *m, const char *name,
	unsigned offset, struct item_vec *ret)
{
	const struct network *n = fn->network;
	struct item *i = item_new(ITEM_INTERFACE, n->id);

	snprintf(i->interface.name, IFNAME_LEN, "%s", name);
	i->interface.role = IFACE_EXIT;
	i->interface.public_key = *link_own_key(m);
	i->interface.listen_port = exit_port(fn, m, offset);
	i->interface.mtu = n->mtu;
	VEC_PUSH(ret, i);
	link_addresses(n, m, name, ret);
}

static void push_sysctl(const struct network *n, const char *interface, const char *name,
	const char *value, struct item_vec *ret)
{
	struct item *i = item_new(ITEM_SYSCTL, n->id);

	i->sysctl.name = mem_printf("net.ipv4.conf.%s.%s", interface, name);
	i->sysctl.value = mem_strdup(value);
	VEC_PUSH(ret, i);
}

/* The other end on that interface. offset is that of its interface's port. */
static struct peer_item *push_peer(const struct fleet_network *fn, const struct member *m,
	const struct member *other, const char *interface, unsigned offset, struct item_vec *ret)
{
	struct item *i = item_new(ITEM_PEER, fn->network->id);
	struct peer_item *p = &i->peer;

	snprintf(p->interface, IFNAME_LEN, "%s", interface);
	id_copy(p->id, other->id);
	p->public_key = other->public_key;
	p->mesh_ip = other->ipv4;
	p->mesh_ip6 = other->ipv6;
	hint_put(m, other, exit_port(fn, other, offset), p);
	p->keepalive = fn->network->keepalive;
	link_set_psk(fn, link_own_key(m), &other->public_key, &p->psk);
	if (!public_key_is_zero(&other->next_public_key))
		link_push_next(fn, m, other, p, ret);
	VEC_PUSH(ret, i);
	return p;
}

static void add_both_families(struct prefix_vec *v)
{
	const struct prefix all[] = {{.addr.family = FAMILY_IPV4}, {.addr.family = FAMILY_IPV6}};

	VEC_PUSH(v, all[0]);
	VEC_PUSH(v, all[1]);
}

/* --- the gateway's side ----------------------------------------------------------------------- */

static void add_fw_exit(
	struct firewall_item *fw, const char *set, uint32_t mark, const char *interface)
{
	struct fw_exit x = {.set = mem_strdup(set), .mark = mark};

	snprintf(x.interface, IFNAME_LEN, "%s", interface);
	VEC_PUSH(&fw->exits, x);
	strs_push(&fw->sets, set);
}

/* By way of an exit elsewhere. */
static void push_way(struct view *v, const struct member *m, const struct exit_slot *x,
	struct firewall_item *fw, struct item_vec *ret)
{
	const struct network *n = v->fn->network;
	char name[IFNAME_LEN], set[SET_LEN];
	struct peer_item *p;
	struct item *i;

	link_name(n, x->slot, name);
	set_name(x->slot, set);
	push_interface(v->fn, m, name, 1u + x->slot, ret);
	push_sysctl(n, name, "rp_filter", "2", ret);
	/* replies come from everywhere: they are judged by the table their mark leads to */
	push_sysctl(n, name, "src_valid_mark", "1", ret);
	p = push_peer(v->fn, m, x->member, name, 0, ret);
	add_both_families(&p->allowed_ips);
	i = item_new(ITEM_EXIT, n->id);
	i->exit.mark = exit_mark(n, x->slot);
	snprintf(i->exit.interface, IFNAME_LEN, "%s", name);
	prefix_vec_copy(&i->exit.inside, &fw->inside);
	VEC_PUSH(ret, i);
	strs_push(&fw->interfaces, name);
	add_fw_exit(fw, set, i->exit.mark, name);
}

static void push_ways(struct view *v, const struct member *m, const struct exits *x,
	struct firewall_item *fw, struct item_vec *ret)
{
	add_fw_exit(fw, SET_NONE, 0, "");
	for (size_t k = 0; k < x->n; k++)
		if (strcmp(x->v[k].member->node, m->node) != 0)
			push_way(v, m, &x->v[k], fw, ret);
		else
			add_fw_exit(fw, SET_HERE, EXIT_MARK_HERE, "");
}

/* --- the exit's side -------------------------------------------------------------------------- */

static void push_own_addresses(const struct member *m, struct prefix_vec *ret)
{
	if (addr_is_set(m->ipv4))
		VEC_PUSH(ret, prefix_host(m->ipv4));
	if (addr_is_set(m->ipv6))
		VEC_PUSH(ret, prefix_host(m->ipv6));
}

static void push_way_out(struct view *v, const struct member *m, uint8_t slot,
	struct firewall_item *fw, struct item_vec *ret)
{
	const struct network *n = v->fn->network;
	char name[IFNAME_LEN];
	struct item *way = NULL;

	ifname_make(n->name, "-x", name);
	for (size_t k = 0; k < v->n_members; k++) {
		const struct view_member *gateway = &v->members[k];
		struct peer_item *p;

		if (gateway->group == NULL || gateway->member == m || !gateway->keyed ||
			strcmp(gateway->member->node, m->node) == 0)
			continue;
		if (way == NULL) {
			push_interface(v->fn, m, name, 0, ret);
			push_sysctl(n, name, "rp_filter", "2", ret);
			way = item_new(ITEM_EXIT, n->id);
		}
		p = push_peer(v->fn, m, gateway->member, name, 1u + slot, ret);
		push_own_addresses(gateway->member, &p->allowed_ips);
		push_own_addresses(gateway->member, &way->exit.back);
	}
	if (way == NULL)
		return;
	way->exit.mark = exit_mark(n, slot);
	snprintf(way->exit.interface, IFNAME_LEN, "%s", name);
	VEC_PUSH(ret, way);
	strs_push(&fw->interfaces, name);
	snprintf(fw->exit_interface, IFNAME_LEN, "%s", name);
	fw->exit_mark = way->exit.mark;
}

/* --- both ------------------------------------------------------------------------------------- */

/* Everything policy decides about: the overlay and what lies behind its nodes. */
static void find_inside(const struct fleet_network *fn, struct prefix_vec *ret)
{
	policy_pools(fn->network, ret);
	VEC_FOREACH (m, &fn->members)
		VEC_FOREACH (p, &(*m)->local_subnets)
			VEC_PUSH(ret, *p);
	prefix_vec_aggregate(ret);
}

void exit_shell(struct view *v, size_t i, struct firewall_item *fw, struct item_vec *ret)
{
	const struct view_member *vm = &v->members[i];
	const struct exits *x = view_exits(v);
	bool leaves = vm->group != NULL && !public_key_is_zero(&vm->member->public_key);

	if (vm->group == NULL && !(vm->member->roles & ROLE_EXIT))
		return;
	find_inside(v->fn, &fw->inside);
	if (leaves)
		push_ways(v, vm->member, x, fw, ret);
	else if (vm->group != NULL)
		add_fw_exit(fw, SET_NONE, 0, "");
	for (size_t k = 0; k < x->n; k++)
		if (x->v[k].member == vm->member)
			push_way_out(v, vm->member, x->v[k].slot, fw, ret);
}

void exit_device(const struct exits *exits, const struct member *m, const struct device *d,
	struct item_vec *ret)
{
	const struct addr own[] = {d->ipv4, d->ipv6};
	const struct exit_slot *x =
		public_key_is_zero(&m->public_key) ? NULL : exit_of_device(exits, m, d);
	char set[SET_LEN] = SET_NONE;

	if (!d->full_tunnel)
		return;
	if (x != NULL && strcmp(x->member->node, m->node) == 0)
		snprintf(set, sizeof(set), "%s", SET_HERE);
	else if (x != NULL)
		set_name(x->slot, set);
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		struct item *it;

		if (!addr_is_set(own[i]))
			continue;
		it = item_new(ITEM_SET, d->network);
		it->set.set = mem_strdup(set);
		it->set.prefix = prefix_host(own[i]);
		VEC_PUSH(ret, it);
	}
}
