/* DOC: files of the agent: identity, keys, ledger; and the delays of sync. */
#include "fake.h"

#include "agent/sync.h"
#include "base/file.h"
#include "crypto/hash.h"
#include "crypto/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static void corrupt_files_are_named_not_replaced(void **state)
{
	static const char *const names[] = {"identity.json", "node_secret", "machine.json"};
	struct world *w = *state;

	assert_int_equal(ledger_save(&w->machine.ledger, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTOFREE char *path = mem_printf("%s/%s", w->dir, names[i]);
		CLEANUP(buf_done) struct buf was = {0}, now = {0};
		struct identity id = {0};
		struct ledger l = {0};
		struct err e = {0};
		int rc;

		assert_int_equal(file_read(path, 65536, &was, NULL), 0);
		assert_int_equal(file_write(path, "{\"x\":", 5, 0600, NULL), 0);
		rc = identity_load(w->dir, &id, &e);
		if (rc == 0)
			rc = ledger_load(&l, w->dir, &e);
		assert_int_equal(rc, ERR_CORRUPT);
		assert_non_null(strstr(e.text, names[i]));
		assert_int_equal(file_read(path, 65536, &now, NULL), 0);
		assert_string_equal(now.data, "{\"x\":");
		assert_int_equal(file_write(path, was.data, was.len, 0600, NULL), 0);
		identity_done(&id);
		ledger_done(&l);
	}
}

static void files_are_private(void **state)
{
	struct world *w = *state;
	AUTOFREE char *path = mem_printf("%s/node_secret", w->dir);
	struct identity id = {0};
	struct err e = {0};
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(w->dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(identity_load(w->dir, &id, &e), ERR_DENIED);
	assert_int_equal(chmod(path, 0600), 0);
	if (geteuid() != 0)
		return; /* only root gives files away */
	static const char *const names[] = {"node_secret", "identity.json", "keys", ""};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTOFREE char *theirs = mem_printf("%s/%s", w->dir, names[i]);

		assert_int_equal(chown(theirs, 4711, 0), 0);
		assert_int_equal(identity_load(w->dir, &id, &e), ERR_DENIED);
		assert_non_null(strstr(e.text, "belongs to user 4711"));
		assert_int_equal(chown(theirs, 0, 0), 0);
	}
	assert_int_equal(identity_load(w->dir, &id, &e), 0);
	identity_done(&id);
}

static void own_key_rotates_when_it_is_named(void **state)
{
	struct world *w = *state;
	struct interface_item want = {.name = "warren0"};
	struct secret key;
	struct public_key first, next, public;
	struct err e = {0};
	bool announce;

	assert_int_equal(keyring_get(&w->identity, NET, &want, &key, &first, &announce, &e), 0);
	assert_true(announce);
	want.public_key = first;
	assert_int_equal(keyring_get(&w->identity, NET, &want, &key, &public, &announce, &e), 0);
	assert_false(announce);
	assert_int_equal(keyring_next(&w->identity, NET, &next, &e), 0);
	assert_int_equal(keyring_next(&w->identity, NET, &public, &e), 0);
	assert_true(public_key_equal(&next, &public)); /* a retry announces the same */
	assert_int_equal(keyring_get(&w->identity, NET, &want, &key, &public, &announce, &e), 0);
	assert_true(public_key_equal(&first, &public)); /* the old one until it is named */
	want.public_key = next;
	assert_int_equal(keyring_get(&w->identity, NET, &want, &key, &public, &announce, &e), 0);
	assert_true(public_key_equal(&next, &public));
	key_of(3, &want.public_key);
	assert_int_equal(
		keyring_get(&w->identity, NET, &want, &key, &public, &announce, &e), ERR_STALE);
	assert_true(announce && public_key_equal(&next, &public));
}

/* A crash between the two steps that give a new key its place leaves it in both. */
static void next_key_is_never_the_present_one(void **state)
{
	struct world *w = *state;
	struct interface_item want = {.name = "warren0"};
	struct secret key;
	struct public_key first, next;
	struct err e = {0};
	AUTOFREE char *path = NULL;
	bool announce;

	assert_int_equal(keyring_get(&w->identity, NET, &want, &key, &first, &announce, &e), 0);
	assert_int_equal(identity_key_path(w->dir, NET, "next", &path, &e), 0);
	assert_int_equal(identity_write_key(path, &key, &e), 0);
	assert_int_equal(keyring_next(&w->identity, NET, &next, &e), 0);
	assert_false(public_key_equal(&first, &next));
}

/* Nothing uses it (a gateway alone has its group's interface): no state would ever name the next.
 */
static void a_key_without_an_interface_is_new_at_once(void **state)
{
	struct world *w = *state;
	struct interface_item want = {.name = "warren0"};
	struct secret key;
	struct public_key first, next, renewed, public;
	struct err e = {0};
	bool announce;

	assert_int_equal(keyring_get(&w->identity, NET, &want, &key, &first, &announce, &e), 0);
	assert_int_equal(keyring_next(&w->identity, NET, &next, &e), 0);
	assert_int_equal(keyring_renew(&w->identity, NET, &renewed, &e), 0);
	assert_false(public_key_equal(&renewed, &first) || public_key_equal(&renewed, &next));
	want.public_key = renewed;
	assert_int_equal(keyring_get(&w->identity, NET, &want, &key, &public, &announce, &e), 0);
	assert_true(public_key_equal(&renewed, &public));
	want.public_key = next; /* the one that was to follow is gone with it */
	assert_int_equal(
		keyring_get(&w->identity, NET, &want, &key, &public, &announce, &e), ERR_STALE);
}

static void sealed_key_must_fit(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_done) struct buf blob = {0}, text = {0};
	struct interface_item want = {.name = "warren0"};
	struct secret seal, group, key;
	struct public_key public;
	struct err e = {0};
	bool announce;

	key_generate(&group);
	key_public(&group, &want.public_key);
	identity_subkey(&w->identity, "seal", &seal);
	seal_with_secret(&seal, "group-key/" NODE, group.bytes, KEY_LEN, &blob);
	base64_encode(blob.data, blob.len, &text);
	want.sealed_key = text.data;
	assert_int_equal(keyring_get(&w->identity, NET, &want, &key, &public, &announce, &e), 0);
	assert_true(secret_equal(&key, &group));
	assert_false(announce);
	key_of(1, &want.public_key);
	assert_int_equal(
		keyring_get(&w->identity, NET, &want, &key, &public, &announce, &e), ERR_CORRUPT);
}

static void delays(void **state)
{
	static const msec expect[] = {1000, 2000, 4000, 8000, 15000, 15000};
	struct rand r = {1};
	msec least = 1 << 20, most = 0;

	for (unsigned n = 0; n < ARRAY_LEN(expect); n++)
		for (int k = 0; k < 200; k++) {
			msec d = sync_backoff(n, 1000, 0, &r);

			assert_in_range(d, expect[n] * 3 / 4, expect[n] * 5 / 4);
			if (n == 0) {
				least = d < least ? d : least;
				most = d > most ? d : most;
			}
		}
	assert_true(most - least > 300); /* there is jitter */
	assert_true(sync_backoff(0, 1000, 60000, &r) >= 60000);
	assert_true(sync_backoff(4000000000u, 1000, 0, &r) <= 18750);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(corrupt_files_are_named_not_replaced),
		T(files_are_private),
		T(own_key_rotates_when_it_is_named),
		T(next_key_is_never_the_present_one),
		T(a_key_without_an_interface_is_new_at_once),
		T(sealed_key_must_fit),
		T(delays),
	};

	return cmocka_run_group_tests_name("agent keys", tests, NULL, NULL);
}
