/* DOC: see kernel_decode.h. The tables say what attributes must look like; code comes after. */
#include "wg/kernel_decode.h"

#include "wg/device.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>

static const struct attr_policy device_policy[WGDEVICE_A_MAX + 1] = {
	[WGDEVICE_A_PUBLIC_KEY] = {KEY_LEN, KEY_LEN},
	[WGDEVICE_A_LISTEN_PORT] = {2, 2},
	[WGDEVICE_A_FWMARK] = {4, 4},
	[WGDEVICE_A_PEERS] = {0, UINT16_MAX},
};

static const struct attr_policy peer_policy[WGPEER_A_MAX + 1] = {
	[WGPEER_A_PUBLIC_KEY] = {KEY_LEN, KEY_LEN},
	[WGPEER_A_PRESHARED_KEY] = {KEY_LEN, KEY_LEN},
	[WGPEER_A_ENDPOINT] = {sizeof(struct sockaddr_in), sizeof(struct sockaddr_in6)},
	[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL] = {2, 2},
	[WGPEER_A_LAST_HANDSHAKE_TIME] = {16, 16},
	[WGPEER_A_RX_BYTES] = {8, 8},
	[WGPEER_A_TX_BYTES] = {8, 8},
	[WGPEER_A_ALLOWEDIPS] = {0, UINT16_MAX},
};

static const struct attr_policy prefix_policy[WGALLOWEDIP_A_MAX + 1] = {
	[WGALLOWEDIP_A_FAMILY] = {2, 2},
	[WGALLOWEDIP_A_IPADDR] = {4, 16},
	[WGALLOWEDIP_A_CIDR_MASK] = {1, 1},
};

static int bad(struct wg_dump *d, const char *problem)
{
	d->state = WG_DUMP_BAD;
	d->problem = problem;
	return ERR_CORRUPT;
}

static int decode_endpoint(struct wg_dump *d, struct span s, struct wg_peer *p)
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;
	sa_family_t family;

	memcpy(&family, s.p, sizeof(family));
	if (family == AF_INET && s.n == sizeof(four)) {
		memcpy(&four, s.p, sizeof(four));
		p->endpoint_addr = addr_from_bytes(FAMILY_IPV4, (const uint8_t *)&four.sin_addr);
		p->endpoint_port = ntohs(four.sin_port);
		return 0;
	}
	if (family == AF_INET6 && s.n == sizeof(six)) {
		memcpy(&six, s.p, sizeof(six));
		p->endpoint_addr = addr_from_bytes(FAMILY_IPV6, (const uint8_t *)&six.sin6_addr);
		p->endpoint_port = ntohs(six.sin6_port);
		return 0;
	}
	return bad(d, "a peer's endpoint is no address");
}

/* Two 64-bit numbers, seconds and nanoseconds since 1970; 0 = never. */
static int decode_handshake(struct wg_dump *d, struct span s, struct wg_peer *p)
{
	uint64_t sec = attr_u64(s), nsec = attr_u64((struct span){s.p + 8, 8});

	if (sec > INT64_MAX / 1000 - 1 || nsec >= 1000000000)
		return bad(d, "a peer's last handshake is no time");
	p->last_handshake = (msec)(sec * 1000 + nsec / 1000000);
	return 0;
}

static int decode_prefix(struct wg_dump *d, struct span s, struct wg_peer *p)
{
	struct span a[WGALLOWEDIP_A_MAX + 1];
	enum family family;
	struct prefix prefix;

	if (attr_table(s, prefix_policy, ARRAY_LEN(a), a) < 0 ||
		a[WGALLOWEDIP_A_FAMILY].p == NULL || a[WGALLOWEDIP_A_IPADDR].p == NULL ||
		a[WGALLOWEDIP_A_CIDR_MASK].p == NULL)
		return bad(d, "an allowed IP is malformed");
	family = attr_u16(a[WGALLOWEDIP_A_FAMILY]) == AF_INET   ? FAMILY_IPV4
		: attr_u16(a[WGALLOWEDIP_A_FAMILY]) == AF_INET6 ? FAMILY_IPV6
								: FAMILY_NONE;
	if (family == FAMILY_NONE || a[WGALLOWEDIP_A_IPADDR].n != (family == FAMILY_IPV4 ? 4 : 16))
		return bad(d, "an allowed IP is of no known family");
	prefix = (struct prefix){.addr = addr_from_bytes(family, a[WGALLOWEDIP_A_IPADDR].p),
		.len = a[WGALLOWEDIP_A_CIDR_MASK].p[0]};
	if (prefix.len > addr_width(prefix.addr))
		return bad(d, "an allowed IP is longer than its address");
	if (addr_compare(prefix_first(prefix), prefix.addr) != 0)
		return bad(d, "an allowed IP has host bits set");
	if (++d->n_prefixes > WG_DUMP_PREFIXES_MAX)
		return bad(d, "the device has too many allowed IPs");
	VEC_PUSH(&p->allowed_ips, prefix);
	return 0;
}

/* Every item of a list of nested attributes, whose types say nothing. */
static int decode_prefixes(struct wg_dump *d, struct span list, struct wg_peer *p)
{
	struct span item;
	uint16_t type;
	int r;

	while ((r = attr_next(&list, &type, &item)) > 0)
		if (decode_prefix(d, item, p) < 0)
			return ERR_CORRUPT;
	return r < 0 ? bad(d, "a list of allowed IPs is malformed") : 0;
}

