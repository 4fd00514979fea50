/*
 * DOC: a node leaves one of its networks, and comes into another: what goes with the membership and
 * what stays; that nobody gets a role by it that no join token granted (T-3), nor reaches a node or
 * network that is not theirs to change.
 */
#include "serve.h"

static struct fixture *f;

static struct answer enter(const char *bearer, const char *node, const char *network,
	const char *roles) /* "" or ",\"roles\":[...]" */
{
	char body[300];

	snprintf(
		body, sizeof(body), "{\"node\":\"%s\",\"network\":\"%s\"%s}", node, network, roles);
	return call(f, "POST", "/api/v1/members", bearer, body);
}

static struct answer leave(const char *bearer, const char *member)
{
	char path[120];

	snprintf(path, sizeof(path), "/api/v1/members/%s", member);
	return call(f, "DELETE", path, bearer, NULL);
}

static const char *network(const char *name, const char *rest)
{
	static char id[ID_LEN];
	char body[200];

	snprintf(body, sizeof(body), "{\"name\":\"%s\"%s}", name, rest);
	id_copy(id, make(f, "/api/v1/networks", body));
	return id;
}

/* A node with these roles in a network. */
static struct gateway node_in(const char *net, const char *name, unsigned roles, uint16_t port)
{
	struct gateway g = {.name = name, .roles = roles, .port = port};

	id_copy(g.network, net);
	store_member(f, &g);
	return g;
}

static bool state_names(const char *node, const char *what)
{
	char path[100];

	snprintf(path, sizeof(path), "/api/v1/nodes/%s/state", node);
	ANSWER a = call(f, "GET", path, NULL, NULL);
	expect_status(&a, 200);
	return strstr(buf_str(&a.body), what) != NULL;
}

static int64_t count(const char *path)
{
	ANSWER a = call(f, "GET", path, NULL, NULL);

	expect_status(&a, 200);
	return json_int(json_root(a.doc), "total", -1);
}

static void a_field_is_named(const struct answer *a, int status, const char *field)
{
	expect_status(a, status);
	assert_string_equal(answer_str(a, "field"), field);
}

static void leaving_one_network_touches_no_other(void **state)
{
	char first[ID_LEN], second[ID_LEN], path[200], address[64], again[ID_LEN];

	id_copy(first, network("first", ""));
	id_copy(second, network("second", ",\"listen_port\":42000"));
	struct gateway a = node_in(first, "a", ROLE_PEER, 51820);
	struct gateway b = node_in(first, "b", ROLE_PEER, 51820), there = a;

	id_copy(there.network, second);
	there.port = 42000;
	store_member(f, &there);
	assert_true(state_names(b.node, a.member));
	assert_true(state_names(a.node, first));
	snprintf(path, sizeof(path), "/api/v1/members/%s", a.member);
	ANSWER before = call(f, "GET", path, NULL, NULL);
	copy_str(&before, "ipv4", address, sizeof(address));

	ANSWER gone = leave(NULL, a.member);
	expect_status(&gone, 200);
	ANSWER twice = leave(NULL, a.member);
	expect_status(&twice, 404);
	assert_false(state_names(b.node, a.member));
	assert_false(state_names(a.node, first));
	assert_true(state_names(a.node, second));
	snprintf(path, sizeof(path), "/api/v1/members?node=%s", a.node);
	assert_int_equal(count(path), 1);
	snprintf(path, sizeof(path), "/api/v1/audit?action=member.delete&object=%s", a.member);
	assert_int_equal(count(path), 1);

	/* it comes again: another address, for the old one rests; the agent is to make its key */
	ANSWER back = enter(NULL, "a", "first", "");
	expect_status(&back, 201);
	copy_str(&back, "id", again, sizeof(again));
	assert_string_equal(answer_str(&back, "node"), a.node);
	assert_string_not_equal(answer_str(&back, "ipv4"), address);
	assert_true(json_is_null(json_root(back.doc), "public_key"));
	assert_true(state_names(a.node, first));
	snprintf(path, sizeof(path), "/api/v1/audit?action=member.create&object=%s", again);
	assert_int_equal(count(path), 1);
	ANSWER already = enter(NULL, a.node, first, "");
	a_field_is_named(&already, 409, "network");

	/* and with the last one gone the network can go, too */
	snprintf(path, sizeof(path), "/api/v1/networks/%s", second);
	ANSWER held = call(f, "DELETE", path, NULL, NULL);
	expect_status(&held, 409);
	ANSWER out = leave(NULL, there.member);
	expect_status(&out, 200);
	ANSWER done = call(f, "DELETE", path, NULL, NULL);
	expect_status(&done, 200);
}

