/* DOC: see device.h and struct wg_device in backend.h. */
#include "wg/device.h"

#include "model/names.h"

static void peers_free(struct wg_peer *v, size_t n)
{
	if (v != NULL)
		mem_wipe(v, n * sizeof(*v));
	mem_free(v);
}

struct wg_peer *wg_peer_add(struct wg_peer_vec *v)
{
	if (v->n == v->cap) {
		size_t cap = v->cap == 0 ? 8 : 2 * v->cap;
		struct wg_peer *grown = mem_resize(NULL, cap, sizeof(*grown));

		if (v->n > 0)
			memcpy(grown, v->v, v->n * sizeof(*grown));
		peers_free(v->v, v->n);
		v->v = grown;
		v->cap = cap;
	}
	v->v[v->n] = (struct wg_peer){0};
	return &v->v[v->n++];
}

void wg_device_done(struct wg_device *d)
{
	VEC_FOREACH (p, &d->peers)
		VEC_DONE(&p->allowed_ips);
	peers_free(d->peers.v, d->peers.n);
	*d = (struct wg_device){0};
}

static int peer_check(const struct wg_peer_op *op, struct err *e)
{
	if (public_key_is_zero(&op->public_key))
		return err_field(
			e, ERR_INVALID, "public_key", "a peer with the all-zero key is not a peer");
	if ((op->flags & WG_PEER_ENDPOINT) && addr_is_set(op->endpoint_addr) &&
		op->endpoint_port == 0)
		return err_field(e, ERR_INVALID, "endpoint", "a peer's endpoint has port 0");
	return 0;
}

int wg_change_check(const char *ifname, const struct wg_change *c, struct err *e)
{
	if (ifname_check(ifname) < 0)
		return err_field(
			e, ERR_INVALID, "interface", "\"%.30s\" is not an interface name", ifname);
	if (c == NULL)
		return 0;
	if ((c->flags & WG_DEVICE_PRIVATE_KEY) && c->private_key == NULL)
		return err_field(
			e, ERR_INVALID, "private_key", "the private key to set is missing");
	for (size_t i = 0; i < c->n_peers; i++) {
		int r = peer_check(&c->peers[i], e);

		if (r < 0)
			return r;
	}
	return 0;
}
