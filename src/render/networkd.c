/*
 * DOC: systemd-networkd's two files (systemd.netdev(5), systemd.network(5)) in one text. Routes are
 * written out, for older networkd makes none from AllowedIPs. A full tunnel has a table of its own
 * behind a mark, as wg-quick does it, so that the tunnel's own packets stay outside.
 */
#include "render/format.h"

#include "crypto/key.h"

#define MARK 51820 /* of the tunnel's own packets; also the table of a full tunnel */

static void write_netdev(const struct device_config *c, bool full, struct buf *out)
{
	char key[KEY_TEXT_LEN], text[PREFIX_TEXT_LEN];

	buf_addf(out, NETWORKD_FILE "%s.netdev\n", c->interface);
	if (c->name != NULL) /* never a line that looks like the mark of a file */
		buf_addf(out, "# client %s\n", c->name);
	buf_addf(out, "[NetDev]\nName=%s\nKind=wireguard\n", c->interface);
	if (c->mtu > 0)
		buf_addf(out, "MTUBytes=%u\n", c->mtu);
	buf_adds(out, "\n[WireGuard]\n");
	if (c->private_key != NULL) {
		buf_adds(out, "PrivateKey=");
		config_add_secret(out, c->private_key);
		buf_addc(out, '\n');
	} else {
		buf_adds(out,
			"# PrivateKey=(put this device's private key here and remove the #; the "
			"server does not have it)\n");
	}
	if (full)
		buf_addf(out, "FirewallMark=%d\n", MARK);
	buf_addf(out, "\n[WireGuardPeer]\nPublicKey=%s\n", key_format_public(&c->peer_key, key));
	if (c->psk != NULL && !secret_is_zero(c->psk)) {
		buf_adds(out, "PresharedKey=");
		config_add_secret(out, c->psk);
		buf_addc(out, '\n');
	}
	VEC_FOREACH (p, c->allowed_ips)
		buf_addf(out, "AllowedIPs=%s\n", prefix_format(*p, text));
	buf_addf(out, "Endpoint=%s\n", c->endpoint);
	if (c->keepalive > 0)
		buf_addf(out, "PersistentKeepalive=%u\n", c->keepalive);
}

static void write_rules(struct buf *out)
{
	buf_addf(out,
		"\n[RoutingPolicyRule]\nFamily=both\nTable=main\nSuppressPrefixLength=0\n"
		"Priority=32764\n"
		"\n[RoutingPolicyRule]\nFamily=both\nFirewallMark=%d\nInvertRule=yes\nTable=%d\n"
		"Priority=32765\n",
		MARK, MARK);
}

static void write_network(const struct device_config *c, bool full, struct buf *out)
{
	char text[PREFIX_TEXT_LEN];
	bool dns = c->dns != NULL && c->dns->n > 0;

	buf_addf(out, "\n" NETWORKD_FILE "%s.network\n[Match]\nName=%s\n\n[Network]\n",
		c->interface, c->interface);
	if (addr_is_set(c->ipv4))
		buf_addf(out, "Address=%s\n", prefix_format(prefix_host(c->ipv4), text));
	if (addr_is_set(c->ipv6))
		buf_addf(out, "Address=%s\n", prefix_format(prefix_host(c->ipv6), text));
	if (dns)
		VEC_FOREACH (s, c->dns)
			buf_addf(out, "DNS=%s\n", *s);
	if (dns && (c->search_domain != NULL || full))
		buf_addf(out, "Domains=%s%s%s\n", c->search_domain ? c->search_domain : "",
			c->search_domain && full ? " " : "", full ? "~." : "");
	if (dns)
		buf_addf(out, "DNSDefaultRoute=%s\n", full ? "yes" : "no");
	if (full)
		write_rules(out);
	VEC_FOREACH (p, c->allowed_ips) {
		buf_addf(out, "\n[Route]\nDestination=%s\n", prefix_format(*p, text));
		if (p->addr.family == FAMILY_IPV4)
			buf_adds(out, "Scope=link\n");
		if (p->len == 0)
			buf_addf(out, "Table=%d\n", MARK);
	}
}

int render_networkd(const struct device_config *c, struct buf *out, struct err *e)
{
	bool full;
	int r = config_check(c, e);

	if (r < 0)
		return r;
	full = config_is_full(c, FAMILY_IPV4) || config_is_full(c, FAMILY_IPV6);
	buf_room(out, 2 * config_room(c));
	write_netdev(c, full, out);
	write_network(c, full, out);
	return 0;
}
