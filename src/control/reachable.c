/* DOC: see reachable.h. */
#include "control/reachable.h"

static const struct node *node_of(const struct fleet *f, const struct member *m)
{
	const struct node *n = map_get(&f->nodes, m->node);

	return n != NULL && n->enabled ? n : NULL;
}

/* A controller that others can speak to first: it has an endpoint, and is not behind a NAT unless
 * somebody configured how to get through it. */
static bool can_relay(struct hub *h, const struct fleet *f, const struct member *m)
{
	bool behind;

	if (!(m->roles & ROLE_CONTROLLER) || node_of(f, m) == NULL)
		return false;
	hub_member_nat(h, m->id, &behind);
	return m->endpoint != NULL || (m->observed_endpoint != NULL && !behind);
}

/* Two nodes that nobody can speak to first may never find each other. */
void reachable_warnings(
	struct hub *h, const struct fleet *f, const struct fleet_network *fn, struct strs *ret)
{
	struct strs hidden = {0};
	size_t others = 0;

	VEC_FOREACH (m, &fn->members) {
		const struct node *n = node_of(f, *m);
		bool behind;

		if (can_relay(h, f, *m))
			goto out;
		if (n == NULL || (*m)->endpoint != NULL)
			continue;
		hub_member_nat(h, (*m)->id, &behind);
		if (behind)
			strs_push(&hidden, n->name);
		others++;
	}
	VEC_FOREACH (name, &hidden) {
		AUTOFREE char *text = others < 2
			? NULL
			: mem_printf("node \"%s\" is behind NAT and the network has no "
				     "controller that can be reached: other nodes without an "
				     "endpoint may not reach it; give a node with a public "
				     "address the role controller",
				  *name);

		if (text != NULL)
			strs_push(ret, text);
	}
out:
	strs_done(&hidden);
}
