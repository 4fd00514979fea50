/* DOC: tests of certificates, pins and the TLS versions of the listener. */
#include "serve.h"

#include "http/client.h"

#include "base/file.h"
#include "http/awaited.h"

#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <time.h>

static const char *const names[] = {"127.0.0.1", "warren.test", "2001:db8::1", NULL};

/* A certificate made elsewhere, with the pin that the openssl program computed for it. */
static const char foreign[] = "-----BEGIN CERTIFICATE-----\n"
			      "MIIBcTCCARegAwIBAgIUEBXAjVpxgKbdYx1RG7nVGR/S+C8wCgYIKoZIzj0EAwIw\n"
			      "DjEMMAoGA1UEAwwDcGluMB4XDTI2MTEyMTA0NTU1M1oXDTM2MTExODA0NTU1M1ow\n"
			      "DjEMMAoGA1UEAwwDcGluMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVqejt1d0\n"
			      "DCp5NbP2m3DXksmoZUtzWPLFo3QrQOHU0wrku4NL7yOIQm178wnEQvjbWrC6z1Jc\n"
			      "7LbpR6vzf+JgdqNTMFEwHQYDVR0OBBYEFBatWww3ONjg3c4oZYP92r/Kmw6uMB8G\n"
			      "A1UdIwQYMBaAFBatWww3ONjg3c4oZYP92r/Kmw6uMA8GA1UdEwEB/wQFMAMBAf8w\n"
			      "CgYIKoZIzj0EAwIDSAAwRQIhAKIVEIWpvvXJBukFkSvPq8Qs+yTY6SXlHOzxre8S\n"
			      "r7bLAiB+lZhTpaY+tbF4cZkl1Vs8fl6kA0YpYmcXJ5k42ED6jw==\n"
			      "-----END CERTIFICATE-----\n";
static const char foreign_pin[] = "RdNPT5ay4SGU5Br87QNFlvRA/B+axJdL8La7EHzuCpI=";

static void on_hello(struct http_request *rq, const struct http_route *route, void *ctx)
{
	struct buf b = {0};

	(void)route;
	(void)ctx;
	buf_addf(&b, "tls=%d", http_is_tls(rq));
	http_reply(rq, 200, "text/plain", &b);
}

static const struct http_route routes[] = {
	{.method = "GET", .path = "/hello", .handler = on_hello},
};

struct env {
	struct buf cert, key;
	struct http_server *s;
};

static int setup(void **state)
{
	struct env *env = NEW(struct env);
	struct http_options o = {
		.listen = "127.0.0.1:0", .routes = routes, .n_routes = ARRAY_LEN(routes)};
	struct err e = {0};

	if (http_certificate_make(names, &env->cert, &env->key, &e) < 0)
		fail_msg("%s", e.text);
	o.cert_pem = env->cert.data;
	o.key_pem = env->key.data;
	if (http_server_start(&o, &env->s, &e) < 0)
		fail_msg("%s", e.text);
	*state = env;
	return 0;
}

static int teardown(void **state)
{
	struct env *env = *state;

	http_server_stop(env->s);
	buf_done(&env->cert);
	buf_wipe(&env->key);
	mem_free(env);
	return 0;
}

static void certificate_has_what_it_should(void **state)
{
	struct env *env = *state;
	gnutls_datum_t pem = {(unsigned char *)env->cert.data, (unsigned)env->cert.len};
	gnutls_x509_crt_t crt;
	unsigned bits;
	time_t now = time(NULL);

	gnutls_x509_crt_init(&crt);
	assert_int_equal(gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM), 0);
	assert_int_equal(gnutls_x509_crt_get_pk_algorithm(crt, &bits), GNUTLS_PK_ECDSA);
	assert_int_equal(bits, 256);
	assert_true(gnutls_x509_crt_check_hostname(crt, "127.0.0.1"));
	assert_true(gnutls_x509_crt_check_hostname(crt, "warren.test"));
	assert_true(gnutls_x509_crt_check_hostname(crt, "2001:db8::1"));
	assert_false(gnutls_x509_crt_check_hostname(crt, "127.0.0.2"));
	assert_false(gnutls_x509_crt_check_hostname(crt, "x.warren.test"));
	assert_true(gnutls_x509_crt_get_activation_time(crt) < now);
	assert_true(gnutls_x509_crt_get_expiration_time(crt) > now + 3600L * 24 * 3640);
	assert_true(gnutls_x509_crt_get_expiration_time(crt) < now + 3600L * 24 * 3660);
	gnutls_x509_crt_deinit(crt);
	assert_non_null(strstr(env->key.data, "BEGIN PRIVATE KEY"));
}

