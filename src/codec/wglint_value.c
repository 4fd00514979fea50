/*
 * DOC: the linter's first half: every entry by itself, driven by a table of the keys there are.
 */
#include "codec/wglint.h"

#include "base/text.h"
#include "crypto/key.h"
#include "model/names.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

struct spec;
struct subject {
	struct wglint *l;
	const struct spec *spec;
	unsigned line;
	const char *value;
};

struct spec {
	const char *key;
	enum wgconf_kind section;
	bool many; /* may be there several times */
	void (*check)(const struct subject *s);
};

static void error(const struct subject *s, const char *advice, const char *text)
{
	wglint_add(s->l, s->line, WGLINT_ERROR, advice, "%s %s", s->spec->key, text);
}

static bool is_number(const char *text, uint64_t max, uint64_t *ret)
{
	char *end;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		*ret = strtoull(text + 2, &end, 16);
		return text[2] != '\0' && strlen(text) <= 10 && *end == '\0' && *ret <= max &&
			strchr(text, '-') == NULL;
	}
	return text_u64(text, max, ret) == 0;
}

/* --- values ----------------------------------------------------------------------------------- */

static void check_secret(const struct subject *s)
{
	CLEANUP(secret_wipe) struct secret key = {0};

	if (key_parse_secret(s->value, "key", &key, NULL) < 0)
		error(s,
			"a key is 44 characters of base64, the last one \"=\": make one with wg genkey",
			"is not a key");
}

static void check_public(const struct subject *s)
{
	struct public_key key;
	bool read = key_read_public(s->value, "key", &key, NULL) == 0;

	if (!read || key_check_public(&key, "key", NULL) < 0)
		error(s, "take it from the peer: wg show there, or wg pubkey of its private key",
			read ? "is a point of low order: no handshake with it can succeed"
			     : "is not a key");
}

static void check_port(const struct subject *s)
{
	uint64_t n;

	if (!is_number(s->value, UINT16_MAX, &n))
		error(s, "51820 is the usual one", "is not a port from 1 to 65535");
	else if (n == 0)
		wglint_add(s->l, s->line, WGLINT_NOTE, "leave it out, or give a port",
			"ListenPort 0 means another port at every start");
}

static void check_mark(const struct subject *s)
{
	uint64_t n;

	if (strcasecmp(s->value, "off") != 0 && !is_number(s->value, UINT32_MAX, &n))
		error(s, "", "is neither a number nor off");
}

static void check_table(const struct subject *s)
{
	uint64_t n;

	if (strcasecmp(s->value, "off") == 0)
		wglint_add(s->l, s->line, WGLINT_NOTE, "", "Table = off: wg-quick sets no routes");
	else if (strcasecmp(s->value, "auto") != 0 && !is_number(s->value, UINT32_MAX, &n) &&
		strcasecmp(s->value, "main") != 0)
		error(s, "", "is neither a number nor auto, main or off");
}

static void check_mtu(const struct subject *s)
{
	uint64_t n;

	if (!is_number(s->value, 65535, &n) || n < 576)
		error(s, "leave it out, or use 1420 (1280 always passes)",
			"is not a number from 576 to 65535");
	else if (n < 1280)
		wglint_add(s->l, s->line, WGLINT_WARNING, "use at least 1280",
			"MTU %u is too small for IPv6", (unsigned)n);
	else if (n > 1440)
		wglint_add(s->l, s->line, WGLINT_WARNING, "use 1420, or leave it out",
			"with MTU %u packets do not fit a path of 1500 bytes: large ones are lost or "
			"cut up",
			(unsigned)n);
}

static void check_bool(const struct subject *s)
{
	if (strcasecmp(s->value, "true") == 0)
		wglint_add(s->l, s->line, WGLINT_NOTE,
			"change it with wg set, or take the line out",
			"SaveConfig: what is edited here while the tunnel is up is overwritten, and "
			"comments go");
	else if (strcasecmp(s->value, "false") != 0)
		error(s, "", "is neither true nor false");
}

static void check_keepalive(const struct subject *s)
{
	uint64_t n;

	if (strcasecmp(s->value, "off") == 0)
		return;
	if (!is_number(s->value, UINT16_MAX, &n))
		error(s, "25 is the usual value", "is not a number of seconds from 0 to 65535");
	else if (n > 0 && n < 10)
		wglint_add(s->l, s->line, WGLINT_NOTE, "25 holds nearly every NAT open",
			"a packet every %u s costs a phone's battery", (unsigned)n);
	else if (n > 120)
		wglint_add(s->l, s->line, WGLINT_WARNING, "use 25",
			"after %u s many NATs have forgotten the tunnel", (unsigned)n);
}

