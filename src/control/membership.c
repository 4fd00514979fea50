/* DOC: see membership.h. */
#include "control/membership.h"

#include "control/change.h"
#include "control/labels.h"
#include "control/secrets.h"
#include "control/whereabouts.h"
#include "control/world.h"
#include "crypto/key.h"
#include "model/names.h"
#include "model/ports.h"
#include "model/range.h"
#include "model/validate.h"

#define PORT_TRIES 64

static int collect_member(void *arg, const void *object)
{
	struct memberships *l = arg;

	VEC_PUSH(&l->v, schema_dup(&schema_member, object));
	return 0;
}

void memberships_done(struct memberships *l)
{
	VEC_FOREACH (m, &l->v)
		schema_free(&schema_member, *m);
	VEC_DONE(&l->v);
}

int memberships_of(struct tx *tx, const char *node, struct memberships *ret, struct err *e)
{
	const struct tx_query q = {.filters = {{"node", node}}};

	return tx_list(tx, &schema_member, &q, collect_member, ret, NULL, NULL, e);
}

/* --- joining ---------------------------------------------------------------------------------- */

static bool port_free(const struct joining *j, unsigned port)
{
	for (size_t i = 0; i < j->n_ports; i++)
		if (j->ports[i] == port)
			return false;
	return true;
}

/* The first of `count` neighbouring free ports from base up. */
static uint16_t pick_port(const struct joining *j, uint16_t base, unsigned count)
{
	unsigned port = base != 0 ? base : 51820;

	for (; port + count <= UINT16_MAX; port++)
		if (port_free(j, port) && (count < 2 || port_free(j, port + 1)) &&
			(count < 3 || port_free(j, port + 2)))
			break;
	return (uint16_t)port;
}

/* What the member's interfaces will listen on. */
static void take_ports(
	struct joining *j, const struct network *n, const struct member *m, const struct group *g)
{
	struct member_ports p;

	member_ports(n, m, g, &p);
	j->ports[j->n_ports++] = p.devices;
	j->ports[j->n_ports++] = p.direct;
	j->ports[j->n_ports++] = p.hub;
}

static int make_group(struct joining *j, const struct network *n, struct group *g, struct err *e)
{
	struct secret private_key;
	int r;

	id_make("grp", tx_now(j->tx), g->id);
	id_copy(g->project, n->project);
	id_copy(g->network, n->id);
	g->name = mem_strdup(GATEWAY_GROUP);
	g->mode = GROUP_ACTIVE_ACTIVE;
	/* the group's port and, next to it, the direct interface's and a controller's hub's */
	g->listen_port = pick_port(j, n->listen_port, 3);
	g->created_at = tx_now(j->tx);
	key_generate(&private_key);
	key_public(&private_key, &g->public_key);
	r = secrets_put(j->tx, j->keys, g->id, SECRET_GROUP_KEY, &private_key, e);
	secret_wipe(&private_key);
	if (r >= 0)
		r = change_store(j->tx, &schema_group, NULL, g, j->actor, "group.create", e);
	if (r >= 0 && j->world != NULL)
		fleet_put(j->world, &schema_group, schema_dup(&schema_group, g));
	return r;
}

/* Join the network's gateways: the first one makes the group. */
static int join_group(struct joining *j, const struct network *n, struct member *m, struct err *e)
{
	struct group g = {0};
	int r = tx_find(j->tx, &schema_group, &g, e, "network", n->id, "name", GATEWAY_GROUP, NULL);

	if (r == ERR_NOT_FOUND)
		r = make_group(j, n, &g, e);
	if (r >= 0 && !(port_free(j, g.listen_port) && port_free(j, g.listen_port + 1u)))
		r = err_field(e, ERR_EXISTS, "listen_port",
			"port %u of group %s in network %s is taken by another network of this "
			"node",
			g.listen_port, g.name, n->name);
	if (r >= 0) {
		id_copy(m->group, g.id);
		m->listen_port = g.listen_port;
		take_ports(j, n, m, &g);
	}
	schema_done(&schema_group, &g);
	return r;
}

/* Besides those come ports that depend on who else is there (plan_check_ports): the machine's own
 * in its other networks, and, where an exit or a gateway joins, one more on each of its peers.
 * Which ones follows from the member's id, so another id, and where nothing else asks for it
 * another port, is tried until nothing is in the way. */
static int settle_ports(struct joining *j, const struct network *n, struct member *m, struct err *e)
{
	int r = 0;

	if (!j->several && !(m->roles & (ROLE_GATEWAY | ROLE_EXIT)))
		return 0;
	if (j->world == NULL)
		r = world_load(j->tx, n->project, &j->world, e);
	for (unsigned i = 0; r >= 0; i++) {
		fleet_put(j->world, &schema_member, schema_dup(&schema_member, m));
		r = world_check_ports(j->world, n->id, e);
		if (r != ERR_EXISTS || i == PORT_TRIES)
			break;
		fleet_remove(j->world, &schema_member, m->id);
		id_make("mem", tx_now(j->tx), m->id);
		if (!(m->roles & ROLE_GATEWAY)) {
			j->n_ports -= 3; /* what it took */
			m->listen_port = pick_port(j, (uint16_t)(m->listen_port + 1),
				(m->roles & ROLE_CONTROLLER) ? 2 : 1);
			take_ports(j, n, m, NULL);
		}
		r = 0;
	}
	return r;
}

