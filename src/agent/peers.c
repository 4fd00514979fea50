/* DOC: the peer index; see peers.h. */
#include "agent/peers.h"

#include "crypto/key.h"

#include <stdio.h>

#define CLAIM_LEN (IFNAME_LEN + PREFIX_TEXT_LEN + 2)
#define NAME_LEN (IFNAME_LEN + ID_LEN + 1)

struct peer_entry {
	char ifname[IFNAME_LEN];
	id_text id;
	struct public_key key;
	struct prefix_vec prefixes;
};

static void name_of(const char *ifname, const char *id, char ret[static NAME_LEN])
{
	snprintf(ret, NAME_LEN, "%s/%s", ifname, id);
}

static void key_claim(const struct peer_entry *p, char ret[static CLAIM_LEN])
{
	char text[KEY_TEXT_LEN];

	snprintf(ret, CLAIM_LEN, "%s=%s", p->ifname, key_format_public(&p->key, text));
}

static void prefix_claim(
	const struct peer_entry *p, struct prefix prefix, char ret[static CLAIM_LEN])
{
	char text[PREFIX_TEXT_LEN];

	snprintf(ret, CLAIM_LEN, "%s/%s", p->ifname, prefix_format(prefix, text));
}

static void entry_free(void *arg)
{
	struct peer_entry *p = arg;

	if (p == NULL)
		return;
	VEC_DONE(&p->prefixes);
	mem_free(p);
}

void peer_index_init(struct peer_index *x)
{
	*x = (struct peer_index){0};
	pthread_mutex_init(&x->lock, NULL);
}

static void clear(struct peer_index *x)
{
	map_done(&x->claims, NULL);
	map_done(&x->ids, entry_free);
	x->claims = x->ids = (struct map){0};
}

void peer_index_done(struct peer_index *x)
{
	clear(x);
	pthread_mutex_destroy(&x->lock);
}

void peer_index_clear(struct peer_index *x)
{
	pthread_mutex_lock(&x->lock);
	clear(x);
	pthread_mutex_unlock(&x->lock);
}

size_t peer_index_count(struct peer_index *x)
{
	size_t n;

	pthread_mutex_lock(&x->lock);
	n = x->ids.n;
	pthread_mutex_unlock(&x->lock);
	return n;
}

static void remove_entry(struct peer_index *x, const char *ifname, const char *id)
{
	char name[NAME_LEN], claim[CLAIM_LEN];
	struct peer_entry *p;

	name_of(ifname, id, name);
	p = map_remove(&x->ids, name);
	if (p == NULL)
		return;
	key_claim(p, claim);
	map_remove(&x->claims, claim);
	VEC_FOREACH (prefix, &p->prefixes) {
		prefix_claim(p, *prefix, claim);
		map_remove(&x->claims, claim);
	}
	entry_free(p);
}

void peer_index_remove(struct peer_index *x, const char *ifname, const char *id)
{
	pthread_mutex_lock(&x->lock);
	remove_entry(x, ifname, id);
	pthread_mutex_unlock(&x->lock);
}

int peer_index_lookup(
	struct peer_index *x, const char *ifname, const char *id, struct public_key *ret)
{
	char name[NAME_LEN];
	const struct peer_entry *p;

	name_of(ifname, id, name);
	pthread_mutex_lock(&x->lock);
	p = map_get(&x->ids, name);
	if (p != NULL)
		*ret = p->key;
	pthread_mutex_unlock(&x->lock);
	return p != NULL;
}

/* What the node itself holds: its interfaces' keys and addresses (interface and address items
 * stand first in a sorted state). */
static int check_own(const struct peer_item *p, const struct state *own, struct err *e)
{
	char text[PREFIX_TEXT_LEN];

	for (size_t i = 0; i < own->items.n && own->items.v[i]->kind <= ITEM_ADDRESS; i++) {
		const struct item *o = own->items.v[i];

		if (o->kind == ITEM_INTERFACE && strcmp(o->interface.name, p->interface) == 0 &&
			public_key_equal(&o->interface.public_key, &p->public_key))
			return err_set(e, ERR_INVALID, "it has this node's own key");
		if (o->kind != ITEM_ADDRESS || strcmp(o->address.interface, p->interface) != 0)
			continue;
		VEC_FOREACH (prefix, &p->allowed_ips)
			if (prefix_compare(*prefix, prefix_host(o->address.addr)) == 0)
				return err_set(e, ERR_INVALID,
					"it claims this node's own address %s",
					prefix_format(*prefix, text));
	}
	return 0;
}

static int check_free(struct peer_index *x, const char *claim, const char *id, struct err *e)
{
	const struct peer_entry *holder = map_get(&x->claims, claim);

	if (holder == NULL || strcmp(holder->id, id) == 0)
		return 0;
	return err_set(e, ERR_EXISTS, "%s is held by peer %s", claim, holder->id);
}

static int add(
	struct peer_index *x, const struct item *item, const struct state *own, struct err *e)
{
	const struct peer_item *p = &item->peer;
	struct peer_entry *n;
	char claim[CLAIM_LEN], name[NAME_LEN];
	int rc = 0;

	remove_entry(x, p->interface, p->id);
	if (public_key_is_zero(&p->public_key))
		return err_set(e, ERR_INVALID, "it has no public key");
	rc = check_own(p, own, e);
	if (rc < 0)
		return rc;
	n = NEW(struct peer_entry);
	memcpy(n->ifname, p->interface, IFNAME_LEN);
	id_copy(n->id, p->id);
	n->key = p->public_key;
	prefix_vec_copy(&n->prefixes, &p->allowed_ips);
	key_claim(n, claim);
	rc = check_free(x, claim, p->id, e);
	for (size_t i = 0; rc == 0 && i < n->prefixes.n; i++) {
		prefix_claim(n, n->prefixes.v[i], claim);
		rc = check_free(x, claim, p->id, e);
	}
	if (rc < 0) {
		entry_free(n);
		return rc;
	}
	key_claim(n, claim);
	map_set(&x->claims, claim, n);
	VEC_FOREACH (prefix, &n->prefixes) {
		prefix_claim(n, *prefix, claim);
		map_set(&x->claims, claim, n);
	}
	name_of(n->ifname, n->id, name);
	map_set(&x->ids, name, n);
	return 0;
}

int peer_index_add(
	struct peer_index *x, const struct item *peer, const struct state *own, struct err *e)
{
	int rc;

	pthread_mutex_lock(&x->lock);
	rc = add(x, peer, own, e);
	pthread_mutex_unlock(&x->lock);
	return rc;
}
