/* DOC: see ends.h. */
#include "plan/ends.h"

#include "plan/domain.h"

#define BITS 64
#define DNS_PORT 53

const char *const end_kind_words[] = {"node", "client", "site", "connection", "place", NULL};

static int knows_place(const struct end_vec *ends, size_t from, struct prefix p)
{
	for (size_t i = from; i < ends->n; i++)
		if (prefix_compare(ends->v[i].place, p) == 0)
			return 1;
	return 0;
}

static void add_place(struct end_vec *ends, size_t from, struct prefix p)
{
	struct end end = {.kind = END_PLACE, .place = p};

	if (!knows_place(ends, from, p))
		VEC_PUSH(ends, end);
}

static void add_named(
	const struct network *n, const struct strs *list, size_t from, struct end_vec *ret)
{
	VEC_FOREACH (s, list) {
		struct prefix p;

		if (prefix_parse(*s, "selector", &p, NULL) == 0 && !prefix_contains(n->ipv4, p) &&
			!prefix_contains(n->ipv6, p))
			add_place(ret, from, p);
	}
}

void ends_list(const struct fleet *f, const struct fleet_network *fn,
	const struct policy_rule_vec *rules, struct end_vec *ret)
{
	size_t places;

	VEC_FOREACH (m, &fn->members) {
		struct end end = {.kind = END_NODE,
			.member = *m,
			.gateway = ((*m)->roles & ROLE_GATEWAY) != 0};

		VEC_PUSH(ret, end);
	}
	VEC_FOREACH (g, &fn->groups) {
		const struct device_refs *devices = fleet_devices(f, fn->network->id, (*g)->id);

		VEC_FOREACH (d, devices) {
			struct end end = {
				.kind = (enum end_kind)(END_CLIENT + (*d)->kind), .device = *d};

			if ((*d)->enabled)
				VEC_PUSH(ret, end);
		}
	}
	places = ret->n;
	VEC_FOREACH (m, &fn->members)
		VEC_FOREACH (p, &(*m)->local_subnets)
			add_place(ret, places, *p);
	VEC_FOREACH (r, rules) {
		add_named(fn->network, &r->rule->from, places, ret);
		add_named(fn->network, &r->rule->to, places, ret);
	}
}

const char *end_name(
	const struct fleet *f, const struct end *end, char text[static PREFIX_TEXT_LEN])
{
	const struct node *n;

	if (end->device != NULL)
		return end->device->name;
	if (end->member == NULL)
		return prefix_format(end->place, text);
	n = map_get(&f->nodes, end->member->node);
	return n != NULL ? n->name : "";
}

/* The end's addresses of a family. */
static void addresses(const struct fleet_network *fn, const struct end *end, enum family family,
	bool as_target, struct prefix_vec *ret)
{
	struct prefix_vec all = {0};

	if (end->member != NULL && as_target && end->gateway) {
		policy_self(fn, end->member, &all);
	} else if (end->member != NULL || end->device != NULL) {
		const struct addr own[] = {end->member ? end->member->ipv4 : end->device->ipv4,
			end->member ? end->member->ipv6 : end->device->ipv6};

		for (size_t i = 0; i < ARRAY_LEN(own); i++)
			if (addr_is_set(own[i])) {
				struct prefix host = prefix_host(own[i]);

				VEC_PUSH(&all, host);
			}
	} else {
		VEC_PUSH(&all, end->place);
	}
	VEC_FOREACH (p, &all)
		if (p->addr.family == family)
			VEC_PUSH(ret, *p);
	VEC_DONE(&all);
}

static bool covers_any(const struct prefix_vec *list, const struct prefix_vec *own)
{
	VEC_FOREACH (p, own)
		if (prefix_vec_covers(list, *p))
			return true;
	return false;
}

static uint64_t *row_of(const struct end_row *row, int which)
{
	return row->bits + (size_t)which * row->words;
}

static void set_bit(const struct end_row *row, int which, size_t column)
{
	row_of(row, which)[column / BITS] |= UINT64_C(1) << column % BITS;
}

static bool has_bit(const struct end_row *row, int which, size_t column)
{
	return row_of(row, which)[column / BITS] >> column % BITS & 1;
}

