/*
 * DOC: a table as the kernel has it; see nfnl.h. The kernel's dumps are read one after the other
 * between two looks at its generation; when that moved, everything is read again. A set without
 * ranges is a hash table to the kernel, which grows and shrinks by itself after a change: a dump
 * meanwhile tells some elements twice and others not, and the generation stays. What is not content
 * is only ever compared, so it becomes one line of text each and a digest of the lines.
 */
#include "crypto/hash.h"
#include "net/firewall.h"
#include "net/nfnl.h"
#include "net/rtnl.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>

#define READ_TRIES 20
#define ATTRS_MAX 32 /* above all types looked at here */

/* A set of the table, as declared. */
struct declared {
	char *name;
	bool ranges;
};
VEC_TYPE(declared_vec, struct declared);

struct reading {
	struct nfnl *n;
	const char *table;
	struct nf_content content;
	struct strs lines; /* the skeleton */
	/* of the dump under way, forgotten when it has to be repeated */
	struct strs part;
	struct declared_vec sets;
	struct nf_elem_vec elems;
	struct nf_limit_vec limits;
	char chain[NFT_CHAIN_MAXNAMELEN]; /* of the last rule */
	size_t rules;                     /* of it, so far */
};

static void declared_done(struct declared_vec *v)
{
	VEC_FOREACH (s, v)
		mem_free(s->name);
	VEC_DONE(v);
}

static void forget(void *arg)
{
	struct reading *r = arg;

	strs_done(&r->part);
	nf_elems_done(&r->elems);
	nf_limits_done(&r->limits);
	declared_done(&r->sets);
	r->chain[0] = '\0';
	r->rules = 0;
}

static void keep_part(struct reading *r)
{
	VEC_FOREACH (line, &r->part)
		VEC_PUSH(&r->lines, *line);
	VEC_DONE(&r->part);
}

/* --- declarations and rules: a line each ------------------------------------------------------ */

/* Which attributes of a message say what it is; type 0 ends the list. */
static void add_line(
	struct reading *r, const char *what, const struct nlattr *const *attrs, const int *types)
{
	CLEANUP(buf_done) struct buf bytes = {0};
	char hex[HASH_HEX_LEN];

