/*
 * DOC: accounts as time passes: the second step and its codes, sessions, tokens and who made them,
 * failures in the audit log, pruning, clients whose time has come. The clock is moved by hand.
 */
#include "serve.h"

#include "base/text.h"
#include "control/janitor.h"

#include <liboath/oath.h>

#define MINUTE ((msec)60 * 1000)
#define HOUR (60 * MINUTE)

static struct fixture *f;
static struct clock now;
static char cookie[256];

static int setup(void **state)
{
	now = clock_fake(1800000000000, 1000000);
	f = serve_by(&now);
	return 0;
}

static int teardown(void **state)
{
	serve_end(f);
	return 0;
}

static void pass(msec by)
{
	now.fake_wall += by;
	now.fake_mono += by;
}

/* By cookie over TLS. */
static struct answer browse(const char *method, const char *path, const char *body)
{
	char line[300];
	const char *headers[] = {cookie[0] ? line : NULL, NULL};
	struct http_send send = {.method = method,
		.path = path,
		.content_type = "application/json",
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.headers = headers};

	snprintf(line, sizeof(line), "Cookie: warren_session=%s", cookie);
	return answer_of(&f->tls, &send, path);
}

static void expect(const char *method, const char *path, const char *body, int status)
{
	ANSWER a = browse(method, path, body);

	expect_status(&a, status);
}

static struct answer sign_in(const char *name, const char *password, const char *code)
{
	char body[300];

	snprintf(body, sizeof(body), "{\"name\":\"%s\",\"password\":\"%s\"%s%s%s}", name, password,
		code ? ",\"code\":\"" : "", code ? code : "", code ? "\"" : "");
	cookie[0] = '\0';
	struct answer a = browse("POST", "/api/v1/login", body);
	VEC_FOREACH (h, &a.headers)
		if (strncasecmp(*h, "Set-Cookie: warren_session=", 27) == 0)
			snprintf(cookie, sizeof(cookie), "%.*s", (int)strcspn(*h + 27, ";"),
				*h + 27);
	return a;
}

static void signs_in(const char *name, const char *password, const char *code, int status)
{
	ANSWER a = sign_in(name, password, code);

	expect_status(&a, status);
}

static void make_user(const char *name, const char *rights, char id[static ID_LEN])
{
	char body[300];

	snprintf(body, sizeof(body), "{\"name\":\"%s\",\"password\":\"long enough\",%s}", name,
		rights);
	id_copy(id, make(f, "/api/v1/users?project=default", body));
}

static const char *code_at(const char *secret, msec t, char ret[static 7])
{
	char *raw = NULL;
	size_t n = 0;

	assert_int_equal(oath_base32_decode(secret, strlen(secret), &raw, &n), OATH_OK);
	assert_int_equal(oath_totp_generate(raw, n, (time_t)(t / 1000), 30, 0, 6, ret), OATH_OK);
	free(raw);
	return ret;
}

