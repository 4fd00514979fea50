/*
 * DOC: the linter's second half: what only shows when the whole file is looked at: keys that meet
 * themselves, prefixes two peers claim, tunnels that catch their own packets.
 */
#include "codec/wglint.h"

#include "base/text.h"
#include "crypto/key.h"
#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

const char *const wglint_level_words[] = {"note", "warning", "error", NULL};

void wglint_add(struct wglint *l, unsigned line, enum wglint_level level, const char *advice,
	const char *fmt, ...)
{
	struct wglint_finding f = {.line = line, .level = level, .advice = mem_strdup(advice)};
	struct buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	f.text = buf_take(&text);
	text_make_printable(f.text); /* values are cut where it may hurt a character */
	VEC_PUSH(&l->findings, f);
}

static unsigned line_of(const struct wgconf_section *s, const char *key)
{
	for (size_t i = s->entries.n; i-- > 0;)
		if (s->entries.v[i].key != NULL && strcasecmp(s->entries.v[i].key, key) == 0)
			return s->entries.v[i].line;
	return s->line;
}

/* --- the file --------------------------------------------------------------------------------- */

static void check_form(struct wglint *l, const struct wgconf *c)
{
	if (c->bom)
		wglint_add(l, 1, WGLINT_ERROR, "save the file as UTF-8 without BOM",
			"the file begins with a byte order mark: its first line is not read");
	if (c->crlf)
		wglint_add(l, 1, WGLINT_WARNING, "sed -i 's/\\r$//' FILE",
			"lines end as on Windows: wg-quick hands the rest of each line on");
	if (l->interface != NULL && ifname_check(l->interface) < 0)
		wglint_add(l, 1, WGLINT_ERROR, "rename it: 1 to 15 letters, digits or _=+.-",
			"the file's name is the interface's, and the kernel takes no such name");
}

static void check_sections(struct wglint *l, const struct wgconf *c)
{
	unsigned interfaces = 0, peers = 0;

	VEC_FOREACH (s, &c->sections) {
		interfaces += s->kind == WGCONF_INTERFACE;
		peers += s->kind == WGCONF_PEER;
		if (s->kind == WGCONF_INTERFACE && interfaces > 1)
			wglint_add(l, s->line, WGLINT_ERROR, "put all of it under the first one",
				"a second [Interface]: a file describes one");
		if (s->kind == WGCONF_UNKNOWN && *s->title == '\0')
			wglint_add(l, s->line, WGLINT_ERROR, "put [Interface] or [Peer] before it",
				"a line before the first section");
		else if (s->kind == WGCONF_UNKNOWN)
			wglint_add(l, s->line, WGLINT_ERROR, "there are [Interface] and [Peer]",
				"there is no section [%.40s]",
				text_printable(s->title) >= 0 ? s->title : "?");
		else
			wglint_entries(l, s);
	}
	if (interfaces == 0)
		wglint_add(l, 1, WGLINT_ERROR, "put [Interface] with PrivateKey and Address on top",
			"there is no [Interface]");
	if (peers == 0)
		wglint_add(l, 1, WGLINT_WARNING, "add a [Peer]", "nobody is at the other end");
}

/* --- keys ------------------------------------------------------------------------------------- */

struct seen_key {
	struct public_key key;
	unsigned line;
};

static int by_key(const void *a, const void *b)
{
	const struct seen_key *x = a, *y = b;
	int c = memcmp(x->key.bytes, y->key.bytes, KEY_LEN);

	return c != 0 ? c : (x->line > y->line) - (x->line < y->line);
}

