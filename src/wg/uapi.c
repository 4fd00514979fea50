/* DOC: the UAPI text codec; see uapi.h. Reading is a table of keys, each with its level. */
#include "wg/uapi.h"

#include "base/mem.h"
#include "base/text.h"
#include "crypto/key.h"
#include "wg/device.h"

#include <stdio.h>
#include <string.h>

/* Upper bounds of what is written, for reserving ahead. */
#define DEVICE_TEXT_MAX 256
#define PEER_TEXT_MAX 512
#define PREFIX_TEXT_MAX 64

static void add_key(struct buf *out, const char *name, const uint8_t bytes[static KEY_LEN])
{
	char hex[2 * KEY_LEN + 1];

	text_hex(bytes, KEY_LEN, hex);
	buf_addf(out, "%s=", name);
	buf_add(out, hex, 2 * KEY_LEN);
	buf_addc(out, '\n');
	mem_wipe(hex, sizeof(hex));
}

static void add_device(const struct wg_change *c, struct buf *out)
{
	if (c->flags & WG_DEVICE_PRIVATE_KEY)
		add_key(out, "private_key", c->private_key->bytes);
	if (c->flags & WG_DEVICE_LISTEN_PORT)
		buf_addf(out, "listen_port=%u\n", c->listen_port);
	if (c->flags & WG_DEVICE_FWMARK)
		buf_addf(out, "fwmark=%u\n", c->fwmark);
	if (c->flags & WG_DEVICE_REPLACE_PEERS)
		buf_adds(out, "replace_peers=true\n");
}

static void add_prefixes(const struct prefix_vec *v, struct buf *out)
{
	char text[PREFIX_TEXT_LEN];

	buf_adds(out, "replace_allowed_ips=true\n");
	if (v == NULL)
		return;
	VEC_FOREACH (p, v) {
		buf_adds(out, "allowed_ip=");
		buf_adds(out, prefix_format(*p, text));
		buf_addc(out, '\n');
	}
}

static void add_peer(const struct wg_peer_op *op, struct buf *out)
{
	char text[ADDR_TEXT_LEN];

	add_key(out, "public_key", op->public_key.bytes);
	if (op->flags & WG_PEER_REMOVE) {
		buf_adds(out, "remove=true\n");
		return;
	}
	if (op->flags & WG_PEER_UPDATE_ONLY)
		buf_adds(out, "update_only=true\n");
	if (op->flags & WG_PEER_PSK)
		add_key(out, "preshared_key", op->psk.bytes);
	if ((op->flags & WG_PEER_ENDPOINT) && addr_is_set(op->endpoint_addr)) {
		int six = op->endpoint_addr.family == FAMILY_IPV6;

		buf_addf(out, six ? "endpoint=[%s]:%u\n" : "endpoint=%s:%u\n",
			addr_format(op->endpoint_addr, text), op->endpoint_port);
	}
	if (op->flags & WG_PEER_KEEPALIVE)
		buf_addf(out, "persistent_keepalive_interval=%u\n", op->keepalive);
	if (op->flags & WG_PEER_ALLOWED_IPS)
		add_prefixes(op->allowed_ips, out);
}

static size_t peer_size(const struct wg_peer_op *op)
{
	size_t n = (op->flags & WG_PEER_ALLOWED_IPS) && op->allowed_ips ? op->allowed_ips->n : 0;

	return PEER_TEXT_MAX + n * PREFIX_TEXT_MAX;
}

size_t uapi_set_text(
	const struct wg_change *c, bool with_device, size_t first, size_t max, struct buf *out)
{
	size_t end = first, room = DEVICE_TEXT_MAX;

	while (end < c->n_peers && (end == first || room + peer_size(&c->peers[end]) <= max))
		room += peer_size(&c->peers[end++]);
	buf_room(out, room);
	buf_adds(out, "set=1\n");
	if (with_device)
		add_device(c, out);
	for (size_t i = first; i < end; i++)
		add_peer(&c->peers[i], out);
	buf_addc(out, '\n');
	return end;
}

/* Reading. Each returns 0 or ERR_INVALID for the value behind '='. */

