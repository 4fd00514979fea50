/*
 * DOC: see labels.h. What is kept may say too much, never too little: labels are only added, so
 * that neither who left nor a transaction that was undone takes one away, and who is said to hold a
 * label is asked for in the store. What is read for the first time amid a change that takes names
 * away is kept for that job only, which may be undone. Changes are noted for the whole process, so
 * that change_store needs no handle; to note one too many only costs a read.
 */
#include "control/labels.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "model/names.h"

#include <pthread.h>
#include <string.h>

#define TRIES 32      /* numbers tried in order before random ones */
#define NEWS 256      /* nodes noted; who is further behind reads all anew */
#define VAIN_MAX 1000 /* labels added, or holders that were none, before a network is read anew */

static struct {
	pthread_mutex_t lock;
	unsigned long n; /* noted since the start */
	id_text nodes[NEWS];
	unsigned long took; /* the last job that took a name away */
} news = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct labels {
	unsigned long seen;  /* of the news */
	struct map networks; /* network id -> struct labelled * */
};

/* A network's nodes by label. */
struct labelled {
	struct map holders; /* label -> struct holder *, the first of those that share it */
	size_t vain;        /* see VAIN_MAX */
	unsigned long only; /* the job it is kept for; 0 = all */
};

struct holder {
	struct holder *next;
	id_text node;
};

struct labels *labels_new(void)
{
	return NEW(struct labels);
}

static void free_holders(void *first)
{
	struct holder *h = first, *next;

	for (; h != NULL; h = next) {
		next = h->next;
		mem_free(h);
	}
}

static void free_labelled(void *p)
{
	struct labelled *l = p;

	map_done(&l->holders, free_holders);
	mem_free(l);
}

struct labels *labels_free(struct labels *l)
{
	if (l)
		map_done(&l->networks, free_labelled);
	return mem_free(l);
}

void labels_changed(const struct tx *tx, const char *named, bool taken_away)
{
	unsigned long batch, job = tx_job(tx, &batch);

	pthread_mutex_lock(&news.lock);
	if (named != NULL)
		id_copy(news.nodes[news.n++ % NEWS], named);
	if (taken_away)
		news.took = job;
	pthread_mutex_unlock(&news.lock);
}

/* --- what is kept ----------------------------------------------------------------------------- */

/* False when it is known already. */
static bool add_holder(struct labelled *l, const char *name, const char *node)
{
	char label[LABEL_MAX + 1];
	struct holder *first, *h;

	label_from_name(name, label);
	first = map_get(&l->holders, label);
	for (h = first; h != NULL; h = h->next)
		if (strcmp(h->node, node) == 0)
			return false;
	h = NEW(struct holder);
	id_copy(h->node, node);
	if (first != NULL) {
		h->next = first->next;
		first->next = h;
	} else {
		map_set(&l->holders, label, h);
	}
	return true;
}

struct reading {
	struct map nodes; /* of the network: node -> "" */
	struct labelled *into;
};

static void add_node(void *arg, const char *node)
{
	struct reading *r = arg;

	map_set(&r->nodes, node, (void *)(uintptr_t) "");
}

static int add_label(void *arg, const void *object)
{
	const struct node *n = object;
	struct reading *r = arg;

	if (map_get(&r->nodes, n->id) != NULL)
		add_holder(r->into, n->name, n->id);
	return 0;
}

static int load(struct tx *tx, const struct network *n, struct labelled *into, struct err *e)
{
	const struct tx_filter members[6] = {{"network", n->id}};
	const struct tx_query nodes = {.filters = {{"project", n->project}}};
	struct reading reading = {.into = into};
	int r = tx_column(tx, &schema_member, "node", members, add_node, &reading, e);

	if (r >= 0)
		r = tx_list(tx, &schema_node, &nodes, add_label, &reading, NULL, NULL, e);
	map_done(&reading.nodes, NULL);
	return r;
}

static int load_network(struct tx *tx, const char *network, struct labelled *into, struct err *e)
{
	struct network n = {0};
	int r = tx_get(tx, &schema_network, network, &n, e);

	if (r >= 0)
		r = load(tx, &n, into, e);
	schema_done(&schema_network, &n);
	return r;
}

struct added {
	struct labels *labels;
	const struct node *node;
};

static void add_to_network(void *arg, const char *network)
{
	const struct added *a = arg;
	struct labelled *l = map_get(&a->labels->networks, network);

	if (l != NULL)
		l->vain += add_holder(l, a->node->name, a->node->id);
}

