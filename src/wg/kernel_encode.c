/* DOC: see kernel_encode.h. Each put_* function returns false, and leaves the message as it was,
 * when there is no room. */
#include "wg/kernel_encode.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>

struct message {
	struct nlmsghdr *nlh;
	size_t size;
};

static bool put(struct message *m, uint16_t type, const void *p, size_t n)
{
	return mnl_attr_put_check(m->nlh, m->size, type, n, p);
}

static bool put_u16(struct message *m, uint16_t type, uint16_t value)
{
	return put(m, type, &value, sizeof(value));
}

static bool put_u32(struct message *m, uint16_t type, uint32_t value)
{
	return put(m, type, &value, sizeof(value));
}

static bool put_endpoint(struct message *m, struct addr addr, uint16_t port)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};

	if (addr.family == FAMILY_IPV4) {
		addr_to_bytes(addr, (uint8_t *)&four.sin_addr);
		return put(m, WGPEER_A_ENDPOINT, &four, sizeof(four));
	}
	addr_to_bytes(addr, (uint8_t *)&six.sin6_addr);
	return put(m, WGPEER_A_ENDPOINT, &six, sizeof(six));
}

static bool put_prefix(struct message *m, struct prefix p)
{
	bool four = p.addr.family == FAMILY_IPV4;
	uint32_t before = m->nlh->nlmsg_len;
	struct nlattr *nest = mnl_attr_nest_start_check(m->nlh, m->size, 0);
	uint8_t bytes[16];

	addr_to_bytes(p.addr, bytes);
	if (nest == NULL || !put_u16(m, WGALLOWEDIP_A_FAMILY, four ? AF_INET : AF_INET6) ||
		!put(m, WGALLOWEDIP_A_IPADDR, bytes, four ? 4 : 16) ||
		!put(m, WGALLOWEDIP_A_CIDR_MASK, &p.len, 1)) {
		m->nlh->nlmsg_len = before;
		return false;
	}
	mnl_attr_nest_end(m->nlh, nest);
	return true;
}

static size_t prefix_count(const struct wg_peer_op *op)
{
	if (!(op->flags & WG_PEER_ALLOWED_IPS) || (op->flags & WG_PEER_REMOVE) ||
		op->allowed_ips == NULL)
		return 0;
	return op->allowed_ips->n;
}

/* As many prefixes as fit, *next moves on. False when there were some and none fits. */
static bool put_prefixes(struct message *m, const struct wg_peer_op *op, size_t *next)
{
	size_t n = prefix_count(op), first = *next;
	uint32_t before = m->nlh->nlmsg_len;
	struct nlattr *nest;

	if (n == 0)
		return true;
	nest = mnl_attr_nest_start_check(m->nlh, m->size, WGPEER_A_ALLOWEDIPS);
	while (nest != NULL && *next < n && put_prefix(m, op->allowed_ips->v[*next]))
		(*next)++;
	if (*next == first) {
		m->nlh->nlmsg_len = before;
		return false;
	}
	mnl_attr_nest_end(m->nlh, nest);
	return true;
}

static uint32_t peer_flags(const struct wg_peer_op *op, bool goes_on)
{
	uint32_t flags = 0;

	if (op->flags & WG_PEER_REMOVE)
		return WGPEER_F_REMOVE_ME;
	/* Who removes the peer between two of our messages must not get half of it back, without
	 * its pre-shared key: what goes on never makes a peer. */
	if (goes_on)
		return WGPEER_F_UPDATE_ONLY;
	if (op->flags & WG_PEER_ALLOWED_IPS)
		flags |= WGPEER_F_REPLACE_ALLOWEDIPS;
	if (op->flags & WG_PEER_UPDATE_ONLY)
		flags |= WGPEER_F_UPDATE_ONLY;
	return flags;
}

