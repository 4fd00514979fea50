/*
 * DOC: the walk over every route: openapi.json and the route table say the same; without
 * credentials nothing answers but what is marked open; who lacks the permission is refused; objects
 * of another project, or out of scope, do not exist; nobody hands out what they do not hold.
 */
#include "serve.h"

#include "control/api.h"
#include "control/api_handlers.h"
#include "control/assets.h"
#include "control/panel_events.h"

static struct fixture *f;
static struct gateway a_side, b_side;
static char viewer[128], manager[128], admin[128], system_wide[128];
static char client_b[ID_LEN], token_b[ID_LEN], user_b[ID_LEN], policy_b[ID_LEN], project_b[ID_LEN];
static char role_b[ID_LEN];

static int setup(void **state)
{
	f = serve();
	a_side = make_gateway(f, "", "office", "gw");
	id_copy(project_b, make(f, "/api/v1/projects", "{\"name\":\"other\"}"));
	b_side = make_gateway(f, "?project=other", "office", "gw");
	id_copy(client_b, make(f, "/api/v1/wireguard/clients?project=other", "{\"name\":\"b\"}"));
	id_copy(token_b,
		make(f, "/api/v1/tokens?project=other", "{\"name\":\"t\",\"kind\":\"api\"}"));
	id_copy(user_b,
		make(f, "/api/v1/users?project=other",
			"{\"name\":\"bob\",\"password\":\"correct horse\"}"));
	id_copy(policy_b,
		make(f, "/api/v1/policies?project=other", "{\"name\":\"p\",\"rules\":[]}"));
	id_copy(role_b,
		make(f, "/api/v1/roles?project=other",
			"{\"name\":\"helper\",\"permissions\":[\"client:manage\"]}"));
	make_token(f, "?project=default", "viewer", viewer);
	make_token(f, "?project=default", "loc-manager", manager);
	make_token(f, "?project=default", "org-admin", admin);
	make_token(f, "", "system-admin", system_wide);
	return 0;
}

static int teardown(void **state)
{
	serve_end(f);
	return 0;
}

static const struct api_route *route_of(size_t i)
{
	return api_routes[i].data;
}

/* The id of project B's object a route is about. */
static const char *foreign_id(const struct api_route *r)
{
	static const struct {
		const struct schema *s;
		const char *id;
	} table[] = {
		{&schema_project, project_b},
		{&schema_network, b_side.network},
		{&schema_node, b_side.node},
		{&schema_member, b_side.member},
		{&schema_group, b_side.group},
		{&schema_device, client_b},
		{&schema_policy, policy_b},
		{&schema_token, token_b},
		{&schema_user, user_b},
		{&schema_role, role_b},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].s == r->schema)
			return table[i].id;
	return "once_1";
}

static void path_of(size_t i, const char *id, char ret[static 200])
{
	const char *brace = strstr(api_routes[i].path, "{id}");

	if (brace == NULL)
		snprintf(ret, 200, "%s", api_routes[i].path);
	else
		snprintf(ret, 200, "%.*s%s%s", (int)(brace - api_routes[i].path),
			api_routes[i].path, id, brace + 4);
}

static const char *body_of(size_t i)
{
	return strcmp(api_routes[i].method, "GET") == 0 ||
			strcmp(api_routes[i].method, "DELETE") == 0
		? NULL
		: "{}";
}

struct find {
	const char *method, *permission;
	bool found;
};

static void see_method(void *ctx, const char *key, const struct json *v)
{
	struct find *find = ctx;

	if (strcasecmp(key, find->method) == 0) {
		find->found = true;
		find->permission = json_str(v, "x-permission");
		assert_non_null(json_str(v, "summary"));
		assert_non_null(json_get(v, "responses"));
	}
}

struct path_find {
	const char *path;
	const struct json *value;
};

static void see_path(void *ctx, const char *key, const struct json *v)
{
	struct path_find *find = ctx;

	if (strcmp(key, find->path) == 0)
		find->value = v;
}

static void every_route_is_described(void **state)
{
	struct json_doc *d =
		json_parse(asset_openapi_json, asset_openapi_json_len, 1024 * 1024, NULL);

	assert_non_null(d);
	for (size_t i = 0; i < n_api_routes; i++) {
		const struct api_route *r = route_of(i);
		struct path_find path = {.path = api_routes[i].path};
		struct find find = {.method = api_routes[i].method};

		json_each(json_get(json_root(d), "paths"), see_path, &path);
		if (path.value)
			json_each(path.value, see_method, &find);
		if (!find.found)
			fail_msg("%s %s is not in openapi.json", find.method, path.path);
		if (find.permission == NULL)
			fail_msg("%s %s has no x-permission", find.method, path.path);
		assert_string_equal(find.permission,
			r->flags & ROUTE_OPEN   ? "none"
				: r->permission ? permission_word(r->permission)
						: "any");
	}
	json_free(d);
}

