/*
 * DOC: see labels.h. The counter of changes is one for the process, so that change_store needs no
 * handle; raising it too often only costs a read.
 */
#include "control/labels.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "model/names.h"

#include <stdatomic.h>
#include <string.h>

#define TRIES 32 /* numbers tried in order before random ones */

static atomic_ulong changes = 1;

struct labels {
	unsigned long seen;  /* value of changes when sets was filled */
	struct map networks; /* network id -> struct map * of label -> struct holder */
};

struct holder {
	id_text node;
	char *name;
};

struct labels *labels_new(void)
{
	return NEW(struct labels);
}

static void free_holder(void *holder)
{
	struct holder *h = holder;

	mem_free(h->name);
	mem_free(h);
}

static void free_set(void *set)
{
	map_done(set, free_holder);
	mem_free(set);
}

struct labels *labels_free(struct labels *l)
{
	if (l)
		map_done(&l->networks, free_set);
	return mem_free(l);
}

void labels_changed(void)
{
	atomic_fetch_add(&changes, 1);
}

struct members {
	struct map nodes; /* node -> "" */
	struct map *set;
};

static int add_node(void *arg, const void *object)
{
	struct members *m = arg;

	map_set(&m->nodes, ((const struct member *)object)->node, (void *)(uintptr_t) "");
	return 0;
}

static int add_label(void *arg, const void *object)
{
	const struct node *n = object;
	struct members *m = arg;
	char label[LABEL_MAX + 1];
	struct holder *h;

	if (map_get(&m->nodes, n->id) == NULL)
		return 0;
	label_from_name(n->name, label);
	h = NEW(struct holder);
	id_copy(h->node, n->id);
	h->name = mem_strdup(n->name);
	h = map_set(m->set, label, h);
	if (h != NULL)
		free_holder(h);
	return 0;
}

static int load(struct tx *tx, const struct network *n, struct map *set, struct err *e)
{
	const struct tx_query members = {.filters = {{"network", n->id}}},
			      nodes = {.filters = {{"project", n->project}}};
	struct members m = {.set = set};
	int r = tx_list(tx, &schema_member, &members, add_node, &m, NULL, NULL, e);

	if (r >= 0)
		r = tx_list(tx, &schema_node, &nodes, add_label, &m, NULL, NULL, e);
	map_done(&m.nodes, NULL);
	return r;
}

static int load_network(struct tx *tx, const char *network, struct map *set, struct err *e)
{
	struct network n = {0};
	int r = tx_get(tx, &schema_network, network, &n, e);

	if (r >= 0)
		r = load(tx, &n, set, e);
	schema_done(&schema_network, &n);
	return r;
}

/* Which node of the network holds the label? NULL: none. */
static int find_holder(struct labels *l, struct tx *tx, const char *network, const char *label,
	const struct holder **ret, struct err *e)
{
	unsigned long now = atomic_load(&changes);
	struct map *set;

	if (l->seen != now) {
		map_done(&l->networks, free_set);
		l->networks = (struct map){0};
		l->seen = now;
	}
	set = map_get(&l->networks, network);
	if (set == NULL) {
		int r;

		set = NEW(struct map);
		r = load_network(tx, network, set, e);
		if (r < 0) {
			free_set(set);
			return r;
		}
		map_set(&l->networks, network, set);
	}
	*ret = map_get(set, label);
	return 0;
}

/* 1 when a node or another device holds it. */
static int taken(struct labels *l, struct tx *tx, const char *network, const char *label,
	const char *device, struct err *e)
{
	const struct holder *holder = NULL;
	int r = find_holder(l, tx, network, label, &holder, e);
	if (r < 0 || holder != NULL)
		return r < 0 ? r : 1;
	struct device other = {0};
	r = tx_find(tx, &schema_device, &other, e, "network", network, "dns_name", label, NULL);
	if (r == ERR_NOT_FOUND)
		return 0;
	if (r < 0)
		return r;
	r = strcmp(other.id, device) != 0;
	schema_done(&schema_device, &other);
	return r;
}

int labels_for_device(struct labels *l, struct tx *tx, const char *network, const char *name,
	const char *device, char ret[static 64], struct err *e)
{
	char plain[LABEL_MAX + 1], label[LABEL_MAX + 1];
	label_from_name(name, plain);
	if (label_is_reserved(plain))
		return err_field(e, ERR_INVALID, "name",
			"\"%s\" would be called %s in DNS, which is reserved", name, plain);
	memcpy(label, plain, sizeof(label));
	for (unsigned n = 2; n < 1000; n++) {
		int r = taken(l, tx, network, label, device, e);
		if (r < 0)
			return r;
		if (r == 0) {
			memcpy(ret, label, sizeof(label));
			return 0;
		}
		/* Thousands of names may shrink to one label ("client"): do not walk them all. */
		uint16_t random;
		rand_bytes(&random, sizeof(random));
		memcpy(label, plain, sizeof(label));
		label_number(label, n <= TRIES ? n : 1000u + random);
	}
	return err_field(e, ERR_EXHAUSTED, "name", "no DNS name is left for \"%s\"", name);
}

int labels_node_name(const char *name, const char *field, struct err *e)
{
	char label[LABEL_MAX + 1];

	label_from_name(name, label);
	if (label_is_reserved(label))
		return err_field(e, ERR_INVALID, field,
			"\"%s\" would be called %s in DNS, which is reserved", name, label);
	return 0;
}

int labels_node_fits(struct labels *l, struct tx *tx, const char *network, const char *name,
	const char *node, const char *field, struct err *e)
{
	const struct holder *holder = NULL;
	struct device d = {0};
	char label[LABEL_MAX + 1];
	int r;

	label_from_name(name, label);
	r = find_holder(l, tx, network, label, &holder, e);
	if (r < 0)
		return r;
	if (holder != NULL && strcmp(holder->node, node) != 0)
		return err_field(e, ERR_EXISTS, field,
			"the DNS name %s is held by the node \"%.100s\": take another name", label,
			holder->name);
	r = tx_find(tx, &schema_device, &d, e, "network", network, "dns_name", label, NULL);
	schema_done(&schema_device, &d);
	if (r == ERR_NOT_FOUND)
		return 0;
	return r < 0 ? r
		     : err_field(e, ERR_EXISTS, field,
			       "the DNS name %s is held by a client: take another name, or rename "
			       "the client",
			       label);
}
