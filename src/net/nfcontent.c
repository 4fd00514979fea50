/* DOC: see nfcontent.h. */
#include "net/nfcontent.h"

#include <stdlib.h>
#include <string.h>

#define ELEMENTS_PER_COMMAND 1000
#define LARGEST_PACKET (128 * 1024) /* in one piece, with room */

/* --- elements -------------------------------------------------------------------------------- */

void nf_elems_done(struct nf_elem_vec *v)
{
	VEC_FOREACH (x, v)
		mem_free(x->limit);
	VEC_DONE(v);
}

/* Where one range ends and the next begins, the end comes first. */
static int compare_elems(const void *a, const void *b)
{
	const struct nf_elem *x = a, *y = b;
	int c = memcmp(x->key, y->key, sizeof(x->key));

	return c != 0 ? c : (int)y->end - (int)x->end;
}

void nf_elems_sort(struct nf_elem_vec *v)
{
	for (size_t i = 1; i < v->n; i++)
		if (compare_elems(&v->v[i - 1], &v->v[i]) > 0) {
			qsort(v->v, v->n, sizeof(*v->v), compare_elems);
			return;
		}
}

bool nf_elems_equal(const struct nf_elem_vec *a, const struct nf_elem_vec *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		const char *x = a->v[i].limit, *y = b->v[i].limit;

		if (compare_elems(&a->v[i], &b->v[i]) != 0 || (x == NULL) != (y == NULL) ||
			(x != NULL && strcmp(x, y) != 0))
			return false;
	}
	return a->n == b->n;
}

static struct nf_elem elem_of(struct addr a)
{
	struct nf_elem x = {.len = addr_width(a) / 8};

	addr_to_bytes(a, x.key);
	return x;
}

void nf_elems_host(struct nf_elem_vec *v, struct addr a, const char *limit)
{
	struct nf_elem x = elem_of(a);

	x.limit = mem_strdup(limit);
	VEC_PUSH(v, x);
}

void nf_elems_range(struct nf_elem_vec *v, struct prefix p)
{
	struct nf_elem begin = elem_of(prefix_first(p));
	struct nf_elem end = elem_of(addr_add(prefix_last(p), 1));
	bool to_the_top = compare_elems(&end, &begin) <= 0; /* wrapped */

	if (v->n > 0 && v->v[v->n - 1].end &&
		memcmp(v->v[v->n - 1].key, begin.key, sizeof(begin.key)) == 0)
		v->n--;
	else
		VEC_PUSH(v, begin);
	end.end = true;
	if (!to_the_top)
		VEC_PUSH(v, end);
}

void nf_elems_canonical(struct nf_elem_vec *v)
{
	size_t kept = 0;

	nf_elems_sort(v);
	for (size_t i = 0; i < v->n; i++) {
		bool inside = kept > 0 && !v->v[kept - 1].end;

		if (v->v[i].end != inside) {
			mem_free(v->v[i].limit);
			continue; /* an end without, or a beginning within a range */
		}
		if (!v->v[i].end && kept > 0 &&
			memcmp(v->v[kept - 1].key, v->v[i].key, sizeof(v->v[i].key)) == 0)
			kept--; /* the range before goes on */
		else
			v->v[kept++] = v->v[i];
	}
	v->n = kept;
}

/* --- content --------------------------------------------------------------------------------- */

void nf_limits_push(struct nf_limit_vec *v, const char *name, uint64_t rate)
{
	struct nf_limit l = {mem_strdup(name), rate};

	VEC_PUSH(v, l);
}

void nf_limits_done(struct nf_limit_vec *v)
{
	VEC_FOREACH (l, v)
		mem_free(l->name);
	VEC_DONE(v);
}

struct nf_set *nf_content_set(struct nf_content *c, const char *name, bool ranges)
{
	struct nf_set s = {.ranges = ranges};

	if (c->last < c->sets.n && strcmp(c->sets.v[c->last].name, name) == 0)
		return &c->sets.v[c->last];
	for (c->last = 0; c->last < c->sets.n; c->last++)
		if (strcmp(c->sets.v[c->last].name, name) == 0)
			return &c->sets.v[c->last];
	s.name = mem_strdup(name);
	VEC_PUSH(&c->sets, s);
	return &c->sets.v[c->last];
}