static const char *current_path;

static void method_has_route(void *ctx, const char *key, const struct json *v)
{
	for (size_t i = 0; i < n_api_routes; i++)
		if (strcasecmp(api_routes[i].method, key) == 0 &&
			strcmp(api_routes[i].path, current_path) == 0)
			return;
	fail_msg("%s %s has no route", key, current_path);
}

static void path_has_routes(void *ctx, const char *key, const struct json *v)
{
	current_path = key;
	json_each(v, method_has_route, NULL);
}

static void every_description_has_a_route(void **state)
{
	struct json_doc *d =
		json_parse(asset_openapi_json, asset_openapi_json_len, 1024 * 1024, NULL);

	json_each(json_get(json_root(d), "paths"), path_has_routes, NULL);
	json_free(d);
}

/* Each field an answer may hold is described, each one a body may hold too. */
static void every_field_is_described(void **state)
{
	static const struct schema *const shown[] = {&schema_project, &schema_network, &schema_node,
		&schema_member, &schema_group, &schema_device, &schema_policy, &schema_user,
		&schema_token, &schema_audit, &schema_role, &schema_session, &schema_issuer};
	struct json_doc *d =
		json_parse(asset_openapi_json, asset_openapi_json_len, 1024 * 1024, NULL);

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		for (size_t j = 0; j < shown[i]->n; j++) {
			const struct field *field = &shown[i]->fields[j];
			const char *name = shown[i] == &schema_device ? "client" : shown[i]->name;
			char path[160];

			snprintf(path, sizeof(path), "components.schemas.%s.properties.%s", name,
				field->name);
			if ((json_get(json_root(d), path) == NULL) !=
				((field->flags & FIELD_HIDDEN) != 0))
				fail_msg("%s: described and shown differ", path);
			snprintf(path, sizeof(path), "components.schemas.%s_create.properties.%s",
				name, field->name);
			if ((field->flags & FIELD_SET) && json_get(json_root(d), path) == NULL)
				fail_msg("%s is missing", path);
			snprintf(path, sizeof(path), "components.schemas.%s_change.properties.%s",
				name, field->name);
			if ((field->flags & FIELD_CHANGE) && json_get(json_root(d), path) == NULL)
				fail_msg("%s is missing", path);
		}
	json_free(d);
}

static void nothing_answers_without_credentials(void **state)
{
	static const char *const bearers[] = {"", "wat_nothing", "wnt_AAAA", "x y"};

	for (size_t i = 0; i < n_api_routes; i++)
		for (size_t b = 0; b < 4; b++) {
			char path[200];
			if (route_of(i)->flags & ROUTE_OPEN)
				continue;
			path_of(i, foreign_id(route_of(i)), path);
			ANSWER a = call(f, api_routes[i].method, path, bearers[b], body_of(i));
			if (a.status != 401)
				fail_msg("%s %s: %d", api_routes[i].method, path, a.status);
			if (b == 0)
				assert_string_equal(answer_str(&a, "code"), "unauthorized");
		}
}

static void open_routes_are_few(void **state)
{
	static const char *const open[] = {"/", "/healthz", "/readyz", "/api/docs",
		"/api/v1/openapi.json", "/once/{id}", "/api/v1/login", "/api/v1/login/issuers",
		"/api/v1/login/issuers/{id}", "/api/v1/login/callback", "/assets/{name}"};

	for (size_t i = 0; i < n_api_routes; i++) {
		bool listed = false;
		for (size_t j = 0; j < sizeof(open) / sizeof(open[0]); j++)
			listed = listed || strcmp(open[j], api_routes[i].path) == 0;
		assert_int_equal(listed, (route_of(i)->flags & ROUTE_OPEN) != 0);
	}
}

