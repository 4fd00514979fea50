/* DOC: see failures.h. */
#include "control/failures.h"

#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct count {
	msec since;
	uint64_t n;
};

struct failures {
	pthread_mutex_t lock;
	const struct clock *clock;
	struct map counts; /* user -> struct count */
};

struct failures *failures_new(const struct clock *clock)
{
	struct failures *f = NEW(struct failures);

	pthread_mutex_init(&f->lock, NULL);
	f->clock = clock;
	return f;
}

struct failures *failures_free(struct failures *f)
{
	if (f != NULL) {
		map_done(&f->counts, free);
		pthread_mutex_destroy(&f->lock);
	}
	return mem_free(f);
}

static bool is_power_of_ten(uint64_t n)
{
	while (n >= 10 && n % 10 == 0)
		n /= 10;
	return n == 1;
}

uint64_t failures_note(struct failures *f, const char *user)
{
	msec now = clock_mono(f->clock);
	uint64_t n;

	pthread_mutex_lock(&f->lock);
	struct count *c = map_get(&f->counts, user);
	if (c == NULL) {
		c = NEW(struct count);
		map_set(&f->counts, user, c);
	}
	if (c->n == 0 || c->since + FAILURES_WINDOW <= now)
		*c = (struct count){.since = now};
	n = ++c->n;
	pthread_mutex_unlock(&f->lock);
	return is_power_of_ten(n) ? n : 0;
}

uint64_t failures_forget(struct failures *f, const char *user)
{
	struct count *c;
	uint64_t n;

	pthread_mutex_lock(&f->lock);
	c = map_remove(&f->counts, user);
	n = c == NULL ? 0 : c->n;
	mem_free(c);
	pthread_mutex_unlock(&f->lock);
	return n;
}
