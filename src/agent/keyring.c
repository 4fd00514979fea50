/* DOC: own and sealed interface keys; see keyring.h. */
#include "agent/keyring.h"

#include "base/fault.h"
#include "base/file.h"
#include "crypto/hash.h"
#include "crypto/seal.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PENDING "pending"

/* Read the key at path, or make one and save it there. */
static int read_or_make(const char *path, struct secret *ret, bool *ret_made, struct err *e)
{
	int rc = identity_read_key(path, ret, e);

	*ret_made = rc == ERR_NOT_FOUND;
	if (rc != ERR_NOT_FOUND)
		return rc;
	key_generate(ret);
	return identity_write_key(path, ret, e);
}

/* Move a key file over another. The folder is synced by the write of its new place. */
static int promote(const char *from, const char *to, const struct secret *key, struct err *e)
{
	int rc = identity_write_key(to, key, e);

	if (rc < 0)
		return rc;
	FAULT("key.promoted");
	if (unlink(from) < 0 && errno != ENOENT)
		return err_errno(e, errno, "cannot remove %s", from);
	return 0;
}

static int get_own(const struct identity *id, const char *network, const struct public_key *want,
	struct secret *ret, struct public_key *ret_public, bool *ret_announce, struct err *e)
{
	AUTOFREE char *path = NULL, *next_path = NULL;
	CLEANUP(secret_wipe) struct secret key = {0}, next = {0};
	struct public_key public, next_public;
	bool made = false;
	int rc = identity_key_path(id->dir, network, "key", &path, e);

	if (rc == 0)
		rc = identity_key_path(id->dir, network, "next", &next_path, e);
	if (rc == 0)
		rc = read_or_make(path, &key, &made, e);
	if (rc < 0)
		return rc;
	key_public(&key, &public);
	if (!public_key_is_zero(want) && !public_key_equal(want, &public)) {
		rc = identity_read_key(next_path, &next, e);
		if (rc < 0 && rc != ERR_NOT_FOUND)
			return rc;
		if (rc == 0)
			key_public(&next, &next_public);
		if (rc < 0 || !public_key_equal(want, &next_public)) {
			*ret_announce = true;
			*ret_public = public;
			return err_set(e, ERR_STALE,
				"the control plane names a key for network %s that this machine "
				"does not have; its own is announced again",
				network);
		}
		rc = promote(next_path, path, &next, e);
		if (rc < 0)
			return rc;
		key = next;
		public = next_public;
	}
	*ret_announce = made || public_key_is_zero(want);
	*ret_public = public;
	*ret = key;
	return 0;
}

static int get_sealed(const struct identity *id, const struct interface_item *want,
	struct secret *ret, struct public_key *ret_public, struct err *e)
{
	CLEANUP(secret_wipe) struct secret seal = {0}, key = {0};
	CLEANUP(buf_wipe) struct buf blob = {0}, plain = {0};
	AUTOFREE char *context = mem_printf("group-key/%s", id->node);
	struct public_key public;
	int rc;

	if (base64_decode(want->sealed_key, &blob) < 0)
		return err_set(e, ERR_CORRUPT, "the sealed key of %s is not base64", want->name);
	identity_subkey(id, "seal", &seal);
	rc = seal_open_with_secret(&seal, context, blob.data, blob.len, &plain, e);
	if (rc < 0)
		return err_prefix(e, "sealed key of %s", want->name);
	if (plain.len != KEY_LEN)
		return err_set(e, ERR_CORRUPT, "the sealed key of %s is not a key", want->name);
	memcpy(key.bytes, plain.data, KEY_LEN);
	key_public(&key, &public);
	if (!public_key_equal(&public, &want->public_key))
		return err_set(e, ERR_CORRUPT,
			"the sealed key of %s does not belong to its public key", want->name);
	*ret = key;
	*ret_public = public;
	return 0;
}

