/*
 * DOC: clients from end to end by the API: the configuration, keys shown once, labels, addresses,
 * links that open once, staleness, deletion, and many creating at once.
 */
#include "serve.h"

#include "base/map.h"
#include "crypto/hash.h"

#include <pthread.h>

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
#define LOW_ORDER "4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA="

static void public_of(const char *private_text, char ret[static KEY_TEXT_LEN])
{
	struct secret s;
	struct public_key p;

	assert_int_equal(key_parse_secret(private_text, "", &s, NULL), 0);
	key_public(&s, &p);
	key_format_public(&p, ret);
}

static void a_client_gets_all_it_needs(void **state)
{
	char text[KEY_TEXT_LEN], path[160];
	ANSWER group = call(f, "GET", "/api/v1/groups", NULL, NULL);
	const char *peer =
		json_str(json_at(json_get(json_root(group.doc), "items"), 0), "public_key");
	ANSWER a = call(f, "POST", CLIENTS "?qr=1", NULL, "{\"name\":\"John's iPhone\"}");

	expect_status(&a, 201);
	assert_string_equal(answer_str(&a, "client.name"), "John's iPhone");
	assert_string_equal(answer_str(&a, "client.dns_name"), "john-s-iphone");
	assert_string_equal(answer_str(&a, "client.mesh_ip"), "172.30.100.2"); /* T-6: not .100.1 */
	assert_string_equal(answer_str(&a, "client.link_state"), "never");
	assert_string_equal(answer_str(&a, "client.owner"), "local");
	assert_true(json_is_null(json_root(a.doc), "client.last_seen"));
	assert_true(json_bool(json_root(a.doc), "client.enabled", false));
	assert_false(json_bool(json_root(a.doc), "client.config_stale", true));
	public_of(answer_str(&a, "private_key"), text);
	assert_string_equal(answer_str(&a, "client.public_key"), text);
	const char *config = answer_str(&a, "config");
	char line[200];
	snprintf(line, sizeof(line), "PrivateKey = %s\n", answer_str(&a, "private_key"));
	assert_non_null(strstr(config, line));
	snprintf(line, sizeof(line), "PublicKey = %s\n", peer);
	assert_non_null(strstr(config, line));
	assert_non_null(strstr(config, "172.30.100.2/32"));
	assert_non_null(strstr(config, "/128"));
	assert_non_null(strstr(config, "PresharedKey = "));
	assert_non_null(strstr(config, "Endpoint = vpn.example.com:51820\n"));
	assert_non_null(strstr(config, "PersistentKeepalive = 25\n"));
	CLEANUP(buf_done) struct buf png = {0};
	assert_int_equal(base64_decode(answer_str(&a, "qr_code"), &png), 0);
	assert_memory_equal(png.data, "\x89PNG", 4);

	/* The key is gone from here on. */
	snprintf(path, sizeof(path), CLIENTS "/%s", answer_str(&a, "client.id"));
	ANSWER shown = call(f, "GET", path, NULL, NULL);
	expect_status(&shown, 200);
	assert_null(answer_str(&shown, "private_key"));
	snprintf(path, sizeof(path), CLIENTS "/%s/config", answer_str(&a, "client.id"));
	ANSWER later = call(f, "GET", path, NULL, NULL);
	expect_status(&later, 200);
	assert_null(strstr(buf_str(&later.body), answer_str(&a, "private_key")));
	assert_non_null(strstr(buf_str(&later.body), "# PrivateKey"));
	assert_non_null(strstr(buf_str(&later.body), "PresharedKey = "));
	snprintf(path, sizeof(path), CLIENTS "/%s/qr", answer_str(&a, "client.id"));
	ANSWER qr = call(f, "GET", path, NULL, NULL);
	expect_status(&qr, 410);
	assert_non_null(strstr(answer_str(&qr, "detail"), "rotate"));
}

