/*
 * DOC: states: sorted vectors of items with unique keys, the differ and the apply. Both walk their
 * inputs once; few changes to a big state are put one by one instead.
 */
#include "model/state.h"

#include <stdio.h>
#include <stdlib.h>

/* First index whose item is not below key. */
static size_t place(const struct item_vec *v, const struct item *key)
{
	size_t lo = 0, hi = v->n;

	if (hi > 0 && item_compare(v->v[hi - 1], key) < 0)
		return hi; /* filling in order */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (item_compare(v->v[mid], key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int is_at(const struct item_vec *v, size_t i, const struct item *key)
{
	return i < v->n && item_compare(v->v[i], key) == 0;
}

void state_put(struct state *s, struct item *item)
{
	size_t i = place(&s->items, item);

	if (is_at(&s->items, i, item)) {
		item_free(s->items.v[i]);
		s->items.v[i] = item;
	} else {
		VEC_INSERT(&s->items, i, item);
	}
}

int state_drop(struct state *s, const struct item *key)
{
	size_t i = place(&s->items, key);
	struct item *found;

	if (!is_at(&s->items, i, key))
		return 0;
	found = s->items.v[i]; /* freed last: key may be the item itself */
	VEC_REMOVE(&s->items, i);
	item_free(found);
	return 1;
}

const struct item *state_find(const struct state *s, const struct item *key)
{
	size_t i = place(&s->items, key);

	return is_at(&s->items, i, key) ? s->items.v[i] : NULL;
}

void state_sort(struct state *s)
{
	if (item_vec_sort(&s->items) < 0) {
		fprintf(stderr, "warren: two items of one state have the same key\n");
		abort();
	}
}

void state_done(struct state *s)
{
	strs_done(&s->requires);
	item_vec_done(&s->items);
	*s = (struct state){0};
}

void delta_done(struct delta *d)
{
	strs_done(&d->requires);
	item_vec_done(&d->put);
	item_vec_done(&d->drop);
	*d = (struct delta){0};
}

int delta_is_empty(const struct delta *d)
{
	return d->put.n == 0 && d->drop.n == 0;
}

/* take: what is put is moved out of `to`, else copied. */
static void diff(
	const struct item_vec *from, const struct item_vec *to, int take, struct delta *ret)
{
	size_t i = 0, j = 0;

	while (i < from->n || j < to->n) {
		int c = i == from->n ? 1 : j == to->n ? -1 : item_compare(from->v[i], to->v[j]);

		if (c < 0)
			VEC_PUSH(&ret->drop, item_key(from->v[i]));
		else if (c > 0 || !item_equal(from->v[i], to->v[j]))
			VEC_PUSH(&ret->put, take ? STEAL(to->v[j]) : item_dup(to->v[j]));
		i += c <= 0;
		j += c >= 0;
	}
}

void item_vec_diff(const struct item_vec *from, const struct item_vec *to, struct delta *ret)
{
	diff(from, to, 0, ret);
}

void item_vec_diff_take(const struct item_vec *from, struct item_vec *to, struct delta *ret)
{
	diff(from, to, 1, ret);
	item_vec_done(to);
}

void state_diff(const struct state *from, const struct state *to, struct delta *ret)
{
	ret->previous = from->revision;
	ret->revision = to->revision;
	item_vec_diff(&from->items, &to->items, ret);
}

/* One pass over all three: what is dropped goes, what is put replaces or joins. */
static void merge(struct state *s, const struct item_vec *put, const struct item_vec *drop)
{
	struct item_vec old = s->items, out = {0};
	size_t i = 0, p = 0, d = 0;

	VEC_RESERVE(&out, old.n + put->n);
	while (i < old.n || p < put->n) {
		int c = i == old.n ? 1 : p == put->n ? -1 : item_compare(old.v[i], put->v[p]);

		if (c >= 0) {
			VEC_PUSH(&out, item_dup(put->v[p++]));
			if (c == 0)
				item_free(old.v[i++]);
			continue;
		}
		while (d < drop->n && item_compare(drop->v[d], old.v[i]) < 0)
			d++;
		if (is_at(drop, d, old.v[i]))
			item_free(old.v[i]);
		else
			VEC_PUSH(&out, old.v[i]);
		i++;
	}
	VEC_DONE(&old);
	s->items = out;
}

/* Up to so many changes are put one by one; beyond, one pass over the whole state is cheaper. */
#define APPLY_SINGLY 64

int state_apply(struct state *s, const struct delta *d, struct err *e)
{
	/* sorted views: who read the delta from a wire need not have sorted it */
	struct item_vec put = {0}, drop = {0};
	int r = 0;

	if (d->previous != 0 && d->previous != s->revision)
		return err_set(e, ERR_STALE,
			"the change is from revision %llu, this state has %llu",
			(unsigned long long)d->previous, (unsigned long long)s->revision);
	VEC_FOREACH (i, &d->put)
		VEC_PUSH(&put, *i);
	VEC_FOREACH (i, &d->drop)
		VEC_PUSH(&drop, *i);
	if (item_vec_sort(&put) < 0 || item_vec_sort(&drop) < 0) {
		r = err_set(e, ERR_INVALID, "the change names the same item twice");
		goto out;
	}
	if (d->previous == 0)
		item_vec_done(&s->items);
	if (put.n + drop.n > APPLY_SINGLY) {
		merge(s, &put, &drop);
	} else {
		VEC_FOREACH (i, &drop)
			state_drop(s, *i);
		VEC_FOREACH (i, &put)
			state_put(s, item_dup(*i));
	}
	s->revision = d->revision;
	VEC_FOREACH (entry, &d->requires)
		if (!strs_has(&s->requires, *entry))
			strs_push(&s->requires, *entry);
out:
	VEC_DONE(&put);
	VEC_DONE(&drop);
	return r;
}
