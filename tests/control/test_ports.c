/*
 * DOC: ports of a machine in two networks: links to exits take some of their own, so who edits a
 * network, or lets an exit come back, can make two interfaces want one port. That is refused when
 * it is asked for; the machine would find out too late.
 */
#include "serve.h"

static struct fixture *f;

struct joining {
	const char *network, *node; /* node "" = a new one, named name */
	const char *name;
	unsigned roles;
	id_text ret_node;
};

static int put_member(struct tx *tx, void *arg, struct err *e)
{
	struct joining *j = arg;
	struct network n = {0};
	struct node node = {.name = mem_strdup(j->name), .enabled = true};
	struct member m = {.roles = j->roles, .endpoint = mem_strdup("192.0.2.9:51820")};
	struct secret key;
	int r = tx_get(tx, &schema_network, j->network, &n, e);

	id_copy(node.project, n.project);
	id_copy(m.project, n.project);
	id_copy(m.network, n.id);
	id_make("node", tx_now(tx), node.id);
	id_make("mem", tx_now(tx), m.id);
	id_copy(m.node, j->node[0] != '\0' ? j->node : node.id);
	id_copy(j->ret_node, m.node);
	key_generate(&key);
	key_public(&key, &m.public_key);
	if (r == 0)
		r = tx_lease(tx, n.id, n.node_first, n.node_last, m.id, 0, &m.ipv4, e);
	if (r == 0 && j->node[0] == '\0')
		r = change_store(tx, &schema_node, NULL, &node, "test", "node.register", e);
	if (r == 0)
		r = change_store(tx, &schema_member, NULL, &m, "test", "member.register", e);
	schema_done(&schema_network, &n);
	schema_done(&schema_node, &node);
	schema_done(&schema_member, &m);
	return r;
}

static void join_network(struct joining *j)
{
	struct err e = {0};

	if (store_write_wait(f->control->store, put_member, j, &e) < 0)
		fail_msg("%s", e.text);
}

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
	struct joining exit = {g.network, "", "out", ROLE_PEER | ROLE_EXIT, ""};
	char second[ID_LEN], body[60];
	int port;

	id_copy(second, make(f, "/api/v1/networks", "{\"name\":\"lab\",\"listen_port\":40000}"));
	struct joining again = {second, g.node, "gw", ROLE_PEER, ""};
	join_network(&exit);
	join_network(&again);
	port = exit_port(g.node);
	snprintf(body, sizeof(body), "{\"listen_port\":%d}", port);
	ANSWER taken = patch("networks", second, body);
	clashes(&taken);
	/* what has nothing to do with ports is free */
	ANSWER other = patch("networks", second, "{\"keepalive\":17}");
	expect_status(&other, 200);
	/* without the exit the port is free, and then the exit may not come back to it */
	ANSWER off = patch("nodes", exit.ret_node, "{\"enabled\":false}");
	expect_status(&off, 200);
	ANSWER fair = patch("networks", second, body);
	expect_status(&fair, 200);
	ANSWER back = patch("nodes", exit.ret_node, "{\"enabled\":true}");
	clashes(&back);
	ANSWER clear = patch("networks", second, "{\"listen_port\":40000}");
	expect_status(&clear, 200);
	ANSWER then = patch("nodes", exit.ret_node, "{\"enabled\":true}");
	expect_status(&then, 200);
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
	const struct CMUnitTest tests[] = {cmocka_unit_test(ports_of_exits_are_kept_clear)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
