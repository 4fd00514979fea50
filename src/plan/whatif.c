/* DOC: see whatif.h. */
#include "plan/whatif.h"

#include "crypto/hash.h"
#include "plan/ends.h"

/* Ends with equal rows. */
struct class
{
	struct end end; /* the first of them */
	struct end_row row;
	uint64_t count;
	struct strs names;
};
VEC_TYPE(class_vec, struct class);

/* Rules in one list: those of other policies, the policy's as it is, as it would be. */
struct job {
	const struct fleet *fleet;
	const struct fleet_network *fn;
	struct policy_rule_vec rules;
	size_t was, is; /* where the policy's own begin, now and then */
	struct class_vec classes;
};

static void take_rules(struct job *j, const struct policy *p)
{
	struct policy one = *p, *ref = &one;
	struct fleet_network stand_in = *j->fn;

	stand_in.policies = (struct policy_refs){.v = &ref, .n = 1};
	policy_rules(&stand_in, &j->rules);
}

static void class_done(struct class *c)
{
	end_row_done(&c->row);
	strs_done(&c->names);
}

static void job_done(struct job *j)
{
	VEC_FOREACH (c, &j->classes)
		class_done(c);
	VEC_DONE(&j->classes);
	policy_rules_done(&j->rules);
}

static void count_in(const struct job *j, struct class *c, const struct end *end)
{
	char text[PREFIX_TEXT_LEN];

	c->count++;
	if (c->names.n < WHATIF_NAMES)
		strs_push(&c->names, end_name(j->fleet, end, text));
}

/* false: there are too many classes, and this end would have been one more. A gateway's answer to
 * what needs no rule is its own, and so is a place's. */
static bool classify(struct job *j, struct map *known, const struct end *end)
{
	struct end_row row = {0};
	char hex[HASH_HEX_LEN];
	AUTOFREE char *key = NULL;
	uintptr_t at;

	end_row_init(&row, j->fn, &j->rules, end);
	hash_sha256_hex(row.bits, ROW_COUNT * row.words * sizeof(*row.bits), hex);
	key = mem_printf("%s %d %s", hex, (int)end->kind, end->gateway ? end->member->id : "");
	at = (uintptr_t)map_get(known, key);
	if (at == 0 && j->classes.n < WHATIF_CLASSES) {
		struct class c = {.end = *end, .row = row};

		VEC_PUSH(&j->classes, c);
		at = j->classes.n;
		map_set(known, key, (void *)at);
	} else {
		end_row_done(&row);
	}
	if (at != 0)
		count_in(j, &j->classes.v[at - 1], end);
	return at != 0;
}

static int classify_all(struct job *j, bool *ret_complete, struct err *e)
{
	struct end_vec ends = {0};
	struct map known = {0};
	int r = 0;

	ends_list(j->fleet, j->fn, &j->rules, &ends);
	if ((uint64_t)ends.n * (j->rules.n + 1) > WHATIF_WORK)
		r = err_set(e, ERR_EXHAUSTED, "%zu ends and %zu rules are too many to compare",
			ends.n, j->rules.n);
	*ret_complete = true;
	for (size_t i = 0; r == 0 && i < ends.n; i++)
		*ret_complete &= classify(j, &known, &ends.v[i]);
	map_done(&known, NULL);
	VEC_DONE(&ends);
	return r;
}

static void side_of(const struct class *c, struct whatif_side *ret)
{
	ret->kind = end_kind_words[c->end.kind];
	ret->count = c->count;
	strs_copy(&ret->names, &c->names);
}

static void side_add(struct whatif_side *side, const struct class *c)
{
	side->count += c->count;
	for (size_t i = 0; i < c->names.n && side->names.n < WHATIF_NAMES; i++)
		strs_push(&side->names, c->names.v[i]);
}

