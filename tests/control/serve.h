/*
 * DOC: a control plane in this process for the tests of this room, in a directory of its own, with
 * a real HTTP client: over TLS with a token, or over the unix socket as root or ourselves.
 */
#ifndef WARREN_TESTS_CONTROL_SERVE_H
#define WARREN_TESTS_CONTROL_SERVE_H

#include "base/file.h"
#include "base/mem.h"
#include "codec/json.h"
#include "control/change.h"
#include "control/control.h"
#include "control/secrets.h"
#include "crypto/key.h"
#include "http/client.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[64];
	const struct clock *clock; /* NULL = real */
	struct control *control;
	struct http_target tls, local;
	char project[ID_LEN];
};

struct answer {
	int status;
	struct buf body;
	struct strs headers;
	struct json_doc *doc; /* NULL when it is not JSON */
};

static inline void answer_done(struct answer *a)
{
	buf_wipe(&a->body);
	strs_done(&a->headers);
	json_free(a->doc);
	memset(a, 0, sizeof(*a));
}
#define ANSWER CLEANUP(answer_done) struct answer

static inline const char *answer_str(const struct answer *a, const char *path)
{
	return a->doc ? json_str(json_root(a->doc), path) : NULL;
}

static inline struct answer answer_of(
	const struct http_target *t, const struct http_send *send, const char *what)
{
	struct answer a = {0};
	struct http_response r = {0};
	struct err e = {0};

	if (http_call_wait(t, send, &r, &e) < 0)
		fail_msg("%s: %s", what, e.text);
	a.status = r.status;
	a.body = r.body;
	a.headers = r.headers;
	if (a.body.len > 0)
		a.doc = json_parse(a.body.data, a.body.len, 16 * 1024 * 1024, NULL);
	return a;
}

/* bearer NULL = over the unix socket, "" = over TLS with nothing. */
static inline struct answer call(struct fixture *f, const char *method, const char *path,
	const char *bearer, const char *body)
{
	struct http_send send = {.method = method,
		.path = path,
		.bearer = bearer && *bearer ? bearer : NULL,
		.content_type = body ? "application/json" : NULL,
		.body = body,
		.body_len = body ? strlen(body) : 0};

	return answer_of(bearer ? &f->tls : &f->local, &send, path);
}

static inline void expect_status(const struct answer *a, int status)
{
	if (a->status != status)
		fail_msg("status %d instead of %d: %s", a->status, status, buf_str(&a->body));
}

/* Read a string of an answer into a buffer of the test. */
static inline void copy_str(const struct answer *a, const char *path, char *ret, size_t size)
{
	const char *s = answer_str(a, path);

	if (s == NULL)
		fail_msg("no %s in %s", path, buf_str(&a->body));
	snprintf(ret, size, "%s", s ? s : "");
}

static inline int serve_again(struct fixture *f, struct err *e)
{
	struct control_options o = {.state_dir = f->dir,
		.listen = "127.0.0.1:0",
		.agent_listen = "127.0.0.1:0",
		.clock = f->clock};
	int r = control_start(&o, &f->control, e);

	if (r < 0)
		return r;
	http_target_done(&f->tls);
	http_target_done(&f->local);
	f->tls = (struct http_target){
		.base = mem_printf("https://127.0.0.1:%u", control_port(f->control)),
		.insecure = true};
	f->local = (struct http_target){.base = mem_printf("http+unix://%s/warren.sock", f->dir)};
	return 0;
}