/* A node by its present name, wherever it is. */
static int add_news(struct labels *l, struct tx *tx, const char *node, struct err *e)
{
	const struct tx_filter memberships[6] = {{"node", node}};
	struct node n = {0};
	struct added a = {l, &n};
	int r = tx_get(tx, &schema_node, node, &n, e);

	if (r >= 0)
		r = tx_column(tx, &schema_member, "network", memberships, add_to_network, &a, e);
	schema_done(&schema_node, &n);
	return r == ERR_NOT_FOUND ? 0 : r;
}

static int catch_up(struct labels *l, struct tx *tx, struct err *e)
{
	id_text nodes[NEWS];
	unsigned long from = l->seen, to;
	int r = 0;

	pthread_mutex_lock(&news.lock);
	to = news.n;
	for (unsigned long i = from; i < to && to - from <= NEWS; i++)
		id_copy(nodes[i - from], news.nodes[i % NEWS]);
	pthread_mutex_unlock(&news.lock);
	if (to - from > NEWS) {
		map_done(&l->networks, free_labelled);
		l->networks = (struct map){0};
		l->seen = to;
	}
	for (; r >= 0 && l->seen < to; l->seen += r >= 0)
		r = add_news(l, tx, nodes[l->seen - from], e);
	return r;
}

static int labelled_in(
	struct labels *l, struct tx *tx, const char *network, struct labelled **ret, struct err *e)
{
	struct labelled *known = map_get(&l->networks, network);
	unsigned long batch, job = tx_job(tx, &batch);
	int r;

	if (known != NULL && (known->vain > VAIN_MAX || (known->only != 0 && known->only != job))) {
		free_labelled(map_remove(&l->networks, network));
		known = NULL;
	}
	if (known == NULL) {
		known = NEW(struct labelled);
		r = load_network(tx, network, known, e);
		if (r < 0) {
			free_labelled(known);
			return r;
		}
		pthread_mutex_lock(&news.lock);
		known->only = news.took >= batch ? job : 0;
		pthread_mutex_unlock(&news.lock);
		map_set(&l->networks, network, known);
	}
	*ret = known;
	return 0;
}

/* --- who has it ------------------------------------------------------------------------------- */

/* Is the node there, in the network, and called so? 1: yes, and node is filled in. */
static int holds(struct tx *tx, const char *network, const char *label, const char *id,
	struct node *ret, struct err *e)
{
	const struct tx_filter membership[6] = {{"network", network}, {"node", id}};
	char now[LABEL_MAX + 1];
	uint64_t members = 0;
	int r = tx_get(tx, &schema_node, id, ret, e);

	if (r >= 0)
		r = tx_count(tx, &schema_member, membership, &members, e);
	if (r >= 0) {
		label_from_name(ret->name, now);
		r = members > 0 && strcmp(now, label) == 0;
	}
	if (r <= 0)
		schema_done(&schema_node, ret);
	return r == ERR_NOT_FOUND ? 0 : r;
}

/* Which node of the network, other than `but`, holds the label? 1: ret, for schema_done. */
static int find_holder(struct labels *l, struct tx *tx, const char *network, const char *label,
	const char *but, struct node *ret, struct err *e)
{
	struct labelled *known = NULL;
	int r = catch_up(l, tx, e);

	if (r >= 0)
		r = labelled_in(l, tx, network, &known, e);
	if (r < 0)
		return r;
	for (const struct holder *h = map_get(&known->holders, label); h != NULL; h = h->next) {
		if (strcmp(h->node, but) == 0)
			continue;
		r = holds(tx, network, label, h->node, ret, e);
		if (r != 0)
			return r;
		known->vain++;
	}
	return 0;
}

/* 1 when a node or another device holds it. */
static int taken(struct labels *l, struct tx *tx, const char *network, const char *label,
	const char *device, struct err *e)
{
	struct node holder = {0};
	int r = find_holder(l, tx, network, label, "", &holder, e);
	if (r != 0) {
		schema_done(&schema_node, &holder);
		return r;
	}
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
	struct node holder = {0};
	struct device d = {0};
	char label[LABEL_MAX + 1];
	int r;

	label_from_name(name, label);
	r = find_holder(l, tx, network, label, node, &holder, e);
	if (r > 0)
		r = err_field(e, ERR_EXISTS, field,
			"the DNS name %s is held by the node \"%.100s\": take another name", label,
			holder.name);
	schema_done(&schema_node, &holder);
	if (r < 0)
		return r;
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