/* Whoever only looks at the head is shown nothing, and nothing is written down. */
static void a_look_at_the_head_does_nothing(void **state)
{
	char path[160], log[200];
	ANSWER a = call(f, "POST", CLIENTS, NULL, "{\"name\":\"headless\"}");
	expect_status(&a, 201);
	snprintf(path, sizeof(path), CLIENTS "/%s/config", answer_str(&a, "client.id"));
	snprintf(log, sizeof(log), "/api/v1/audit?action=client.config&object=%s",
		answer_str(&a, "client.id"));
	ANSWER head = call(f, "HEAD", path, NULL, NULL);
	expect_status(&head, 405);
	ANSWER before = call(f, "GET", log, NULL, NULL);
	assert_int_equal(json_int(json_root(before.doc), "total", -1), 0);
	ANSWER shown = call(f, "GET", path, NULL, NULL);
	expect_status(&shown, 200);
	ANSWER after = call(f, "GET", log, NULL, NULL);
	assert_int_equal(json_int(json_root(after.doc), "total", -1), 1);
	/* signing on and event streams begin something too */
	static const char *const others[] = {
		"/api/v1/login/issuers/iss_1", "/api/v1/login/callback?state=x", "/api/v1/events"};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		ANSWER other = call(f, "HEAD", others[i], NULL, NULL);
		expect_status(&other, 405);
	}
}

static void own_keys_stay_away_from_here(void **state)
{
	struct secret key;
	struct public_key public;
	char text[KEY_TEXT_LEN], body[160];

	key_generate(&key);
	key_public(&key, &public);
	snprintf(body, sizeof(body), "{\"name\":\"own key\",\"public_key\":\"%s\"}",
		key_format_public(&public, text));
	ANSWER a = call(f, "POST", CLIENTS, NULL, body);
	expect_status(&a, 201);
	assert_null(answer_str(&a, "private_key"));
	assert_string_equal(answer_str(&a, "client.public_key"), text);
	assert_non_null(strstr(answer_str(&a, "config"), "# PrivateKey"));
	/* the same key again, also under another name */
	snprintf(body, sizeof(body), "{\"name\":\"own key 2\",\"public_key\":\"%s\"}", text);
	ANSWER again = call(f, "POST", CLIENTS, NULL, body);
	expect_status(&again, 409);
	assert_string_equal(answer_str(&again, "field"), "public_key");
	/* a point of low order is nobody's key, at first or later */
	ANSWER low = call(
		f, "POST", CLIENTS, NULL, "{\"name\":\"low\",\"public_key\":\"" LOW_ORDER "\"}");
	expect_status(&low, 400);
	assert_string_equal(answer_str(&low, "field"), "public_key");
	snprintf(body, sizeof(body), CLIENTS "/%s/rotate", answer_str(&a, "client.id"));
	ANSWER later = call(f, "POST", body, NULL, "{\"public_key\":\"" LOW_ORDER "\"}");
	expect_status(&later, 400);
	assert_string_equal(answer_str(&later, "field"), "public_key");
	/* and the group's own */
	ANSWER group = call(f, "GET", "/api/v1/groups", NULL, NULL);
	snprintf(body, sizeof(body), "{\"name\":\"thief\",\"public_key\":\"%s\"}",
		json_str(json_at(json_get(json_root(group.doc), "items"), 0), "public_key"));
	ANSWER thief = call(f, "POST", CLIENTS, NULL, body);
	expect_status(&thief, 409);
	assert_string_equal(answer_str(&thief, "field"), "public_key");
}

static void names_and_labels_are_unique(void **state)
{
	static const struct {
		const char *body, *label;
	} made[] = {
		{"{\"name\":\"LAPTOP ABC\"}", "laptop-abc"},
		{"{\"name\":\"laptop-abc\"}", "laptop-abc-2"},
		{"{\"name\":\"Laptop \\\"ABC\\\"\"}", "laptop-abc-3"},
		{"{\"name\":\"\xf0\x9f\x93\xb1\"}", "client"},
		{"{\"name\":\"\xf0\x9f\x92\xbb\"}", "client-2"},
		/* T-9: a client called like a node does not take its name */
		{"{\"name\":\"GW-One\"}", "gw-one-2"},
	};

	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		ANSWER a = call(f, "POST", CLIENTS, NULL, made[i].body);
		expect_status(&a, 201);
		assert_string_equal(answer_str(&a, "client.dns_name"), made[i].label);
	}
	ANSWER again = call(f, "POST", CLIENTS, NULL, made[0].body);
	expect_status(&again, 409);
	assert_string_equal(answer_str(&again, "field"), "name");
	assert_string_equal(answer_str(&again, "code"), "exists");
	/* and a node does not take a client's */
	char path[120];
	snprintf(path, sizeof(path), "/api/v1/nodes/%s", gateway.node);
	ANSWER node = call(f, "PATCH", path, NULL, "{\"name\":\"Laptop abc\"}");
	expect_status(&node, 409);
	assert_string_equal(answer_str(&node, "field"), "name");
}