/* Each role at each route: refused without the permission, and not refused for it with it. */
static void each_role_at_each_route(void **state)
{
	const char *const tokens[] = {viewer, manager, admin, system_wide};

	for (size_t i = 0; i < n_api_routes; i++)
		for (size_t role = 0; role < 4; role++) {
			const struct api_route *r = route_of(i);
			bool may =
				(builtin_roles[role].permissions & r->permission) == r->permission;
			char path[200];
			if ((r->flags & (ROUTE_OPEN | ROUTE_SELF)) || r->fn == api_events ||
				strcmp(api_routes[i].path, "/api/v1/settings") == 0)
				continue; /* some end the token, or never end */
			path_of(i, "some_id", path);
			ANSWER a = call(f, api_routes[i].method, path, tokens[role], body_of(i));
			const char *text = answer_str(&a, "detail");
			bool refused = a.status == 403 && text &&
				strstr(text, "this needs the permission");
			if (refused == may)
				fail_msg("%s %s as %s: %d %s", api_routes[i].method, path,
					builtin_roles[role].name, a.status, buf_str(&a.body));
			if (may && strstr(api_routes[i].path, "{id}") && a.status != 404 &&
				a.status != 400 && !strstr(api_routes[i].path, "/me/"))
				fail_msg("%s %s as %s: %d", api_routes[i].method, path,
					builtin_roles[role].name, a.status);
		}
}

/* Whoever may use a route at all, it never says anything of another project. */
static void foreign_objects_do_not_exist(void **state)
{
	for (size_t i = 0; i < n_api_routes; i++) {
		const struct api_route *r = route_of(i);
		char path[200];

		if (strstr(api_routes[i].path, "{id}") == NULL || (r->flags & ROUTE_OPEN) ||
			(r->permission & PERM_SYSTEM) || strstr(api_routes[i].path, "/me/"))
			continue;
		path_of(i, foreign_id(r), path);
		ANSWER a = call(f, api_routes[i].method, path, admin, body_of(i));
		if (a.status != 404)
			fail_msg("%s %s: %d %s", api_routes[i].method, path, a.status,
				buf_str(&a.body));
		ANSWER own = call(f, "GET", "/api/v1/wireguard/clients?project=other", admin, NULL);
		expect_status(&own, 404);
	}
	/* nor do lists, nor references in bodies */
	ANSWER clients = call(f, "GET", "/api/v1/wireguard/clients", viewer, NULL);
	assert_int_equal(json_int(json_root(clients.doc), "total", -1), 0);
	char body[160];
	snprintf(body, sizeof(body), "{\"name\":\"x\",\"network\":\"%s\"}", b_side.network);
	ANSWER crossed = call(f, "POST", "/api/v1/wireguard/clients", manager, body);
	expect_status(&crossed, 404);
	snprintf(body, sizeof(body), "{\"name\":\"x\",\"group\":\"%s\"}", b_side.group);
	ANSWER grouped = call(f, "POST", "/api/v1/wireguard/clients", manager, body);
	expect_status(&grouped, 404);
	snprintf(body, sizeof(body), "{\"name\":\"x\",\"gateway\":\"%s\"}", b_side.node);
	ANSWER gated = call(f, "POST", "/api/v1/wireguard/clients", manager, body);
	expect_status(&gated, 404);
	snprintf(body, sizeof(body), "{\"name\":\"x\",\"kind\":\"join\",\"networks\":[\"%s\"]}",
		b_side.network);
	ANSWER joined = call(f, "POST", "/api/v1/tokens", admin, body);
	expect_status(&joined, 404);
	ANSWER projects = call(f, "GET", "/api/v1/projects", viewer, NULL);
	assert_int_equal(json_int(json_root(projects.doc), "total", -1), 1);
	/* the other side still has everything */
	ANSWER still = call(f, "GET", "/api/v1/wireguard/clients?project=other", system_wide, NULL);
	assert_int_equal(json_int(json_root(still.doc), "total", -1), 1);
}

static void nobody_grants_above_themselves(void **state)
{
	ANSWER token = call(f, "POST", "/api/v1/tokens", admin,
		"{\"kind\":\"api\",\"name\":\"x\",\"role\":\"system-admin\"}");
	expect_status(&token, 403);
	ANSWER user = call(f, "POST", "/api/v1/users", admin,
		"{\"name\":\"eve\",\"role\":\"system-admin\",\"password\":\"long enough\"}");
	expect_status(&user, 403);
}

/* A token with these rights; made by the local admin unless by says another token. */
static struct answer grant(const char *by, const char *rights)
{
	static unsigned n;
	char body[1200];

	snprintf(body, sizeof(body), "{\"kind\":\"api\",\"name\":\"t%u\",%s}", n++, rights);
	return call(f, "POST", by ? "/api/v1/tokens" : "/api/v1/tokens?project=default", by, body);
}

static int64_t total(const char *path, const char *bearer)
{
	ANSWER a = call(f, "GET", path, bearer, NULL);

	expect_status(&a, 200);
	return json_int(json_root(a.doc), "total", -1);
}

