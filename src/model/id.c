/*
 * DOC: ids. The process keeps the last UUIDv7 it made; one asked for at the same (or an earlier)
 * millisecond is the last one plus a random step, so ids never repeat and always sort in the order
 * they were made, whatever the wall clock does (RFC 9562 section 6.2, method 2).
 */
#include "model/id.h"

#include "base/rand.h"
#include "base/text.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#define UUID_LEN 16
#define UUID_DIGITS (2 * UUID_LEN)

/* The last id: 48 bits of time, then 74 bits of counter as 12 + 62. */
static struct {
	pthread_mutex_t lock;
	uint64_t ms;
	uint16_t high; /* 12 bits */
	uint64_t low;  /* 62 bits */
} last = {.lock = PTHREAD_MUTEX_INITIALIZER};

#define MS_MASK ((1ull << 48) - 1)
#define LOW_MASK ((1ull << 62) - 1)

/* Move the counter on; must be called with the lock held. */
static void step(uint64_t ms)
{
	uint64_t r[2];

	rand_bytes(r, sizeof(r));
	if (ms > last.ms) {
		last.ms = ms;
		last.high = r[0] & 0x7ff; /* top bit clear: room to count */
		last.low = r[1] & LOW_MASK;
		return;
	}
	last.low += 1 + (r[0] & 0xffffffff);
	if (last.low > LOW_MASK) {
		last.low &= LOW_MASK;
		if (++last.high > 0xfff) {
			last.high = 0;
			last.ms++;
		}
	}
}

void id_make(const char *prefix, msec now, id_text ret)
{
	uint8_t uuid[UUID_LEN];
	char digits[UUID_DIGITS + 1];
	uint64_t ms = now < 0 ? 0 : (uint64_t)now & MS_MASK;

	assert(strlen(prefix) + 1 + UUID_DIGITS < ID_LEN);
	pthread_mutex_lock(&last.lock);
	step(ms);
	for (int i = 0; i < 6; i++)
		uuid[i] = (uint8_t)(last.ms >> (40 - 8 * i));
	uuid[6] = (uint8_t)(0x70 | last.high >> 8);
	uuid[7] = (uint8_t)last.high;
	for (int i = 0; i < 8; i++)
		uuid[8 + i] = (uint8_t)(last.low >> (56 - 8 * i));
	pthread_mutex_unlock(&last.lock);
	uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
	text_hex(uuid, sizeof(uuid), digits);
	snprintf(ret, ID_LEN, "%s_%s", prefix, digits);
}

int id_valid(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	if (text == NULL || strncmp(text, prefix, n) != 0 || text[n] != '_')
		return 0;
	text += n + 1;
	return strlen(text) == UUID_DIGITS && strspn(text, "0123456789abcdef") == UUID_DIGITS;
}

void id_copy(id_text to, const char *from)
{
	size_t n = from == NULL ? 0 : strnlen(from, ID_LEN - 1);

	/* zero to the end: ids are compared as text, but the structs they sit in get hashed */
	memmove(to, from == NULL ? "" : from, n);
	memset(to + n, 0, ID_LEN - n);
}

/* Where id is, or belongs. */
static size_t id_vec_place(const struct id_vec *v, const char *id, int *ret_found)
{
	size_t lo = 0, hi = v->n;

	*ret_found = 0;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(v->v[mid].id, id);

		if (c == 0) {
			*ret_found = 1;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int id_vec_has(const struct id_vec *v, const char *id)
{
	int found;

	id_vec_place(v, id, &found);
	return found;
}

void id_vec_add(struct id_vec *v, const char *id)
{
	struct id_item item;
	int found;
	size_t i;

	id_copy(item.id, id);
	i = id_vec_place(v, item.id, &found);
	if (!found)
		VEC_INSERT(v, i, item);
}
