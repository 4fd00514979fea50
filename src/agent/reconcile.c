/*
 * DOC: reconcile: read the machine, diff it against what is in force, apply the difference. On a
 * machine that is as it should be nothing is written.
 */
#include "agent/core.h"

#include "base/fault.h"
#include "base/log.h"

void core_corrections_done(struct core_corrections *v)
{
	VEC_FOREACH (k, v)
		mem_free(k->detail);
	VEC_DONE(v);
}

static void add_correction(struct core_corrections *v, enum item_kind kind, char *detail)
{
	struct core_correction k = {item_kind_words[kind], detail};

	VEC_PUSH(v, k);
}

/* Each difference by itself while there are few; by kind with a count when there are many. */
static void describe(
	const struct delta *d, const struct apply_result *r, struct core_corrections *ret)
{
	const struct item_vec *const parts[] = {&d->put, &d->drop};
	static const char *const words[] = {"restored", "removed"};

	if (d->put.n + d->drop.n > CORE_CORRECTIONS_MAX) {
		for (int k = 0; k < ITEM_KINDS; k++)
			if (r->put[k] + r->dropped[k] > 0)
				add_correction(ret, (enum item_kind)k,
					mem_printf("%u restored, %u removed", r->put[k],
						r->dropped[k]));
		return;
	}
	for (size_t k = 0; k < ARRAY_LEN(parts); k++)
		VEC_FOREACH (i, parts[k]) {
			struct buf text = {0};

			/* a kind with no success has nothing that was corrected */
			if ((k == 0 ? r->put : r->dropped)[(*i)->kind] == 0)
				continue;
			item_describe(*i, &text);
			buf_addf(&text, " %s", words[k]);
			add_correction(ret, (*i)->kind, buf_take(&text));
		}
}

/* "address, peer": each kind once. */
static void kinds(const struct core_corrections *v, struct buf *out)
{
	VEC_FOREACH (c, v) {
		bool told = false;

		for (const struct core_correction *before = v->v; before < c && !told; before++)
			told = strcmp(before->type, c->type) == 0;
		if (!told)
			buf_addf(out, "%s%s", out->len > 0 ? ", " : "", c->type);
	}
}

void core_effective(struct core *c, struct item_vec *ret)
{
	VEC_RESERVE(ret, c->desired.items.n + 1);
	VEC_FOREACH (i, &c->desired.items) {
		const struct peer_item *p = &(*i)->peer;

		if ((*i)->kind == ITEM_PEER && p->not_after == 0 && p->quota_grant == 0 &&
			c->refused.n == 0 && c->lacks.n == 0)
			;
		else if (!core_in_force(c, *i))
			continue;
		VEC_PUSH(ret, *i);
	}
}

int core_reconcile(struct core *c, struct core_corrections *ret, struct err *e)
{
	struct machine_reading reading = {0};
	struct item_vec want = {0};
	struct delta d = {0};
	struct apply_result r = {0};
	struct err hosts = {0};
	bool drift = false;
	int rc;

	core_flush(c);
	if (c->desired.revision == 0)
		return 0;
	core_screen(c, NULL);
	if (c->reported)
		core_choose(c);
	else /* what is alive stays as an agent before us left it */
		paths_look(&c->paths, c->machine, &c->desired.items);
	core_effective(c, &want);
	rc = machine_read(c->machine, &want, &reading, e);
	if (rc < 0) {
		VEC_DONE(&want);
		return err_prefix(e, "reading the machine");
	}
	FAULT("reconcile.read");
	item_vec_diff(&reading.have, &reading.want, &d);
	apply_delta(c->machine, &reading.have, &d, &c->desired.items, &r);
	FAULT("reconcile.applied");
	machine_hosts_flush(c->machine, &want, &drift, &hosts);
	core_set_error(c, &r, hosts.text);
	if (c->reported) {
		describe(&d, &r, ret);
		if (drift)
			add_correction(ret, ITEM_HOST, mem_strdup("hosts block written again"));
		if (ret->n > 0) {
			CLEANUP(buf_done) struct buf words = {0};

			kinds(ret, &words);
			log_warn("drift corrected", LOG_KV_INT("count", ret->n),
				LOG_KV_STR("kinds", buf_str(&words)));
		}
	}
	c->reported = true;
	c->changed |= !delta_is_empty(&d);
	if (apply_endpoints(c->machine, &want, &hosts) < 0)
		log_debug("endpoints not written", LOG_KV_STR("error", hosts.text));
	rc = r.failures > 0 ? err_set(e, ERR_SYSTEM, "%s", c->error) : 0;
	apply_result_done(&r);
	delta_done(&d);
	machine_reading_done(&reading);
	VEC_DONE(&want);
	return rc;
}

void core_settle(struct core *c)
{
	struct item_vec want = {0};
	struct err e = {0};
	bool drift;

	core_flush(c);
	core_effective(c, &want);
	if (machine_hosts_flush(c->machine, &want, &drift, &e) < 0)
		log_error("hosts not written", LOG_KV_STR("error", e.text));
	if (apply_endpoints(c->machine, &want, &e) < 0)
		log_debug("endpoints not written", LOG_KV_STR("error", e.text));
	VEC_DONE(&want);
}
