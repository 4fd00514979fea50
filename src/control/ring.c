/* DOC: see ring.h. */
#include "control/ring.h"

#include "base/mem.h"

#include <string.h>

static void drop_first(struct ring *r)
{
	struct ring_record *record = &r->v[r->first];

	r->bytes -= record->len;
	mem_free(record->payload);
	r->first++;
	r->n--;
}

void ring_trim(struct ring *r, msec now, size_t max)
{
	while (r->n > 0 &&
		(r->n > RING_RECORDS || r->bytes > RING_BYTES || r->bytes > max ||
			now - r->v[r->first].at > RING_AGE))
		drop_first(r);
	if (r->n == 0) {
		/* thousands of quiet nodes keep no memory */
		mem_free(r->v);
		memset(r, 0, sizeof(*r));
	}
}

void ring_push(struct ring *r, struct ring_record record)
{
	if (r->n > 0 && r->v[r->first + r->n - 1].revision != record.previous)
		while (r->n > 0)
			drop_first(r);
	if (r->first + r->n == r->cap) {
		if (r->first > 0 && r->first >= r->cap / 2) {
			memmove(r->v, r->v + r->first, r->n * sizeof(*r->v));
			r->first = 0;
		} else {
			r->cap = r->cap > 0 ? r->cap * 2 : 8;
			r->v = mem_resize(r->v, r->cap, sizeof(*r->v));
		}
	}
	r->v[r->first + r->n++] = record;
	r->bytes += record.len;
	ring_trim(r, record.at, RING_BYTES);
}

const struct ring_record *ring_find(const struct ring *r, uint64_t previous, size_t *ret_n)
{
	size_t lo = 0, hi = r->n;

	/* steps follow each other, so revisions are sorted */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->v[r->first + mid].previous < previous)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == r->n || r->v[r->first + lo].previous != previous)
		return NULL;
	*ret_n = r->n - lo;
	return &r->v[r->first + lo];
}

void ring_done(struct ring *r)
{
	while (r->n > 0)
		drop_first(r);
	mem_free(r->v);
	memset(r, 0, sizeof(*r));
}
