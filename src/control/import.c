/* DOC: see import.h. The file is read as it is; what a network cannot hold is refused by line. */
#include "control/import.h"

#include "base/map.h"
#include "base/text.h"
#include "codec/wglint.h"
#include "crypto/key.h"
#include "model/names.h"
#include "model/schema.h"
#include "plan/policy.h"

#include <stdio.h>
#include <strings.h>

#define PORT_DEFAULT 51820
#define KEEPALIVE 25
#define NODES_MAX 0x6000 /* addresses kept for nodes of a large pool */

static int refuse(struct err *e, unsigned line, const char *text)
{
	return err_field(e, ERR_INVALID, "config", "line %u: %s", line, text);
}

static void note(struct import *i, unsigned line, char *text)
{
	struct import_note n = {line, text};

	VEC_PUSH(&i->notes, n);
}

static unsigned line_of(const struct wgconf_section *s, const char *key)
{
	VEC_FOREACH (entry, &s->entries)
		if (entry->key != NULL && strcasecmp(entry->key, key) == 0)
			return entry->line;
	return s->line;
}

/* --- [Interface] ------------------------------------------------------------------------------ */

/* A gateway's IPv6 address follows from its IPv4 one. */
static void note_address(struct import *i, unsigned line, struct addr was, struct addr is)
{
	char before[ADDR_TEXT_LEN], after[ADDR_TEXT_LEN];

	if (addr_compare(was, is) != 0)
		note(i, line,
			mem_printf("the gateway's own IPv6 address becomes %s; %s goes once the "
				   "gateway is taken over (clients keep theirs)",
				addr_format(is, after), addr_format(was, before)));
}

#define ONE_OF_EACH "a network has one IPv4 pool and one IPv6 /64 of fd00::/8"

struct own_addresses {
	struct addr ipv4, ipv6; /* as in the file */
	unsigned line6;
};

/* The first of each family becomes the network's. */
static int read_address(
	struct import *i, unsigned line, const char *word, struct own_addresses *own, struct err *e)
{
	struct network *n = &i->network;
	char text[PREFIX_TEXT_LEN];
	struct addr host;
	struct prefix p;

	if (wglint_prefix(word, &host, &p) < 0)
		return refuse(e, line, "Address is no address");
	if (host.family == FAMILY_IPV4 && !addr_is_set(own->ipv4)) {
		if (p.len > 29)
			return refuse(e, line,
				"Address is too small a network: it needs room for clients and the "
				"gateway's node");
		n->ipv4 = p;
		own->ipv4 = host;
	} else if (host.family == FAMILY_IPV6 && !addr_is_set(own->ipv6) && p.len == 64 &&
		p.addr.bits >> 120 == 0xfd) {
		n->ipv6 = p;
		own->ipv6 = host;
		own->line6 = line;
	} else {
		note(i, line,
			mem_printf("Address %s is left out: " ONE_OF_EACH, prefix_format(p, text)));
	}
	return 0;
}

static int read_addresses(struct import *i, const struct wgconf_section *s, struct err *e)
{
	struct own_addresses own = {0};
	struct network *n = &i->network;
	int r = 0;

	VEC_FOREACH (entry, &s->entries) {
		const char *at = entry->value;
		char word[128];

		if (entry->key == NULL || strcasecmp(entry->key, "Address") != 0)
			continue;
		while (r == 0 && wgconf_word(&at, word, sizeof(word)))
			r = read_address(i, entry->line, word, &own, e);
	}
	if (r < 0)
		return r;
	n->gateway_addr = addr_is_set(own.ipv4) ? own.ipv4 : own.ipv6;
	if (addr_is_set(own.ipv4) && addr_is_set(own.ipv6))
		note_address(i, own.line6, own.ipv6, policy_twin_addr(n, own.ipv4));
	return addr_is_set(n->gateway_addr)
		? 0
		: refuse(e, line_of(s, "Address"),
			  "[Interface] has no Address for a network, like 10.8.0.1/24 or "
			  "fd00:8::1/64: " ONE_OF_EACH);
}

