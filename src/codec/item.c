/* DOC: items as JSON; see item.h. Tables of each kind's members; part.h knows their types. */
#include "codec/item.h"

#include "codec/part.h"
#include "codec/state.h"

#include <string.h>

#define SEALED_CHARS_MAX 4096

const char *const item_sections[ITEM_KINDS] = {
	[ITEM_INTERFACE] = "interfaces",
	[ITEM_ADDRESS] = "addresses",
	[ITEM_SYSCTL] = "sysctls",
	[ITEM_FIREWALL] = "firewalls",
	[ITEM_SET] = "sets",
	[ITEM_LIMIT] = "limits",
	[ITEM_PEER] = "peers",
	[ITEM_ROUTE] = "routes",
	[ITEM_EXIT] = "exits",
	[ITEM_HOST] = "hosts",
	[ITEM_DNS] = "dns",
	[ITEM_NAME] = "names",
};

enum { KEY = PART_KEY, MUST = PART_MUST, BRIEF = PART_BRIEF };

/* --- kinds: what has neither KEY nor MUST may be absent or null ------------------------------- */

#define M(kind, field, type, flags)                                                              \
	{                                                                                        \
#field, offsetof(struct item, kind.field), &part_##type, (flags), PART_CHARS_MAX \
	}

static const struct part interface_members[] = {
	M(interface, name, ifname, KEY | MUST),
	M(interface, role, role, MUST),
	M(interface, public_key, key, 0),
	{"sealed_key", offsetof(struct item, interface.sealed_key), &part_text, 0,
		SEALED_CHARS_MAX},
	M(interface, listen_port, u16, 0),
	M(interface, mtu, u32, 0),
	M(interface, fwmark, u32, 0),
	{0},
};

static const struct part address_members[] = {
	M(address, interface, ifname, KEY | MUST),
	{"address", offsetof(struct item, address), &part_cidr, KEY | MUST, 0},
	{0},
};

static const struct part sysctl_members[] = {
	M(sysctl, name, text, KEY | MUST),
	M(sysctl, value, text, MUST),
	{0},
};

static const struct part firewall_members[] = {
	M(firewall, interfaces, strs, MUST),
	M(firewall, hubs, strs, 0),
	M(firewall, input, rules, MUST),
	M(firewall, forward, rules, MUST),
	M(firewall, sets, strs, 0),
	M(firewall, overlay, prefixes, MUST),
	M(firewall, masquerade, prefixes, 0),
	M(firewall, exits, exits, 0),
	M(firewall, inside, prefixes, 0),
	M(firewall, exit_interface, maybe_ifname, 0),
	M(firewall, exit_mark, u32, 0),
	M(firewall, shared, maybe_ifname, 0),
	{0},
};

static const struct part set_members[] = {
	M(set, set, text, KEY | MUST),
	M(set, prefix, prefix, KEY | MUST),
	{0},
};

static const struct part limit_members[] = {
	M(limit, device, id, KEY | MUST),
	M(limit, addr, addr, KEY),
	M(limit, addr6, addr, KEY),
	M(limit, rate, u64, KEY | MUST),
	{0},
};

static const struct part peer_members[] = {
	M(peer, id, id, KEY | MUST),
	M(peer, interface, ifname, KEY | MUST),
	M(peer, public_key, key, MUST),
	M(peer, mesh_ip, addr, 0),
	M(peer, mesh_ip6, addr, 0),
	M(peer, endpoint, text, 0),
	M(peer, near_endpoint, spare_text, BRIEF),
	M(peer, allowed_ips, prefixes, MUST),
	M(peer, psk, secret, 0),
	M(peer, next_public_key, key, BRIEF),
	M(peer, next_psk, secret, BRIEF),
	M(peer, keepalive, u16, 0),
	M(peer, not_after, when, 0),
	M(peer, away, truth, BRIEF),
	M(peer, quota_left, u64, BRIEF),
	M(peer, quota_grant, u64, BRIEF),
	M(peer, generation, u32, 0),
	{0},
};

static const struct part route_members[] = {
	M(route, dst, prefix, KEY | MUST),
	M(route, interface, ifname, MUST),
	M(route, metric, u32, KEY),
	M(route, peer, maybe_id, 0),
	{0},
};

static const struct part exit_members[] = {
	M(exit, mark, u32, KEY | MUST),
	M(exit, interface, ifname, MUST),
	M(exit, inside, prefixes, MUST),
	M(exit, back, prefixes, MUST),
	{0},
};

static const struct part host_members[] = {
	M(host, name, text, KEY | MUST),
	M(host, addr, addr, 0),
	M(host, addr6, addr, 0),
	{0},
};

static const struct part dns_members[] = {
	M(dns, domain, text, MUST),
	M(dns, listen, prefixes, MUST),
	M(dns, upstreams, strs, 0),
	{0},
};

static const struct part name_members[] = {
	M(name, id, id, KEY | MUST),
	M(name, name, text, MUST),
	M(name, addr, addr, 0),
	M(name, addr6, addr, 0),
	M(name, forward, truth, 0),
	M(name, all, truth, 0),
	{0},
};

static const struct part *const kinds[ITEM_KINDS] = {
	[ITEM_INTERFACE] = interface_members,
	[ITEM_ADDRESS] = address_members,
	[ITEM_SYSCTL] = sysctl_members,
	[ITEM_FIREWALL] = firewall_members,
	[ITEM_SET] = set_members,
	[ITEM_LIMIT] = limit_members,
	[ITEM_PEER] = peer_members,
	[ITEM_ROUTE] = route_members,
	[ITEM_EXIT] = exit_members,
	[ITEM_HOST] = host_members,
	[ITEM_DNS] = dns_members,
	[ITEM_NAME] = name_members,
};

static bool is_written(const struct part *m, const void *at, bool key_only)
{
	static const uint8_t zero[KEY_LEN];

	return (!key_only || m->flags & KEY) &&
		!(m->flags & BRIEF && !memcmp(at, zero, m->type->size));
}

void item_write(struct json_writer *w, const struct item *i, bool key_only)
{
	json_begin_object(w, NULL);
	for (const struct part *m = kinds[i->kind]; m->name; m++) {
		const void *at = (const char *)i + m->offset;

		if (is_written(m, at, key_only))
			m->type->write(w, m, at);
	}
	json_end_object(w);
}

void peer_write(struct json_writer *w, const struct peer_item *p)
{
	struct item i = {.kind = ITEM_PEER, .peer = *p}; /* members are found from its start */

	item_write(w, &i, false);
	secret_wipe(&i.peer.psk);
	secret_wipe(&i.peer.next_psk);
}

int item_read(const struct json *j, enum item_kind kind, const char *network, bool key_only,
	struct item **ret, struct err *e)
{
	struct item *i;

	if (json_kind(j) != JSON_IS_OBJECT)
		return err_field(e, ERR_INVALID, "", "an item must be an object");
	i = item_new(kind, network);
	for (const struct part *m = kinds[kind]; m->name; m++) {
		const struct json *v = json_get(j, m->name);

		if (key_only && !(m->flags & KEY))
			continue;
		if (json_kind(v) == JSON_IS_NULL && !(m->flags & MUST))
			continue;
		if (!v) {
			item_free(i);
			return err_field(e, ERR_INVALID, m->name, "%s is missing", m->name);
		}
		if (m->type->read(v, m, (char *)i + m->offset, e) != 0) {
			item_free(i);
			return ERR_INVALID;
		}
	}
	*ret = i;
	return 0;
}