static bool put_peer_fields(struct message *m, const struct wg_peer_op *op)
{
	if ((op->flags & WG_PEER_PSK) &&
		!put(m, WGPEER_A_PRESHARED_KEY, op->psk.bytes, sizeof(op->psk.bytes)))
		return false;
	if ((op->flags & WG_PEER_ENDPOINT) && addr_is_set(op->endpoint_addr) &&
		!put_endpoint(m, op->endpoint_addr, op->endpoint_port))
		return false;
	return !(op->flags & WG_PEER_KEEPALIVE) ||
		put_u16(m, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, op->keepalive);
}

/* One peer, or as much of it as fits (then *next is not yet its number of prefixes). */
static bool put_peer(struct message *m, const struct wg_peer_op *op, size_t *next)
{
	bool goes_on = *next > 0;
	uint32_t flags = peer_flags(op, goes_on), before = m->nlh->nlmsg_len;
	struct nlattr *nest = mnl_attr_nest_start_check(m->nlh, m->size, 0);

	if (nest == NULL ||
		!put(m, WGPEER_A_PUBLIC_KEY, op->public_key.bytes, sizeof(op->public_key.bytes)) ||
		(flags != 0 && !put_u32(m, WGPEER_A_FLAGS, flags)) ||
		(!goes_on && !(flags & WGPEER_F_REMOVE_ME) && !put_peer_fields(m, op)) ||
		!put_prefixes(m, op, next)) {
		m->nlh->nlmsg_len = before;
		return false;
	}
	mnl_attr_nest_end(m->nlh, nest);
	return true;
}

static void put_peers(struct message *m, struct wg_encoder *w)
{
	const struct wg_change *c = w->change;
	struct nlattr *nest;

	if (w->peer == c->n_peers)
		return;
	nest = mnl_attr_nest_start_check(m->nlh, m->size, WGDEVICE_A_PEERS);
	while (nest != NULL && w->peer < c->n_peers &&
		put_peer(m, &c->peers[w->peer], &w->prefix) &&
		w->prefix == prefix_count(&c->peers[w->peer])) {
		w->peer++;
		w->prefix = 0;
	}
	if (nest != NULL)
		mnl_attr_nest_end(m->nlh, nest);
}

/* These fit: WG_MESSAGE_MIN sees to it. */
static void put_device_fields(struct message *m, const struct wg_change *c)
{
	if (c->flags & WG_DEVICE_REPLACE_PEERS)
		put_u32(m, WGDEVICE_A_FLAGS, WGDEVICE_F_REPLACE_PEERS);
	if (c->flags & WG_DEVICE_PRIVATE_KEY)
		put(m, WGDEVICE_A_PRIVATE_KEY, c->private_key->bytes,
			sizeof(c->private_key->bytes));
	if (c->flags & WG_DEVICE_LISTEN_PORT)
		put_u16(m, WGDEVICE_A_LISTEN_PORT, c->listen_port);
	if (c->flags & WG_DEVICE_FWMARK)
		put_u32(m, WGDEVICE_A_FWMARK, c->fwmark);
}

void wg_encoder_init(
	struct wg_encoder *w, uint16_t family, const char *ifname, const struct wg_change *change)
{
	*w = (struct wg_encoder){.family = family, .ifname = ifname, .change = change};
}

size_t wg_encoder_next(struct wg_encoder *w, void *buf, size_t size)
{
	struct message m = {.nlh = buf, .size = size};
	struct genlmsghdr *genl;

	if (w->begun && w->peer == w->change->n_peers)
		return 0;
	mnl_nlmsg_put_header(buf);
	m.nlh->nlmsg_type = w->family;
	m.nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	genl = mnl_nlmsg_put_extra_header(m.nlh, sizeof(*genl));
	genl->cmd = WG_CMD_SET_DEVICE;
	genl->version = WG_GENL_VERSION;
	mnl_attr_put_strz(m.nlh, WGDEVICE_A_IFNAME, w->ifname);
	if (!w->begun)
		put_device_fields(&m, w->change);
	w->begun = true;
	put_peers(&m, w);
	return m.nlh->nlmsg_len;
}