static void pins(void **state)
{
	CLEANUP(buf_done) struct buf pin = {0}, other = {0}, cert = {0}, key = {0};
	struct env *env = *state;
	struct err e = {0};

	assert_int_equal(http_certificate_pin(foreign, &pin, &e), 0);
	assert_string_equal(pin.data, foreign_pin);
	buf_reset(&pin);
	assert_int_equal(http_certificate_pin(env->cert.data, &pin, &e), 0);
	assert_int_equal(pin.len, 44);
	assert_int_equal(http_certificate_make(names, &cert, &key, &e), 0);
	assert_int_equal(http_certificate_pin(cert.data, &other, &e), 0);
	assert_string_not_equal(pin.data, other.data);
	assert_int_equal(http_certificate_pin("nonsense", &other, &e), ERR_INVALID);
	assert_int_equal(other.len, 44);
}

static void a_ca_file_is_honoured(void **state)
{
	struct env *env = *state;
	char path[] = "/tmp/warren-cert-XXXXXX";
	struct http_target t = {
		.base = mem_printf("https://127.0.0.1:%u", http_server_port(env->s)),
		.ca_file = mem_strdup(path)};
	struct http_send send = {.method = "GET", .path = "/hello"};
	struct http_response r = {0};
	struct err e = {0};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	strcpy(t.ca_file, path);
	assert_int_equal(write(fd, env->cert.data, env->cert.len), (ssize_t)env->cert.len);
	close(fd);
	if (http_call_wait(&t, &send, &r, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(buf_str(&r.body), "tls=1");
	http_response_done(&r);
	/* The name counts then. */
	mem_free(t.base);
	t.base = mem_printf("https://localhost:%u", http_server_port(env->s));
	assert_int_equal(http_call_wait(&t, &send, &r, &e), ERR_CORRUPT);
	http_target_done(&t);
	unlink(path);
}

/* The handshake's result with these GnuTLS priorities. */
static int shake(struct http_server *s, const char *priorities, gnutls_protocol_t *version)
{
	gnutls_certificate_credentials_t cred;
	gnutls_session_t session;
	int fd = dial(s), r;

	gnutls_certificate_allocate_credentials(&cred);
	gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
	assert_int_equal(gnutls_priority_set_direct(session, priorities, NULL), 0);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, cred);
	gnutls_transport_set_int(session, fd);
	gnutls_handshake_set_timeout(session, 10000);
	do
		r = gnutls_handshake(session);
	while (r < 0 && !gnutls_error_is_fatal(r));
	*version = gnutls_protocol_get_version(session);
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(cred);
	close(fd);
	return r;
}

static void old_tls_is_refused(void **state)
{
	struct env *env = *state;
	gnutls_protocol_t v;

	assert_int_equal(shake(env->s, "NORMAL", &v), 0);
	assert_int_equal(v, GNUTLS_TLS1_3);
	assert_int_equal(shake(env->s, "NORMAL:-VERS-ALL:+VERS-TLS1.2", &v), 0);
	assert_int_equal(v, GNUTLS_TLS1_2);
	assert_true(shake(env->s, "NORMAL:-VERS-ALL:+VERS-TLS1.1", &v) < 0);
}

struct half {
	gnutls_certificate_credentials_t cred;
	gnutls_session_t session;
	int fd;
	bool deaf;
};

static ssize_t half_pull(gnutls_transport_ptr_t arg, void *to, size_t n)
{
	struct half *h = arg;

	if (!h->deaf)
		return recv(h->fd, to, n, 0);
	errno = EAGAIN;
	return -1;
}

static ssize_t half_push(gnutls_transport_ptr_t arg, const void *from, size_t n)
{
	return send(((struct half *)arg)->fd, from, n, MSG_NOSIGNAL);
}

/* A client that begins a handshake, and does not go on when the server has said its part. */
static void half_begin(struct half *h, struct http_server *s)
{
	struct pollfd p;

	h->fd = dial(s);
	fcntl(h->fd, F_SETFL, O_NONBLOCK);
	gnutls_certificate_allocate_credentials(&h->cred);
	gnutls_init(&h->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL | GNUTLS_NONBLOCK);
	gnutls_set_default_priority(h->session);
	gnutls_credentials_set(h->session, GNUTLS_CRD_CERTIFICATE, h->cred);
	gnutls_transport_set_ptr(h->session, h);
	gnutls_transport_set_pull_function(h->session, half_pull);
	gnutls_transport_set_push_function(h->session, half_push);
	h->deaf = true;
	assert_int_equal(gnutls_handshake(h->session), GNUTLS_E_AGAIN);
	p = (struct pollfd){.fd = h->fd, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 10000), 1);
}

