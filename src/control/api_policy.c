/*
 * DOC: policies. What selectors name must exist when the policy is written; that is asked from the
 * fleet in memory. An object that goes away between that question and the commit leaves a selector
 * that matches nothing, which is what it means anyway.
 */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "model/fleet.h"
#include "model/validate.h"

#include <string.h>

static const char *const also[] = {"network", NULL};

static void policy_free(void *data)
{
	schema_free(&schema_policy, data);
}

struct selectors_job {
	const struct policy *policy;
	int result;
	struct err err;
};

static void check_selectors(const struct fleet *f, void *arg)
{
	struct selectors_job *job = arg;
	job->result = fleet_network(f, job->policy->network)
		? fleet_check_policy(f, job->policy, &job->err)
		: 0;
}

/* On an HTTP thread. */
static int selectors_exist(struct call *c, const struct policy *p)
{
	struct selectors_job job = {.policy = p};
	hub_run_wait(c->control->hub, check_selectors, &job);
	if (job.result < 0)
		c->err = job.err;
	return job.result;
}

static int find_network(struct tx *tx, void *arg, struct err *e)
{
	struct call *c = arg;
	struct policy *p = c->data;
	struct network n = {0};
	int r = api_network(tx, c, json_str(c->body, "network"), &n, e);
	if (r == 0) {
		id_copy(p->project, n.project);
		id_copy(p->network, n.id);
	}
	schema_done(&schema_network, &n);
	return r;
}

static int insert_policy(struct tx *tx, struct call *c, struct err *e)
{
	struct policy *p = c->data;
	struct network n = {0};
	int r = api_get(tx, c, &schema_network, p->network, &n, e); /* may be gone by now */
	schema_done(&schema_network, &n);
	p->created_at = tx_now(tx);
	if (r == 0)
		r = change_store(tx, &schema_policy, NULL, p, c->who.id, "policy.create", e);
	if (r == 0)
		api_put(c, &schema_policy, p);
	return r;
}

void api_policy_create(struct call *c)
{
	struct policy *p = NEW(struct policy);
	c->data = p;
	c->free_data = policy_free;
	c->status = 201;
	p->enabled = true;
	id_make("pol", clock_wall(c->control->clock), p->id);
	if (object_read(c->body, &schema_policy, FIELD_SET, also, p, &c->err) < 0 ||
		store_read(c->control->store, find_network, c, &c->err) < 0 ||
		policy_check(p, NULL, &c->err) < 0 || selectors_exist(c, p) < 0)
		api_fail(c);
	else
		api_write(c, insert_policy, NULL);
}

/* The policy as it would become, for the question of selectors. */
static int preview(struct tx *tx, void *arg, struct err *e)
{
	struct call *c = arg;
	struct policy before = {0};
	int r = api_change(tx, c, &schema_policy, NULL, &before, c->data, e);
	if (r == 0)
		r = policy_check(c->data, &before, e);
	schema_done(&schema_policy, &before);
	return r;
}

static int update_policy(struct tx *tx, struct call *c, struct err *e)
{
	struct policy before = {0}, after = {0};
	int r = api_change(tx, c, &schema_policy, NULL, &before, &after, e);
	if (r == 0)
		r = policy_check(&after, &before, e);
	if (r == 0)
		r = change_store(
			tx, &schema_policy, &before, &after, c->who.id, "policy.update", e);
	if (r == 0)
		api_put(c, &schema_policy, &after);
	schema_done(&schema_policy, &before);
	schema_done(&schema_policy, &after);
	return r;
}

void api_policy_change(struct call *c)
{
	c->data = NEW(struct policy);
	c->free_data = policy_free;
	c->status = 200;
	if (store_read(c->control->store, preview, c, &c->err) < 0 ||
		selectors_exist(c, c->data) < 0)
		api_fail(c);
	else
		api_write(c, update_policy, NULL);
}