static void status_of(
	const char *method, const char *path, const char *bearer, const char *body, int status)
{
	ANSWER a = call(f, method, path, bearer, body);

	if (a.status != status)
		fail_msg("%s %s: %d instead of %d: %s", method, path, a.status, status,
			buf_str(&a.body));
}

static void a_scope_bounds_everything(void **state)
{
	struct gateway lab = make_gateway(f, "?project=default", "lab", "gwlab");
	char rights[300], token[128], path[200], body[300], inside[ID_LEN], outside[ID_LEN];

	snprintf(body, sizeof(body), "{\"name\":\"in\",\"network\":\"%s\"}", lab.network);
	id_copy(inside, make(f, "/api/v1/wireguard/clients?project=default", body));
	snprintf(body, sizeof(body), "{\"name\":\"out\",\"network\":\"%s\",\"tags\":[\"red\"]}",
		a_side.network);
	id_copy(outside, make(f, "/api/v1/wireguard/clients?project=default", body));
	snprintf(rights, sizeof(rights), "\"role\":\"org-admin\",\"scopes\":[\"%s\"]", lab.network);
	ANSWER made = grant(NULL, rights);
	expect_status(&made, 201);
	copy_str(&made, "token", token, sizeof(token));

	/* lists and their totals */
	assert_int_equal(total("/api/v1/networks", token), 1);
	assert_int_equal(total("/api/v1/wireguard/clients", token), 1);
	assert_int_equal(total("/api/v1/groups", token), 1);
	assert_int_equal(total("/api/v1/members", token), 1);
	assert_int_equal(total("/api/v1/nodes", token), 1);
	assert_int_equal(total("/api/v1/users", token), 0);
	assert_true(total("/api/v1/networks", admin) > 1);
	/* objects: 404, not 403 */
	snprintf(path, sizeof(path), "/api/v1/wireguard/clients/%s", outside);
	status_of("GET", path, token, NULL, 404);
	status_of("PATCH", path, token, "{\"description\":\"x\"}", 404);
	status_of("DELETE", path, token, NULL, 404);
	snprintf(path, sizeof(path), "/api/v1/wireguard/clients/%s", inside);
	status_of("GET", path, token, NULL, 200);
	status_of("PATCH", path, token, "{\"description\":\"x\"}", 200);
	snprintf(path, sizeof(path), "/api/v1/nodes/%s", a_side.node);
	status_of("GET", path, token, NULL, 404);
	snprintf(path, sizeof(path), "/api/v1/nodes/%s", lab.node);
	status_of("GET", path, token, NULL, 200);
	snprintf(path, sizeof(path), "/api/v1/networks/%s", a_side.network);
	status_of("PATCH", path, token, "{\"mtu\":1300}", 404);
	/* what is made lies inside; references to the outside are not found */
	snprintf(body, sizeof(body), "{\"name\":\"new\",\"network\":\"%s\"}", a_side.network);
	status_of("POST", "/api/v1/wireguard/clients", token, body, 404);
	status_of("POST", "/api/v1/networks", token, "{\"name\":\"mine\"}", 403);
	snprintf(body, sizeof(body), "{\"name\":\"new\",\"network\":\"%s\"}", lab.network);
	status_of("POST", "/api/v1/wireguard/clients", token, body, 201);
	/* what is of the whole project is nobody's with a scope */
	status_of("GET", "/metrics", token, NULL, 403);
	status_of("POST", "/api/v1/users", token, "{\"name\":\"zoe\"}", 403);
	snprintf(path, sizeof(path), "/api/v1/networks/%s", lab.network);
	status_of("GET", path, token, NULL, 200);

	/* a tag: what has it is reached, by whoever may act on it; moving out is refused */
	ANSWER tagged = grant(NULL, "\"role\":\"loc-manager\",\"scopes\":[\"tag:red\"]");
	expect_status(&tagged, 201);
	copy_str(&tagged, "token", token, sizeof(token));
	assert_int_equal(total("/api/v1/wireguard/clients", token), 1);
	snprintf(path, sizeof(path), "/api/v1/wireguard/clients/%s", outside);
	status_of("GET", path, token, NULL, 200);
	status_of("PATCH", path, token, "{\"tags\":[\"blue\"]}", 403);
	status_of("PATCH", path, token, "{\"tags\":[\"red\",\"blue\"]}", 403);
	snprintf(body, sizeof(body), "{\"name\":\"t1\",\"network\":\"%s\"}", a_side.network);
	status_of("POST", "/api/v1/wireguard/clients", token, body, 403);
	snprintf(body, sizeof(body), "{\"name\":\"t1\",\"network\":\"%s\",\"tags\":[\"red\"]}",
		a_side.network);
	status_of("POST", "/api/v1/wireguard/clients", token, body, 201);
	assert_int_equal(total("/api/v1/wireguard/clients", token), 2);

	/* a grant on one object besides a role without it */
	snprintf(rights, sizeof(rights), "\"role\":\"viewer\",\"grants\":[\"client:manage@%s\"]",
		inside);
	ANSWER granted = grant(NULL, rights);
	expect_status(&granted, 201);
	copy_str(&granted, "token", token, sizeof(token));
	status_of("PATCH", path, token, "{\"description\":\"x\"}", 404);
	status_of("GET", path, token, NULL, 200);
	snprintf(path, sizeof(path), "/api/v1/wireguard/clients/%s", inside);
	status_of("PATCH", path, token, "{\"description\":\"y\"}", 200);
	ANSWER me = call(f, "GET", "/api/v1/me", token, NULL);
	assert_int_equal(json_count(json_get(json_root(me.doc), "rights")), 2);
	assert_int_equal(json_count(json_get(json_root(me.doc), "permissions")), 3);
}

