/* DOC: see overlap.h. Routes are looked up in a sorted list: there may be many on both sides. */
#include "agent/overlap.h"

#include <stdlib.h>

static int by_dst(const void *a, const void *b)
{
	return prefix_compare(
		((const struct route_item *)a)->dst, ((const struct route_item *)b)->dst);
}

static int read_others(struct overlap *o, struct machine *m, struct err *e)
{
	struct route_vec all = {0};
	int rc = m->ops->route_others(m->ctx, &all, e);

	VEC_FOREACH (r, &all)
		if (rc == 0 && ledger_link(&m->ledger, r->interface) == NULL)
			VEC_PUSH(&o->others, *r);
	VEC_DONE(&all);
	if (o->others.n > 1)
		qsort(o->others.v, o->others.n, sizeof(*o->others.v), by_dst);
	o->read = rc == 0;
	return rc;
}

/* The first other route whose destination is not before p. */
static const struct route_item *first_from(const struct overlap *o, struct prefix p)
{
	size_t lo = 0, hi = o->others.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (prefix_compare(o->others.v[mid].dst, p) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < o->others.n ? &o->others.v[lo] : NULL;
}

/* One within p, or one p is within; NULL. */
static const struct route_item *find(const struct overlap *o, struct prefix p)
{
	const struct route_item *r = first_from(o, p);

	if (r != NULL && prefix_contains(p, r->dst))
		return r;
	for (uint8_t len = p.len; len-- > 1;) {
		struct prefix outer = {p.addr, len};

		outer.addr = prefix_first(outer);
		r = first_from(o, outer);
		if (r != NULL && prefix_compare(r->dst, outer) == 0)
			return r;
	}
	return NULL;
}

int overlap_check(struct overlap *o, struct machine *m, const struct route_item *r, struct err *e)
{
	char ours[PREFIX_TEXT_LEN], other[PREFIX_TEXT_LEN];
	const struct route_item *found;
	int rc = o->read ? 0 : read_others(o, m, e);

	if (rc < 0 || r->dst.len == 0)
		return rc;
	found = find(o, r->dst);
	if (found == NULL)
		return 0;
	return err_set(e, ERR_EXISTS,
		"%s overlaps this machine's own route %s by %s: give the network or the subnet "
		"another range, or remove that route",
		prefix_format(r->dst, ours), prefix_format(found->dst, other), found->interface);
}

void overlap_done(struct overlap *o)
{
	VEC_DONE(&o->others);
}
