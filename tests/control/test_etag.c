/* DOC: two people edit the same object: the slower one is told, whatever the object is. */
#include "serve.h"

#include "control/etag.h"

static struct fixture *f;
static struct gateway gateway;

static int setup(void **state)
{
	f = serve();
	gateway = make_gateway(f, "", "office", "gw one");
	return 0;
}

static int teardown(void **state)
{
	serve_end(f);
	return 0;
}

static void admits(void **state)
{
	static const struct {
		const char *if_match;
		bool want;
	} rows[] = {
		{"\"ab\"", true},
		{"*", true},
		{" * ", false}, /* the server trims values of headers */
		{"\"x\", \"ab\"", true},
		{"\"x\",\t\"a,b\" ,\"ab\"", true},
		{"\"a,b\"", false},
		{"W/\"ab\"", false},
		{"W/\"x\", \"ab\"", true},
		{"ab", false},
		{"\"ab", false},
		{"\"abc\"", false},
		{"\"a\"", false},
		{"", false},
		{"\"x\" ab", false},
		{"\"x\", *", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (etag_admits(rows[i].if_match, "\"ab\"") != rows[i].want)
			fail_msg("%s", rows[i].if_match);
}

/* if_match NULL = no such header. ret_etag "" when there is none. */
static struct answer ask(const char *method, const char *path, const char *if_match,
	const char *body, char ret_etag[static ETAG_LEN])
{
	AUTOFREE char *line = if_match ? mem_printf("If-Match: %s", if_match) : NULL;
	const char *const headers[] = {line, NULL};
	struct http_send send = {.method = method,
		.path = path,
		.headers = headers,
		.body = body,
		.body_len = body ? strlen(body) : 0};
	struct answer a = answer_of(&f->local, &send, path);

	ret_etag[0] = '\0';
	for (size_t i = 0; i < a.headers.n; i++)
		if (strncasecmp(a.headers.v[i], "ETag: ", 6) == 0)
			snprintf(ret_etag, ETAG_LEN, "%s", a.headers.v[i] + 6);
	return a;
}

static void expect_stale(const char *method, const char *path, const char *if_match)
{
	char none[ETAG_LEN];
	ANSWER a = ask(method, path, if_match,
		strcmp(method, "PATCH") == 0 ? "{\"name\":\"too late\"}" : NULL, none);

	expect_status(&a, 412);
	assert_string_equal(answer_str(&a, "field"), "If-Match");
	assert_string_equal(answer_str(&a, "code"), "stale");
	assert_string_equal(none, "");
}

/* The whole story of one object. */
static void edit(const char *path, const char *body, const char *other, bool delete)
{
	char first[ETAG_LEN], second[ETAG_LEN], third[ETAG_LEN], now[ETAG_LEN];

	{
		ANSWER a = ask("GET", path, NULL, NULL, first);
		expect_status(&a, 200);
		assert_int_equal(strlen(first), ETAG_LEN - 1);
	}
	{
		ANSWER a = ask("PATCH", path, first, body, second);
		expect_status(&a, 200);
		assert_string_not_equal(first, second);
	}
	{ /* a change that changes nothing */
		ANSWER a = ask("PATCH", path, second, body, now);
		expect_status(&a, 200);
		assert_string_equal(now, second);
	}
	expect_stale("PATCH", path, first);
	{
		ANSWER a = ask("GET", path, NULL, NULL, now);
		assert_string_equal(now, second); /* who was late changed nothing */
	}
	{
		ANSWER a = ask("PATCH", path, "*", other, third);
		expect_status(&a, 200);
		assert_string_not_equal(second, third);
	}
	{ /* who does not ask is not asked */
		ANSWER a = ask("PATCH", path, NULL, other, now);
		expect_status(&a, 200);
		assert_string_equal(now, third);
	}
	if (!delete)
		return;
	expect_stale("DELETE", path, second);
	ANSWER gone = ask("DELETE", path, third, NULL, now);
	expect_status(&gone, 200);
	assert_string_equal(now, "");
}

static void the_slower_editor_is_told(void **state)
{
	char network[ID_LEN], group[ID_LEN], client[ID_LEN];
	id_copy(network, make(f, "/api/v1/networks", "{\"name\":\"spare\"}"));
	id_copy(group, make(f, "/api/v1/groups", "{\"name\":\"b\",\"network\":\"spare\"}"));
	id_copy(client,
		make(f, "/api/v1/wireguard/clients", "{\"name\":\"c\",\"network\":\"office\"}"));
	const struct {
		const char *kind, *id, *body, *other;
		bool delete;
	} rows[] = {
		{"groups", group, "{\"name\":\"b2\"}", "{\"mode\":\"active-standby\"}", true},
		{"networks", network, "{\"name\":\"n2\"}", "{\"keepalive\":7}", true},
		{"wireguard/clients", client, "{\"name\":\"c2\"}", "{\"enabled\":false}", true},
		{"members", gateway.member, "{\"region\":\"eu\"}", "{\"region\":\"us\"}", false},
		{"nodes", gateway.node, "{\"name\":\"g2\"}", "{\"name\":\"g3\"}", true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTOFREE char *path = mem_printf("/api/v1/%s/%s", rows[i].kind, rows[i].id);

		edit(path, rows[i].body, rows[i].other, rows[i].delete);
	}
}

/* Handing a configuration out is noted in the row, and no edit. */
static void what_is_noted_is_no_edit(void **state)
{
	char id[ID_LEN], first[ETAG_LEN], now[ETAG_LEN];
	id_copy(id,
		make(f, "/api/v1/wireguard/clients", "{\"name\":\"d\",\"network\":\"office\"}"));
	AUTOFREE char *path = mem_printf("/api/v1/wireguard/clients/%s", id);
	AUTOFREE char *config = mem_printf("%s/config", path);
	AUTOFREE char *rotate = mem_printf("%s/rotate", path);

	{
		ANSWER a = ask("GET", path, NULL, NULL, first);
		ANSWER b = ask("GET", config, NULL, NULL, now);
		expect_status(&b, 200);
		assert_string_equal(now, ""); /* of another thing than the client */
		ANSWER c = ask("GET", path, NULL, NULL, now);
		assert_string_equal(now, first);
	}
	ANSWER d = ask("POST", rotate, NULL, "{}", now);
	expect_status(&d, 200);
	ANSWER e = ask("GET", path, NULL, NULL, now);
	assert_string_not_equal(now, first); /* a new key is one */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(admits),
		cmocka_unit_test(what_is_noted_is_no_edit),
		cmocka_unit_test(the_slower_editor_is_told),
	};

	return cmocka_run_group_tests_name("control etag", tests, setup, teardown);
}
