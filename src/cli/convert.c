/* DOC: see convert.h. Reads only what render/config.c writes; anything else is an error. */
#include "cli/convert.h"

#include "base/text.h"
#include "codec/wgconf.h"
#include "crypto/key.h"
#include "model/validate.h"

#include <string.h>

struct parts {
	struct device_config c;
	struct secret key, psk;
	struct strs dns;
	struct prefix_vec allowed;
	char *search;
};

static void parts_done(struct parts *p)
{
	secret_wipe(&p->key);
	secret_wipe(&p->psk);
	strs_done(&p->dns);
	VEC_DONE(&p->allowed);
	mem_free(p->search);
}

static int read_number(
	const char *text, uint64_t max, const char *field, uint64_t *ret, struct err *e)
{
	return text == NULL || text_u64(text, max, ret) == 0
		? 0
		: err_field(e, ERR_INVALID, field, "the server's %s is no number", field);
}

static int read_interface(const struct wgconf_section *s, struct parts *p, struct err *e)
{
	const char *at = wgconf_get(s, "Address"), *key = wgconf_get(s, "PrivateKey");
	uint64_t mtu = 0;
	char word[256];
	int r = 0;

	if (key != NULL && (r = key_parse_secret(key, "PrivateKey", &p->key, e)) == 0)
		p->c.private_key = &p->key;
	while (r == 0 && at != NULL && wgconf_word(&at, word, sizeof(word))) {
		struct prefix prefix;

		r = prefix_parse(word, "Address", &prefix, e);
		if (r == 0 && prefix.addr.family == FAMILY_IPV4)
			p->c.ipv4 = prefix.addr;
		else if (r == 0)
			p->c.ipv6 = prefix.addr;
	}
	at = wgconf_get(s, "DNS");
	while (r == 0 && at != NULL && wgconf_word(&at, word, sizeof(word))) {
		struct addr a;

		if (addr_parse(word, &a) == 0) {
			strs_push(&p->dns, word);
		} else {
			mem_free(p->search);
			p->search = mem_strdup(word);
		}
	}
	if (r == 0)
		r = read_number(wgconf_get(s, "MTU"), UINT16_MAX, "MTU", &mtu, e);
	p->c.mtu = (uint32_t)mtu;
	return r;
}

static int read_peer(const struct wgconf_section *s, struct parts *p, struct err *e)
{
	const char *key = wgconf_get(s, "PublicKey"), *psk = wgconf_get(s, "PresharedKey");
	const char *at = wgconf_get(s, "AllowedIPs");
	uint64_t keepalive = 0;
	char word[128];
	int r = key_parse_public(key != NULL ? key : "", "PublicKey", &p->c.peer_key, e);

	if (r == 0 && psk != NULL && (r = key_parse_secret(psk, "PresharedKey", &p->psk, e)) == 0)
		p->c.psk = &p->psk;
	while (r == 0 && at != NULL && wgconf_word(&at, word, sizeof(word))) {
		struct prefix prefix;

		r = prefix_parse(word, "AllowedIPs", &prefix, e);
		if (r == 0)
			VEC_PUSH(&p->allowed, prefix);
	}
	if (r == 0)
		r = read_number(wgconf_get(s, "PersistentKeepalive"), UINT16_MAX,
			"PersistentKeepalive", &keepalive, e);
	p->c.keepalive = (uint16_t)keepalive;
	p->c.endpoint = wgconf_get(s, "Endpoint");
	return r;
}

int convert_config(const char *quick, const struct convert *c, struct buf *out, struct err *e)
{
	CLEANUP(wgconf_done) struct wgconf conf = {0};
	CLEANUP(parts_done) struct parts p = {0};
	const struct wgconf_section *own, *peer;
	int r = wgconf_parse(quick, strlen(quick), &conf, e);

	if (r < 0)
		return r;
	own = wgconf_first(&conf, WGCONF_INTERFACE);
	peer = wgconf_first(&conf, WGCONF_PEER);
	if (own == NULL || peer == NULL)
		return err_set(e, ERR_INVALID, "the server's answer is no configuration");
	r = read_interface(own, &p, e);
	if (r == 0)
		r = read_peer(peer, &p, e);
	p.c.dns = &p.dns;
	p.c.search_domain = p.search;
	p.c.allowed_ips = &p.allowed;
	p.c.name = c->name;
	p.c.id = c->id;
	p.c.interface = c->interface;
	if (r == 0)
		r = c->template != NULL ? render_template(c->template, &p.c, out, e)
					: config_render(c->format, &p.c, out, e);
	return r;
}

void convert_ifname(const char *network, const char *imported, char ret[static IFNAME_LEN])
{
	const struct network n = {
		.name = (char *)(uintptr_t)network, .interface = (char *)(uintptr_t)imported};

	network_ifname(&n, "", ret);
}
