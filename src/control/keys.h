/*
 * DOC: the fleet-wide keys: the master key in its file, and what it seals in the store: signing
 * root, signing seed and the certificates of the two TLS listeners.
 */
#ifndef WARREN_CONTROL_KEYS_H
#define WARREN_CONTROL_KEYS_H

#include "base/buf.h"
#include "control/control.h"
#include "store/store.h"

/* Read state_dir/master.key and compare it with the store's check value; both are made when the
 * store is brand new. A missing, corrupt or wrong key is ERR_CORRUPT naming the file. Then open (or
 * on a new store make) the seeds. ret is wiped on failure. */
int keys_open(struct store *s, const char *state_dir, struct control_keys *ret, struct err *e);
void keys_done(struct control_keys *k);

/* In a transaction: keep a new signing seed instead of k's; k itself stays as it is. The caller
 * wipes ret and hands it to hub_new_signing_key once it is committed. */
int keys_new_signing(
	struct tx *tx, const struct control_keys *k, struct secret *ret, struct err *e);

/* The self-signed certificate kept under `kind` ("tls_public", "tls_agent"), made when absent.
 * names[] as in http_certificate_make. The caller wipes key_pem. */
int keys_certificate(struct store *s, const struct control_keys *k, const char *kind,
	const char *const names[], struct buf *cert_pem, struct buf *key_pem, struct err *e);

#endif
