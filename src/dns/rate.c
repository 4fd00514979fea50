/* DOC: see rate.h. */
#include "dns/rate.h"

#include "base/rand.h"

#define BUCKETS 16384 /* a power of two */
#define SECOND 1000

struct bucket {
	msec at;
	uint64_t tokens; /* thousandths */
};

struct rate {
	unsigned per_second, burst;
	uint64_t seed; /* which clients share a bucket is nobody's choice */
	struct bucket buckets[BUCKETS];
};

struct rate *rate_new(unsigned per_second, unsigned burst)
{
	struct rate *r = NEW(struct rate);

	r->per_second = per_second;
	r->burst = burst;
	rand_bytes(&r->seed, sizeof(r->seed));
	for (size_t i = 0; i < BUCKETS; i++)
		r->buckets[i].tokens = (uint64_t)burst * SECOND;
	return r;
}

struct rate *rate_free(struct rate *r)
{
	return mem_free(r);
}

static struct bucket *bucket_of(struct rate *r, struct addr a)
{
	struct rand mix = {r->seed ^ (uint64_t)a.bits};

	mix.state = rand_next(&mix) ^ (uint64_t)(a.bits >> 64);
	return &r->buckets[rand_next(&mix) & (BUCKETS - 1)];
}

bool rate_take(struct rate *r, struct addr client, msec now)
{
	struct bucket *b = bucket_of(r, client);
	uint64_t full = (uint64_t)r->burst * SECOND;

	if (r->per_second == 0)
		return true;
	if (now > b->at) {
		/* thousandths a millisecond are tokens a second; more than a second is enough to
		 * know, and cannot overflow */
		msec gone = now - b->at > 3600 * SECOND ? 3600 * SECOND : now - b->at;

		b->tokens += (uint64_t)gone * r->per_second;
		b->at = now;
		if (b->tokens > full)
			b->tokens = full;
	}
	if (b->tokens < SECOND)
		return false;
	b->tokens -= SECOND;
	return true;
}