/* The rest of it; what the handshake comes to. */
static int half_go_on(struct half *h)
{
	struct pollfd p = {.fd = h->fd, .events = POLLIN};
	int r;

	h->deaf = false;
	do
		r = gnutls_handshake(h->session);
	while (r < 0 && !gnutls_error_is_fatal(r) && poll(&p, 1, 10000) > 0);
	return r;
}

static void half_end(struct half *h)
{
	gnutls_deinit(h->session);
	gnutls_certificate_free_credentials(h->cred);
	close(h->fd);
}

static double ms_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The library would try it again and again. */
static void a_handshake_that_waits_costs_nothing(void **state)
{
	struct env *env = *state;
	msec usual = http_request_time;
	struct half h;
	struct pollfd p;
	char rest[16384];
	double cpu, wall;

	http_request_time = 1000;
	wall = ms_of(CLOCK_MONOTONIC);
	half_begin(&h, env->s);
	p = (struct pollfd){.fd = h.fd, .events = POLLRDHUP};
	cpu = ms_of(CLOCK_PROCESS_CPUTIME_ID);
	assert_int_equal(poll(&p, 1, 30000), 1); /* until its time is over */
	cpu = ms_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	wall = ms_of(CLOCK_MONOTONIC) - wall;
	assert_true(wall > 500);
	assert_true(cpu < 100);
	while (read(h.fd, rest, sizeof(rest)) > 0)
		;
	half_end(&h);
	http_request_time = usual;
}

static void a_handshake_goes_on_after_others(void **state)
{
	struct env *env = *state;
	struct half halves[40]; /* more than one for each of the server's shards */
	gnutls_protocol_t v;

	for (size_t i = 0; i < ARRAY_LEN(halves); i++)
		half_begin(&halves[i], env->s);
	assert_int_equal(shake(env->s, "NORMAL", &v), 0);
	for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
		static const char ask[] = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
		struct pollfd p = {.fd = halves[i].fd, .events = POLLIN};
		char answer[4096];
		ssize_t n;

		if (i % 4 == 3) { /* these go away amid it */
			half_end(&halves[i]);
			continue;
		}
		assert_int_equal(half_go_on(&halves[i]), 0);
		assert_int_equal(gnutls_record_send(halves[i].session, ask, sizeof(ask) - 1),
			(ssize_t)sizeof(ask) - 1);
		do
			n = gnutls_record_recv(halves[i].session, answer, sizeof(answer));
		while (n < 0 && !gnutls_error_is_fatal((int)n) && poll(&p, 1, 10000) > 0);
		assert_true(n > 12);
		assert_memory_equal(answer, "HTTP/1.1 200", 12);
		half_end(&halves[i]);
	}
}

static void a_server_stops_amid_handshakes(void **state)
{
	struct half halves[3];
	struct env *own;

	(void)state;
	setup((void **)&own);
	for (size_t i = 0; i < ARRAY_LEN(halves); i++)
		half_begin(&halves[i], own->s);
	teardown((void **)&own);
	for (size_t i = 0; i < ARRAY_LEN(halves); i++)
		half_end(&halves[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificate_has_what_it_should),
		cmocka_unit_test(pins),
		cmocka_unit_test(a_ca_file_is_honoured),
		cmocka_unit_test(old_tls_is_refused),
		cmocka_unit_test(a_handshake_that_waits_costs_nothing),
		cmocka_unit_test(a_handshake_goes_on_after_others),
		cmocka_unit_test(a_server_stops_amid_handshakes),
	};

	return cmocka_run_group_tests_name("certificate", tests, setup, teardown);
}