	for (; *types != 0; types++) {
		const struct nlattr *a = attrs[*types];

		buf_addf(&bytes, "%d:", *types);
		if (a != NULL)
			buf_add(&bytes, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
	}
	hash_sha256_hex(bytes.data, bytes.len, hex);
	VEC_PUSH(&r->part, mem_printf("%s %s", what, hex));
}

static bool is_text(const struct nlattr *a, const char *text)
{
	size_t n = strlen(text) + 1;

	return a != NULL && mnl_attr_get_payload_len(a) == n &&
		memcmp(mnl_attr_get_payload(a), text, n) == 0;
}

static void each_chain(const struct nlmsghdr *nlh, void *arg)
{
	static const int types[] = {
		NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK, NFTA_CHAIN_POLICY, NFTA_CHAIN_TYPE, 0};
	const struct nlattr *attrs[ATTRS_MAX + 1];
	struct reading *r = arg;

	rtnl_attrs(nlh, sizeof(struct nfgenmsg), attrs, ATTRS_MAX);
	if (is_text(attrs[NFTA_CHAIN_TABLE], r->table)) /* the kernel tells all tables' */
		add_line(r, "chain", attrs, types);
}

/* Rules come chain by chain in their order; which chain is first does not matter. */
static void each_rule(const struct nlmsghdr *nlh, void *arg)
{
	static const int types[] = {NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS, 0};
	const struct nlattr *attrs[ATTRS_MAX + 1];
	struct reading *r = arg;
	char what[40];

	rtnl_attrs(nlh, sizeof(struct nfgenmsg), attrs, ATTRS_MAX);
	if (!is_text(attrs[NFTA_RULE_TABLE], r->table))
		return;
	if (!is_text(attrs[NFTA_RULE_CHAIN], r->chain)) {
		const struct nlattr *a = attrs[NFTA_RULE_CHAIN];

		snprintf(r->chain, sizeof(r->chain), "%.*s",
			a == NULL ? 0 : (int)mnl_attr_get_payload_len(a),
			a == NULL ? "" : (const char *)mnl_attr_get_payload(a));
		r->rules = 0;
	}
	snprintf(what, sizeof(what), "rule %zu", r->rules++);
	add_line(r, what, attrs, types);
}

static void each_set(const struct nlmsghdr *nlh, void *arg)
{
	static const int types[] = {NFTA_SET_NAME, NFTA_SET_FLAGS, NFTA_SET_KEY_TYPE,
		NFTA_SET_KEY_LEN, NFTA_SET_DATA_TYPE, NFTA_SET_DATA_LEN, NFTA_SET_OBJ_TYPE, 0};
	const struct nlattr *attrs[ATTRS_MAX + 1];
	const struct nlattr *name, *flags;
	struct declared s = {0};
	struct reading *r = arg;

	rtnl_attrs(nlh, sizeof(struct nfgenmsg), attrs, ATTRS_MAX);
	name = attrs[NFTA_SET_NAME];
	flags = attrs[NFTA_SET_FLAGS];
	if (!is_text(attrs[NFTA_SET_TABLE], r->table) || name == NULL)
		return;
	add_line(r, "set", attrs, types);
	s.name = mem_printf("%.*s", (int)mnl_attr_get_payload_len(name),
		(const char *)mnl_attr_get_payload(name));
	s.ranges = (ntohl(rtnl_u32(flags, 0)) & NFT_SET_INTERVAL) != 0;
	VEC_PUSH(&r->sets, s);
}

/* --- elements and limits --------------------------------------------------------------------- */

static void odd_element(struct reading *r, const void *key, uint32_t len, uint32_t flags)
{
	CLEANUP(buf_done) struct buf line = {0};

	buf_addf(&line, "element %u ", flags);
	for (uint32_t i = 0; i < len; i++)
		buf_addf(&line, "%02x", ((const uint8_t *)key)[i]);
	VEC_PUSH(&r->part, buf_take(&line));
}

/* Text of an attribute, owned; NULL when there is none or it does not end. */
static char *text_of(const struct nlattr *a)
{
	size_t n = a == NULL ? 0 : mnl_attr_get_payload_len(a);
	const char *text = a == NULL ? NULL : mnl_attr_get_payload(a);

	return n > 0 && memchr(text, '\0', n) == text + n - 1 ? mem_strdup(text) : NULL;
}

static int one_element(const struct nlattr *elem, void *arg)
{
	struct reading *r = arg;
	const struct nlattr *attrs[ATTRS_MAX + 1], *parts[NFTA_DATA_VALUE + 1] = {NULL};
	const struct nlattr *key;
	struct nf_elem x = {0};
	uint32_t len, flags;

	rtnl_nested(elem, attrs, ATTRS_MAX);
	if (attrs[NFTA_SET_ELEM_KEY] != NULL)
		rtnl_nested(attrs[NFTA_SET_ELEM_KEY], parts, NFTA_DATA_VALUE);
	key = parts[NFTA_DATA_VALUE];
	len = key == NULL ? 0 : mnl_attr_get_payload_len(key);
	flags = ntohl(rtnl_u32(attrs[NFTA_SET_ELEM_FLAGS], 0));
	if ((len != 4 && len != sizeof(x.key)) ||
		(flags & ~(uint32_t)NFT_SET_ELEM_INTERVAL_END) != 0) {
		odd_element(r, key == NULL ? NULL : mnl_attr_get_payload(key), len, flags);
		return MNL_CB_OK;
	}
	memcpy(x.key, mnl_attr_get_payload(key), len);
	x.len = (uint8_t)len;
	x.end = flags != 0;
	x.limit = text_of(attrs[NFTA_SET_ELEM_OBJREF]);
	VEC_PUSH(&r->elems, x);
	return MNL_CB_OK;
}

static void each_elements(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[ATTRS_MAX + 1];

	rtnl_attrs(nlh, sizeof(struct nfgenmsg), attrs, ATTRS_MAX);
	if (attrs[NFTA_SET_ELEM_LIST_ELEMENTS] != NULL)
		mnl_attr_parse_nested(attrs[NFTA_SET_ELEM_LIST_ELEMENTS], one_element, arg);
}

static uint64_t u64_of(const struct nlattr *a)
{
	return a != NULL && mnl_attr_get_payload_len(a) == sizeof(uint64_t)
		? be64toh(mnl_attr_get_u64(a))
		: 0;
}

static void each_limit(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[ATTRS_MAX + 1], *data[ATTRS_MAX + 1] = {NULL};
	struct reading *r = arg;
	AUTOFREE char *name = NULL;
	uint64_t rate;
	bool ours;

	rtnl_attrs(nlh, sizeof(struct nfgenmsg), attrs, ATTRS_MAX);
	name = text_of(attrs[NFTA_OBJ_NAME]);
	if (name == NULL || !is_text(attrs[NFTA_OBJ_TABLE], r->table))
		return;
	if (attrs[NFTA_OBJ_DATA] != NULL)
		rtnl_nested(attrs[NFTA_OBJ_DATA], data, ATTRS_MAX);
	rate = u64_of(data[NFTA_LIMIT_RATE]);
	ours = ntohl(rtnl_u32(attrs[NFTA_OBJ_TYPE], 0)) == NFT_OBJECT_LIMIT &&
		u64_of(data[NFTA_LIMIT_UNIT]) == 1 &&
		ntohl(rtnl_u32(data[NFTA_LIMIT_BURST], 0)) == nf_limit_burst(rate) &&
		ntohl(rtnl_u32(data[NFTA_LIMIT_TYPE], 0)) == NFT_LIMIT_PKT_BYTES &&
		ntohl(rtnl_u32(data[NFTA_LIMIT_FLAGS], 0)) == NFT_LIMIT_F_INV;
	/* of another shape: no rate of ours, so it differs from all of them */
	nf_limits_push(&r->limits, name, ours ? rate : UINT64_MAX);
}

/* --- one table ------------------------------------------------------------------------------- */

typedef void each_fn(const struct nlmsghdr *nlh, void *arg);

static int dump(struct reading *r, uint16_t type, int table_attr, each_fn *each, const char *set)
{
	const struct rtnl_sink sink = {forget, each, r};
	struct nlmsghdr *nlh = nfnl_request(r->n, type, NLM_F_DUMP);
	int errnum;

	mnl_attr_put_strz(nlh, (uint16_t)table_attr, r->table);
	if (set != NULL)
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
	if (type == NFT_MSG_GETOBJ)
		mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_LIMIT));
	errnum = nfnl_collect(r->n, nlh, &sink);
	if (set == NULL)
		keep_part(r);
	return errnum;
}

