/* DOC: see ports.h. */
#include "plan/ports.h"

#include "plan/exit.h"
#include "plan/plan.h"
#include "plan/way.h"

#include <stdlib.h>

static void push(struct port_uses *v, uint16_t port, size_t membership)
{
	struct port_use u = {port, membership};

	if (port != 0)
		VEC_PUSH(v, u);
}

void ports_of_member(struct view *v, size_t i, size_t membership, struct port_uses *ret)
{
	const struct exits *x = view_exits(v);
	struct member_ports p;

	view_ports(v, i, &p);
	push(ret, p.devices, membership);
	push(ret, p.direct, membership);
	push(ret, p.hub, membership);
	for (size_t k = 0; k < x->n; k++)
		push(ret, exit_link_port(v, i, &x->v[k]), membership);
	for (size_t k = 0; k < v->n_members; k++)
		if (k != i && v->members[k].shares)
			push(ret, way_port(v, i, k), membership);
}

static int compare(const void *a, const void *b)
{
	const struct port_use *x = a, *y = b;

	return x->port != y->port
		? (x->port < y->port ? -1 : 1)
		: (x->membership > y->membership) - (x->membership < y->membership);
}

static int refuse(const struct fleet *f, const struct member *a, const struct member *b,
	uint16_t port, struct err *e)
{
	const struct network *an = map_get(&f->networks, a->network),
			     *bn = map_get(&f->networks, b->network);
	const struct node *n = map_get(&f->nodes, a->node);

	return err_field(e, ERR_EXISTS, "listen_port",
		"the networks \"%.60s\" and \"%.60s\" would both use port %u of the node "
		"\"%.60s\": give it another listen_port in one of them",
		an->name, bn->name, port, n != NULL ? n->name : a->node);
}

/* The node's interfaces, in all its networks. */
static int check_node(const struct fleet *f, struct views *views, const char *node, struct err *e)
{
	const struct member_refs *memberships = fleet_memberships(f, node);
	struct port_uses uses = {0};
	int r = 0;

	for (size_t k = 0; k < memberships->n; k++) {
		struct view *v = views_get(views, memberships->v[k]->network);

		if (v != NULL)
			ports_of_member(v, view_index(v, memberships->v[k]->id), k, &uses);
	}
	if (uses.n > 1)
		qsort(uses.v, uses.n, sizeof(*uses.v), compare);
	for (size_t k = 1; r == 0 && k < uses.n; k++)
		if (uses.v[k].port == uses.v[k - 1].port &&
			uses.v[k].membership != uses.v[k - 1].membership)
			r = refuse(f, memberships->v[uses.v[k - 1].membership],
				memberships->v[uses.v[k].membership], uses.v[k].port, e);
	VEC_DONE(&uses);
	return r;
}

int plan_check_ports(const struct fleet *f, const char *network, struct err *e)
{
	const struct fleet_network *fn = fleet_network(f, network);
	struct views views = {.fleet = f};
	int r = 0;

	for (size_t i = 0; fn != NULL && r == 0 && i < fn->members.n; i++)
		if (fleet_memberships(f, fn->members.v[i]->node)->n > 1)
			r = check_node(f, &views, fn->members.v[i]->node, e);
	views_done(&views);
	return r;
}