static bool is_in(const struct strs *selectors, const struct policy_list *list,
	const struct end *end, const struct prefix_vec *own)
{
	return covers_any(&list->fixed, own) ||
		(end->device != NULL && policy_picks_device(selectors, end->device));
}

static void fill_column(struct end_row *row, const struct policy_rule *r, const struct end *end,
	const struct prefix_vec *source, const struct prefix_vec *target, size_t column)
{
	if (is_in(&r->rule->from, &r->from, end, source))
		set_bit(row, ROW_FROM, column);
	if (end->member != NULL && r->has_peers && covers_any(&r->peers.fixed, source))
		set_bit(row, ROW_PEERS, column);
	if (!end->gateway) {
		if (is_in(&r->rule->to, &r->to, end, target))
			set_bit(row, ROW_TO, column);
		return;
	}
	if (covers_any(&r->named.fixed, target))
		set_bit(row, ROW_NAMED, column);
	if (covers_any(&r->named.fixed, target) || strs_has(&r->rule->to, "nodes"))
		set_bit(row, ROW_TO, column);
}

void end_row_init(struct end_row *row, const struct fleet_network *fn,
	const struct policy_rule_vec *rules, const struct end *end)
{
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};

	row->words = (2 * rules->n + BITS - 1) / BITS;
	row->bits = mem_zalloc((ROW_COUNT * row->words + 1) * sizeof(*row->bits));
	for (size_t k = 0; k < ARRAY_LEN(families); k++) {
		struct prefix_vec source = {0}, target = {0};

		addresses(fn, end, families[k], false, &source);
		addresses(fn, end, families[k], true, &target);
		for (size_t i = 0; i < rules->n && source.n > 0; i++)
			fill_column(row, &rules->v[i], end, &source, &target, 2 * i + k);
		VEC_DONE(&source);
		VEC_DONE(&target);
	}
}

void end_row_done(struct end_row *row)
{
	row->bits = mem_free(row->bits);
}

/* Bits of word w that are columns from first to before last. */
static uint64_t mask(size_t w, size_t first, size_t last)
{
	uint64_t m = ~UINT64_C(0);

	if (w == first / BITS)
		m &= ~UINT64_C(0) << first % BITS;
	if (w == last / BITS)
		m &= ~(~UINT64_C(0) << last % BITS);
	return m;
}

bool end_rows_meet(const struct end_row *from, const struct end_row *to, size_t first, size_t last)
{
	const uint64_t *a = row_of(from, ROW_FROM), *b = row_of(to, ROW_TO);

	for (size_t w = 2 * first / BITS; w < from->words && w <= 2 * last / BITS; w++)
		if (a[w] & b[w] & mask(w, 2 * first, 2 * last))
			return true;
	return false;
}

static const struct rule only_icmp = {.protocol = (char[]){"icmp"}};

void end_rows_access(const struct policy_rule_vec *rules, const struct end_row *from,
	const struct end *to_end, const struct end_row *to, size_t first, size_t last,
	struct access *ret)
{
	for (size_t column = 2 * first; column < 2 * last; column++) {
		const struct rule *r = rules->v[column / 2].rule;
		const char *protocol = r->protocol != NULL ? r->protocol : "any";

		if (!has_bit(from, ROW_FROM, column) || !has_bit(to, ROW_TO, column))
			continue;
		/* A gateway's own services: see compile_input in policy.c. */
		if (!to_end->gateway || has_bit(to, ROW_NAMED, column) ||
			has_bit(from, ROW_PEERS, column))
			access_add_rule(ret, r);
		else if (strcmp(protocol, "any") == 0 || strcmp(protocol, "icmp") == 0)
			access_add_rule(ret, &only_icmp);
	}
}

void end_builtin_access(const struct fleet_network *fn, const struct end *from,
	const struct end *to, struct access *ret)
{
	struct addr src = from->place.addr;

	if (!to->gateway)
		return;
	if (from->member != NULL)
		src = addr_is_set(from->member->ipv4) ? from->member->ipv4 : from->member->ipv6;
	else if (from->device != NULL)
		src = addr_is_set(from->device->ipv4) ? from->device->ipv4 : from->device->ipv6;
	if (domain_allows(fn, to->member, src, "udp", DNS_PORT))
		access_add_port(ret, DNS_PORT);
}