static void check_peer_keys(struct wglint *l, const struct wgconf *c, const char *private_text,
	const struct public_key *own)
{
	VEC(struct seen_key) keys = {0};

	VEC_FOREACH (s, &c->sections) {
		const char *text = s->kind == WGCONF_PEER ? wgconf_get(s, "PublicKey") : NULL;
		const char *psk = s->kind == WGCONF_PEER ? wgconf_get(s, "PresharedKey") : NULL;
		struct seen_key k = {.line = line_of(s, "PublicKey")};

		if (s->kind != WGCONF_PEER)
			continue;
		if (text == NULL)
			wglint_add(l, s->line, WGLINT_ERROR, "a peer is its key",
				"a [Peer] without PublicKey");
		else if (private_text != NULL && strcmp(text, private_text) == 0)
			wglint_add(l, k.line, WGLINT_ERROR,
				"put the other end's public key here, and make new keys: this one "
				"may have been given away",
				"PublicKey is this file's own private key");
		else if (key_parse_public(text, "k", &k.key, NULL) == 0) {
			if (own != NULL && public_key_equal(own, &k.key))
				wglint_add(l, k.line, WGLINT_ERROR,
					"put the other end's public key here",
					"PublicKey belongs to this file's own private key");
			VEC_PUSH(&keys, k);
		}
		if (psk != NULL &&
			((private_text != NULL && strcmp(psk, private_text) == 0) ||
				(text != NULL && strcmp(psk, text) == 0)))
			wglint_add(l, line_of(s, "PresharedKey"), WGLINT_ERROR,
				"make one with wg genpsk, the same at both ends",
				"PresharedKey is one of the other keys");
	}
	if (keys.n > 1)
		qsort(keys.v, keys.n, sizeof(*keys.v), by_key);
	for (size_t i = 1; i < keys.n; i++)
		if (public_key_equal(&keys.v[i - 1].key, &keys.v[i].key))
			wglint_add(l, keys.v[i].line, WGLINT_ERROR,
				"join the two, or give each device its own key",
				"the peer of line %u has the same PublicKey: they become one",
				keys.v[i - 1].line);
	VEC_DONE(&keys);
}

static void check_keys(struct wglint *l, const struct wgconf *c, const struct wgconf_section *own)
{
	CLEANUP(secret_wipe) struct secret key = {0};
	const char *text = own != NULL ? wgconf_get(own, "PrivateKey") : NULL;
	struct public_key public_key;
	bool known = text != NULL && key_parse_secret(text, "k", &key, NULL) == 0;

	if (known)
		key_public(&key, &public_key);
	if (own != NULL && text == NULL)
		wglint_add(l, own->line, WGLINT_ERROR, "wg genkey makes one",
			"there is no PrivateKey");
	if (text != NULL && (l->mode & 077))
		wglint_add(l, line_of(own, "PrivateKey"), WGLINT_WARNING, "chmod 600 FILE",
			"others on this machine can read the private key (mode %04o)", l->mode);
	check_peer_keys(l, c, text, known ? &public_key : NULL);
}

/* --- prefixes --------------------------------------------------------------------------------- */

struct claim {
	struct prefix prefix;
	struct addr host;    /* as written; for addresses */
	unsigned line, peer; /* line of the section */
};
VEC_TYPE(claims, struct claim);

static void collect(const struct wgconf_section *s, const char *key, struct claims *ret)
{
	VEC_FOREACH (entry, &s->entries) {
		const char *at = entry->value;
		char word[128];

		if (entry->key == NULL || strcasecmp(entry->key, key) != 0)
			continue;
		while (wgconf_word(&at, word, sizeof(word))) {
			struct claim claim = {.line = entry->line, .peer = s->line};

			if (wglint_prefix(word, &claim.host, &claim.prefix) == 0)
				VEC_PUSH(ret, claim);
		}
	}
}

static int by_prefix(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int c = prefix_compare(x->prefix, y->prefix);

	return c != 0 ? c : (x->line > y->line) - (x->line < y->line);
}