/* Questions about policies are answered with names: to who sees the whole network only. */
static void a_scope_asks_no_questions_beyond_it(void **state)
{
	static const char *const scopes[] = {"tag:red", "cl_00000000000000000000000000000000"};
	static const char what_if[] = "{\"network\":\"%s\",\"rules\":[]}";
	static const char may_it[] = "{\"network\":\"%s\",\"from\":\"gw\",\"to\":\"gw\"}";
	char rights[200], token[128], body[300];

	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		snprintf(rights, sizeof(rights), "\"role\":\"viewer\",\"scopes\":[\"%s\"]",
			scopes[i]);
		ANSWER made = grant(NULL, rights);
		expect_status(&made, 201);
		copy_str(&made, "token", token, sizeof(token));
		snprintf(body, sizeof(body), what_if, a_side.network);
		status_of("POST", "/api/v1/policies/what-if", viewer, body, 200);
		status_of("POST", "/api/v1/policies/what-if", token, body, 404);
		snprintf(body, sizeof(body), may_it, a_side.network);
		status_of("POST", "/api/v1/policies/test", viewer, body, 200);
		status_of("POST", "/api/v1/policies/test", token, body, 404);
	}
	/* nor about the only network, which need not be named */
	snprintf(body, sizeof(body),
		"{\"kind\":\"api\",\"name\":\"one\",\"role\":\"viewer\",\"scopes\":[\"%s\"]}",
		client_b);
	ANSWER one = call(f, "POST", "/api/v1/tokens?project=other", NULL, body);
	expect_status(&one, 201);
	copy_str(&one, "token", token, sizeof(token));
	status_of("POST", "/api/v1/policies/test", token, "{\"from\":\"gw\",\"to\":\"gw\"}", 404);
}

static void nonsense_is_no_right(void **state)
{
	static const char *const bad[] = {"\"role\":\"king\"", "\"scopes\":[\"everything\"]",
		"\"scopes\":[\"tag:\"]", "\"grants\":[\"fleet:burn\"]",
		"\"grants\":[\"fleet:read@moon\"]", "\"grants\":[\"system:manage\"]",
		"\"scopes\":[\"prj_00000000000000000000000000000000\"]"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ANSWER a = grant(NULL, bad[i]);
		expect_status(&a, 400);
	}
}

