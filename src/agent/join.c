/* DOC: joining a fleet: trust by the token's root, then one registration that can be repeated. */
#include "agent/agent.h"

#include "agent/keyring.h"
#include "agent/wire.h"
#include "base/fault.h"
#include "base/log.h"
#include "codec/json.h"
#include "crypto/hash.h"
#include "crypto/seal.h"
#include "crypto/token.h"

#include <unistd.h>

#define ANSWER_MAX (1024 * 1024)

static int open_secret(
	const char *text, const struct secret *key, struct secret *ret, struct err *e)
{
	CLEANUP(buf_wipe) struct buf blob = {0}, plain = {0};

	if (text == NULL || base64_decode(text, &blob) < 0)
		return err_set(e, ERR_INVALID, "the answer holds no node_secret_key");
	if (seal_open_with_private(key, blob.data, blob.len, &plain, e) < 0)
		return err_prefix(e, "node_secret_key");
	if (plain.len != KEY_LEN)
		return err_set(e, ERR_INVALID, "node_secret_key does not hold 32 bytes");
	memcpy(ret->bytes, plain.data, KEY_LEN);
	return 0;
}

/* 201 -> the rest of the identity and the network our key belongs to. */
static int read_answer(const struct buf *body, const struct secret *key, struct identity *id,
	char **ret_network, char **ret_name, struct err *e)
{
	struct json_doc *doc = json_parse(buf_str(body), body->len, ANSWER_MAX, e);
	const struct json *j;
	const char *node, *project, *network;
	int rc = ERR_INVALID;

	if (doc == NULL)
		return ERR_INVALID;
	j = json_root(doc);
	node = json_str(j, "node_id");
	project = json_str(j, "project");
	network = json_str(json_at(json_get(j, "networks"), 0), "id");
	if (node == NULL || !id_valid(node, "node") || project == NULL || network == NULL) {
		err_set(e, ERR_INVALID, "the answer to the registration is malformed");
	} else {
		rc = open_secret(json_str(j, "node_secret_key"), key, &id->node_secret, e);
		id_copy(id->node, node);
		id_copy(id->project, project);
		*ret_network = mem_strdup(network);
		*ret_name = mem_strdup(json_str(j, "name"));
	}
	json_free(doc);
	return rc;
}

static int post(const struct agent_options *o, const struct identity *id, const char *token,
	const char *hostname, const struct secret *key, struct buf *ret, struct err *e)
{
	AUTOFREE char *base = mem_strdup(id->url);
	struct http_target t = {.base = base, .pins = id->pins};
	CLEANUP(buf_wipe) struct buf body = {0};
	struct json_writer w = {.out = &body};
	struct http_response r = {0};
	struct public_key public;
	char text[KEY_TEXT_LEN];
	struct http_send send = {.method = "POST", .path = "/v1/register", .bearer = token};
	int rc;

	key_public(key, &public);
	json_begin_object(&w, NULL);
	json_put_str(&w, "token", token);
	json_put_str(&w, "public_key", key_format_public(&public, text));
	json_put_str(&w, "hostname", hostname);
	json_put_str(&w, "version", o->version == NULL ? "0" : o->version);
	json_end_object(&w);
	send.body = body.data;
	send.body_len = body.len;
	rc = http_call_wait(&t, &send, &r, e);
	if (rc < 0)
		return err_prefix(e, "registering");
	if (r.status != 201)
		rc = wire_problem(&r, "registering", e);
	else
		buf_add(ret, r.body.data, r.body.len);
	http_response_done(&r);
	return rc;
}

static int register_node(const struct agent_options *o, struct identity *id, const char *token,
	const char *hostname, char **ret_name, struct err *e)
{
	CLEANUP(secret_wipe) struct secret key = {0};
	CLEANUP(buf_wipe) struct buf answer = {0};
	AUTOFREE char *network = NULL;
	int rc;

	rc = keyring_pending(id->dir, &key, e); /* saved before it is announced (P-17) */
	FAULT("join.key-saved");
	if (rc == 0)
		rc = post(o, id, token, hostname, &key, &answer, e);
	FAULT("join.registered");
	if (rc == 0)
		rc = read_answer(&answer, &key, id, &network, ret_name, e);
	if (rc == 0)
		rc = keyring_adopt_pending(id->dir, network, e);
	FAULT("join.key-adopted");
	/* what the machine was before, if it was anything, is worth nothing now */
	if (rc == 0)
		rc = keyring_drop_others(id->dir, network, e);
	if (rc == 0)
		rc = identity_drop_state(id->dir, e);
	if (rc == 0)
		rc = identity_save(id, e);
	FAULT("join.identity-saved");
	/* not before: a join that was cut off is the same one only with the same key */
	return rc < 0 ? rc : keyring_drop_pending(id->dir, e);
}

int agent_join(const struct agent_options *o, const char *token, const char *hostname,
	char **ret_name, struct err *e)
{
	const char *dir = o->state_dir == NULL ? AGENT_STATE_DIR : o->state_dir;
	CLEANUP(identity_done) struct identity id = {0};
	AUTOFREE char *name = NULL;
	struct public_key root;
	int rc;

	crypto_init();
	if (agent_is_joined(dir) && !o->again)
		return err_set(e, ERR_EXISTS,
			"this machine has joined already: leave first (warren agent leave), or, if "
			"the control plane does not know it any more, join with --again");
	if (o->url == NULL || o->url[0] == '\0')
		return err_field(e, ERR_INVALID, "url", "where is the control plane?");
	rc = token_join_root(token, &root, e);
	if (rc < 0)
		return rc;
	id.dir = mem_strdup(dir);
	rc = wire_learn_pins(o->url, &root, &id, e);
	if (rc == 0)
		rc = register_node(o, &id, token, hostname, &name, e);
	if (rc < 0)
		return rc;
	log_info("joined", LOG_KV_STR("node", id.node), LOG_KV_STR("url", id.url));
	/* a control plane that does not say made it under the name it was given */
	*ret_name = name != NULL ? STEAL(name) : mem_strdup(hostname);
	return 0;
}

bool agent_is_joined(const char *state_dir)
{
	AUTOFREE char *path = mem_printf("%s/identity.json", state_dir);

	return access(path, F_OK) == 0;
}

char *agent_node_id(const char *state_dir)
{
	CLEANUP(identity_done) struct identity id = {0};

	if (identity_load(state_dir, &id, NULL) < 0)
		return NULL;
	return mem_strdup(id.node);
}