/* What two peers claim, and what one has inside the other's. claims is sorted. */
static void check_claims(struct wglint *l, const struct claims *claims)
{
	char text[PREFIX_TEXT_LEN], outer_text[PREFIX_TEXT_LEN];
	VEC(const struct claim *) open = {0};

	for (size_t i = 0; i < claims->n; i++) {
		const struct claim *c = &claims->v[i], *outer = NULL;

		while (open.n > 0 && !prefix_contains(open.v[open.n - 1]->prefix, c->prefix))
			open.n--;
		if (open.n > 0)
			outer = open.v[open.n - 1];
		if (outer != NULL && prefix_compare(outer->prefix, c->prefix) == 0) {
			if (outer->peer == c->peer)
				wglint_add(l, c->line, WGLINT_NOTE, "leave one out",
					"AllowedIPs %s is there twice",
					prefix_format(c->prefix, text));
			else
				wglint_add(l, c->line, WGLINT_ERROR, "give it to one of them",
					"AllowedIPs %s is also at the peer of line %u: only the "
					"last one has it",
					prefix_format(c->prefix, text), outer->peer);
		} else if (outer != NULL && outer->peer != c->peer && outer->prefix.len > 0) {
			wglint_add(l, c->line, WGLINT_NOTE, "",
				"AllowedIPs %s is taken out of %s of the peer of line %u",
				prefix_format(c->prefix, text),
				prefix_format(outer->prefix, outer_text), outer->peer);
		}
		VEC_PUSH(&open, c);
	}
	VEC_DONE(&open);
}