static struct wg_peer *last_peer(struct uapi_reader *r)
{
	return &r->device->peers.v[r->device->peers.n - 1];
}

static int read_private_key(struct uapi_reader *r, const char *value)
{
	return text_unhex(value, r->private_key.bytes, KEY_LEN);
}

static int read_listen_port(struct uapi_reader *r, const char *value)
{
	uint64_t v;

	if (text_u64(value, UINT16_MAX, &v) < 0)
		return ERR_INVALID;
	r->device->listen_port = (uint16_t)v;
	return 0;
}

static int read_fwmark(struct uapi_reader *r, const char *value)
{
	uint64_t v;

	if (text_u64(value, UINT32_MAX, &v) < 0)
		return ERR_INVALID;
	r->device->fwmark = (uint32_t)v;
	return 0;
}

static int read_public_key(struct uapi_reader *r, const char *value)
{
	struct public_key key;

	if (r->device->peers.n >= UAPI_PEERS_MAX || text_unhex(value, key.bytes, KEY_LEN) < 0)
		return ERR_INVALID;
	wg_peer_add(&r->device->peers)->public_key = key;
	return 0;
}

static int read_psk(struct uapi_reader *r, const char *value)
{
	return text_unhex(value, last_peer(r)->psk.bytes, KEY_LEN);
}

/* "192.0.2.1:51820", "[2001:db8::1]:51820"; a zone ("%3") is dropped, we have no use for it. */
static int read_endpoint(struct uapi_reader *r, const char *value)
{
	const char *colon = strrchr(value, ':');
	int six = value[0] == '[';
	char host[ADDR_TEXT_LEN];
	struct addr addr;
	uint64_t port;
	size_t n;

	if (colon == NULL || (six && (colon == value || colon[-1] != ']')))
		return ERR_INVALID;
	n = (size_t)(colon - value);
	if (six) {
		value++;
		n -= 2;
	}
	for (const char *zone = memchr(value, '%', n); zone != NULL; zone = NULL)
		n = (size_t)(zone - value);
	if (n >= sizeof(host))
		return ERR_INVALID;
	memcpy(host, value, n);
	host[n] = '\0';
	if (text_u64(colon + 1, UINT16_MAX, &port) < 0 || addr_parse(host, &addr) < 0 ||
		(addr.family == FAMILY_IPV6) != six)
		return ERR_INVALID;
	last_peer(r)->endpoint_addr = addr;
	last_peer(r)->endpoint_port = (uint16_t)port;
	return 0;
}

static int read_handshake_sec(struct uapi_reader *r, const char *value)
{
	uint64_t v;

	if (text_u64(value, INT64_MAX / 1000 - 1, &v) < 0)
		return ERR_INVALID;
	last_peer(r)->last_handshake = (msec)(v * 1000) + last_peer(r)->last_handshake % 1000;
	return 0;
}

static int read_handshake_nsec(struct uapi_reader *r, const char *value)
{
	uint64_t v;

	if (text_u64(value, 999999999, &v) < 0)
		return ERR_INVALID;
	last_peer(r)->last_handshake += (msec)(v / 1000000) - last_peer(r)->last_handshake % 1000;
	return 0;
}

static int read_rx(struct uapi_reader *r, const char *value)
{
	return text_u64(value, UINT64_MAX, &last_peer(r)->rx);
}

static int read_tx(struct uapi_reader *r, const char *value)
{
	return text_u64(value, UINT64_MAX, &last_peer(r)->tx);
}

static int read_keepalive(struct uapi_reader *r, const char *value)
{
	uint64_t v;

	if (text_u64(value, UINT16_MAX, &v) < 0)
		return ERR_INVALID;
	last_peer(r)->keepalive = (uint16_t)v;
	return 0;
}

static int read_allowed_ip(struct uapi_reader *r, const char *value)
{
	struct prefix p;

	if (r->n_prefixes++ >= UAPI_PREFIXES_MAX || prefix_parse(value, "allowed_ip", &p, NULL) < 0)
		return ERR_INVALID;
	VEC_PUSH(&last_peer(r)->allowed_ips, p);
	return 0;
}

