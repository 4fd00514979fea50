/*
 * DOC: starting and stopping: a wrong, corrupt, missing or readable master key stops the start;
 * a restart keeps everything; one server a state folder; no secret in clear on disk.
 */
#include "serve.h"

#include "base/file.h"
#include "base/text.h"
#include "control/attempts.h"
#include "control/exposition.h"

#include <pthread.h>

#define CLIENTS "/api/v1/wireguard/clients"

static void refused(struct fixture *f, const char *why)
{
	struct err e = {0};

	if (serve_again(f, &e) == 0)
		fail_msg("started although %s", why);
	assert_non_null(strstr(e.text, "master.key"));
}

static void the_master_key_must_be_right(void **state)
{
	struct fixture *f = serve();
	char path[100], good[128] = "", id[ID_LEN];
	struct err e = {0};
	struct stat st;
	CLEANUP(buf_wipe) struct buf key = {0};

	id_copy(id, make(f, "/api/v1/networks", "{\"name\":\"kept\"}"));
	snprintf(path, sizeof(path), "%s/master.key", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(f->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(file_read(path, 200, &key, &e), 0);
	snprintf(good, sizeof(good), "%s", buf_str(&key));
	f->control = control_stop(f->control);

	/* a start takes away what a killed one left half-written */
	char left[120];
	snprintf(left, sizeof(left), "%s.~aB3dE9", path);
	assert_int_equal(file_write(left, good, strlen(good), 0600, &e), 0);

	static const char other[] = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n";
	file_write(path, other, strlen(other), 0600, &e);
	refused(f, "the key is another");
	file_write(path, good, 20, 0600, &e);
	refused(f, "the key is cut");
	file_write(path, "", 0, 0600, &e);
	refused(f, "the key is empty");
	unlink(path);
	refused(f, "the key is missing");
	assert_int_not_equal(stat(path, &st), 0); /* and none was made */
	file_write(path, good, strlen(good), 0644, &e);
	refused(f, "others can read it");
	file_write(path, good, strlen(good), 0600, &e);
	if (geteuid() == 0) { /* only root gives files away */
		assert_int_equal(chown(path, 4711, 4711), 0);
		refused(f, "it is another user's");
		assert_int_equal(chown(path, 0, 0), 0);
		assert_int_equal(chown(f->dir, 4711, 4711), 0);
		assert_int_equal(serve_again(f, &e), ERR_DENIED);
		assert_non_null(strstr(e.text, f->dir));
		assert_non_null(strstr(e.text, "belongs to user 4711"));
		assert_int_equal(chown(f->dir, 0, 0), 0);
	}

	assert_int_equal(serve_again(f, &e), 0);
	assert_int_not_equal(stat(left, &st), 0);
	snprintf(path, sizeof(path), "/api/v1/networks/%s", id);
	ANSWER a = call(f, "GET", path, NULL, NULL);
	expect_status(&a, 200);
	serve_end(f);
}

/* "Any port" was asked for: what is logged, shown and written into links is the one there is. */
static void the_port_is_the_one_bound(void **state)
{
	struct fixture *f = serve();
	char want[64];

	make_gateway(f, "", "office", "gw");
	snprintf(want, sizeof(want), "127.0.0.1:%u", control_port(f->control));
	assert_string_equal(f->control->options.listen, want);
	snprintf(want, sizeof(want), "127.0.0.1:%u", control_agent_port(f->control));
	assert_string_equal(f->control->options.agent_listen, want);
	ANSWER a = call(f, "POST", CLIENTS "?link=1", NULL, "{\"name\":\"linked\"}");
	expect_status(&a, 201);
	snprintf(want, sizeof(want), "https://127.0.0.1:%u/once/", control_port(f->control));
	assert_int_equal(strncmp(answer_str(&a, "link"), want, strlen(want)), 0);
	serve_end(f);
}

static void a_restart_keeps_everything(void **state)
{
	struct fixture *f = serve();
	struct err e = {0};
	struct gateway g = make_gateway(f, "", "office", "gw");
	char token[128], path[160], body[64], before[4096];

	make_token(f, "", "system-admin", token);
	for (int i = 0; i < 5; i++) {
		snprintf(body, sizeof(body), "{\"name\":\"c%d\"}", i);
		make(f, CLIENTS, body);
	}
	ANSWER last = call(f, "GET", CLIENTS "?name=c4", NULL, NULL);
	snprintf(path, sizeof(path), CLIENTS "/%s/config",
		json_str(json_at(json_get(json_root(last.doc), "items"), 0), "id"));
	ANSWER first = call(f, "GET", path, NULL, NULL);
	snprintf(before, sizeof(before), "%s", buf_str(&first.body));
	struct public_key root = f->control->keys.root_public;

	f->control = control_stop(f->control);
	assert_int_equal(serve_again(f, &e), 0);
	assert_true(public_key_equal(&root, &f->control->keys.root_public));
	ANSWER list = call(f, "GET", CLIENTS, token, NULL);
	expect_status(&list, 200);
	assert_int_equal(json_int(json_root(list.doc), "total", 0), 5);
	ANSWER config = call(f, "GET", path, token, NULL);
	assert_string_equal(buf_str(&config.body), before); /* keys and PSKs too */
	ANSWER projects = call(f, "GET", "/api/v1/projects", token, NULL);
	assert_int_equal(json_int(json_root(projects.doc), "total", 0), 1);
	assert_string_equal(g.name, "gw");
	serve_end(f);
}

/* --- stopping under load ---------------------------------------------------------------------- */

#define LOAD_THREADS 4

struct load {
	struct fixture *f;
	pthread_mutex_t lock;
	pthread_cond_t some;
	struct strs made; /* ids that were acknowledged */
	int number;
};

static void *load(void *arg)
{
	struct load *l = arg;

	for (;;) {
		struct http_response r = {0};
		char body[40];
		pthread_mutex_lock(&l->lock);
		snprintf(body, sizeof(body), "{\"name\":\"n%d\"}", l->number++);
		pthread_mutex_unlock(&l->lock);
		struct http_send send = {
			.method = "POST", .path = CLIENTS, .body = body, .body_len = strlen(body)};
		if (http_call_wait(&l->f->local, &send, &r, NULL) < 0)
			return NULL; /* the server has stopped */
		struct json_doc *d = json_parse(r.body.data, r.body.len, 100000, NULL);
		pthread_mutex_lock(&l->lock);
		if (r.status == 201 && d)
			strs_push(&l->made, json_str(json_root(d), "client.id"));
		pthread_cond_signal(&l->some);
		pthread_mutex_unlock(&l->lock);
		json_free(d);
		http_response_done(&r);
	}
}

static void nothing_acknowledged_is_lost(void **state)
{
	struct fixture *f = serve();
	struct load l = {
		.f = f, .lock = PTHREAD_MUTEX_INITIALIZER, .some = PTHREAD_COND_INITIALIZER};
	pthread_t threads[LOAD_THREADS];
	struct err e = {0};

	make_gateway(f, "", "office", "gw");
	for (int i = 0; i < LOAD_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, load, &l), 0);
	pthread_mutex_lock(&l.lock);
	while (l.made.n < 50)
		pthread_cond_wait(&l.some, &l.lock);
	pthread_mutex_unlock(&l.lock);
	f->control = control_stop(f->control);
	for (int i = 0; i < LOAD_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(serve_again(f, &e), 0);
	VEC_FOREACH (id, &l.made) {
		char path[120];
		snprintf(path, sizeof(path), CLIENTS "/%s", *id);
		ANSWER a = call(f, "GET", path, NULL, NULL);
		expect_status(&a, 200);
	}
	strs_done(&l.made);
	serve_end(f);
}

static void one_server_a_folder(void **state)
{
	struct fixture *f = serve();
	struct control_options o = {
		.state_dir = f->dir, .listen = "127.0.0.1:0", .agent_listen = "127.0.0.1:0"};
	struct control *second = NULL;
	struct err e = {0};

	assert_int_equal(control_start(&o, &second, &e), ERR_UNAVAILABLE);
	assert_null(second);
	ANSWER a = call(f, "GET", "/readyz", "", NULL);
	expect_status(&a, 200);
	serve_end(f);
}

static void a_half_certificate_is_refused(void **state)
{
	struct fixture *f = serve();
	struct err e = {0};
	struct control *c = NULL;

	f->control = control_stop(f->control);
	struct control_options o = {.state_dir = f->dir,
		.listen = "127.0.0.1:0",
		.agent_listen = "127.0.0.1:0",
		.cert_file = "/nonexistent.pem"};
	assert_int_equal(control_start(&o, &c, &e), ERR_INVALID);
	o.key_file = "/nonexistent.pem";
	assert_true(control_start(&o, &c, &e) < 0);
	serve_end(f);
}

/* --- secrets ---------------------------------------------------------------------------------- */

static void no_secret_in_clear(void **state)
{
	struct fixture *f = serve();
	make_gateway(f, "", "office", "gw");
	ANSWER client = call(f, "POST", CLIENTS, NULL, "{\"name\":\"a\"}");
	ANSWER linked = call(f, "POST", CLIENTS "?link=1", NULL, "{\"name\":\"b\"}");
	ANSWER user = call(
		f, "POST", "/api/v1/users", NULL, "{\"name\":\"root\",\"role\":\"system-admin\"}");
	ANSWER api = call(f, "POST", "/api/v1/tokens", NULL, "{\"name\":\"t\",\"kind\":\"api\"}");
	ANSWER join = call(f, "POST", "/api/v1/tokens", NULL, "{\"name\":\"j\",\"kind\":\"join\"}");
	char psk[64], hex[65];
	const struct control_keys *k = &f->control->keys;

	expect_status(&linked, 201);
	expect_status(&join, 201);
	snprintf(psk, sizeof(psk), "%.44s",
		strstr(answer_str(&client, "config"), "PresharedKey = ") + 15);
	const struct {
		const char *what;
		const void *bytes;
		size_t n;
	} secrets[] = {
		{"private key", answer_str(&client, "private_key"), 44},
		{"pre-shared key", psk, 44},
		{"link token", strchr(answer_str(&linked, "link"), '#') + 1, 40},
		{"password", answer_str(&user, "password"), 20},
		{"API token", answer_str(&api, "token"), 40},
		{"join token", answer_str(&join, "token"), 40},
		{"PrivateKey line", "PrivateKey = ", 13},
		{"TLS key", "BEGIN PRIVATE", 13},
		{"EC key", "BEGIN EC PRIVATE", 16},
		{"master key", k->master.bytes, 32},
		{"root seed", k->root_seed.bytes, 32},
		{"signing seed", k->signing_seed.bytes, 32},
	};
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		must_not_hold(f->dir, secrets[i].what, secrets[i].bytes, secrets[i].n);
	text_hex(k->master.bytes, 32, hex);
	must_not_hold(f->dir, "master key in hex", hex, 64);
	f->control = control_stop(f->control);
	for (size_t i = 0; i < 9; i++)
		must_not_hold(f->dir, secrets[i].what, secrets[i].bytes, secrets[i].n);
	serve_end(f);
}

/* --- small parts ------------------------------------------------------------------------------ */

static void attempts_leak_away(void **state)
{
	struct clock clock = clock_fake(1000000, 1000000);
	struct attempts *a = attempts_new(&clock);

	for (int i = 0; i < ATTEMPTS_MAX; i++)
		assert_int_equal(attempts_take(a, "192.0.2.1", "ann"), 0);
	assert_true(attempts_take(a, "192.0.2.1", "bob") > 0); /* the address is spent */
	assert_true(attempts_take(a, "192.0.2.9", "ann") > 0); /* so is the name */
	assert_int_equal(attempts_take(a, "192.0.2.9", "bob"), 0);
	clock.fake_mono += ATTEMPTS_WINDOW / ATTEMPTS_MAX;
	assert_int_equal(attempts_take(a, "192.0.2.1", "ann"), 0);
	assert_true(attempts_take(a, "192.0.2.1", "ann") > 0);
	attempts_succeeded(a, "192.0.2.1", "ann");
	assert_int_equal(attempts_take(a, "192.0.2.1", "ann"), 0);
	/* a /64 is one address */
	for (int i = 0; i < ATTEMPTS_MAX; i++) {
		char address[40];
		snprintf(address, sizeof(address), "2001:db8::%x", i + 1);
		assert_int_equal(attempts_take(a, address, address), 0);
	}
	assert_true(attempts_take(a, "2001:db8::ffff:1", "new") > 0);
	assert_int_equal(attempts_take(a, "2001:db8:0:1::1", "new"), 0);
	attempts_free(a);
}

static void labels_of_metrics_are_escaped(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};

	exposition_label(&b, "a\"b\\c\nd");
	assert_string_equal(buf_str(&b), "a\\\"b\\\\c\\nd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_master_key_must_be_right),
		cmocka_unit_test(the_port_is_the_one_bound),
		cmocka_unit_test(a_restart_keeps_everything),
		cmocka_unit_test(nothing_acknowledged_is_lost),
		cmocka_unit_test(one_server_a_folder),
		cmocka_unit_test(a_half_certificate_is_refused),
		cmocka_unit_test(no_secret_in_clear),
		cmocka_unit_test(attempts_leak_away),
		cmocka_unit_test(labels_of_metrics_are_escaped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
