/* DOC: see register.h. */
#include "control/register.h"

#include "control/change.h"
#include "control/labels.h"
#include "control/membership.h"
#include "control/rejoin.h"
#include "control/secrets.h"
#include "control/telemetry.h"
#include "crypto/hash.h"
#include "crypto/key.h"
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

/* --- a new node ------------------------------------------------------------------------------- */

static bool joined(const struct registration *r, const char *network)
{
	VEC_FOREACH (entry, &r->networks)
		if (strcmp(entry->id, network) == 0)
			return true;
	return false;
}

/* The registered key is the first network's; the others' are announced later. */
static int join_network(
	struct registration *r, struct joining *j, const struct network *n, struct err *e)
{
	struct member m = {0};
	int result = joining_network(j, n, r->networks.n == 0 ? &r->public_key : NULL, &m, e);

	if (result >= 0)
		add_network(r, n, &m);
	schema_done(&schema_member, &m);
	return result;
}

/* Networks the token admits to, by id or name, that are still there. */
static int join_networks(
	struct registration *r, struct joining *j, const struct token *t, struct err *e)
{
	VEC_FOREACH (name, &t->networks) {
		struct network n = {0};
		int result;

		if (r->networks.n == MEMBERSHIPS_MAX)
			break;
		result = tx_find(j->tx, &schema_network, &n, e, "project", t->project,
			id_valid(*name, "net") ? "id" : "name", *name, NULL);
		if (result >= 0 && !joined(r, n.id))
			result = join_network(r, j, &n, e);
		else if (result == ERR_NOT_FOUND)
			result = 0;
		schema_done(&schema_network, &n);
		if (result < 0)
			return result;
	}
	if (r->networks.n == 0)
		return err_set(e, ERR_UNAUTHORIZED, "this join token admits to no network");
	return 0;
}

static int make_node(
	struct tx *tx, struct registration *r, const struct token *t, struct node *n, struct err *e)
{
	int result;

	n->enabled = true;
	n->generation = 1;
	id_make("node", tx_now(tx), n->id);
	id_copy(n->project, t->project);
	id_copy(r->node, n->id);
	id_copy(r->project, n->project);
	n->name = mem_strdup(r->hostname);
	r->name = mem_strdup(r->hostname);
	n->join_token = mem_strdup(t->id);
	n->granted_roles = t->roles != 0 ? t->roles : ROLE_PEER;
	n->version = mem_strdup(r->version);
	n->created_at = n->joined_at = tx_now(tx);
	result = register_secret(r, n, e);
	if (result >= 0)
		result = node_check(n, NULL, e);
	return result < 0 ? result
			  : change_store(tx, &schema_node, NULL, n, t->id, "node.create", e);
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

static int join(struct tx *tx, struct registration *r, const struct token *t, struct err *e)
{
	struct node n = {0};
	struct joining j = {.tx = tx,
		.keys = r->keys,
		.labels = r->labels,
		.node = &n,
		.name_field = "hostname",
		.actor = t->id,
		.roles = t->roles,
		.peer = r->peer,
		.several = t->networks.n > 1};
	int result = labels_node_name(r->hostname, "hostname", e);

	if (result >= 0)
		result = name_is_free(tx, t->project, r->hostname, e);
	if (result >= 0)
		result = make_node(tx, r, t, &n, e);
	if (result >= 0)
		result = join_networks(r, &j, t, e);
	joining_done(&j);
	schema_done(&schema_node, &n);
	return result;
}

int register_node(struct tx *tx, void *arg, struct err *e)
{
	struct registration *r = arg;
	struct token t = {0};
	int result = find_token(tx, r->token_hash, &t, e);

	if (result < 0)
		return result;
	result = replay(tx, &t, r, e);
	if (result == 0) {
		result = token_usable(&t, tx_now(tx), e);
		if (result >= 0)
			result = t.node != NULL ? rejoin(tx, r, &t, e) : join(tx, r, &t, e);
		if (result >= 0)
			result = spend(tx, &t, e);
	}
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
	for (size_t i = 0; r >= 0 && i < list.v.n; i++)
		r = membership_end(tx, list.v.v[i], actor, e);
	if (r >= 0)
		r = change_store(tx, &schema_node, &n, NULL, actor, "node.delete", e);
	if (r >= 0)
		r = tx_secret_delete(tx, n.id, e);
	if (r >= 0)
		r = telemetry_drop_node(tx, n.id, e);
	schema_done(&schema_node, &n);
	return r < 0 ? r : 0;
}
