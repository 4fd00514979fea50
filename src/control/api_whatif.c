/*
 * DOC: what if a policy were otherwise, and may this reach that: questions that change nothing. A
 * worker copies the network out of the store and compares; at most two at a time.
 */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "base/text.h"
#include "control/workers.h"
#include "model/validate.h"
#include "plan/whatif.h"

#include <string.h>

static const char *const also[] = {"network", "policy", "remove", NULL};

struct question {
	id_text network;
	struct policy policy; /* as it would become */
	bool has_before, remove;
	struct fleet *copy;
};

static void question_free(void *data)
{
	struct question *q = data;
	schema_done(&schema_policy, &q->policy);
	fleet_free(q->copy);
	mem_free(q);
}

struct filling {
	struct fleet *fleet;
	const struct schema *schema;
};

static int take(void *arg, const void *object)
{
	struct filling *l = arg;
	fleet_put(l->fleet, l->schema, schema_dup(l->schema, object));
	return 0;
}

/* Objects of a kind with this value in column. */
static int take_all(struct tx *tx, struct fleet *f, const struct schema *s, const char *column,
	const char *value, struct err *e)
{
	struct tx_query q = {.filters = {{column, value}}};
	struct filling l = {f, s};
	return tx_list(tx, s, &q, take, &l, NULL, NULL, e);
}

/* The network and all that is in it, as it is in this transaction. */
static int copy_network(struct tx *tx, void *arg, struct err *e)
{
	static const struct schema *const parts[] = {
		&schema_member, &schema_policy, &schema_group, &schema_device};
	struct question *q = arg;
	struct fleet *f = q->copy;
	const struct fleet_network *fn;
	int r = take_all(tx, f, &schema_network, "id", q->network, e);
	fn = fleet_network(f, q->network);
	if (r == 0 && (fn == NULL || fn->network == NULL))
		return err_set(e, ERR_NOT_FOUND, "there is no such network");
	if (r == 0)
		r = take_all(tx, f, &schema_project, "id", fn->network->project, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(parts); i++)
		r = take_all(tx, f, parts[i], "network", q->network, e);
	MAP_FOREACH (slot, &f->members)
		if (r == 0)
			r = take_all(tx, f, &schema_node, "id",
				((const struct member *)slot->value)->node, e);
	return r;
}

/* On a worker, from the store: the hub's thread has everybody's plans to make. */
static bool have_copy(struct call *c)
{
	struct question *q = c->data;
	q->copy = fleet_new();
	int r = store_read(c->control->store, copy_network, q, &c->err);
	if (r == 0 && q->policy.name != NULL && !q->remove)
		r = fleet_check_policy(q->copy, &q->policy, &c->err);
	if (r < 0)
		api_fail(c);
	return r == 0;
}

static void put_strs(struct json_writer *w, const char *key, const struct strs *list)
{
	json_begin_array(w, key);
	VEC_FOREACH (s, list)
		json_put_str(w, NULL, *s);
	json_end_array(w);
}

static void put_side(struct json_writer *w, const char *key, const struct whatif_side *side)
{
	json_begin_object(w, key);
	json_put_str(w, "kind", side->kind);
	json_put_int(w, "count", (int64_t)side->count);
	put_strs(w, "names", &side->names);
	json_end_object(w);
}

static void put_whatif(struct buf *out, const struct whatif *found)
{
	struct json_writer w = {.out = out};
	json_begin_object(&w, NULL);
	json_put_int(&w, "gained", (int64_t)found->gained);
	json_put_int(&w, "lost", (int64_t)found->lost);
	json_put_bool(&w, "complete", found->complete);
	json_begin_array(&w, "changes");
	VEC_FOREACH (change, &found->changes) {
		json_begin_object(&w, NULL);
		put_side(&w, "from", &change->from);
		put_side(&w, "to", &change->to);
		put_strs(&w, "before", &change->before);
		put_strs(&w, "after", &change->after);
		json_put_bool(&w, "gains", change->gains);
		json_put_bool(&w, "loses", change->loses);
		json_end_object(&w);
	}
	json_end_array(&w);
	json_end_object(&w);
}

static void compare(void *arg)
{
	struct call *c = arg;
	struct question *q = c->data;
	CLEANUP(whatif_done) struct whatif found = {0};
	if (!have_copy(c))
		return;
	if (whatif_policy(q->copy, q->network, q->has_before ? q->policy.id : NULL,
		    q->remove ? NULL : &q->policy, &found, &c->err) < 0) {
		api_fail(c);
		return;
	}
	put_whatif(&c->out, &found);
	api_reply(c, 200);
}

/* The policy as it would become, of the network it is in or would be. */
/* The answers name whatever is in the network, so it has to be the caller's to see as a whole: what
 * may be named by who makes something in it (api_network) is not enough. */
static int asked_network(
	struct tx *tx, struct call *c, const char *ref, struct network *ret, struct err *e)
{
	int r = api_network(tx, c, ref, ret, e);
	int seen = r < 0 ? r : api_reaches(tx, c, &schema_network, ret, e);
	if (r == 0 && seen <= 0)
		schema_done(&schema_network, ret);
	if (seen == 0)
		return err_field(e, ERR_NOT_FOUND, "network", "no network \"%s\"", ref ? ref : "");
	return seen < 0 ? seen : 0;
}

