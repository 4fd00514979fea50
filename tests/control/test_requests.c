/*
 * DOC: hostile and mistaken requests in one table: what is sent, what status, which field the
 * answer names. And queries: paging, filters, sorting.
 */
#include "serve.h"

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

#define CLIENTS "/api/v1/wireguard/clients"
#define KEY_A "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

static const struct {
	const char *method, *path, *body;
	int status;
	const char *field; /* NULL = none asked for */
} hostile[] = {
	{"POST", CLIENTS, "", 400, NULL},
	{"POST", CLIENTS, "[]", 400, NULL},
	{"POST", CLIENTS, "{", 400, NULL},
	{"POST", CLIENTS, "{\"name\":\"a\",\"name\":\"b\"}", 400, NULL},
	{"POST", CLIENTS, "{\"name\":\"a\"} x", 400, NULL},
	{"POST", CLIENTS, "{}", 400, "name"},
	{"POST", CLIENTS, "{\"name\":null}", 400, "name"},
	{"POST", CLIENTS, "{\"name\":\"\"}", 400, "name"},
	{"POST", CLIENTS, "{\"name\":\"   \"}", 400, "name"},
	{"POST", CLIENTS, "{\"name\":7}", 400, "name"},
	{"POST", CLIENTS, "{\"name\":\"a\\nb\"}", 400, "name"},
	{"POST", CLIENTS, "{\"name\":\"a\\u0000b\"}", 400, NULL},
	{"POST", CLIENTS, "{\"name\":\"a\\u202eb\"}", 400, "name"},
	{"POST", CLIENTS, "{\"name\":\"a\\u2066b\"}", 400, "name"},
	{"POST", CLIENTS, "{\"name\":\"wpad\"}", 400, "name"},
	{"POST", CLIENTS, "{\"name\":\"LocalHost\"}", 400, "name"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"nmae\":\"b\"}", 400, "nmae"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"id\":\"cl_1\"}", 400, "id"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"project\":\"x\"}", 400, "project"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"ipv4\":\"172.30.100.9\"}", 400, "ipv4"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"dns_name\":\"b\"}", 400, "dns_name"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"kind\":\"site\"}", 400, "kind"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"config_hash\":\"\"}", 400, "config_hash"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"enabled\":\"yes\"}", 400, "enabled"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"mtu\":-1}", 400, "mtu"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"mtu\":1.5}", 400, "mtu"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"mtu\":600}", 400, "mtu"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"keepalive\":70000}", 400, "keepalive"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"expires_at\":\"soon\"}", 400, "expires_at"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"expires_at\":\"2001-01-01T00:00:00Z\"}", 400,
		"expires_at"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"allowed_ips\":[\"10.0.0.1/8\"]}", 400, NULL},
	{"POST", CLIENTS, "{\"name\":\"a\",\"dns\":[\"one\"]}", 400, NULL},
	{"POST", CLIENTS, "{\"name\":\"a\",\"network\":7}", 400, "network"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"network\":\"nowhere\"}", 404, "network"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"group\":\"nobody\"}", 404, "group"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"gateway\":\"nobody\"}", 404, "gateway"},
	{"POST", CLIENTS, "{\"name\":\"a\",\"public_key\":\"short\"}", 400, "public_key"},
	/* pad bits not zero */
	{"POST", CLIENTS,
		"{\"name\":\"a\",\"public_key\":\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF=\"}",
		400, "public_key"},
	{"POST", CLIENTS,
		"{\"name\":\"a\",\"public_key\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}",
		400, "public_key"},
	{"POST", CLIENTS "?link=1", "{\"name\":\"a\",\"public_key\":\"" KEY_A "\"}", 400, "link"},
	{"POST", CLIENTS "?qr=1&link=1", "{\"name\":\"a\"}", 400, "qr"},
	{"POST", CLIENTS "?qrr=1", "{\"name\":\"a\"}", 400, "qrr"},
	{"GET", CLIENTS "?nmae=x", NULL, 400, "nmae"},
	{"GET", CLIENTS "?config_hash=x", NULL, 400, "config_hash"},
	{"GET", CLIENTS "?limit=0", NULL, 400, "limit"},
	{"GET", CLIENTS "?limit=1001", NULL, 400, "limit"},
	{"GET", CLIENTS "?limit=-1", NULL, 400, "limit"},
	{"GET", CLIENTS "?enabled=maybe", NULL, 400, "enabled"},
	{"GET", CLIENTS "?sort=config_hash", NULL, 400, "sort"},
	{"GET", CLIENTS "?sort=name;drop", NULL, 400, "sort"},
	{"GET", CLIENTS "?after=junk", NULL, 400, NULL},
	{"GET", CLIENTS "?project=nowhere", NULL, 404, "project"},
	{"GET", CLIENTS "/cl_01932f00000000000000000000000000", NULL, 404, NULL},
	{"GET", CLIENTS "/..%2fnetworks", NULL, 404, NULL},
	{"GET", CLIENTS "/%27%20or%201=1", NULL, 404, NULL},
	{"PATCH", CLIENTS "/nobody", "{}", 404, NULL},
	{"DELETE", CLIENTS "/nobody", NULL, 404, NULL},
	{"PUT", CLIENTS "/nobody", "{}", 405, NULL},
	{"GET", "/api/v1/nothing", NULL, 404, NULL},
	{"POST", "/api/v1/networks", "{\"name\":\"n\",\"ipv4\":\"10.0.0.1/16\"}", 400, "ipv4"},
	{"POST", "/api/v1/networks", "{\"name\":\"office\"}", 409, "name"},
	{"POST", "/api/v1/networks", "{\"name\":\"n\",\"listen_port\":0}", 400, "listen_port"},
	{"POST", "/api/v1/networks", "{\"name\":\"n\",\"listen_port\":65536}", 400, "listen_port"},
	{"POST", "/api/v1/networks", "{\"name\":\"n\",\"topology\":\"star\"}", 400, "topology"},
	{"POST", "/api/v1/policies",
		"{\"name\":\"p\",\"rules\":[{\"from\":[\"x\"],\"to\":[\"*\"]}]}", 400, NULL},
	{"POST", "/api/v1/policies",
		"{\"name\":\"p\",\"rules\":[{\"from\":[\"*\"],\"to\":[\"*\"],\"protocol\":\"gre\"}]}",
		400, NULL},
	{"POST", "/api/v1/policies/what-if", "{\"rules\":[{\"from\":[\"x\"],\"to\":[\"*\"]}]}", 400,
		NULL},
	{"POST", "/api/v1/policies/what-if", "{\"policy\":\"nothing\"}", 404, "policy"},
	{"POST", "/api/v1/policies/what-if", "{\"remove\":1}", 400, "remove"},
	{"POST", "/api/v1/policies/what-if", "{\"network\":\"nowhere\"}", 404, "network"},
	{"POST", "/api/v1/policies/test", "{\"from\":\"*\"}", 400, "to"},
	{"POST", "/api/v1/policies/test", "{\"from\":\"nobody\",\"to\":\"10.0.0.1\"}", 404, "from"},
	{"POST", "/api/v1/policies/test",
		"{\"from\":\"10.0.0.2\",\"to\":\"10.0.0.1\",\"protocol\":\"gre\"}", 400,
		"protocol"},
	{"POST", "/api/v1/policies/test",
		"{\"from\":\"10.0.0.2\",\"to\":\"10.0.0.1\",\"protocol\":\"icmp\",\"port\":1}", 400,
		"port"},
	{"POST", "/api/v1/policies/test", "{\"from\":\"10.0.0.2\",\"to\":\"10.0.0.1\",\"ports\":1}",
		400, "ports"},
	{"POST", "/api/v1/tokens", "{\"name\":\"t\",\"kind\":\"join\",\"networks\":[\"nowhere\"]}",
		404, "networks"},
	{"POST", "/api/v1/tokens",
		"{\"name\":\"t\",\"kind\":\"api\",\"expires_at\":\"2001-01-01T00:00:00Z\"}", 400,
		"expires_at"},
	{"POST", "/api/v1/users", "{\"name\":\"u\",\"password\":\"short\"}", 400, "password"},
	{"POST", "/api/v1/users", "{\"name\":\"u\",\"password_hash\":\"x\"}", 400, "password_hash"},
	{"POST", "/once/once_1", "{}", 400, "token"},
	{"POST", "/once/once_1", "{\"token\":\"wot_x\"}", 410, NULL},
};

