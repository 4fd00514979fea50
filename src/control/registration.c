/* DOC: see registration.h. */
#include "control/registration.h"

#include "codec/json.h"
#include "crypto/key.h"
#include "model/names.h"
#include "model/schema.h"

/* --- the body --------------------------------------------------------------------------------- */

static int need(const struct json *j, const char *field, const char **ret, struct err *e)
{
	*ret = json_str(j, field);
	if (*ret == NULL || **ret == '\0')
		return err_field(e, ERR_INVALID, field, "%s is needed, a text", field);
	return 0;
}

/* Fields nobody here knows are ignored: the source document has some, and so may an agent that is
 * newer than this. But who asks for what the token alone gives is told. */
static int check_granted(const struct json *j, struct err *e)
{
	static const char *const granted[] = {"roles", "networks", "project"};

	for (size_t i = 0; i < ARRAY_LEN(granted); i++)
		if (json_get(j, granted[i]) != NULL)
			return err_field(e, ERR_INVALID, granted[i],
				"%s: that is for the join token to say", granted[i]);
	return 0;
}

static int read_body(
	const struct json *j, struct registration *ret, char **ret_token, struct err *e)
{
	const char *token, *key, *hostname, *version = json_str(j, "version");
	struct public_key parsed;

	if (check_granted(j, e) < 0 || need(j, "token", &token, e) < 0 ||
		need(j, "public_key", &key, e) < 0 || need(j, "hostname", &hostname, e) < 0)
		return ERR_INVALID;
	if (version != NULL && name_check(version, "version", e) < 0)
		return ERR_INVALID;
	if (name_check(hostname, "hostname", e) < 0 ||
		key_parse_public(key, "public_key", &parsed, e) < 0)
		return ERR_INVALID;
	ret->public_key = parsed;
	ret->hostname = mem_strdup(hostname);
	ret->version = mem_strdup(version);
	*ret_token = mem_strdup(token);
	return 0;
}

int registration_read(
	const char *text, size_t n, struct registration *ret, char **ret_token, struct err *e)
{
	struct json_doc *doc = json_parse(text, n, REGISTRATION_BODY_MAX, e);
	int r;

	if (doc == NULL)
		return ERR_INVALID;
	r = read_body(json_root(doc), ret, ret_token, e);
	json_free(doc);
	return r;
}

/* --- the answer ------------------------------------------------------------------------------- */

static void put_addr(struct json_writer *w, const char *key, struct addr a)
{
	char text[ADDR_TEXT_LEN];

	json_put_str(w, key, addr_is_set(a) ? addr_format(a, text) : NULL);
}

void registration_write(const struct registration *r, struct buf *out)
{
	struct json_writer w = {.out = out};
	char key[KEY_TEXT_LEN];

	json_begin_object(&w, NULL);
	json_put_str(&w, "node_id", r->node);
	json_put_str(&w, "name", r->name);
	json_put_str(&w, "project", r->project);
	put_addr(&w, "mesh_ip", r->mesh_ip);
	put_addr(&w, "mesh_ip6", r->mesh_ip6);
	json_put_str(&w, "signing_public_key", key_format_public(&r->keys->signing_public, key));
	json_put_str(&w, "node_secret_key", r->sealed_secret);
	json_begin_array(&w, "networks");
	VEC_FOREACH (n, &r->networks) {
		json_begin_object(&w, NULL);
		json_put_str(&w, "id", n->id);
		json_put_str(&w, "name", n->name);
		json_begin_array(&w, "roles");
		for (size_t i = 0; role_words[i] != NULL; i++)
			if (n->roles & 1u << i)
				json_put_str(&w, NULL, role_words[i]);
		json_end_array(&w);
		json_end_object(&w);
	}
	json_end_array(&w);
	json_begin_array(&w, "peers"); /* the state, which is signed, tells them */
	json_end_array(&w);
	json_end_object(&w);
}

void registration_done(struct registration *r)
{
	mem_free(r->hostname);
	mem_free(r->name);
	mem_free(r->version);
	mem_free(r->sealed_secret);
	VEC_FOREACH (n, &r->networks)
		mem_free(n->name);
	VEC_DONE(&r->networks);
	memset(r, 0, sizeof(*r));
}
