/*
 * DOC: what a node says of its own memberships (doc/protocol.md): the key of one, and where it is
 * found. In our words, and in those of the source document (spec 1), which knows one network: there
 * it need not be named. The answer to either has the peers it concerns, as the node's plan has
 * them.
 */
#include "control/agent_call.h"

#include "base/text.h"
#include "codec/json.h"
#include "codec/state.h"
#include "control/change.h"
#include "control/groupkey.h"
#include "control/heartbeat.h"
#include "control/rotation.h"
#include "control/secrets.h"
#include "control/telemetry.h"
#include "control/whereabouts.h"
#include "crypto/key.h"
#include "model/names.h"
#include "model/validate.h"
#include "plan/plan.h"

/* --- which membership ------------------------------------------------------------------------- */

static int add_network(void *arg, const void *object)
{
	const struct member *m = object;

	id_vec_add(arg, m->network);
	return 0;
}

/* A call that names no network means the node's only one. */
static int only_network(struct tx *tx, struct agent_call *c, struct err *e)
{
	struct tx_query q = {.filters = {{"node", c->node}}};
	struct id_vec networks = {0};
	int r;

	if (c->network[0] != '\0')
		return 0;
	r = tx_list(tx, &schema_member, &q, add_network, &networks, NULL, NULL, e);
	if (r >= 0 && networks.n == 1)
		id_copy(c->network, networks.v[0].id);
	else if (r >= 0)
		r = err_field(e, ERR_INVALID, "network",
			"this node is in %zu networks: say which is meant", networks.n);
	VEC_DONE(&networks);
	return r < 0 ? r : 0;
}

/* Change the caller's member in c->network. */
static int change_member(struct tx *tx, struct agent_call *c, const char *action,
	void (*fn)(struct agent_call *c, struct member *m), struct err *e)
{
	struct member before = {0}, after = {0};
	int r = tx_find(
		tx, &schema_member, &before, e, "node", c->node, "network", c->network, NULL);

	if (r == ERR_NOT_FOUND)
		return err_field(
			e, ERR_INVALID, "network", "this node is not in network %s", c->network);
	if (r >= 0) {
		schema_copy(&schema_member, &after, &before);
		fn(c, &after);
		if (!schema_equal(&schema_member, &before, &after))
			r = change_store(tx, &schema_member, &before, &after, c->node, action, e);
	}
	schema_done(&schema_member, &before);
	schema_done(&schema_member, &after);
	return r;
}

/* {network}, which may be absent. */
static int read_network(const struct json *j, struct agent_call *c, struct err *e)
{
	const char *network = json_str(j, "network");

	if (json_get(j, "network") == NULL)
		return 0;
	if (network == NULL || !id_valid(network, "net"))
		return err_field(e, ERR_INVALID, "network", "network must be the id of a network");
	id_copy(c->network, network);
	return 0;
}

/* The peers of the membership that are nodes, as the node's plan has them now: those whose
 * pre-shared keys hang on its key. Devices' hang on their group's. */
static void each_peer(const struct fleet *f, const struct agent_call *c,
	void (*write)(struct json_writer *w, const struct peer_item *p), struct json_writer *w)
{
	struct state s = {0};
	const char *devices = "";

	if (plan_node(f, c->node, groupkeys_plan(c->hub->groupkeys), &s, NULL) < 0)
		return; /* it has just left */
	VEC_FOREACH (i, &s.items) {
		if (strcmp((*i)->network, c->network) != 0)
			continue;
		if ((*i)->kind == ITEM_INTERFACE && (*i)->interface.role == IFACE_DEVICES)
			devices = (*i)->interface.name; /* before its peers, in apply order */
		if ((*i)->kind == ITEM_PEER && strcmp((*i)->peer.interface, devices) != 0)
			write(w, &(*i)->peer);
	}
	state_done(&s);
}

/* --- keys ------------------------------------------------------------------------------------- */

static void set_key(struct agent_call *c, struct member *m)
{
	rotation_announced(m, &c->public_key);
}

static int add_id(void *arg, const void *object)
{
	id_vec_add(arg, object); /* every struct of the model starts with its id */
	return 0;
}

