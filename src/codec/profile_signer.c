/* DOC: see profile_signer.h. */
#include "codec/profile_signer.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define PEM_MAX (64 * 1024)
#define CERT "profile_signing_cert"
#define KEY "profile_signing_key"

static int name_setting(struct err *e, const char *setting)
{
	snprintf(e->field, sizeof(e->field), "%s", setting);
	err_prefix(e, "%s", setting);
	return e->code = ERR_INVALID;
}

static int read_both(const char *cert_file, const char *key_file, struct buf *cert, struct buf *key,
	struct err *e)
{
	if (file_read(cert_file, PEM_MAX, cert, e) < 0)
		return name_setting(e, CERT);
	if (file_read_private(key_file, PEM_MAX, key, e) < 0)
		return name_setting(e, KEY);
	return 0;
}

int profile_signer_open(
	const char *cert_file, const char *key_file, struct cms_signer **ret, struct err *e)
{
	CLEANUP(buf_done) struct buf cert = {0};
	CLEANUP(buf_wipe) struct buf key = {0};
	int r;

	if (cert_file == NULL && key_file == NULL)
		return 0;
	if (cert_file == NULL)
		return err_field(e, ERR_INVALID, CERT, CERT ": the key needs its certificate");
	if (key_file == NULL)
		return err_field(e, ERR_INVALID, KEY, KEY ": the certificate needs its key");
	r = read_both(cert_file, key_file, &cert, &key, e);
	if (r < 0)
		return r;
	r = cms_signer_new(buf_str(&cert), buf_str(&key), ret, e);
	return r < 0 ? name_setting(e, strcmp(e->field, "key") == 0 ? KEY : CERT) : 0;
}
