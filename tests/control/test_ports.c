/*
 * DOC: ports of a machine in two networks: links to exits take some of their own, so who edits a
 * network, or lets an exit come back, can make two interfaces want one port. That is refused when
 * it is asked for; the machine would find out too late.
 */
#include "serve.h"

static struct fixture *f;

/* The port of the node's link to an exit. */
static int exit_port(const char *node)
{
	char path[100];

	snprintf(path, sizeof(path), "/api/v1/nodes/%s/state", node);
	ANSWER a = call(f, "GET", path, NULL, NULL);
	expect_status(&a, 200);
	const struct json *networks = json_get(json_root(a.doc), "networks");
	for (size_t i = 0; i < json_count(networks); i++) {
		const struct json *v = json_get(json_at(networks, i), "interfaces");

		for (size_t k = 0; k < json_count(v); k++)
			if (strcmp(json_str(json_at(v, k), "role"), "exit") == 0)
				return (int)json_int(json_at(v, k), "listen_port", 0);
	}
	fail_msg("no link to an exit in %s", buf_str(&a.body));
	return 0;
}

static struct answer patch(const char *what, const char *id, const char *body)
{
	char path[120];

	snprintf(path, sizeof(path), "/api/v1/%s/%s", what, id);
	return call(f, "PATCH", path, NULL, body);
}

static void clashes(const struct answer *a)
{
	expect_status(a, 409);
	assert_string_equal(answer_str(a, "field"), "listen_port");
	assert_non_null(strstr(answer_str(a, "detail"), "the node \"gw\""));
}

static void ports_of_exits_are_kept_clear(void **state)
{
	struct gateway g = make_gateway(f, "", "office", "gw");
	struct gateway exit = {.name = "out", .roles = ROLE_PEER | ROLE_EXIT}, again = g;
	char second[ID_LEN], body[60];
	int port;

	id_copy(second, make(f, "/api/v1/networks", "{\"name\":\"lab\",\"listen_port\":40000}"));
	id_copy(exit.network, g.network);
	store_member(f, &exit);
	/* the gateway's machine, in another network by that network's port */
	id_copy(again.network, second);
	again.group[0] = '\0';
	again.roles = ROLE_PEER;
	again.port = 0;
	store_member(f, &again);
	port = exit_port(g.node);
	snprintf(body, sizeof(body), "{\"listen_port\":%d}", port);
	ANSWER taken = patch("networks", second, body);
	clashes(&taken);
	/* what has nothing to do with ports is free */
	ANSWER other = patch("networks", second, "{\"keepalive\":17}");
	expect_status(&other, 200);
	/* without the exit the port is free, and then the exit may not come back to it */
	ANSWER off = patch("nodes", exit.node, "{\"enabled\":false}");
	expect_status(&off, 200);
	ANSWER fair = patch("networks", second, body);
	expect_status(&fair, 200);
	ANSWER back = patch("nodes", exit.node, "{\"enabled\":true}");
	clashes(&back);
	ANSWER clear = patch("networks", second, "{\"listen_port\":40000}");
	expect_status(&clear, 200);
	ANSWER then = patch("nodes", exit.node, "{\"enabled\":true}");
	expect_status(&then, 200);
}

/* A network's port is what its new members begin with: those it has keep theirs, which is said. */
static void who_keeps_its_port_is_said(void **state)
{
	struct gateway a = {.name = "keeps", .roles = ROLE_PEER, .port = 43000}, b = a;

	id_copy(a.network,
		make(f, "/api/v1/networks", "{\"name\":\"kept\",\"listen_port\":43000}"));
	id_copy(b.network, a.network);
	b.name = "follows";
	ANSWER nobody = patch("networks", a.network, "{\"listen_port\":43001}");
	expect_status(&nobody, 200);
	assert_int_equal(json_count(json_get(json_root(nobody.doc), "warnings")), 0);
	store_member(f, &a);
	b.port = 43002;
	store_member(f, &b);
	ANSWER other = patch("networks", a.network, "{\"keepalive\":21}");
	expect_status(&other, 200);
	assert_int_equal(json_count(json_get(json_root(other.doc), "warnings")), 0);
	ANSWER moved = patch("networks", a.network, "{\"listen_port\":43002}");
	expect_status(&moved, 200);
	assert_int_equal(json_int(json_root(moved.doc), "listen_port", 0), 43002);
	const struct json *said = json_get(json_root(moved.doc), "warnings");
	assert_int_equal(json_count(said), 1);
	assert_non_null(strstr(json_str(json_at(said, 0), ""), "1 member keeps another port"));
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
	const struct CMUnitTest tests[] = {cmocka_unit_test(ports_of_exits_are_kept_clear),
		cmocka_unit_test(who_keeps_its_port_is_said)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