static void a_member_has_what_it_needs(void **state)
{
	char one[ID_LEN];

	id_copy(one, network("ports-one", ""));
	node_in(one, "p", ROLE_PEER | ROLE_GATEWAY, 51820);
	network("ports-two", ""); /* of the same port */
	network("ports-three", ",\"ipv4\":\"10.99.0.0/16\"");
	network("ports-four", ",\"ipv4\":\"10.99.0.0/20\"");
	/* ports of its own on the machine, a group where it is the first gateway */
	ANSWER two = enter(NULL, "p", "ports-two", "");
	expect_status(&two, 201);
	assert_true(json_int(json_root(two.doc), "listen_port", 0) > 51820);
	assert_non_null(answer_str(&two, "group"));
	ANSWER three = enter(NULL, "p", "ports-three", ",\"roles\":[\"peer\"]");
	expect_status(&three, 201);
	assert_null(answer_str(&three, "group"));
	assert_true(json_int(json_root(three.doc), "listen_port", 0) != 51820);
	/* networks of one machine do not overlap */
	ANSWER overlap = enter(NULL, "p", "ports-four", "");
	expect_status(&overlap, 409);
	/* names are unique in a network: the label is held there by another */
	network("names", "");
	struct gateway other = node_in(network("elsewhere", ""), "P!", ROLE_PEER, 51820);
	ANSWER named = enter(NULL, "p", "names", "");
	expect_status(&named, 201);
	ANSWER clash = enter(NULL, other.node, "names", "");
	a_field_is_named(&clash, 409, "node");
}

static void bad_calls_name_the_field(void **state)
{
	static const struct {
		const char *body;
		int status;
		const char *field;
	} calls[] = {
		{"{}", 400, "node"},
		{"{\"node\":\"q\"}", 400, "network"},
		{"{\"node\":7,\"network\":\"bad-two\"}", 400, "node"},
		{"{\"node\":\"nobody\",\"network\":\"bad-two\"}", 404, "node"},
		{"{\"node\":\"q\",\"network\":\"nowhere\"}", 404, "network"},
		{"{\"node\":\"q\",\"network\":\"bad-two\",\"roles\":[\"king\"]}", 400, "roles[0]"},
		{"{\"node\":\"q\",\"network\":\"bad-two\",\"roles\":[]}", 400, "roles"},
		{"{\"node\":\"q\",\"network\":\"bad-two\",\"listen_port\":1}", 400, "listen_port"},
		/* T-3: nobody is what no token granted */
		{"{\"node\":\"q\",\"network\":\"bad-two\",\"roles\":[\"gateway\"]}", 403, "roles"},
		{"{\"node\":\"q\",\"network\":\"bad-two\",\"roles\":[\"peer\",\"exit\"]}", 403,
			"roles"},
	};

	char one[ID_LEN];

	id_copy(one, network("bad-one", ""));
	network("bad-two", "");
	node_in(one, "q", ROLE_PEER | ROLE_CONTROLLER, 51820);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		ANSWER a = call(f, "POST", "/api/v1/members", NULL, calls[i].body);

		a_field_is_named(&a, calls[i].status, calls[i].field);
	}
	ANSWER fine = enter(NULL, "q", "bad-two", "");
	expect_status(&fine, 201);
	assert_non_null(strstr(buf_str(&fine.body), "controller"));
}