static inline struct fixture *serve_by(const struct clock *clock)
{
	struct fixture *f = NEW(struct fixture);
	struct err e = {0};

	f->clock = clock;

	strcpy(f->dir, "/tmp/warren-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	if (serve_again(f, &e) < 0)
		fail_msg("%s", e.text);
	ANSWER a = call(f, "GET", "/api/v1/projects", NULL, NULL);
	expect_status(&a, 200);
	const struct json *first = json_at(json_get(json_root(a.doc), "items"), 0);
	id_copy(f->project, json_str(first, "id")); /* a new store has one project */
	return f;
}

static inline struct fixture *serve(void)
{
	return serve_by(NULL);
}

static inline int no_change(struct tx *tx, void *arg, struct err *e)
{
	return 0;
}

/* Wait for what was queued for the writer without anybody waiting for it. */
static inline void settle(struct fixture *f)
{
	struct err e;

	store_write_wait(f->control->store, no_change, NULL, &e);
}

static inline void remove_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		char path[400];

		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

static inline void serve_end(struct fixture *f)
{
	control_stop(f->control);
	http_target_done(&f->tls);
	http_target_done(&f->local);
	remove_dir(f->dir);
	mem_free(f);
}

/* A secret of n bytes is in none of the store's files. */
static inline void must_not_hold(const char *dir, const char *what, const void *secret, size_t n)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	assert_true(n > 0);
	while ((entry = readdir(d))) {
		char path[400];
		CLEANUP(buf_wipe) struct buf bytes = {0};

		if (strncmp(entry->d_name, "warren.db", 9) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		assert_int_equal(file_read(path, 64 * 1024 * 1024, &bytes, NULL), 0);
		if (bytes.len > 0 && memmem(bytes.data, bytes.len, secret, n))
			fail_msg("%s stands in clear in %s", what, entry->d_name);
	}
	closedir(d);
}

/* --- things most tests need ------------------------------------------------------------------- */

/* Create and return the id of the answer (static buffer: one at a time). */
static inline const char *make(struct fixture *f, const char *path, const char *body)
{
	static char id[ID_LEN];
	ANSWER a = call(f, "POST", path, NULL, body);

	expect_status(&a, 201);
	copy_str(&a, answer_str(&a, "client.id") ? "client.id" : "id", id, sizeof(id));
	return id;
}

struct gateway {
	char project[ID_LEN], network[ID_LEN], group[ID_LEN], node[ID_LEN], member[ID_LEN];
	const char *name, *endpoint, *observed;
	unsigned roles;
	uint16_t port; /* 0 = the network's */
	struct control *control;
};

/* What registration stores, without an agent. g->node "" makes one, else that joins the network. */
static inline int put_member(struct tx *tx, void *arg, struct err *e)
{
	struct gateway *g = arg;
	bool joins = g->node[0] != '\0';
	struct network n = {0};
	struct secret key;
	int r = tx_get(tx, &schema_network, g->network, &n, e);
	struct node node = {
		.name = mem_strdup(g->name), .enabled = true, .granted_roles = g->roles};
	struct member m = {.roles = g->roles,
		.listen_port = g->port,
		.endpoint = mem_strdup(g->endpoint),
		.observed_endpoint = mem_strdup(g->observed)};

	id_copy(g->project, n.project);
	if (!joins)
		id_make("node", tx_now(tx), g->node);
	id_make("mem", tx_now(tx), m.id);
	id_copy(node.id, g->node);
	id_copy(node.project, n.project);
	id_copy(m.project, n.project);
	id_copy(m.network, n.id);
	id_copy(m.node, g->node);
	id_copy(m.group, g->group);
	id_copy(g->member, m.id);
	key_generate(&key);
	key_public(&key, &m.public_key);
	if (r == 0)
		r = tx_lease(tx, n.id, n.node_first, n.node_last, m.id, 0, &m.ipv4, e);
	m.ipv6 = (struct addr){FAMILY_IPV6, n.ipv6.addr.bits | m.ipv4.bits};
	if (r == 0 && !joins)
		r = change_store(tx, &schema_node, NULL, &node, "test", "node.register", e);
	if (r == 0)
		r = change_store(tx, &schema_member, NULL, &m, "test", "member.register", e);
	schema_done(&schema_network, &n);
	schema_done(&schema_node, &node);
	schema_done(&schema_member, &m);
	return r;
}

static inline int put_gateway(struct tx *tx, void *arg, struct err *e)
{
	struct gateway *g = arg;

	g->node[0] = '\0';
	g->roles = ROLE_GATEWAY;
	g->port = 51821;
	return put_member(tx, g, e);
}

static inline void store_member(struct fixture *f, struct gateway *g)
{
	struct err e = {0};

	if (store_write_wait(f->control->store, put_member, g, &e) < 0)
		fail_msg("%s", e.text);
}

/* A network with a group and one gateway in the default project (or ?project= in query). */
static inline struct gateway make_gateway(
	struct fixture *f, const char *query, const char *network, const char *node)
{
	struct gateway g = {.name = node, .endpoint = "vpn.example.com:51820"};
	char path[160], body[200];
	struct err e = {0};

	snprintf(path, sizeof(path), "/api/v1/networks%s", query);
	snprintf(body, sizeof(body), "{\"name\":\"%s\"}", network);
	id_copy(g.network, make(f, path, body));
	snprintf(path, sizeof(path), "/api/v1/groups%s", query);
	snprintf(body, sizeof(body), "{\"name\":\"edge\",\"network\":\"%s\"}", g.network);
	id_copy(g.group, make(f, path, body));
	g.control = f->control;
	if (store_write_wait(f->control->store, put_gateway, &g, &e) < 0)
		fail_msg("%s", e.text);
	return g;
}

/* An API token of a role in a project; text in ret. */
static inline void make_token(
	struct fixture *f, const char *query, const char *role, char ret[static 128])
{
	char path[160], body[160];

	snprintf(path, sizeof(path), "/api/v1/tokens%s", query);
	snprintf(body, sizeof(body), "{\"kind\":\"api\",\"name\":\"%s\",\"role\":\"%s\"}", role,
		role);
	ANSWER a = call(f, "POST", path, NULL, body);
	expect_status(&a, 201);
	copy_str(&a, "token", ret, 128);
}

#endif
