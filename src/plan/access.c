/* DOC: see access.h. */
#include "plan/access.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define PORT_LAST 65535u

static void add_all(struct port_ranges *v)
{
	struct port_range all = {0, PORT_LAST};

	VEC_PUSH(v, all);
}

static void add_ports(struct port_ranges *v, const struct strs *ports)
{
	if (ports->n == 0)
		add_all(v);
	VEC_FOREACH (text, ports) {
		struct port_range r;

		/* checked by policy_check */
		if (sscanf(*text, "%u-%u", &r.first, &r.last) == 1)
			r.last = r.first;
		VEC_PUSH(v, r);
	}
}

void access_add_rule(struct access *a, const struct rule *r)
{
	const char *protocol = r->protocol != NULL ? r->protocol : "any";
	bool any = strcmp(protocol, "any") == 0;

	if (any || strcmp(protocol, "tcp") == 0)
		add_ports(&a->tcp, &r->ports);
	if (any || strcmp(protocol, "udp") == 0)
		add_ports(&a->udp, &r->ports);
	a->icmp |= any || strcmp(protocol, "icmp") == 0;
	a->other |= any;
}

void access_add_port(struct access *a, uint16_t port)
{
	struct port_range r = {port, port};

	VEC_PUSH(&a->tcp, r);
	VEC_PUSH(&a->udp, r);
}

static int by_first(const void *a, const void *b)
{
	const struct port_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static void settle(struct port_ranges *v)
{
	size_t n = 0;

	if (v->n == 0)
		return;
	qsort(v->v, v->n, sizeof(*v->v), by_first);
	for (size_t i = 1; i < v->n; i++) {
		if (v->v[i].first > v->v[n].last + 1)
			v->v[++n] = v->v[i];
		else if (v->v[i].last > v->v[n].last)
			v->v[n].last = v->v[i].last;
	}
	v->n = n + 1;
}

void access_settle(struct access *a)
{
	settle(&a->tcp);
	settle(&a->udp);
}

void access_done(struct access *a)
{
	VEC_DONE(&a->tcp);
	VEC_DONE(&a->udp);
}

static bool ranges_equal(const struct port_ranges *a, const struct port_ranges *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->v, b->v, a->n * sizeof(*a->v)) == 0);
}

bool access_equal(const struct access *a, const struct access *b)
{
	return a->icmp == b->icmp && a->other == b->other && ranges_equal(&a->tcp, &b->tcp) &&
		ranges_equal(&a->udp, &b->udp);
}

/* Settled ranges do not touch, so what is in b lies in one of them. */
static bool ranges_exceed(const struct port_ranges *a, const struct port_ranges *b)
{
	size_t k = 0;

	VEC_FOREACH (r, a) {
		while (k < b->n && b->v[k].last < r->last)
			k++;
		if (k == b->n || b->v[k].first > r->first)
			return true;
	}
	return false;
}

bool access_exceeds(const struct access *a, const struct access *b)
{
	return (a->icmp && !b->icmp) || (a->other && !b->other) ||
		ranges_exceed(&a->tcp, &b->tcp) || ranges_exceed(&a->udp, &b->udp);
}

static bool ranges_have(const struct port_ranges *v, uint16_t port)
{
	VEC_FOREACH (r, v)
		if (port == 0 || (port >= r->first && port <= r->last))
			return true;
	return false;
}

bool access_has(const struct access *a, const char *protocol, uint16_t port)
{
	if (strcmp(protocol, "tcp") == 0)
		return ranges_have(&a->tcp, port);
	if (strcmp(protocol, "udp") == 0)
		return ranges_have(&a->udp, port);
	return strcmp(protocol, "icmp") == 0 ? a->icmp : a->other;
}

static bool is_full(const struct port_ranges *v)
{
	return v->n == 1 && v->v[0].first <= 1 && v->v[0].last == PORT_LAST;
}

static void ports_words(const char *protocol, const struct port_ranges *v, struct strs *ret)
{
	CLEANUP(buf_done) struct buf text = {0};

	if (v->n == 0)
		return;
	buf_adds(&text, protocol);
	for (size_t i = 0; i < v->n && !is_full(v); i++) {
		buf_addf(&text, "%s%u", i == 0 ? " " : ", ", v->v[i].first);
		if (v->v[i].last > v->v[i].first)
			buf_addf(&text, "-%u", v->v[i].last);
	}
	strs_push(ret, buf_str(&text));
}

void access_words(const struct access *a, struct strs *ret)
{
	if (a->icmp && a->other && is_full(&a->tcp) && is_full(&a->udp)) {
		strs_push(ret, "any");
		return;
	}
	ports_words("tcp", &a->tcp, ret);
	ports_words("udp", &a->udp, ret);
	if (a->icmp)
		strs_push(ret, "icmp");
	if (a->other)
		strs_push(ret, "other protocols");
}