static bool same_words(const struct strs *a, const struct strs *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

static void change_done(struct whatif_change *c)
{
	strs_done(&c->from.names);
	strs_done(&c->to.names);
	strs_done(&c->before);
	strs_done(&c->after);
}

/* Sources of one kind to whom the same happens are one line. */
static void list_change(struct whatif *w, struct whatif_change *change, const struct class *from,
	const struct class *to)
{
	for (size_t i = w->changes.n; i-- > 0;) {
		struct whatif_change *c = &w->changes.v[i];

		if (c->to_class != change->to_class)
			break;
		if (strcmp(c->from.kind, end_kind_words[from->end.kind]) == 0 &&
			same_words(&c->before, &change->before) &&
			same_words(&c->after, &change->after)) {
			side_add(&c->from, from);
			change_done(change);
			return;
		}
	}
	if (w->changes.n == WHATIF_CHANGES) {
		w->complete = false;
		change_done(change);
		return;
	}
	side_of(from, &change->from);
	side_of(to, &change->to);
	VEC_PUSH(&w->changes, *change);
}

static void compare(const struct job *j, size_t a, size_t b, struct whatif *ret)
{
	const struct class *from = &j->classes.v[a], *to = &j->classes.v[b];
	uint64_t pairs = from->count * (to->count - (a == b));
	struct access before = {0}, after = {0};
	struct whatif_change change = {.to_class = b};

	if (pairs == 0 || !end_rows_meet(&from->row, &to->row, j->was, j->rules.n))
		return;
	end_builtin_access(j->fn, &from->end, &to->end, &before);
	end_builtin_access(j->fn, &from->end, &to->end, &after);
	end_rows_access(&j->rules, &from->row, &to->end, &to->row, 0, j->is, &before);
	end_rows_access(&j->rules, &from->row, &to->end, &to->row, 0, j->was, &after);
	end_rows_access(&j->rules, &from->row, &to->end, &to->row, j->is, j->rules.n, &after);
	access_settle(&before);
	access_settle(&after);
	if (!access_equal(&before, &after)) {
		change.gains = access_exceeds(&after, &before);
		change.loses = access_exceeds(&before, &after);
		ret->gained += change.gains ? pairs : 0;
		ret->lost += change.loses ? pairs : 0;
		access_words(&before, &change.before);
		access_words(&after, &change.after);
		list_change(ret, &change, from, to);
	}
	access_done(&before);
	access_done(&after);
}

static int job_init(struct job *j, const struct fleet *f, const char *network, struct err *e)
{
	j->fleet = f;
	j->fn = fleet_network(f, network);
	return j->fn != NULL && j->fn->network != NULL
		? 0
		: err_set(e, ERR_NOT_FOUND, "there is no such network");
}

int whatif_policy(const struct fleet *f, const char *network, const char *before,
	const struct policy *after, struct whatif *ret, struct err *e)
{
	struct job j = {0};
	const struct policy *old = NULL;
	int r = job_init(&j, f, network, e);

	if (r < 0)
		return r;
	VEC_FOREACH (p, &j.fn->policies) {
		if (before != NULL && strcmp((*p)->id, before) == 0)
			old = *p;
		else
			take_rules(&j, *p);
	}
	if (before != NULL && old == NULL)
		r = err_set(e, ERR_NOT_FOUND, "there is no such policy in the network");
	j.was = j.rules.n;
	if (old != NULL)
		take_rules(&j, old);
	j.is = j.rules.n;
	if (after != NULL)
		take_rules(&j, after);
	if (r == 0)
		r = classify_all(&j, &ret->complete, e);
	for (size_t b = 0; r == 0 && b < j.classes.n; b++)
		for (size_t a = 0; a < j.classes.n; a++)
			compare(&j, a, b, ret);
	job_done(&j);
	return r;
}

void whatif_done(struct whatif *w)
{
	VEC_FOREACH (c, &w->changes)
		change_done(c);
	VEC_DONE(&w->changes);
}

/* --- one end seen from another ---------------------------------------------------------------- */

static bool is_called(const struct fleet *f, const struct end *end, const char *text)
{
	char name[PREFIX_TEXT_LEN];
	struct addr a;

	if (strcmp(end_name(f, end, name), text) == 0)
		return true;
	if (end->member != NULL &&
		(strcmp(end->member->id, text) == 0 || strcmp(end->member->node, text) == 0))
		return true;
	if (end->device != NULL && strcmp(end->device->id, text) == 0)
		return true;
	if (addr_parse(text, &a) < 0)
		return false;
	if (end->member != NULL)
		return addr_compare(end->member->ipv4, a) == 0 ||
			addr_compare(end->member->ipv6, a) == 0;
	return end->device != NULL &&
		(addr_compare(end->device->ipv4, a) == 0 ||
			addr_compare(end->device->ipv6, a) == 0);
}

/* An end of the network, else an address or prefix as a place. */
static int find_end(const struct job *j, const struct end_vec *ends, const char *text,
	const char *field, struct end *ret, struct err *e)
{
	struct addr a;

	VEC_FOREACH (end, ends)
		if (is_called(j->fleet, end, text)) {
			*ret = *end;
			return 0;
		}
	*ret = (struct end){.kind = END_PLACE};
	if (addr_parse(text, &a) == 0) {
		ret->place = prefix_host(a);
		return 0;
	}
	if (prefix_parse(text, field, &ret->place, NULL) == 0)
		return 0;
	return err_field(e, ERR_NOT_FOUND, field,
		"\"%.80s\" is neither a node, an enabled client nor an address", text);
}

static void answer(const struct job *j, const struct end *from, const struct end *to,
	const char *protocol, uint16_t port, struct whatif_answer *ret)
{
	struct end_row from_row = {0}, to_row = {0};
	struct access access = {0};
	size_t rule = 0;

	end_row_init(&from_row, j->fn, &j->rules, from);
	end_row_init(&to_row, j->fn, &j->rules, to);
	end_builtin_access(j->fn, from, to, &access);
	VEC_FOREACH (p, &j->fn->policies) {
		size_t last = rule + ((*p)->enabled ? (*p)->rules.n : 0);

		if (end_rows_meet(&from_row, &to_row, rule, last))
			strs_push(&ret->policies, (*p)->name);
		rule = last;
	}
	end_rows_access(&j->rules, &from_row, to, &to_row, 0, j->rules.n, &access);
	access_settle(&access);
	access_words(&access, &ret->services);
	ret->allowed = protocol != NULL ? access_has(&access, protocol, port) : ret->services.n > 0;
	access_done(&access);
	end_row_done(&from_row);
	end_row_done(&to_row);
}

int whatif_reach(const struct fleet *f, const char *network, const char *from, const char *to,
	const char *protocol, uint16_t port, struct whatif_answer *ret, struct err *e)
{
	struct job j = {0};
	struct end_vec ends = {0};
	struct end src, dst;
	int r = job_init(&j, f, network, e);

	if (r < 0)
		return r;
	policy_rules(j.fn, &j.rules);
	ends_list(f, j.fn, &j.rules, &ends);
	r = find_end(&j, &ends, from, "from", &src, e);
	if (r == 0)
		r = find_end(&j, &ends, to, "to", &dst, e);
	if (r == 0)
		answer(&j, &src, &dst, protocol, port, ret);
	VEC_DONE(&ends);
	job_done(&j);
	return r;
}

void whatif_answer_done(struct whatif_answer *a)
{
	strs_done(&a->services);
	strs_done(&a->policies);
}