/* Roles come back with a node that left and comes again, and no others. */
static void leaving_takes_no_grant_away(void **state)
{
	struct gateway g = node_in(network("grants", ""), "g", ROLE_PEER | ROLE_EXIT, 51820);

	ANSWER out = leave(NULL, g.member);
	expect_status(&out, 200);
	ANSWER more = enter(NULL, "g", "grants", ",\"roles\":[\"controller\"]");
	a_field_is_named(&more, 403, "roles");
	ANSWER back = enter(NULL, "g", "grants", ",\"roles\":[\"exit\"]");
	expect_status(&back, 201);
}

static void scoped_token(const char *scopes, char ret[static 128])
{
	static unsigned n;
	char body[400];

	snprintf(body, sizeof(body),
		"{\"kind\":\"api\",\"name\":\"s%u\",\"role\":\"org-admin\",\"scopes\":[%s]}", n++,
		scopes);
	ANSWER a = call(f, "POST", "/api/v1/tokens", NULL, body);
	expect_status(&a, 201);
	copy_str(&a, "token", ret, 128);
}

static void scopes_bound_it(void **state)
{
	char mine[ID_LEN], theirs[ID_LEN], scopes[200], half[128], both[128], reader[128];

	id_copy(mine, network("mine", ""));
	id_copy(theirs, network("theirs", ""));
	struct gateway m = node_in(mine, "m", ROLE_PEER, 51820);
	struct gateway t = node_in(theirs, "t", ROLE_PEER, 51820);

	snprintf(scopes, sizeof(scopes), "\"%s\"", mine);
	scoped_token(scopes, half);
	snprintf(scopes, sizeof(scopes), "\"%s\",\"%s\"", mine, theirs);
	scoped_token(scopes, both);
	make_token(f, "", "viewer", reader);
	/* neither a foreign node into one's own network, nor one's own into a foreign one */
	ANSWER in = enter(half, t.node, mine, "");
	expect_status(&in, 404);
	ANSWER out = enter(half, m.node, theirs, "");
	expect_status(&out, 404);
	ANSWER kicked = leave(half, t.member);
	expect_status(&kicked, 404);
	ANSWER read = leave(reader, t.member);
	expect_status(&read, 403);
	ANSWER wrote = enter(reader, m.node, theirs, "");
	expect_status(&wrote, 403);
	/* who may change both may join them; then half the node is not enough to move it on */
	ANSWER joined = enter(both, m.node, theirs, "");
	expect_status(&joined, 201);
	char third[ID_LEN];
	id_copy(third, network("third", ""));
	snprintf(scopes, sizeof(scopes), "\"%s\",\"%s\"", mine, third);
	scoped_token(scopes, half);
	ANSWER moved = enter(half, m.node, third, "");
	a_field_is_named(&moved, 403, "node");
	/* its own half may leave */
	ANSWER left = leave(half, m.member);
	expect_status(&left, 200);
}

static void other_projects_do_not_exist(void **state)
{
	char foreign[ID_LEN];
	struct gateway g = node_in(network("home", ""), "h", ROLE_PEER, 51820);

	make(f, "/api/v1/projects", "{\"name\":\"other\"}");
	id_copy(foreign, make(f, "/api/v1/networks?project=other", "{\"name\":\"abroad\"}"));
	/* not even for a system-admin, who sees both */
	ANSWER crossed = enter(NULL, g.node, foreign, "");
	a_field_is_named(&crossed, 404, "network");
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
		cmocka_unit_test(leaving_one_network_touches_no_other),
		cmocka_unit_test(a_member_has_what_it_needs),
		cmocka_unit_test(bad_calls_name_the_field),
		cmocka_unit_test(leaving_takes_no_grant_away),
		cmocka_unit_test(scopes_bound_it),
		cmocka_unit_test(other_projects_do_not_exist),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
