/*
 * DOC: signing in: cookies, one-time passwords, what a browser may be tricked into, and how many
 * guesses there are.
 */
#include "serve.h"

static struct fixture *f;
static struct clock now; /* stands still: no guess is forgiven while a slow machine counts them */
static char cookie[256], password[64];

static int setup(void **state)
{
	now = clock_fake(1800000000000, 1000000);
	f = serve_by(&now);
	ANSWER a = call(
		f, "POST", "/api/v1/users", NULL, "{\"name\":\"admin\",\"role\":\"system-admin\"}");
	expect_status(&a, 201);
	copy_str(&a, "password", password, sizeof(password));
	assert_true(json_bool(json_root(a.doc), "must_change_password", false));
	assert_null(strstr(buf_str(&a.body), "argon2"));
	return 0;
}

static int teardown(void **state)
{
	serve_end(f);
	return 0;
}

/* By cookie over TLS, with up to two more headers. */
static struct answer browse(const char *method, const char *path, const char *body,
	const char *header, const char *other)
{
	char line[300];
	const char *headers[4] = {0};
	size_t n = 0;
	struct http_send send = {.method = method,
		.path = path,
		.content_type = "application/json",
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.headers = headers};

	snprintf(line, sizeof(line), "Cookie: warren_session=%s", cookie);
	if (cookie[0])
		headers[n++] = line;
	if (header)
		headers[n++] = header;
	if (other)
		headers[n++] = other;
	return answer_of(&f->tls, &send, path);
}

static struct answer sign_in(const char *name, const char *with)
{
	char body[200];

	snprintf(body, sizeof(body), "{\"name\":\"%s\",\"password\":\"%s\"}", name, with);
	cookie[0] = '\0';
	struct answer a = browse("POST", "/api/v1/login", body, NULL, NULL);
	VEC_FOREACH (h, &a.headers)
		if (strncasecmp(*h, "Set-Cookie: warren_session=", 27) == 0) {
			snprintf(cookie, sizeof(cookie), "%.*s", (int)strcspn(*h + 27, ";"),
				*h + 27);
			assert_non_null(strstr(*h, "HttpOnly"));
			assert_non_null(strstr(*h, "SameSite=Strict"));
			assert_non_null(strstr(*h, "Secure"));
		}
	return a;
}

static void a_one_time_password_only_changes_itself(void **state)
{
	char body[200];
	ANSWER a = sign_in("admin", password);

	expect_status(&a, 200);
	assert_true(json_bool(json_root(a.doc), "must_change_password", false));
	ANSWER refused = browse("GET", "/api/v1/projects", NULL, NULL, NULL);
	expect_status(&refused, 403);
	ANSWER me = browse("GET", "/api/v1/me", NULL, NULL, NULL);
	expect_status(&me, 200);
	snprintf(
		body, sizeof(body), "{\"current\":\"%s\",\"password\":\"%s\"}", password, password);
	ANSWER same = browse("POST", "/api/v1/me/password", body, NULL, NULL);
	expect_status(&same, 400);
	ANSWER wrong = browse("POST", "/api/v1/me/password",
		"{\"current\":\"not this\",\"password\":\"correct horse battery\"}", NULL, NULL);
	expect_status(&wrong, 403);
	snprintf(body, sizeof(body), "{\"current\":\"%s\",\"password\":\"correct horse battery\"}",
		password);
	ANSWER changed = browse("POST", "/api/v1/me/password", body, NULL, NULL);
	expect_status(&changed, 200);
	ANSWER open = browse("GET", "/api/v1/projects", NULL, NULL, NULL);
	expect_status(&open, 200);
	strcpy(password, "correct horse battery");
}

static void browsers_are_not_tricked(void **state)
{
	ANSWER in = sign_in("admin", password);
	char host[80], origin[80];
	expect_status(&in, 200);
	snprintf(origin, sizeof(origin), "Origin: https://127.0.0.1:%u", control_port(f->control));
	snprintf(host, sizeof(host), "Host: rebound.example.com:%u", control_port(f->control));

	ANSWER foreign = browse("POST", "/api/v1/projects", "{\"name\":\"x\"}",
		"Origin: https://evil.example", NULL);
	expect_status(&foreign, 403);
	assert_string_equal(answer_str(&foreign, "field"), "Origin");
	ANSWER null = browse("POST", "/api/v1/projects", "{\"name\":\"x\"}", "Origin: null", NULL);
	expect_status(&null, 403);
	ANSWER rebound = browse("GET", "/api/v1/projects", NULL, host, NULL);
	expect_status(&rebound, 403);
	assert_string_equal(answer_str(&rebound, "field"), "Host");
	ANSWER login = browse("POST", "/api/v1/login", "{\"name\":\"admin\",\"password\":\"x\"}",
		"Origin: https://evil.example", NULL);
	expect_status(&login, 403);
	ANSWER own = browse("POST", "/api/v1/projects", "{\"name\":\"mine\"}", origin, NULL);
	expect_status(&own, 201);
}

static void signing_out_ends_it(void **state)
{
	ANSWER in = sign_in("admin", password);
	expect_status(&in, 200);
	ANSWER out = browse("POST", "/api/v1/logout", "{}", NULL, NULL);
	expect_status(&out, 200);
	ANSWER after = browse("GET", "/api/v1/me", NULL, NULL, NULL);
	expect_status(&after, 401);
}

static void a_disabled_user_is_out(void **state)
{
	char path[100];
	ANSWER made = call(f, "POST", "/api/v1/users?project=default", NULL,
		"{\"name\":\"carl\",\"role\":\"loc-manager\",\"password\":\"long enough\"}");
	expect_status(&made, 201);
	assert_null(answer_str(&made, "password"));
	ANSWER in = sign_in("carl", "long enough");
	expect_status(&in, 200);
	ANSWER scoped = browse("GET", "/api/v1/me", NULL, NULL, NULL);
	assert_string_equal(answer_str(&scoped, "project"), f->project);
	snprintf(path, sizeof(path), "/api/v1/users/%s", answer_str(&made, "id"));
	ANSWER off = call(f, "PATCH", path, NULL, "{\"enabled\":false}");
	expect_status(&off, 200);
	ANSWER after = browse("GET", "/api/v1/me", NULL, NULL, NULL);
	expect_status(&after, 401);
	ANSWER again = sign_in("carl", "long enough");
	expect_status(&again, 401);
	snprintf(path, sizeof(path), "/api/v1/users/%s/password", answer_str(&made, "id"));
	ANSWER reset = call(f, "POST", path, NULL, "{}");
	expect_status(&reset, 200);
	assert_non_null(answer_str(&reset, "password"));
}

static void guesses_run_out(void **state)
{
	int refused = 0;

	for (int i = 0; i < 14; i++) {
		ANSWER a = sign_in("nobody", "wrong password");
		if (a.status == 429) {
			bool said = false;
			VEC_FOREACH (h, &a.headers)
				said = said || strncasecmp(*h, "Retry-After: ", 13) == 0;
			assert_true(said);
			refused++;
		} else {
			expect_status(&a, 401);
		}
	}
	assert_int_equal(refused, 6); /* two of the ten had failed here before */
	/* the right password does not help at this address either */
	ANSWER in = sign_in("admin", password);
	expect_status(&in, 429);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_one_time_password_only_changes_itself),
		cmocka_unit_test(browsers_are_not_tricked),
		cmocka_unit_test(signing_out_ends_it),
		cmocka_unit_test(a_disabled_user_is_out),
		cmocka_unit_test(guesses_run_out),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