/* Commands and settings that do not come along, as notes. */
static void note_rest(struct import *i, const struct wgconf_section *s)
{
	static const char *const taken[] = {
		"PrivateKey", "ListenPort", "Address", "MTU", "SaveConfig", NULL};

	VEC_FOREACH (entry, &s->entries) {
		bool known = entry->key == NULL;

		for (size_t k = 0; !known && taken[k] != NULL; k++)
			known = strcasecmp(entry->key, taken[k]) == 0;
		if (known || text_printable(entry->key) < 0 || text_printable(entry->value) < 0)
			continue;
		/* a value is repeated only where it is surely no key */
		if (strcasecmp(entry->key, "DNS") == 0 || strcasecmp(entry->key, "Table") == 0 ||
			strcasestr(entry->key, "Up") != NULL ||
			strcasestr(entry->key, "Down") != NULL)
			note(i, entry->line,
				mem_printf("%.40s is not run and not kept: %.300s", entry->key,
					entry->value));
		else
			note(i, entry->line, mem_printf("%.40s is left out", entry->key));
	}
}

static int read_number(const struct wgconf_section *s, const char *key, uint64_t max,
	uint64_t fallback, uint64_t *ret, struct err *e)
{
	const char *text = wgconf_get(s, key);

	*ret = fallback;
	if (text == NULL || text_u64(text, max, ret) == 0)
		return 0;
	return err_field(e, ERR_INVALID, "config", "line %u: %s is no number up to %llu",
		line_of(s, key), key, (unsigned long long)max);
}

static int read_interface(struct import *i, const struct wgconf_section *s, struct err *e)
{
	struct network *n = &i->network;
	const char *key = wgconf_get(s, "PrivateKey");
	uint64_t port, mtu;
	int r;

	if (key == NULL || key_parse_secret(key, "config", &i->private_key, NULL) < 0)
		return refuse(e, line_of(s, "PrivateKey"), "PrivateKey is missing or no key");
	if ((r = read_number(s, "ListenPort", UINT16_MAX, PORT_DEFAULT, &port, e)) < 0 ||
		(r = read_number(s, "MTU", 9000, 0, &mtu, e)) < 0)
		return r;
	if (wgconf_get(s, "ListenPort") == NULL || port == 0)
		note(i, s->line, mem_printf("there is no ListenPort: %d is taken", PORT_DEFAULT));
	n->listen_port = (uint16_t)(port != 0 ? port : PORT_DEFAULT);
	n->mtu = (uint32_t)mtu;
	r = read_addresses(i, s, e);
	if (r == 0)
		note_rest(i, s);
	return r;
}

/* --- [Peer] ----------------------------------------------------------------------------------- */

/* By which a client is known: IPv6 only where the network has nothing else. */
static struct addr main_addr(const struct import *i, const struct imported_client *c)
{
	return i->network.gateway_addr.family == FAMILY_IPV4 ? c->ipv4 : c->ipv6;
}

static int take_prefix(struct import *i, struct imported_client *c, unsigned line, struct prefix p,
	bool skip, struct err *e)
{
	const struct network *n = &i->network;
	struct addr *own = p.addr.family == FAMILY_IPV4 ? &c->ipv4 : &c->ipv6;
	struct prefix pool = p.addr.family == FAMILY_IPV4 ? n->ipv4 : n->ipv6;
	char text[PREFIX_TEXT_LEN];

	if (p.len == addr_width(p.addr) && !addr_is_set(*own) && addr_is_set(pool.addr) &&
		prefix_has(pool, p.addr)) {
		*own = p.addr;
		return 0;
	}
	if (!skip)
		return err_field(e, ERR_INVALID, "config",
			"line %u: AllowedIPs %s is not one address of the interface's network: a "
			"client has no subnets behind it; import without them by skip_subnets, and "
			"declare them afterwards",
			line, prefix_format(p, text));
	note(i, line, mem_printf("AllowedIPs %s is left out", prefix_format(p, text)));
	return 0;
}

static int read_allowed(struct import *i, const struct wgconf_section *s, bool skip,
	struct imported_client *c, struct err *e)
{
	VEC_FOREACH (entry, &s->entries) {
		const char *at = entry->value;
		char word[128];
		struct addr host;
		struct prefix p;
		int r = 0;

		if (entry->key == NULL || strcasecmp(entry->key, "AllowedIPs") != 0)
			continue;
		while (r == 0 && wgconf_word(&at, word, sizeof(word)))
			r = wglint_prefix(word, &host, &p) < 0
				? refuse(e, entry->line, "AllowedIPs is no prefix")
				: take_prefix(i, c, entry->line, p, skip, e);
		if (r < 0)
			return r;
	}
	if (!addr_is_set(main_addr(i, c)))
		return refuse(e, s->line,
			"this peer has no address of the interface's network in its AllowedIPs");
	return 0;
}

