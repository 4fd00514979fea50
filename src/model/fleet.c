/*
 * DOC: the fleet and its indexes. A change is: take the old object out of every index by what it
 * says, free it, put the new one in by what it says. Indexes are sorted vectors of pointers, so a
 * change costs a binary search and at worst one memmove; objects arriving in id order are appended.
 * A fleet_network appears with the first object that names the network and goes with the last, so
 * the order in which objects arrive does not matter; it shows in fleet_network() once the network
 * itself is there.
 */
#include "model/fleet.h"

#include <assert.h>

/* The vectors of references differ only in type; searching and moving goes through this view. */
VEC_TYPE(refs, void *);
typedef int (*ref_compare)(const void *a, const void *b);

static int by_id(const void *a, const void *b)
{
	return strcmp(a, b); /* the id is the first field of every object */
}
_Static_assert(offsetof(struct member, id) == 0 && offsetof(struct group, id) == 0 &&
		offsetof(struct device, id) == 0 && offsetof(struct policy, id) == 0,
	"indexes compare objects by their first field");
_Static_assert(sizeof(struct refs) == sizeof(struct device_refs), "one layout for all references");

static int by_network_id(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int c = strcmp(x->network, y->network);

	return c != 0 ? c : strcmp(x->id, y->id);
}

/* First index whose item is not below key. */
static size_t refs_place(const struct refs *r, const void *key, ref_compare compare)
{
	size_t lo = 0, hi = r->n;

	if (hi > 0 && compare(r->v[hi - 1], key) < 0)
		return hi; /* arriving in order */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare(r->v[mid], key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void refs_add(void *vec, void *object, ref_compare compare)
{
	struct refs *r = vec;
	size_t i = refs_place(r, object, compare);

	if (i == r->n || r->v[i] != object)
		VEC_INSERT(r, i, object);
}

static void refs_drop(void *vec, const void *object, ref_compare compare)
{
	struct refs *r = vec;
	size_t i = refs_place(r, object, compare);

	if (i < r->n && r->v[i] == object)
		VEC_REMOVE(r, i);
}

/* The same for vectors that live in a map: made when first used, freed when empty. */
static void index_add(struct map *m, const char *key, void *object, ref_compare compare)
{
	struct refs *r = map_get(m, key);

	if (r == NULL) {
		r = mem_zalloc(sizeof(*r));
		map_set(m, key, r);
	}
	refs_add(r, object, compare);
}

static void refs_free(void *vec)
{
	struct refs *r = vec;

	VEC_DONE(r);
	mem_free(r);
}

static void index_drop(struct map *m, const char *key, const void *object, ref_compare compare)
{
	struct refs *r = map_get(m, key);

	if (r == NULL)
		return;
	refs_drop(r, object, compare);
	if (r->n == 0)
		refs_free(map_remove(m, key));
}

static struct fleet_network *network_get(struct fleet *f, const char *id)
{
	struct fleet_network *n = map_get(&f->by_network, id);

	if (n == NULL) {
		n = NEW(struct fleet_network);
		map_set(&f->by_network, id, n);
	}
	return n;
}

static void psk_free(void *p)
{
	if (p != NULL)
		secret_wipe(p);
	mem_free(p);
}

void fleet_set_psk(struct fleet *f, const struct device *d, const struct secret *psk)
{
	struct secret *copy = NEW(struct secret);

	*copy = *psk;
	psk_free(map_set(&network_get(f, d->network)->psks, d->id, copy));
}

static void network_free(void *p)
{
	struct fleet_network *n = p;

	VEC_DONE(&n->members);
	VEC_DONE(&n->groups);
	VEC_DONE(&n->policies);
	map_done(&n->devices_by_group, refs_free);
	map_done(&n->psks, psk_free);
	mem_wipe(&n->psk_root, sizeof(n->psk_root));
	mem_free(n);
}

static void network_drop_if_empty(struct fleet *f, const char *id)
{
	struct fleet_network *n = map_get(&f->by_network, id);

	if (n == NULL || n->network != NULL)
		return;
	/* nobody can derive keys of a network that is gone */
	mem_wipe(&n->psk_root, sizeof(n->psk_root));
	if (n->members.n + n->groups.n + n->policies.n + n->devices_by_group.n == 0)
		network_free(map_remove(&f->by_network, id));
}

/* --- what each kind of object is indexed by ------------------------------------------------- */

static void link_network(struct fleet *f, void *object)
{
	struct network *n = object;

	network_get(f, n->id)->network = n;
}

static void unlink_network(struct fleet *f, void *object)
{
	network_get(f, ((struct network *)object)->id)->network = NULL;
}

static void link_member(struct fleet *f, void *object)
{
	struct member *m = object;

	refs_add(&network_get(f, m->network)->members, m, by_id);
	index_add(&f->by_node, m->node, m, by_network_id);
}

static void unlink_member(struct fleet *f, void *object)
{
	struct member *m = object;

	refs_drop(&network_get(f, m->network)->members, m, by_id);
	index_drop(&f->by_node, m->node, m, by_network_id);
}

static void link_group(struct fleet *f, void *object)
{
	struct group *g = object;

	refs_add(&network_get(f, g->network)->groups, g, by_id);
}

static void unlink_group(struct fleet *f, void *object)
{
	struct group *g = object;

	refs_drop(&network_get(f, g->network)->groups, g, by_id);
}

static void link_policy(struct fleet *f, void *object)
{
	struct policy *p = object;

	refs_add(&network_get(f, p->network)->policies, p, by_id);
}

static void unlink_policy(struct fleet *f, void *object)
{
	struct policy *p = object;

	refs_drop(&network_get(f, p->network)->policies, p, by_id);
}

static void link_device(struct fleet *f, void *object)
{
	struct device *d = object;

	index_add(&network_get(f, d->network)->devices_by_group, d->group, d, by_id);
	if (!d->imported_psk)
		psk_free(map_remove(&network_get(f, d->network)->psks, d->id));
	VEC_FOREACH (tag, &d->tags) {
		AUTOFREE char *key = mem_printf("%s/%s", d->network, *tag);

		index_add(&f->tagged, key, d, by_id);
	}
}

static void unlink_device(struct fleet *f, void *object)
{
	struct device *d = object;

	index_drop(&network_get(f, d->network)->devices_by_group, d->group, d, by_id);
	VEC_FOREACH (tag, &d->tags) {
		AUTOFREE char *key = mem_printf("%s/%s", d->network, *tag);

		index_drop(&f->tagged, key, d, by_id);
	}
}

/* network is where the object names its network, for cleaning up behind it. */
static const struct kind {
	const struct schema *schema;
	size_t map;
	void (*link)(struct fleet *f, void *object);
	void (*unlink)(struct fleet *f, void *object);
	ptrdiff_t network; /* -1: none */
} kinds[] = {
	{&schema_project, offsetof(struct fleet, projects), NULL, NULL, -1},
	{&schema_network, offsetof(struct fleet, networks), link_network, unlink_network,
		offsetof(struct network, id)},
	{&schema_node, offsetof(struct fleet, nodes), NULL, NULL, -1},
	{&schema_member, offsetof(struct fleet, members), link_member, unlink_member,
		offsetof(struct member, network)},
	{&schema_group, offsetof(struct fleet, groups), link_group, unlink_group,
		offsetof(struct group, network)},
	{&schema_device, offsetof(struct fleet, devices), link_device, unlink_device,
		offsetof(struct device, network)},
	{&schema_policy, offsetof(struct fleet, policies), link_policy, unlink_policy,
		offsetof(struct policy, network)},
};

static const struct kind *kind_of(const struct schema *s)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].schema == s)
			return &kinds[i];
	return NULL;
}

