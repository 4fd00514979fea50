/*
 * DOC: see control.h: start and stop as a list. Everything a started part needs was started before
 * it; control_stop goes the other way and also undoes a start that failed half way.
 */
#include "control/control.h"

#include "base/file.h"
#include "base/mem.h"
#include "codec/profile_signer.h"
#include "control/api.h"
#include "control/attempts.h"
#include "control/auth.h"
#include "control/change.h"
#include "control/failures.h"
#include "control/hub.h"
#include "control/janitor.h"
#include "control/keys.h"
#include "control/labels.h"
#include "control/metrics.h"
#include "control/problem.h"
#include "control/setting.h"
#include "control/signon.h"
#include "control/workers.h"
#include "crypto/key.h"
#include "http/server.h"
#include "plan/plan.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define DEFAULT_LISTEN "127.0.0.1:8443"
#define DEFAULT_AGENT_LISTEN "[::]:8444"
#define DEFAULT_PROJECT "default"
#define PEM_MAX (256 * 1024)
#define HTTP_THREADS 2
/* Heads of agents are short, and each of ten thousand streams holds room for one. */
#define AGENT_HEADER_MAX ((size_t)6 * 1024)

/* Two servers on one state folder would each believe to be the only writer. */
static int lock_state(struct control *c, struct err *e)
{
	AUTOFREE char *path = mem_printf("%s/warren.lock", c->options.state_dir);
	c->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (c->lock_fd < 0)
		return err_errno(e, errno, "cannot open %s", path);
	if (flock(c->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, ERR_UNAVAILABLE, "another warren already serves from %s",
			c->options.state_dir);
	return 0;
}

static int open_store(struct control *c, struct err *e)
{
	AUTOFREE char *path = mem_printf("%s/warren.db", c->options.state_dir);
	int r = store_open(&store_sqlite, path, c->clock, &c->store, e);
	return r < 0 ? r : keys_open(c->store, c->options.state_dir, &c->keys, e);
}

/* A new store begins with one project, so that nobody has to know the word. */
static int first_project(struct tx *tx, void *arg, struct err *e)
{
	CLEANUP(buf_done) struct buf seen = {0};
	int r = tx_meta_get(tx, "first_project", &seen, e);
	if (r != ERR_NOT_FOUND)
		return r;
	char name[] = DEFAULT_PROJECT;
	struct project p = {.name = name, .created_at = tx_now(tx)};
	id_make("prj", tx_now(tx), p.id);
	r = change_store(tx, &schema_project, NULL, &p, "local", "project.create", e);
	return r < 0 ? r : tx_meta_put(tx, "first_project", p.id, e);
}

static void forget(const char *text)
{
	mem_free((void *)(uintptr_t)text);
}

/* --- listeners -------------------------------------------------------------------------------- */

static int serve_local(struct control *c, struct err *e)
{
	AUTOFREE char *listen = mem_printf("unix:%s/warren.sock", c->options.state_dir);
	struct http_options o = {
		.listen = listen,
		.threads = 1,
		.routes = api_routes,
		.n_routes = n_api_routes,
		.ctx = c,
		.done = metrics_request,
		.error_body = problem_body,
	};
	return http_server_start(&o, &c->local_server, e);
}

/* "ADDRESS:0" asked for any port: from here on the text says which one it is. */
static void know_port(const char **listen, uint16_t port)
{
	const char *was = *listen, *colon = strrchr(was, ':');
	if (port == 0 || colon == NULL)
		return;
	*listen = mem_printf("%.*s:%u", (int)(colon - was), was, port);
	forget(was);
}

static void public_bound(void *ctx, uint16_t port)
{
	struct control *c = ctx;
	know_port(&c->options.listen, port);
}

static void agents_bound(void *ctx, uint16_t port)
{
	struct control *c = ctx;
	know_port(&c->options.agent_listen, port);
}

/* Names in the certificate we make ourselves: what people type on this machine. */
static int own_certificate(struct control *c, const char *kind, const char *listen,
	struct buf *cert, struct buf *key, struct err *e)
{
	char machine[256] = "warren", host[256];
	gethostname(machine, sizeof(machine) - 1);
	machine[sizeof(machine) - 1] = '\0';
	auth_host_only(listen, host, sizeof(host));
	const char *names[] = {"localhost", "127.0.0.1", "::1", machine, *host ? host : NULL, NULL};
	return keys_certificate(c->store, &c->keys, kind, names, cert, key, e);
}

static int serve_public(struct control *c, struct err *e)
{
	CLEANUP(buf_done) struct buf cert = {0};
	CLEANUP(buf_wipe) struct buf key = {0};
	const struct control_options *o = &c->options;
	int r;
	if (!o->cert_file != !o->key_file)
		return err_set(
			e, ERR_INVALID, "a certificate needs its key, and a key its certificate");
	if (o->cert_file) {
		r = file_read(o->cert_file, PEM_MAX, &cert, e);
		if (r == 0)
			r = file_read(o->key_file, PEM_MAX, &key, e);
	} else {
		r = own_certificate(c, "tls_public", o->listen, &cert, &key, e);
	}
	struct http_options h = {
		.listen = o->listen,
		.cert_pem = buf_str(&cert),
		.key_pem = buf_str(&key),
		.threads = HTTP_THREADS,
		.routes = api_routes,
		.n_routes = n_api_routes,
		.ctx = c,
		.bound = public_bound,
		.done = metrics_request,
		.error_body = problem_body,
	};
	return r < 0 ? r : http_server_start(&h, &c->public_server, e);
}

/* Agents learn two pins: of the identity that is shown and of the one that will follow it. */
static int tell_pins(struct control *c, const char *shown, const char *next, struct err *e)
{
	CLEANUP(buf_done) struct buf a = {0}, b = {0};
	int r = http_certificate_pin(shown, &a, e);
	if (r == 0)
		r = http_certificate_pin(next, &b, e);
	if (r == 0)
		hub_set_pins(c->hub, (const char *[]){buf_str(&a), buf_str(&b), NULL});
	return r;
}

static int serve_agents(struct control *c, struct err *e)
{
	CLEANUP(buf_done) struct buf cert = {0}, next_cert = {0};
	CLEANUP(buf_wipe) struct buf key = {0}, next_key = {0};
	int r = own_certificate(c, "tls_agent", c->options.agent_listen, &cert, &key, e);
	if (r == 0)
		r = own_certificate(
			c, "tls_agent_next", c->options.agent_listen, &next_cert, &next_key, e);
	if (r == 0)
		r = tell_pins(c, buf_str(&cert), buf_str(&next_cert), e);
	struct http_options h = {
		.listen = c->options.agent_listen,
		.cert_pem = buf_str(&cert),
		.key_pem = buf_str(&key),
		.threads = HTTP_THREADS,
		.header_max = AGENT_HEADER_MAX,
		.routes = agent_routes,
		.n_routes = n_agent_routes,
		.ctx = c,
		.bound = agents_bound,
		.done = metrics_request,
		.error_body = problem_body,
	};
	return r < 0 ? r : http_server_start(&h, &c->agent_server, e);
}

#define PLANNER_META "planner"

/* A revision says which change of the fleet a node has, not by which planner: after an upgrade that
 * changed it nobody has what they would get now, and deltas would be put upon something else. */
static int follow_planner(struct tx *tx, void *arg, struct err *e)
{
	CLEANUP(buf_done) struct buf seen = {0};
	char now[16];
	int r = tx_meta_get(tx, PLANNER_META, &seen, e);
	snprintf(now, sizeof(now), "%d", PLAN_VERSION);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	if (r == 0 && strcmp(buf_str(&seen), now) == 0)
		return 0;
	r = tx_raise_all(tx, e);
	return r < 0 ? r : tx_meta_put(tx, PLANNER_META, now, e);
}

/* --- start and stop --------------------------------------------------------------------------- */

static int start(struct control *c, struct err *e)
{
	int r = profile_signer_open(
		c->options.profile_signing_cert, c->options.profile_signing_key, &c->signer, e);
	if (r == 0)
		r = file_mkdirs(c->options.state_dir, 0700, e);
	if (r == 0)
		r = lock_state(c, e);
	if (r == 0)
		r = file_sweep(c->options.state_dir, e);
	if (r == 0)
		r = open_store(c, e);
	if (r == 0)
		r = store_write_wait(c->store, first_project, c, e);
	if (r == 0)
		r = store_write_wait(c->store, follow_planner, NULL, e);
	if (r == 0)
		r = store_read(c->store, settings_load, c->settings, e);
	if (r == 0)
		r = workers_new("logins", WORKERS_QUEUE_MAX, &c->workers, e);
	if (r == 0)
		r = workers_new("sign-ons", WORKERS_QUEUE_MAX, &c->callers, e);
	if (r == 0)
		r = workers_new("questions about policies", QUESTIONS_QUEUE, &c->questions, e);
	if (r == 0)
		r = hub_new(c, &c->hub, e);
	if (r == 0)
		r = serve_agents(c, e);
	if (r == 0)
		r = serve_public(c, e);
	if (r == 0)
		r = serve_local(c, e); /* its links name the public port */
	return r;
}

int control_start(const struct control_options *o, struct control **ret, struct err *e)
{
	crypto_init();
	struct control *c = NEW(struct control);
	c->options = *o;
	c->options.state_dir = mem_strdup(o->state_dir);
	c->options.listen = mem_strdup(o->listen ? o->listen : DEFAULT_LISTEN);
	c->options.agent_listen =
		mem_strdup(o->agent_listen ? o->agent_listen : DEFAULT_AGENT_LISTEN);
	c->options.cert_file = mem_strdup(o->cert_file);
	c->options.key_file = mem_strdup(o->key_file);
	c->options.profile_signing_cert = mem_strdup(o->profile_signing_cert);
	c->options.profile_signing_key = mem_strdup(o->profile_signing_key);
	c->options.allowed_hosts = mem_strdup(o->allowed_hosts);
	c->clock = o->clock ? o->clock : &clock_real;
	c->lock_fd = -1;
	c->attempts = attempts_new(c->clock);
	c->failures = failures_new(c->clock);
	c->labels = labels_new();
	c->metrics = metrics_new();
	c->settings = settings_live_new();
	c->janitor = janitor_new(c);
	c->signon = signon_new(c);
	int r = start(c, e);
	if (r < 0) {
		control_stop(c);
		return r;
	}
	*ret = c;
	return 0;
}

static int nothing(struct tx *tx, void *arg, struct err *e)
{
	return 0;
}

static void nothing_more(const struct fleet *f, void *arg)
{
}

/* Calls go HTTP -> worker -> writer -> hub -> writer -> hub at most; each barrier waits for what
 * was queued before it, so after these nothing that was acknowledged or begun is still under way.
 */
static void drain(struct control *c)
{
	struct err e;
	c->callers = workers_free(c->callers);
	c->questions = workers_free(c->questions);
	c->workers = workers_free(c->workers);
	for (int i = 0; c->hub && i < 2; i++) {
		store_write_wait(c->store, nothing, NULL, &e);
		hub_run_wait(c->hub, nothing_more, NULL);
	}
	if (c->store)
		store_write_wait(c->store, nothing, NULL, &e);
}

struct control *control_stop(struct control *c)
{
	if (c == NULL)
		return NULL;
	if (c->public_server)
		c->public_server = http_server_stop(c->public_server);
	if (c->local_server)
		c->local_server = http_server_stop(c->local_server);
	if (c->agent_server)
		c->agent_server = http_server_stop(c->agent_server);
	drain(c);
	if (c->hub)
		c->hub = hub_free(c->hub);
	if (c->store)
		c->store = store_close(c->store);
	keys_done(&c->keys);
	metrics_free(c->metrics);
	settings_live_free(c->settings);
	janitor_free(c->janitor);
	signon_free(c->signon);
	labels_free(c->labels);
	attempts_free(c->attempts);
	failures_free(c->failures);
	if (c->lock_fd >= 0)
		close(c->lock_fd);
	forget(c->options.state_dir);
	forget(c->options.listen);
	forget(c->options.agent_listen);
	forget(c->options.cert_file);
	forget(c->options.key_file);
	forget(c->options.profile_signing_cert);
	forget(c->options.profile_signing_key);
	forget(c->options.allowed_hosts);
	cms_signer_free(c->signer);
	return mem_free(c);
}

uint16_t control_port(const struct control *c)
{
	return http_server_port(c->public_server);
}

uint16_t control_agent_port(const struct control *c)
{
	return http_server_port(c->agent_server);
}
