/* DOC: bearers of nodes; see bearer.h. */
#include "control/bearer.h"

#include "base/map.h"
#include "base/text.h"
#include "crypto/token.h"

#include <stdlib.h>
#include <pthread.h>
#include <strings.h>

struct bearers {
	pthread_mutex_t lock;
	struct map hashes; /* node -> struct secret, the SHA-256 of its bearer */
	struct map nodes;  /* that in hex -> node */
};

struct bearers *bearers_new(void)
{
	struct bearers *b = NEW(struct bearers);

	pthread_mutex_init(&b->lock, NULL);
	return b;
}

struct bearers *bearers_free(struct bearers *b)
{
	if (b != NULL) {
		map_done(&b->hashes, free);
		map_done(&b->nodes, free);
		pthread_mutex_destroy(&b->lock);
	}
	return mem_free(b);
}

/* With the lock. */
static void forget(struct bearers *b, const char *node)
{
	AUTOFREE struct secret *hash = map_remove(&b->hashes, node);
	char hex[HASH_HEX_LEN];

	if (hash == NULL)
		return;
	text_hex(hash->bytes, HASH_LEN, hex);
	mem_free(map_remove(&b->nodes, hex));
}

void bearers_put(struct bearers *b, const struct node *n)
{
	struct secret hash;

	if (n->bearer_hash == NULL || text_unhex(n->bearer_hash, hash.bytes, HASH_LEN) < 0) {
		bearers_remove(b, n->id);
		return;
	}
	pthread_mutex_lock(&b->lock);
	forget(b, n->id);
	map_set(&b->hashes, n->id, mem_dup(&hash, sizeof(hash)));
	mem_free(map_set(&b->nodes, n->bearer_hash, mem_strdup(n->id)));
	pthread_mutex_unlock(&b->lock);
}

void bearers_remove(struct bearers *b, const char *node)
{
	pthread_mutex_lock(&b->lock);
	forget(b, node);
	pthread_mutex_unlock(&b->lock);
}

const char *bearer_text(const char *header)
{
	if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0)
		return NULL;
	header += 7;
	while (*header == ' ')
		header++;
	return *header != '\0' ? header : NULL;
}

static int refuse(struct err *e)
{
	return err_set(e, ERR_UNAUTHORIZED,
		"this node is not known here or its bearer is not valid: join again");
}

int bearers_check(struct bearers *b, const char *node, const char *header, struct err *e)
{
	const char *text = bearer_text(header);
	const struct secret *want;
	struct secret got;
	int ok;

	if (text == NULL || node == NULL)
		return err_set(e, ERR_UNAUTHORIZED, "a node's bearer is needed");
	token_hash(text, got.bytes);
	pthread_mutex_lock(&b->lock);
	want = map_get(&b->hashes, node);
	ok = want != NULL && secret_equal(want, &got);
	pthread_mutex_unlock(&b->lock);
	return ok ? 0 : refuse(e);
}

int bearers_find(struct bearers *b, const char *header, id_text ret_node, struct err *e)
{
	const char *text = bearer_text(header), *node;
	char hash[HASH_HEX_LEN];

	if (text == NULL)
		return err_set(e, ERR_UNAUTHORIZED, "a node's bearer is needed");
	token_hash_hex(text, hash);
	pthread_mutex_lock(&b->lock);
	node = map_get(&b->nodes, hash);
	if (node != NULL)
		id_copy(ret_node, node);
	pthread_mutex_unlock(&b->lock);
	return node != NULL ? 0 : refuse(e);
}
