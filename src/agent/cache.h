/*
 * DOC: the last desired state, sealed on disk, so that a restarted agent brings its tunnels up
 * with the control plane away. A base file holds a whole state; a journal beside it takes one
 * sealed record per delta, so that one changed peer among 50,000 costs one record. The journal is
 * folded into a new base when it has grown past it.
 */
#ifndef WARREN_AGENT_CACHE_H
#define WARREN_AGENT_CACHE_H

#include "agent/identity.h"
#include "model/state.h"

struct cache {
	char *base, *journal; /* paths */
	char *node;
	struct secret key;
	int fd; /* journal, open for appending; -1 */
	size_t base_size, journal_size;
};

int cache_open(struct cache *c, const struct identity *id, struct err *e);
/* The cached state; ERR_NOT_FOUND when there is none, ERR_CORRUPT when it does not open. A torn
 * end of the journal is dropped: it was never relied upon. */
int cache_load(struct cache *c, struct state *ret, struct err *e);
/* Write the whole state. */
int cache_save(struct cache *c, const struct state *s, struct err *e);
/* Add one delta; after is the state it leads to, written whole when the journal is long. */
int cache_append(struct cache *c, const struct delta *d, const struct state *after, struct err *e);
void cache_close(struct cache *c);

#endif