static void hostile_requests_are_named(void **state)
{
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		ANSWER a = call(f, hostile[i].method, hostile[i].path, NULL, hostile[i].body);
		const char *field = answer_str(&a, "field");

		if (a.status != hostile[i].status)
			fail_msg("%s %s %s: status %d instead of %d: %s", hostile[i].method,
				hostile[i].path, hostile[i].body ? hostile[i].body : "", a.status,
				hostile[i].status, buf_str(&a.body));
		if (hostile[i].field && (field == NULL || strcmp(field, hostile[i].field) != 0))
			fail_msg("%s %s %s: field %s instead of %s", hostile[i].method,
				hostile[i].path, hostile[i].body ? hostile[i].body : "",
				field ? field : "(none)", hostile[i].field);
		/* every refusal is a problem with its members */
		assert_non_null(answer_str(&a, "title"));
		assert_non_null(answer_str(&a, "detail"));
		assert_non_null(answer_str(&a, "code"));
		assert_int_equal(json_int(json_root(a.doc), "status", 0), hostile[i].status);
	}
	ANSWER left = call(f, "GET", CLIENTS, NULL, NULL);
	assert_int_equal(json_int(json_root(left.doc), "total", -1), 0);
}

static void a_large_body_is_413(void **state)
{
	size_t n = 2 * 1024 * 1024;
	char *body = mem_alloc(n + 1);
	memset(body, 'x', n);
	body[n] = '\0';
	ANSWER a = call(f, "POST", CLIENTS, NULL, body);
	expect_status(&a, 413);
	mem_free(body);
}