/* Keys are unique in a network, those to come too: WireGuard would make one peer of two. */
static int refuse_held_key(struct tx *tx, const struct agent_call *c, struct err *e)
{
	static const struct {
		const struct schema *schema;
		const char *column;
	} holders[] = {{&schema_member, "public_key"}, {&schema_member, "next_public_key"},
		{&schema_device, "public_key"}, {&schema_group, "public_key"}};
	char key[KEY_TEXT_LEN];

	key_format_public(&c->public_key, key);
	for (size_t i = 0; i < ARRAY_LEN(holders); i++) {
		struct tx_query q = {
			.filters = {{"network", c->network}, {holders[i].column, key}}};
		struct id_vec ids = {0};
		int r = tx_list(tx, holders[i].schema, &q, add_id, &ids, NULL, NULL, e);
		bool other = false;

		VEC_FOREACH (id, &ids) {
			struct member m = {0};

			other |= holders[i].schema != &schema_member ||
				tx_get(tx, &schema_member, id->id, &m, NULL) < 0 ||
				strcmp(m.node, c->node) != 0;
			schema_done(&schema_member, &m);
		}
		VEC_DONE(&ids);
		if (r < 0)
			return r;
		if (other)
			return err_field(e, ERR_EXISTS, c->field,
				"this key belongs to another %s of the network",
				holders[i].schema->name);
	}
	return 0;
}

/* A bearer is known to the process of the node that speaks to us; its secret to the one that holds
 * its keys. */
static int check_proof(struct tx *tx, const struct agent_call *c, struct err *e)
{
	CLEANUP(secret_wipe) struct secret secret = {0}, want = {0};
	struct node n = {0};
	int r = tx_get(tx, &schema_node, c->node, &n, e);

	if (r < 0)
		return r;
	secrets_node(&c->hub->control->keys, n.id, n.generation, &secret);
	schema_done(&schema_node, &n);
	key_announce_proof(&secret, c->network, &c->public_key, &want);
	if (!secret_equal(&want, &c->proof))
		return err_field(
			e, ERR_DENIED, "proof", "the proof is not this node's for this key");
	return 0;
}

static int store_key(struct tx *tx, struct agent_call *c, struct err *e)
{
	int r = only_network(tx, c, e);

	if (r == 0)
		r = check_proof(tx, c, e);
	if (r == 0)
		r = refuse_held_key(tx, c, e);
	return r < 0 ? r : change_member(tx, c, "member.key", set_key, e);
}

static int read_key_as(const struct json *j, struct agent_call *c, const char *field, struct err *e)
{
	const char *key = json_str(j, field), *proof = json_str(j, "proof");

	c->field = field;
	if (key == NULL)
		return err_field(e, ERR_INVALID, field, "%s is needed, a text", field);
	if (proof == NULL)
		return err_field(e, ERR_INVALID, "proof", "proof is needed, a text");
	if (read_network(j, c, e) < 0 || key_parse_secret(proof, "proof", &c->proof, e) < 0)
		return ERR_INVALID;
	return key_parse_public(key, field, &c->public_key, e);
}

static int read_key(const struct json *j, struct agent_call *c, struct err *e)
{
	return read_key_as(j, c, "public_key", e);
}

static int read_rotate(const struct json *j, struct agent_call *c, struct err *e)
{
	const char *node = json_str(j, "node_id");

	if (node == NULL)
		return err_field(e, ERR_INVALID, "node_id", "node_id is needed, a text");
	if (strcmp(node, c->node) != 0)
		return err_field(
			e, ERR_DENIED, "node_id", "node_id is not the node whose bearer this is");
	return read_key_as(j, c, "new_public_key", e);
}

static void write_updated_peers(
	const struct fleet *f, const struct agent_call *c, struct json_writer *w)
{
	json_begin_array(w, "updated_peers");
	each_peer(f, c, peer_write, w);
	json_end_array(w);
}

void agent_keys(struct http_request *rq, const struct http_route *route, void *ctx)
{
	agent_call_change(agent_call_read(rq, ctx, read_key), store_key);
}

void agent_rotate(struct http_request *rq, const struct http_route *route, void *ctx)
{
	struct agent_call *c = agent_call_read(rq, ctx, read_rotate);

	if (c != NULL)
		c->answer = write_updated_peers;
	agent_call_change(c, store_key);
}

