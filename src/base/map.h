/*
 * DOC: a hash map from strings to pointers (open addressing, keys copied, hash seeded at random
 * per process so that outsiders cannot choose collisions). The zero value is empty and ready.
 */
#ifndef WARREN_BASE_MAP_H
#define WARREN_BASE_MAP_H

#include <stddef.h>

struct map_slot {
	char *key; /* NULL = never used; value NULL = removed */
	void *value;
	unsigned long hash;
};

struct map {
	struct map_slot *slots;
	size_t cap;  /* a power of two, or 0 */
	size_t n;    /* live entries */
	size_t used; /* live and removed slots */
};

/* Value for key, or NULL. */
void *map_get(const struct map *m, const char *key);

/* Set key to value (not NULL); returns the value it replaces, or NULL. */
void *map_set(struct map *m, const char *key, void *value);

/* Remove key; returns its value, or NULL when absent. */
void *map_remove(struct map *m, const char *key);

/* Iterate: start with *pos = 0; NULL at the end. Order is arbitrary; do not change meanwhile. */
struct map_slot *map_next(const struct map *m, size_t *pos);
#define MAP_FOREACH(slot, m)                                                       \
	for (size_t pos_##slot = 0, once_##slot = 1; once_##slot; once_##slot = 0) \
		for (struct map_slot * slot; (slot = map_next((m), &pos_##slot)) != NULL;)

/* Free keys and table; values with free_value when it is not NULL. */
void map_done(struct map *m, void (*free_value)(void *value));

#endif
