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
	struct map networks; /* network id -> struct map * of label -> "" */
};

struct labels *labels_new(void)
{
	return NEW(struct labels);
}

static void free_set(void *set)
{
	map_done(set, NULL);
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

static int add_node(void *arg, const void *object)
{
	id_vec_add(arg, ((const struct member *)object)->node);
	return 0;
}

static int load(struct tx *tx, const char *network, struct map *set, struct err *e)
{
	struct id_vec nodes = {0};
	struct tx_query q = {.filters = {{"network", network}}};
	int r = tx_list(tx, &schema_member, &q, add_node, &nodes, NULL, NULL, e);
	for (size_t i = 0; r == 0 && i < nodes.n; i++) {
		struct node node = {0};
		r = tx_get(tx, &schema_node, nodes.v[i].id, &node, e);
		if (r < 0)
			break;
		char label[LABEL_MAX + 1];
		label_from_name(node.name, label);
		map_set(set, label, (void *)(uintptr_t) "");
		schema_done(&schema_node, &node);
	}
	VEC_DONE(&nodes);
	return r;
}

int labels_held(
	struct labels *l, struct tx *tx, const char *network, const char *label, struct err *e)
{
	unsigned long now = atomic_load(&changes);
	if (l->seen != now) {
		map_done(&l->networks, free_set);
		l->networks = (struct map){0};
		l->seen = now;
	}
	struct map *set = map_get(&l->networks, network);
	if (set == NULL) {
		set = NEW(struct map);
		int r = load(tx, network, set, e);
		if (r < 0) {
			free_set(set);
			return r;
		}
		map_set(&l->networks, network, set);
	}
	return map_get(set, label) != NULL;
}

/* 1 when a node or another device holds it. */
static int taken(struct labels *l, struct tx *tx, const char *network, const char *label,
	const char *device, struct err *e)
{
	int r = labels_held(l, tx, network, label, e);
	if (r != 0)
		return r;
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

int labels_node_fits(
	struct tx *tx, const char *network, const char *name, const char *field, struct err *e)
{
	struct device d = {0};
	char label[LABEL_MAX + 1];
	int r;

	label_from_name(name, label);
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