static int read_question(struct tx *tx, void *arg, struct err *e)
{
	struct call *c = arg;
	struct question *q = c->data;
	struct policy before = {.enabled = true};
	struct network n = {0};
	const char *ref = json_str(c->body, "policy");
	int r = 0;
	q->has_before = ref != NULL && *ref != '\0';
	if (q->has_before)
		r = api_resolve(tx, c, &schema_policy, ref, "policy", &before, e);
	else
		id_make("pol", clock_wall(c->control->clock), before.id);
	if (r == 0)
		r = asked_network(tx, c,
			q->has_before ? before.network : json_str(c->body, "network"), &n, e);
	schema_copy(&schema_policy, &q->policy, &before);
	if (r == 0)
		r = object_read(c->body, &schema_policy, FIELD_CHANGE, also, &q->policy, e);
	id_copy(q->network, n.id);
	id_copy(q->policy.network, n.id);
	id_copy(q->policy.project, n.project);
	if (q->policy.name == NULL)
		q->policy.name = mem_strdup("what if");
	if (r == 0)
		r = policy_check(&q->policy, q->has_before ? &before : NULL, e);
	schema_done(&schema_policy, &before);
	schema_done(&schema_network, &n);
	return r;
}

static struct question *question_new(struct call *c)
{
	struct question *q = NEW(struct question);
	c->data = q;
	c->free_data = question_free;
	return q;
}

void api_policy_whatif(struct call *c)
{
	struct question *q = question_new(c);
	const struct json *remove = json_get(c->body, "remove");
	q->remove = remove != NULL && json_kind(remove) == JSON_IS_BOOL &&
		json_bool(c->body, "remove", false);
	if (remove != NULL && json_kind(remove) != JSON_IS_BOOL) {
		err_field(&c->err, ERR_INVALID, "remove", "must be true or false");
		api_fail(c);
	} else if (store_read(c->control->store, read_question, c, &c->err) < 0 ||
		workers_run(c->control->questions, compare, c, &c->err) < 0) {
		api_fail(c);
	}
}

/* --- may this reach that ---------------------------------------------------------------------- */

static bool want_protocol(struct call *c, const char *protocol, int64_t port)
{
	static const char *const known[] = {"any", "tcp", "udp", "icmp"};
	bool found = protocol == NULL;
	for (size_t i = 0; !found && i < ARRAY_LEN(known); i++)
		found = strcmp(protocol, known[i]) == 0;
	if (!found)
		err_field(&c->err, ERR_INVALID, "protocol", "must be any, tcp, udp or icmp");
	else if (port < 0 || port > 65535)
		err_field(&c->err, ERR_INVALID, "port", "must be between 1 and 65535");
	else if (port > 0 &&
		(protocol == NULL ||
			(strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0)))
		err_field(&c->err, ERR_INVALID, "port", "only tcp and udp have ports");
	else
		return true;
	return false;
}

static void test(void *arg)
{
	struct call *c = arg;
	struct question *q = c->data;
	CLEANUP(whatif_answer_done) struct whatif_answer answer = {0};
	struct json_writer w = {.out = &c->out};
	const char *protocol = json_str(c->body, "protocol");
	if (!have_copy(c))
		return;
	if (protocol != NULL && strcmp(protocol, "any") == 0)
		protocol = NULL;
	if (whatif_reach(q->copy, q->network, json_str(c->body, "from"), json_str(c->body, "to"),
		    protocol, (uint16_t)json_int(c->body, "port", 0), &answer, &c->err) < 0) {
		api_fail(c);
		return;
	}
	json_begin_object(&w, NULL);
	json_put_bool(&w, "allowed", answer.allowed);
	put_strs(&w, "services", &answer.services);
	put_strs(&w, "policies", &answer.policies);
	json_end_object(&w);
	api_reply(c, 200);
}

static int read_network(struct tx *tx, void *arg, struct err *e)
{
	struct call *c = arg;
	struct question *q = c->data;
	struct network n = {0};
	int r = asked_network(tx, c, json_str(c->body, "network"), &n, e);
	id_copy(q->network, n.id);
	schema_done(&schema_network, &n);
	return r;
}

static void known_field(void *ctx, const char *key, const struct json *v)
{
	static const char *const known[] = {"network", "from", "to", "protocol", "port"};
	struct call *c = ctx;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(key, known[i]) == 0)
			return;
	err_field(&c->err, ERR_INVALID, key, "there is no field \"%.60s\"", key);
}

void api_policy_test(struct call *c)
{
	static const char *const needed[] = {"from", "to"};
	question_new(c);
	json_each(c->body, known_field, c);
	for (size_t i = 0; i < ARRAY_LEN(needed) && !c->err.code; i++)
		if (json_str(c->body, needed[i]) == NULL)
			err_field(&c->err, ERR_INVALID, needed[i],
				"is needed: a node, a client or an address");
	if (c->err.code ||
		!want_protocol(c, json_str(c->body, "protocol"), json_int(c->body, "port", 0)) ||
		store_read(c->control->store, read_network, c, &c->err) < 0 ||
		workers_run(c->control->questions, test, c, &c->err) < 0)
		api_fail(c);
}