static int lease(struct joining *j, const struct network *n, struct member *m, struct err *e)
{
	struct addr_range range = network_node_range(n);
	bool v6 = range.first.family == FAMILY_IPV6;
	int r = tx_lease(j->tx, n->id, range.first, range.last, m->id, MEMBERSHIP_REST,
		v6 ? &m->ipv6 : &m->ipv4, e);

	if (r < 0 || v6 || !addr_is_set(n->ipv6.addr))
		return r;
	/* the IPv4 address is in the low 32 bits of its twin */
	m->ipv6 = addr_add(n->ipv6.addr, m->ipv4.bits);
	return tx_lease_exact(j->tx, n->id, m->ipv6, m->id, e);
}

void membership_observe(struct addr peer, struct member *m)
{
	CLEANUP(buf_done) struct buf text = {0};
	char host[ADDR_TEXT_LEN];

	if (!addr_is_set(peer))
		return;
	endpoint_join(addr_format(peer, host), m->listen_port, &text);
	m->observed_endpoint = buf_take(&text);
	m->calls_from = whereabouts_from(peer);
}

/* Networks of one machine do not overlap. */
static int check_overlaps(
	struct joining *j, const struct network *n, const struct member *m, struct err *e)
{
	int r = 0;

	if (!j->several)
		return 0;
	if (j->world == NULL)
		r = world_load(j->tx, n->project, &j->world, e);
	return r < 0 ? r : fleet_check_member(j->world, m, e);
}

/* With its group and ports, all but the address; nothing but the group is stored yet. */
static int fill(struct joining *j, const struct network *n, struct member *m, struct err *e)
{
	int r = 0;

	id_make("mem", tx_now(j->tx), m->id);
	id_copy(m->project, n->project);
	id_copy(m->network, n->id);
	id_copy(m->node, j->node->id);
	m->roles = j->roles != 0 ? j->roles : ROLE_PEER;
	m->created_at = tx_now(j->tx);
	if (m->roles & ROLE_GATEWAY) {
		r = join_group(j, n, m, e);
	} else {
		m->listen_port = pick_port(j, n->listen_port, (m->roles & ROLE_CONTROLLER) ? 2 : 1);
		take_ports(j, n, m, NULL);
	}
	if (r >= 0)
		r = check_overlaps(j, n, m, e);
	return r < 0 ? r : settle_ports(j, n, m, e);
}

int joining_network(struct joining *j, const struct network *n, const struct public_key *key,
	struct member *ret, struct err *e)
{
	int r = world_mesh_fits(j->tx, n, 1, "network", e);

	if (r >= 0)
		r = labels_node_fits(
			j->labels, j->tx, n->id, j->node->name, j->node->id, j->name_field, e);
	if (r >= 0 && key != NULL)
		ret->public_key = *key;
	if (r >= 0)
		r = fill(j, n, ret, e);
	if (r >= 0)
		r = lease(j, n, ret, e);
	if (r >= 0) {
		membership_observe(j->peer, ret);
		r = member_check(ret, e);
	}
	if (r >= 0)
		r = change_store(j->tx, &schema_member, NULL, ret, j->actor, "member.create", e);
	return r < 0 ? r : 0;
}

static int note_ports(struct joining *j, const struct member *m, struct err *e)
{
	struct network n = {0};
	struct group g = {0};
	int r = tx_get(j->tx, &schema_network, m->network, &n, e);

	if (r >= 0 && m->group[0] != '\0')
		r = tx_get(j->tx, &schema_group, m->group, &g, e);
	if (r >= 0)
		take_ports(j, &n, m, m->group[0] != '\0' ? &g : NULL);
	schema_done(&schema_network, &n);
	schema_done(&schema_group, &g);
	return r;
}

int joining_begin(struct joining *j, struct err *e)
{
	CLEANUP(memberships_done) struct memberships list = {0};
	int r = memberships_of(j->tx, j->node->id, &list, e);

	if (r >= 0 && list.v.n >= MEMBERSHIPS_MAX)
		return err_field(e, ERR_EXHAUSTED, "node",
			"node %s is in %zu networks: it can be in no more", j->node->name,
			list.v.n);
	for (size_t i = 0; r >= 0 && i < list.v.n; i++)
		r = note_ports(j, list.v.v[i], e);
	j->several |= list.v.n > 0;
	return r < 0 ? r : 0;
}

void joining_done(struct joining *j)
{
	fleet_free(j->world);
	j->world = NULL;
}

/* --- leaving ---------------------------------------------------------------------------------- */

int membership_end(struct tx *tx, const struct member *m, const char *actor, struct err *e)
{
	int r = change_store(tx, &schema_member, m, NULL, actor, "member.delete", e);

	return r < 0 ? r : tx_lease_free(tx, m->id, e);
}
