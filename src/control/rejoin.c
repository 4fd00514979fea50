/* DOC: see rejoin.h. */
#include "control/rejoin.h"

#include "control/change.h"
#include "control/membership.h"

/* The registered key is the first network's; those of the others are announced later. No peer keeps
 * the old one, nor one that was to follow it. */
static int renew_member(struct tx *tx, const struct registration *r, const struct token *t,
	const struct member *before, bool first, struct err *e)
{
	struct member after = {0};
	int result;

	schema_copy(&schema_member, &after, before);
	after.public_key = first ? r->public_key : (struct public_key){0};
	after.next_public_key = (struct public_key){0};
	after.rotating = after.rotate_now = after.switching = false;
	mem_free(after.observed_endpoint);
	mem_free(after.near_endpoint);
	after.observed_endpoint = after.near_endpoint = NULL;
	after.calls_from = (struct prefix){0};
	membership_observe(r->peer, &after);
	result = change_store(tx, &schema_member, before, &after, t->id, "member.rejoin", e);
	schema_done(&schema_member, &after);
	return result;
}

static int renew_node(struct tx *tx, struct registration *r, const struct token *t,
	const struct node *before, struct err *e)
{
	struct node after = {0};
	int result;

	schema_copy(&schema_node, &after, before);
	after.generation++;
	after.confirmed_at = after.last_heartbeat = 0;
	after.applied_revision = 0;
	after.joined_at = tx_now(tx);
	mem_free(after.join_token);
	after.join_token = mem_strdup(t->id);
	mem_free(after.version);
	after.version = mem_strdup(r->version);
	mem_free(after.deploy_error);
	after.deploy_error = NULL;
	result = register_secret(r, &after, e);
	if (result >= 0)
		result = change_store(tx, &schema_node, before, &after, t->id, "node.rejoin", e);
	schema_done(&schema_node, &after);
	return result;
}

int rejoin(struct tx *tx, struct registration *r, const struct token *t, struct err *e)
{
	CLEANUP(memberships_done) struct memberships list = {0};
	struct node n = {0};
	int result = tx_get(tx, &schema_node, t->node, &n, e);

	if (result == ERR_NOT_FOUND)
		return err_set(e, ERR_UNAUTHORIZED, "the node that this join token is for is gone");
	if (result >= 0) {
		id_copy(r->node, n.id);
		id_copy(r->project, n.project);
		r->name = mem_strdup(n.name);
		result = memberships_of(tx, n.id, &list, e);
	}
	for (size_t i = 0; result >= 0 && i < list.v.n; i++)
		result = renew_member(tx, r, t, list.v.v[i], i == 0, e);
	if (result >= 0)
		result = renew_node(tx, r, t, &n, e);
	if (result >= 0)
		result = register_fill(tx, n.id, r, e);
	schema_done(&schema_node, &n);
	return result;
}