int wglint_prefix(const char *word, struct addr *ret_host, struct prefix *ret)
{
	char text[ADDR_TEXT_LEN];
	const char *slash = strchr(word, '/');
	size_t n = slash != NULL ? (size_t)(slash - word) : strlen(word);
	uint64_t len;
	struct addr a;
	u128 mask;

	if (n >= sizeof(text))
		return ERR_INVALID;
	memcpy(text, word, n);
	text[n] = '\0';
	if (addr_parse(text, &a) < 0)
		return ERR_INVALID;
	len = addr_width(a);
	if (slash != NULL && text_u64(slash + 1, addr_width(a), &len) < 0)
		return ERR_INVALID;
	mask = len == addr_width(a) ? 0 : (((u128)1 << (addr_width(a) - len - 1)) << 1) - 1;
	*ret_host = a;
	a.bits &= ~mask;
	*ret = (struct prefix){a, (uint8_t)len};
	return 0;
}

static void check_address(const struct subject *s)
{
	const char *at = s->value;
	char word[128];
	struct addr host;
	struct prefix p;
	bool any = false;

	while (wgconf_word(&at, word, sizeof(word))) {
		any = true;
		if (wglint_prefix(word, &host, &p) < 0)
			wglint_add(s->l, s->line, WGLINT_ERROR, "write it like 10.8.0.2/24",
				"Address \"%.60s\" is no address",
				text_printable(word) >= 0 ? word : "?");
		else if (host.family == FAMILY_IPV4 && p.len < 31 &&
			(host.bits == p.addr.bits || host.bits == prefix_last(p).bits))
			wglint_add(s->l, s->line, WGLINT_ERROR,
				"take another address of the network",
				"Address %s is the %s address of its network", word,
				host.bits == p.addr.bits ? "network" : "broadcast");
		else if (addr_is_special(host))
			wglint_add(s->l, s->line, WGLINT_WARNING, "take a private one",
				"Address %s has a meaning of its own", word);
	}
	if (!any)
		error(s, "write it like 10.8.0.2/24", "is empty");
}

static void check_allowed(const struct subject *s)
{
	const char *at = s->value;
	char word[128], text[PREFIX_TEXT_LEN];
	struct addr host;
	struct prefix p;
	bool any = false;

	while (wgconf_word(&at, word, sizeof(word))) {
		any = true;
		if (wglint_prefix(word, &host, &p) < 0)
			wglint_add(s->l, s->line, WGLINT_ERROR, "write it like 10.8.0.0/24",
				"AllowedIPs \"%.60s\" is no prefix",
				text_printable(word) >= 0 ? word : "?");
		else if (host.bits != p.addr.bits)
			wglint_add(s->l, s->line, WGLINT_WARNING, "write what is meant",
				"AllowedIPs %s has bits behind its length: it means %s", word,
				prefix_format(p, text));
	}
	if (!any)
		wglint_add(s->l, s->line, WGLINT_WARNING, "list what lies behind this peer",
			"AllowedIPs is empty: nothing goes to this peer, nothing is taken from it");
}

static bool is_host(const char *host)
{
	size_t n = strlen(host);

	/* what is all digits and dots was meant as an address */
	return n > 0 && n < 254 && host[0] != '-' && host[0] != '.' &&
		strspn(host, "0123456789.") < n &&
		strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
		n;
}

/* Of "127.0.0.1:51820" the address, whatever it means. */
static int host_of(const char *endpoint, struct addr *ret)
{
	char host[ADDR_TEXT_LEN];
	const char *colon = strrchr(endpoint, ':');
	size_t n = colon != NULL ? (size_t)(colon - endpoint) : 0;

	if (n >= 2 && endpoint[0] == '[' && endpoint[n - 1] == ']') {
		endpoint++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof(host))
		return ERR_INVALID;
	memcpy(host, endpoint, n);
	host[n] = '\0';
	return addr_parse(host, ret);
}

static void check_endpoint(const struct subject *s)
{
	char text[ADDR_TEXT_LEN];
	struct addr a;

	if (endpoint_check(s->value, "e", NULL) == 0)
		return;
	if (addr_parse(s->value, &a) == 0 && a.family == FAMILY_IPV6)
		error(s, "write it like [2001:db8::1]:51820", "wants brackets and a port");
	else if (addr_parse(s->value, &a) == 0 || is_host(s->value))
		error(s, "put the port behind it: HOST:51820", "has no port");
	else if (host_of(s->value, &a) == 0 && addr_is_special(a))
		wglint_add(s->l, s->line, WGLINT_WARNING, "give the address others reach it at",
			"Endpoint %s means something else on every machine", addr_format(a, text));
	else
		error(s, "write it like vpn.example.com:51820", "is not HOST:PORT");
}

static void check_dns(const struct subject *s)
{
	const char *at = s->value;
	char word[256];
	struct addr a;

	while (wgconf_word(&at, word, sizeof(word)))
		if (addr_parse(word, &a) < 0 && !is_host(word))
			wglint_add(s->l, s->line, WGLINT_ERROR, "list addresses and search domains",
				"DNS \"%.60s\" is neither an address nor a domain",
				text_printable(word) >= 0 ? word : "?");
	if (s->l->no_resolvconf)
		wglint_add(s->l, s->line, WGLINT_WARNING,
			"apt-get install openresolv, or systemd-resolved",
			"DNS needs the program resolvconf, which is not here: wg-quick up fails");
}