static void the_second_step(void **state)
{
	char id[ID_LEN], secret[64], code[7], body[160], recovery[3][40], path[100];
	make_user("ann", "\"role\":\"viewer\"", id);
	signs_in("ann", "long enough", NULL, 200);
	expect("POST", "/api/v1/me/totp", "{\"password\":\"not this one\"}", 403);
	expect("POST", "/api/v1/me/totp/confirm", "{\"code\":\"123456\"}", 404);
	ANSWER begun = browse("POST", "/api/v1/me/totp", "{\"password\":\"long enough\"}");
	expect_status(&begun, 200);
	copy_str(&begun, "secret", secret, sizeof(secret));
	assert_int_equal(strlen(secret), 32);
	assert_non_null(strstr(answer_str(&begun, "uri"), "otpauth://totp/Warren:ann?secret="));
	assert_non_null(strstr(answer_str(&begun, "uri"), secret));
	/* it counts only once a code was given */
	signs_in("ann", "long enough", NULL, 200);
	expect("POST", "/api/v1/me/totp/confirm", "{\"code\":\"12345\"}", 403);
	snprintf(body, sizeof(body), "{\"code\":\"%s\"}", code_at(secret, now.fake_wall, code));
	ANSWER on = browse("POST", "/api/v1/me/totp/confirm", body);
	expect_status(&on, 200);
	const struct json *codes = json_get(json_root(on.doc), "recovery_codes");
	assert_int_equal(json_count(codes), 10);
	for (size_t i = 0; i < 3; i++) {
		CLEANUP(buf_done) struct buf text = {0};
		json_text(json_at(codes, i), &text);
		snprintf(recovery[i], sizeof(recovery[i]), "%s", buf_str(&text));
	}
	ANSWER me = browse("GET", "/api/v1/me", NULL);
	assert_true(json_bool(json_root(me.doc), "totp", false));
	expect("POST", "/api/v1/me/totp", "{\"password\":\"long enough\"}", 409);

	/* asked for, once the password was right, and only then */
	ANSWER asked = sign_in("ann", "long enough", NULL);
	expect_status(&asked, 401);
	assert_string_equal(answer_str(&asked, "field"), "code");
	assert_string_equal(cookie, "");
	ANSWER wrong = sign_in("ann", "wrong password", code);
	expect_status(&wrong, 401);
	assert_string_equal(answer_str(&wrong, "field") ? answer_str(&wrong, "field") : "", "");
	/* the one that confirmed is used up; so is every other after its first time */
	signs_in("ann", "long enough", code, 401);
	signs_in("ann", "long enough", code_at(secret, now.fake_wall + 30000, code), 200);
	signs_in("ann", "long enough", code, 401);
	pass(2 * MINUTE);
	signs_in("ann", "long enough", code_at(secret, now.fake_wall - 60000, code), 401);
	signs_in("ann", "long enough", code_at(secret, now.fake_wall + 60000, code), 401);
	pass(10 * MINUTE);
	signs_in("ann", "long enough", code_at(secret, now.fake_wall - 30000, code), 200);
	pass(MINUTE);
	signs_in("ann", "long enough", code_at(secret, now.fake_wall, code), 200);
	/* recovery codes, each once */
	signs_in("ann", "long enough", recovery[0], 200);
	signs_in("ann", "long enough", recovery[0], 401);
	signs_in("ann", "long enough", recovery[1], 200);

	/* guesses run out, for who knows the password as well */
	pass(20 * MINUTE);
	int status = 401;
	for (int i = 0; i < 6 && status == 401; i++) {
		ANSWER guess = sign_in("ann", "long enough", "000000");
		status = guess.status;
	}
	assert_int_equal(status, 429);
	pass(20 * MINUTE);

	/* off with the password and a code, so that who found a browser open does not do it; an
	 * admin can, too */
	signs_in("ann", "long enough", code_at(secret, now.fake_wall, code), 200);
	expect("POST", "/api/v1/me/totp/disable", "{\"password\":\"not this one\"}", 403);
	ANSWER alone = browse("POST", "/api/v1/me/totp/disable", "{\"password\":\"long enough\"}");
	expect_status(&alone, 403);
	assert_string_equal(answer_str(&alone, "field"), "code");
	snprintf(body, sizeof(body), "{\"password\":\"long enough\",\"code\":\"%s\"}", code);
	expect("POST", "/api/v1/me/totp/disable", body, 403); /* it was used to sign in */
	ANSWER still = browse("GET", "/api/v1/me", NULL);
	assert_true(json_bool(json_root(still.doc), "totp", false));
	snprintf(body, sizeof(body), "{\"password\":\"long enough\",\"code\":\"%s\"}", recovery[2]);
	expect("POST", "/api/v1/me/totp/disable", body, 200);
	signs_in("ann", "long enough", NULL, 200);
	ANSWER again = browse("POST", "/api/v1/me/totp", "{\"password\":\"long enough\"}");
	expect_status(&again, 200);
	copy_str(&again, "secret", secret, sizeof(secret));
	snprintf(body, sizeof(body), "{\"code\":\"%s\"}", code_at(secret, now.fake_wall, code));
	expect("POST", "/api/v1/me/totp/confirm", body, 200);
	signs_in("ann", "long enough", NULL, 401);
	snprintf(path, sizeof(path), "/api/v1/users/%s/totp", id);
	ANSWER reset = call(f, "DELETE", path, NULL, NULL);
	expect_status(&reset, 200);
	signs_in("ann", "long enough", NULL, 200);
}

