/* DOC: see groupkey.h. */
#include "control/groupkey.h"

#include "base/log.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/seal.h"
#include "control/secrets.h"

#include <stdio.h>

#define KIND_LEN 40 /* "sealed/" and 32 hex digits */

struct groupkeys {
	struct control *control;
	const struct fleet *fleet;
	struct map sealed; /* "group/node" -> struct sealed * */
	struct plan_keys plan;
};

struct sealed {
	uint32_t generation;
	struct public_key public_key; /* of the group: a new identity is sealed anew */
	char *text;
};

static void sealed_free(void *p)
{
	struct sealed *s = p;

	mem_free(s->text);
	mem_free(s);
}

/* Making one: read the kept text, or read the group's key and seal it. */
struct sealing {
	struct control *control;
	const struct group *group;
	const struct node *node;
	char kind[KIND_LEN];
	struct buf text; /* out */
	bool fresh;      /* out: not in the store yet */
};

static int seal_now(struct tx *tx, struct sealing *s, struct err *e)
{
	struct secret node_secret, seal, group_key;
	CLEANUP(buf_done) struct buf bytes = {0};
	struct public_key check;
	char context[64];
	int r = secrets_get(tx, &s->control->keys, s->group->id, SECRET_GROUP_KEY, &group_key, e);

	if (r < 0)
		return r;
	key_public(&group_key, &check);
	if (public_key_equal(&check, &s->group->public_key)) {
		secrets_node(&s->control->keys, s->node->id, s->node->generation, &node_secret);
		key_derive(&node_secret, "seal", &seal);
		snprintf(context, sizeof(context), "group-key/%s", s->node->id);
		seal_with_secret(&seal, context, group_key.bytes, KEY_LEN, &bytes);
		base64_encode(bytes.data, bytes.len, &s->text);
		secret_wipe(&node_secret);
		secret_wipe(&seal);
		s->fresh = true;
	} else {
		/* the store is ahead of the row that is being applied; a later row sets it right */
		r = err_set(e, ERR_STALE, "the key of group %s has changed", s->group->id);
	}
	secret_wipe(&group_key);
	return r;
}

static int read_or_seal(struct tx *tx, void *arg, struct err *e)
{
	struct sealing *s = arg;
	int r = tx_secret_get(tx, s->group->id, s->kind, &s->text, e);

	return r == ERR_NOT_FOUND ? seal_now(tx, s, e) : r;
}

/* Keeping one, on the writer's thread. */
struct keeping {
	id_text group;
	char kind[KIND_LEN];
	char *text;
};

static int keep(struct tx *tx, void *arg, struct err *e)
{
	struct keeping *k = arg;
	struct group g = {0};
	int r = tx_get(tx, &schema_group, k->group, &g, e);

	schema_done(&schema_group, &g);
	if (r < 0) /* gone meanwhile: nothing to keep it for */
		return r == ERR_NOT_FOUND ? 0 : r;
	return tx_secret_put(tx, k->group, k->kind, k->text, strlen(k->text), e);
}

static void kept(void *arg, int result, const struct err *e)
{
	struct keeping *k = arg;

	if (result < 0)
		log_error("a sealed group key could not be stored", LOG_KV_STR("group", k->group),
			LOG_KV_STR("error", e->text));
	mem_free(k->text);
	mem_free(k);
}

static void keep_later(const struct sealing *s)
{
	struct keeping *k = NEW(struct keeping);

	id_copy(k->group, s->group->id);
	memcpy(k->kind, s->kind, sizeof(k->kind));
	k->text = mem_strdup(buf_str(&s->text));
	store_write(s->control->store, keep, k, kept);
}

static char *make(struct groupkeys *g, const struct group *group, const struct node *node)
{
	struct sealing s = {.control = g->control, .group = group, .node = node};
	uint8_t digest[HASH_LEN];
	CLEANUP(buf_done) struct buf name = {0};
	struct err e = {0};

	/* node, generation and identity in one short word */
	buf_addf(&name, "%s/%u/", node->id, node->generation);
	buf_add(&name, group->public_key.bytes, KEY_LEN);
	hash_sha256(name.data, name.len, digest);
	snprintf(s.kind, sizeof(s.kind), "sealed/");
	for (size_t i = 0; i < 16; i++)
		snprintf(s.kind + 7 + 2 * i, 3, "%02x", digest[i]);
	if (store_read(g->control->store, read_or_seal, &s, &e) < 0) {
		buf_done(&s.text);
		log_warn("a gateway gets no group key", LOG_KV_STR("node", node->id),
			LOG_KV_STR("group", group->id), LOG_KV_STR("error", e.text));
		return NULL;
	}
	if (s.fresh)
		keep_later(&s);
	return buf_take(&s.text);
}

static const char *group_key(void *ctx, const char *group, const char *node)
{
	struct groupkeys *g = ctx;
	const struct group *gr = map_get(&g->fleet->groups, group);
	const struct node *n = map_get(&g->fleet->nodes, node);
	AUTOFREE char *key = NULL;
	struct sealed *s;
	char *text;

	if (gr == NULL || n == NULL)
		return NULL;
	key = mem_printf("%s/%s", group, node);
	s = map_get(&g->sealed, key);
	if (s != NULL && s->generation == n->generation &&
		public_key_equal(&s->public_key, &gr->public_key))
		return s->text;
	text = make(g, gr, n);
	if (text == NULL)
		return NULL;
	s = NEW(struct sealed);
	s->generation = n->generation;
	s->public_key = gr->public_key;
	s->text = text;
	void *old = map_set(&g->sealed, key, s);
	if (old != NULL)
		sealed_free(old);
	return s->text;
}

struct groupkeys *groupkeys_new(struct control *c, const struct fleet *f)
{
	struct groupkeys *g = NEW(struct groupkeys);

	g->control = c;
	g->fleet = f;
	g->plan.group_key = group_key;
	g->plan.ctx = g;
	return g;
}

struct groupkeys *groupkeys_free(struct groupkeys *g)
{
	if (g != NULL)
		map_done(&g->sealed, sealed_free);
	return mem_free(g);
}

const struct plan_keys *groupkeys_plan(struct groupkeys *g)
{
	return &g->plan;
}

void groupkeys_forget(struct groupkeys *g, const char *id)
{
	struct strs gone = {0};
	size_t n = strlen(id);

	MAP_FOREACH (slot, &g->sealed) {
		const char *node = strchr(slot->key, '/') + 1;

		if ((strncmp(slot->key, id, n) == 0 && slot->key[n] == '/') ||
			strcmp(node, id) == 0)
			strs_push(&gone, slot->key);
	}
	VEC_FOREACH (key, &gone)
		sealed_free(map_remove(&g->sealed, *key));
	strs_done(&gone);
}
