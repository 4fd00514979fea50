/*
 * DOC: WireGuard devices that exist in memory only, for tests without root. They behave as the
 * real ones do where it can be seen from outside: a prefix belongs to one peer, the last to claim
 * it; a peer with the device's own key cannot be; a change of the private key keeps all others.
 */
#include "wg/backend.h"

#include "base/map.h"
#include "base/text.h"
#include "crypto/key.h"
#include "wg/device.h"

#include <stdlib.h>

struct memory_device {
	struct secret private_key;
	struct public_key public_key;
	uint16_t listen_port;
	uint32_t fwmark;
	VEC(struct wg_peer *) order; /* as added */
	struct map by_key;           /* hex of public key -> wg_peer, borrowed */
	struct map owners;           /* text of prefix -> wg_peer, borrowed */
};

struct memory {
	struct wg_backend base;
	struct map devices; /* name -> memory_device, owned */
	unsigned fail_in;
};

typedef char key_hex[2 * KEY_LEN + 1];

static struct memory *self(struct wg_backend *b)
{
	return CONTAINER_OF(b, struct memory, base);
}

/* Each call counts down to the failure a test has asked for. */
static int enter(struct memory *m, const char *what, const char *ifname, struct err *e)
{
	if (m->fail_in > 0 && --m->fail_in == 0)
		return err_set(e, ERR_SYSTEM, "cannot %s %s: failure asked for", what, ifname);
	return wg_change_check(ifname, NULL, e);
}

static int find(
	struct memory *m, const char *ifname, struct memory_device **ret_device, struct err *e)
{
	struct memory_device *d = map_get(&m->devices, ifname);

	if (d == NULL)
		return err_set(e, ERR_NOT_FOUND, "there is no WireGuard interface %s", ifname);
	*ret_device = d;
	return 0;
}

static struct wg_peer *peer_find(struct memory_device *d, const struct public_key *key)
{
	key_hex hex;

	text_hex(key->bytes, KEY_LEN, hex);
	return map_get(&d->by_key, hex);
}

static void peer_free(struct wg_peer *p)
{
	VEC_DONE(&p->allowed_ips);
	mem_wipe(p, sizeof(*p));
	mem_free(p);
}

static struct wg_peer *peer_new(struct memory_device *d, const struct public_key *key)
{
	struct wg_peer *p = NEW(struct wg_peer);
	key_hex hex;

	text_hex(key->bytes, KEY_LEN, hex);
	p->public_key = *key;
	VEC_PUSH(&d->order, p);
	map_set(&d->by_key, hex, p);
	return p;
}

static void prefixes_release(struct memory_device *d, struct wg_peer *p)
{
	char text[PREFIX_TEXT_LEN];

	VEC_FOREACH (prefix, &p->allowed_ips)
		map_remove(&d->owners, prefix_format(*prefix, text));
	VEC_DONE(&p->allowed_ips);
}

static void peer_remove(struct memory_device *d, struct wg_peer *p)
{
	key_hex hex;

	prefixes_release(d, p);
	text_hex(p->public_key.bytes, KEY_LEN, hex);
	map_remove(&d->by_key, hex);
	for (size_t i = 0; i < d->order.n; i++)
		if (d->order.v[i] == p) {
			VEC_REMOVE(&d->order, i);
			break;
		}
	peer_free(p);
}

static void peers_clear(struct memory_device *d)
{
	VEC_FOREACH (p, &d->order)
		peer_free(*p);
	VEC_DONE(&d->order);
	map_done(&d->by_key, NULL);
	map_done(&d->owners, NULL);
	d->by_key = d->owners = (struct map){0};
}

static void forget_prefix(struct wg_peer *p, struct prefix prefix)
{
	for (size_t i = 0; i < p->allowed_ips.n; i++)
		if (prefix_compare(p->allowed_ips.v[i], prefix) == 0) {
			VEC_REMOVE(&p->allowed_ips, i);
			return;
		}
}

/* The trie of a device maps a prefix to one peer: the new owner takes it from the old one. */
static void prefix_claim(struct memory_device *d, struct wg_peer *p, struct prefix prefix)
{
	char text[PREFIX_TEXT_LEN];
	struct wg_peer *old = map_set(&d->owners, prefix_format(prefix, text), p);

	if (old == p)
		return;
	if (old != NULL)
		forget_prefix(old, prefix);
	VEC_PUSH(&p->allowed_ips, prefix);
}

static void peer_apply(struct memory_device *d, const struct wg_peer_op *op)
{
	struct wg_peer *p = peer_find(d, &op->public_key);

	/* A device is not its own peer. */
	if (!secret_is_zero(&d->private_key) && public_key_equal(&op->public_key, &d->public_key))
		return;
	if (op->flags & WG_PEER_REMOVE) {
		if (p != NULL)
			peer_remove(d, p);
		return;
	}
	if (p == NULL && (op->flags & WG_PEER_UPDATE_ONLY))
		return;
	if (p == NULL)
		p = peer_new(d, &op->public_key);
	if (op->flags & WG_PEER_PSK)
		p->psk = op->psk;
	if ((op->flags & WG_PEER_ENDPOINT) && addr_is_set(op->endpoint_addr)) {
		p->endpoint_addr = op->endpoint_addr;
		p->endpoint_port = op->endpoint_port;
	}
	if (op->flags & WG_PEER_KEEPALIVE)
		p->keepalive = op->keepalive;
	if (!(op->flags & WG_PEER_ALLOWED_IPS))
		return;
	prefixes_release(d, p);
	if (op->allowed_ips != NULL)
		VEC_FOREACH (prefix, op->allowed_ips)
			prefix_claim(d, p, *prefix);
}