static void roles_of_a_project(void **state)
{
	char id[ID_LEN], path[100], token[128];
	assert_int_equal(total("/api/v1/roles", viewer), 4);
	ANSWER clash = call(f, "POST", "/api/v1/roles", admin,
		"{\"name\":\"viewer\",\"permissions\":[\"fleet:write\"]}");
	expect_status(&clash, 409);
	ANSWER above = call(f, "POST", "/api/v1/roles", admin,
		"{\"name\":\"root\",\"permissions\":[\"system:manage\"]}");
	expect_status(&above, 400);
	ANSWER made = call(f, "POST", "/api/v1/roles", admin,
		"{\"name\":\"desk\",\"permissions\":[\"fleet:read\",\"client:manage\"]}");
	expect_status(&made, 201);
	copy_str(&made, "id", id, sizeof(id));
	assert_int_equal(total("/api/v1/roles", viewer), 5);
	assert_int_equal(total("/api/v1/roles?name=desk", viewer), 1);
	ANSWER holder = grant(NULL, "\"role\":\"desk\"");
	expect_status(&holder, 201);
	copy_str(&holder, "token", token, sizeof(token));
	status_of("GET", "/api/v1/wireguard/clients", token, NULL, 200);
	status_of("POST", "/api/v1/networks", token, "{\"name\":\"x\"}", 403);
	snprintf(path, sizeof(path), "/api/v1/roles/%s", id);
	status_of("DELETE", path, admin, NULL, 409);
	status_of("PATCH", path, admin, "{\"permissions\":[\"vpn:read\"]}", 200);
	status_of("GET", "/api/v1/wireguard/clients", token, NULL, 403);
	status_of("PATCH", "/api/v1/roles/viewer", admin, "{\"permissions\":[]}", 403);
	status_of("DELETE", "/api/v1/roles/viewer", admin, NULL, 403);
	snprintf(path, sizeof(path), "/api/v1/tokens/%s", answer_str(&holder, "id"));
	status_of("DELETE", path, admin, NULL, 200);
	snprintf(path, sizeof(path), "/api/v1/roles/%s", id);
	status_of("DELETE", path, admin, NULL, 200);
}

/* Somebody who manages users, and nothing else, cannot make themselves more. */
static void nobody_climbs(void **state)
{
	char clerk[128], path[120], body[200];
	ANSWER made = grant(NULL,
		"\"role\":\"viewer\",\"grants\":[\"iam:user:manage\",\"client:manage@tag:a\"]");
	expect_status(&made, 201);
	copy_str(&made, "token", clerk, sizeof(clerk));
	static const char *const rights[] = {"\"role\":\"org-admin\"", "\"role\":\"loc-manager\"",
		"\"grants\":[\"fleet:write\"]", "\"grants\":[\"client:manage\"]",
		"\"grants\":[\"client:manage@tag:b\"]", "\"grants\":[\"org-admin@tag:a\"]"};
	for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
		ANSWER token = grant(clerk, rights[i]);
		expect_status(&token, 403);
		snprintf(body, sizeof(body), "{\"name\":\"eve%zu\",%s}", i, rights[i]);
		status_of("POST", "/api/v1/users", clerk, body, 403);
	}
	ANSWER fair = grant(clerk, "\"grants\":[\"client:manage@tag:a\",\"iam:user:manage\"]");
	expect_status(&fair, 201);
	status_of("POST", "/api/v1/roles", clerk,
		"{\"name\":\"up\",\"permissions\":[\"fleet:write\"]}", 403);
	status_of("POST", "/api/v1/tokens", clerk, "{\"kind\":\"join\",\"name\":\"j\"}", 400);
	snprintf(body, sizeof(body), "{\"kind\":\"join\",\"name\":\"j\",\"networks\":[\"%s\"]}",
		a_side.network);
	status_of("POST", "/api/v1/tokens", clerk, body, 403);
	/* whoever holds more is not touched */
	ANSWER boss = call(f, "POST", "/api/v1/users?project=default", NULL,
		"{\"name\":\"boss\",\"role\":\"org-admin\"}");
	expect_status(&boss, 201);
	snprintf(path, sizeof(path), "/api/v1/users/%s/password", answer_str(&boss, "id"));
	status_of("POST", path, clerk, "{}", 403);
	snprintf(path, sizeof(path), "/api/v1/users/%s/totp", answer_str(&boss, "id"));
	status_of("DELETE", path, clerk, NULL, 403);
	snprintf(path, sizeof(path), "/api/v1/users/%s/sessions", answer_str(&boss, "id"));
	status_of("DELETE", path, clerk, NULL, 403);
	snprintf(path, sizeof(path), "/api/v1/users/%s", answer_str(&boss, "id"));
	status_of("PATCH", path, clerk, "{\"enabled\":false}", 403);
	status_of("PATCH", path, clerk, "{\"password\":\"long enough\"}", 403);
	status_of("DELETE", path, clerk, NULL, 403);
	status_of("PATCH", path, admin, "{\"issuer\":\"iss_1\",\"subject\":\"eve\"}", 403);
}