static void the_longest_name_is_found(void **state)
{
	char name[64 * 4 + 1] = "", query[64 * 12 + 1] = "", path[1024], body[400];

	for (int i = 0; i < 64; i++) {
		strcat(name, "\xf0\x9f\x9a\x80");
		strcat(query, "%F0%9F%9A%80");
	}
	snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
	ANSWER made = call(f, "POST", CLIENTS, NULL, body);
	expect_status(&made, 201);
	snprintf(path, sizeof(path), CLIENTS "?name=%s", query);
	ANSWER found = call(f, "GET", path, NULL, NULL);
	expect_status(&found, 200);
	assert_int_equal(json_int(json_root(found.doc), "total", -1), 1);
}

static void a_change_makes_the_configuration_stale(void **state)
{
	char path[160], member[160], id[ID_LEN];

	id_copy(id, make(f, CLIENTS, "{\"name\":\"stale\"}"));
	snprintf(path, sizeof(path), CLIENTS "/%s", id);
	ANSWER fresh = call(f, "GET", path, NULL, NULL);
	assert_false(json_bool(json_root(fresh.doc), "config_stale", true));
	snprintf(member, sizeof(member), "/api/v1/members/%s", gateway.member);
	ANSWER moved = call(f, "PATCH", member, NULL, "{\"endpoint\":\"[2001:db8::1]:51820\"}");
	expect_status(&moved, 200);
	ANSWER stale = call(f, "GET", path, NULL, NULL);
	assert_true(json_bool(json_root(stale.doc), "config_stale", false));
	snprintf(path, sizeof(path), CLIENTS "/%s/config", id);
	ANSWER config = call(f, "GET", path, NULL, NULL);
	assert_non_null(strstr(buf_str(&config.body), "Endpoint = [2001:db8::1]:51820\n"));
	snprintf(path, sizeof(path), CLIENTS "/%s", id);
	ANSWER renewed = call(f, "GET", path, NULL, NULL);
	assert_false(json_bool(json_root(renewed.doc), "config_stale", true));
	ANSWER back = call(f, "PATCH", member, NULL, "{\"endpoint\":\"vpn.example.com:51820\"}");
	expect_status(&back, 200);
}

static bool names(const struct answer *a, const char *path, const char *host)
{
	char line[80];

	snprintf(line, sizeof(line), "Endpoint = %s:51820\n", host);
	return strstr(path != NULL ? answer_str(a, path) : buf_str(&a->body), line) != NULL;
}

/* Two gateways of one group: which one a file names is said, kept, and said anew. */
static void a_file_names_the_gateway_that_was_chosen(void **state)
{
	char path[160], member[160];
	struct gateway other = {.name = "gw south", .endpoint = "south.example.com:51820"};
	struct err e = {0};

	id_copy(other.network, gateway.network);
	id_copy(other.group, gateway.group);
	assert_int_equal(store_write_wait(f->control->store, put_gateway, &other, &e), 0);
	snprintf(member, sizeof(member), "/api/v1/members/%s", other.member);
	ANSWER moved = call(f, "PATCH", member, NULL, "{\"region\":\"south\"}");
	expect_status(&moved, 200);
	ANSWER first = call(f, "POST", CLIENTS, NULL, "{\"name\":\"chosen 1\"}");
	assert_true(names(&first, "config", "vpn.example.com"));
	ANSWER south =
		call(f, "POST", CLIENTS, NULL, "{\"name\":\"chosen 2\",\"region\":\"south\"}");
	assert_true(names(&south, "config", "south.example.com"));
	const struct json *endpoints = json_get(json_root(south.doc), "client.endpoints");
	assert_int_equal(json_count(endpoints), 2);
	for (size_t i = 0; i < 2; i++) {
		const struct json *x = json_at(endpoints, i);
		bool is_south = strcmp(json_str(x, "name"), "gw south") == 0;
		assert_int_equal(json_bool(x, "chosen", false), is_south);
		assert_int_equal(json_bool(x, "nearest", false), !is_south);
		assert_false(json_bool(x, "online", true));
	}
	ANSWER list = call(f, "GET", CLIENTS, NULL, NULL);
	assert_null(strstr(buf_str(&list.body), "\"endpoints\""));

	snprintf(path, sizeof(path), CLIENTS "/%s/config?gateway=gw+south",
		answer_str(&first, "client.id"));
	ANSWER once = call(f, "GET", path, NULL, NULL);
	assert_true(names(&once, NULL, "south.example.com"));
	snprintf(path, sizeof(path), CLIENTS "/%s", answer_str(&first, "client.id"));
	ANSWER calm = call(f, "GET", path, NULL, NULL);
	assert_false(json_bool(json_root(calm.doc), "config_stale", true));
	/* what was handed out names the south, where something changes */
	ANSWER away = call(f, "PATCH", member, NULL, "{\"endpoint\":\"s2.example.com:51820\"}");
	expect_status(&away, 200);
	ANSWER stale = call(f, "GET", path, NULL, NULL);
	assert_true(json_bool(json_root(stale.doc), "config_stale", false));

	static const struct {
		const char *body, *field;
		int status;
	} table[] = {
		{"{\"region\":\"east\"}", "region", 404},
		{"{\"gateway\":\"nobody\"}", "gateway", 404},
		{"{\"gateway\":\"gw south\",\"region\":\"north\"}", "region", 400},
		{"{\"region\":7}", "region", 400},
		{"{\"region\":\"south\"}", NULL, 200},
		{"{\"gateway\":null}", NULL, 200},
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		ANSWER a = call(f, "PATCH", path, NULL, table[i].body);
		expect_status(&a, table[i].status);
		if (table[i].field != NULL)
			assert_string_equal(answer_str(&a, "field"), table[i].field);
	}
	ANSWER back = call(f, "GET", path, NULL, NULL);
	assert_string_equal(answer_str(&back, "entry"), gateway.node);
	snprintf(path, sizeof(path), "/api/v1/nodes/%s", other.node);
	ANSWER removed = call(f, "DELETE", path, NULL, NULL);
	expect_status(&removed, 200);
}

