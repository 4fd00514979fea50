/* DOC: see latency.h. */
#include "control/latency.h"

#include "base/mem.h"

const msec latency_bounds[LATENCY_BOUNDS] = {50, 100, 250, 1000, 5000, 30000, 120000};

void latency_note(struct map *by, const char *network, msec took)
{
	struct latency *l = map_get(by, network);
	size_t b = 0;

	if (l == NULL) {
		l = NEW(struct latency);
		map_set(by, network, l);
	}
	while (b < LATENCY_BOUNDS && took > latency_bounds[b])
		b++;
	l->bucket[b]++;
	l->sum += took;
}

void latency_forget(struct map *by, const char *network)
{
	mem_free(map_remove(by, network));
}

static void latency_free(void *l)
{
	mem_free(l);
}

void latencies_done(struct map *by)
{
	map_done(by, latency_free);
}
