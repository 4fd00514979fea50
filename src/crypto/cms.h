/*
 * DOC: signed messages (CMS, RFC 5652; PKCS#7 to most programs) by a certificate of the operator's,
 * by GnuTLS. The message and the certificates are inside, as Apple's profiles want them.
 */
#ifndef WARREN_CRYPTO_CMS_H
#define WARREN_CRYPTO_CMS_H

#include "base/buf.h"
#include "base/err.h"

struct cms_signer;

/* From PEM: the signer's certificate first, then those that issued it, and the unencrypted key of
 * the first. ERR_INVALID with field "cert" or "key" when one is unreadable, the key is not the
 * certificate's, or the certificate may not sign. Both texts are copied; the key's copy is wiped.
 */
int cms_signer_new(
	const char *cert_pem, const char *key_pem, struct cms_signer **ret, struct err *e);
/* NULL is fine. Returns NULL. */
struct cms_signer *cms_signer_free(struct cms_signer *s);

/* Append data signed, in DER. From any thread. ERR_INTERNAL when GnuTLS refuses. */
int cms_sign(
	const struct cms_signer *s, const void *data, size_t n, struct buf *out, struct err *e);

#endif
