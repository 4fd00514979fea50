/* DOC: bodies of heartbeats: whatever is accepted is bounded, and can be taken in. */
#include "control/heartbeat.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const msec now = 1800000000000;
	struct heartbeat b = {0};
	struct links links = {0};
	struct err e = {0};

	if (heartbeat_read((const char *)data, size, now, &b, &e) < 0) {
		if (e.code == 0 || b.links.n != 0 || b.error != NULL)
			abort();
		return 0;
	}
	if (b.links.n > HEARTBEAT_LINKS_MAX || b.endpoints.n > HEARTBEAT_ENDPOINTS_MAX ||
		b.ways.n > HEARTBEAT_WAYS_MAX)
		abort();
	VEC_FOREACH (row, &b.links) {
		struct link got;

		links_add(&links, "node_1", b.epoch, row, now);
		links_get(&links, row->peer, now, 25, &got);
		if (got.last_seen > now)
			abort();
	}
	links_done(&links);
	heartbeat_done(&b);
	return 0;
}
