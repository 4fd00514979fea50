/*
 * DOC: edits that would keep nodes behind NAT from finding each other are refused unless forced;
 * what is only observed is a warning. Where nodes are is said as their heartbeats would.
 */
#include "serve.h"

#include "control/hub_state.h"
#include "control/telemetry.h"

static struct fixture *f;
static struct clock now;

static struct gateway put(const char *network, const char *name, unsigned roles,
	const char *endpoint, const char *observed)
{
	struct gateway g = {.name = name,
		.endpoint = endpoint,
		.observed = observed,
		.roles = ROLE_PEER | roles,
		.port = 51820};

	id_copy(g.network, network);
	store_member(f, &g);
	return g;
}

static struct gateway hidden(const char *network, const char *name)
{
	struct gateway g = put(network, name, 0, NULL, "203.0.113.7:51820");
	struct addr called;

	assert_int_equal(addr_parse("203.0.113.7", &called), 0);
	telemetry_said(f->control->hub->telemetry, g.member, "10.0.0.2:51820", called);
	return g;
}

static size_t warnings(const char *network, const char *part)
{
	char path[160];

	snprintf(path, sizeof(path), "/api/v1/networks/%s", network);
	ANSWER a = call(f, "GET", path, NULL, NULL);
	expect_status(&a, 200);
	const struct json *list = json_get(json_root(a.doc), "warnings");
	assert_non_null(list);
	if (json_count(list) > 0 && strstr(buf_str(&a.body), part) == NULL)
		fail_msg("no \"%s\" in %s", part, buf_str(&a.body));
	return json_count(list);
}

static void edit(const char *method, const char *kind, const char *id, const char *query,
	const char *body, int status, const char *names)
{
	char path[200];

	snprintf(path, sizeof(path), "/api/v1/%s/%s%s", kind, id, query);
	ANSWER a = call(f, method, path, NULL, body);
	expect_status(&a, status);
	if (status != 409)
		return;
	assert_string_equal(answer_str(&a, "field"), "force");
	if (strstr(answer_str(&a, "detail"), names) == NULL)
		fail_msg("no \"%s\" in %s", names, buf_str(&a.body));
}

#define OFF "{\"enabled\":false}"
#define ON "{\"enabled\":true}"
#define NOWHERE "{\"endpoint\":null}"

static void setup(char ret_network[static ID_LEN], const char *name)
{
	char body[64];

	now = clock_fake(1800000000000, 1000);
	f = serve_by(&now);
	snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
	id_copy(ret_network, make(f, "/api/v1/networks", body));
}

static void the_last_controller_stays(void **state)
{
	id_text network;

	setup(network, "office");
	struct gateway n1 = hidden(network, "n1");
	assert_int_equal(warnings(network, ""), 0); /* nobody to lose */
	hidden(network, "n2");
	assert_int_equal(warnings(network, "n1 and n2 are behind NAT"), 1);
	struct gateway c1 = put(network, "c1", ROLE_CONTROLLER, NULL, "203.0.113.1:51820");
	assert_int_equal(warnings(network, ""), 0);
	edit("PATCH", "nodes", c1.node, "", OFF, 409, "n1 and n2 would lose each other");
	edit("DELETE", "nodes", c1.node, "", NULL, 409, "in network office");
	edit("DELETE", "members", c1.member, "", NULL, 409, "n1 and n2 would lose each other");
	edit("PATCH", "nodes", c1.node, "", "{\"name\":\"c one\"}", 200, NULL);
	assert_int_equal(warnings(network, ""), 0);

	/* not the last one */
	struct gateway c2 = put(network, "c2", ROLE_CONTROLLER, "203.0.113.2:51820", NULL);
	edit("PATCH", "nodes", c1.node, "", OFF, 200, NULL);
	edit("PATCH", "nodes", c2.node, "", OFF, 409, "n1 and n2");
	edit("PATCH", "members", c2.member, "", NOWHERE, 409, "n1 and n2");
	edit("PATCH", "members", c2.member, "", "{\"endpoint\":\"\"}", 409, "n1 and n2");
	edit("PATCH", "members", c2.member, "", "{\"endpoint\":\"203.0.113.3:51820\"}", 200, NULL);

	/* forced, it is a warning again; and nothing is lost any more by what follows */
	edit("PATCH", "members", c2.member, "?force=1", NOWHERE, 200, NULL);
	assert_int_equal(warnings(network, "n1 and n2"), 1);
	edit("DELETE", "nodes", c2.node, "", NULL, 200, NULL);
	edit("PATCH", "nodes", c1.node, "", ON, 200, NULL);
	assert_int_equal(warnings(network, ""), 0);

	/* with one node there is nobody to lose */
	edit("DELETE", "nodes", n1.node, "", NULL, 200, NULL);
	edit("DELETE", "members", c1.member, "", NULL, 200, NULL);
	serve_end(f);
}

