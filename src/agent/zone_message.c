/* DOC: see zone_message.h. */
#include "agent/zone_message.h"

#include <string.h>

/* --- writing -----------------------------------------------------------------------------------
 */

static void put_prefixes(struct buf *out, const struct prefix_vec *v)
{
	fields_put_number(out, (int64_t)v->n);
	VEC_FOREACH (p, v)
		fields_put_prefix(out, *p);
}

/* Who may reach whom; ports do not matter for names. */
static void put_rules(struct buf *out, const struct fw_rule_vec *rules)
{
	fields_put_number(out, (int64_t)rules->n);
	VEC_FOREACH (r, rules) {
		fields_put_text(out, r->from);
		fields_put_text(out, r->to);
	}
}

static void put_dns(struct buf *out, const struct item *i)
{
	fields_put_text(out, i->dns.domain);
	put_prefixes(out, &i->dns.listen);
	fields_put_texts(out, &i->dns.upstreams);
}

static void put_name(struct buf *out, const struct item *i)
{
	fields_put_text(out, i->name.id);
	fields_put_text(out, i->name.name);
	fields_put_addr(out, i->name.addr);
	fields_put_addr(out, i->name.addr6);
	fields_put_number(out, i->name.forward);
}

static void put_firewall(struct buf *out, const struct item *i)
{
	fields_put_texts(out, &i->firewall.interfaces);
	put_prefixes(out, &i->firewall.overlay);
	put_rules(out, &i->firewall.input);
	put_rules(out, &i->firewall.forward);
}

static void put_set(struct buf *out, const struct item *i)
{
	fields_put_text(out, i->set.set);
	fields_put_prefix(out, i->set.prefix);
}

/* --- reading -----------------------------------------------------------------------------------
 */

static void get_prefixes(struct fields *r, struct prefix_vec *ret)
{
	int64_t n = fields_number(r, 0, (int64_t)(r->left / sizeof(int64_t)));

	while (n-- > 0 && !r->bad) {
		struct prefix p = fields_prefix(r);

		VEC_PUSH(ret, p);
	}
}

static void get_rules(struct fields *r, struct fw_rule_vec *ret)
{
	int64_t n = fields_number(r, 0, (int64_t)(r->left / sizeof(int64_t)));

	while (n-- > 0 && !r->bad) {
		struct fw_rule rule = {0};

		rule.from = mem_strdup(fields_text_or_null(r));
		rule.to = mem_strdup(fields_text_or_null(r));
		VEC_PUSH(ret, rule);
	}
}

static void get_dns(struct fields *r, struct item *i)
{
	i->dns.domain = mem_strdup(fields_text(r));
	get_prefixes(r, &i->dns.listen);
	fields_texts(r, &i->dns.upstreams);
}

static void get_id(struct fields *r, id_text ret)
{
	const char *s = fields_text(r);

	if (s == NULL || strlen(s) >= sizeof(id_text))
		r->bad = true;
	else
		id_copy(ret, s);
}

static void get_name(struct fields *r, struct item *i)
{
	get_id(r, i->name.id);
	i->name.name = mem_strdup(fields_text(r));
	i->name.addr = fields_addr(r);
	i->name.addr6 = fields_addr(r);
	i->name.forward = fields_number(r, 0, 1) != 0;
}

static void get_firewall(struct fields *r, struct item *i)
{
	fields_texts(r, &i->firewall.interfaces);
	get_prefixes(r, &i->firewall.overlay);
	get_rules(r, &i->firewall.input);
	get_rules(r, &i->firewall.forward);
}

static void get_set(struct fields *r, struct item *i)
{
	i->set.set = mem_strdup(fields_text(r));
	i->set.prefix = fields_prefix(r);
}

/* What a zone is made of. */
static const struct {
	void (*put)(struct buf *out, const struct item *i);
	void (*get)(struct fields *r, struct item *i);
} kinds[ITEM_KINDS] = {
	[ITEM_DNS] = {put_dns, get_dns},
	[ITEM_NAME] = {put_name, get_name},
	[ITEM_FIREWALL] = {put_firewall, get_firewall},
	[ITEM_SET] = {put_set, get_set},
};

/* --- parts -------------------------------------------------------------------------------------
 */

void zone_text_write(struct zone_text *t, const struct item_vec *items, const char *network)
{
	size_t from = 0;

	VEC_FOREACH (i, items) {
		if (kinds[(*i)->kind].put == NULL || strcmp((*i)->network, network) != 0)
			continue;
		fields_put_number(&t->items, (*i)->kind);
		kinds[(*i)->kind].put(&t->items, *i);
		if (t->items.len - from >= ZONE_PART_SIZE) {
			VEC_PUSH(&t->ends, t->items.len);
			from = t->items.len;
		}
	}
	if (from < t->items.len)
		VEC_PUSH(&t->ends, t->items.len);
	hash_sha256(t->items.data, t->items.len, t->hash);
}

void zone_text_done(struct zone_text *t)
{
	buf_done(&t->items);
	VEC_DONE(&t->ends);
}

void zone_text_part(
	const struct zone_text *t, size_t i, const char *network, uint32_t serial, struct buf *out)
{
	size_t from = i == 0 ? 0 : t->ends.v[i - 1];

	fields_put_text(out, network);
	fields_put_number(out, serial);
	fields_put_number(out, i == 0);
	fields_put_number(out, i + 1 == t->ends.n);
	buf_add(out, t->items.data + from, t->ends.v[i] - from);
}

int zone_part_read(const char *data, size_t n, struct zone_part *ret, struct err *e)
{
	struct zone_part p = {.items = {data, n, false}};

	get_id(&p.items, p.network);
	p.serial = (uint32_t)fields_number(&p.items, 0, UINT32_MAX);
	p.first = fields_number(&p.items, 0, 1) != 0;
	p.last = fields_number(&p.items, 0, 1) != 0;
	if (p.items.bad)
		return err_set(e, ERR_INVALID, "a malformed zone came from the other process");
	*ret = p;
	return 0;
}

struct item *zone_part_next(struct zone_part *p)
{
	struct item *i;
	int64_t kind;

	if (p->items.bad || p->items.left == 0)
		return NULL;
	kind = fields_number(&p->items, 0, ITEM_KINDS - 1);
	if (kinds[kind].get == NULL)
		p->items.bad = true;
	if (p->items.bad)
		return NULL;
	i = item_new((enum item_kind)kind, p->network);
	kinds[kind].get(&p->items, i);
	return p->items.bad ? item_free(i) : i;
}