/* "0", or the errno the engine refused with, which some write as a negative number. */
static int read_errno(struct uapi_reader *r, const char *value)
{
	uint64_t v;

	if (text_u64(value + (value[0] == '-'), INT32_MAX, &v) < 0)
		return ERR_INVALID;
	r->errnum = (int64_t)v;
	r->have_errno = true;
	return 0;
}

enum level { LEVEL_ANY, LEVEL_DEVICE, LEVEL_PEER };

static const struct key {
	const char *name;
	enum level level;
	int (*read)(struct uapi_reader *r, const char *value);
} keys[] = {
	/* the commonest first */
	{"allowed_ip", LEVEL_PEER, read_allowed_ip},
	{"public_key", LEVEL_DEVICE, read_public_key},
	{"preshared_key", LEVEL_PEER, read_psk},
	{"endpoint", LEVEL_PEER, read_endpoint},
	{"last_handshake_time_sec", LEVEL_PEER, read_handshake_sec},
	{"last_handshake_time_nsec", LEVEL_PEER, read_handshake_nsec},
	{"rx_bytes", LEVEL_PEER, read_rx},
	{"tx_bytes", LEVEL_PEER, read_tx},
	{"persistent_keepalive_interval", LEVEL_PEER, read_keepalive},
	{"errno", LEVEL_ANY, read_errno},
	{"private_key", LEVEL_DEVICE, read_private_key},
	{"listen_port", LEVEL_DEVICE, read_listen_port},
	{"fwmark", LEVEL_DEVICE, read_fwmark},
};

static void bad(struct uapi_reader *r, const char *why, const char *name)
{
	r->state = UAPI_BAD;
	snprintf(r->problem, sizeof(r->problem), "%s%s%s", why, name ? " " : "", name ? name : "");
}

/* One whole line, NUL-terminated, without its newline. */
static void take_line(struct uapi_reader *r)
{
	char *equals = strchr(r->line, '=');

	if (r->len == 0) {
		if (!r->have_errno)
			bad(r, "the answer ends without errno", NULL);
		else
			r->state = UAPI_DONE;
		return;
	}
	if (r->have_errno || equals == NULL || strlen(r->line) != r->len) {
		bad(r, "a line that is not key=value", NULL);
		return;
	}
	*equals = '\0';
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct key *k = &keys[i];

		if (k->name[0] != r->line[0] || strcmp(k->name, r->line) != 0)
			continue;
		if (k->level != LEVEL_ANY && r->device == NULL)
			bad(r, "an unexpected", k->name);
		else if (k->level == LEVEL_PEER && r->device->peers.n == 0)
			bad(r, "a peer's key before any peer:", k->name);
		else if (k->read(r, equals + 1) < 0)
			bad(r, "an invalid", k->name);
		return;
	}
	/* Keys we do not know (protocol_version, those of later engines) say nothing to us. */
}

void uapi_reader_init(struct uapi_reader *r, struct wg_device *device)
{
	*r = (struct uapi_reader){.state = UAPI_MORE, .device = device};
}

enum uapi_state uapi_reader_feed(struct uapi_reader *r, const char *p, size_t n)
{
	r->n_bytes += n;
	if (r->n_bytes > UAPI_ANSWER_MAX)
		bad(r, "an endless answer", NULL);
	while (n > 0 && r->state == UAPI_MORE) {
		const char *newline = memchr(p, '\n', n);
		size_t part = newline == NULL ? n : (size_t)(newline - p);

		if (part >= UAPI_LINE_MAX - r->len) {
			bad(r, "an endless line", NULL);
			break;
		}
		memcpy(r->line + r->len, p, part);
		r->len += part;
		r->line[r->len] = '\0';
		p += part;
		n -= part;
		if (newline == NULL)
			break;
		take_line(r);
		r->len = 0;
		p++;
		n--;
	}
	if (r->state == UAPI_DONE && n > 0)
		bad(r, "more after the end of the answer", NULL);
	if (r->state == UAPI_DONE && r->device != NULL && !secret_is_zero(&r->private_key)) {
		key_public(&r->private_key, &r->device->public_key);
		secret_wipe(&r->private_key);
	}
	return r->state;
}

void uapi_reader_done(struct uapi_reader *r)
{
	mem_wipe(r, sizeof(*r));
}
