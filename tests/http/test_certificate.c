/* DOC: tests of certificates, pins and the TLS versions of the listener. */
#include "serve.h"

#include "http/client.h"

#include "base/file.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificate_has_what_it_should),
		cmocka_unit_test(pins),
		cmocka_unit_test(a_ca_file_is_honoured),
		cmocka_unit_test(old_tls_is_refused),
	};

	return cmocka_run_group_tests_name("certificate", tests, setup, teardown);
}
