/*
 * DOC: names that were stored before a rule against them came: who changes something else is not
 * asked for a new name; who changes the name is.
 */
#include "serve.h"

#define OLD "\u202eold" /* turns the text around */

static struct fixture *f;

struct renaming {
	const struct schema *schema;
	const char *id;
};

/* As an older version would have stored it. */
static int give_old_name(struct tx *tx, void *arg, struct err *e)
{
	const struct renaming *r = arg;
	void *before = mem_zalloc(r->schema->size);
	int rc = tx_get(tx, r->schema, r->id, before, e);
	void *after = schema_dup(r->schema, before);
	char **name = field_at(schema_field(r->schema, "name"), after);
	const struct field *tags = schema_field(r->schema, "tags");

	mem_free(*name);
	*name = mem_strdup(OLD);
	if (tags != NULL)
		strs_push(field_at(tags, after), OLD);
	if (rc == 0)
		rc = change_store(tx, r->schema, before, after, "test", "test.rename", e);
	schema_free(r->schema, before);
	schema_free(r->schema, after);
	return rc;
}

static void names_that_are_there_stay(void **state)
{
	struct gateway g = make_gateway(f, "", "office", "gw");
	char group[200], policy[200],
		client[] = "{\"name\":\"phone\",\"tags\":[\"a\"]}",
		issuer[] =
			"{\"name\":\"company\",\"url\":\"https://login.example.com\",\"client_id\":\"x\"}";
	snprintf(policy, sizeof(policy), "{\"name\":\"p\",\"network\":\"%s\",\"rules\":[]}",
		g.network);
	snprintf(group, sizeof(group), "{\"name\":\"second\",\"network\":\"%s\"}", g.network);
	const struct {
		const struct schema *schema;
		const char *path, *make, *id; /* make NULL: it is there already */
		const char *change;
	} rows[] = {
		{&schema_network, "/api/v1/networks", NULL, g.network, "{\"keepalive\":11}"},
		{&schema_group, "/api/v1/groups", group, NULL, "{\"listen_port\":50000}"},
		{&schema_policy, "/api/v1/policies", policy, NULL, "{\"enabled\":false}"},
		{&schema_device, "/api/v1/wireguard/clients", client, NULL,
			"{\"description\":\"x\"}"},
		{&schema_user, "/api/v1/users",
			"{\"name\":\"eve\",\"role\":\"loc-manager\",\"password\":"
			"\"correct horse battery\"}",
			NULL, "{\"enabled\":false}"},
		{&schema_role, "/api/v1/roles",
			"{\"name\":\"mine\",\"permissions\":[\"client:manage\"]}", NULL,
			"{\"description\":\"x\"}"},
		{&schema_issuer, "/api/v1/issuers", issuer, NULL, "{\"enabled\":false}"},
		{&schema_node, "/api/v1/nodes", NULL, g.node, "{\"enabled\":false}"},
		{&schema_project, "/api/v1/projects", NULL, f->project,
			"{\"granted_ranges\":[\"10.1.0.0/16\"]}"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char path[200], id[ID_LEN];
		struct err e = {0};

		id_copy(id,
			rows[i].make != NULL ? make(f, rows[i].path, rows[i].make) : rows[i].id);
		struct renaming r = {rows[i].schema, id};
		if (store_write_wait(f->control->store, give_old_name, &r, &e) < 0)
			fail_msg("%s: %s", rows[i].schema->name, e.text);
		snprintf(path, sizeof(path), "%s/%s", rows[i].path, id);
		ANSWER other = call(f, "PATCH", path, NULL, rows[i].change);
		if (other.status != 200)
			fail_msg("%s: %s", path, buf_str(&other.body));
		ANSWER worse = call(f, "PATCH", path, NULL, "{\"name\":\"\u202eworse\"}");
		expect_status(&worse, 400);
		assert_string_equal(answer_str(&worse, "field"), "name");
		ANSWER seen = call(f, "GET", path, NULL, NULL);
		expect_status(&seen, 200);
		assert_string_equal(answer_str(&seen, "name"), OLD);
	}
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
	const struct CMUnitTest tests[] = {cmocka_unit_test(names_that_are_there_stay)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