static int compare_sets(const void *a, const void *b)
{
	return strcmp(((const struct nf_set *)a)->name, ((const struct nf_set *)b)->name);
}

static int compare_limits(const void *a, const void *b)
{
	return strcmp(((const struct nf_limit *)a)->name, ((const struct nf_limit *)b)->name);
}

static void sort_limits(struct nf_limit_vec *v)
{
	if (v->n > 1)
		qsort(v->v, v->n, sizeof(*v->v), compare_limits);
}

void nf_content_sort(struct nf_content *c)
{
	if (c->sets.n > 1)
		qsort(c->sets.v, c->sets.n, sizeof(*c->sets.v), compare_sets);
	sort_limits(&c->limits);
	VEC_FOREACH (s, &c->sets)
		if (s->ranges)
			nf_elems_canonical(&s->elems);
		else
			nf_elems_sort(&s->elems);
}

void nf_content_done(struct nf_content *c)
{
	VEC_FOREACH (s, &c->sets) {
		mem_free(s->name);
		nf_elems_done(&s->elems);
	}
	VEC_DONE(&c->sets);
	nf_limits_done(&c->limits);
}

/* --- differences ----------------------------------------------------------------------------- */

struct nf_change *nf_changes_set(struct nf_changes *c, const char *set, bool ranges)
{
	struct nf_change change = {.ranges = ranges};

	VEC_FOREACH (known, &c->sets)
		if (strcmp(known->set, set) == 0)
			return known;
	change.set = mem_strdup(set);
	VEC_PUSH(&c->sets, change);
	return &c->sets.v[c->sets.n - 1];
}

static void push_elem(struct nf_elem_vec *v, const struct nf_elem *x)
{
	struct nf_elem copy = *x;

	copy.limit = mem_strdup(x->limit);
	VEC_PUSH(v, copy);
}

static bool same_limit(const struct nf_elem *a, const struct nf_elem *b)
{
	return strcmp(a->limit == NULL ? "" : a->limit, b->limit == NULL ? "" : b->limit) == 0;
}

static void hosts_between(
	const struct nf_elem_vec *from, const struct nf_elem_vec *to, struct nf_change *ret)
{
	size_t i = 0, k = 0;

	while (i < from->n || k < to->n) {
		int c = i == from->n ? 1 : k == to->n ? -1 : compare_elems(&from->v[i], &to->v[k]);

		if (c == 0 && same_limit(&from->v[i], &to->v[k])) {
			i++;
			k++;
			continue;
		}
		if (c <= 0)
			push_elem(&ret->drop, &from->v[i++]);
		if (c >= 0)
			push_elem(&ret->add, &to->v[k++]);
	}
}

static void ranges_between(
	const struct nf_elem_vec *from, const struct nf_elem_vec *to, struct nf_change *ret)
{
	bool same = from->n == to->n;

	for (size_t i = 0; same && i < to->n; i++)
		same = compare_elems(&from->v[i], &to->v[i]) == 0;
	if (same)
		return;
	ret->flush = from->n > 0;
	VEC_FOREACH (x, to)
		push_elem(&ret->add, x);
}

static void sets_between(const struct nf_set *from, const struct nf_set *to, struct nf_changes *ret)
{
	static const struct nf_elem_vec none;
	const struct nf_set *set = to != NULL ? to : from;
	struct nf_change c = {.ranges = set->ranges, .gone = to == NULL};
	const struct nf_elem_vec *old = from != NULL ? &from->elems : &none;

	if (to != NULL)
		(set->ranges ? ranges_between : hosts_between)(old, &to->elems, &c);
	if (!c.gone && !c.flush && c.drop.n == 0 && c.add.n == 0)
		return;
	c.set = mem_strdup(set->name);
	VEC_PUSH(&ret->sets, c);
}

static int limits_between(
	const struct nf_limit_vec *from, const struct nf_limit_vec *to, struct nf_changes *ret)
{
	size_t i = 0, k = 0;

	while (i < from->n || k < to->n) {
		int c = i == from->n ? 1 : k == to->n ? -1 : compare_limits(&from->v[i], &to->v[k]);

		if (c == 0 && from->v[i].rate != to->v[k].rate)
			return ERR_STALE;
		if (c < 0)
			nf_limits_push(&ret->drop, from->v[i].name, from->v[i].rate);
		if (c > 0)
			nf_limits_push(&ret->add, to->v[k].name, to->v[k].rate);
		i += c <= 0;
		k += c >= 0;
	}
	return 0;
}

