/*
 * DOC: the wg-quick file. Everything is checked before the first byte is written, so a refused
 * configuration leaves out as it was, and the room is reserved first, so that growing the buffer
 * never leaves a copy of a key behind in freed memory.
 */
#include "render/config.h"

#include "base/text.h"
#include "crypto/key.h"
#include "model/names.h"

/* Room for the fixed lines and both keys; lists are counted on top. */
#define FIXED_ROOM 1024

static int check_name(const char *name, struct err *e)
{
	/* a comment ends with its line, and printable text has no second line */
	if (name != NULL && text_printable(name) < 0)
		return err_field(
			e, ERR_INVALID, "name", "the name has control characters or is not UTF-8");
	return 0;
}

static int check_addresses(const struct device_config *c, struct err *e)
{
	if (!addr_is_set(c->ipv4) && !addr_is_set(c->ipv6))
		return err_field(e, ERR_INVALID, "ipv4", "the device has no address");
	if ((addr_is_set(c->ipv4) && c->ipv4.family != FAMILY_IPV4) ||
		(addr_is_set(c->ipv6) && c->ipv6.family != FAMILY_IPV6))
		return err_field(e, ERR_INVALID, "ipv4", "the device's addresses are mixed up");
	return 0;
}

static int check_dns(const struct device_config *c, struct err *e)
{
	struct addr a;

	if (c->dns != NULL)
		VEC_FOREACH (s, c->dns)
			if (addr_parse(*s, &a) < 0)
				return err_field(e, ERR_INVALID, "dns",
					"\"%.60s\" is not the address of a resolver",
					text_printable(*s) >= 0 ? *s : "?");
	if (c->search_domain != NULL)
		return domain_check(c->search_domain, "search_domain", e);
	return 0;
}

static int check_peer(const struct device_config *c, struct err *e)
{
	if (public_key_is_zero(&c->peer_key))
		return err_field(e, ERR_INVALID, "public_key", "the gateway has no key yet");
	if (c->private_key != NULL && secret_is_zero(c->private_key))
		return err_field(e, ERR_INVALID, "private_key", "the private key is unset");
	if (c->allowed_ips == NULL || c->allowed_ips->n == 0)
		return err_field(e, ERR_INVALID, "allowed_ips", "nothing is routed to the gateway");
	VEC_FOREACH (p, c->allowed_ips)
		if (!addr_is_set(p->addr))
			return err_field(e, ERR_INVALID, "allowed_ips", "a prefix is unset");
	if (c->endpoint == NULL)
		return err_field(e, ERR_INVALID, "endpoint", "the gateway has no endpoint");
	return endpoint_check(c->endpoint, "endpoint", e);
}

int config_check(const struct device_config *c, struct err *e)
{
	int r;

	if ((r = check_name(c->name, e)) < 0 || (r = check_addresses(c, e)) < 0 ||
		(r = check_dns(c, e)) < 0)
		return r;
	return check_peer(c, e);
}

size_t config_room(const struct device_config *c)
{
	size_t room = FIXED_ROOM;

	/* escaped, a character of a name grows to at most six */
	room += c->name == NULL ? 0 : 6 * strlen(c->name);
	room += c->search_domain == NULL ? 0 : strlen(c->search_domain);
	room += strlen(c->endpoint) + c->allowed_ips->n * (PREFIX_TEXT_LEN + 64);
	return room + (c->dns == NULL ? 0 : c->dns->n * (ADDR_TEXT_LEN + 2));
}

bool config_is_full(const struct device_config *c, enum family f)
{
	VEC_FOREACH (p, c->allowed_ips)
		if (p->addr.family == f && p->len == 0)
			return true;
	return false;
}

void config_add_secret(struct buf *out, const struct secret *key)
{
	char text[KEY_TEXT_LEN];

	buf_adds(out, key_format_secret(key, text));
	mem_wipe(text, sizeof(text));
}

static void write_secret(struct buf *out, const char *name, const struct secret *key)
{
	buf_adds(out, name);
	buf_adds(out, " = ");
	config_add_secret(out, key);
	buf_addc(out, '\n');
}

/* "Name = a, b": the name before the first value, a comma before the others. */
struct list {
	struct buf *out;
	const char *name;
	size_t n;
};

static void list_add(struct list *l, const char *value)
{
	buf_adds(l->out, l->n++ == 0 ? l->name : ", ");
	buf_adds(l->out, value);
}

static void list_end(const struct list *l)
{
	if (l->n > 0)
		buf_addc(l->out, '\n');
}

static void write_interface(const struct device_config *c, struct buf *out)
{
	struct list addresses = {out, "Address = ", 0}, dns = {out, "DNS = ", 0};
	char text[PREFIX_TEXT_LEN];

	buf_adds(out, "[Interface]\n");
	if (c->name != NULL)
		buf_addf(out, "# %s\n", c->name);
	if (c->private_key != NULL)
		write_secret(out, "PrivateKey", c->private_key);
	else
		buf_adds(out,
			"# PrivateKey = (put this device's private key here and remove the #; "
			"the server does not have it)\n");
	if (addr_is_set(c->ipv4))
		list_add(&addresses, prefix_format(prefix_host(c->ipv4), text));
	if (addr_is_set(c->ipv6))
		list_add(&addresses, prefix_format(prefix_host(c->ipv6), text));
	list_end(&addresses);
	if (c->dns != NULL)
		VEC_FOREACH (s, c->dns)
			list_add(&dns, *s);
	/* without a resolver a search domain alone would take the machine's own resolvers away */
	if (c->search_domain != NULL && dns.n > 0)
		list_add(&dns, c->search_domain);
	list_end(&dns);
	if (c->mtu > 0)
		buf_addf(out, "MTU = %u\n", c->mtu);
}

static void write_peer(const struct device_config *c, struct buf *out)
{
	struct list allowed = {out, "AllowedIPs = ", 0};
	char text[PREFIX_TEXT_LEN], key[KEY_TEXT_LEN];

	buf_addf(out, "\n[Peer]\nPublicKey = %s\n", key_format_public(&c->peer_key, key));
	if (c->psk != NULL && !secret_is_zero(c->psk))
		write_secret(out, "PresharedKey", c->psk);
	VEC_FOREACH (p, c->allowed_ips)
		list_add(&allowed, prefix_format(*p, text));
	list_end(&allowed);
	buf_addf(out, "Endpoint = %s\n", c->endpoint);
	if (c->keepalive > 0)
		buf_addf(out, "PersistentKeepalive = %u\n", c->keepalive);
}

int render_wg_quick(const struct device_config *c, struct buf *out, struct err *e)
{
	int r = config_check(c, e);

	if (r < 0)
		return r;
	buf_room(out, config_room(c));
	write_interface(c, out);
	write_peer(c, out);
	return 0;
}
