/* DOC: see cms.h. */
#include "crypto/cms.h"

#include "base/mem.h"

#include <stdint.h>
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/pkcs7.h>
#include <gnutls/x509.h>

#define CHAIN_MAX 8

/* Kept as text: GnuTLS's objects may not be shared by threads, and signatures are rare. */
struct cms_signer {
	struct buf cert_pem, key_pem;
};

/* What one signature needs. */
struct identity {
	gnutls_x509_crt_t chain[CHAIN_MAX]; /* the signer's first */
	unsigned n;
	gnutls_privkey_t key;
};

static void identity_done(struct identity *i)
{
	for (unsigned k = 0; k < i->n; k++)
		gnutls_x509_crt_deinit(i->chain[k]);
	gnutls_privkey_deinit(i->key);
	*i = (struct identity){0};
}

static gnutls_datum_t text_of(const struct buf *b)
{
	return (gnutls_datum_t){.data = (unsigned char *)b->data, .size = (unsigned)b->len};
}

static int read_chain(const struct cms_signer *s, struct identity *ret, struct err *e)
{
	gnutls_datum_t text = text_of(&s->cert_pem);
	unsigned n = CHAIN_MAX, usage;
	int r = gnutls_x509_crt_list_import(ret->chain, &n, &text, GNUTLS_X509_FMT_PEM,
		GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED | GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);

	if (r < 0)
		return err_field(e, ERR_INVALID, "cert",
			"the certificates cannot be used: %s (PEM, the signer's first, then who "
			"issued it, at most %d)",
			gnutls_strerror(r), CHAIN_MAX);
	ret->n = (unsigned)r;
	if (gnutls_x509_crt_get_key_usage(ret->chain[0], &usage, NULL) >= 0 &&
		!(usage & GNUTLS_KEY_DIGITAL_SIGNATURE))
		return err_field(e, ERR_INVALID, "cert",
			"the first certificate may not sign: its key usage lacks digitalSignature");
	return 0;
}

static int read_key(const struct cms_signer *s, struct identity *ret, struct err *e)
{
	gnutls_datum_t text = text_of(&s->key_pem);
	uint8_t a[64], b[64];
	size_t a_len = sizeof(a), b_len = sizeof(b);
	gnutls_pubkey_t pub = NULL;
	int r = gnutls_privkey_init(&ret->key);

	if (r >= 0)
		r = gnutls_privkey_import_x509_raw(
			ret->key, &text, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
	if (r < 0)
		return err_field(e, ERR_INVALID, "key",
			"the key cannot be read: %s (PEM, not encrypted)", gnutls_strerror(r));
	r = gnutls_pubkey_init(&pub);
	if (r >= 0)
		r = gnutls_pubkey_import_privkey(pub, ret->key, 0, 0);
	if (r >= 0)
		r = gnutls_pubkey_get_key_id(pub, GNUTLS_KEYID_USE_SHA256, a, &a_len);
	if (r >= 0)
		r = gnutls_x509_crt_get_key_id(ret->chain[0], GNUTLS_KEYID_USE_SHA256, b, &b_len);
	gnutls_pubkey_deinit(pub);
	if (r < 0 || a_len != b_len || memcmp(a, b, a_len) != 0)
		return err_field(
			e, ERR_INVALID, "key", "the key is not that of the first certificate");
	return 0;
}

static int identity_init(const struct cms_signer *s, struct identity *ret, struct err *e)
{
	int r = read_chain(s, ret, e);

	if (r == 0)
		r = read_key(s, ret, e);
	if (r < 0)
		identity_done(ret);
	return r;
}

int cms_signer_new(
	const char *cert_pem, const char *key_pem, struct cms_signer **ret, struct err *e)
{
	CLEANUP(identity_done) struct identity i = {0};
	struct cms_signer *s = NEW(struct cms_signer);
	int r;

	buf_adds(&s->cert_pem, cert_pem);
	buf_room(&s->key_pem, strlen(key_pem) + 1); /* growing would leave a copy behind */
	buf_adds(&s->key_pem, key_pem);
	r = identity_init(s, &i, e);
	if (r < 0) {
		cms_signer_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct cms_signer *cms_signer_free(struct cms_signer *s)
{
	if (s == NULL)
		return NULL;
	buf_done(&s->cert_pem);
	buf_wipe(&s->key_pem);
	return mem_free(s);
}

/* A GnuTLS code. */
static int sign(const struct identity *i, const gnutls_datum_t *data, gnutls_datum_t *ret)
{
	gnutls_pkcs7_t p = NULL;
	int r = gnutls_pkcs7_init(&p);

	if (r >= 0)
		r = gnutls_pkcs7_sign(p, i->chain[0], i->key, data, NULL, NULL, GNUTLS_DIG_SHA256,
			GNUTLS_PKCS7_EMBED_DATA | GNUTLS_PKCS7_INCLUDE_CERT |
				GNUTLS_PKCS7_INCLUDE_TIME);
	for (unsigned k = 1; r >= 0 && k < i->n; k++)
		r = gnutls_pkcs7_set_crt(p, i->chain[k]);
	if (r >= 0)
		r = gnutls_pkcs7_export2(p, GNUTLS_X509_FMT_DER, ret);
	gnutls_pkcs7_deinit(p);
	return r;
}

int cms_sign(const struct cms_signer *s, const void *data, size_t n, struct buf *out, struct err *e)
{
	CLEANUP(identity_done) struct identity i = {0};
	gnutls_datum_t text = {.data = (unsigned char *)(uintptr_t)data, .size = (unsigned)n};
	gnutls_datum_t der = {0};
	int r = identity_init(s, &i, e);

	if (r < 0)
		return r;
	r = sign(&i, &text, &der);
	if (r < 0)
		return err_set(e, ERR_INTERNAL, "cannot sign: %s", gnutls_strerror(r));
	buf_add(out, der.data, der.size);
	mem_wipe(der.data, der.size);
	gnutls_free(der.data);
	return 0;
}