static void other_content_is_415(void **state)
{
	struct http_send send = {.method = "POST",
		.path = CLIENTS,
		.content_type = "text/plain",
		.body = "{\"name\":\"a\"}",
		.body_len = 12};
	ANSWER a = answer_of(&f->local, &send, CLIENTS);
	expect_status(&a, 415);
	assert_string_equal(answer_str(&a, "field"), "Content-Type");
}

static void lists_page_filter_and_sort(void **state)
{
	static const char *const names[] = {"delta", "alpha", "echo", "bravo", "charlie"};
	char body[80], path[200], seen[64] = "", next[128] = "";

	for (size_t i = 0; i < 5; i++) {
		snprintf(body, sizeof(body), "{\"name\":\"%s\",\"enabled\":%s}", names[i],
			i < 2 ? "false" : "true");
		make(f, CLIENTS, body);
	}
	for (int page = 0; page < 3; page++) {
		snprintf(path, sizeof(path), CLIENTS "?limit=2&sort=-name&after=%s", next);
		ANSWER a = call(f, "GET", path, NULL, NULL);
		expect_status(&a, 200);
		const struct json *items = json_get(json_root(a.doc), "items");
		assert_int_equal(json_int(json_root(a.doc), "total", 0), 5);
		assert_int_equal(json_count(items), page < 2 ? 2 : 1);
		assert_int_equal(
			json_count(json_get(json_root(a.doc), "clients")), page < 2 ? 2 : 1);
		for (size_t i = 0; i < json_count(items); i++)
			strncat(seen, json_str(json_at(items, i), "name"), 1);
		if (page < 2)
			copy_str(&a, "next", next, sizeof(next));
		else
			assert_true(json_is_null(json_root(a.doc), "next"));
	}
	assert_string_equal(seen, "edcba");
	ANSWER off = call(f, "GET", CLIENTS "?enabled=false", NULL, NULL);
	assert_int_equal(json_int(json_root(off.doc), "total", 0), 2);
	/* a time as answers write it; nothing for one that has not come */
	const struct json *first = json_at(json_get(json_root(off.doc), "items"), 0);
	snprintf(next, sizeof(next), "%s", json_str(first, "created_at"));
	snprintf(path, sizeof(path), CLIENTS "?created_at=%s", next);
	ANSWER then = call(f, "GET", path, NULL, NULL);
	expect_status(&then, 200);
	assert_true(json_int(json_root(then.doc), "total", 0) >= 1);
	ANSWER unseen =
		call(f, "GET", CLIENTS "?last_seen=&created_at=2001-01-01T00:00:00Z", NULL, NULL);
	expect_status(&unseen, 200);
	assert_int_equal(json_int(json_root(unseen.doc), "total", -1), 0);
	ANSWER unread = call(f, "GET", CLIENTS "?created_at=yesterday", NULL, NULL);
	expect_status(&unread, 400);
	assert_string_equal(answer_str(&unread, "field"), "created_at");
	ANSWER found = call(f, "GET", CLIENTS "?search=RAV", NULL, NULL);
	assert_int_equal(json_int(json_root(found.doc), "total", 0), 1);
	snprintf(path, sizeof(path), CLIENTS "?network=%s&name=echo", gateway.network);
	ANSWER named = call(f, "GET", path, NULL, NULL);
	assert_int_equal(json_int(json_root(named.doc), "total", 0), 1);
}

