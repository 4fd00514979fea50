/* DOC: see register.h. */
#include "control/register.h"

#include "control/change.h"
#include "control/labels.h"
#include "control/rejoin.h"
#include "control/secrets.h"
#include "control/telemetry.h"
#include "control/whereabouts.h"
#include "control/world.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "model/ports.h"
#include "model/names.h"
#include "model/range.h"
#include "crypto/seal.h"
#include "crypto/token.h"
#include "model/validate.h"

#include <stdio.h>

/* --- the token -------------------------------------------------------------------------------- */

/* Nobody joins by a token of somebody who is disabled or gone. */
static int maker_is_there(struct tx *tx, struct token *t, struct err *e)
{
	struct user u = {0};
	int r;

	if (t->created_by == NULL || !id_valid(t->created_by, "usr"))
		return 0;
	r = tx_get(tx, &schema_user, t->created_by, &u, e);
	if (r == 0 && !u.enabled)
		r = ERR_NOT_FOUND;
	schema_done(&schema_user, &u);
	if (r < 0)
		schema_done(&schema_token, t);
	return r;
}

static int find_token(struct tx *tx, const char *hash, struct token *ret, struct err *e)
{
	int r = tx_find(tx, &schema_token, ret, e, "hash", hash, NULL);

	if (r == 0 && ret->kind != TOKEN_KIND_JOIN) {
		schema_done(&schema_token, ret);
		r = ERR_NOT_FOUND;
	}
	if (r == 0)
		r = maker_is_there(tx, ret, e);
	if (r == ERR_NOT_FOUND)
		return err_set(e, ERR_UNAUTHORIZED, "this join token is not known");
	return r;
}

int register_token_known(struct tx *tx, void *arg, struct err *e)
{
	struct token t = {0};
	int r = find_token(tx, arg, &t, e);

	schema_done(&schema_token, &t);
	return r;
}

static int token_usable(const struct token *t, msec now, struct err *e)
{
	if (t->expires_at != 0 && t->expires_at <= now)
		return err_set(e, ERR_UNAUTHORIZED, "this join token has expired");
	if (t->uses_left == 0)
		return err_set(e, ERR_UNAUTHORIZED, "this join token is used up");
	return 0;
}

/* --- what the answer holds -------------------------------------------------------------------- */

static void add_network(struct registration *r, const struct network *n, const struct member *m)
{
	struct registered_network entry = {.name = mem_strdup(n->name), .roles = m->roles};

	if (r->networks.n == 0) {
		r->mesh_ip = m->ipv4;
		r->mesh_ip6 = m->ipv6;
	}
	id_copy(entry.id, n->id);
	VEC_PUSH(&r->networks, entry);
}

/* The node secret, for the holder of the registered key only. */
static int seal_secret(struct registration *r, uint32_t generation, struct err *e)
{
	CLEANUP(buf_done) struct buf sealed = {0}, text = {0};
	struct secret secret;
	int result;

	secrets_node(r->keys, r->node, generation, &secret);
	result = seal_to_public(&r->public_key, secret.bytes, KEY_LEN, &sealed);
	secret_wipe(&secret);
	if (result < 0)
		return err_field(
			e, ERR_INVALID, "public_key", "public_key cannot be used for sealing");
	base64_encode(sealed.data, sealed.len, &text);
	mem_free(r->sealed_secret);
	r->sealed_secret = buf_take(&text);
	return 0;
}

int register_secret(struct registration *r, struct node *n, struct err *e)
{
	CLEANUP(buf_wipe) struct buf bearer = {0};
	struct secret secret, derived;
	char hash[HASH_HEX_LEN];

	secrets_node(r->keys, n->id, n->generation, &secret);
	key_derive(&secret, "bearer", &derived);
	token_from_secret(TOKEN_NODE, &derived, &bearer);
	secret_wipe(&secret);
	secret_wipe(&derived);
	mem_free(n->bearer_hash);
	n->bearer_hash = mem_strdup(token_hash_hex(buf_str(&bearer), hash));
	return seal_secret(r, n->generation, e);
}

/* --- a request that came before --------------------------------------------------------------- */

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

/* Members have ids in the order they were made: the token's first network comes first. */
int register_fill(struct tx *tx, const char *node, struct registration *r, struct err *e)
{
	CLEANUP(memberships_done) struct memberships list = {0};
	int result = memberships_of(tx, node, &list, e);

	for (size_t i = 0; result >= 0 && i < list.v.n; i++) {
		struct network n = {0};

		result = tx_get(tx, &schema_network, list.v.v[i]->network, &n, e);
		if (result >= 0)
			add_network(r, &n, list.v.v[i]);
		schema_done(&schema_network, &n);
	}
	return result;
}

