/* DOC: self-signed certificates and pins, with GnuTLS; see server.h. */
#include "http/server.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#define SERIAL_LEN 16
#define VALID_SECONDS ((time_t)3650 * 24 * 3600)
/* Clocks of routers and fresh machines are often behind. */
#define BACKDATE_SECONDS ((time_t)24 * 3600)
#define SPKI_MAX 4096

static int fail(struct err *e, int r, const char *what)
{
	return err_set(e, ERR_INTERNAL, "cannot %s: %s", what, gnutls_strerror(r));
}

static int set_name(gnutls_x509_crt_t crt, const char *name)
{
	uint8_t address[16];
	int n = 0;

	if (inet_pton(AF_INET, name, address) == 1)
		n = 4;
	else if (inet_pton(AF_INET6, name, address) == 1)
		n = 16;
	if (n > 0)
		return gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_IPADDRESS, address, (unsigned)n, GNUTLS_FSAN_APPEND);
	return gnutls_x509_crt_set_subject_alt_name(
		crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
}

/* Fill in everything but the signature; a GnuTLS code. */
static int fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *const names[])
{
	uint8_t serial[SERIAL_LEN];
	time_t now = time(NULL);
	int r;

	r = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and of full length */
	if (r >= 0)
		r = gnutls_x509_crt_set_version(crt, 3);
	if (r >= 0)
		r = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	if (r >= 0)
		r = gnutls_x509_crt_set_activation_time(crt, now - BACKDATE_SECONDS);
	if (r >= 0)
		r = gnutls_x509_crt_set_expiration_time(crt, now + VALID_SECONDS);
	if (r >= 0)
		r = gnutls_x509_crt_set_key(crt, key);
	if (r >= 0)
		r = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, "warren", 6);
	if (r >= 0)
		r = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	if (r >= 0)
		r = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (r >= 0)
		r = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	for (size_t i = 0; r >= 0 && names[i] != NULL; i++)
		r = set_name(crt, names[i]);
	return r;
}

static int export_both(
	gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, struct buf *cert_pem, struct buf *key_pem)
{
	gnutls_datum_t cert_text = {0}, key_text = {0};
	int r = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &cert_text);

	if (r >= 0)
		r = gnutls_x509_privkey_export2_pkcs8(
			key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &key_text);
	if (r >= 0) {
		buf_add(cert_pem, cert_text.data, cert_text.size);
		buf_add(key_pem, key_text.data, key_text.size);
	}
	if (key_text.data != NULL)
		mem_wipe(key_text.data, key_text.size);
	gnutls_free(key_text.data);
	gnutls_free(cert_text.data);
	return r;
}

int http_certificate_make(
	const char *const names[], struct buf *cert_pem, struct buf *key_pem, struct err *e)
{
	gnutls_x509_crt_t crt = NULL;
	gnutls_x509_privkey_t key = NULL;
	int r = gnutls_x509_crt_init(&crt);

	if (r >= 0)
		r = gnutls_x509_privkey_init(&key);
	if (r >= 0)
		r = gnutls_x509_privkey_generate(
			key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (r >= 0)
		r = fill(crt, key, names);
	if (r >= 0)
		r = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
	if (r >= 0)
		r = export_both(crt, key, cert_pem, key_pem);
	gnutls_x509_privkey_deinit(key);
	gnutls_x509_crt_deinit(crt);
	return r < 0 ? fail(e, r, "make a certificate") : 0;
}

/* base64(SHA-256(SubjectPublicKeyInfo)) of a parsed certificate; a GnuTLS code. */
static int pin_of(gnutls_x509_crt_t crt, struct buf *out)
{
	uint8_t spki[SPKI_MAX], hash[32];
	size_t n = sizeof(spki);
	gnutls_pubkey_t key = NULL;
	gnutls_datum_t text = {0}, hash_datum = {hash, sizeof(hash)};
	int r = gnutls_pubkey_init(&key);

	if (r >= 0)
		r = gnutls_pubkey_import_x509(key, crt, 0);
	if (r >= 0)
		r = gnutls_pubkey_export(key, GNUTLS_X509_FMT_DER, spki, &n);
	if (r >= 0)
		r = gnutls_hash_fast(GNUTLS_DIG_SHA256, spki, n, hash);
	if (r >= 0)
		r = gnutls_base64_encode2(&hash_datum, &text);
	if (r >= 0)
		buf_add(out, text.data, text.size);
	gnutls_free(text.data);
	gnutls_pubkey_deinit(key);
	return r;
}

int http_certificate_pin(const char *cert_pem, struct buf *out, struct err *e)
{
	gnutls_datum_t pem = {(unsigned char *)(uintptr_t)cert_pem, (unsigned)strlen(cert_pem)};
	gnutls_x509_crt_t crt = NULL;
	int r = gnutls_x509_crt_init(&crt);

	if (r >= 0)
		r = gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM);
	if (r >= 0)
		r = pin_of(crt, out);
	gnutls_x509_crt_deinit(crt);
	return r < 0 ? err_set(e, ERR_INVALID, "not a usable certificate: %s", gnutls_strerror(r))
		     : 0;
}
