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
		pthread_mutex_destroy(&b->lock);
	}
	return mem_free(b);
}

void bearers_put(struct bearers *b, const struct node *n)
{
	struct secret hash;

	if (n->bearer_hash == NULL || text_unhex(n->bearer_hash, hash.bytes, HASH_LEN) < 0) {
		bearers_remove(b, n->id);
		return;
	}
	pthread_mutex_lock(&b->lock);
	mem_free(map_set(&b->hashes, n->id, mem_dup(&hash, sizeof(hash))));
	pthread_mutex_unlock(&b->lock);
}

void bearers_remove(struct bearers *b, const char *node)
{
	pthread_mutex_lock(&b->lock);
	mem_free(map_remove(&b->hashes, node));
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
	return ok ? 0
		  : err_set(e, ERR_UNAUTHORIZED,
			    "this node is not known here or its bearer is not valid: join again");
}
