/*
 * DOC: the peer index: which peers are in force, by id, with the key and the prefixes each holds
 * on its interface. It is where a peer that would take another's key or prefix is refused:
 * WireGuard itself would move the prefix without a word (P-4). Thread-safe.
 */
#ifndef WARREN_AGENT_PEERS_H
#define WARREN_AGENT_PEERS_H

#include "base/map.h"
#include "model/state.h"

#include <pthread.h>

struct peer_index {
	pthread_mutex_t lock;
	struct map ids;    /* interface/id -> struct peer_entry */
	struct map claims; /* interface/key and interface/prefix -> struct peer_entry */
};

void peer_index_init(struct peer_index *x);
void peer_index_done(struct peer_index *x);

/* Take the peer in (an entry with its id is replaced). own are the addresses of this node, any
 * interface. ERR_INVALID or ERR_EXISTS, naming the holder, when it must not be in force; then the
 * index does not have it, nor what it had before under this id. */
int peer_index_add(
	struct peer_index *x, const struct item *peer, const struct state *own, struct err *e);
void peer_index_remove(struct peer_index *x, const char *ifname, const char *id); /* or no-op */
/* 1 and the key when it is in force, else 0. */
int peer_index_lookup(
	struct peer_index *x, const char *ifname, const char *id, struct public_key *ret);
/* Forget all. */
void peer_index_clear(struct peer_index *x);
size_t peer_index_count(struct peer_index *x);

#endif