/* Made from the comment, or from the address; the second of a name gets a number. */
static void name_client(
	struct imported_client *c, struct addr own, const char *given, struct map *names)
{
	CLEANUP(buf_done) struct buf name = {0};
	char text[ADDR_TEXT_LEN];

	if (given != NULL && name_check(given, "name", NULL) == 0)
		buf_adds(&name, given);
	else
		buf_addf(&name, "client %s", addr_format(own, text));
	if (map_get(names, buf_str(&name)) != NULL)
		buf_addf(&name, " (%s)", addr_format(own, text));
	/* too long with it: the address alone is unique */
	if (name_check(buf_str(&name), "name", NULL) < 0 ||
		map_get(names, buf_str(&name)) != NULL) {
		buf_reset(&name);
		buf_addf(&name, "client %s", addr_format(own, text));
	}
	c->name = buf_take(&name);
	map_set(names, c->name, c->name);
}

static int read_peer(struct import *i, const struct wgconf_section *s, bool skip, struct map *names,
	struct err *e)
{
	const char *key = wgconf_get(s, "PublicKey"), *psk = wgconf_get(s, "PresharedKey");
	struct imported_client c = {.line = s->line};
	int r = 0;

	if (key == NULL || key_read_public(key, "config", &c.public_key, NULL) < 0)
		return refuse(e, line_of(s, "PublicKey"), "PublicKey is missing or no key");
	if (key_check_public(&c.public_key, "config", NULL) < 0)
		return refuse(e, line_of(s, "PublicKey"),
			"PublicKey is a point of low order: no handshake with it can succeed");
	if (psk != NULL && key_parse_secret(psk, "config", &c.psk, NULL) < 0)
		return refuse(e, line_of(s, "PresharedKey"), "PresharedKey is no key");
	r = read_allowed(i, s, skip, &c, e);
	if (r == 0) {
		name_client(&c, main_addr(i, &c), s->name, names);
		if (wgconf_get(s, "Endpoint") != NULL)
			note(i, line_of(s, "Endpoint"),
				mem_printf("Endpoint of %s is left out: clients call the gateway, "
					   "not the other way round",
					c.name));
		VEC_PUSH(&i->clients, c);
	}
	secret_wipe(&c.psk);
	return r;
}

/* --- ranges ----------------------------------------------------------------------------------- */

static void map_wipe(struct map *m)
{
	map_done(m, NULL);
}

static int check_twice(struct import *i, struct err *e)
{
	CLEANUP(map_wipe) struct map seen = {0};

	VEC_FOREACH (c, &i->clients) {
		char key[KEY_TEXT_LEN], v4[ADDR_TEXT_LEN], v6[ADDR_TEXT_LEN];
		const char *const texts[] = {key_format_public(&c->public_key, key),
			addr_is_set(c->ipv4) ? addr_format(c->ipv4, v4) : NULL,
			addr_is_set(c->ipv6) ? addr_format(c->ipv6, v6) : NULL};

		if (addr_compare(main_addr(i, c), i->network.gateway_addr) == 0)
			return refuse(e, c->line, "this peer has the interface's own address");
		for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
			const struct imported_client *other =
				texts[k] != NULL ? map_get(&seen, texts[k]) : NULL;

			if (other != NULL)
				return err_field(e, ERR_EXISTS, "config",
					"line %u: %s belongs to the peer of line %u (%s) already",
					c->line, texts[k], other->line, other->name);
			if (texts[k] != NULL)
				map_set(&seen, texts[k], c);
		}
	}
	return 0;
}

/* Inside, and neither its first nor its last. */
static bool within(struct prefix p, struct addr a)
{
	return prefix_has(p, a) && addr_compare(a, prefix_first(p)) != 0 &&
		addr_compare(a, prefix_last(p)) != 0;
}

/* Where all addresses are to lie. Ranges in the whole of a /64 would be a hundred prefixes, each of
 * them a route and an element of sets; near each other they are some thirty. */
static struct prefix room(const struct import *i)
{
	static const uint8_t lengths[] = {111, 95, 79};
	struct addr gateway = i->network.gateway_addr;