/* Shown as it would run. */
static void check_hook(const struct subject *s)
{
	CLEANUP(buf_done) struct buf command = {0};

	for (const char *p = s->value; *p; p++)
		if (p[0] == '%' && p[1] == 'i' && s->l->interface != NULL) {
			buf_adds(&command, s->l->interface);
			p++;
		} else {
			buf_addc(&command, *p);
		}
	wglint_add(s->l, s->line, WGLINT_NOTE, "", "%s runs as root: %.300s", s->spec->key,
		text_printable(buf_str(&command)) >= 0 ? buf_str(&command) : "(not printable)");
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct spec specs[] = {
	{"PrivateKey", WGCONF_INTERFACE, false, check_secret},
	{"ListenPort", WGCONF_INTERFACE, false, check_port},
	{"FwMark", WGCONF_INTERFACE, false, check_mark},
	{"Address", WGCONF_INTERFACE, true, check_address},
	{"DNS", WGCONF_INTERFACE, true, check_dns},
	{"MTU", WGCONF_INTERFACE, false, check_mtu},
	{"Table", WGCONF_INTERFACE, false, check_table},
	{"PreUp", WGCONF_INTERFACE, true, check_hook},
	{"PostUp", WGCONF_INTERFACE, true, check_hook},
	{"PreDown", WGCONF_INTERFACE, true, check_hook},
	{"PostDown", WGCONF_INTERFACE, true, check_hook},
	{"SaveConfig", WGCONF_INTERFACE, false, check_bool},
	{"PublicKey", WGCONF_PEER, false, check_public},
	{"PresharedKey", WGCONF_PEER, false, check_secret},
	{"AllowedIPs", WGCONF_PEER, true, check_allowed},
	{"Endpoint", WGCONF_PEER, false, check_endpoint},
	{"PersistentKeepalive", WGCONF_PEER, false, check_keepalive},
};

/* Letters that differ, come or go; more than 2 count as 3. */
static unsigned distance(const char *a, const char *b, unsigned left)
{
	unsigned best, d;

	while (*a && tolower((unsigned char)*a) == tolower((unsigned char)*b)) {
		a++;
		b++;
	}
	if (*a == '\0' && *b == '\0')
		return 0;
	if (left == 0)
		return 3;
	best = *a && *b ? distance(a + 1, b + 1, left - 1) : 3;
	d = *a ? distance(a + 1, b, left - 1) : 3;
	best = d < best ? d : best;
	d = *b ? distance(a, b + 1, left - 1) : 3;
	best = d < best ? d : best;
	return best + 1;
}

static void unknown_key(struct wglint *l, const struct wgconf_entry *entry)
{
	CLEANUP(buf_done) struct buf advice = {0};
	bool shown = text_printable(entry->key) >= 0 && strlen(entry->key) < 40;

	for (size_t i = 0; shown && i < ARRAY_LEN(specs); i++)
		if (distance(entry->key, specs[i].key, 2) <= 2) {
			buf_addf(&advice, "did you mean %s?", specs[i].key);
			break;
		}
	wglint_add(l, entry->line, WGLINT_ERROR, buf_str(&advice), "there is no key \"%s\"",
		shown ? entry->key : "?");
}

static const struct spec *spec_of(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(specs); i++)
		if (strcasecmp(specs[i].key, key) == 0)
			return &specs[i];
	return NULL;
}

static bool came_before(const struct wgconf_section *s, const struct wgconf_entry *entry)
{
	for (const struct wgconf_entry *o = s->entries.v; o < entry; o++)
		if (o->key != NULL && strcasecmp(o->key, entry->key) == 0)
			return true;
	return false;
}

void wglint_entries(struct wglint *l, const struct wgconf_section *s)
{
	size_t looked = 0;

	VEC_FOREACH (entry, &s->entries) {
		struct subject subject = {l, NULL, entry->line, entry->value};

		if (entry->key == NULL) {
			wglint_add(l, entry->line, WGLINT_ERROR,
				"write Key = value, or # before it", "this line is no setting");
			continue;
		}
		subject.spec = spec_of(entry->key);
		if (subject.spec == NULL) {
			unknown_key(l, entry);
		} else if (subject.spec->section != s->kind) {
			wglint_add(l, entry->line, WGLINT_ERROR,
				subject.spec->section == WGCONF_PEER ? "move it under [Peer]"
								     : "move it under [Interface]",
				"%s does not belong into this section", subject.spec->key);
		} else {
			/* a section has few keys that count; thousands of lines are AllowedIPs */
			if (!subject.spec->many && looked++ < 64 && came_before(s, entry))
				wglint_add(l, entry->line, WGLINT_WARNING, "keep one of them",
					"%s is there twice: the last one counts",
					subject.spec->key);
			subject.spec->check(&subject);
		}
	}
}