static void rotation_changes_key_and_psk(void **state)
{
	char path[160];
	ANSWER a = call(f, "POST", CLIENTS, NULL, "{\"name\":\"rotated\"}");
	snprintf(path, sizeof(path), CLIENTS "/%s/rotate", answer_str(&a, "client.id"));
	ANSWER b = call(f, "POST", path, NULL, NULL);

	expect_status(&b, 200);
	assert_string_equal(answer_str(&a, "client.mesh_ip"), answer_str(&b, "client.mesh_ip"));
	assert_string_not_equal(
		answer_str(&a, "client.public_key"), answer_str(&b, "client.public_key"));
	assert_non_null(answer_str(&b, "private_key"));
	const char *psk_a = strstr(answer_str(&a, "config"), "PresharedKey = ");
	const char *psk_b = strstr(answer_str(&b, "config"), "PresharedKey = ");
	assert_memory_not_equal(psk_a, psk_b, 50);
	ANSWER odd = call(f, "POST", path, NULL, "{\"publickey\":\"x\"}");
	expect_status(&odd, 400);
	assert_string_equal(answer_str(&odd, "field"), "publickey");
}

static void a_link_opens_once(void **state)
{
	char path[120], body[160];
	ANSWER a = call(f, "POST", CLIENTS "?link=1", "", "{\"name\":\"linked\"}");

	expect_status(&a, 401); /* needs credentials as anything else */
	ANSWER b = call(f, "POST", CLIENTS "?link=1", NULL, "{\"name\":\"linked\"}");
	expect_status(&b, 201);
	assert_null(answer_str(&b, "private_key"));
	assert_null(answer_str(&b, "config"));
	const char *once = strstr(answer_str(&b, "link"), "/once/");
	assert_non_null(once);
	snprintf(path, sizeof(path), "%.*s", (int)strcspn(once, "#"), once);
	snprintf(body, sizeof(body), "{\"token\":\"%s\"}", strchr(once, '#') + 1);
	/* a look at the page burns nothing, nor does a wrong token */
	ANSWER page = call(f, "GET", path, "", NULL);
	expect_status(&page, 200);
	ANSWER wrong = call(f, "POST", path, "", "{\"token\":\"wot_wrong\"}");
	expect_status(&wrong, 403);
	ANSWER opened = call(f, "POST", path, "", body);
	expect_status(&opened, 200);
	assert_non_null(strstr(buf_str(&opened.body), "PrivateKey = "));
	assert_non_null(strstr(buf_str(&opened.body), "[Peer]"));
	ANSWER again = call(f, "POST", path, "", body);
	expect_status(&again, 410);
}

