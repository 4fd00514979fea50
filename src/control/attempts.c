/*
 * DOC: see attempts.h. Each slot is a leaky bucket: `until` is the time its level reaches zero,
 * each attempt adds window/max to it. Keys are hashed with a random seed, so nobody can aim at the
 * slot of somebody else; a collision costs an attacker's victim nothing more than being forgotten.
 */
#include "control/attempts.h"

#include "base/mem.h"
#include "base/rand.h"
#include "crypto/hash.h"
#include "model/prefix.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define STEP (ATTEMPTS_WINDOW / ATTEMPTS_MAX)

struct slot {
	uint64_t key;
	msec until;
};

struct attempts {
	pthread_mutex_t lock;
	const struct clock *clock;
	uint8_t seed[16];
	unsigned long refused;
	struct slot slots[ATTEMPTS_SLOTS];
	struct slot known[ATTEMPTS_SLOTS]; /* until: when name and address stop being known */
};

struct attempts *attempts_new(const struct clock *clock)
{
	struct attempts *a = NEW(struct attempts);
	pthread_mutex_init(&a->lock, NULL);
	a->clock = clock;
	rand_bytes(a->seed, sizeof(a->seed));
	return a;
}

struct attempts *attempts_free(struct attempts *a)
{
	if (a)
		pthread_mutex_destroy(&a->lock);
	return mem_free(a);
}

static struct slot *slot_in(struct attempts *a, struct slot *table, char kind, const char *text)
{
	CLEANUP(buf_done) struct buf b = {0};
	buf_add(&b, a->seed, sizeof(a->seed));
	buf_addc(&b, kind);
	buf_adds(&b, text);
	uint8_t hash[HASH_LEN];
	hash_sha256(b.data, b.len, hash);
	uint64_t key, set;
	memcpy(&key, hash, sizeof(key));
	memcpy(&set, hash + sizeof(key), sizeof(set));
	struct slot *first = table + set % (ATTEMPTS_SLOTS / ATTEMPTS_WAYS) * ATTEMPTS_WAYS;
	struct slot *stalest = first;
	for (struct slot *s = first; s < first + ATTEMPTS_WAYS; s++) {
		if (s->key == key)
			return s;
		if (s->until < stalest->until)
			stalest = s;
	}
	*stalest = (struct slot){.key = key};
	return stalest;
}

static struct slot *slot_for(struct attempts *a, char kind, const char *text)
{
	return slot_in(a, a->slots, kind, text);
}

/* An IPv6 address as its /64. */
static const char *widen(const char *address, char text[static ADDR_TEXT_LEN])
{
	struct addr addr;
	if (addr_parse(address, &addr) < 0 || addr.family != FAMILY_IPV6)
		return address;
	addr.bits = addr.bits >> 64 << 64;
	return addr_format(addr, text);
}

/* The two counts of a login: of its address, and of its name (at this address, when known). */
static void slots_for(struct attempts *a, const char *address, const char *name, msec now,
	struct slot *ret[static 2], struct slot **ret_known)
{
	char text[ADDR_TEXT_LEN];
	address = widen(address, text);
	AUTOFREE char *pair = mem_printf("%s %s", address, name);
	*ret_known = slot_in(a, a->known, 'k', pair);
	ret[0] = slot_for(a, 'a', address);
	ret[1] = (*ret_known)->until > now ? slot_for(a, 'p', pair) : slot_for(a, 'n', name);
}

msec attempts_take(struct attempts *a, const char *address, const char *name)
{
	msec now = clock_mono(a->clock), wait = 0;
	pthread_mutex_lock(&a->lock);
	struct slot *slots[2], *known;
	slots_for(a, address, name, now, slots, &known);
	for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
		msec over = slots[i]->until + STEP - (now + ATTEMPTS_WINDOW);
		if (over > wait)
			wait = over;
	}
	for (size_t i = 0; wait == 0 && i < ARRAY_LEN(slots); i++)
		slots[i]->until = (slots[i]->until > now ? slots[i]->until : now) + STEP;
	if (wait > 0)
		a->refused++;
	pthread_mutex_unlock(&a->lock);
	return wait;
}

void attempts_succeeded(struct attempts *a, const char *address, const char *name)
{
	pthread_mutex_lock(&a->lock);
	msec now = clock_mono(a->clock);
	struct slot *slots[2], *known;
	slots_for(a, address, name, now, slots, &known);
	for (size_t i = 0; i < ARRAY_LEN(slots); i++)
		slots[i]->until -= STEP;
	known->until = now + ATTEMPTS_KNOWN;
	pthread_mutex_unlock(&a->lock);
}

/* Of one count alone, each attempt of which costs `step` of the window. */
static msec take_one(struct attempts *a, char kind, const char *text, msec step)
{
	pthread_mutex_lock(&a->lock);
	msec now = clock_mono(a->clock);
	struct slot *s = slot_for(a, kind, text);
	msec wait = s->until + step - (now + ATTEMPTS_WINDOW);
	if (wait > 0)
		a->refused++;
	else
		s->until = (s->until > now ? s->until : now) + step;
	pthread_mutex_unlock(&a->lock);
	return wait > 0 ? wait : 0;
}

msec attempts_take_code(struct attempts *a, const char *user)
{
	return take_one(a, 'c', user, 2 * STEP);
}

msec attempts_take_signon(struct attempts *a, const char *address)
{
	char text[ADDR_TEXT_LEN];
	return take_one(a, 's', widen(address, text), ATTEMPTS_WINDOW / ATTEMPTS_SIGNON_MAX);
}

void attempts_code_succeeded(struct attempts *a, const char *user)
{
	pthread_mutex_lock(&a->lock);
	slot_for(a, 'c', user)->until -= 2 * STEP;
	pthread_mutex_unlock(&a->lock);
}

unsigned long attempts_refused(struct attempts *a)
{
	pthread_mutex_lock(&a->lock);
	unsigned long n = a->refused;
	pthread_mutex_unlock(&a->lock);
	return n;
}
