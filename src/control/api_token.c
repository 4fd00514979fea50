/*
 * DOC: API and join tokens. The text is made here and shown once; the store has its hash. A join
 * token carries the fleet's signing root, the networks it admits to and the roles it grants.
 */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "base/text.h"
#include "crypto/token.h"
#include "model/validate.h"
#include "render/cloudinit.h"

#include <stdio.h>
#include <string.h>

#define URL_LEN 256
#define JOIN_LIFETIME ((msec)24 * 3600 * 1000) /* when nothing else is said */

struct token_job {
	struct token token;
	struct buf text;
	char *url, *package; /* of user data for cloud-init; else NULL */
};

static void token_job_free(void *data)
{
	struct token_job *job = data;
	schema_done(&schema_token, &job->token);
	buf_wipe(&job->text);
	mem_free(job->url);
	mem_free(job->package);
	mem_free(job);
}

/* Names of networks become ids, so that a later rename admits to nothing else. */
static int resolve_networks(struct tx *tx, struct call *c, struct token *t, struct err *e)
{
	if (t->networks.n == 0) {
		struct network n = {0};
		int r = api_network(tx, c, NULL, &n, e);
		if (r < 0)
			return err_field(e, ERR_INVALID, "networks",
				"say which networks this token admits to");
		strs_push(&t->networks, n.id);
		schema_done(&schema_network, &n);
		return 0;
	}
	for (size_t i = 0; i < t->networks.n; i++) {
		struct network n = {0};
		int r = api_resolve(tx, c, &schema_network, t->networks.v[i], "networks", &n, e);
		if (r < 0)
			return r;
		mem_free(t->networks.v[i]);
		t->networks.v[i] = mem_strdup(n.id);
		for (size_t k = 0; r == 0 && k < i; k++)
			if (strcmp(t->networks.v[k], n.id) == 0)
				r = err_field(e, ERR_INVALID, "networks",
					"the network %s is named twice", n.name);
		schema_done(&schema_network, &n);
		if (r < 0)
			return r;
	}
	return 0;
}

static int push_network(void *arg, const void *object)
{
	strs_push(arg, ((const struct member *)object)->network);
	return 0;
}

/* A token for a node admits one machine to that node's networks, in the roles it has there. */
static int resolve_node(struct tx *tx, struct call *c, struct token *t, struct err *e)
{
	struct node n = {0};
	int r;

	if (t->networks.n > 0)
		return err_field(e, ERR_INVALID, "networks",
			"a token for a node admits to that node's networks: leave them out");
	if (json_get(c->body, "roles") != NULL)
		return err_field(e, ERR_INVALID, "roles",
			"a token for a node gives that node's roles: leave them out");
	if (t->uses_left != 1)
		return err_field(e, ERR_INVALID, "uses_left",
			"a token for a node is for one machine: it has one use");
	r = api_resolve(tx, c, &schema_node, t->node, "node", &n, e);
	if (r < 0)
		return r;
	mem_free(t->node);
	t->node = mem_strdup(n.id);
	r = tx_list(tx, &schema_member, &(struct tx_query){.filters = {{"node", n.id}}},
		push_network, &t->networks, NULL, NULL, e);
	if (r >= 0 && t->networks.n == 0)
		r = err_field(e, ERR_INVALID, "node", "the node %s is in no network", n.name);
	schema_done(&schema_node, &n);
	return r < 0 ? r : 0;
}

/* Machines in each of these networks are the caller's to let in. */
static int may_admit(const struct call *c, const struct strs *networks, struct err *e)
{
	int r = 0;
	VEC_FOREACH (n, networks) {
		struct rights want = {.v = {{.permissions = PERM_FLEET_WRITE}}, .n = 1};
		snprintf(want.v[0].scope, SCOPE_LEN, "%s", *n);
		if (r == 0)
			r = rights_contain(&c->who.rights, &want, e);
	}
	return r;
}

/* Nobody hands out what they do not hold: rights, or machines in a network. */
static int may_grant(struct tx *tx, const struct call *c, const struct token *t, struct err *e)
{
	struct rights want = {0};
	int r = 0;
	if (t->kind == TOKEN_KIND_JOIN)
		return may_admit(c, &t->networks, e);
	r = rights_read(tx, t->project, t->role, &t->scopes, &t->grants, &want, e);
	return r < 0 ? r : rights_contain(&c->who.rights, &want, e);
}

/* The token is in it, and nowhere else in the answer. */
static void put_user_data(struct json_writer *w, const struct token_job *job)
{
	CLEANUP(buf_wipe) struct buf data = {0};
	const struct cloud_init c = {.name = job->token.name,
		.url = job->url,
		.token = buf_str(&job->text),
		.package = job->package};

	render_cloud_init(&c, &data);
	json_put_str(w, "user_data", buf_str(&data));
}