static void a_deleted_client_frees_its_address_to_rest(void **state)
{
	char path[120], address[64];
	ANSWER a = call(f, "POST", CLIENTS, NULL, "{\"name\":\"short lived\"}");

	copy_str(&a, "client.mesh_ip", address, sizeof(address));
	snprintf(path, sizeof(path), CLIENTS "/%s", answer_str(&a, "client.id"));
	ANSWER gone = call(f, "DELETE", path, NULL, NULL);
	expect_status(&gone, 200);
	assert_string_equal(answer_str(&gone, "status"), "deleted");
	ANSWER twice = call(f, "DELETE", path, NULL, NULL);
	expect_status(&twice, 404);
	ANSWER next = call(f, "POST", CLIENTS, NULL, "{\"name\":\"next one\"}");
	assert_string_not_equal(answer_str(&next, "client.mesh_ip"), address);
}

static void without_a_gateway_the_reason_is_said(void **state)
{
	ANSWER net = call(f, "POST", "/api/v1/networks", NULL, "{\"name\":\"lonely\"}");
	expect_status(&net, 201);
	/* the default pool yielded to the one in use, visibly */
	assert_string_equal(answer_str(&net, "ipv4"), "172.29.0.0/16");
	ANSWER a = call(f, "POST", CLIENTS, NULL, "{\"name\":\"x\",\"network\":\"lonely\"}");
	expect_status(&a, 422);
	assert_non_null(strstr(answer_str(&a, "detail"), "gateway"));
	ANSWER group = call(
		f, "POST", "/api/v1/groups", NULL, "{\"name\":\"edge\",\"network\":\"lonely\"}");
	expect_status(&group, 201);
	ANSWER b = call(f, "POST", CLIENTS, NULL, "{\"name\":\"x\",\"network\":\"lonely\"}");
	expect_status(&b, 422);
	char path[120];
	snprintf(path, sizeof(path), "/api/v1/networks/%s", answer_str(&net, "id"));
	ANSWER up = call(f, "PATCH", path, NULL, "{\"psk_epoch\":2}");
	expect_status(&up, 200);
	ANSWER down = call(f, "PATCH", path, NULL, "{\"psk_epoch\":1}");
	expect_status(&down, 400);
	assert_string_equal(answer_str(&down, "field"), "psk_epoch");
	ANSWER gone = call(f, "DELETE", path, NULL, NULL);
	expect_status(&gone, 200);
	snprintf(path, sizeof(path), "/api/v1/networks/%s", gateway.network);
	ANSWER held = call(f, "DELETE", path, NULL, NULL);
	expect_status(&held, 409);
	assert_non_null(strstr(answer_str(&held, "detail"), "1 member"));
}

static void a_small_pool_runs_dry_clearly(void **state)
{
	/* /28: nodes .1-.5, gateway .7, devices .8-.14 */
	ANSWER net = call(f, "POST", "/api/v1/networks", NULL,
		"{\"name\":\"small\",\"ipv4\":\"10.77.0.0/28\"}");
	expect_status(&net, 201);
	struct gateway g = {.name = "gw two", .endpoint = "192.0.2.1:51820"};
	struct err e = {0};
	id_copy(g.network, answer_str(&net, "id"));
	id_copy(g.group, make(f, "/api/v1/groups", "{\"name\":\"edge\",\"network\":\"small\"}"));
	assert_int_equal(store_write_wait(f->control->store, put_gateway, &g, &e), 0);
	for (int i = 0; i < 20; i++) {
		char body[80];
		snprintf(body, sizeof(body), "{\"name\":\"c%d\",\"network\":\"small\"}", i);
		ANSWER a = call(f, "POST", CLIENTS, NULL, body);
		if (a.status == 201)
			continue;
		expect_status(&a, 409);
		assert_string_equal(answer_str(&a, "code"), "exhausted");
		assert_in_range(i, 6, 8);
		return;
	}
	fail_msg("a /28 never ran out");
}

/* --- many at once ----------------------------------------------------------------------------- */

#define THREADS 8
#define EACH 50

static void *create_many(void *arg)
{
	intptr_t thread = (intptr_t)arg;

	for (int i = 0; i < EACH; i++) {
		char body[80];
		/* half of the names collide with the neighbour's */
		snprintf(body, sizeof(body), "{\"name\":\"many %d-%d\"}",
			(int)(i % 2 ? thread : thread / 2), i);
		ANSWER a = call(f, "POST", CLIENTS, NULL, body);
		if (a.status != 201 && a.status != 409)
			return (void *)(intptr_t)a.status;
	}
	return NULL;
}