int nf_changes_between(
	const struct nf_content *from, const struct nf_content *to, struct nf_changes *ret)
{
	struct nf_changes changes = {0};
	size_t i = 0, k = 0;

	while (i < from->sets.n || k < to->sets.n) {
		int c = i == from->sets.n ? 1
			: k == to->sets.n ? -1
					  : compare_sets(&from->sets.v[i], &to->sets.v[k]);

		sets_between(
			c <= 0 ? &from->sets.v[i] : NULL, c >= 0 ? &to->sets.v[k] : NULL, &changes);
		i += c <= 0;
		k += c >= 0;
	}
	if (limits_between(&from->limits, &to->limits, &changes) < 0) {
		nf_changes_done(&changes);
		return ERR_STALE;
	}
	*ret = changes;
	return 0;
}

bool nf_changes_are_none(const struct nf_changes *c)
{
	return c->sets.n == 0 && c->drop.n == 0 && c->add.n == 0;
}

void nf_changes_done(struct nf_changes *c)
{
	VEC_FOREACH (s, &c->sets) {
		mem_free(s->set);
		nf_elems_done(&s->drop);
		nf_elems_done(&s->add);
	}
	VEC_DONE(&c->sets);
	nf_limits_done(&c->drop);
	nf_limits_done(&c->add);
}

/* --- text ------------------------------------------------------------------------------------ */

static struct addr addr_of(const struct nf_elem *x)
{
	return addr_from_bytes(x->len == 4 ? FAMILY_IPV4 : FAMILY_IPV6, x->key);
}

/* How many elements make one of the text: both ends of a range. */
static size_t element_text(const struct nf_elem_vec *v, size_t i, bool ranges, struct buf *out)
{
	struct addr first = addr_of(&v->v[i]), last;
	bool has_end = i + 1 < v->n && v->v[i + 1].end;
	char text[ADDR_TEXT_LEN];

	buf_adds(out, addr_format(first, text));
	if (!ranges) {
		if (v->v[i].limit != NULL)
			buf_addf(out, " : \"%s\"", v->v[i].limit);
		return 1;
	}
	last = (struct addr){first.family, ~(u128)0 >> (128 - addr_width(first))};
	if (has_end) {
		last = addr_of(&v->v[i + 1]);
		last.bits--;
	}
	if (addr_compare(first, last) != 0)
		buf_addf(out, "-%s", addr_format(last, text));
	return has_end ? 2 : 1;
}

static void elements_text(struct buf *out, const char *verb, const char *table,
	const struct nf_change *c, const struct nf_elem_vec *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; n++) {
		if (n % ELEMENTS_PER_COMMAND == 0)
			buf_addf(out, "%s%s element inet %s %s { ", n > 0 ? " }\n" : "", verb,
				table, c->set);
		else
			buf_adds(out, ", ");
		i += element_text(v, i, c->ranges, out);
	}
	if (n > 0)
		buf_adds(out, " }\n");
}

void nf_changes_drop_text(const struct nf_changes *c, const char *table, struct buf *out)
{
	VEC_FOREACH (s, &c->sets) {
		if (s->gone)
			buf_addf(out, "delete %s inet %s %s\n",
				strncmp(s->set, NF_LIMIT_MAPS, strlen(NF_LIMIT_MAPS)) == 0 ? "map"
											   : "set",
				table, s->set);
		else if (s->flush)
			buf_addf(out, "flush set inet %s %s\n", table, s->set);
		else
			elements_text(out, "delete", table, s, &s->drop);
	}
	VEC_FOREACH (l, &c->drop)
		buf_addf(out, "delete limit inet %s %s\n", table, l->name);
}

uint32_t nf_limit_burst(uint64_t rate)
{
	return rate < LARGEST_PACKET ? (uint32_t)(LARGEST_PACKET - rate) : 0;
}

void nf_changes_add_text(const struct nf_changes *c, const char *table, struct buf *out)
{
	VEC_FOREACH (l, &c->add)
		buf_addf(out,
			"add limit inet %s %s { rate over %llu bytes/second burst %u bytes }\n",
			table, l->name, (unsigned long long)l->rate, nf_limit_burst(l->rate));
	VEC_FOREACH (s, &c->sets)
		elements_text(out, "add", table, s, &s->add);
}