/* The set's elements, as two dumps in a row told them. */
static int dump_elements(struct reading *r, const struct declared *d)
{
	struct nf_elem_vec last = {0};
	bool agreed = false;
	int errnum = 0;

	for (int i = 0; errnum == 0 && !agreed && i < READ_TRIES; i++) {
		nf_elems_done(&last);
		last = r->elems;
		r->elems = (struct nf_elem_vec){0};
		errnum = dump(
			r, NFT_MSG_GETSETELEM, NFTA_SET_ELEM_LIST_TABLE, each_elements, d->name);
		nf_elems_sort(&r->elems);
		agreed = d->ranges || (i > 0 && nf_elems_equal(&last, &r->elems));
	}
	nf_elems_done(&last);
	return errnum != 0 || agreed ? errnum : EBUSY;
}

static int read_set(struct reading *r, const struct declared *d)
{
	bool content = firewall_is_content(d->name);
	struct nf_set *s;
	int errnum = dump_elements(r, d);

	if (errnum != 0)
		return errnum;
	if (content && r->part.n == 0) {
		s = nf_content_set(&r->content, d->name, d->ranges);
		nf_elems_done(&s->elems);
		s->elems = r->elems;
		r->elems = (struct nf_elem_vec){0};
		return 0;
	}
	VEC_FOREACH (x, &r->elems)
		odd_element(r, x->key, x->len, x->end);
	nf_elems_done(&r->elems);
	VEC_FOREACH (line, &r->part) {
		VEC_PUSH(&r->lines, mem_printf("%s %s", d->name, *line));
		mem_free(*line);
	}
	VEC_DONE(&r->part);
	return 0;
}

static void each_table(const struct nlmsghdr *nlh, void *arg)
{
	/* that it came is all there is to know */
}