/* The secret is nowhere in clear. */
static void the_second_step_is_sealed(void **state)
{
	char id[ID_LEN], secret[64];
	char *raw = NULL;
	size_t n = 0;
	make_user("sealed", "\"role\":\"viewer\"", id);
	signs_in("sealed", "long enough", NULL, 200);
	ANSWER begun = browse("POST", "/api/v1/me/totp", "{\"password\":\"long enough\"}");
	expect_status(&begun, 200);
	copy_str(&begun, "secret", secret, sizeof(secret));
	assert_int_equal(oath_base32_decode(secret, strlen(secret), &raw, &n), OATH_OK);
	must_not_hold(f->dir, "the second step", secret, strlen(secret));
	must_not_hold(f->dir, "the second step", raw, n);
	free(raw);
}

static void sessions_end(void **state)
{
	char id[ID_LEN], first[256], path[100];
	make_user("bea", "\"role\":\"viewer\"", id);
	signs_in("bea", "long enough", NULL, 200);
	strcpy(first, cookie);
	signs_in("bea", "long enough", NULL, 200);
	ANSWER list = browse("GET", "/api/v1/me/sessions", NULL);
	expect_status(&list, 200);
	const struct json *items = json_get(json_root(list.doc), "items");
	assert_int_equal(json_count(items), 2);
	size_t other = json_bool(json_at(items, 0), "current", false) ? 1 : 0;
	assert_false(json_bool(json_at(items, other), "current", false));
	assert_string_equal(json_str(json_at(items, other), "address"), "127.0.0.1");
	assert_null(strstr(buf_str(&list.body), "hash"));
	/* one of mine; not somebody else's */
	ANSWER root = call(f, "DELETE", "/api/v1/me/sessions", NULL, NULL);
	expect_status(&root, 403);
	snprintf(path, sizeof(path), "/api/v1/me/sessions/%s",
		json_str(json_at(items, other), "id"));
	char mine[256];
	strcpy(mine, cookie);
	signs_in("ann", "long enough", NULL, 200);
	expect("DELETE", path, NULL, 404);
	strcpy(cookie, mine);
	expect("DELETE", path, NULL, 200);
	strcpy(cookie, first);
	expect("GET", "/api/v1/me", NULL, 401);
	/* idle: two hours; each call counts */
	strcpy(cookie, mine);
	for (int i = 0; i < 5; i++) {
		pass(110 * MINUTE);
		expect("GET", "/api/v1/me", NULL, 200);
		settle(f);
	}
	pass(110 * MINUTE);
	expect("GET", "/api/v1/me", NULL, 200);
	settle(f);
	/* and the end of all: twelve hours */
	pass(70 * MINUTE);
	expect("GET", "/api/v1/me", NULL, 401);
	signs_in("bea", "long enough", NULL, 200);
	pass(121 * MINUTE);
	expect("GET", "/api/v1/me", NULL, 401);
	/* as set */
	ANSWER odd = call(f, "PATCH", "/api/v1/settings", NULL, "{\"session_idle_minutes\":0}");
	expect_status(&odd, 400);
	ANSWER unknown = call(f, "PATCH", "/api/v1/settings", NULL, "{\"colour\":1}");
	expect_status(&unknown, 400);
	ANSWER set = call(f, "PATCH", "/api/v1/settings", NULL, "{\"session_idle_minutes\":5}");
	expect_status(&set, 200);
	assert_int_equal(json_int(json_root(set.doc), "session_idle_minutes", 0), 5);
	signs_in("bea", "long enough", NULL, 200);
	pass(6 * MINUTE);
	expect("GET", "/api/v1/me", NULL, 401);
	ANSWER back = call(f, "PATCH", "/api/v1/settings", NULL, "{\"session_idle_minutes\":120}");
	expect_status(&back, 200);
	/* an admin ends them all */
	signs_in("bea", "long enough", NULL, 200);
	snprintf(path, sizeof(path), "/api/v1/users/%s/sessions", id);
	ANSWER ended = call(f, "DELETE", path, NULL, NULL);
	expect_status(&ended, 200);
	expect("GET", "/api/v1/me", NULL, 401);
}