/* --- endpoint --------------------------------------------------------------------------------- */

static void set_endpoint(struct agent_call *c, struct member *m)
{
	struct whereabouts at;

	whereabouts_ask(m, c->endpoint, &at);
	whereabouts_put(m, &at);
}

/* As of what heartbeats say (endpoint.c): where an endpoint is configured nobody asks, and a node
 * does not move all the time. 1: it moves. */
static int may_move(struct tx *tx, const struct agent_call *c, struct err *e)
{
	struct member m = {0};
	int r = tx_find(tx, &schema_member, &m, e, "node", c->node, "network", c->network, NULL);
	struct whereabouts was, is;
	bool moves = false;

	if (r == 0) {
		whereabouts_of(&m, &was);
		whereabouts_ask(&m, c->endpoint, &is);
		moves = !whereabouts_equal(&was, &is);
	}
	schema_done(&schema_member, &m);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	if (moves && !telemetry_may_move(c->hub->telemetry, c->node))
		return err_field(e, ERR_UNAVAILABLE, c->field,
			"this node's endpoints have changed too often: say it again later");
	return moves || r == ERR_NOT_FOUND; /* change_member says that it is not in the network */
}

static int store_endpoint(struct tx *tx, struct agent_call *c, struct err *e)
{
	struct network n = {0};
	int r = only_network(tx, c, e);
	bool circle = r == 0 && tx_get(tx, &schema_network, c->network, &n, NULL) >= 0 &&
		network_holds_endpoint(&n, c->endpoint);

	schema_done(&schema_network, &n);
	if (r < 0)
		return r;
	if (circle)
		return err_field(e, ERR_INVALID, c->field,
			"the endpoint %s lies in the network itself: its packets would go in "
			"circles",
			c->endpoint);
	r = may_move(tx, c, e);
	if (r <= 0)
		return r;
	r = change_member(tx, c, "member.endpoint", set_endpoint, e);
	if (r >= 0)
		telemetry_moved(c->hub->telemetry, c->node);
	return r;
}

/* The document's words for what a node takes its NAT to be, and ours. */
static bool is_nat_type(const char *word)
{
	static const char *const words[] = {
		"none", "full_cone", "symmetric", "unknown", "easy", "hard"};

	for (size_t i = 0; word != NULL && i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/* nat_type is checked and not believed: it is told from what two others see (control/sight.h). */
static int read_endpoint(const struct json *j, struct agent_call *c, struct err *e)
{
	const char *endpoint;

	c->field = json_get(j, "public_endpoint") != NULL ? "public_endpoint" : "endpoint";
	endpoint = json_str(j, c->field);
	if (strcmp(c->field, "endpoint") != 0 && json_get(j, "endpoint") != NULL)
		return err_field(e, ERR_INVALID, c->field,
			"public_endpoint and endpoint are two words for one thing: give one");
	if (read_network(j, c, e) < 0 || heartbeat_endpoint_check(endpoint, c->field, e) < 0)
		return ERR_INVALID;
	if (json_get(j, "nat_type") != NULL && !is_nat_type(json_str(j, "nat_type")))
		return err_field(e, ERR_INVALID, "nat_type",
			"nat_type must be none, full_cone, symmetric or unknown");
	c->endpoint = mem_strdup(endpoint);
	return 0;
}

static void write_peer_endpoint(struct json_writer *w, const struct peer_item *p)
{
	if (p->endpoint == NULL || p->endpoint[0] == '\0')
		return;
	json_begin_object(w, NULL);
	json_put_str(w, "peer_id", p->id);
	json_put_str(w, "interface", p->interface);
	json_put_str(w, "endpoint", p->endpoint);
	json_end_object(w);
}

static void write_peer_endpoints(
	const struct fleet *f, const struct agent_call *c, struct json_writer *w)
{
	json_begin_array(w, "peer_endpoints");
	each_peer(f, c, write_peer_endpoint, w);
	json_end_array(w);
}

void agent_endpoint(struct http_request *rq, const struct http_route *route, void *ctx)
{
	struct agent_call *c = agent_call_read(rq, ctx, read_endpoint);

	if (c != NULL)
		c->answer = write_peer_endpoints;
	agent_call_change(c, store_endpoint);
}