static int insert_token(struct tx *tx, struct call *c, struct err *e)
{
	struct token_job *job = c->data;
	struct token *t = &job->token;
	bool everywhere = t->kind == TOKEN_KIND_API && strcmp(t->role, ROLE_SYSTEM_ADMIN) == 0;
	int r = everywhere ? api_need(c, PERM_SYSTEM, e) : api_need_project(tx, c, e);
	if (r == 0 && everywhere && c->project[0])
		r = err_field(
			e, ERR_INVALID, "role", "a system-admin's token belongs to no project");
	if (r == 0 && t->kind == TOKEN_KIND_JOIN)
		r = t->node != NULL ? resolve_node(tx, c, t, e) : resolve_networks(tx, c, t, e);
	if (r < 0)
		return r;
	id_copy(t->project, c->project);
	t->created_at = tx_now(tx);
	if (t->kind == TOKEN_KIND_JOIN && t->expires_at == 0)
		t->expires_at = t->created_at + JOIN_LIFETIME;
	if (t->expires_at != 0 && t->expires_at <= t->created_at)
		return err_field(e, ERR_INVALID, "expires_at", "expires_at lies in the past");
	r = token_check(t, e);
	if (r == 0)
		r = may_grant(tx, c, t, e);
	if (r == 0)
		r = change_store(tx, &schema_token, NULL, t, c->who.id, "token.create", e);
	if (r < 0)
		return r;
	struct json_writer w = {.out = &c->out};
	json_begin_object(&w, NULL);
	object_write(&w, &schema_token, t);
	if (job->url == NULL)
		json_put_str(&w, "token", buf_str(&job->text));
	else
		put_user_data(&w, job);
	json_end_object(&w);
	return 0;
}

/* "https://HOST..." that can be a word of a command. */
static int take_url(const struct json *body, const char *field, char **ret, struct err *e)
{
	const char *text = json_str(body, field);

	if (text == NULL || !text_starts(text, "https://") || strlen(text) > URL_LEN ||
		text_printable(text) < 0 || strpbrk(text, " \"'\\") != NULL)
		return err_field(e, ERR_INVALID, field, "%s wants an https:// URL", field);
	*ret = mem_strdup(text);
	return 0;
}

/* POST /nodes/cloud-init: a join token of one use inside user data. */
void api_node_cloud_init(struct call *c)
{
	static const char *const also[] = {"url", "package_url", NULL};
	struct token_job *job = NEW(struct token_job);
	struct token *t = &job->token;
	char hex[HASH_HEX_LEN];
	int r;

	c->data = job;
	c->free_data = token_job_free;
	c->status = 201;
	t->kind = TOKEN_KIND_JOIN;
	t->uses_left = 1;
	t->roles = ROLE_PEER;
	t->role = mem_strdup(ROLE_VIEWER);
	r = object_read(c->body, &schema_token, FIELD_SET, also, t, &c->err);
	if (r == 0 && t->kind != TOKEN_KIND_JOIN)
		r = err_field(&c->err, ERR_INVALID, "kind", "a node joins with a join token");
	if (r == 0)
		r = name_check(t->name == NULL ? "" : t->name, "name", &c->err);
	if (r == 0)
		r = take_url(c->body, "url", &job->url, &c->err);
	if (r == 0 && json_get(c->body, "package_url") != NULL)
		r = take_url(c->body, "package_url", &job->package, &c->err);
	if (r < 0) {
		api_fail(c);
		return;
	}
	strs_done(&t->scopes);
	strs_done(&t->grants);
	token_make_join(&c->control->keys.root_public, &job->text);
	t->hash = mem_strdup(token_hash_hex(buf_str(&job->text), hex));
	t->created_by = mem_strdup(c->who.behind);
	id_make("tok", clock_wall(c->control->clock), t->id);
	api_write(c, insert_token, NULL);
}

void api_token_create(struct call *c)
{
	struct token_job *job = NEW(struct token_job);
	struct token *t = &job->token;
	c->data = job;
	c->free_data = token_job_free;
	c->status = 201;
	t->uses_left = 1;
	t->roles = ROLE_PEER;
	t->role = mem_strdup(ROLE_VIEWER);
	int r = object_read(c->body, &schema_token, FIELD_SET, NULL, t, &c->err);
	if (r == 0 && t->role == NULL)
		t->role = mem_strdup(ROLE_VIEWER);
	if (r < 0) {
		api_fail(c);
		return;
	}
	if (t->kind == TOKEN_KIND_API) {
		t->uses_left = 0;
		t->roles = 0;
		token_make(TOKEN_API, &job->text);
	} else {
		mem_free(t->role);
		t->role = mem_strdup(ROLE_VIEWER);
		strs_done(&t->scopes);
		strs_done(&t->grants);
		token_make_join(&c->control->keys.root_public, &job->text);
	}
	char hex[HASH_HEX_LEN];
	t->hash = mem_strdup(token_hash_hex(buf_str(&job->text), hex));
	t->created_by = mem_strdup(c->who.behind);
	id_make("tok", clock_wall(c->control->clock), t->id);
	api_write(c, insert_token, NULL);
}