/* A policy that names what is gone can still be disabled. */
static void policies_outlive_what_they_name(void **state)
{
	char body[256], client[ID_LEN], policy[128];

	id_copy(client, make(f, CLIENTS, "{\"name\":\"named\"}"));
	snprintf(body, sizeof(body),
		"{\"name\":\"names one\",\"rules\":[{\"from\":[\"%s\"],\"to\":[\"nodes\"]}]}",
		client);
	snprintf(policy, sizeof(policy), "/api/v1/policies/%s", make(f, "/api/v1/policies", body));
	snprintf(body, sizeof(body), CLIENTS "/%s", client);
	ANSWER gone = call(f, "DELETE", body, NULL, NULL);
	expect_status(&gone, 200);
	ANSWER off = call(f, "PATCH", policy, NULL, "{\"enabled\":false}");
	expect_status(&off, 200);
}

static void pages_are_strict(void **state)
{
	static const char *const pages[] = {"/api/docs", "/once/once_1"};

	for (size_t i = 0; i < 2; i++) {
		ANSWER a = call(f, "GET", pages[i], "", NULL);
		bool policy = false;
		expect_status(&a, 200);
		VEC_FOREACH (h, &a.headers)
			if (strncasecmp(*h, "Content-Security-Policy:", 24) == 0) {
				policy = true;
				assert_non_null(strstr(*h, "default-src 'none'"));
				assert_non_null(strstr(*h, "script-src 'sha256-"));
				assert_non_null(strstr(*h, "style-src 'sha256-"));
				assert_null(strstr(*h, "unsafe"));
			}
		assert_true(policy);
		/* nothing from elsewhere */
		assert_null(strstr(buf_str(&a.body), "http://"));
		assert_null(strstr(buf_str(&a.body), "https://"));
		assert_null(strstr(buf_str(&a.body), " onclick="));
	}
}

static const char *header_of(const struct answer *a, const char *name)
{
	size_t n = strlen(name);
	VEC_FOREACH (h, &a->headers)
		if (strncasecmp(*h, name, n) == 0 && (*h)[n] == ':')
			return *h + n + 1 + strspn(*h + n + 1, " ");
	return "";
}

/* What comes for a file of the panel with one more header; 0 when no panel was built. */
static struct answer fetch(const char *path, const char *header)
{
	struct http_send send = {
		.method = "GET", .path = path, .headers = (const char *const[]){header, NULL}};
	return answer_of(&f->tls, &send, path);
}

static void the_panel_is_strict_and_cached(void **state)
{
	ANSWER page = call(f, "GET", "/", "", NULL);
	char etag[80], again[100];

	expect_status(&page, 200);
	const char *policy = header_of(&page, "Content-Security-Policy");
	assert_non_null(strstr(policy, "default-src 'none'"));
	assert_null(strstr(policy, "unsafe"));
	assert_null(strstr(buf_str(&page.body), "http://"));
	assert_null(strstr(buf_str(&page.body), "https://"));
	if (strstr(policy, "'sha256-")) {
		assert_string_equal(header_of(&page, "Cache-Control"), "no-store");
		return; /* the plain page: -Dpanel=false */
	}
	assert_non_null(strstr(policy, "script-src 'self';"));
	assert_null(strstr(buf_str(&page.body), "<style"));
	assert_null(strstr(buf_str(&page.body), " style="));
	snprintf(etag, sizeof(etag), "%s", header_of(&page, "ETag"));
	assert_true(etag[0] == '"');
	snprintf(again, sizeof(again), "If-None-Match: %s", etag);
	ANSWER known = fetch("/", again);
	expect_status(&known, 304);
	assert_int_equal(known.body.len, 0);

	/* the script, as named in the page: kept for ever, packed for whoever takes it */
	const char *at = strstr(buf_str(&page.body), "/assets/");
	assert_non_null(at);
	char script[128];
	snprintf(script, sizeof(script), "%.*s", (int)strcspn(at, "\""), at);
	ANSWER plain = fetch(script, "Accept-Encoding: identity");
	expect_status(&plain, 200);
	assert_non_null(strstr(header_of(&plain, "Cache-Control"), "immutable"));
	assert_string_equal(header_of(&plain, "X-Content-Type-Options"), "nosniff");
	ANSWER packed = fetch(script, "Accept-Encoding: gzip");
	assert_string_equal(header_of(&packed, "Content-Encoding"), "gzip");
	assert_true(packed.body.len > 0);
	ANSWER none = call(f, "GET", "/assets/no-such-file.js", "", NULL);
	expect_status(&none, 404);
	ANSWER up = call(f, "GET", "/assets/..%2findex.html", "", NULL);
	expect_status(&up, 404);
}