/* However long the list of networks is, each of them is looked at, and named once. */
static void a_long_list_admits_to_no_more(void **state)
{
	enum { MANY = 14 };
	char clerk[128];
	CLEANUP(buf_done) struct buf rights = {0}, body = {0}, list = {0};
	id_text other;

	buf_adds(&rights, "\"role\":\"viewer\",\"grants\":[\"iam:user:manage\"");
	for (int i = 0; i < MANY; i++) {
		char name[40];
		const char *id;

		snprintf(name, sizeof(name), "{\"name\":\"many %d\"}", i);
		id = make(f, "/api/v1/networks?project=default", name);
		buf_addf(&rights, ",\"fleet:write@%s\"", id);
		buf_addf(&list, "%s\"%s\"", i > 0 ? "," : "", id);
	}
	buf_adds(&rights, "]");
	ANSWER made = grant(NULL, buf_str(&rights));
	expect_status(&made, 201);
	copy_str(&made, "token", clerk, sizeof(clerk));
	id_copy(other, make(f, "/api/v1/networks?project=default", "{\"name\":\"vault\"}"));
	for (int with_other = 0; with_other < 2; with_other++) {
		buf_reset(&body);
		buf_addf(&body, "{\"kind\":\"join\",\"name\":\"j%d\",\"networks\":[%s%s%s%s]}",
			with_other, buf_str(&list), with_other ? ",\"" : "",
			with_other ? other : "", with_other ? "\"" : "");
		status_of("POST", "/api/v1/tokens", clerk, buf_str(&body), with_other ? 403 : 201);
	}
	/* by id and by name it is the same network */
	ANSWER twice = call(f, "POST", "/api/v1/tokens", admin,
		"{\"kind\":\"join\",\"name\":\"twice\",\"networks\":[\"many 0\",\"many 1\",\"many 0\"]}");
	expect_status(&twice, 400);
	assert_string_equal(answer_str(&twice, "field"), "networks");
	buf_reset(&body);
	buf_addf(&body, "{\"kind\":\"join\",\"name\":\"two\",\"networks\":[\"vault\",\"%s\"]}",
		other);
	status_of("POST", "/api/v1/tokens", admin, buf_str(&body), 400);
}

static void a_deleted_token_ends_at_once(void **state)
{
	char text[128], id[ID_LEN], path[100];
	ANSWER made = call(f, "POST", "/api/v1/tokens?project=default", NULL,
		"{\"kind\":\"api\",\"name\":\"brief\"}");
	copy_str(&made, "token", text, sizeof(text));
	copy_str(&made, "id", id, sizeof(id));
	ANSWER before = call(f, "GET", "/api/v1/me", text, NULL);
	expect_status(&before, 200);
	assert_string_equal(answer_str(&before, "role"), "viewer");
	snprintf(path, sizeof(path), "/api/v1/tokens/%s", id);
	ANSWER gone = call(f, "DELETE", path, admin, NULL);
	expect_status(&gone, 200);
	ANSWER after = call(f, "GET", "/api/v1/me", text, NULL);
	expect_status(&after, 401);
}

/* An event stream of a token, which is deleted as soon as the stream is open. */
struct watching {
	struct loop *loop;
	const char *token_path;
	bool opened, ended;
	int failed; /* error code of the end, 0 = the server ended it */
};

static void on_open(void *arg)
{
	struct watching *w = arg;
	w->opened = true;
	ANSWER gone = call(f, "DELETE", w->token_path, admin, NULL);
	expect_status(&gone, 200);
}

static void on_event(void *arg, const char *type, const char *id, const char *data, size_t n)
{
}

static void on_retry(void *arg, msec base)
{
}

static void on_end(void *arg, int status, msec retry_after, const struct err *e)
{
	struct watching *w = arg;
	w->ended = true;
	w->failed = e ? e->code : 0;
	loop_stop(w->loop);
}

static void a_stream_ends_with_its_token(void **state)
{
	char text[128], path[100];
	ANSWER made = call(f, "POST", "/api/v1/tokens?project=default", NULL,
		"{\"kind\":\"api\",\"name\":\"watcher\"}");
	copy_str(&made, "token", text, sizeof(text));
	snprintf(path, sizeof(path), "/api/v1/tokens/%s", answer_str(&made, "id"));
	struct watching w = {.loop = loop_new(), .token_path = path};
	struct http_client *client = http_client_new(w.loop);
	struct http_events handlers = {
		.on_open = on_open,
		.on_event = on_event,
		.on_retry = on_retry,
		.on_end = on_end,
		.arg = &w,
	};
	/* The server speaks at least each 15 s; one that says nothing for 10 s is taken for dead.
	 */
	http_client_events(client, &f->tls, "/api/v1/events", text, NULL, 10000, &handlers);
	loop_run(w.loop);
	assert_true(w.opened);
	assert_true(w.ended);
	assert_int_equal(w.failed, 0);
	http_client_free(client);
	loop_free(w.loop);
}

/* Streams of one account, opened together; each ends by an answer, or is open. */
struct crowd {
	struct loop *loop;
	size_t open, refused, want;
};

