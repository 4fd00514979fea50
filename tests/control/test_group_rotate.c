/*
 * DOC: a group's new identity: clients' files that name the old key are marked stale, new ones name
 * the new one, and nothing that was sealed to the old one is kept.
 */
#include "serve.h"

#define CLIENTS "/api/v1/wireguard/clients"

static struct fixture *f;

struct asked {
	const char *group;
	bool kept;
};

static int see_old(struct tx *tx, void *arg, struct err *e)
{
	struct asked *a = arg;
	CLEANUP(buf_wipe) struct buf old = {0};
	int r = tx_secret_get(tx, a->group, "sealed/old", &old, e);

	a->kept = r == 0;
	return r == ERR_NOT_FOUND ? 0 : r;
}

static int seal_old(struct tx *tx, void *arg, struct err *e)
{
	return tx_secret_put(tx, arg, "sealed/old", "x", 1, e);
}

static void a_new_identity_makes_configurations_stale(void **state)
{
	struct gateway g = make_gateway(f, "", "office", "gw");
	char old[64], now[64], path[128], show[128];
	struct err e = {0};
	struct asked ask = {.group = g.group};

	assert_int_equal(store_write_wait(f->control->store, seal_old, g.group, &e), 0);
	ANSWER made = call(f, "POST", CLIENTS, NULL, "{\"name\":\"phone\"}");
	expect_status(&made, 201);
	snprintf(show, sizeof(show), CLIENTS "/%s", answer_str(&made, "client.id"));
	snprintf(path, sizeof(path), "/api/v1/groups/%s", g.group);
	ANSWER before = call(f, "GET", path, NULL, NULL);
	copy_str(&before, "public_key", old, sizeof(old));
	assert_non_null(strstr(answer_str(&made, "config"), old));
	ANSWER fresh = call(f, "GET", show, NULL, NULL);
	assert_false(json_bool(json_root(fresh.doc), "config_stale", true));

	snprintf(path, sizeof(path), "/api/v1/groups/%s/rotate", g.group);
	ANSWER rotated = call(f, "POST", path, NULL, NULL);
	expect_status(&rotated, 200);
	copy_str(&rotated, "public_key", now, sizeof(now));
	assert_string_not_equal(now, old);
	assert_int_equal(store_read(f->control->store, see_old, &ask, &e), 0);
	assert_false(ask.kept);
	ANSWER stale = call(f, "GET", show, NULL, NULL);
	assert_true(json_bool(json_root(stale.doc), "config_stale", false));

	/* given out anew, it is not */
	snprintf(path, sizeof(path), "%s/rotate", show);
	ANSWER again = call(f, "POST", path, NULL, NULL);
	expect_status(&again, 200);
	assert_non_null(strstr(answer_str(&again, "config"), now));
	assert_null(strstr(answer_str(&again, "config"), old));
	ANSWER right = call(f, "GET", show, NULL, NULL);
	assert_false(json_bool(json_root(right.doc), "config_stale", true));

	ANSWER audit = call(f, "GET", "/api/v1/audit?action=group.rotate", NULL, NULL);
	assert_string_equal(
		json_str(json_at(json_get(json_root(audit.doc), "items"), 0), "object"), g.group);
	ANSWER none = call(f, "POST", "/api/v1/groups/grp_none/rotate", NULL, NULL);
	expect_status(&none, 404);
}

static int setup(void **state)
{
	f = serve();
	return 0;
}

static int teardown(void **state)
{
	serve_end(f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_identity_makes_configurations_stale)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