static void clients_are_filtered_by_state_and_tag(void **state)
{
	char path[256], next[128] = "", body[96];
	int found = 0;

	for (int i = 0; i < 5; i++) {
		snprintf(body, sizeof(body),
			"{\"name\":\"tagged %d\",\"tags\":[\"even%d\",\"all\"]}", i, i % 2);
		make(f, CLIENTS, body);
	}
	ANSWER even = call(f, "GET", CLIENTS "?tag=even0", NULL, NULL);
	assert_int_equal(json_int(json_root(even.doc), "total", 0), 3);
	ANSWER never = call(f, "GET", CLIENTS "?tag=all&link_state=never", NULL, NULL);
	assert_int_equal(json_int(json_root(never.doc), "total", 0), 5);
	ANSWER online = call(f, "GET", CLIENTS "?link_state=online", NULL, NULL);
	assert_int_equal(json_int(json_root(online.doc), "total", -1), 0);
	ANSWER wrong = call(f, "GET", CLIENTS "?link_state=sleeping", NULL, NULL);
	expect_status(&wrong, 400);
	assert_string_equal(answer_str(&wrong, "field"), "link_state");
	/* pages of it: every one once */
	for (int page = 0; page < 4; page++) {
		snprintf(path, sizeof(path), CLIENTS "?tag=all&limit=2&sort=name&after=%s", next);
		ANSWER a = call(f, "GET", path, NULL, NULL);
		expect_status(&a, 200);
		assert_int_equal(json_int(json_root(a.doc), "total", 0), 5);
		found += (int)json_count(json_get(json_root(a.doc), "items"));
		if (json_is_null(json_root(a.doc), "next"))
			break;
		copy_str(&a, "next", next, sizeof(next));
	}
	assert_int_equal(found, 5);
}

/* Nobody makes the server unpack anything before it is known who calls. */
static void packed_bodies_of_strangers_stay_packed(void **state)
{
	static const char *const headers[] = {
		"Content-Type: application/json", "Content-Encoding: gzip", NULL};
	struct http_send send = {.method = "POST",
		.path = CLIENTS,
		.headers = headers,
		.body = "no gzip",
		.body_len = 7};
	ANSWER stranger = answer_of(&f->tls, &send, CLIENTS);
	expect_status(&stranger, 401);
	ANSWER known = answer_of(&f->local, &send, CLIENTS);
	expect_status(&known, 400);
}

static void metrics_are_text_for_scrapers(void **state)
{
	static const char *const prometheus[] = {
		"Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2", NULL};
	struct http_send send = {.method = "GET", .path = "/metrics", .headers = prometheus};
	ANSWER nobody = call(f, "GET", "/metrics", "", NULL);
	expect_status(&nobody, 401);
	ANSWER plain = call(f, "GET", "/metrics", NULL, NULL);
	expect_status(&plain, 200);
	const char *text = buf_str(&plain.body);
	assert_non_null(strstr(text, "warren_objects{kind=\"network\"} 1\n"));
	assert_non_null(strstr(text, "warren_streams 0\n"));
	assert_non_null(strstr(text, "# TYPE warren_events_sent_total counter\n"));
	assert_non_null(strstr(text, "\nwarren_devices{project=\""));
	assert_null(strstr(text, "# EOF"));
	ANSWER open = answer_of(&f->local, &send, "/metrics");
	expect_status(&open, 200);
	text = buf_str(&open.body);
	assert_non_null(strstr(text, "# TYPE warren_events_sent counter\n"));
	assert_non_null(strstr(text, "\nwarren_events_sent_total 0\n"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	/* A request is counted when it has ended, which the client may see a little earlier. */
	for (int i = 0; i < 200; i++) {
		ANSWER again = call(f, "GET", "/metrics", NULL, NULL);
		if (strstr(buf_str(&again.body), "route=\"/metrics\",status=\"401\"} 1\n"))
			return;
	}
	fail_msg("the refused request was never counted");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_requests_are_named),
		cmocka_unit_test(a_large_body_is_413),
		cmocka_unit_test(other_content_is_415),
		cmocka_unit_test(lists_page_filter_and_sort),
		cmocka_unit_test(policies_outlive_what_they_name),
		cmocka_unit_test(pages_are_strict),
		cmocka_unit_test(the_panel_is_strict_and_cached),
		cmocka_unit_test(clients_are_filtered_by_state_and_tag),
		cmocka_unit_test(packed_bodies_of_strangers_stay_packed),
		cmocka_unit_test(metrics_are_text_for_scrapers),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
