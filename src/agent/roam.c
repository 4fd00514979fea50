/* DOC: remembered endpoints; see roam.h. */
#include "agent/roam.h"

#include "crypto/key.h"
#include "model/names.h"

#include <stdio.h>

#define WAKE_KEEPALIVE 25

struct roam_endpoint {
	struct addr addr;
	uint16_t port;
};

typedef char peer_name[IFNAME_LEN + KEY_TEXT_LEN];

static const char *name_of(const char *ifname, const struct public_key *key, peer_name name)
{
	char text[KEY_TEXT_LEN];

	snprintf(name, sizeof(peer_name), "%s/%s", ifname, key_format_public(key, text));
	return name;
}

static void free_value(void *p)
{
	mem_free(p);
}

void roam_done(struct roam *r)
{
	map_done(&r->endpoints, free_value);
}

void roam_note(struct roam *r, struct wg_backend *wg, const char *ifname,
	const struct public_key *keys, size_t n)
{
	struct wg_device d = {0};
	struct map wanted = {0};
	peer_name name;

	if (n == 0 || r->endpoints.n + n > ROAM_MAX || wg->ops->read(wg, ifname, &d, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		map_set(&wanted, name_of(ifname, &keys[i], name), r);
	VEC_FOREACH (p, &d.peers) {
		struct roam_endpoint *e;

		if (!addr_is_set(p->endpoint_addr) ||
			map_get(&wanted, name_of(ifname, &p->public_key, name)) == NULL)
			continue;
		e = NEW(struct roam_endpoint);
		*e = (struct roam_endpoint){p->endpoint_addr, p->endpoint_port};
		mem_free(map_set(&r->endpoints, name, e));
	}
	map_done(&wanted, NULL);
	wg_device_done(&d);
}

bool roam_recall(struct roam *r, const char *ifname, struct wg_peer_op *op)
{
	peer_name name;
	struct roam_endpoint *e = map_remove(&r->endpoints, name_of(ifname, &op->public_key, name));

	if (e == NULL)
		return false;
	op->flags |= WG_PEER_ENDPOINT | WG_PEER_KEEPALIVE;
	op->endpoint_addr = e->addr;
	op->endpoint_port = e->port;
	if (op->keepalive == 0)
		op->keepalive = WAKE_KEEPALIVE;
	mem_free(e);
	return true;
}