static void bearer_gets(const char *token, const char *path, int status)
{
	ANSWER a = call(f, "GET", path, token, NULL);

	expect_status(&a, status);
}

static void tokens_act_for_their_maker(void **state)
{
	char id[ID_LEN], token[128], child[128], path[100], until[CLOCK_TEXT_LEN], body[200];
	make_user("carl", "\"role\":\"org-admin\"", id);
	snprintf(path, sizeof(path), "/api/v1/users/%s", id);
	signs_in("carl", "long enough", NULL, 200);
	ANSWER made = browse("POST", "/api/v1/tokens",
		"{\"kind\":\"api\",\"name\":\"ci\",\"role\":\"org-admin\"}");
	expect_status(&made, 201);
	copy_str(&made, "token", token, sizeof(token));
	assert_string_equal(answer_str(&made, "created_by"), id);
	ANSWER more = call(f, "POST", "/api/v1/tokens", token,
		"{\"kind\":\"api\",\"name\":\"child\",\"role\":\"org-admin\"}");
	expect_status(&more, 201);
	copy_str(&more, "token", child, sizeof(child));
	assert_string_equal(answer_str(&more, "created_by"), id); /* the user behind it */
	bearer_gets(child, "/api/v1/users", 200);
	/* with what its maker holds now, no more */
	ANSWER less = call(f, "PATCH", path, NULL, "{\"role\":\"viewer\"}");
	expect_status(&less, 200);
	bearer_gets(token, "/api/v1/users", 403);
	bearer_gets(child, "/api/v1/networks", 200);
	ANSWER scoped = call(f, "PATCH", path, NULL, "{\"scopes\":[\"tag:x\"]}");
	expect_status(&scoped, 200);
	bearer_gets(child, "/api/v1/networks", 403);
	ANSWER more_again = call(f, "PATCH", path, NULL, "{\"role\":\"org-admin\",\"scopes\":[]}");
	expect_status(&more_again, 200);
	bearer_gets(child, "/api/v1/users", 200);
	/* not while they are disabled */
	ANSWER off = call(f, "PATCH", path, NULL, "{\"enabled\":false}");
	expect_status(&off, 200);
	bearer_gets(token, "/api/v1/networks", 401);
	bearer_gets(child, "/api/v1/networks", 401);
	ANSWER on = call(f, "PATCH", path, NULL, "{\"enabled\":true}");
	expect_status(&on, 200);
	bearer_gets(token, "/api/v1/networks", 200);
	/* gone with them */
	ANSWER gone = call(f, "DELETE", path, NULL, NULL);
	expect_status(&gone, 200);
	bearer_gets(token, "/api/v1/networks", 401);
	bearer_gets(child, "/api/v1/networks", 401);
	ANSWER left = call(f, "GET", "/api/v1/tokens?project=default&name=ci", NULL, NULL);
	assert_int_equal(json_int(json_root(left.doc), "total", -1), 0);
	/* and with their time */
	clock_format(now.fake_wall + HOUR, until);
	snprintf(body, sizeof(body),
		"{\"kind\":\"api\",\"name\":\"brief\",\"role\":\"viewer\",\"expires_at\":\"%s\"}",
		until);
	ANSWER brief = call(f, "POST", "/api/v1/tokens?project=default", NULL, body);
	expect_status(&brief, 201);
	copy_str(&brief, "token", token, sizeof(token));
	bearer_gets(token, "/api/v1/networks", 200);
	pass(HOUR);
	bearer_gets(token, "/api/v1/networks", 401);
}

