/*
 * DOC: NetworkManager's keyfile of a WireGuard connection (nm-settings-keyfile(5)). Routes come
 * from the peer's allowed-ips (wireguard.peer-routes), the rules of a full tunnel too. All values
 * but the name are numbers, keys and checked hosts.
 */
#include "render/format.h"

#include "crypto/key.h"
#include "render/escape.h"

static void write_family(const struct device_config *c, enum family f, struct buf *out)
{
	struct addr own = f == FAMILY_IPV4 ? c->ipv4 : c->ipv6, a;
	bool full = config_is_full(c, f), any = false;
	char text[PREFIX_TEXT_LEN];

	buf_addf(out, "\n[%s]\n", f == FAMILY_IPV4 ? "ipv4" : "ipv6");
	if (!addr_is_set(own)) {
		buf_adds(out, "method=disabled\n");
		return;
	}
	buf_addf(out, "address1=%s\n", prefix_format(prefix_host(own), text));
	if (c->dns != NULL)
		VEC_FOREACH (s, c->dns)
			if (addr_parse(*s, &a) == 0 && a.family == f) {
				buf_addf(out, "%s%s;", any ? "" : "dns=", *s);
				any = true;
			}
	if (any) {
		/* a full tunnel asks nobody but these; else they are asked about their domain */
		buf_addc(out, '\n');
		if (full)
			buf_adds(out, "dns-priority=-50\n");
		if (c->search_domain != NULL || full)
			buf_addf(out, "dns-search=%s%s%s\n",
				c->search_domain ? c->search_domain : "",
				c->search_domain ? ";" : "", full ? "~.;" : "");
	}
	buf_adds(out, "method=manual\n");
}

int render_keyfile(const struct device_config *c, struct buf *out, struct err *e)
{
	char uuid[UUID_TEXT_LEN], key[KEY_TEXT_LEN], text[PREFIX_TEXT_LEN];
	int r = config_check(c, e);

	if (r < 0)
		return r;
	buf_room(out, config_room(c));
	buf_adds(out, "[connection]\nid=");
	escape_keyfile(out, c->name != NULL ? c->name : c->interface);
	buf_addf(out, "\nuuid=%s\ntype=wireguard\ninterface-name=%s\n\n[wireguard]\n",
		uuid_of("networkmanager", c->id, uuid), c->interface);
	if (c->mtu > 0)
		buf_addf(out, "mtu=%u\n", c->mtu);
	if (c->private_key != NULL) {
		buf_adds(out, "private-key=");
		config_add_secret(out, c->private_key);
		buf_addc(out, '\n');
	} else {
		buf_adds(out,
			"# private-key=(put this device's private key here and remove the #; the "
			"server does not have it)\n");
	}
	buf_addf(out, "\n[wireguard-peer.%s]\nendpoint=%s\n", key_format_public(&c->peer_key, key),
		c->endpoint);
	if (c->psk != NULL && !secret_is_zero(c->psk)) {
		buf_adds(out, "preshared-key=");
		config_add_secret(out, c->psk);
		buf_adds(out, "\npreshared-key-flags=0\n");
	}
	if (c->keepalive > 0)
		buf_addf(out, "persistent-keepalive=%u\n", c->keepalive);
	buf_adds(out, "allowed-ips=");
	VEC_FOREACH (p, c->allowed_ips)
		buf_addf(out, "%s;", prefix_format(*p, text));
	buf_addc(out, '\n');
	write_family(c, FAMILY_IPV4, out);
	write_family(c, FAMILY_IPV6, out);
	return 0;
}