/* Behind NAT with a forwarded port: without its endpoint, the controller is lost, too. */
static void an_endpoint_may_be_the_way(void **state)
{
	id_text network;
	struct addr called;

	setup(network, "office");
	hidden(network, "n1");
	struct gateway c1 =
		put(network, "c1", ROLE_CONTROLLER, "203.0.113.9:51820", "203.0.113.9:1");
	assert_int_equal(addr_parse("203.0.113.9", &called), 0);
	telemetry_said(f->control->hub->telemetry, c1.member, "10.1.0.2:51820", called);
	edit("PATCH", "members", c1.member, "", NOWHERE, 409, "n1 and c1 would lose");
	edit("PATCH", "nodes", c1.node, "", OFF, 200, NULL); /* n1 is alone then */
	edit("PATCH", "nodes", c1.node, "?force=1", ON, 200, NULL);

	/* of a public controller its endpoint is known without */
	struct gateway c2 =
		put(network, "c2", ROLE_CONTROLLER, "203.0.113.2:51820", "203.0.113.2:51820");
	edit("PATCH", "members", c2.member, "", NOWHERE, 200, NULL);
	edit("PATCH", "members", c1.member, "", NOWHERE, 200, NULL);
	serve_end(f);
}

/* Each network for itself, and a sentence that ends however many there are. */
static void many_names_are_counted(void **state)
{
	id_text network, other;

	setup(network, "office");
	id_copy(other, make(f, "/api/v1/networks", "{\"name\":\"lab\"}"));
	struct gateway c1 = put(network, "c1", ROLE_CONTROLLER, NULL, "203.0.113.1:51820");
	struct gateway c2 = put(other, "c2", ROLE_CONTROLLER, NULL, "203.0.113.2:51820");
	for (int i = 0; i < 20; i++) {
		char name[64];

		snprintf(name, sizeof(name), "node-with-a-rather-long-name-%02d", i);
		hidden(network, name);
	}
	edit("DELETE", "nodes", c1.node, "", NULL, 409, " and 17 others would lose");
	edit("DELETE", "nodes", c1.node, "", NULL, 409, "--force)");
	edit("DELETE", "nodes", c1.node, "?force=no", NULL, 409, "--force)");
	edit("DELETE", "nodes", c2.node, "", NULL, 200, NULL);
	edit("DELETE", "nodes", c1.node, "?force=1", NULL, 200, NULL);
	assert_int_equal(warnings(network, " and 17 others are behind NAT"), 1);
	assert_int_equal(warnings(other, ""), 0);
	serve_end(f);
}

static void heartbeat(const char *node)
{
	const struct heartbeat b = {0};
	struct heartbeat_answer answer;

	telemetry_heartbeat(f->control->hub->telemetry, node, &b, &answer);
}

/* A controller that is silent is observed to be gone: a warning, and nothing to rely on. */
static void a_silent_controller_is_none(void **state)
{
	id_text network;

	setup(network, "office");
	hidden(network, "n1");
	hidden(network, "n2");
	struct gateway c1 = put(network, "c1", ROLE_CONTROLLER, NULL, "203.0.113.1:51820");
	struct gateway c2 = put(network, "c2", ROLE_CONTROLLER, NULL, "203.0.113.2:51820");
	heartbeat(c1.node);
	heartbeat(c2.node);
	now.fake_wall += MISSED_OFFLINE * HEARTBEAT_EVERY;
	assert_int_equal(warnings(network, "n1 and n2"), 1);
	heartbeat(c2.node);
	assert_int_equal(warnings(network, ""), 0);
	edit("DELETE", "nodes", c2.node, "", NULL, 409, "n1 and n2");
	edit("DELETE", "nodes", c1.node, "", NULL, 200, NULL);
	serve_end(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_controller_stays),
		cmocka_unit_test(an_endpoint_may_be_the_way),
		cmocka_unit_test(many_names_are_counted),
		cmocka_unit_test(a_silent_controller_is_none),
	};

	return cmocka_run_group_tests_name("reachable", tests, NULL, NULL);
}