/* Nobody joins by what somebody left behind. */
static void join_tokens_end_with_their_maker(void **state)
{
	static const struct {
		const char *change;
		int status;
	} rows[] = {{"{\"enabled\":false}", 401}, {"{\"enabled\":true}", 201}};
	char id[ID_LEN], token[256], path[100], body[600];
	make(f, "/api/v1/networks?project=default", "{\"name\":\"joined\"}");
	make_user("jim", "\"role\":\"org-admin\"", id);
	signs_in("jim", "long enough", NULL, 200);
	ANSWER made = browse("POST", "/api/v1/tokens",
		"{\"kind\":\"join\",\"name\":\"j\",\"networks\":[\"joined\"]}");
	expect_status(&made, 201);
	copy_str(&made, "token", token, sizeof(token));
	snprintf(path, sizeof(path), "/api/v1/users/%s", id);
	snprintf(body, sizeof(body),
		"{\"token\":\"%s\",\"hostname\":\"n1\",\"public_key\":"
		"\"YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=\"}",
		token);
	for (size_t i = 0; i < 2; i++) {
		struct http_target agents = {
			.base = mem_printf("https://127.0.0.1:%u", control_agent_port(f->control)),
			.insecure = true};
		struct http_send send = {.method = "POST",
			.path = "/v1/register",
			.bearer = token,
			.content_type = "application/json",
			.body = body,
			.body_len = strlen(body)};
		ANSWER changed = call(f, "PATCH", path, NULL, rows[i].change);
		expect_status(&changed, 200);
		ANSWER joined = answer_of(&agents, &send, "/v1/register");
		expect_status(&joined, rows[i].status);
		http_target_done(&agents);
	}
}

static int64_t lines(const char *action, const char *object)
{
	char path[200];

	settle(f);
	snprintf(path, sizeof(path), "/api/v1/audit?action=%s&object=%s", action, object);
	ANSWER a = call(f, "GET", path, NULL, NULL);
	expect_status(&a, 200);
	return json_int(json_root(a.doc), "total", -1);
}

static void failures_are_written_down(void **state)
{
	char id[ID_LEN];
	make_user("dora", "\"role\":\"viewer\"", id);
	for (int i = 0; i < 9; i++)
		signs_in("dora", "wrong password", NULL, 401);
	assert_int_equal(lines("session.refused", id), 1);
	pass(MINUTE);
	signs_in("dora", "wrong password", NULL, 401);
	assert_int_equal(lines("session.refused", id), 2); /* the tenth */
	for (int i = 0; i < 20; i++) {
		pass(MINUTE);
		signs_in("nobody", "wrong password", NULL, 401);
	}
	assert_int_equal(lines("session.refused", ""), 2);
	signs_in("dora", "long enough", NULL, 200);
	assert_int_equal(lines("session.login", ""), 0);
	ANSWER a =
		call(f, "GET", "/api/v1/audit?action=session.login&sort=-id&limit=1", NULL, NULL);
	assert_non_null(strstr(buf_str(&a.body), "after 10 failures"));
}