static int exists(struct reading *r)
{
	const struct rtnl_sink sink = {forget, each_table, r};
	struct nlmsghdr *nlh = nfnl_request(r->n, NFT_MSG_GETTABLE, 0);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, r->table);
	return nfnl_collect(r->n, nlh, &sink);
}

int nfnl_there(struct nfnl *n, const char *table, struct err *e)
{
	struct reading r = {.n = n, .table = table};
	int errnum = exists(&r);

	if (errnum != 0 && errnum != ENOENT)
		return err_errno(e, errnum, "cannot ask for the firewall table %s", table);
	return errnum == 0;
}

static int read_all(struct reading *r)
{
	struct declared_vec sets;
	int errnum = exists(r);

	if (errnum == 0)
		errnum = dump(r, NFT_MSG_GETCHAIN, NFTA_CHAIN_TABLE, each_chain, NULL);
	if (errnum == 0)
		errnum = dump(r, NFT_MSG_GETRULE, NFTA_RULE_TABLE, each_rule, NULL);
	if (errnum == 0)
		errnum = dump(r, NFT_MSG_GETOBJ, NFTA_OBJ_TABLE, each_limit, NULL);
	r->content.limits = r->limits;
	r->limits = (struct nf_limit_vec){0};
	if (errnum == 0)
		errnum = dump(r, NFT_MSG_GETSET, NFTA_SET_TABLE, each_set, NULL);
	sets = r->sets; /* they outlive the dumps of their elements */
	r->sets = (struct declared_vec){0};
	for (size_t i = 0; errnum == 0 && i < sets.n; i++)
		errnum = read_set(r, &sets.v[i]);
	declared_done(&sets);
	return errnum;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Rules carry their place in their chain; the order of all else does not matter. */
static void skeleton_digest(struct strs *lines, char ret[static 65])
{
	CLEANUP(buf_done) struct buf all = {0};

	if (lines->n > 1)
		qsort(lines->v, lines->n, sizeof(*lines->v), compare_lines);
	VEC_FOREACH (line, lines)
		buf_addf(&all, "%s\n", *line);
	hash_sha256_hex(all.data, all.len, ret);
}

static void reading_done(struct reading *r)
{
	forget(r);
	strs_done(&r->lines);
	nf_content_done(&r->content);
}

int nfnl_read(struct nfnl *n, const char *table, struct nf_table *ret, struct err *e)
{
	for (int i = 0; i < READ_TRIES; i++) {
		CLEANUP(reading_done) struct reading r = {.n = n, .table = table};
		struct nf_table t = {0};
		uint32_t after;
		int errnum, rc = nfnl_generation(n, &t.generation, e);

		if (rc < 0)
			return rc;
		errnum = read_all(&r);
		rc = nfnl_generation(n, &after, e);
		if (rc < 0)
			return rc;
		if (after != t.generation)
			continue;
		if (errnum == ENOENT)
			return err_set(
				e, ERR_NOT_FOUND, "the firewall table %s is not there", table);
		if (errnum != 0)
			return err_errno(e, errnum, "cannot read the firewall table %s", table);
		skeleton_digest(&r.lines, t.skeleton);
		nf_content_sort(&r.content);
		t.content = r.content;
		r.content = (struct nf_content){0};
		*ret = t;
		return 0;
	}
	return err_set(e, ERR_UNAVAILABLE, "nftables changes all the time");
}

void nf_table_done(struct nf_table *t)
{
	nf_content_done(&t->content);
}

void nf_table_digest(const struct nf_table *t, char ret[static 65])
{
	CLEANUP(buf_done) struct buf all = {0};

	buf_adds(&all, t->skeleton);
	VEC_FOREACH (s, &t->content.sets) {
		buf_addf(&all, "\nset %s\n", s->name);
		VEC_FOREACH (x, &s->elems) {
			buf_add(&all, x->key, sizeof(x->key));
			buf_addc(&all, x->end ? 'e' : 'b');
			buf_adds(&all, x->limit == NULL ? "" : x->limit);
		}
	}
	VEC_FOREACH (l, &t->content.limits)
		buf_addf(&all, "\nlimit %s %llu", l->name, (unsigned long long)l->rate);
	hash_sha256_hex(all.data, all.len, ret);
}
