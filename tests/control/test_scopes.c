/*
 * DOC: what somebody with a scope may write into what they reach: tags and exits are rights too,
 * since policies pick by tag and an exit is another network's way out.
 */
#include "serve.h"

static struct fixture *f;
static struct gateway side;
static char red[128], here[128], mixed[ID_LEN];

static void scoped_token(const char *name, const char *scope, char ret[static 128])
{
	char body[240];

	snprintf(body, sizeof(body),
		"{\"kind\":\"api\",\"name\":\"%s\",\"role\":\"loc-manager\",\"scopes\":[\"%s\"]}",
		name, scope);
	ANSWER a = call(f, "POST", "/api/v1/tokens?project=default", NULL, body);
	expect_status(&a, 201);
	copy_str(&a, "token", ret, 128);
}

static int give_exit(struct tx *tx, void *arg, struct err *e)
{
	struct member before = {0}, after = {0};
	int r = tx_get(tx, &schema_member, side.member, &before, e);

	schema_copy(&schema_member, &after, &before);
	after.roles |= ROLE_EXIT;
	if (r == 0)
		r = change_store(tx, &schema_member, &before, &after, "test", "member.update", e);
	schema_done(&schema_member, &before);
	schema_done(&schema_member, &after);
	return r;
}

static int setup(void **state)
{
	struct err e = {0};

	f = serve();
	side = make_gateway(f, "", "office", "gw");
	if (store_write_wait(f->control->store, give_exit, NULL, &e) < 0)
		fail_msg("%s", e.text);
	scoped_token("red", "tag:red", red);
	scoped_token("here", side.network, here);
	id_copy(mixed,
		make(f, "/api/v1/wireguard/clients",
			"{\"name\":\"mixed\",\"tags\":[\"red\",\"old\"]}"));
	return 0;
}

static int teardown(void **state)
{
	serve_end(f);
	return 0;
}

static void refused(const struct answer *a, const char *field)
{
	expect_status(a, 403);
	if (answer_str(a, "field") == NULL || strcmp(answer_str(a, "field"), field) != 0)
		fail_msg("%s is not named: %s", field, buf_str(&a->body));
}

static struct answer change(const char *token, const char *body)
{
	char path[160];

	snprintf(path, sizeof(path), "/api/v1/wireguard/clients/%s", mixed);
	return call(f, "PATCH", path, token, body);
}

static struct answer create(const char *token, const char *rest)
{
	static unsigned n;
	char body[240];

	snprintf(body, sizeof(body), "{\"name\":\"made %u\",\"network\":\"office\",%s}", n++, rest);
	return call(f, "POST", "/api/v1/wireguard/clients", token, body);
}

static void a_tag_is_given_and_taken_by_who_holds_it(void **state)
{
	ANSWER more = change(red, "{\"tags\":[\"red\",\"old\",\"admin\"]}");
	refused(&more, "tags");
	ANSWER less = change(red, "{\"tags\":[\"red\"]}");
	refused(&less, "tags");
	ANSWER made = create(red, "\"tags\":[\"red\",\"admin\"]");
	refused(&made, "tags");
	/* what stays as it is needs nothing, in whatever order */
	ANSWER same = change(red, "{\"tags\":[\"old\",\"red\"],\"description\":\"x\"}");
	expect_status(&same, 200);
	ANSWER fair = create(red, "\"tags\":[\"red\"]");
	expect_status(&fair, 201);
	/* policies are the network's: who has all of it may use any tag in it */
	ANSWER whole = change(here, "{\"tags\":[\"red\",\"admin\"]}");
	expect_status(&whole, 200);
	ANSWER local = create(here, "\"tags\":[\"admin\"]");
	expect_status(&local, 201);
}

static void an_exit_is_named_by_who_reaches_it(void **state)
{
	ANSWER made = create(red, "\"tags\":[\"red\"],\"full_tunnel\":true,\"exit\":\"gw\"");
	refused(&made, "exit");
	ANSWER moved = change(red, "{\"full_tunnel\":true,\"exit\":\"gw\"}");
	refused(&moved, "exit");
	ANSWER inside = change(here, "{\"full_tunnel\":true,\"exit\":\"gw\"}");
	expect_status(&inside, 200);
	/* it stays where others put it */
	ANSWER kept = change(red, "{\"description\":\"y\"}");
	expect_status(&kept, 200);
}

/* A group of a network that may be named is named either way; one of another network neither way.
 */
static void a_group_is_named_by_name_or_id(void **state)
{
	struct gateway other = make_gateway(f, "", "elsewhere", "gw2");
	char rest[120];

	ANSWER name = create(red, "\"tags\":[\"red\"],\"group\":\"edge\"");
	expect_status(&name, 201);
	snprintf(rest, sizeof(rest), "\"tags\":[\"red\"],\"group\":\"%s\"", side.group);
	ANSWER id = create(red, rest);
	expect_status(&id, 201);
	snprintf(rest, sizeof(rest), "\"tags\":[\"red\"],\"group\":\"%s\"", other.group);
	ANSWER foreign = create(red, rest);
	expect_status(&foreign, 404);
	assert_string_equal(answer_str(&foreign, "field"), "group");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tag_is_given_and_taken_by_who_holds_it),
		cmocka_unit_test(an_exit_is_named_by_who_reaches_it),
		cmocka_unit_test(a_group_is_named_by_name_or_id),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
