/* DOC: see adopt.h. */
#include "agent/adopt.h"

#include "base/file.h"
#include "base/log.h"

#include <stdlib.h>
#include <unistd.h>

#define FILE_NAME "adopt"

int adopt_allow(const char *dir, const char *ifname, struct err *e)
{
	AUTOFREE char *path = mem_printf("%s/" FILE_NAME, dir);

	if (ifname_check(ifname) < 0)
		return err_field(e, ERR_INVALID, "adopt", "this is no name of an interface");
	return file_write(path, ifname, strlen(ifname), 0600, e);
}

/* The interface that may be taken over, "" for none. */
static void allowed(const struct machine *m, char ret[static IFNAME_LEN])
{
	AUTOFREE char *path = mem_printf("%s/" FILE_NAME, m->identity->dir);
	CLEANUP(buf_done) struct buf text = {0};

	ret[0] = '\0';
	if (file_read(path, IFNAME_LEN - 1, &text, NULL) == 0 && ifname_check(buf_str(&text)) == 0)
		memcpy(ret, text.data, text.len + 1);
}

/* What the device has of a wanted peer, as an item. */
static void push_peer(const struct item *want, const struct wg_peer *p, struct item_vec *ret)
{
	struct item *i = item_dup(want);

	VEC_DONE(&i->peer.allowed_ips);
	prefix_vec_copy(&i->peer.allowed_ips, &p->allowed_ips);
	i->peer.psk = p->psk;
	i->peer.keepalive = p->keepalive;
	VEC_PUSH(ret, i);
}

static int by_key(const void *a, const void *b)
{
	return memcmp(((const struct wg_peer *)a)->public_key.bytes,
		((const struct wg_peer *)b)->public_key.bytes, KEY_LEN);
}

static void push_peers(const struct item_vec *put, const char *ifname, const struct wg_device *d,
	struct item_vec *ret)
{
	VEC_FOREACH (i, put) {
		struct wg_peer probe = {0};
		const struct wg_peer *found = NULL;

		if ((*i)->kind != ITEM_PEER || strcmp((*i)->peer.interface, ifname) != 0)
			continue;
		probe.public_key = (*i)->peer.public_key;
		if (d->peers.n > 0)
			found = bsearch(&probe, d->peers.v, d->peers.n, sizeof(probe), by_key);
		if (found != NULL)
			push_peer(*i, found, ret);
	}
}

static void adopt(struct machine *m, const struct item *i, const struct item_vec *put,
	struct item_vec *ret, struct strs *ret_names)
{
	const char *name = i->interface.name;
	AUTOFREE char *path = mem_printf("%s/" FILE_NAME, m->identity->dir);
	struct wg_device d = {0};
	struct err e = {0};
	int rc = m->wg->ops->read(m->wg, name, &d, &e);

	if (rc == 0 && !public_key_equal(&d.public_key, &i->interface.public_key))
		rc = err_set(&e, ERR_DENIED, "its key is not the one of this network's gateways");
	if (rc == 0)
		rc = ledger_add_link(&m->ledger, name, i->network, &e);
	if (rc == 0) {
		if (d.peers.n > 0)
			qsort(d.peers.v, d.peers.n, sizeof(*d.peers.v), by_key);
		push_peers(put, name, &d, ret);
		strs_push(ret_names, name);
		unlink(path);
		log_info("interface taken over", LOG_KV_STR("interface", name),
			LOG_KV_INT("peers", d.peers.n), LOG_KV_INT("known", ret->n));
	} else if (rc != ERR_NOT_FOUND) {
		log_warn("interface not taken over", LOG_KV_STR("interface", name),
			LOG_KV_STR("error", e.text));
	}
	wg_device_done(&d);
}

void adopt_links(
	struct machine *m, const struct item_vec *put, struct item_vec *ret, struct strs *ret_names)
{
	char name[IFNAME_LEN];
	bool looked = false;

	VEC_FOREACH (i, put) {
		if ((*i)->kind != ITEM_INTERFACE ||
			ledger_link(&m->ledger, (*i)->interface.name) != NULL)
			continue;
		if (!looked)
			allowed(m, name);
		looked = true;
		if (strcmp(name, (*i)->interface.name) == 0)
			adopt(m, *i, put, ret, ret_names);
	}
}
