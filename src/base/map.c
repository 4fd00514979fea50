/* DOC: string map, linear probing, at most three quarters full; see map.h. */
#include "base/map.h"

#include "base/mem.h"
#include "base/rand.h"

#include <pthread.h>
#include <string.h>

static unsigned long seed;
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
	rand_bytes(&seed, sizeof(seed));
}

static unsigned long hash_of(const char *s)
{
	unsigned long h;

	pthread_once(&seeded, make_seed);
	h = seed ^ 0xcbf29ce484222325UL;
	for (; *s != '\0'; s++) {
		h ^= (unsigned char)*s;
		h *= 0x9e3779b97f4a7c15UL;
		h ^= h >> 29;
	}
	return h ^ (h >> 32);
}

static size_t find(const struct map *m, const char *key, unsigned long h)
{
	size_t i = h & (m->cap - 1);

	while (m->slots[i].key != NULL) {
		if (m->slots[i].hash == h && strcmp(m->slots[i].key, key) == 0)
			break;
		i = (i + 1) & (m->cap - 1);
	}
	return i;
}

void *map_get(const struct map *m, const char *key)
{
	if (m->n == 0)
		return NULL;
	return m->slots[find(m, key, hash_of(key))].value;
}

static void grow(struct map *m)
{
	struct map old = *m;
	size_t cap = 16;

	while (cap < (old.n + 1) * 2)
		cap *= 2;
	*m = (struct map){.slots = mem_zalloc(cap * sizeof(struct map_slot)), .cap = cap};
	for (size_t i = 0; i < old.cap; i++) {
		struct map_slot *s = &old.slots[i];

		if (s->value == NULL) {
			mem_free(s->key);
			continue;
		}
		m->slots[find(m, s->key, s->hash)] = *s;
		m->n++;
		m->used++;
	}
	mem_free(old.slots);
}

void *map_set(struct map *m, const char *key, void *value)
{
	unsigned long h = hash_of(key);
	struct map_slot *s;
	void *was;

	if ((m->used + 1) * 4 > m->cap * 3)
		grow(m);
	s = &m->slots[find(m, key, h)];
	was = s->value;
	if (s->key == NULL) {
		s->key = mem_strdup(key);
		s->hash = h;
		m->used++;
	}
	if (was == NULL)
		m->n++;
	s->value = value;
	return was;
}

void *map_remove(struct map *m, const char *key)
{
	struct map_slot *s;
	void *was;

	if (m->n == 0)
		return NULL;
	s = &m->slots[find(m, key, hash_of(key))];
	was = s->value;
	if (was != NULL) {
		s->value = NULL; /* the key stays as a tombstone until the next grow */
		m->n--;
	}
	return was;
}

struct map_slot *map_next(const struct map *m, size_t *pos)
{
	while (*pos < m->cap) {
		struct map_slot *s = &m->slots[(*pos)++];

		if (s->value != NULL)
			return s;
	}
	return NULL;
}

void map_done(struct map *m, void (*free_value)(void *value))
{
	for (size_t i = 0; i < m->cap; i++) {
		if (m->slots[i].value != NULL && free_value != NULL)
			free_value(m->slots[i].value);
		mem_free(m->slots[i].key);
	}
	mem_free(m->slots);
	*m = (struct map){0};
}
