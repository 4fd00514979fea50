/* DOC: see verify.h. */
#include "crypto/verify.h"

#include "base/err.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#define P256_LEN 32
#define ED25519_LEN 32

static gnutls_datum_t datum(const uint8_t *p, size_t n)
{
	return (gnutls_datum_t){.data = (unsigned char *)(uintptr_t)p, .size = (unsigned)n};
}

static int import(gnutls_pubkey_t pub, const struct verify_key *k)
{
	gnutls_datum_t a = datum(k->a, k->a_len), b = datum(k->b, k->b_len);

	switch (k->alg) {
	case VERIFY_RS256:
		return k->a_len < VERIFY_RSA_MIN ? -1 : gnutls_pubkey_import_rsa_raw(pub, &a, &b);
	case VERIFY_ES256:
		return k->a_len != P256_LEN || k->b_len != P256_LEN
			? -1
			: gnutls_pubkey_import_ecc_raw(pub, GNUTLS_ECC_CURVE_SECP256R1, &a, &b);
	case VERIFY_EDDSA:
		return k->a_len != ED25519_LEN
			? -1
			: gnutls_pubkey_import_ecc_raw(pub, GNUTLS_ECC_CURVE_ED25519, &a, NULL);
	case VERIFY_NONE:
		break;
	}
	return -1;
}

/* JWS has r and s side by side; GnuTLS wants them in DER. */
static int verify_ecdsa(
	gnutls_pubkey_t pub, const gnutls_datum_t *data, const uint8_t *sig, size_t sig_len)
{
	gnutls_datum_t r = datum(sig, P256_LEN), s = datum(sig + P256_LEN, P256_LEN), der;
	int code;

	if (sig_len != 2 * P256_LEN || gnutls_encode_rs_value(&der, &r, &s) < 0)
		return -1;
	code = gnutls_pubkey_verify_data2(pub, GNUTLS_SIGN_ECDSA_SHA256, 0, data, &der);
	gnutls_free(der.data);
	return code;
}

int verify_signature(
	const struct verify_key *k, const void *data, size_t n, const uint8_t *sig, size_t sig_len)
{
	gnutls_datum_t text = datum(data, n), raw = datum(sig, sig_len);
	gnutls_pubkey_t pub;
	int code;

	if (gnutls_pubkey_init(&pub) < 0)
		return ERR_CORRUPT;
	code = import(pub, k);
	if (code >= 0 && k->alg == VERIFY_ES256)
		code = verify_ecdsa(pub, &text, sig, sig_len);
	else if (code >= 0)
		code = gnutls_pubkey_verify_data2(pub,
			k->alg == VERIFY_RS256 ? GNUTLS_SIGN_RSA_SHA256 : GNUTLS_SIGN_EDDSA_ED25519,
			0, &text, &raw);
	gnutls_pubkey_deinit(pub);
	return code >= 0 ? 0 : ERR_CORRUPT;
}