static void crowd_open(void *arg)
{
	struct crowd *c = arg;
	if (++c->open + c->refused == c->want)
		loop_stop(c->loop);
}

static void crowd_end(void *arg, int status, msec retry_after, const struct err *e)
{
	struct crowd *c = arg;
	c->refused += status == 503;
	if (c->open + c->refused == c->want || status != 503)
		loop_stop(c->loop);
}

static void crowd_add(struct crowd *c, struct http_client *client, const char *token, size_t n)
{
	struct http_events handlers = {
		.on_open = crowd_open,
		.on_event = on_event,
		.on_retry = on_retry,
		.on_end = crowd_end,
		.arg = c,
	};
	*c = (struct crowd){.loop = c->loop, .want = n};
	for (size_t i = 0; i < n; i++)
		http_client_events(
			client, &f->tls, "/api/v1/events", token, NULL, 60000, &handlers);
	loop_run(c->loop);
}

static void one_account_does_not_take_all_streams(void **state)
{
	struct crowd c = {.loop = loop_new()};
	struct http_client *client = http_client_new(c.loop);
	crowd_add(&c, client, viewer, PANEL_STREAMS_EACH + 3);
	assert_int_equal(c.open, PANEL_STREAMS_EACH);
	assert_int_equal(c.refused, 3);
	crowd_add(&c, client, manager, 1);
	assert_int_equal(c.open, 1);
	http_client_free(client);
	loop_free(c.loop);
}

/* A panel that looks for the sums of one project; a change of another one marks the end. */
struct looking {
	struct loop *loop;
	const char *project;
	bool asked, told;
};

static void look_at_event(void *arg, const char *type, const char *id, const char *data, size_t n)
{
	static unsigned marks;
	struct looking *l = arg;
	char mark[40];
	if (strcmp(type, "links") == 0) {
		l->told = l->told || strstr(data, l->project) != NULL;
		snprintf(mark, sizeof(mark), "{\"name\":\"mark %u\"}", marks++);
		if (!l->asked)
			status_of("POST", "/api/v1/projects", system_wide, mark, 201);
		l->asked = true;
	} else if (strcmp(type, "change") == 0 && l->asked) {
		loop_stop(l->loop);
	}
}

static void look_open(void *arg)
{
}

static void look_end(void *arg, int status, msec retry_after, const struct err *e)
{
	fail_msg("the stream ended: %d", status);
}

static bool is_told_of(struct http_client *client, struct loop *loop, const char *project)
{
	struct looking l = {.loop = loop, .project = project};
	struct http_events handlers = {
		.on_open = look_open,
		.on_event = look_at_event,
		.on_retry = on_retry,
		.on_end = look_end,
		.arg = &l,
	};
	struct http_call *call = http_client_events(
		client, &f->tls, "/api/v1/events", system_wide, NULL, 60000, &handlers);
	loop_run(loop);
	http_call_cancel(call);
	return l.told;
}

static void a_deleted_project_is_told_of_no_more(void **state)
{
	struct loop *loop = loop_new();
	struct http_client *client = http_client_new(loop);
	char id[ID_LEN], path[100];
	id_copy(id, make(f, "/api/v1/projects", "{\"name\":\"shortlived\"}"));
	assert_true(is_told_of(client, loop, id));
	snprintf(path, sizeof(path), "/api/v1/projects/%s", id);
	status_of("DELETE", path, system_wide, NULL, 200);
	assert_false(is_told_of(client, loop, id));
	http_client_free(client);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_described),
		cmocka_unit_test(every_description_has_a_route),
		cmocka_unit_test(every_field_is_described),
		cmocka_unit_test(nothing_answers_without_credentials),
		cmocka_unit_test(open_routes_are_few),
		cmocka_unit_test(each_role_at_each_route),
		cmocka_unit_test(foreign_objects_do_not_exist),
		cmocka_unit_test(nobody_grants_above_themselves),
		cmocka_unit_test(a_scope_bounds_everything),
		cmocka_unit_test(a_scope_asks_no_questions_beyond_it),
		cmocka_unit_test(nonsense_is_no_right),
		cmocka_unit_test(roles_of_a_project),
		cmocka_unit_test(nobody_climbs),
		cmocka_unit_test(a_long_list_admits_to_no_more),
		cmocka_unit_test(a_deleted_token_ends_at_once),
		cmocka_unit_test(a_stream_ends_with_its_token),
		cmocka_unit_test(one_account_does_not_take_all_streams),
		cmocka_unit_test(a_deleted_project_is_told_of_no_more),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
