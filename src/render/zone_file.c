/* DOC: see zone_file.h. */
#include "render/zone_file.h"

#include "base/text.h"
#include "base/vec.h"
#include "model/names.h"
#include "model/prefix.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 256
#define OWNER_MAX (2 * LABEL_MAX + 2) /* "region.group" */
#define SERVERS_MAX 8

/* Where one gateway is. */
struct place {
	const struct zone_gateway *gateway;
	char host[HOST_MAX];
	struct addr addr; /* unset: host is a name */
};
VEC_TYPE(place_vec, struct place);

struct writing {
	const char *origin;
	struct strs owners; /* that are in use */
	struct buf *out;
};

static int read_place(const struct zone_gateway *g, struct place *ret, struct err *e)
{
	uint16_t port;

	*ret = (struct place){.gateway = g};
	if (endpoint_split(g->endpoint, ret->host, sizeof(ret->host), &port) < 0)
		return err_set(e, ERR_INVALID, "%s has an endpoint that is none: %.100s", g->name,
			g->endpoint);
	if (addr_parse(ret->host, &ret->addr) < 0) {
		size_t n = strlen(ret->host);

		ret->addr = (struct addr){0};
		if (n > 1 && ret->host[n - 1] == '.')
			ret->host[n - 1] = '\0';
	}
	return 0;
}

/* A name of this zone cannot be told apart from the records that are made here. */
static bool is_inside(const char *host, const char *origin)
{
	size_t n = strlen(host), o = strlen(origin);

	return n >= o && strcasecmp(host + n - o, origin) == 0 &&
		(n == o || host[n - o - 1] == '.');
}

static void put_addresses(struct writing *w, const char *owner, const struct place_vec *v)
{
	char text[ADDR_TEXT_LEN];

	for (size_t i = 0; i < v->n; i++) {
		const struct place *p = &v->v[i];
		bool twice = false;

		for (size_t k = 0; k < i; k++)
			twice = twice || addr_compare(v->v[k].addr, p->addr) == 0;
		if (addr_is_set(p->addr) && !twice)
			buf_addf(w->out, "%s\tIN\t%s\t%s\n", owner,
				p->addr.family == FAMILY_IPV4 ? "A" : "AAAA",
				addr_format(p->addr, text));
	}
}

/* All records of one owner. Nothing may stand beside a CNAME, so a name gets one only where there
 * is no address; of several names the first. */
static void put_owner(struct writing *w, const char *owner, const struct place_vec *v)
{
	bool addresses = false;
	const char *alias = NULL;

	for (size_t i = 0; i < v->n; i++)
		addresses = addresses || addr_is_set(v->v[i].addr);
	for (size_t i = 0; i < v->n; i++) {
		const struct place *p = &v->v[i];
		bool same = alias != NULL && strcasecmp(alias, p->host) == 0;

		if (addr_is_set(p->addr) || same)
			continue;
		if (addresses || alias != NULL || is_inside(p->host, w->origin)) {
			buf_addf(w->out, "; %s: without %s., ", owner, p->host);
			buf_adds(w->out,
				is_inside(p->host, w->origin)
					? "a name of this zone: say there where it is\n"
					: "a name, which cannot stand beside others\n");
			continue;
		}
		alias = p->host;
	}
	put_addresses(w, owner, v);
	if (alias != NULL)
		buf_addf(w->out, "%s\tIN\tCNAME\t%s.\n", owner, alias);
}

static void free_owner(struct writing *w, const char *name, char label[static LABEL_MAX + 1])
{
	bool taken = true;

	label_from_name(name, label);
	for (unsigned n = 2; taken; n++) {
		taken = false;
		VEC_FOREACH (owner, &w->owners)
			taken = taken || strcmp(*owner, label) == 0;
		if (taken) {
			label_from_name(name, label);
			label_number(label, n);
		}
	}
	strs_push(&w->owners, label);
}