/* The peer these attributes belong to: the last one, going on, or a new one. */
static int find_peer(struct wg_dump *d, struct span key, struct wg_peer **ret)
{
	struct wg_peer_vec *v = &d->device->peers;

	if (v->n > 0 && memcmp(v->v[v->n - 1].public_key.bytes, key.p, KEY_LEN) == 0) {
		*ret = &v->v[v->n - 1];
		return 0;
	}
	if (v->n == WG_DUMP_PEERS_MAX)
		return bad(d, "the device has too many peers");
	*ret = wg_peer_add(v);
	memcpy((*ret)->public_key.bytes, key.p, KEY_LEN);
	return 0;
}

static int decode_peer(struct wg_dump *d, struct span s)
{
	struct span a[WGPEER_A_MAX + 1];
	struct wg_peer *p;

	if (attr_table(s, peer_policy, ARRAY_LEN(a), a) < 0 || a[WGPEER_A_PUBLIC_KEY].p == NULL)
		return bad(d, "a peer is malformed");
	if (find_peer(d, a[WGPEER_A_PUBLIC_KEY], &p) < 0)
		return ERR_CORRUPT;
	if (a[WGPEER_A_PRESHARED_KEY].p != NULL)
		memcpy(p->psk.bytes, a[WGPEER_A_PRESHARED_KEY].p, KEY_LEN);
	if (a[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL].p != NULL)
		p->keepalive = attr_u16(a[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL]);
	if (a[WGPEER_A_RX_BYTES].p != NULL)
		p->rx = attr_u64(a[WGPEER_A_RX_BYTES]);
	if (a[WGPEER_A_TX_BYTES].p != NULL)
		p->tx = attr_u64(a[WGPEER_A_TX_BYTES]);
	if (a[WGPEER_A_ENDPOINT].p != NULL && decode_endpoint(d, a[WGPEER_A_ENDPOINT], p) < 0)
		return ERR_CORRUPT;
	if (a[WGPEER_A_LAST_HANDSHAKE_TIME].p != NULL &&
		decode_handshake(d, a[WGPEER_A_LAST_HANDSHAKE_TIME], p) < 0)
		return ERR_CORRUPT;
	return decode_prefixes(d, a[WGPEER_A_ALLOWEDIPS], p);
}

static int decode_device(struct wg_dump *d, struct span s)
{
	struct span a[WGDEVICE_A_MAX + 1], peers, item;
	uint16_t type;
	int r;

	if (s.n < GENL_HDRLEN)
		return bad(d, "a message is too short");
	if (s.p[0] != WG_CMD_GET_DEVICE)
		return bad(d, "a message is not about a device");
	s = (struct span){s.p + GENL_HDRLEN, s.n - GENL_HDRLEN};
	if (attr_table(s, device_policy, ARRAY_LEN(a), a) < 0)
		return bad(d, "a device is malformed");
	if (a[WGDEVICE_A_PUBLIC_KEY].p != NULL)
		memcpy(d->device->public_key.bytes, a[WGDEVICE_A_PUBLIC_KEY].p, KEY_LEN);
	if (a[WGDEVICE_A_LISTEN_PORT].p != NULL)
		d->device->listen_port = attr_u16(a[WGDEVICE_A_LISTEN_PORT]);
	if (a[WGDEVICE_A_FWMARK].p != NULL)
		d->device->fwmark = attr_u32(a[WGDEVICE_A_FWMARK]);
	peers = a[WGDEVICE_A_PEERS];
	while ((r = attr_next(&peers, &type, &item)) > 0)
		if (decode_peer(d, item) < 0)
			return ERR_CORRUPT;
	return r < 0 ? bad(d, "a list of peers is malformed") : 0;
}

static int decode_message(struct wg_dump *d, const struct nlmsghdr *h, struct span payload)
{
	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		d->interrupted = true;
	switch (h->nlmsg_type) {
	case NLMSG_NOOP:
		return 0;
	case NLMSG_DONE:
	case NLMSG_ERROR:
		if (refusal_read(h, payload, &d->refusal) < 0)
			return bad(d, "the end of the answer is malformed");
		d->state = WG_DUMP_DONE;
		return 0;
	}
	if (h->nlmsg_type != d->family)
		return bad(d, "a message is of another kind");
	return decode_device(d, payload);
}

void wg_dump_init(
	struct wg_dump *d, struct wg_device *device, uint16_t family, uint32_t seq, uint32_t portid)
{
	*d = (struct wg_dump){.device = device, .family = family, .seq = seq, .portid = portid};
}

enum wg_dump_state wg_dump_feed(struct wg_dump *d, struct span datagram)
{
	struct nlmsghdr h;
	struct span payload;
	int r = 0;

	d->n_bytes += datagram.n;
	if (d->state == WG_DUMP_MORE && d->n_bytes > WG_DUMP_BYTES_MAX)
		bad(d, "the answer does not end");
	while (d->state == WG_DUMP_MORE && (r = message_next(&datagram, &h, &payload)) > 0)
		/* What answers somebody else's question is nothing to us. */
		if (h.nlmsg_seq == d->seq && h.nlmsg_pid == d->portid)
			decode_message(d, &h, payload);
	if (d->state == WG_DUMP_MORE && r < 0)
		bad(d, "a message is cut off");
	return d->state;
}