static bool is_replay(const struct node *n, const struct token *t, msec now)
{
	return n->join_token != NULL && strcmp(n->join_token, t->id) == 0 && n->confirmed_at == 0 &&
		now - n->joined_at <= REGISTER_REPLAY;
}

/* 1: answered from what is there. 0: the key is new. ERR_EXISTS: somebody else has it. */
static int replay(struct tx *tx, const struct token *t, struct registration *r, struct err *e)
{
	char key[KEY_TEXT_LEN];
	struct member m = {0};
	struct node n = {0};
	int result;

	key_format_public(&r->public_key, key);
	result = tx_find(tx, &schema_member, &m, e, "project", t->project, "public_key", key, NULL);
	if (result == ERR_NOT_FOUND)
		return 0;
	if (result >= 0)
		result = tx_get(tx, &schema_node, m.node, &n, e);
	if (result >= 0 && !is_replay(&n, t, tx_now(tx)))
		result = err_field(e, ERR_EXISTS, "public_key",
			"a node of this project already uses this public key");
	if (result >= 0) {
		id_copy(r->node, n.id);
		id_copy(r->project, n.project);
		r->name = mem_strdup(n.name);
		result = seal_secret(r, n.generation, e);
	}
	if (result >= 0)
		result = register_fill(tx, n.id, r, e);
	schema_done(&schema_member, &m);
	schema_done(&schema_node, &n);
	return result < 0 ? result : 1;
}

#define PORT_TRIES 64

/* --- a new node ------------------------------------------------------------------------------- */

struct joining {
	struct tx *tx;
	struct registration *r;
	const struct token *token;
	uint16_t ports[4 * REGISTER_NETWORKS_MAX]; /* taken on this machine */
	size_t n_ports;
	struct fleet *world; /* loaded when it is first asked */
};

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
	r = secrets_put(j->tx, j->r->keys, g->id, SECRET_GROUP_KEY, &private_key, e);
	secret_wipe(&private_key);
	if (r >= 0)
		r = change_store(j->tx, &schema_group, NULL, g, j->token->id, "group.create", e);
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

	if (j->token->networks.n < 2 && !(m->roles & (ROLE_GATEWAY | ROLE_EXIT)))
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
	int r = tx_lease(j->tx, n->id, range.first, range.last, m->id, REGISTER_REST,
		v6 ? &m->ipv6 : &m->ipv4, e);

	if (r < 0 || v6 || !addr_is_set(n->ipv6.addr))
		return r;
	/* the IPv4 address is in the low 32 bits of its twin */
	m->ipv6 = addr_add(n->ipv6.addr, m->ipv4.bits);
	return tx_lease_exact(j->tx, n->id, m->ipv6, m->id, e);
}

void register_observe(const struct registration *r, struct member *m)
{
	CLEANUP(buf_done) struct buf text = {0};
	char host[ADDR_TEXT_LEN];

	if (!addr_is_set(r->peer))
		return;
	endpoint_join(addr_format(r->peer, host), m->listen_port, &text);
	m->observed_endpoint = buf_take(&text);
	m->calls_from = whereabouts_from(r->peer);
}

static int join_network(struct joining *j, const struct network *n, struct err *e)
{
	struct registration *r = j->r;
	struct member m = {0};
	int result = world_mesh_fits(j->tx, n, 1, "network", e);

	if (result >= 0)
		result = labels_node_fits(
			r->labels, j->tx, n->id, r->hostname, r->node, "hostname", e);
	if (result < 0)
		return result;
	id_make("mem", tx_now(j->tx), m.id);
	id_copy(m.project, n->project);
	id_copy(m.network, n->id);
	id_copy(m.node, r->node);
	m.roles = j->token->roles != 0 ? j->token->roles : ROLE_PEER;
	m.created_at = tx_now(j->tx);
	if (r->networks.n == 0)
		m.public_key = r->public_key; /* the others are announced later */
	if (m.roles & ROLE_GATEWAY) {
		result = join_group(j, n, &m, e);
	} else {
		m.listen_port = pick_port(j, n->listen_port, (m.roles & ROLE_CONTROLLER) ? 2 : 1);
		take_ports(j, n, &m, NULL);
	}
	if (result >= 0)
		result = settle_ports(j, n, &m, e);
	if (result >= 0)
		result = lease(j, n, &m, e);
	if (result >= 0) {
		register_observe(r, &m);
		result = member_check(&m, e);
	}
	if (result >= 0)
		result = change_store(
			j->tx, &schema_member, NULL, &m, j->token->id, "member.create", e);
	if (result >= 0)
		add_network(r, n, &m);
	schema_done(&schema_member, &m);
	return result;
}