static void many_at_once_never_share(void **state)
{
	pthread_t threads[THREADS];
	struct map addresses = {0}, labels = {0};
	size_t seen = 0;
	char next[160] = "";

	for (intptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, create_many, (void *)i), 0);
	for (int i = 0; i < THREADS; i++) {
		void *status;
		pthread_join(threads[i], &status);
		assert_null(status);
	}
	do {
		char path[300];
		snprintf(path, sizeof(path), CLIENTS "?network=%s&limit=1000&after=%s",
			gateway.network, next);
		ANSWER a = call(f, "GET", path, NULL, NULL);
		expect_status(&a, 200);
		const struct json *items = json_get(json_root(a.doc), "items");
		for (size_t i = 0; i < json_count(items); i++) {
			const struct json *c = json_at(items, i);
			assert_null(map_set(&addresses, json_str(c, "mesh_ip"), &seen));
			assert_null(map_set(&labels, json_str(c, "dns_name"), &seen));
			if (strncmp(json_str(c, "name"), "many ", 5) == 0)
				seen++;
		}
		snprintf(next, sizeof(next), "%s",
			answer_str(&a, "next") ? answer_str(&a, "next") : "");
	} while (next[0]);
	/* odd i: one per thread; even i: one per pair */
	assert_int_equal(seen, THREADS * EACH / 2 + THREADS / 2 * EACH / 2);
	map_done(&addresses, NULL);
	map_done(&labels, NULL);
}

static void a_disabled_client_says_so(void **state)
{
	char path[120], id[ID_LEN];

	id_copy(id, make(f, CLIENTS, "{\"name\":\"off\"}"));
	snprintf(path, sizeof(path), CLIENTS "/%s", id);
	ANSWER off = call(f, "PATCH", path, NULL, "{\"enabled\":false}");
	expect_status(&off, 200);
	assert_false(json_bool(json_root(off.doc), "enabled", true));
	ANSWER same = call(f, "PATCH", path, NULL, "{\"enabled\":false}");
	expect_status(&same, 200);
	ANSWER log = call(f, "GET", "/api/v1/audit?action=client.disable", NULL, NULL);
	assert_int_equal(json_int(json_root(log.doc), "total", 0), 1); /* the second did nothing */
	ANSWER key = call(f, "PATCH", path, NULL, "{\"public_key\":null}");
	expect_status(&key, 400);
	assert_string_equal(answer_str(&key, "field"), "public_key");
}

static void a_plan_shows_no_secret(void **state)
{
	char path[120];

	snprintf(path, sizeof(path), "/api/v1/nodes/%s/state", gateway.node);
	ANSWER a = call(f, "GET", path, NULL, NULL);
	expect_status(&a, 200);
	assert_non_null(strstr(buf_str(&a.body), gateway.node));
	size_t peers = 0;
	for (const char *p = buf_str(&a.body); (p = strstr(p, "\"psk\":")); p++, peers++)
		assert_memory_equal(p, "\"psk\":\"\"", 8);
	assert_true(peers > 0); /* the clients above */
	snprintf(path, sizeof(path), "/api/v1/nodes/%s", gateway.node);
	ANSWER node = call(f, "GET", path, NULL, NULL);
	expect_status(&node, 200);
	assert_string_equal(answer_str(&node, "liveness"), "never");
	const struct json *m = json_at(json_get(json_root(node.doc), "members"), 0);
	assert_string_equal(json_str(m, "id"), gateway.member);
	assert_string_equal(json_str(m, "network_name"), "office");
	assert_null(strstr(buf_str(&node.body), "bearer_hash"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_gets_all_it_needs),
		cmocka_unit_test(a_look_at_the_head_does_nothing),
		cmocka_unit_test(own_keys_stay_away_from_here),
		cmocka_unit_test(names_and_labels_are_unique),
		cmocka_unit_test(the_longest_name_is_found),
		cmocka_unit_test(a_change_makes_the_configuration_stale),
		cmocka_unit_test(a_file_names_the_gateway_that_was_chosen),
		cmocka_unit_test(rotation_changes_key_and_psk),
		cmocka_unit_test(a_link_opens_once),
		cmocka_unit_test(a_deleted_client_frees_its_address_to_rest),
		cmocka_unit_test(a_disabled_client_says_so),
		cmocka_unit_test(a_plan_shows_no_secret),
		cmocka_unit_test(many_at_once_never_share),
		cmocka_unit_test(without_a_gateway_the_reason_is_said),
		cmocka_unit_test(a_small_pool_runs_dry_clearly),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