static void put_regions(struct writing *w, const char *group, const struct place_vec *all)
{
	struct strs done = {0};

	VEC_FOREACH (p, all) {
		struct place_vec there = {0};
		char label[LABEL_MAX + 1], other[LABEL_MAX + 1], owner[OWNER_MAX];
		bool twice = false;

		if (p->gateway->region == NULL || p->gateway->region[0] == '\0')
			continue;
		label_from_name(p->gateway->region, label);
		VEC_FOREACH (d, &done)
			twice = twice || strcmp(*d, label) == 0;
		if (twice)
			continue;
		strs_push(&done, label);
		VEC_FOREACH (q, all) {
			label_from_name(q->gateway->region ? q->gateway->region : "", other);
			if (q->gateway->region != NULL && q->gateway->region[0] != '\0' &&
				strcmp(other, label) == 0)
				VEC_PUSH(&there, *q);
		}
		snprintf(owner, sizeof(owner), "%s.%s", label, group);
		put_owner(w, owner, &there);
		VEC_DONE(&there);
	}
	strs_done(&done);
}

/* "a.example, b.example." -> NS records; the first is also the SOA's. */
static int put_head(struct writing *w, const struct zone_file *z, struct err *e)
{
	char servers[SERVERS_MAX][HOST_MAX];
	size_t n = 0;
	const char *s = z->name_servers;

	while (*s != '\0') {
		size_t len = strcspn(s, ", ");

		if (len > 0) {
			if (n == SERVERS_MAX || len >= HOST_MAX)
				return err_field(e, ERR_INVALID, "ns", "at most %d name servers",
					SERVERS_MAX);
			memcpy(servers[n], s, len);
			servers[n][len - (s[len - 1] == '.')] = '\0';
			if (domain_check(servers[n], "ns", e) < 0)
				return ERR_INVALID;
			if (is_inside(servers[n], w->origin))
				return err_field(e, ERR_INVALID, "ns",
					"%s lies in the zone itself and would need an address "
					"here: name a server outside, or leave ns out and include "
					"the records in your own zone",
					servers[n]);
			n++;
		}
		s += len;
		s += strspn(s, ", ");
	}
	if (n == 0)
		return err_field(e, ERR_INVALID, "ns", "ns names no server");
	/* serial, refresh, retry, expire, negative TTL */
	buf_addf(w->out, "@\tIN\tSOA\t%s. hostmaster.%s. %u 3600 600 1209600 300\n", servers[0],
		w->origin, (unsigned)z->serial);
	for (size_t i = 0; i < n; i++)
		buf_addf(w->out, "@\tIN\tNS\t%s.\n", servers[i]);
	return 0;
}

static int write_all(
	struct writing *w, const struct zone_file *z, const struct place_vec *all, struct err *e)
{
	char group[LABEL_MAX + 1];
	uint64_t ttl = ZONE_TTL_DEFAULT;
	int r = 0;

	if (z->ttl != NULL && (text_u64(z->ttl, ZONE_TTL_MAX, &ttl) < 0 || ttl == 0))
		return err_field(e, ERR_INVALID, "ttl", "ttl is a number of seconds from 1 to %d",
			ZONE_TTL_MAX);
	buf_addf(w->out,
		"; Gateways of a Warren group. Made anew whenever it is asked for.\n"
		"$ORIGIN %s.\n$TTL %llu\n",
		w->origin, (unsigned long long)ttl);
	if (z->name_servers != NULL)
		r = put_head(w, z, e);
	if (r < 0)
		return r;
	free_owner(w, z->group, group);
	put_owner(w, group, all);
	put_regions(w, group, all);
	VEC_FOREACH (p, all) {
		struct place_vec one = {0};
		char label[LABEL_MAX + 1];

		VEC_PUSH(&one, *p);
		free_owner(w, p->gateway->name, label);
		put_owner(w, label, &one);
		VEC_DONE(&one);
	}
	return 0;
}

int render_zone_file(const struct zone_file *z, struct buf *out, struct err *e)
{
	struct place_vec all = {0};
	char origin[HOST_MAX];
	struct writing w = {.origin = origin, .out = out};
	size_t n = strlen(z->origin);
	int r;

	if (n >= sizeof(origin))
		return err_field(e, ERR_INVALID, "origin", "origin is longer than a domain may be");
	memcpy(origin, z->origin, n + 1);
	if (n > 1 && origin[n - 1] == '.')
		origin[n - 1] = '\0';
	r = domain_check(origin, "origin", e);
	for (size_t i = 0; r == 0 && i < z->n; i++) {
		struct place p;

		r = read_place(&z->gateways[i], &p, e);
		if (r == 0)
			VEC_PUSH(&all, p);
	}
	if (r == 0)
		r = write_all(&w, z, &all, e);
	VEC_DONE(&all);
	strs_done(&w.owners);
	return r;
}