int keyring_get(const struct identity *id, const char *network, const struct interface_item *want,
	struct secret *ret, struct public_key *ret_public, bool *ret_announce, struct err *e)
{
	*ret_announce = false;
	if (want->sealed_key != NULL && want->sealed_key[0] != '\0')
		return get_sealed(id, want, ret, ret_public, e);
	return get_own(id, network, &want->public_key, ret, ret_public, ret_announce, e);
}

int keyring_next(const struct identity *id, const char *network, struct public_key *ret_public,
	struct err *e)
{
	AUTOFREE char *path = NULL, *now_path = NULL;
	CLEANUP(secret_wipe) struct secret key = {0}, now = {0};
	bool made;
	int rc = identity_key_path(id->dir, network, "next", &path, e);

	if (rc == 0)
		rc = identity_key_path(id->dir, network, "key", &now_path, e);
	if (rc == 0)
		rc = read_or_make(path, &key, &made, e);
	/* a crash may have left it behind after it took its place: then it is no new key */
	if (rc == 0 && identity_read_key(now_path, &now, NULL) == 0 && secret_equal(&key, &now)) {
		key_generate(&key);
		rc = identity_write_key(path, &key, e);
	}
	FAULT("key.next");
	if (rc == 0)
		key_public(&key, ret_public);
	return rc;
}

int keyring_renew(const struct identity *id, const char *network, struct public_key *ret_public,
	struct err *e)
{
	AUTOFREE char *path = NULL, *next_path = NULL;
	CLEANUP(secret_wipe) struct secret key = {0};
	int rc = identity_key_path(id->dir, network, "key", &path, e);

	if (rc == 0)
		rc = identity_key_path(id->dir, network, "next", &next_path, e);
	if (rc == 0)
		key_generate(&key);
	if (rc == 0)
		rc = promote(next_path, path, &key, e);
	if (rc == 0)
		key_public(&key, ret_public);
	return rc;
}

int keyring_pending(const char *dir, struct secret *ret, struct err *e)
{
	AUTOFREE char *path = NULL;
	AUTOFREE char *keys = mem_printf("%s/keys", dir);
	bool made;
	int rc = file_mkdirs(dir, 0700, e);

	if (rc == 0)
		rc = file_mkdirs(keys, 0700, e);
	if (rc == 0)
		rc = identity_key_path(dir, PENDING, "key", &path, e);
	return rc < 0 ? rc : read_or_make(path, ret, &made, e);
}

int keyring_adopt_pending(const char *dir, const char *network, struct err *e)
{
	AUTOFREE char *from = NULL, *to = NULL;
	CLEANUP(secret_wipe) struct secret key = {0};
	int rc = identity_key_path(dir, PENDING, "key", &from, e);

	if (rc == 0)
		rc = identity_key_path(dir, network, "key", &to, e);
	if (rc == 0)
		rc = identity_read_key(from, &key, e);
	return rc < 0 ? rc : identity_write_key(to, &key, e);
}

int keyring_drop_others(const char *dir, const char *network, struct err *e)
{
	AUTOFREE char *keys = mem_printf("%s/keys", dir), *own = mem_printf("%s.key", network);
	DIR *d = opendir(keys);
	const struct dirent *f;
	int rc = 0;

	if (d == NULL)
		return err_errno(e, errno, "cannot read %s", keys);
	while (rc == 0 && (f = readdir(d)) != NULL)
		if (f->d_name[0] != '.' && strcmp(f->d_name, own) != 0 &&
			strcmp(f->d_name, PENDING ".key") != 0 &&
			unlinkat(dirfd(d), f->d_name, 0) < 0)
			rc = err_errno(e, errno, "cannot remove %s/%s", keys, f->d_name);
	closedir(d);
	return rc;
}

int keyring_drop_pending(const char *dir, struct err *e)
{
	AUTOFREE char *path = NULL;
	int rc = identity_key_path(dir, PENDING, "key", &path, e);

	if (rc == 0 && unlink(path) < 0 && errno != ENOENT)
		rc = err_errno(e, errno, "cannot remove %s", path);
	return rc;
}
