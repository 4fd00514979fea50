/*
 * DOC: see keys.h. The check value is a sub-key of the master key, in hex: it proves the key
 * without saying anything about it. It is written in the transaction that first uses the key, so a
 * store with a check value always belongs to exactly one key file, and a crash before that leaves a
 * key file that the next start simply takes over.
 */
#include "control/keys.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "control/secrets.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/seal.h"
#include "crypto/sign.h"
#include "http/server.h"

#include <string.h>
#include <sys/stat.h>

#define OWNER "fleet"
#define CHECK_META "master_check"
#define KEY_FILE_MAX 64

struct keys_job {
	struct control_keys *keys;
	const char *path;
	int file; /* 0 = the key was read, else the error of reading it */
	struct err file_err;
};

static int read_master(const char *path, struct secret *ret, struct err *e)
{
	CLEANUP(buf_wipe) struct buf text = {0};
	int r = file_read_private(path, KEY_FILE_MAX, &text, e);
	if (r == ERR_NOT_FOUND || r == ERR_SYSTEM || r == ERR_DENIED)
		return r;
	if (r == 0 && text.len > 0 && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	if (r < 0 || strlen(buf_str(&text)) != text.len ||
		key_parse_secret(buf_str(&text), "", ret, NULL) < 0)
		return err_set(
			e, ERR_CORRUPT, "%s is not a master key: restore it from a backup", path);
	return 0;
}

static int make_master(const char *path, struct secret *ret, struct err *e)
{
	struct secret made;
	key_generate(&made);
	char text[KEY_TEXT_LEN + 1];
	key_format_secret(&made, text);
	strcat(text, "\n");
	int r = file_write(path, text, strlen(text), 0600, e);
	mem_wipe(text, sizeof(text));
	if (r == 0)
		*ret = made;
	secret_wipe(&made);
	return r;
}

static void check_value(const struct secret *master, char hex[static HASH_HEX_LEN])
{
	CLEANUP(secret_wipe) struct secret check;
	key_derive(master, "check", &check);
	text_hex(check.bytes, sizeof(check.bytes), hex);
}

/* The seed kept under kind, made the first time. */
static int seed_open(
	struct tx *tx, struct control_keys *k, const char *kind, struct secret *ret, struct err *e)
{
	int r = secrets_get(tx, k, OWNER, kind, ret, e);
	if (r != ERR_NOT_FOUND)
		return r;
	key_generate(ret);
	return secrets_put(tx, k, OWNER, kind, ret, e);
}

static int open_job(struct tx *tx, void *arg, struct err *e)
{
	struct keys_job *job = arg;
	struct control_keys *k = job->keys;
	CLEANUP(buf_done) struct buf known = {0};
	int r = tx_meta_get(tx, CHECK_META, &known, e);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	bool brand_new = r == ERR_NOT_FOUND;
	if (job->file == ERR_NOT_FOUND && brand_new) {
		r = make_master(job->path, &k->master, e);
		if (r < 0)
			return r;
	} else if (job->file == ERR_NOT_FOUND) {
		return err_set(e, ERR_CORRUPT,
			"%s is missing: the store needs the key it was made with, restore it from a "
			"backup",
			job->path);
	} else if (job->file < 0) {
		*e = job->file_err;
		return e->code;
	}
	if (job->file == 0 && brand_new)
		log_warn("the master key was there, the store was not: this is a new fleet; nodes "
			 "of an old one stay away until its store is back",
			LOG_KV_STR("key", job->path));
	char hex[HASH_HEX_LEN];
	check_value(&k->master, hex);
	if (!brand_new && strcmp(hex, buf_str(&known)) != 0)
		return err_set(
			e, ERR_CORRUPT, "%s is not the key this store was made with", job->path);
	if (brand_new && (r = tx_meta_put(tx, CHECK_META, hex, e)) < 0)
		return r;
	r = seed_open(tx, k, "root_seed", &k->root_seed, e);
	if (r == 0)
		r = seed_open(tx, k, "signing_seed", &k->signing_seed, e);
	return r;
}

int keys_new_signing(struct tx *tx, const struct control_keys *k, struct secret *ret, struct err *e)
{
	struct secret seed;
	key_generate(&seed);
	int r = secrets_put(tx, k, OWNER, "signing_seed", &seed, e);
	if (r >= 0)
		*ret = seed;
	secret_wipe(&seed);
	return r;
}

int keys_open(struct store *s, const char *state_dir, struct control_keys *ret, struct err *e)
{
	AUTOFREE char *path = mem_printf("%s/master.key", state_dir);
	struct err scratch = {0};
	e = e ? e : &scratch;
	struct control_keys k = {0};
	struct keys_job job = {.keys = &k, .path = path};
	job.file = read_master(path, &k.master, &job.file_err);
	int r = store_write_wait(s, open_job, &job, e);
	if (r == 0) {
		sign_public(&k.root_seed, &k.root_public);
		sign_public(&k.signing_seed, &k.signing_public);
		*ret = k;
	}
	keys_done(&k);
	return r;
}

void keys_done(struct control_keys *k)
{
	mem_wipe(k, sizeof(*k));
}

/* --- certificates -----------------------------------------------------------------------------
 * Stored as one sealed run of bytes: certificate, NUL, key. */

struct certificate_job {
	const struct control_keys *keys;
	const char *kind;
	const char *const *names;
	struct buf *cert, *key;
};

static int certificate_job(struct tx *tx, void *arg, struct err *e)
{
	struct certificate_job *job = arg;
	AUTOFREE char *context = mem_printf("%s/%s", job->kind, OWNER);
	CLEANUP(buf_done) struct buf sealed = {0};
	CLEANUP(buf_wipe) struct buf both = {0};
	int r = tx_secret_get(tx, OWNER, job->kind, &sealed, e);
	if (r == 0) {
		r = seal_open_with_secret(
			&job->keys->master, context, sealed.data, sealed.len, &both, e);
		if (r < 0)
			return r;
		const char *split = memchr(both.data, '\0', both.len);
		if (split == NULL)
			return err_set(
				e, ERR_CORRUPT, "the stored certificate %s is damaged", job->kind);
		buf_adds(job->cert, both.data);
		buf_add(job->key, split + 1, both.len - (size_t)(split + 1 - both.data));
		return 0;
	}
	if (r != ERR_NOT_FOUND)
		return r;
	r = http_certificate_make(job->names, job->cert, job->key, e);
	if (r < 0)
		return r;
	buf_add(&both, job->cert->data, job->cert->len);
	buf_addc(&both, '\0');
	buf_add(&both, job->key->data, job->key->len);
	seal_with_secret(&job->keys->master, context, both.data, both.len, &sealed);
	return tx_secret_put(tx, OWNER, job->kind, sealed.data, sealed.len, e);
}

int keys_certificate(struct store *s, const struct control_keys *k, const char *kind,
	const char *const names[], struct buf *cert_pem, struct buf *key_pem, struct err *e)
{
	struct certificate_job job = {k, kind, names, cert_pem, key_pem};
	return store_write_wait(s, certificate_job, &job, e);
}