static void check_addresses(struct wglint *l, const struct wgconf_section *own,
	const struct claims *addresses, const struct claims *claims)
{
	char text[ADDR_TEXT_LEN];

	if (addresses->n == 0)
		wglint_add(l, own->line, WGLINT_WARNING, "add Address, like 10.8.0.2/24",
			"the interface has no address: wg-quick leaves it bare");
	for (size_t i = 1; i < addresses->n; i++)
		if (addr_compare(addresses->v[i - 1].host, addresses->v[i].host) == 0)
			wglint_add(l, addresses->v[i].line, WGLINT_WARNING, "leave one out",
				"Address %s is there twice",
				addr_format(addresses->v[i].host, text));
	VEC_FOREACH (a, addresses) {
		struct claim key = {.prefix = prefix_host(a->host)};
		size_t lo = 0, hi = claims->n;

		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;

			if (prefix_compare(claims->v[mid].prefix, key.prefix) < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (lo < claims->n && prefix_compare(claims->v[lo].prefix, key.prefix) == 0)
			wglint_add(l, claims->v[lo].line, WGLINT_ERROR,
				"give the peer an address of its own",
				"AllowedIPs %s is this machine's own Address",
				addr_format(a->host, text));
	}
}

/* --- the tunnel ------------------------------------------------------------------------------- */

struct shape {
	bool full4, full6, endpoint, dns, port;
	unsigned full_line;
};

static void look(const struct wgconf *c, const struct wgconf_section *own,
	const struct claims *claims, struct shape *ret)
{
	VEC_FOREACH (claim, claims)
		if (claim->prefix.len == 0) {
			ret->full4 = ret->full4 || claim->prefix.addr.family == FAMILY_IPV4;
			ret->full6 = ret->full6 || claim->prefix.addr.family == FAMILY_IPV6;
			ret->full_line = claim->line;
		}
	VEC_FOREACH (s, &c->sections)
		ret->endpoint = ret->endpoint ||
			(s->kind == WGCONF_PEER && wgconf_get(s, "Endpoint") != NULL);
	ret->dns = wgconf_get(own, "DNS") != NULL;
	ret->port = wgconf_get(own, "ListenPort") != NULL;
}

static void check_full(struct wglint *l, const struct shape *shape)
{
	if (shape->full4 != shape->full6)
		wglint_add(l, shape->full_line, WGLINT_WARNING,
			shape->full4
				? "add ::/0 beside it (and an IPv6 address, if the other end has "
				  "one)"
				: "add 0.0.0.0/0 beside it",
			"everything of %s goes through the tunnel, and %s goes past it",
			shape->full4 ? "IPv4" : "IPv6", shape->full4 ? "IPv6" : "IPv4");
	if ((shape->full4 || shape->full6) && !shape->dns)
		wglint_add(l, shape->full_line, WGLINT_WARNING,
			"add DNS = with a resolver behind the tunnel",
			"names are still asked for at the local network's resolver");
}

/* Packets to the gateway that the tunnel itself would catch. */
static void check_loop(struct wglint *l, const struct wgconf_section *peer)
{
	const char *text = wgconf_get(peer, "Endpoint");
	struct claims own = {0};
	char host[256], shown[PREFIX_TEXT_LEN];
	uint16_t port;
	struct addr a;

	if (text == NULL || endpoint_check(text, "e", NULL) < 0 ||
		endpoint_split(text, host, sizeof(host), &port) < 0 || addr_parse(host, &a) < 0)
		return;
	collect(peer, "AllowedIPs", &own);
	VEC_FOREACH (claim, &own)
		if (claim->prefix.len > 0 && prefix_has(claim->prefix, a)) {
			wglint_add(l, claim->line, WGLINT_WARNING,
				"leave the endpoint's address out of AllowedIPs",
				"AllowedIPs %s holds the peer's own Endpoint: the tunnel's packets "
				"go in circles",
				prefix_format(claim->prefix, shown));
			break;
		}
	VEC_DONE(&own);
}

static void check_reach(struct wglint *l, const struct wgconf *c, const struct wgconf_section *own,
	const struct shape *shape)
{
	if (!shape->endpoint && !shape->port)
		wglint_add(l, own->line, WGLINT_WARNING, "add ListenPort = 51820",
			"no peer has an Endpoint and this end has no ListenPort: nobody knows where "
			"to call");
	VEC_FOREACH (s, &c->sections) {
		if (s->kind != WGCONF_PEER)
			continue;
		if (wgconf_get(s, "AllowedIPs") == NULL)
			wglint_add(l, s->line, WGLINT_WARNING, "list what lies behind this peer",
				"a [Peer] without AllowedIPs: nothing goes to it");
		if (wgconf_get(s, "Endpoint") != NULL && !shape->port &&
			wgconf_get(s, "PersistentKeepalive") == NULL)
			wglint_add(l, s->line, WGLINT_NOTE,
				"add PersistentKeepalive = 25 if others must reach this machine",
				"behind NAT the other end cannot call once this one has been silent");
		check_loop(l, s);
	}
}

static int by_line(const void *a, const void *b)
{
	const struct wglint_finding *x = a, *y = b;

	return x->line != y->line ? (x->line > y->line) - (x->line < y->line)
				  : (int)y->level - (int)x->level;
}

void wglint_check(struct wglint *l, const struct wgconf *c)
{
	const struct wgconf_section *own = wgconf_first(c, WGCONF_INTERFACE);
	struct claims claims = {0}, addresses = {0};
	struct shape shape = {0};

	check_form(l, c);
	check_sections(l, c);
	check_keys(l, c, own);
	VEC_FOREACH (s, &c->sections)
		if (s->kind == WGCONF_PEER)
			collect(s, "AllowedIPs", &claims);
	if (claims.n > 1)
		qsort(claims.v, claims.n, sizeof(*claims.v), by_prefix);
	check_claims(l, &claims);
	if (own != NULL) {
		collect(own, "Address", &addresses);
		check_addresses(l, own, &addresses, &claims);
		look(c, own, &claims, &shape);
		check_full(l, &shape);
		check_reach(l, c, own, &shape);
	}
	VEC_DONE(&claims);
	VEC_DONE(&addresses);
	if (l->findings.n > 1)
		qsort(l->findings.v, l->findings.n, sizeof(*l->findings.v), by_line);
}

bool wglint_failed(const struct wglint *l)
{
	VEC_FOREACH (f, &l->findings)
		if (f->level > WGLINT_NOTE)
			return true;
	return false;
}

void wglint_done(struct wglint *l)
{
	VEC_FOREACH (f, &l->findings) {
		mem_free(f->text);
		mem_free(f->advice);
	}
	VEC_DONE(&l->findings);
}