static struct map *map_of(struct fleet *f, const struct kind *k)
{
	return (struct map *)(void *)((char *)f + k->map);
}

struct fleet *fleet_new(void)
{
	return NEW(struct fleet);
}

struct fleet *fleet_free(struct fleet *f)
{
	if (f == NULL)
		return NULL;
	map_done(&f->by_network, network_free);
	map_done(&f->by_node, refs_free);
	map_done(&f->tagged, refs_free);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct map *m = map_of(f, &kinds[i]);

		MAP_FOREACH (slot, m)
			schema_free(kinds[i].schema, slot->value);
		map_done(m, NULL);
	}
	return mem_free(f);
}

void fleet_put(struct fleet *f, const struct schema *s, void *object)
{
	const struct kind *k = kind_of(s);
	void *old;

	if (k == NULL) {
		schema_free(s, object);
		return;
	}
	old = map_set(map_of(f, k), object, object); /* the id is the first field */
	assert(old != object);
	if (old != NULL && k->unlink != NULL)
		k->unlink(f, old);
	if (k->link != NULL)
		k->link(f, object);
	/* after linking, so that replacing a network's last object keeps its PSK root */
	if (old != NULL && k->network >= 0)
		network_drop_if_empty(f, (char *)old + k->network);
	schema_free(s, old);
}

void fleet_remove(struct fleet *f, const struct schema *s, const char *id)
{
	const struct kind *k = kind_of(s);
	void *old = k == NULL ? NULL : map_remove(map_of(f, k), id);

	if (old == NULL)
		return;
	if (k->unlink != NULL)
		k->unlink(f, old);
	if (s == &schema_device)
		psk_free(map_remove(&network_get(f, ((struct device *)old)->network)->psks, id));
	if (k->network >= 0)
		network_drop_if_empty(f, (char *)old + k->network);
	schema_free(s, old);
}

struct fleet_network *fleet_network(const struct fleet *f, const char *network)
{
	struct fleet_network *n = map_get(&f->by_network, network);

	return n != NULL && n->network != NULL ? n : NULL;
}

struct device_refs *fleet_devices(const struct fleet *f, const char *network, const char *group)
{
	static struct device_refs none;
	struct fleet_network *n = map_get(&f->by_network, network);
	struct device_refs *r = n == NULL ? NULL : map_get(&n->devices_by_group, group);

	return r != NULL ? r : &none;
}

struct member_refs *fleet_memberships(const struct fleet *f, const char *node)
{
	static struct member_refs none;
	struct member_refs *r = map_get(&f->by_node, node);

	return r != NULL ? r : &none;
}

bool fleet_shares(const struct fleet_network *fn, const struct member *m)
{
	if (!(m->roles & ROLE_GATEWAY) || m->group[0] == '\0' || public_key_is_zero(&m->public_key))
		return false;
	VEC_FOREACH (other, &fn->members)
		if (strcmp((*other)->id, m->id) != 0 && ((*other)->roles & ROLE_GATEWAY) &&
			strcmp((*other)->group, m->group) == 0)
			return true;
	return false;
}

struct member *fleet_member(const struct fleet *f, const char *node, const char *network)
{
	struct member_refs *r = fleet_memberships(f, node);
	struct member key = {0};
	size_t i;

	id_copy(key.network, network);
	i = refs_place((const struct refs *)(const void *)r, &key, by_network_id);
	return i < r->n && strcmp(r->v[i]->network, network) == 0 ? r->v[i] : NULL;
}
