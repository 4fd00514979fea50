/* DOC: random items for tests: every kind, every member set or unset by chance. */
#ifndef WARREN_TESTS_CODEC_RANDOM_STATE_H
#define WARREN_TESTS_CODEC_RANDOM_STATE_H

#include "base/rand.h"
#include "model/state.h"

#include <stdio.h>

static inline int random_one_in(struct rand *r, unsigned n)
{
	return rand_below(r, n) == 0;
}

static inline void random_bytes(struct rand *r, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(rand_next(r) >> 24);
}

static inline struct addr random_addr(struct rand *r)
{
	struct addr a = {.family = random_one_in(r, 2) ? FAMILY_IPV4 : FAMILY_IPV6};

	a.bits = a.family == FAMILY_IPV4 ? (u128)(uint32_t)rand_next(r)
					 : (u128)rand_next(r) << 64 | rand_next(r);
	return a;
}

static inline struct prefix random_prefix(struct rand *r)
{
	struct prefix p = {.addr = random_addr(r)};

	p.len = (uint8_t)rand_below(r, addr_width(p.addr) + 1u);
	p.addr = prefix_first(p);
	return p;
}

static inline void random_prefixes(struct rand *r, struct prefix_vec *v)
{
	for (uint64_t n = rand_below(r, 4); n > 0; n--)
		VEC_PUSH(v, random_prefix(r));
}

/* Text with what JSON must escape and what it must keep. */
static inline char *random_text(struct rand *r)
{
	static const char *const parts[] = {"a", "B", "7", "\"", "\\", "/", "<", "&", "\xc3\xa9",
		"\xe2\x82\xac", "\xf0\x9f\x98\x80", " ", "."};
	struct buf b = {0};

	for (uint64_t n = 1 + rand_below(r, 12); n > 0; n--)
		buf_adds(&b, parts[rand_below(r, sizeof(parts) / sizeof(parts[0]))]);
	return buf_take(&b);
}

static inline void random_strs(struct rand *r, struct strs *l)
{
	for (uint64_t n = rand_below(r, 3); n > 0; n--) {
		char *s = random_text(r);

		VEC_PUSH(l, s);
	}
}

static inline void random_rules(struct rand *r, struct fw_rule_vec *v)
{
	static const char *const protocols[] = {"any", "tcp", "udp", "icmp"};

	for (uint64_t n = rand_below(r, 3); n > 0; n--) {
		struct fw_rule rule = {.from = random_text(r),
			.to = random_one_in(r, 3) ? mem_strdup("") : random_text(r),
			.protocol = mem_strdup(protocols[rand_below(r, 4)])};

		random_strs(r, &rule.ports);
		VEC_PUSH(v, rule);
	}
}

static inline void random_ifname(struct rand *r, char name[static IFNAME_LEN])
{
	snprintf(name, IFNAME_LEN, "warren%u", (unsigned)rand_below(r, 3));
}

static inline msec random_time(struct rand *r)
{
	return random_one_in(r, 2) ? 0 : 1 + (msec)rand_below(r, 253402300799999u);
}