	if (gateway.family == FAMILY_IPV4)
		return i->network.ipv4;
	for (size_t k = 0; k < ARRAY_LEN(lengths); k++) {
		struct prefix p = {prefix_first((struct prefix){gateway, lengths[k]}), lengths[k]};
		bool all = within(p, gateway);

		VEC_FOREACH (c, &i->clients)
			all = all && within(p, c->ipv6);
		if (all)
			return p;
	}
	return i->network.ipv6;
}

static int refuse_edge(struct err *e, unsigned line, const char *whose, struct addr a)
{
	char text[ADDR_TEXT_LEN];

	return err_field(e, ERR_INVALID, "config",
		"line %u: %s%s is the first or last address of the network, which nobody can have",
		line, whose, addr_format(a, text));
}

/* The clients are where they are; the gateway's node gets room on the larger side of them. line: of
 * the interface's Address. */
static int set_ranges(struct import *i, unsigned line, struct err *e)
{
	struct network *n = &i->network;
	struct prefix pool = room(i);
	u128 first = pool.addr.bits + 1, last = prefix_last(pool).bits - 1;
	u128 gateway = n->gateway_addr.bits, lo, hi, above, below, nodes;

	if (gateway < first || gateway > last)
		return refuse_edge(e, line, "Address ", n->gateway_addr);
	/* the larger side of the gateway, where all clients must be */
	lo = hi = gateway - first > last - gateway ? first : last;
	if (i->clients.n > 0)
		lo = hi = main_addr(i, i->clients.v).bits;
	VEC_FOREACH (c, &i->clients) {
		struct addr a = main_addr(i, c);

		if (a.bits < first || a.bits > last)
			return refuse_edge(e, c->line, "", a);
		lo = a.bits < lo ? a.bits : lo;
		hi = a.bits > hi ? a.bits : hi;
	}
	if (lo < gateway && gateway < hi)
		return err_field(e, ERR_INVALID, "config",
			"line %u: the interface's Address lies between those of its clients: one "
			"range cannot hold them",
			line);
	if (gateway < lo)
		first = gateway + 1;
	else
		last = gateway - 1;
	if (i->clients.n == 0)
		lo = hi = gateway < lo ? first : last;
	above = last - hi;
	below = lo - first;
	nodes = (above >= below ? above : below) / 4;
	nodes = nodes < 1 ? 1 : nodes > NODES_MAX ? NODES_MAX : nodes;
	if (above == 0 && below == 0)
		return err_field(e, ERR_EXHAUSTED, "config",
			"line %u: no address of the network is left for the gateway's node", line);
	n->device_first = n->device_last = n->node_first = n->node_last = n->gateway_addr;
	n->device_first.bits = above >= below ? first : first + nodes;
	n->device_last.bits = above >= below ? last - nodes : last;
	n->node_first.bits = above >= below ? last - nodes + 1 : first;
	n->node_last.bits = above >= below ? last : first + nodes - 1;
	return 0;
}

int import_read(const char *text, size_t n, const char *name, bool skip_subnets, struct import *ret,
	struct err *e)
{
	CLEANUP(wgconf_done) struct wgconf c = {0};
	CLEANUP(map_wipe) struct map names = {0};
	CLEANUP(import_done) struct import i = {0};
	const struct wgconf_section *own;
	int r = wgconf_parse(text, n, &c, e);

	if (r < 0) {
		if (e != NULL)
			snprintf(e->field, sizeof(e->field), "config");
		return r;
	}
	own = wgconf_first(&c, WGCONF_INTERFACE);
	if (own == NULL)
		return err_field(e, ERR_INVALID, "config", "there is no [Interface]");
	i.network.name = mem_strdup(name);
	i.network.keepalive = KEEPALIVE;
	r = read_interface(&i, own, e);
	VEC_FOREACH (s, &c.sections)
		if (r == 0 && s->kind == WGCONF_PEER)
			r = read_peer(&i, s, skip_subnets, &names, e);
	if (r == 0)
		r = check_twice(&i, e);
	if (r == 0)
		r = set_ranges(&i, line_of(own, "Address"), e);
	if (r == 0) {
		*ret = i;
		i = (struct import){0};
	}
	return r;
}

void import_done(struct import *i)
{
	schema_done(&schema_network, &i->network);
	secret_wipe(&i->private_key);
	VEC_FOREACH (c, &i->clients) {
		mem_free(c->name);
		secret_wipe(&c->psk);
	}
	VEC_DONE(&i->clients);
	VEC_FOREACH (note, &i->notes)
		mem_free(note->text);
	VEC_DONE(&i->notes);
	*i = (struct import){0};
}
