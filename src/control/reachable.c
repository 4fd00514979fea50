/* DOC: see reachable.h. */
#include "control/reachable.h"

#include "base/mem.h"
#include "control/world.h"

#include <string.h>

/* Names in one sentence take so many bytes at most; the others are counted. */
#define NAMED_BYTES 100

static const struct node *node_of(const struct fleet *f, const struct member *m)
{
	const struct node *n = map_get(&f->nodes, m->node);

	return n != NULL && n->enabled ? n : NULL;
}

/* A controller that others can speak to first: it has an endpoint, and is not behind a NAT unless
 * somebody configured how to get through it. One that has been silent for long is none. */
static bool can_relay(struct hub *h, const struct fleet *f, const struct member *m)
{
	struct node_status status;
	bool behind;

	if (!(m->roles & ROLE_CONTROLLER) || node_of(f, m) == NULL)
		return false;
	hub_node_status(h, m->node, &status);
	if (strcmp(status.liveness, "offline") == 0)
		return false;
	hub_member_nat(h, m->id, &behind);
	return m->endpoint != NULL || (m->observed_endpoint != NULL && !behind);
}

/* Nodes that may never find one another, by name, in ret, which is empty: nobody can speak to any
 * of them first, and there is no controller for all. One such node alone speaks first. */
static void find_apart(
	struct hub *h, const struct fleet *f, const struct fleet_network *fn, struct strs *ret)
{
	bool relay = false;

	VEC_FOREACH (m, &fn->members) {
		const struct node *n = node_of(f, *m);
		bool behind;

		relay = relay || can_relay(h, f, *m);
		if (n == NULL || (*m)->endpoint != NULL)
			continue;
		hub_member_nat(h, (*m)->id, &behind);
		if (behind)
			strs_push(ret, n->name);
	}
	if (relay || ret->n < 2)
		strs_done(ret);
}

/* "n1, n2 and 5 others" */
static char *list_names(const struct strs *names)
{
	struct buf text = {0};
	size_t n = 0;

	while (n < names->n && text.len + strlen(names->v[n]) <= NAMED_BYTES) {
		buf_addf(&text, "%s%s",
			n == 0                      ? ""
				: n + 1 == names->n ? " and "
						    : ", ",
			names->v[n]);
		n++;
	}
	if (n == 0)
		buf_addf(&text, "%zu nodes", names->n);
	else if (n < names->n)
		buf_addf(&text, " and %zu others", names->n - n);
	return buf_take(&text);
}

void reachable_warnings(
	struct hub *h, const struct fleet *f, const struct fleet_network *fn, struct strs *ret)
{
	CLEANUP(strs_done) struct strs apart = {0};
	AUTOFREE char *names = NULL;
	AUTOFREE char *text = NULL;

	find_apart(h, f, fn, &apart);
	if (apart.n == 0)
		return;
	names = list_names(&apart);
	text = mem_printf("%s are behind NAT and the network has no controller that can be "
			  "reached: they may not reach one another; give a node with a public "
			  "address the role controller",
		names);
	strs_push(ret, text);
}

/* --- edits ------------------------------------------------------------------------------------ */

static int has_controller(void *arg, const void *object)
{
	const struct member *m = object;
	bool *found = arg;

	*found = *found || (m->roles & ROLE_CONTROLLER);
	return 0;
}

/* Can what the edit takes away be what others found each other by? */
static int takes_away(struct tx *tx, const struct schema *s, const void *before, const void *after,
	bool *ret, struct err *e)
{
	if (s == &schema_member) {
		const struct member *was = before, *is = after;

		*ret = is == NULL ? (was->roles & ROLE_CONTROLLER) != 0
				  : was->endpoint != NULL && is->endpoint == NULL;
		return 0;
	}
	const struct node *was = before, *is = after;
	struct tx_query q = {.filters = {{"node", was->id}}};

	if (!was->enabled || (is != NULL && is->enabled))
		return 0;
	return tx_list(tx, &schema_member, &q, has_controller, ret, NULL, NULL, e);
}

static int refuse(const struct network *n, const struct strs *apart, struct err *e)
{
	AUTOFREE char *names = list_names(apart);

	return err_field(e, ERR_EXISTS, "force",
		"%s would lose each other in network %s: they are behind NAT and no controller "
		"that can be reached would be left; add one first, or give one an endpoint, or "
		"force it (?force=1, --force)",
		names, n->name);
}

static int compare(struct hub *h, const struct fleet *was, const struct fleet *is, struct err *e)
{
	int r = 0;

	MAP_FOREACH (slot, &is->networks) {
		CLEANUP(strs_done) struct strs before = {0};
		CLEANUP(strs_done) struct strs after = {0};

		find_apart(h, was, fleet_network(was, slot->key), &before);
		find_apart(h, is, fleet_network(is, slot->key), &after);
		if (r == 0 && after.n > before.n)
			r = refuse(slot->value, &after, e);
	}
	return r;
}

int reachable_check(struct tx *tx, struct hub *h, const char *project, const struct schema *s,
	const void *before, const void *after, struct err *e)
{
	struct fleet *was = NULL, *is = NULL;
	bool looks = false;
	int r = takes_away(tx, s, before, after, &looks, e);

	if (r < 0 || !looks)
		return r < 0 ? r : 0;
	r = world_load(tx, project, &was, e);
	if (r >= 0)
		r = world_load(tx, project, &is, e);
	if (r >= 0 && after != NULL)
		fleet_put(is, s, schema_dup(s, after));
	else if (r >=
		0) /* by its id, which is first; memberships without a node count for nothing */
		fleet_remove(is, s, before);
	if (r >= 0)
		r = compare(h, was, is, e);
	fleet_free(was);
	fleet_free(is);
	return r;
}