static inline struct item *random_item(struct rand *r)
{
	char network[16];
	struct item *i;

	snprintf(network, sizeof(network), "net_%u", (unsigned)rand_below(r, 3));
	i = item_new((enum item_kind)rand_below(r, ITEM_KINDS), network);
	switch (i->kind) {
	case ITEM_INTERFACE:
		random_ifname(r, i->interface.name);
		i->interface.role = (int)rand_below(r, 4);
		if (random_one_in(r, 2))
			random_bytes(r, i->interface.public_key.bytes, KEY_LEN);
		i->interface.sealed_key = random_one_in(r, 2) ? NULL : random_text(r);
		i->interface.listen_port = (uint16_t)rand_next(r);
		i->interface.mtu = (uint32_t)rand_next(r);
		i->interface.fwmark = (uint32_t)rand_next(r);
		break;
	case ITEM_ADDRESS:
		random_ifname(r, i->address.interface);
		i->address.addr = random_addr(r);
		i->address.len = (uint8_t)rand_below(r, addr_width(i->address.addr) + 1u);
		break;
	case ITEM_SYSCTL:
		i->sysctl.name = random_text(r);
		i->sysctl.value = random_text(r);
		break;
	case ITEM_FIREWALL:
		random_strs(r, &i->firewall.interfaces);
		random_strs(r, &i->firewall.hubs);
		random_rules(r, &i->firewall.input);
		random_rules(r, &i->firewall.forward);
		random_strs(r, &i->firewall.sets);
		random_prefixes(r, &i->firewall.overlay);
		random_prefixes(r, &i->firewall.masquerade);
		random_prefixes(r, &i->firewall.inside);
		if (random_one_in(r, 2))
			random_ifname(r, i->firewall.exit_interface);
		for (uint64_t n = rand_below(r, 3); n > 0; n--) {
			struct fw_exit x = {.set = random_text(r), .mark = (uint32_t)rand_next(r)};

			if (random_one_in(r, 2))
				random_ifname(r, x.interface);
			VEC_PUSH(&i->firewall.exits, x);
		}
		break;
	case ITEM_SET:
		i->set.set = random_text(r);
		i->set.prefix = random_prefix(r);
		break;
	case ITEM_LIMIT:
		snprintf(i->limit.device, ID_LEN, "cl_%llu", (unsigned long long)rand_next(r));
		if (random_one_in(r, 2))
			i->limit.addr = random_addr(r);
		if (random_one_in(r, 2))
			i->limit.addr6 = random_addr(r);
		i->limit.rate = rand_next(r) >> (1 + rand_below(r, 63));
		break;
	case ITEM_PEER:
		random_ifname(r, i->peer.interface);
		snprintf(i->peer.id, ID_LEN, "cl_%llu", (unsigned long long)rand_next(r));
		random_bytes(r, i->peer.public_key.bytes, KEY_LEN);
		if (random_one_in(r, 2))
			i->peer.mesh_ip = random_addr(r);
		if (random_one_in(r, 2))
			i->peer.mesh_ip6 = random_addr(r);
		i->peer.endpoint = random_one_in(r, 2) ? NULL : random_text(r);
		i->peer.generation = (uint32_t)rand_next(r);
		random_prefixes(r, &i->peer.allowed_ips);
		if (random_one_in(r, 2))
			random_bytes(r, i->peer.psk.bytes, KEY_LEN);
		if (random_one_in(r, 3)) {
			random_bytes(r, i->peer.next_public_key.bytes, KEY_LEN);
			random_bytes(r, i->peer.next_psk.bytes, KEY_LEN);
		}
		i->peer.keepalive = (uint16_t)rand_next(r);
		i->peer.not_after = random_time(r);
		break;
	case ITEM_ROUTE:
		random_ifname(r, i->route.interface);
		i->route.dst = random_prefix(r);
		i->route.metric = (uint32_t)rand_next(r);
		if (rand_next(r) % 2)
			id_copy(i->route.peer, "mem_1");
		break;
	case ITEM_EXIT:
		i->exit.mark = (uint32_t)rand_next(r);
		random_ifname(r, i->exit.interface);
		random_prefixes(r, &i->exit.inside);
		random_prefixes(r, &i->exit.back);
		break;
	case ITEM_HOST:
		i->host.name = random_text(r);
		if (random_one_in(r, 2))
			i->host.addr = random_addr(r);
		if (random_one_in(r, 2))
			i->host.addr6 = random_addr(r);
		break;
	case ITEM_DNS:
		i->dns.domain = random_text(r);
		random_prefixes(r, &i->dns.listen);
		random_strs(r, &i->dns.upstreams);
		break;
	case ITEM_NAME:
		snprintf(i->name.id, ID_LEN, "mem_%llu", (unsigned long long)rand_next(r));
		i->name.name = random_text(r);
		if (random_one_in(r, 2))
			i->name.addr = random_addr(r);
		if (random_one_in(r, 2))
			i->name.addr6 = random_addr(r);
		i->name.forward = random_one_in(r, 2);
		i->name.all = random_one_in(r, 2);
		break;
	case ITEM_KINDS:
		break;
	}
	return i;
}

static inline void random_state(struct rand *r, unsigned items, struct state *ret)
{
	snprintf(ret->node, ID_LEN, "node_%u", (unsigned)rand_below(r, 100));
	snprintf(ret->project, ID_LEN, "prj_%u", (unsigned)rand_below(r, 100));
	ret->revision = rand_next(r) >> (1 + rand_below(r, 63));
	random_strs(r, &ret->requires);
	while (items-- > 0)
		state_put(ret, random_item(r));
}

#endif
