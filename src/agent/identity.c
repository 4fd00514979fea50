/* DOC: the identity folder; see identity.h. */
#include "agent/identity.h"

#include "base/file.h"
#include "codec/json.h"
#include "crypto/token.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IDENTITY_MAX (64 * 1024)
#define KEY_FILE_MAX 256

static char *in_dir(const char *dir, const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

int identity_key_path(
	const char *dir, const char *name, const char *suffix, char **ret, struct err *e)
{
	if (name[0] == '\0' || strlen(name) >= ID_LEN ||
		name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
		return err_field(e, ERR_INVALID, "network", "\"%.48s\" is not a network id", name);
	*ret = mem_printf("%s/keys/%s.%s", dir, name, suffix);
	return 0;
}

int identity_read_key(const char *path, struct secret *ret, struct err *e)
{
	CLEANUP(buf_wipe) struct buf text = {0};
	int rc = file_read_private(path, KEY_FILE_MAX, &text, e);

	if (rc < 0)
		return rc;
	if (text.len > 0 && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	if (strlen(buf_str(&text)) != text.len ||
		key_parse_secret(buf_str(&text), "key", ret, NULL) < 0)
		return err_set(e, ERR_CORRUPT, "%s does not hold a key", path);
	return 0;
}

int identity_write_key(const char *path, const struct secret *key, struct err *e)
{
	char text[KEY_TEXT_LEN + 1];
	int rc;

	key_format_secret(key, text);
	text[KEY_TEXT_LEN - 1] = '\n';
	rc = file_write(path, text, KEY_TEXT_LEN, 0600, e);
	mem_wipe(text, sizeof(text));
	return rc;
}

static int need_str(
	const struct json *j, const char *path, const char *key, const char **ret, struct err *e)
{
	const char *s = json_str(j, key);

	if (s == NULL || s[0] == '\0')
		return err_set(e, ERR_CORRUPT, "%s has no \"%s\"", path, key);
	*ret = s;
	return 0;
}

static int read_fields(const struct json *j, const char *path, struct identity *id, struct err *e)
{
	const char *url = NULL, *node = NULL, *project = NULL, *root = NULL, *signing = NULL,
		   *at = NULL;
	const struct json *pins = json_get(j, "pins");

	if (need_str(j, path, "url", &url, e) < 0 || need_str(j, path, "node_id", &node, e) < 0 ||
		need_str(j, path, "project", &project, e) < 0 ||
		need_str(j, path, "root", &root, e) < 0 ||
		need_str(j, path, "signing_public_key", &signing, e) < 0 ||
		need_str(j, path, "pins_at", &at, e) < 0)
		return ERR_CORRUPT;
	if (!id_valid(node, "node"))
		return err_set(e, ERR_CORRUPT, "%s: \"%.48s\" is not a node id", path, node);
	if (key_parse_public(root, "root", &id->root, NULL) < 0 ||
		key_parse_public(signing, "signing_public_key", &id->signing, NULL) < 0)
		return err_set(e, ERR_CORRUPT, "%s holds a malformed signing key", path);
	if (json_str(j, "signing_previous") != NULL &&
		(key_parse_public(
			 json_str(j, "signing_previous"), "", &id->signing_previous, NULL) < 0 ||
			json_str(j, "signing_until") == NULL ||
			clock_parse(json_str(j, "signing_until"), &id->signing_until) < 0))
		return err_set(e, ERR_CORRUPT, "%s holds a malformed previous signing key", path);
	for (size_t i = 0; i < json_count(pins); i++)
		if (json_str(json_at(pins, i), "") != NULL)
			strs_push(&id->pins, json_str(json_at(pins, i), ""));
	id->url = mem_strdup(url);
	id->pins_at = mem_strdup(at);
	id_copy(id->node, node);
	id_copy(id->project, project);
	return 0;
}

int identity_sweep(const char *dir, struct err *e)
{
	AUTOFREE char *keys = in_dir(dir, "keys");
	int rc = file_sweep(dir, e);

	return rc < 0 ? rc : file_sweep(keys, e);
}

int identity_load(const char *dir, struct identity *ret, struct err *e)
{
	AUTOFREE char *path = in_dir(dir, "identity.json");
	AUTOFREE char *secret = in_dir(dir, "node_secret");
	AUTOFREE char *keys = in_dir(dir, "keys");
	CLEANUP(identity_done) struct identity id = {0};
	CLEANUP(buf_done) struct buf text = {0};
	struct json_doc *doc;
	struct err why = {0};
	int rc;

	rc = file_mkdirs(dir, 0700, e);
	if (rc == 0)
		rc = file_mkdirs(keys, 0700, e);
	if (rc < 0)
		return rc;
	rc = file_read_private(path, IDENTITY_MAX, &text, e);
	if (rc < 0)
		return rc;
	doc = json_parse(buf_str(&text), text.len, IDENTITY_MAX, &why);
	if (doc == NULL)
		return err_set(e, ERR_CORRUPT, "%s is not JSON: %s", path, why.text);
	rc = read_fields(json_root(doc), path, &id, e);
	json_free(doc);
	if (rc < 0)
		return rc;
	rc = identity_read_key(secret, &id.node_secret, e);
	if (rc == ERR_NOT_FOUND)
		return err_set(e, ERR_CORRUPT, "%s is missing although %s is there", secret, path);
	if (rc < 0)
		return rc;
	id.dir = mem_strdup(dir);
	*ret = id;
	id = (struct identity){0};
	return 0;
}

static void put_key(struct json_writer *w, const char *name, const struct public_key *k)
{
	char text[KEY_TEXT_LEN];

	json_put_str(w, name, key_format_public(k, text));
}

int identity_save(const struct identity *id, struct err *e)
{
	AUTOFREE char *path = in_dir(id->dir, "identity.json");
	AUTOFREE char *secret = in_dir(id->dir, "node_secret");
	AUTOFREE char *keys = in_dir(id->dir, "keys");
	CLEANUP(buf_done) struct buf text = {0};
	struct json_writer w = {.out = &text};
	int rc = file_mkdirs(id->dir, 0700, e);

	if (rc == 0)
		rc = file_mkdirs(keys, 0700, e);
	if (rc == 0)
		rc = identity_write_key(secret, &id->node_secret, e);
	if (rc < 0)
		return rc;
	json_begin_object(&w, NULL);
	json_put_str(&w, "url", id->url);
	json_put_str(&w, "node_id", id->node);
	json_put_str(&w, "project", id->project);
	put_key(&w, "root", &id->root);
	put_key(&w, "signing_public_key", &id->signing);
	if (!public_key_is_zero(&id->signing_previous)) {
		put_key(&w, "signing_previous", &id->signing_previous);
		json_put_time(&w, "signing_until", id->signing_until);
	}
	json_put_str(&w, "pins_at", id->pins_at);
	json_begin_array(&w, "pins");
	VEC_FOREACH (p, &id->pins)
		json_put_str(&w, NULL, *p);
	json_end_array(&w);
	json_end_object(&w);
	buf_addc(&text, '\n');
	return file_write(path, text.data, text.len, 0600, e);
}

void identity_new_signing(struct identity *id, const struct public_key *key, msec now)
{
	if (public_key_equal(&id->signing, key))
		return;
	if (!public_key_is_zero(&id->signing)) {
		id->signing_previous = id->signing;
		id->signing_until = now + IDENTITY_OVERLAP;
	}
	id->signing = *key;
}

const struct public_key *identity_previous_signing(const struct identity *id, msec now)
{
	bool taken = !public_key_is_zero(&id->signing_previous) && now < id->signing_until &&
		/* a clock that was set back must not make it last */
		id->signing_until - now <= IDENTITY_OVERLAP;

	return taken ? &id->signing_previous : NULL;
}

void identity_done(struct identity *id)
{
	mem_free(id->dir);
	mem_free(id->url);
	mem_free(id->pins_at);
	strs_done(&id->pins);
	secret_wipe(&id->node_secret);
	*id = (struct identity){0};
}

/* Private keys: of a fleet that is left they are good for nothing but harm. */
static int remove_keys(const char *dir, struct err *e)
{
	AUTOFREE char *keys = in_dir(dir, "keys");
	DIR *d = opendir(keys);
	const struct dirent *f;
	int rc = 0;

	if (d == NULL)
		return errno == ENOENT ? 0 : err_errno(e, errno, "cannot read %s", keys);
	while (rc == 0 && (f = readdir(d)) != NULL)
		if (f->d_name[0] != '.' && unlinkat(dirfd(d), f->d_name, 0) < 0)
			rc = err_errno(e, errno, "cannot remove %s/%s", keys, f->d_name);
	closedir(d);
	return rc;
}

/* names ends with NULL */
static int remove_files(const char *dir, const char *const *names, struct err *e)
{
	for (; *names != NULL; names++) {
		AUTOFREE char *path = in_dir(dir, *names);

		if (unlink(path) < 0 && errno != ENOENT)
			return err_errno(e, errno, "cannot remove %s", path);
	}
	return 0;
}

int identity_drop_state(const char *dir, struct err *e)
{
	static const char *const names[] = {"state.cache", "state.journal", "gateway.json", NULL};

	return remove_files(dir, names, e);
}

int identity_remove(const char *dir, struct err *e)
{
	/* identity.json first: what is left without it is not an identity */
	int rc = remove_files(dir, (const char *const[]){"identity.json", "node_secret", NULL}, e);

	if (rc == 0)
		rc = identity_drop_state(dir, e);
	return rc < 0 ? rc : remove_keys(dir, e);
}

void identity_subkey(const struct identity *id, const char *label, struct secret *ret)
{
	key_derive(&id->node_secret, label, ret);
}

void identity_bearer(const struct identity *id, struct buf *out)
{
	CLEANUP(secret_wipe) struct secret s;

	identity_subkey(id, "bearer", &s);
	token_from_secret(TOKEN_NODE, &s, out);
}