static bool joined(const struct registration *r, const char *network)
{
	VEC_FOREACH (entry, &r->networks)
		if (strcmp(entry->id, network) == 0)
			return true;
	return false;
}

/* Networks the token admits to, by id or name, that are still there. */
static int join_networks(struct joining *j, struct err *e)
{
	int r = 0;

	VEC_FOREACH (name, &j->token->networks) {
		struct network n = {0};

		if (j->r->networks.n == REGISTER_NETWORKS_MAX)
			break;
		r = tx_find(j->tx, &schema_network, &n, e, "project", j->token->project,
			id_valid(*name, "net") ? "id" : "name", *name, NULL);
		if (r >= 0 && !joined(j->r, n.id))
			r = join_network(j, &n, e);
		else if (r == ERR_NOT_FOUND)
			r = 0;
		schema_done(&schema_network, &n);
		if (r < 0)
			return r;
	}
	if (j->r->networks.n == 0)
		return err_set(e, ERR_UNAUTHORIZED, "this join token admits to no network");
	return 0;
}

static int make_node(struct joining *j, struct err *e)
{
	struct registration *r = j->r;
	struct node n = {.enabled = true, .generation = 1};
	int result;

	id_make("node", tx_now(j->tx), n.id);
	id_copy(n.project, j->token->project);
	id_copy(r->node, n.id);
	id_copy(r->project, n.project);
	n.name = mem_strdup(r->hostname);
	r->name = mem_strdup(r->hostname);
	n.join_token = mem_strdup(j->token->id);
	n.version = mem_strdup(r->version);
	n.created_at = n.joined_at = tx_now(j->tx);
	result = register_secret(r, &n, e);
	if (result >= 0)
		result = node_check(&n, NULL, e);
	if (result >= 0)
		result =
			change_store(j->tx, &schema_node, NULL, &n, j->token->id, "node.create", e);
	schema_done(&schema_node, &n);
	return result;
}

static int name_is_free(struct tx *tx, const char *project, const char *name, struct err *e)
{
	struct node n = {0};
	int r = tx_find(tx, &schema_node, &n, e, "project", project, "name", name, NULL);

	schema_done(&schema_node, &n);
	if (r == ERR_NOT_FOUND)
		return 0;
	return r < 0 ? r
		     : err_field(e, ERR_EXISTS, "hostname",
			       "a node named %s is already in this project: take another name "
			       "(--name), or put this machine in its place by a token made with: "
			       "warren token add --kind join --node NAME",
			       name);
}

static int spend(struct tx *tx, struct token *t, struct err *e)
{
	t->uses_left--;
	t->last_used = tx_now(tx);
	return tx_update(tx, &schema_token, t, e);
}

static int join(struct joining *j, struct err *e)
{
	struct registration *r = j->r;
	int result = labels_node_name(r->hostname, "hostname", e);

	if (result >= 0)
		result = name_is_free(j->tx, j->token->project, r->hostname, e);
	if (result >= 0)
		result = make_node(j, e);
	if (result >= 0)
		result = join_networks(j, e);
	return result;
}

int register_node(struct tx *tx, void *arg, struct err *e)
{
	struct registration *r = arg;
	struct joining j = {.tx = tx, .r = r};
	struct token t = {0};
	int result = find_token(tx, r->token_hash, &t, e);

	if (result < 0)
		return result;
	j.token = &t;
	result = replay(tx, &t, r, e);
	if (result == 0) {
		result = token_usable(&t, tx_now(tx), e);
		if (result >= 0)
			result = t.node != NULL ? rejoin(tx, r, &t, e) : join(&j, e);
		if (result >= 0)
			result = spend(tx, &t, e);
	}
	fleet_free(j.world);
	schema_done(&schema_token, &t);
	return result < 0 ? result : 0;
}

/* --- leaving ---------------------------------------------------------------------------------- */

int node_leave(struct tx *tx, const char *node, const char *actor, struct err *e)
{
	CLEANUP(memberships_done) struct memberships list = {0};
	struct node n = {0};
	int r = tx_get(tx, &schema_node, node, &n, e);

	if (r >= 0)
		r = memberships_of(tx, node, &list, e);
	for (size_t i = 0; r >= 0 && i < list.v.n; i++) {
		r = change_store(tx, &schema_member, list.v.v[i], NULL, actor, "member.delete", e);
		if (r >= 0)
			r = tx_lease_free(tx, list.v.v[i]->id, e);
	}
	if (r >= 0)
		r = change_store(tx, &schema_node, &n, NULL, actor, "node.delete", e);
	if (r >= 0)
		r = tx_secret_delete(tx, n.id, e);
	if (r >= 0)
		r = telemetry_drop_node(tx, n.id, e);
	schema_done(&schema_node, &n);
	return r < 0 ? r : 0;
}