/* Whoever guesses from elsewhere keeps nobody out of where they usually are. */
static void guessing_locks_nobody_out(void **state)
{
	char id[ID_LEN], body[200];
	make_user("erin", "\"role\":\"viewer\"", id);
	pass(HOUR);
	signs_in("erin", "long enough", NULL, 200); /* from 127.0.0.1; the rest by the socket */
	snprintf(body, sizeof(body), "{\"name\":\"erin\",\"password\":\"wrong password\"}");
	for (int i = 0; i < 15; i++) {
		ANSWER a = call(f, "POST", "/api/v1/login", NULL, body);
		assert_true(a.status == 401 || a.status == 429);
	}
	signs_in("erin", "long enough", NULL, 200);
}

static void the_audit_log_is_pruned(void **state)
{
	struct err e = {0};
	ANSWER before = call(f, "GET", "/api/v1/audit/verify?project=default", NULL, NULL);
	assert_true(json_bool(json_root(before.doc), "whole", false));
	assert_int_equal(json_int(json_root(before.doc), "first", -1), 1);
	ANSWER set = call(f, "PATCH", "/api/v1/settings", NULL, "{\"audit_keep_days\":30}");
	expect_status(&set, 200);
	pass(32 * 24 * HOUR);
	assert_int_equal(store_write_wait(f->control->store, janitor_round, f->control, &e), 0);
	ANSWER after = call(f, "GET", "/api/v1/audit/verify?project=default", NULL, NULL);
	assert_true(json_bool(json_root(after.doc), "whole", false));
	assert_true(json_int(json_root(after.doc), "first", -1) > 1);
	ANSWER server = call(f, "GET", "/api/v1/audit/verify", NULL, NULL);
	assert_true(json_bool(json_root(server.doc), "whole", false));
	assert_int_equal(lines("audit.prune", ""), 2); /* the project's and the server's */
}

static void clients_expire(void **state)
{
	char until[CLOCK_TEXT_LEN], body[200], id[ID_LEN], path[100];
	struct err e = {0};
	make_gateway(f, "?project=default", "office", "gw");
	clock_format(now.fake_wall + HOUR, until);
	snprintf(body, sizeof(body),
		"{\"name\":\"guest\",\"network\":\"office\",\"expires_at\":\"%s\"}", until);
	id_copy(id, make(f, "/api/v1/wireguard/clients?project=default", body));
	snprintf(path, sizeof(path), "/api/v1/wireguard/clients/%s", id);
	ANSWER active = call(f, "GET", path, NULL, NULL);
	assert_string_equal(answer_str(&active, "state"), "active");
	assert_int_equal(store_write_wait(f->control->store, janitor_round, f->control, &e), 0);
	assert_int_equal(lines("client.expire", id), 0);
	pass(HOUR);
	assert_int_equal(store_write_wait(f->control->store, janitor_round, f->control, &e), 0);
	assert_int_equal(store_write_wait(f->control->store, janitor_round, f->control, &e), 0);
	assert_int_equal(lines("client.expire", id), 1);
	ANSWER expired = call(f, "GET", path, NULL, NULL);
	assert_string_equal(answer_str(&expired, "state"), "expired");
	ANSWER again = call(f, "PATCH", path, NULL, "{\"expires_at\":null}");
	expect_status(&again, 200);
	assert_string_equal(answer_str(&again, "state"), "active");
	/* an end that lies behind us ends it now, and says so */
	clock_format(now.fake_wall - HOUR, until);
	snprintf(body, sizeof(body), "{\"expires_at\":\"%s\"}", until);
	ANSWER ended = call(f, "PATCH", path, NULL, body);
	expect_status(&ended, 200);
	assert_string_equal(answer_str(&ended, "state"), "expired");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_second_step),
		cmocka_unit_test(the_second_step_is_sealed),
		cmocka_unit_test(sessions_end),
		cmocka_unit_test(tokens_act_for_their_maker),
		cmocka_unit_test(join_tokens_end_with_their_maker),
		cmocka_unit_test(failures_are_written_down),
		cmocka_unit_test(guessing_locks_nobody_out),
		cmocka_unit_test(the_audit_log_is_pruned),
		cmocka_unit_test(clients_expire),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