static void private_key_apply(struct memory_device *d, const struct secret *key)
{
	struct wg_peer *same;

	d->private_key = *key;
	d->public_key = (struct public_key){{0}};
	if (secret_is_zero(key))
		return;
	key_public(key, &d->public_key);
	same = peer_find(d, &d->public_key);
	if (same != NULL)
		peer_remove(d, same);
}

static int memory_create(struct wg_backend *b, const char *ifname, bool *ret_adopted, struct err *e)
{
	struct memory *m = self(b);
	int r = enter(m, "create", ifname, e);

	if (r < 0)
		return r;
	*ret_adopted = map_get(&m->devices, ifname) != NULL;
	if (!*ret_adopted)
		map_set(&m->devices, ifname, NEW(struct memory_device));
	return 0;
}

static void device_free(void *value)
{
	struct memory_device *d = value;

	if (d == NULL)
		return;
	peers_clear(d);
	secret_wipe(&d->private_key);
	mem_free(d);
}

static int memory_destroy(struct wg_backend *b, const char *ifname, struct err *e)
{
	struct memory *m = self(b);
	int r = enter(m, "destroy", ifname, e);

	if (r == 0)
		device_free(map_remove(&m->devices, ifname));
	return r;
}

static int port_check(
	const struct memory *m, const struct memory_device *d, uint16_t port, struct err *e)
{
	MAP_FOREACH (slot, &m->devices) {
		const struct memory_device *other = slot->value;

		if (other != d && port != 0 && other->listen_port == port)
			return err_field(e, ERR_EXISTS, "listen_port",
				"UDP port %u is held by interface %s", port, slot->key);
	}
	return 0;
}

static int memory_change(
	struct wg_backend *b, const char *ifname, const struct wg_change *c, struct err *e)
{
	struct memory *m = self(b);
	struct memory_device *d = NULL;
	int r = enter(m, "change", ifname, e);

	if (r == 0)
		r = wg_change_check(ifname, c, e);
	if (r == 0)
		r = find(m, ifname, &d, e);
	if (r == 0 && (c->flags & WG_DEVICE_LISTEN_PORT))
		r = port_check(m, d, c->listen_port, e);
	if (r < 0)
		return r;
	if (c->flags & WG_DEVICE_PRIVATE_KEY)
		private_key_apply(d, c->private_key);
	if (c->flags & WG_DEVICE_LISTEN_PORT)
		d->listen_port = c->listen_port;
	if (c->flags & WG_DEVICE_FWMARK)
		d->fwmark = c->fwmark;
	if (c->flags & WG_DEVICE_REPLACE_PEERS)
		peers_clear(d);
	for (size_t i = 0; i < c->n_peers; i++)
		peer_apply(d, &c->peers[i]);
	return 0;
}

static int memory_read(
	struct wg_backend *b, const char *ifname, struct wg_device *ret, struct err *e)
{
	struct memory_device *d = NULL;
	int r = enter(self(b), "read", ifname, e);

	if (r == 0)
		r = find(self(b), ifname, &d, e);
	if (r < 0)
		return r;
	ret->public_key = d->public_key;
	ret->listen_port = d->listen_port;
	ret->fwmark = d->fwmark;
	VEC_FOREACH (p, &d->order) {
		struct wg_peer *to = wg_peer_add(&ret->peers);

		*to = **p;
		to->allowed_ips = (struct prefix_vec){0};
		prefix_vec_copy(&to->allowed_ips, &(*p)->allowed_ips);
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int memory_list(struct wg_backend *b, struct strs *ret, struct err *e)
{
	struct memory *m = self(b);
	int r = enter(m, "list", "lo", e);

	if (r < 0)
		return r;
	MAP_FOREACH (slot, &m->devices)
		strs_push(ret, slot->key);
	if (ret->n > 0)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return 0;
}

static struct wg_backend *memory_free(struct wg_backend *b)
{
	struct memory *m = b ? self(b) : NULL;

	if (m == NULL)
		return NULL;
	map_done(&m->devices, device_free);
	return mem_free(m);
}

static const struct wg_backend_ops memory_ops = {
	.name = "memory",
	.create = memory_create,
	.destroy = memory_destroy,
	.change = memory_change,
	.read = memory_read,
	.list = memory_list,
	.free = memory_free,
};

struct wg_backend *wg_memory_new(void)
{
	struct memory *m = NEW(struct memory);

	m->base.ops = &memory_ops;
	return &m->base;
}

void wg_memory_fail_at(struct wg_backend *b, unsigned nth)
{
	self(b)->fail_in = nth;
}

void wg_memory_observe(struct wg_backend *b, const char *ifname, const struct public_key *peer,
	msec handshake, uint64_t rx, uint64_t tx)
{
	struct memory_device *d = map_get(&self(b)->devices, ifname);
	struct wg_peer *p = d ? peer_find(d, peer) : NULL;

	if (p == NULL)
		return;
	p->last_handshake = handshake;
	p->rx = rx;
	p->tx = tx;
}
